"""Schedulers whose rate is one formula of the step, or a function of yours. PyTorch: `torch.optim.lr_scheduler`.

The formulas are factors of the initial rate; `FactorLR` in `base.py` makes rates of them, also where several act on
one optimizer.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import FactorLR, LRScheduler, check_optimizer, number, per_group, whole
from .schedules import half_cosine


class StepLR(FactorLR):
    """The rate times `gamma` every `step_size` steps. PyTorch: `StepLR`.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=0.5)
    >>> scheduler = mg.optim.lr_scheduler.StepLR(sgd, step_size=2, gamma=0.5)
    >>> for step in range(5):
    ...     sgd.step()
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> None:
        self.step_size = whole(self, "step_size", step_size)
        self.gamma = number(self, "gamma", gamma, 0.0)
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        return float(self.gamma ** (step // self.step_size))


class MultiStepLR(FactorLR):
    """The rate times `gamma` at each of `milestones`; a milestone given twice counts twice. PyTorch: `MultiStepLR`."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones = Counter(whole(self, "a milestone", milestone, 0) for milestone in milestones)
        self.gamma = number(self, "gamma", gamma, 0.0)
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        return float(self.gamma ** sum(count for milestone, count in self.milestones.items() if milestone <= step))

    def _load(self, state_dict: Mapping[str, Any]) -> None:
        super()._load(state_dict)
        self.milestones = Counter({int(step): count for step, count in self.milestones.items()})  # JSON's keys are text


class ConstantLR(FactorLR):
    """`factor` times the initial rate for `total_iters` steps, then the initial rate. PyTorch: `ConstantLR`."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.factor = number(self, "factor", factor, 0.0, 1.0)
        self.total_iters = whole(self, "total_iters", total_iters)
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        return self.factor if step < self.total_iters else 1.0


class LinearLR(FactorLR):
    """A line from `start_factor` to `end_factor` over `total_iters` steps, then `end_factor`. PyTorch: `LinearLR`."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.start_factor = number(self, "start_factor", start_factor, 0.0, 1.0)
        if start_factor == 0.0:
            raise ValueError("LinearLR: start_factor must be above 0: the first step would change nothing")
        self.end_factor = number(self, "end_factor", end_factor, 0.0, 1.0)
        self.total_iters = whole(self, "total_iters", total_iters)
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        if step >= self.total_iters:
            return self.end_factor
        return self.start_factor + (self.end_factor - self.start_factor) * (step / self.total_iters)


class ExponentialLR(FactorLR):
    """The rate times `gamma` at every step. PyTorch: `ExponentialLR`."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = number(self, "gamma", gamma, 0.0)
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        return float(self.gamma**step)


class PolynomialLR(FactorLR):
    """The initial rate times (1 - step / total_iters) ** power, and 0 from there on. PyTorch: `PolynomialLR`."""

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> None:
        self.total_iters = whole(self, "total_iters", total_iters)
        self.power = number(self, "power", power, 0.0)
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        return float((1.0 - min(step, self.total_iters) / self.total_iters) ** self.power)


class CosineAnnealingLR(FactorLR):
    """Half a cosine from the initial rate to `eta_min` over `T_max` steps, and back. PyTorch: `CosineAnnealingLR`.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        self.T_max = number(self, "T_max", T_max, 0.0)
        if T_max == 0:
            raise ValueError("CosineAnnealingLR: T_max must be above 0, got 0")
        self.eta_min = number(self, "eta_min", eta_min, 0.0)
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        return half_cosine(step / self.T_max)

    def floors(self) -> list[float]:
        return [self.eta_min] * len(self.base_lrs)


class WarmupStableDecayLR(FactorLR):
    """A rise to the initial rate, a long time at it, and a decay to `min_lr_ratio` of it, where it stays.

    `num_stable_steps` lie between the warm-up and the decay; or give `num_training_steps`, those of all three phases.
    `warmup_type` and `decay_type` are "linear", "cosine" or "1-sqrt"; with more than half a period in `num_cycles` a
    decay by the cosine rises again. Step 0 has `min_lr_ratio` of the rate if there is a warm-up. PyTorch has no such
    scheduler; the names and rates are those of `transformers.get_wsd_schedule`.

    Sources: Hu et al., "MiniCPM: unveiling the potential of small language models with scalable training strategies"
    (arXiv:2404.06395); for "1-sqrt" Hägele et al., "Scaling laws and compute-optimal training beyond fixed training
    durations" (arXiv:2405.18392).

    Raises ValueError for phases that do not fit into `num_training_steps` and for a type that is unknown.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = mg.optim.lr_scheduler.WarmupStableDecayLR(sgd, 2, 2, num_training_steps=6, decay_type="linear")
    >>> rates = []
    >>> for step in range(7):
    ...     rates += scheduler.get_last_lr()
    ...     sgd.step()
    ...     scheduler.step()
    >>> rates
    [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, num_warmup_steps: int, num_decay_steps: int, num_training_steps: int | None = None,
        num_stable_steps: int | None = None, warmup_type: str = "linear", decay_type: str = "cosine",
        min_lr_ratio: float = 0.0, num_cycles: float = 0.5, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.num_warmup_steps = whole(self, "num_warmup_steps", num_warmup_steps, 0)
        self.num_decay_steps = whole(self, "num_decay_steps", num_decay_steps, 0)
        if num_stable_steps is None:
            if num_training_steps is None:
                raise ValueError("WarmupStableDecayLR: give num_training_steps or num_stable_steps")
            num_stable_steps = num_training_steps - num_warmup_steps - num_decay_steps
        self.num_stable_steps = whole(self, "num_stable_steps", num_stable_steps, 0)
        total = num_warmup_steps + num_stable_steps + num_decay_steps
        if num_training_steps not in (None, total):
            raise ValueError(
                f"WarmupStableDecayLR: {num_warmup_steps} + {num_stable_steps} + {num_decay_steps} steps of the three "
                f"phases are {total}, not num_training_steps={num_training_steps}; leave one of them away"
            )
        for name, kind in ("warmup_type", warmup_type), ("decay_type", decay_type):
            if kind not in FALLS:
                raise ValueError(f"WarmupStableDecayLR: {name} must be one of {', '.join(FALLS)}, got {kind!r}")
        self.min_lr_ratio = number(self, "min_lr_ratio", min_lr_ratio, 0.0, 1.0)
        self.num_cycles = number(self, "num_cycles", num_cycles, 0.0)
        self.warmup_type = warmup_type
        self.decay_type = decay_type
        super().__init__(optimizer, last_epoch)

    def factor_at(self, step: int) -> float:
        decaying = step - self.num_warmup_steps - self.num_stable_steps
        if step < self.num_warmup_steps:
            left = RISES[self.warmup_type](step / self.num_warmup_steps)
        elif decaying < 0:
            left = 1.0
        elif decaying < self.num_decay_steps:
            cycles = 2.0 * self.num_cycles if self.decay_type == "cosine" else 1.0
            left = FALLS[self.decay_type](cycles * decaying / self.num_decay_steps)
        else:
            left = 0.0
        return self.min_lr_ratio + (1.0 - self.min_lr_ratio) * left


# From 1 at 0 to 0 at 1; and from 0 at 0 to 1 at 1.
FALLS: dict[str, Callable[[float], float]] = {
    "linear": lambda progress: 1.0 - progress,
    "cosine": half_cosine,
    "1-sqrt": lambda progress: 1.0 - math.sqrt(progress),
}
RISES: dict[str, Callable[[float], float]] = {
    "linear": lambda progress: progress,
    "cosine": lambda progress: 1.0 - half_cosine(progress),
    "1-sqrt": lambda progress: 1.0 - math.sqrt(1.0 - progress),
}


# ------------------------------------------------------------------------------------------- functions of yours

Lambda = Callable[[int], float]


class _Lambdas(LRScheduler):
    saved_attributes_of = ("lr_lambdas",)
    lr_lambdas: list[Lambda]

    def __init__(self, optimizer: Optimizer, lr_lambda: Lambda | Sequence[Lambda], last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.lr_lambdas = per_group(self, "lr_lambda", lr_lambda, optimizer)
        for function in self.lr_lambdas:
            if not callable(function):
                raise TypeError(f"{type(self).__name__}: lr_lambda must be a function, got {type(function).__name__}")
        super().__init__(optimizer, last_epoch)


class LambdaLR(_Lambdas):
    """The initial rate times `lr_lambda(step)`; one function, or a list with one per group. PyTorch: `LambdaLR`.

    Functions are not in the `state_dict`: give the same ones to the scheduler that loads it. Of an object that can be
    called the attributes are.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = LambdaLR(sgd, mg.optim.lr_scheduler.warmup_linear(1, 3))
    >>> rates = []
    >>> for step in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     sgd.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 1.0, 0.5, 0.0]
    """

    overwrites = True

    def get_lr(self) -> list[float]:
        self._warn_outside_of_step()
        return [base * float(function(self.last_epoch)) for base, function in zip(self.base_lrs, self.lr_lambdas)]


class MultiplicativeLR(_Lambdas):
    """The rate times `lr_lambda(step)` at every step from the first on; one function, or a list with one per group.

    PyTorch: `MultiplicativeLR`. What is saved is as for `LambdaLR`. With `last_epoch` the rates are taken as they are.
    """

    def get_lr(self) -> list[float]:
        self._warn_outside_of_step()
        rates = [group["lr"] for group in self.optimizer.param_groups]
        if self._is_initial or len(rates) != len(self.lr_lambdas):
            return rates[: len(self.lr_lambdas)]
        return [rate * float(function(self.last_epoch)) for rate, function in zip(rates, self.lr_lambdas)]
