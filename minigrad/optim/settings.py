"""Which values an optimizer's settings may have: one table, by the setting's name, for all optimizers.

What concerns one optimizer alone (Muon's coefficients, Nesterov's condition on the momentum) is in its `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from ..tensor import Tensor

Rule = tuple[Callable[[float], bool], str]

NOT_NEGATIVE: Rule = (lambda x: x >= 0.0, "must not be negative")
PART: Rule = (lambda x: 0.0 <= x <= 1.0, "must lie in [0, 1]")
DECAY: Rule = (lambda x: 0.0 <= x < 1.0, "must be two numbers in [0, 1)")

NUMBERS: dict[str, Rule] = {
    "lr": NOT_NEGATIVE,
    "lr_decay": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "momentum": NOT_NEGATIVE,
    "momentum_decay": NOT_NEGATIVE,
    "dampening": (lambda x: x == x, "must not be NaN"),
    "initial_accumulator_value": NOT_NEGATIVE,
    "eps": NOT_NEGATIVE,
    "rho": PART,
    "alpha": PART,
    "d": (lambda x: x >= 1.0, "must not be below 1"),
    "beta2_decay": (lambda x: x <= 0.0, "must not be positive"),
}


def check_number(optimizer: str, name: str, value: Any, rule: Rule) -> None:
    """Raise TypeError for what is no number, ValueError for one that the rule refuses."""
    holds, words = rule
    if not isinstance(value, Real):
        hint = " (call .item())" if isinstance(value, Tensor) else " (call float())" * isinstance(value, str)
        raise TypeError(f"{optimizer}: {name} must be a number, got {type(value).__name__}{hint}")
    if not holds(float(value)):
        raise ValueError(f"{optimizer}: {name} {words}, got {value}")


def check_pair(optimizer: str, name: str, pair: Any, rules: tuple[Rule, Rule]) -> None:
    """As `check_number`, for a setting of two numbers."""
    if not isinstance(pair, (tuple, list)):
        raise TypeError(f"{optimizer}: {name} must be two numbers, got {type(pair).__name__}")
    if len(pair) != 2:
        raise ValueError(f"{optimizer}: {name} must be two numbers, got {len(pair)}")
    for number, (value, rule) in enumerate(zip(pair, rules)):
        check_number(optimizer, f"{name}[{number}]", value, rule)


def check(optimizer: str, settings: Mapping[str, Any]) -> None:
    """Raise ValueError or TypeError for the first setting that makes no sense."""
    for name, rule in NUMBERS.items():
        if name in settings:
            check_number(optimizer, name, settings[name], rule)
    if "betas" in settings:
        check_pair(optimizer, "betas", settings["betas"], (DECAY, DECAY))


def plain(value: Any) -> Any:
    """A setting as Python has it: a NumPy float64 would promote the arrays it is multiplied with, a float does not."""
    if isinstance(value, np.generic):
        return value.item()
    return tuple(map(plain, value)) if isinstance(value, (tuple, list)) else value
