"""Averages of a model's weights: exponential (EMA) or equal (SWA), and what goes with the second.

PyTorch: `torch.optim.swa_utils`. An averaged model is a module of its own, to be evaluated in place of the trained one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..grad_mode import no_grad
from ..nn import BatchNorm1d, BatchNorm2d, BatchNorm3d, Module
from ..tensor import Tensor
from .lr_scheduler.base import FactorLR, check_optimizer, number, per_group, whole
from .lr_scheduler.schedules import half_cosine
from .optimizer import Optimizer

# From the average, the current value, and how many values are in the average, to the new average.
Average = Callable[[Tensor, Tensor, Tensor | int], Tensor]
# The same of many tensors of one dtype and device, in place.
MultiAverage = Callable[[Sequence[Tensor], Sequence[Tensor], Tensor | int], None]


def get_ema_multi_avg_fn(decay: float = 0.999) -> MultiAverage:
    """The exponential moving average, decay * average + (1 - decay) * value, of many tensors in place.

    PyTorch: `get_ema_multi_avg_fn`. Raises ValueError for a decay outside [0, 1].
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Tensor | int) -> None:
        for average, value in zip(averaged, current, strict=True):
            if average.dtype.kind == "f":
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(average * decay + value * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> MultiAverage:
    """The mean of all values so far, of many tensors in place. PyTorch: `get_swa_multi_avg_fn`."""

    @no_grad()
    def swa_update(averaged: Sequence[Tensor], current: Sequence[Tensor], num_averaged: Tensor | int) -> None:
        count = int(num_averaged) + 1
        for average, value in zip(averaged, current, strict=True):
            if average.dtype.kind == "f":
                average.lerp_(value, 1 / count)
            else:
                average.copy_(average + (value - average) / count)

    return swa_update


def get_ema_avg_fn(decay: float = 0.999) -> Average:
    """The exponential moving average, decay * average + (1 - decay) * value, of one tensor.

    PyTorch: `get_ema_avg_fn`. Raises ValueError for a decay outside [0, 1].
    """
    _check_decay(decay)

    @no_grad()
    def ema_update(averaged: Tensor, current: Tensor, num_averaged: Tensor | int) -> Tensor:
        return decay * averaged + (1 - decay) * current

    return ema_update


def get_swa_avg_fn() -> Average:
    """The mean of all values so far, of one tensor. PyTorch: `get_swa_avg_fn`."""

    @no_grad()
    def swa_update(averaged: Tensor, current: Tensor, num_averaged: Tensor | int) -> Tensor:
        return averaged + (current - averaged) / (int(num_averaged) + 1)

    return swa_update


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"the decay of an exponential moving average must be in [0, 1], got {decay}")


class AveragedModel(Module):
    """A copy of `model` whose parameters are an average over the calls of `update_parameters(model)`.

    PyTorch: `torch.optim.swa_utils.AveragedModel`. The first call copies the parameters, each other one averages. The
    average is the mean of all (stochastic weight averaging) unless `avg_fn` or `multi_avg_fn` says otherwise; with
    `multi_avg_fn=get_ema_multi_avg_fn(decay)` it is an exponential one. Buffers are copied, or averaged too with
    `use_buffers`. The copy lives on `device` if that is given. The functions are not in the `state_dict`, which holds
    "n_averaged", the number of calls, beside the copy's own under "module.".

    Sources: Izmailov et al., "Averaging weights leads to wider optima and better generalization" (arXiv:1803.05407);
    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (1992).

    Raises ValueError for both functions at once, and when updated from a model that is not like the copy.

    >>> import minigrad as mg
    >>> from minigrad.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
    >>> model = mg.nn.Linear(1, 1, bias=False)
    >>> averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.75))
    >>> for value in 4.0, 8.0:
    ...     _ = mg.nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged(mg.ones(1)).item()
    5.0
    """

    n_averaged: Tensor

    def __init__(
        self, model: Module, device: Any = None, avg_fn: Average | None = None,
        multi_avg_fn: MultiAverage | None = None, use_buffers: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise ValueError("AveragedModel: give avg_fn or multi_avg_fn, not both")
        self.module = copy.deepcopy(model)
        self.module.zero_grad()
        if device is not None:
            self.module.to(device=device)
        # On the host, wherever the module is: to look at it must not wait for a device.
        self.register_buffer("n_averaged", Tensor(np.zeros((), np.int64)))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters of `model` into the average. PyTorch: `AveragedModel.update_parameters`."""
        parameters = _pairs("parameters", self.module.parameters(), model.parameters())
        buffers = _pairs("buffers", self.module.buffers(), model.buffers())
        averaged, copied = (parameters + buffers, []) if self.use_buffers else (parameters, buffers)
        count = int(self.n_averaged)
        if count == 0:
            averaged, copied = [], averaged + copied
        for average, value in copied:
            average.copy_(value)
        if self.avg_fn is not None:
            for average, value in averaged:
                average.copy_(self.avg_fn(average, value, self.n_averaged.to(device=average.device)))
        else:
            groups: dict[tuple[str, Any], list[tuple[Tensor, Tensor]]] = {}
            for average, value in averaged:
                groups.setdefault((str(average.device), average.dtype), []).append((average, value))
            for (device, _), pairs in groups.items():
                averages, values = map(list, zip(*pairs))
                if self.multi_avg_fn is not None:
                    self.multi_avg_fn(averages, values, self.n_averaged.to(device=device))
                else:
                    get_swa_multi_avg_fn()(averages, values, count)
        self.n_averaged.add_(1)


def _pairs(kind: str, averaged: Iterable[Tensor], current: Iterable[Tensor]) -> list[tuple[Tensor, Tensor]]:
    averages, values = list(averaged), list(current)
    own, others = ([tuple(each.shape) for each in tensors] for tensors in (averages, values))
    if own != others:
        raise ValueError(
            f"AveragedModel: the {kind} have shapes {own}, those of the model {others}; nothing was changed (was the "
            f"model changed after it was copied?)"
        )
    return [(average.detach(), value.detach().to(device=average.device)) for average, value in zip(averages, values)]


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of all BatchNorm layers afresh, as the mean over the batches of `loader`.

    PyTorch: `torch.optim.swa_utils.update_bn`. Averaged weights need it: no batch has passed through them. A batch is
    a tensor, or a tuple or list that starts with one; it is brought to `device` first if that is given.
    """
    norms = [module for module in model.modules() if isinstance(module, (BatchNorm1d, BatchNorm2d, BatchNorm3d))]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    was_training = model.training
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean of all batches
        model.train()
        for batch in loader:
            input = batch[0] if isinstance(batch, (list, tuple)) else batch
            model(input if device is None else input.to(device=device))
    finally:
        for norm, momentum in zip(norms, momenta):
            norm.momentum = momentum
        model.train(was_training)


class SWALR(FactorLR):
    """From the rate that is there to `swa_lr` in `anneal_epochs` steps, by a "cos" or "linear"; then `swa_lr`.

    PyTorch: `torch.optim.swa_utils.SWALR`. `swa_lr` may be a list, with one for each group. Another scheduler may have
    the rates before: this one starts where they are when it first steps.

    Raises ValueError for an unknown `anneal_strategy` and for a negative `anneal_epochs`.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = mg.optim.swa_utils.SWALR(sgd, swa_lr=0.5, anneal_epochs=2, anneal_strategy="linear")
    >>> rates = []
    >>> for step in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     sgd.step()
    ...     scheduler.step()
    >>> rates
    [1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self, optimizer: Optimizer, swa_lr: float | list[float], anneal_epochs: int = 10, anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        check_optimizer(optimizer)
        rates = [number(self, "swa_lr", lr, 0.0) for lr in per_group(self, "swa_lr", swa_lr, optimizer)]
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"SWALR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.anneal_epochs = whole(self, "anneal_epochs", anneal_epochs, 0)
        self._anneal_strategy = anneal_strategy
        for group, lr in zip(optimizer.param_groups, rates):
            group["swa_lr"] = lr
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        if step >= self.anneal_epochs:
            return 0.0
        progress = step / self.anneal_epochs
        return half_cosine(progress) if self._anneal_strategy == "cos" else 1.0 - progress

    def floors(self) -> list[float]:
        return [group["swa_lr"] for group in self.optimizer.param_groups]

    def get_lr(self) -> list[float]:
        rates = super().get_lr()
        return rates if self.factor_at(self.last_epoch) else self.floors()
