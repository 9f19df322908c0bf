"""Schedulers that rise and fall, once or again and again, some with the momentum going the other way.

PyTorch: `torch.optim.lr_scheduler`. They set the rates outright: what else changes them is undone at the next step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler, check_optimizer, number, per_group
from .schedules import half_cosine


def _integer(scheduler: object, name: str, value: Any) -> int:
    if not isinstance(value, Integral) or value <= 0:
        raise ValueError(f"{type(scheduler).__name__}: {name} must be an integer above 0, got {value!r}")
    return int(value)


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine from the initial rate to `eta_min` over `T_0` steps, then again over `T_mult` times as many, ...

    PyTorch: `CosineAnnealingWarmRestarts`. `step(epoch)` goes to an epoch, which may be a fraction: `epoch + batch /
    batches`, say. Source: Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts" (2017).

    Raises ValueError for what is no whole number above 0 in `T_0` and `T_mult`, and for a negative epoch.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = mg.optim.lr_scheduler.CosineAnnealingWarmRestarts(sgd, T_0=2, T_mult=2)
    >>> rates = []
    >>> for step in range(7):
    ...     rates += scheduler.get_last_lr()
    ...     sgd.step()
    ...     scheduler.step()
    >>> [round(rate, 3) for rate in rates]
    [1.0, 0.5, 1.0, 0.854, 0.5, 0.146, 1.0]
    """

    overwrites = True

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_0 = _integer(self, "T_0", T_0)
        self.T_mult = _integer(self, "T_mult", T_mult)
        self.eta_min = number(self, "eta_min", eta_min, 0.0)
        self.T_i = self.T_0  # the length of this period
        self.T_cur: float = last_epoch  # the place in it
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        self._warn_outside_of_step()
        self._new_groups()
        left = half_cosine(self.T_cur / self.T_i)
        return [self.eta_min + (base - self.eta_min) * left for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Go on to the next step, or to `epoch`, and set its rates."""
        if epoch is None:
            self._check_turn()
        elif not math.isfinite(epoch) or epoch < 0:
            raise ValueError(f"CosineAnnealingWarmRestarts: epoch must be a number from 0 on, got {epoch}")
        self._step_count += 1
        self._update_lr(epoch)

    def _update_lr(self, epoch: float | None = None) -> None:
        if epoch is None and self.last_epoch >= 0:
            self.T_cur += 1
        else:
            self.T_i, self.T_cur = self.T_0, epoch or 0
        while self.T_cur >= self.T_i:
            self.T_cur -= self.T_i
            self.T_i *= self.T_mult
        super()._update_lr(None if epoch is None else math.floor(epoch))


class _MomentumCycle(LRScheduler):
    """What cycles the momentum of SGD, or the first of Adam's betas, against the rate."""

    overwrites = True
    cycle_momentum: bool
    use_beta1: bool

    def _start_momentum(self, base_momentum: Any, max_momentum: Any, last_epoch: int) -> None:
        """Note in every group what its momentum moves between, and start at the larger."""
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError(
                f"{type(self).__name__}: {type(self.optimizer).__name__} has neither momentum nor betas to cycle; "
                f"pass cycle_momentum=False"
            )
        self.use_beta1 = "betas" in defaults
        base = per_group(self, "base_momentum", base_momentum, self.optimizer)
        largest = per_group(self, "max_momentum", max_momentum, self.optimizer)
        for momentum in (*base, *largest):
            number(self, "a momentum", momentum, 0.0, 1.0)
        if last_epoch == -1:
            for group, low, high in zip(self.optimizer.param_groups, base, largest):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class OneCycleLR(_MomentumCycle):
    """One rise from max_lr / div_factor to `max_lr`, then one fall to 1 / final_div_factor of where it started.

    PyTorch: `OneCycleLR`. The rise takes the part `pct_start` of `total_steps`, or of epochs * steps_per_epoch. The
    momentum falls and rises the other way between `max_momentum` and `base_momentum`, if there is one and
    `cycle_momentum`. With `three_phase` the fall goes back to the start in the time of the rise, then on. `max_lr`
    and the momenta may be lists, with one for each group. Source: Smith and Topin, "Super-convergence: very fast
    training of neural networks using large learning rates" (2018).

    Raises ValueError for arguments that make no sense and for a step beyond `total_steps`, and KeyError with
    `last_epoch` if the groups lack the bounds, which the optimizer's `state_dict` has.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=0.1, momentum=0.9)
    >>> scheduler = mg.optim.lr_scheduler.OneCycleLR(sgd, max_lr=1.0, total_steps=5, pct_start=0.6)
    >>> for step in range(4):
    ...     group = sgd.param_groups[0]
    ...     print(round(group["lr"], 3), round(group["momentum"], 3))
    ...     sgd.step()
    ...     scheduler.step()
    0.04 0.95
    0.52 0.9
    1.0 0.85
    0.5 0.9
    """

    def __init__(
        self, optimizer: Optimizer, max_lr: float | list[float], total_steps: int | None = None,
        epochs: int | None = None, steps_per_epoch: int | None = None, pct_start: float = 0.3,
        anneal_strategy: str = "cos", cycle_momentum: bool = True, base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95, div_factor: float = 25.0, final_div_factor: float = 1e4,
        three_phase: bool = False, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if total_steps is not None:
            self.total_steps = _integer(self, "total_steps", total_steps)
        elif epochs is not None and steps_per_epoch is not None:
            per_epoch = _integer(self, "steps_per_epoch", steps_per_epoch)
            self.total_steps = _integer(self, "epochs", epochs) * per_epoch
        else:
            raise ValueError("OneCycleLR: give total_steps, or epochs and steps_per_epoch")
        if not isinstance(pct_start, float) or not 0.0 <= pct_start <= 1.0:
            raise ValueError(f"OneCycleLR: pct_start must be a float in [0, 1], got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        for name, divisor in ("div_factor", div_factor), ("final_div_factor", final_div_factor):
            if number(self, name, divisor, 0.0) == 0.0:
                raise ValueError(f"OneCycleLR: {name} must be above 0, got {divisor!r}")
        largest = [number(self, "max_lr", lr, 0.0) for lr in per_group(self, "max_lr", max_lr, optimizer)]
        self._anneal_func_type = anneal_strategy
        self.cycle_momentum = cycle_momentum
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, largest):
                group["initial_lr"] = lr / div_factor
                group["max_lr"] = lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        if cycle_momentum:
            self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        self._warn_outside_of_step()
        if self.last_epoch > self.total_steps:
            raise ValueError(f"OneCycleLR: step {self.last_epoch} is beyond total_steps={self.total_steps}")
        ends = [phase["end_step"] for phase in self._schedule_phases]
        # The step after the last one, whose rate no step uses, continues the last phase.
        place = next((place for place, end in enumerate(ends) if self.last_epoch <= end), len(ends) - 1)
        phase, start, end = self._schedule_phases[place], ends[place - 1] if place else 0.0, ends[place]
        progress = (self.last_epoch - start) / (end - start) if end != start else 1.0
        rates = []
        for group in self.optimizer.param_groups:
            lacking = sorted({"max_lr", *(["max_momentum"] if self.cycle_momentum else [])} - group.keys())
            if lacking:
                raise KeyError(f"OneCycleLR: a parameter group has no {lacking[0]!r}; was its state_dict loaded?")
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], progress))
            if self.cycle_momentum:
                momenta = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._between(*momenta, progress))
        return rates

    def _between(self, start: float, end: float, progress: float) -> float:
        if self._anneal_func_type == "cos":
            return end + (start - end) * half_cosine(progress)
        return start + (end - start) * min(progress, 1.0)  # beyond its end a line would fall below 0


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    rise = {"end_step": pct_start * total_steps - 1.0, "start_lr": "initial_lr", "end_lr": "max_lr",
            "start_momentum": "max_momentum", "end_momentum": "base_momentum"}  # fmt: skip
    fall = {"end_step": total_steps - 1.0, "start_lr": "max_lr", "end_lr": "min_lr",
            "start_momentum": "base_momentum", "end_momentum": "max_momentum"}  # fmt: skip
    if not three_phase:
        return [rise, fall]
    back = {**fall, "end_step": 2.0 * pct_start * total_steps - 2.0, "end_lr": "initial_lr"}
    return [rise, back, {**fall, "start_lr": "initial_lr", "start_momentum": "max_momentum"}]


class CyclicLR(_MomentumCycle):
    """Lines from `base_lr` up to `max_lr` over `step_size_up` steps and back over `step_size_down`, again and again.

    PyTorch: `CyclicLR`. The height of a cycle stays ("triangular"), halves each time ("triangular2"), or shrinks by
    `gamma` at each step ("exp_range"); or `scale_fn` has it, as a function of the number of the cycle, from 1, or of
    the step if `scale_mode` is "iterations". The momentum goes the other way between `max_momentum` and
    `base_momentum`. Rates and momenta may be lists, with one for each group. Functions are not in the `state_dict`.
    Source: Smith, "Cyclical learning rates for training neural networks" (2017).

    Raises ValueError for arguments that make no sense.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=0.1)
    >>> scheduler = mg.optim.lr_scheduler.CyclicLR(sgd, 0.5, 1.0, step_size_up=2, mode="triangular2")
    >>> rates = []
    >>> for step in range(8):
    ...     rates += scheduler.get_last_lr()
    ...     sgd.step()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.75, 0.5, 0.625, 0.75, 0.625]
    """

    saved_attributes_of = ("_scale_fn_custom",)

    def __init__(
        self, optimizer: Optimizer, base_lr: float | list[float], max_lr: float | list[float],
        step_size_up: int = 2000, step_size_down: int | None = None, mode: str = "triangular", gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None, scale_mode: str = "cycle", cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8, max_momentum: float | list[float] = 0.9, last_epoch: int = -1,
    ) -> None:  # fmt: skip
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = [number(self, "base_lr", lr, 0.0) for lr in per_group(self, "base_lr", base_lr, optimizer)]
        self.max_lrs = [number(self, "max_lr", lr, 0.0) for lr in per_group(self, "max_lr", max_lr, optimizer)]
        up = number(self, "step_size_up", step_size_up, 0.0)
        down = up if step_size_down is None else number(self, "step_size_down", step_size_down, 0.0)
        if up == 0.0:
            raise ValueError("CyclicLR: step_size_up must be above 0, got 0")
        self.total_size = float(up + down)
        self.step_ratio = up / self.total_size
        if scale_fn is None and mode not in SCALES:
            raise ValueError(f"CyclicLR: mode must be one of {', '.join(SCALES)}, or give a scale_fn; got {mode!r}")
        if scale_mode not in ("cycle", "iterations"):
            raise ValueError(f"CyclicLR: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}")
        self.mode = mode
        self.gamma = number(self, "gamma", gamma, 0.0)
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else SCALES[mode][0]
        self.cycle_momentum = cycle_momentum
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, base_lrs):
                group["lr"] = lr
        if cycle_momentum:
            self.base_momentums = per_group(self, "base_momentum", base_momentum, optimizer)
            self.max_momentums = per_group(self, "max_momentum", max_momentum, optimizer)
            self._start_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        if self.base_lrs != base_lrs:  # another scheduler was there before
            self.base_lrs, self.last_epoch = base_lrs, last_epoch
            self._initial_step()

    def scale_fn(self, x: float) -> float:
        """The height of cycle x, or at step x, as a part of max_lr - base_lr."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return SCALES[self.mode][1](self.gamma, x)

    def get_lr(self) -> list[float]:
        self._warn_outside_of_step()
        cycle = math.floor(1.0 + self.last_epoch / self.total_size)
        place = 1.0 + self.last_epoch / self.total_size - cycle
        rising = place <= self.step_ratio
        height = place / self.step_ratio if rising else (place - 1.0) / (self.step_ratio - 1.0)
        height *= self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums):
                self._set_momentum(group, high - (high - low) * height)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, self.max_lrs)]


# The scale_mode of each mode, and its scale as a function of gamma and of that.
SCALES: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "triangular": ("cycle", lambda gamma, cycle: 1.0),
    "triangular2": ("cycle", lambda gamma, cycle: 0.5 ** (cycle - 1)),
    "exp_range": ("iterations", lambda gamma, step: gamma**step),
}
