"""Learning rates as functions of the step.

A scheduler here computes the rate of a step from that step's number alone, so resuming at step n gives the rates of a
run that was never stopped. PyTorch's schedulers keep their names; the schedules of today's language models, warm-up
followed by a decay, are plain functions from step to factor: call them yourself or hand them to `LambdaLR`.
"""

from __future__ import annotations

import math
import warnings
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

from .optimizer import Optimizer

Schedule = Callable[[int], float]  # from the number of the step, 0 for the first, to a factor of the learning rate

# ---------------------------------------------------------------------------------------------------- schedules


def warmup_constant(warmup_steps: int = 0) -> Schedule:
    """Linear warm-up, then 1. Step n of the warm-up has factor (n + 1) / (warmup_steps + 1), so none has 0.

    >>> [warmup_constant(3)(step) for step in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    return _schedule(warmup_steps, math.inf, math.inf, 1.0, _line)


def warmup_linear(warmup_steps: int, total_steps: int, final: float = 0.0) -> Schedule:
    """Linear warm-up, then a line from 1 down to `final` at step `total_steps`, and `final` from there on."""
    return _schedule(warmup_steps, warmup_steps, total_steps, final, _line)


def warmup_cosine(warmup_steps: int, total_steps: int, final: float = 0.0) -> Schedule:
    """Linear warm-up, then half a cosine from 1 down to `final` at step `total_steps`, and `final` from there on.

    Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).

    >>> schedule = warmup_cosine(1, 5, final=0.1)
    >>> [round(schedule(step), 3) for step in range(7)]
    [0.5, 1.0, 0.868, 0.55, 0.232, 0.1, 0.1]
    """
    return _schedule(warmup_steps, warmup_steps, total_steps, final, _half_cosine)


def warmup_stable_decay(warmup_steps: int, decay_steps: int, total_steps: int, final: float = 0.0) -> Schedule:
    """Linear warm-up, then 1, then over the last `decay_steps` a line down to `final` at step `total_steps`.

    Source: Hu et al., "MiniCPM: unveiling the potential of small language models with scalable training strategies"
    (2024).
    """
    return _schedule(warmup_steps, total_steps - decay_steps, total_steps, final, _line)


def _schedule(warmup_steps: int, start: float, end: float, final: float, fall: Callable[[float], float]) -> Schedule:
    """Warm-up, 1 until step `start`, then `fall` (from 1 at 0 to 0 at 1) stretched to reach `final` at step `end`."""
    if not 0 <= warmup_steps <= start <= end:
        raise ValueError(f"{warmup_steps} steps of warm-up and a decay from step {start} to step {end} do not fit")

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        if step < start:
            return 1.0
        if step >= end:
            return final
        return final + (1.0 - final) * fall((step - start) / (end - start))

    return factor


def _line(progress: float) -> float:
    return 1.0 - progress


def _half_cosine(progress: float) -> float:
    return 0.5 + 0.5 * math.cos(math.pi * progress)


# --------------------------------------------------------------------------------------------------- schedulers


class LRScheduler:
    """Base: sets the rate of every parameter group, when it is made for step 0 and at each `step()` for the next one.

    PyTorch: `torch.optim.lr_scheduler.LRScheduler`. Every scheduler defines `lrs_at`, a pure function of the step.
    With `last_epoch` = n the rates of step n + 1 come first; groups then need an "initial_lr", as PyTorch asks.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            elif "initial_lr" not in group:
                raise KeyError(f"last_epoch={last_epoch} needs 'initial_lr' in parameter group {number}")
        self.last_epoch = last_epoch
        self.step()

    @property
    def base_lrs(self) -> list[float]:
        """What the factors multiply: "initial_lr" of each parameter group, saved with the optimizer."""
        return [group["initial_lr"] for group in self.optimizer.param_groups]

    def lrs_at(self, step: int) -> list[float]:
        """The rate of each parameter group at a step, whatever came before."""
        raise NotImplementedError(f"{type(self).__name__} does not define lrs_at()")

    def step(self) -> None:
        """Go on to the next step and set its rates. Warns, as PyTorch does, if the optimizer took none before."""
        if self.last_epoch == 0 and not self.optimizer.has_stepped:
            warnings.warn(
                f"{type(self).__name__}.step() before the first {type(self.optimizer).__name__}.step(): the first rate "
                f"goes unused; call optimizer.step() first",
                stacklevel=2,
            )
        self._set(self.last_epoch + 1)

    def _set(self, step: int) -> None:
        self.last_epoch = step
        for group, lr in zip(self.optimizer.param_groups, self.lrs_at(step), strict=True):
            group["lr"] = lr

    def get_last_lr(self) -> list[float]:
        """The rate of each parameter group now."""
        return self.lrs_at(self.last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed run needs beside the optimizer's own state: the step."""
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue at the step that `state_dict` returned and set its rates. Load the optimizer's state first."""
        self._set(int(state_dict["last_epoch"]))


class LambdaLR(LRScheduler):
    """The initial rate times `lr_lambda(step)`; one function, or one for each group. PyTorch: `LambdaLR`.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = LambdaLR(sgd, warmup_linear(1, 3))
    >>> rates = []
    >>> for _ in range(4):
    ...     rates.append(sgd.param_groups[0]["lr"])
    ...     sgd.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, optimizer: Optimizer, lr_lambda: Schedule | Sequence[Schedule], last_epoch: int = -1) -> None:
        groups = len(optimizer.param_groups)
        self.lr_lambdas = [lr_lambda] * groups if callable(lr_lambda) else list(lr_lambda)
        if len(self.lr_lambdas) != groups:
            raise ValueError(f"LambdaLR: {len(self.lr_lambdas)} functions are given for {groups} parameter groups")
        super().__init__(optimizer, last_epoch)

    def lrs_at(self, step: int) -> list[float]:
        return [base * factor(step) for base, factor in zip(self.base_lrs, self.lr_lambdas)]


class ConstantLR(LRScheduler):
    """`factor` times the initial rate for `total_iters` steps, then the initial rate. PyTorch: `ConstantLR`."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1.0 / 3.0, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def lrs_at(self, step: int) -> list[float]:
        return [base * (self.factor if step < self.total_iters else 1.0) for base in self.base_lrs]


class LinearLR(LRScheduler):
    """A line from `start_factor` to `end_factor` over `total_iters` steps, then `end_factor`. PyTorch: `LinearLR`."""

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1.0 / 3.0, end_factor: float = 1.0, total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:  # fmt: skip
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def lrs_at(self, step: int) -> list[float]:
        progress = 1.0 if step >= self.total_iters else step / self.total_iters
        factor = self.start_factor + (self.end_factor - self.start_factor) * progress
        return [base * factor for base in self.base_lrs]


class CosineAnnealingLR(LRScheduler):
    """Half a cosine from the initial rate to `eta_min` over `T_max` steps, and back. PyTorch: `CosineAnnealingLR`."""

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        if T_max <= 0:
            raise ValueError(f"CosineAnnealingLR: T_max must be above 0, got {T_max}")
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def lrs_at(self, step: int) -> list[float]:
        return [self.eta_min + (base - self.eta_min) * _half_cosine(step / self.T_max) for base in self.base_lrs]


class SequentialLR(LRScheduler):
    """Schedulers one after another: number i runs, from its step 0 on, from `milestones[i - 1]` to `milestones[i]`.

    PyTorch: `SequentialLR`.
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        if len(milestones) != len(schedulers) - 1 or list(milestones) != sorted(milestones):
            raise ValueError(
                f"SequentialLR: {len(schedulers)} schedulers need {len(schedulers) - 1} rising milestones, got "
                f"{list(milestones)}"
            )
        if any(scheduler.optimizer is not optimizer for scheduler in schedulers):
            raise ValueError("SequentialLR: a scheduler belongs to another optimizer")
        self.schedulers = list(schedulers)
        self.milestones = list(milestones)
        super().__init__(optimizer, last_epoch)

    def lrs_at(self, step: int) -> list[float]:
        number = bisect_right(self.milestones, step)
        return self.schedulers[number].lrs_at(step - ([0, *self.milestones][number]))
