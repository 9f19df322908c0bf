"""What schedulers share: the step they are at, the rates they set, saving and loading.

Here too is the base of most of them, whose rate is one formula of the step, and the rule by which several of those act
on one optimizer at once. The formulas are in `formulas.py`.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping, Sequence
from numbers import Real
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary, ref

from ...copying import Copied
from ..optimizer import Optimizer

ROUNDING = 1e-12  # of the initial rate: less than this below 0 is 0
UNSAVED = {"optimizer", "_is_initial", "_get_lr_called_within_step", "_steps_before"}

# Which scheduler stepped last, per optimizer: one that sets rates outright must not undo what another did.
_stepped_last: WeakKeyDictionary[Optimizer, ref[LRScheduler]] = WeakKeyDictionary()


class LRScheduler(Copied):
    """Base of the schedulers: sets the rate of every parameter group, when it is made and at each `step()`.

    PyTorch: `torch.optim.lr_scheduler.LRScheduler`. A scheduler of your own defines `get_lr`, which returns the rates
    of step `last_epoch`, one per group; `base_lrs` are the groups' initial rates and `optimizer` is the optimizer.

    With `last_epoch` = n the scheduler starts at step n + 1. Every group then needs an "initial_lr", which an
    optimizer's `state_dict` has. Rates that were restored with the optimizer stay as they are; a rate that is still
    the initial one becomes that of step n + 1.

    Raises TypeError for what is no optimizer, KeyError for a group without "initial_lr".

    >>> import minigrad as mg
    >>> class Halving(mg.optim.lr_scheduler.LRScheduler):
    ...     def get_lr(self):
    ...         return [base * 0.5**self.last_epoch for base in self.base_lrs]
    >>> sgd = mg.optim.SGD([mg.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = Halving(sgd)
    >>> for _ in range(3):
    ...     sgd.step()
    ...     scheduler.step()
    >>> sgd.param_groups[0]["lr"], scheduler.get_last_lr()
    (0.125, [0.125])
    """

    _instead = "Keep its state_dict(), which is plain JSON data"
    saved_attributes_of: tuple[str, ...] = ()  # attributes that hold functions, which are not saved themselves
    overwrites = False  # whether the rates follow from the step alone, whatever they were set to before
    _is_initial = False
    _get_lr_called_within_step = False

    optimizer: Optimizer
    base_lrs: list[float]
    last_epoch: int
    _step_count: int
    _last_lr: list[float]

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        if last_epoch < -1:
            raise ValueError(f"{type(self).__name__}: last_epoch must be -1, to start, or a step, got {last_epoch}")
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", float(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: last_epoch={last_epoch} needs 'initial_lr' in parameter group {number}; "
                    f"was the optimizer's state_dict loaded?"
                )
        self.optimizer = optimizer
        self.base_lrs = [float(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._steps_before = optimizer._steps
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def _begin(self) -> None:
        """Start at step 0 on the rates that the optimizer has now."""
        self.last_epoch = -1
        self._initial_step()

    def get_lr(self) -> list[float]:
        """The rates of step `last_epoch`; for `step()` to call. `get_last_lr` has the rates of now."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr()")

    def _get_closed_form_lr(self) -> list[float]:
        """The rates of step `last_epoch`, whatever the optimizer has now, where there is a formula for them."""
        return self.get_lr()

    def get_last_lr(self) -> list[float]:
        """The rates that this scheduler set last, one per group."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Go on to the next step and set its rates. Call it after the optimizer's `step()`.

        PyTorch: `LRScheduler.step`. Warns where the optimizer has made no step yet: the first rate would never be
        used. `epoch`, which PyTorch keeps for old programs, is the step to go to instead, and warns too.

        Raises RuntimeError where this scheduler sets rates outright and would undo what another one did to them.
        """
        self._check_turn()
        if epoch is not None:
            warnings.warn(
                f"{type(self).__name__}.step(epoch) is deprecated, in PyTorch as here: call step()",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        self._update_lr(epoch)

    def _check_turn(self) -> None:
        name = type(self).__name__
        counts_steps = type(self.optimizer).step is Optimizer.step
        if self._step_count == 1 and counts_steps and self.optimizer._steps == self._steps_before:
            warnings.warn(
                f"{name}.step() was called before the optimizer's step(), which skips the first learning rate of the "
                f"schedule; call optimizer.step() first, then scheduler.step()",
                UserWarning,
                stacklevel=3,
            )
        if self.overwrites and self._step_count > 1:
            found = _stepped_last.get(self.optimizer)
            other = found() if found else None
            if other is not None and other is not self:
                raise RuntimeError(
                    f"{name} sets learning rates outright and would undo what {type(other).__name__} did to the same "
                    f"optimizer; run them one after the other with SequentialLR, or multiply the two factors in one "
                    f"LambdaLR"
                )

    def _update_lr(self, epoch: int | None = None) -> None:
        before = self.last_epoch
        self._get_lr_called_within_step = True
        try:
            self.last_epoch = before + 1 if epoch is None else epoch
            self._set(self.get_lr() if epoch is None else self._get_closed_form_lr())
        except BaseException:
            self.last_epoch = before
            raise
        finally:
            self._get_lr_called_within_step = False

    def _set(self, rates: Sequence[float]) -> None:
        groups = self.optimizer.param_groups
        if len(rates) != len(groups):
            raise ValueError(
                f"{type(self).__name__} has rates for {len(rates)} parameter groups, the optimizer has {len(groups)}; "
                f"was a group added after the scheduler was made?"
            )
        for number, (group, rate) in enumerate(zip(groups, rates)):
            if not rate >= -ROUNDING * group.get("initial_lr", 1.0):  # nan too
                raise ValueError(
                    f"{type(self).__name__}: the learning rate of group {number} would be {rate} at step "
                    f"{self.last_epoch}; did the schedule go on beyond its end, or did another scheduler bring the "
                    f"rate below the floor of this one?"
                )
        for group, rate in zip(groups, rates):
            group["lr"] = max(float(rate), 0.0)
        self._last_lr = [group["lr"] for group in groups]
        if not self._is_initial:
            _stepped_last[self.optimizer] = ref(self)

    def _new_groups(self) -> list[dict[str, Any]]:
        """The groups that the optimizer got since the last step; their initial rates join `base_lrs`."""
        new = self.optimizer.param_groups[len(self.base_lrs) :]
        self.base_lrs += [float(group.setdefault("initial_lr", group["lr"])) for group in new]
        return new

    def _warn_outside_of_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "get_lr() computes the rates to come; get_last_lr() returns those of now", UserWarning, stacklevel=3
            )

    # ------------------------------------------------------------------------------------- saving and loading

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer, and none that hold functions: plain data that goes into JSON.

        PyTorch: `LRScheduler.state_dict`. The rates themselves are the optimizer's: save its `state_dict` too.
        """
        return {
            name: _attributes(value) if name in self.saved_attributes_of else copied(value)
            for name, value in vars(self).items()
            if name not in UNSAVED
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, or PyTorch's did. PyTorch: `LRScheduler.load_state_dict`.

        Load the optimizer's state too, before or after. Where its rates are still those that this scheduler set last,
        they become the saved ones. Raises ValueError for the state of another kind of scheduler, or of an optimizer
        with another number of groups; nothing is changed then.
        """
        groups = self.optimizer.param_groups
        untouched = self._last_lr == [group["lr"] for group in groups]
        self._check_state(state_dict)
        self._load(state_dict)
        if untouched:
            for group, rate in zip(groups, self._last_lr):
                group["lr"] = rate

    def _check_state(self, state_dict: Mapping[str, Any]) -> None:
        name = type(self).__name__
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"{name}: a state is a mapping, got {type(state_dict).__name__}")
        own = vars(self).keys() - UNSAVED
        public = {key for key in own | state_dict.keys() if not key.startswith("_")} - {"verbose"}  # versions share it
        for key in sorted(public):
            if key not in state_dict or key not in own:
                how = "lacks" if key in own else "has"
                raise ValueError(f"{name}: the saved state {how} {key!r}; was it saved by another kind of scheduler?")
        groups = len(self.optimizer.param_groups)
        for key in {"base_lrs", "_last_lr", "lr_lambdas"} & state_dict.keys():
            if len(state_dict[key]) != groups:
                raise ValueError(
                    f"{name}: the saved state has {len(state_dict[key])} groups in {key!r}, the optimizer {groups}"
                )

    def _load(self, state_dict: Mapping[str, Any]) -> None:
        for name in (vars(self).keys() - UNSAVED) & state_dict.keys():
            if name in self.saved_attributes_of:
                _restore(getattr(self, name), state_dict[name])
            else:
                setattr(self, name, copied(state_dict[name]))


def copied(value: Any) -> Any:
    """A list or dict of a state that later steps do not change; what an own scheduler holds is not copied."""
    return copy.copy(value) if isinstance(value, (list, dict)) else value


def _attributes(function: Any) -> Any:
    """What is saved of an object that can be called, or of a list of them. Of a function itself, nothing."""
    if isinstance(function, list):
        return [_attributes(each) for each in function]
    if isinstance(function, FunctionType | type) or not hasattr(function, "__dict__"):
        return None
    return copy.copy(vars(function))


def _restore(function: Any, saved: Any) -> None:
    if isinstance(function, list):
        for each, attributes in zip(function, saved):
            _restore(each, attributes)
    elif saved:
        function.__dict__.update(saved)


class FactorLR(LRScheduler):
    """Base of the schedulers whose rate is floor + (initial rate - floor) * factor_at(step).

    While nothing else changes the rates they are computed by this formula, so no error builds up over steps. A rate
    that something else changed, another scheduler of the same optimizer or you, keeps that change: its distance to
    the floor is multiplied by factor_at(step) / factor_at(step - 1), or, where that would divide by 0, the formula's
    growth is added. PyTorch: what it calls the chainable form.
    """

    def factor_at(self, step: int) -> float:
        """What is left of the initial rate at a step."""
        raise NotImplementedError(f"{type(self).__name__} does not define factor_at()")

    def floors(self) -> list[float]:
        """What the rates fall to where the factor is 0, per group."""
        return [0.0] * len(self.base_lrs)

    def get_lr(self) -> list[float]:
        self._warn_outside_of_step()
        now = self.factor_at(self.last_epoch)
        if self._is_initial:
            return [
                _scaled(lr, floor, now) if self.last_epoch == 0 or lr == base else lr
                for lr, base, floor in self._rates()
            ]
        before = self.factor_at(self.last_epoch - 1)
        for group, (lr, _, floor) in self._joining():
            group["lr"] = _scaled(lr, floor, before)
        rates = []
        for lr, base, floor in self._rates():
            if lr == _scaled(base, floor, before):
                rates.append(_scaled(base, floor, now))
            elif before != 0.0:
                rates.append(_scaled(lr, floor, now / before))
            else:
                rates.append(lr + (base - floor) * now)
        return rates

    def _get_closed_form_lr(self) -> list[float]:
        self._new_groups()
        now = self.factor_at(self.last_epoch)
        return [_scaled(base, floor, now) for _, base, floor in self._rates()]

    def _rates(self) -> list[tuple[float, float, float]]:
        rates = [group["lr"] for group in self.optimizer.param_groups]
        return list(zip(rates, self.base_lrs, self.floors()))

    def _joining(self) -> list[tuple[dict[str, Any], tuple[float, float, float]]]:
        new = self._new_groups()
        return list(zip(new, self._rates()[len(self.base_lrs) - len(new) :]))


def _scaled(rate: float, floor: float, factor: float) -> float:
    return floor + (rate - floor) * factor


# ------------------------------------------------------------------------------------------- checking arguments


def check_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def whole(scheduler: object, name: str, value: Any, least: int = 1) -> int:
    """`value` as an int; raises ValueError unless it is a whole number of at least `least`."""
    if not _is_number(value) or not float(value).is_integer() or value < least:
        raise ValueError(f"{type(scheduler).__name__}: {name} must be a whole number from {least} on, got {value!r}")
    return int(value)


def number(scheduler: object, name: str, value: Any, least: float, most: float = math.inf) -> float:
    """`value` as Python's number; raises ValueError unless it is finite and in [least, most]."""
    if not _is_number(value) or not math.isfinite(value) or not least <= value <= most:
        bounds = f"from {least} on" if most == math.inf else f"in [{least}, {most}]"
        raise ValueError(f"{type(scheduler).__name__}: {name} must be a number {bounds}, got {value!r}")
    return value if isinstance(value, (int, float)) else float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real)


def per_group(scheduler: object, name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """`value` for every parameter group; a list or tuple has one for each."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * groups
    if len(value) != groups:
        raise ValueError(
            f"{type(scheduler).__name__}: {name} has {len(value)} values, the optimizer {groups} parameter groups"
        )
    return list(value)
