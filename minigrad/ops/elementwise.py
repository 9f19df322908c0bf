"""Elementwise operations: each primitive with its gradient beside it, then what is composed of them.

Where a derivative does not exist, the value is PyTorch's: abs'(0) = 0, ties of maximum and minimum share evenly, and
a clamp passes the gradient at its edges.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import Array, backend_for, backend_of
from ..tensor import Tensor
from .dtypes import to_common_dtype, to_float
from .primitive import Primitive

# ------------------------------------------------------------------------------------------------ arithmetic

add = Primitive("add", np.add).rules(x=lambda g: g, y=lambda g: g)
sub = Primitive("sub", np.subtract).rules(x=lambda g: g, y=lambda g: -g)
mul = Primitive("mul", np.multiply).rules(x=lambda g, y: g * y, y=lambda g, x: g * x)
div = Primitive("div", np.true_divide, promote=to_float).rules(
    x=lambda g, y: g / y,
    y=lambda g, out, y: -g * out / y,
)
neg = Primitive("neg", np.negative).rules(x=lambda g: -g)


def _pow_base(g: Any, x: Any, y: Any) -> Any:
    if y.__class__ in (int, float):
        return g * (y * x ** (y - 1)) if y != 0 else g * 0.0
    constant = y == 0
    return g * where(constant, 0.0, y * where(constant, 1.0, x) ** (y - 1))  # 0 * 0**-1 is 0, not nan


def _pow_exponent(g: Any, out: Any, x: Any, y: Any) -> Any:
    constant = (x == 0) & (y >= 0)  # 0**y stays 0 there
    if x.__class__ in (int, float) and x > 0:
        return g * (out * math.log(x))
    return g * where(constant, 0.0, out * log(where(constant, 1.0, x)))


# The operator and not the ufunc: it knows squares and square roots.
pow = Primitive("pow", lambda x, y: x**y).rules(x=_pow_base, y=_pow_exponent)

# ------------------------------------------------------------------------------------------------- functions


def _zero(g: Any) -> Any:
    return g * 0.0


exp = Primitive("exp", np.exp, promote=to_float).rules(x=lambda g, out: g * out)
log = Primitive("log", np.log, promote=to_float).rules(x=lambda g, x: g / x)
sqrt = Primitive("sqrt", np.sqrt, promote=to_float).rules(x=lambda g, out: g * 0.5 / out)
sin = Primitive("sin", np.sin, promote=to_float).rules(x=lambda g, x: g * cos(x))
cos: Primitive = Primitive("cos", np.cos, promote=to_float).rules(x=lambda g, x: -g * sin(x))
tanh = Primitive("tanh", np.tanh, promote=to_float).rules(x=lambda g, out: g * (1.0 - out * out))
erf = Primitive("erf", lambda x: backend_of(x).erf(x), promote=to_float).rules(
    x=lambda g, x: g * (2.0 / math.sqrt(math.pi)) * exp(-(x * x)),
)
abs = Primitive("abs", np.absolute).rules(x=lambda g, x: g * sign(x))
sign: Primitive = Primitive("sign", np.sign).rules(x=_zero)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))  # at most 1, so nothing overflows on either side
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


sigmoid = Primitive("sigmoid", _sigmoid, promote=to_float).rules(x=lambda g, out: g * out * (1.0 - out))

# ------------------------------------------------------------------------------------- choosing between values


def _promote_choices(arrays: Any) -> Any:
    condition, *choices = arrays
    choices = to_common_dtype(choices)
    if all(choice.__class__ in (bool, int, float) for choice in choices) and float in map(type, choices):
        choices = [np.asarray(choice, np.float32) for choice in choices]
    return [condition, *choices]


_where = Primitive("where", lambda condition, x, y: np.where(condition, x, y), promote=_promote_choices).rules(
    x=lambda g, condition: where(condition, g, 0.0),
    y=lambda g, condition: where(condition, 0.0, g),
)
maximum = Primitive("maximum", np.maximum).rules(
    x=lambda g, x, y: where(x == y, g * 0.5, where(x > y, g, 0.0)),
    y=lambda g, x, y: where(x == y, g * 0.5, where(x < y, g, 0.0)),
)
minimum = Primitive("minimum", np.minimum).rules(
    x=lambda g, x, y: where(x == y, g * 0.5, where(x < y, g, 0.0)),
    y=lambda g, x, y: where(x == y, g * 0.5, where(x > y, g, 0.0)),
)
clamp_min = Primitive("clamp_min", np.maximum).rules(
    x=lambda g, x, y: where(x >= y, g, 0.0),
    y=lambda g, x, y: where(x < y, g, 0.0),
)
clamp_max = Primitive("clamp_max", np.minimum).rules(
    x=lambda g, x, y: where(x <= y, g, 0.0),
    y=lambda g, x, y: where(x > y, g, 0.0),
)


def where(condition: Any, input: Any, other: Any) -> Any:
    """`input` where `condition` is true, `other` elsewhere; all three broadcast. PyTorch: `torch.where`.

    >>> import minigrad as mg
    >>> mg.where(mg.tensor([True, False]), 1.0, 2.0)
    tensor([1., 2.])
    """
    return _where(condition, input, other)


def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """`input` limited to [min, max], either of which may be a number, a tensor or None. PyTorch: `torch.clamp`.

    The gradient passes at the edges. Raises ValueError if both bounds are None.

    >>> import minigrad as mg
    >>> mg.clamp(mg.tensor([-1.0, 0.5, 2.0]), 0.0, 1.0)
    tensor([0. , 0.5, 1. ])
    """
    if min is None and max is None:
        raise ValueError("clamp needs min, max or both")
    if min is not None:
        input = clamp_min(input, min)
    return input if max is None else clamp_max(input, max)


# ------------------------------------------------------------------------------- copies, dtypes and devices

cast = Primitive("cast", lambda x, *, dtype: x.astype(dtype)).rules(x=lambda g: g)  # the walk restores the dtype
clone = Primitive("clone", lambda x: x.copy()).rules(x=lambda g: g)


def to(input: Tensor, *targets: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`input` as another dtype, on another device, or like another tensor; itself if nothing changes.

    PyTorch: `Tensor.to(dtype)`, `.to(device)`, `.to(device, dtype)`, `.to(other)`.

    >>> import minigrad as mg
    >>> mg.tensor([1, 2]).to(mg.float64).dtype
    dtype('float64')
    """
    for target in targets:
        if isinstance(target, Tensor):
            dtype, device = target.dtype, target.device
        elif isinstance(target, str) and target.split(":")[0] in ("cpu", "cuda"):
            device = target
        else:
            dtype = target
    device = input.device if device is None else str(device).split(":")[0]
    if device != input.device:
        input = transfer(input, device=device, home=input.device)
    if dtype is not None and np.dtype(dtype) != input.dtype:
        input = cast(input, dtype=np.dtype(dtype))
    return input


def _transfer(x: Array, *, device: str, home: str) -> Array:
    return backend_for(device).asarray(backend_of(x).to_host(x))


transfer: Primitive = Primitive("to", _transfer).rules(x=lambda g, device, home: transfer(g, device=home, home=device))


def float_(input: Tensor) -> Tensor:
    """`input` as float32. PyTorch: `Tensor.float`."""
    return to(input, np.float32)


def double(input: Tensor) -> Tensor:
    """`input` as float64. PyTorch: `Tensor.double`."""
    return to(input, np.float64)


def half(input: Tensor) -> Tensor:
    """`input` as float16. PyTorch: `Tensor.half`."""
    return to(input, np.float16)


def long(input: Tensor) -> Tensor:
    """`input` as int64. PyTorch: `Tensor.long`."""
    return to(input, np.int64)


def int_(input: Tensor) -> Tensor:
    """`input` as int32. PyTorch: `Tensor.int`."""
    return to(input, np.int32)


def bool_(input: Tensor) -> Tensor:
    """`input` as bool: whether each element is nonzero. PyTorch: `Tensor.bool`."""
    return to(input, np.bool_)


# --------------------------------------------------------------------------- comparisons and logic: no gradient

eq = Primitive("eq", np.equal)
ne = Primitive("ne", np.not_equal)
lt = Primitive("lt", np.less)
le = Primitive("le", np.less_equal)
gt = Primitive("gt", np.greater)
ge = Primitive("ge", np.greater_equal)
bitwise_and = Primitive("bitwise_and", np.bitwise_and)
bitwise_or = Primitive("bitwise_or", np.bitwise_or)
bitwise_xor = Primitive("bitwise_xor", np.bitwise_xor)
bitwise_not = Primitive("bitwise_not", np.invert)
logical_and = Primitive("logical_and", np.logical_and, promote=None)
logical_or = Primitive("logical_or", np.logical_or, promote=None)
logical_xor = Primitive("logical_xor", np.logical_xor, promote=None)
logical_not = Primitive("logical_not", np.logical_not, promote=None)
isnan = Primitive("isnan", np.isnan, promote=None)
isinf = Primitive("isinf", np.isinf, promote=None)
isfinite = Primitive("isfinite", np.isfinite, promote=None)
floor = Primitive("floor", np.floor).rules(x=_zero)
floor_divide = Primitive("floor_divide", np.floor_divide)
remainder = Primitive("remainder", np.remainder).rules(x=lambda g: g, y=lambda g, x, y: -g * floor_divide(x, y))

# ------------------------------------------------------------------------------------------------- composites


def square(input: Any) -> Any:
    """`input * input`. PyTorch: `torch.square`."""
    return input * input


def reciprocal(input: Any) -> Any:
    """`1 / input`. PyTorch: `torch.reciprocal`."""
    return 1.0 / input


def rsqrt(input: Any) -> Any:
    """`1 / sqrt(input)`. PyTorch: `torch.rsqrt`."""
    return 1.0 / sqrt(input)


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """`input` with `value`, a number or a 0-d tensor, where `mask` is true; keeps its dtype. PyTorch:
    `Tensor.masked_fill`."""
    value = cast(value, dtype=input.dtype) if isinstance(value, Tensor) else np.asarray(value, input.dtype)
    return where(mask, value, input)
