"""The scheduler that watches a metric, not the step. PyTorch: `torch.optim.lr_scheduler.ReduceLROnPlateau`."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, SupportsFloat
from weakref import ref

from ..optimizer import Optimizer
from .base import LRScheduler, _stepped_last, check_optimizer, number, per_group


class ReduceLROnPlateau(LRScheduler):
    """Multiplies the rates by `factor` when a metric has not got better for more than `patience` steps.

    PyTorch: `ReduceLROnPlateau`. Better is smaller with `mode` "min" and larger with "max", by more than `threshold`
    of the best ("rel") or by more than `threshold` itself ("abs"). After a reduction `cooldown` steps go by before bad
    ones count again; no rate falls below `min_lr`, a number or a list of one per group, and none changes by less than
    `eps`. A metric that is nan is not better than any.

    Raises ValueError for a factor of 1 or more and for a mode that is unknown.

    >>> import minigrad as mg
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = mg.optim.lr_scheduler.ReduceLROnPlateau(sgd, factor=0.5, patience=1)
    >>> for loss in [3.0, 2.0, 2.1, 2.2]:
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, mode: str = "min", factor: float = 0.1, patience: int = 10,
        threshold: float = 1e-4, threshold_mode: str = "rel", cooldown: int = 0,
        min_lr: list[float] | float = 0.0, eps: float = 1e-8,
    ) -> None:  # fmt: skip
        check_optimizer(optimizer)
        self.factor = number(self, "factor", factor, 0.0)
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, or no rate would fall, got {factor}")
        for name, kind, kinds in ("mode", mode, ("min", "max")), ("threshold_mode", threshold_mode, ("rel", "abs")):
            if kind not in kinds:
                raise ValueError(f"ReduceLROnPlateau: {name} must be {kinds[0]!r} or {kinds[1]!r}, got {kind!r}")
        self.optimizer = optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr  # of groups added later
        self.min_lrs = per_group(self, "min_lr", min_lr, optimizer)
        self.mode = mode
        self.patience = patience
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self.cooldown = cooldown
        self.eps = eps
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0
        self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at the metric of this step, a number or a tensor of one element."""
        current = float(metrics)
        if epoch is not None:
            warnings.warn(
                "ReduceLROnPlateau.step(metrics, epoch) is deprecated, in PyTorch as here: call step(metrics)",
                UserWarning,
                stacklevel=2,
            )
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current):
            self.best, self.num_bad_epochs = current, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
        _stepped_last[self.optimizer] = ref(self)

    @property
    def in_cooldown(self) -> bool:
        """Whether bad steps do not count, after a reduction."""
        return self.cooldown_counter > 0

    def _is_better(self, current: float) -> bool:
        sign = 1.0 if self.mode == "min" else -1.0
        if self.threshold_mode == "rel":
            bar = self.best * (1.0 - sign * self.threshold)
        else:
            bar = self.best - sign * self.threshold
        return sign * current < sign * bar

    def _reduce(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    f"ReduceLROnPlateau has {len(self.min_lrs)} values of min_lr, the optimizer {len(groups)} "
                    f"parameter groups; set min_lrs when you add a group"
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs):
            reduced = max(group["lr"] * self.factor, least)
            if group["lr"] - reduced > self.eps:
                group["lr"] = reduced

    def _load(self, state_dict: Mapping[str, Any]) -> None:
        super()._load(state_dict)
        self.mode_worse = math.inf if self.mode == "min" else -math.inf
