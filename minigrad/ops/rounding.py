"""Rounding to whole numbers, and the divisions that round: quotients, remainders and fractions.

What rounds is constant between its steps, so its gradient is 0. Integers are whole already and keep their dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import Array, backend_of
from .elementwise import true_divide, zero_gradient
from .primitive import Primitive


def _rounding(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda x: function(x) if x.dtype.kind == "f" else x.copy()


floor = Primitive("floor", _rounding(np.floor)).rules(x=zero_gradient)
ceil = Primitive("ceil", _rounding(np.ceil)).rules(x=zero_gradient)
trunc = Primitive("trunc", _rounding(np.trunc)).rules(x=zero_gradient)
_round = Primitive("round", _rounding(np.rint)).rules(x=zero_gradient)


def _dividing(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """`function`, which refuses integers divided by 0 where looking costs no wait for the device."""

    def divide(x: Array, y: Array) -> Array:
        array = x if hasattr(x, "dtype") else y
        looks = array.dtype.kind != "f" and backend_of(array).checks_values
        if looks and not np.all(y) and np.broadcast(x, y).size:
            raise ZeroDivisionError("integers have no quotient by 0; convert with .float()")
        return function(x, y)

    return divide


floor_divide = Primitive("floor_divide", _dividing(np.floor_divide)).rules(x=zero_gradient, y=zero_gradient)
remainder = Primitive("remainder", _dividing(np.remainder)).rules(
    x=lambda g: g,
    y=lambda g, x, y: -g * floor_divide(x, y),
)
fmod = Primitive("fmod", _dividing(np.fmod)).rules(x=lambda g: g, y=lambda g, x, y: -g * trunc(true_divide(x, y)))


def _truncated_quotient(x: Array, y: Array) -> Array:
    if np.result_type(x, y).kind == "f":
        return np.trunc(np.true_divide(x, y))
    return np.floor_divide(x - np.fmod(x, y), y)


_trunc_divide = Primitive("div", _dividing(_truncated_quotient)).rules(x=zero_gradient, y=zero_gradient)


def round(input: Any, *, decimals: int = 0) -> Any:
    """The nearest whole number, or multiple of 10**-decimals; halves go to the even one. PyTorch: `torch.round`.

    >>> import minigrad as mg
    >>> mg.round(mg.tensor([0.5, 1.5, -2.7]))
    tensor([ 0.,  2., -3.])
    """
    if decimals == 0:
        return _round(input)
    if decimals < 0:
        return _round(input / 10.0**-decimals) * 10.0**-decimals
    return _round(input * 10.0**decimals) / 10.0**decimals


def frac(input: Any) -> Any:
    """What `trunc` takes away: `input - trunc(input)`, with the gradient of `input`. PyTorch: `torch.frac`."""
    return input - trunc(input)


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """`input / other`, rounded towards zero with "trunc" and downwards with "floor". PyTorch: `torch.div`.

    Integers give float32 without rounding, integers with it. A rounded quotient has gradient 0.
    Raises ValueError for another mode.

    >>> import minigrad as mg
    >>> mg.div(mg.tensor([-7, 7]), 2, rounding_mode="trunc")
    tensor([-3,  3])
    """
    if rounding_mode is None:
        return true_divide(input, other)
    if rounding_mode == "floor":
        return floor_divide(input, other)
    if rounding_mode == "trunc":
        return _trunc_divide(input, other)
    raise ValueError(f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}")


divide = div

__all__ = ["ceil", "div", "divide", "floor", "floor_divide", "fmod", "frac", "remainder", "round", "trunc"]
