"""Elementwise arithmetic, and the choice between values: each primitive with its gradient beside it, then what is
composed of them. What rounds is in `rounding`, exponentials and their kin in `transcendental`.

Where a derivative does not exist, the value is PyTorch's: abs'(0) = 0, ties of maximum and minimum share evenly, and
a clamp passes the gradient at its edges.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import backend_of
from ..tensor import Tensor
from .cast import cast, clone
from .composite import composite
from .dtypes import result_type, to_common_dtype, to_float
from .failure import DTypeError, ShapeError, check_held, check_tensors, in_module
from .primitive import Primitive
from .transcendental import log, log1p, sigmoid, sqrt

# ------------------------------------------------------------------------------------------------ arithmetic

add = Primitive("add", np.add, alpha=True).rules(x=lambda g: g, y=lambda g: g)
sub = Primitive("sub", np.subtract, alpha=True).rules(x=lambda g: g, y=lambda g: -g)
mul = Primitive("mul", np.multiply).rules(x=lambda g, y: g * y, y=lambda g, x: g * x)
true_divide = Primitive("div", np.true_divide, promote=to_float).rules(
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
    if x.__class__ in (int, float):
        if x > 0:
            return g * (out * math.log(x))
        x = out.dtype.type(x)
    constant = (x == 0) & (y >= 0)  # 0**y stays 0 there
    return g * where(constant, 0.0, out * log(where(constant, 1.0, x)))


def _to_powers(arrays: Any) -> Any:
    """To a common dtype, with int64 for a bool beside a Python integer."""
    arrays = to_common_dtype(arrays)
    if int not in map(type, arrays):
        return arrays
    return [a if a.__class__ is int or a.dtype.kind != "b" else a.astype(np.int64) for a in arrays]


# The operator and not the ufunc: it knows squares and square roots.
pow = Primitive("pow", lambda x, y: x**y, promote=_to_powers, names=("input", "exponent")).rules(
    x=_pow_base,
    y=_pow_exponent,
)


def zero_gradient(g: Any) -> Any:
    return g * 0.0


abs = Primitive("abs", np.absolute).rules(x=lambda g, x: g * sign(x))
sign: Primitive = Primitive("sign", lambda x: x.copy() if x.dtype.kind == "b" else np.sign(x)).rules(x=zero_gradient)


def square(input: Any) -> Any:
    """`input * input`; bools become int64. PyTorch: `torch.square`."""
    return input**2 if input.dtype.kind == "b" else input * input


def reciprocal(input: Any) -> Any:
    """`1 / input`. PyTorch: `torch.reciprocal`."""
    return 1.0 / input


def rsqrt(input: Any) -> Any:
    """`1 / sqrt(input)`. PyTorch: `torch.rsqrt`."""
    return 1.0 / sqrt(input)


# ------------------------------------------------------------------------------------- choosing between values


def _promote_choices(arrays: Any) -> Any:
    condition, *choices = arrays
    if condition.__class__ is not bool and getattr(condition, "dtype", None) != np.bool_:
        given = getattr(condition, "dtype", type(condition).__name__)
        raise TypeError(f"the condition must be of bools, not {given}; make one by comparing")
    choices = to_common_dtype(choices)
    if all(choice.__class__ in (bool, int, float) for choice in choices) and float in map(type, choices):
        choices = [np.float32(choice) for choice in choices]
    return [condition, *choices]


def _choose(condition: Any, x: Any, y: Any) -> Any:
    return backend_of(condition).where(condition, x, y)


_where = Primitive("where", _choose, promote=_promote_choices).rules(
    x=lambda g, condition: where(condition, g, 0.0),
    y=lambda g, condition: where(condition, 0.0, g),
)
maximum = Primitive("maximum", np.maximum).rules(
    x=lambda g, x, y: where(x == y, g * 0.5, where(x < y, 0.0, g)),  # beside a nan, both get all
    y=lambda g, x, y: where(x == y, g * 0.5, where(x > y, 0.0, g)),
)
minimum = Primitive("minimum", np.minimum).rules(
    x=lambda g, x, y: where(x == y, g * 0.5, where(x > y, 0.0, g)),
    y=lambda g, x, y: where(x == y, g * 0.5, where(x < y, 0.0, g)),
)
clamp_min = Primitive("clamp_min", np.maximum, names=("input", "min")).rules(
    x=lambda g, x, y: where(x >= y, g, 0.0),
    y=lambda g, x, y: where(x < y, g, 0.0),
)
clamp_max = Primitive("clamp_max", np.minimum, names=("input", "max")).rules(
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
    tensor([0.0000, 0.5000, 1.0000])
    """
    if min is None and max is None:
        raise ValueError("clamp needs min, max or both")
    if min is not None:
        input = clamp_min(input, min)
    return input if max is None else clamp_max(input, max)


def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """`input` with `value`, a number or a 0-d tensor, where `mask` is true; keeps its dtype. PyTorch:
    `Tensor.masked_fill`.

    Raises TypeError for a mask that is not of bools and a value that is no number, ShapeError for several values, and
    RuntimeError for a number that the dtype cannot hold.
    """
    check_tensors("masked_fill", input, mask)
    if mask.dtype.kind != "b":
        raise DTypeError(f"masked_fill needs a mask of bools, got {mask.dtype}; make one by comparing{in_module()}")
    if isinstance(value, Tensor):
        if value.ndim:
            raise ShapeError(f"masked_fill fills with one number, got a tensor of shape {value.shape}{in_module()}")
        return where(mask, cast(value, dtype=input.dtype), input)
    check_held("masked_fill", "a tensor", value)
    try:
        filler = input.dtype.type(value + 0)
    except (OverflowError, ValueError):
        raise RuntimeError(f"masked_fill: {input.dtype} cannot hold {value}{in_module()}") from None
    except TypeError:
        raise DTypeError(f"masked_fill needs a number, got {type(value).__name__}{in_module()}") from None
    return where(mask, filler, input)


@composite
def relu(input: Any) -> Any:
    """max(input, 0), with derivative 0 at 0. PyTorch: `torch.relu`, `F.relu`."""
    return where(input <= 0, 0, input)  # a nan stays a nan


def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """Numbers in place of nan and the infinities: 0 and the largest finite ones, if not others. PyTorch:
    `torch.nan_to_num`.

    The gradient passes where the input is finite.
    """
    if input.dtype.kind != "f":
        return clone(input)
    largest = float(np.finfo(input.dtype).max)
    input = where(input != input, 0.0 if nan is None else nan, input)
    input = where(input == math.inf, largest if posinf is None else posinf, input)
    return where(input == -math.inf, -largest if neginf is None else neginf, input)


# --------------------------------------------------------------------------------------------- compositions


def lerp(input: Any, end: Any, weight: Any) -> Any:
    """From `input` (weight 0) to `end` (weight 1) on a straight line, exact at both. PyTorch: `torch.lerp`.

    >>> import minigrad as mg
    >>> mg.lerp(mg.tensor([0.0, 10.0]), mg.tensor([1.0, 20.0]), 0.5)
    tensor([ 0.5000, 15.0000])
    """
    step = end - input
    if isinstance(weight, (int, float)):
        return input + weight * step if -0.5 < weight < 0.5 else end - step * (1 - weight)
    return where(abs(weight) < 0.5, input + weight * step, end - step * (1 - weight))


def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """`input + value * tensor1 * tensor2`. PyTorch: `torch.addcmul`."""
    return input + (tensor1 * tensor2 if value == 1 else value * tensor1 * tensor2)


def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """`input + value * tensor1 / tensor2`. PyTorch: `torch.addcdiv`. Raises TypeError for a quotient of integers."""
    if tensor1.dtype.kind != "f" and tensor2.dtype.kind != "f":
        raise DTypeError(f"addcdiv divides {tensor1.dtype} by {tensor2.dtype}; convert one of them with .float()")
    return input + (tensor1 if value == 1 else value * tensor1) / tensor2


def _difference(x: Any, y: Any) -> Any:
    """`x - y`, and 0 where both are the same infinity: they share the gradient evenly, where PyTorch has nan."""
    same = (x == y) & (abs(x) == math.inf)
    return where(same, 0.0, x) - where(same, 0.0, y)


def _logaddexp(x: Any, y: Any) -> Any:
    with np.errstate(invalid="ignore"):  # alone among its kin NumPy's warns of a nan it is given
        return np.logaddexp(x, y)


logaddexp = Primitive("logaddexp", _logaddexp, promote=to_float).rules(
    x=lambda g, x, y: g * sigmoid(_difference(x, y)),
    y=lambda g, x, y: g * sigmoid(_difference(y, x)),
)


def xlogy(input: Any, other: Any) -> Any:
    """`input * log(other)`, and 0 where `input` is 0 and `other` is not nan. PyTorch: `torch.xlogy`.

    Where log(other) is not finite and `input` is 0, both gradients are 0 (PyTorch's may be nan or infinite).

    >>> import minigrad as mg
    >>> mg.xlogy(mg.tensor([0.0, 2.0]), mg.tensor([0.0, 1.0]))
    tensor([0., 0.])
    """
    dtype = result_type(input, other)
    if dtype.kind != "f":
        dtype = np.dtype(np.float32)
    input, other = (_in_dtype(each, dtype) for each in (input, other))
    absent = (input == 0) & ((other <= 0) | (other == math.inf))
    return input * log(where(absent, dtype.type(1), other))


def _in_dtype(value: Any, dtype: np.dtype[Any]) -> Any:
    if not hasattr(value, "dtype"):
        return dtype.type(value)
    return value if value.dtype == dtype else cast(value, dtype=dtype)


def logit(input: Any, eps: float | None = None) -> Any:
    """log(input / (1 - input)), the inverse of `sigmoid`; `eps` first limits `input` to [eps, 1 - eps]. PyTorch:
    `torch.logit`."""
    if eps is not None:
        input = clamp(input, eps, 1 - eps)
    return log(input) - log1p(-1.0 * input)  # the factor makes floats of unsigned integers


absolute, negative, multiply, subtract, clip = abs, neg, mul, sub, clamp

__all__ = [
    "abs", "absolute", "add", "addcdiv", "addcmul", "clamp", "clamp_max", "clamp_min", "clip", "lerp", "logaddexp",
    "logit", "masked_fill", "maximum", "minimum", "mul", "multiply", "nan_to_num", "neg", "negative", "pow",
    "reciprocal", "relu", "rsqrt", "sign", "square", "sub", "subtract", "true_divide", "where", "xlogy",
]  # fmt: skip
