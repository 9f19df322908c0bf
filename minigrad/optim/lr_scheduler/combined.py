"""Schedulers made of schedulers: one after another, or all at once. PyTorch: `torch.optim.lr_scheduler`."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import LRScheduler
from .plateau import ReduceLROnPlateau


class _Combined(LRScheduler):
    _schedulers: list[LRScheduler]

    def _take(self, optimizer: Optimizer | None, schedulers: Sequence[LRScheduler]) -> None:
        """Keep the schedulers, which must be of one optimizer and need nothing but `step()`."""
        name = type(self).__name__
        self._schedulers = list(schedulers)
        if not self._schedulers:
            raise ValueError(f"{name}: there must be at least one scheduler")
        for number, scheduler in enumerate(self._schedulers):
            if not isinstance(scheduler, LRScheduler):
                raise TypeError(f"{name}: scheduler {number} is of type {type(scheduler).__name__}, not a scheduler")
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ValueError(f"{name}: scheduler {number} is ReduceLROnPlateau, whose step() needs a metric")
            optimizer = optimizer or scheduler.optimizer
            if scheduler.optimizer is not optimizer:
                raise ValueError(f"{name}: scheduler {number}, {type(scheduler).__name__}, has another optimizer")
        self.optimizer = self._schedulers[0].optimizer

    def _to_initial_rates(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"]

    def _note_rates(self) -> None:
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """The own attributes and the states of the schedulers."""
        return {**super().state_dict(), "_schedulers": [each.state_dict() for each in self._schedulers]}

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        super()._check_state(state_dict)
        saved = state_dict.get("_schedulers", ())
        if len(saved) != len(self._schedulers):
            raise ValueError(
                f"{type(self).__name__}: the saved state has {len(saved)} schedulers, not {len(self._schedulers)}"
            )
        for scheduler, state in zip(self._schedulers, saved):
            scheduler._check_state(state)

    def _load(self, state_dict: Mapping[str, Any]) -> None:
        super()._load({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for scheduler, state in zip(self._schedulers, state_dict["_schedulers"]):
            scheduler._load(state)


class SequentialLR(_Combined):
    """Schedulers one after another: number i runs, from its step 0 on, from `milestones[i - 1]` to `milestones[i]`.

    PyTorch: `SequentialLR`. Each starts from the initial rates, but a `MultiplicativeLR` from those it finds. Make the
    schedulers without `last_epoch`, also where this one has it.

    Raises ValueError for schedulers of several optimizers, for `ReduceLROnPlateau`, and unless there is one milestone
    less than schedulers and they rise.

    >>> import minigrad as mg
    >>> from minigrad.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = SequentialLR(sgd, [LinearLR(sgd, 0.5, total_iters=2), CosineAnnealingLR(sgd, 2)], milestones=[2])
    >>> rates = []
    >>> for step in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     sgd.step()
    ...     scheduler.step()
    >>> [round(rate, 3) for rate in rates]
    [0.5, 0.75, 1.0, 0.5, 0.0]
    """

    def __init__(
        self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int], last_epoch: int = -1
    ) -> None:
        self._take(optimizer, schedulers)
        if len(milestones) != len(self._schedulers) - 1 or list(milestones) != sorted(milestones):
            raise ValueError(
                f"SequentialLR: {len(self._schedulers)} schedulers need {len(self._schedulers) - 1} rising milestones, "
                f"got {list(milestones)}"
            )
        self._milestones = list(milestones)
        self._begin()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # the optimizer's steps were made before
            for _ in range(last_epoch + 1):
                self.step()

    def _begin(self) -> None:
        self._to_initial_rates()
        self.last_epoch = 0
        self._schedulers[bisect_right(self._milestones, 0)]._begin()
        self._note_rates()

    def step(self) -> None:  # type: ignore[override]
        """Go on to the next step and set its rates. PyTorch: `SequentialLR.step`."""
        self.last_epoch += 1
        number = bisect_right(self._milestones, self.last_epoch)
        if number > 0 and self._milestones[number - 1] == self.last_epoch:
            self._schedulers[number]._update_lr(0)
        else:
            self._schedulers[number].step()
        self._note_rates()

    def _update_lr(self, epoch: int | None = None) -> None:
        self._begin()  # its turn, inside another one, has come


class ChainedScheduler(_Combined):
    """Schedulers that all step at every `step()`, each changing what the one before left. PyTorch: `ChainedScheduler`.

    The rates are products of the factors. Schedulers that set the rates outright (`LambdaLR` and the cycles) undo what
    others do, and are refused at their second step beside others, where PyTorch lets the last one win.

    Raises ValueError for no schedulers, schedulers of several optimizers, and `ReduceLROnPlateau`.

    >>> import minigrad as mg
    >>> from minigrad.optim.lr_scheduler import ChainedScheduler, ConstantLR, ExponentialLR
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = ChainedScheduler([ConstantLR(sgd, 0.1, total_iters=2), ExponentialLR(sgd, 0.5)])
    >>> rates = []
    >>> for step in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     sgd.step()
    ...     scheduler.step()
    >>> [round(rate, 3) for rate in rates]
    [0.1, 0.05, 0.25, 0.125]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._take(optimizer, schedulers)
        self._note_rates()

    def _begin(self) -> None:
        for scheduler in self._schedulers:
            scheduler._begin()
        self._note_rates()

    def step(self) -> None:  # type: ignore[override]
        """Let every scheduler step. PyTorch: `ChainedScheduler.step`."""
        for scheduler in self._schedulers:
            scheduler.step()
        self._note_rates()

    def _update_lr(self, epoch: int | None = None) -> None:
        self._to_initial_rates()
        self._begin()
