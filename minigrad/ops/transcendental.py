"""Exponentials, logarithms, roots, trigonometry and their kin: each primitive with its gradient beside it, and what is
composed of them where that loses no digits.

Integers and bools give float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import Array, backend_of
from .dtypes import to_float
from .primitive import Primitive

# ----------------------------------------------------------------------------------- exponentials, logarithms, roots

exp = Primitive("exp", np.exp, promote=to_float).rules(x=lambda g, out: g * out)
expm1 = Primitive("expm1", np.expm1, promote=to_float).rules(x=lambda g, x: g * exp(x))  # out + 1 would lose digits
log = Primitive("log", np.log, promote=to_float).rules(x=lambda g, x: g / x)
log1p = Primitive("log1p", np.log1p, promote=to_float).rules(x=lambda g, x: g / (1.0 + x))
log2 = Primitive("log2", np.log2, promote=to_float).rules(x=lambda g, x: g / (x * math.log(2.0)))
log10 = Primitive("log10", np.log10, promote=to_float).rules(x=lambda g, x: g / (x * math.log(10.0)))
sqrt = Primitive("sqrt", np.sqrt, promote=to_float).rules(x=lambda g, out: g * 0.5 / out)
hypot = Primitive("hypot", np.hypot, promote=to_float).rules(
    x=lambda g, out, x: g * (x / out),
    y=lambda g, out, y: g * (y / out),
)


def exp2(input: Any) -> Any:
    """2 to the power of `input`, exact for whole numbers. PyTorch: `torch.exp2`."""
    return 2.0**input


# ---------------------------------------------------------------------------------------- circular and hyperbolic

sin = Primitive("sin", np.sin, promote=to_float).rules(x=lambda g, x: g * cos(x))
cos: Primitive = Primitive("cos", np.cos, promote=to_float).rules(x=lambda g, x: -g * sin(x))
asin = Primitive("asin", np.arcsin, promote=to_float).rules(x=lambda g, x: g / sqrt((1.0 - x) * (1.0 + x)))
acos = Primitive("acos", np.arccos, promote=to_float).rules(x=lambda g, x: -g / sqrt((1.0 - x) * (1.0 + x)))


def _squared_radius(x: Any, y: Any) -> Any:
    square = x * x + y * y
    return square + (square == 0)  # 1 at the origin, where the angle has gradient 0


atan2 = Primitive("atan2", np.arctan2, promote=to_float).rules(
    x=lambda g, x, y: g * y / _squared_radius(x, y),
    y=lambda g, x, y: -g * x / _squared_radius(x, y),
)
sinh = Primitive("sinh", np.sinh, promote=to_float).rules(x=lambda g, x: g * cosh(x))
cosh: Primitive = Primitive("cosh", np.cosh, promote=to_float).rules(x=lambda g, x: g * sinh(x))
tanh = Primitive("tanh", np.tanh, promote=to_float).rules(x=lambda g, out: g * (1.0 - out * out))
asinh = Primitive("asinh", np.arcsinh, promote=to_float).rules(x=lambda g, x: g / hypot(x, 1.0))
acosh = Primitive("acosh", np.arccosh, promote=to_float).rules(x=lambda g, x: g / sqrt((x - 1.0) * (x + 1.0)))


def tan(input: Any) -> Any:
    """The tangent. PyTorch: `torch.tan`."""
    return sin(input) / cos(input)


def atan(input: Any) -> Any:
    """The angle in [-pi/2, pi/2] with this tangent. PyTorch: `torch.atan`."""
    return atan2(input, 1.0)


def atanh(input: Any) -> Any:
    """The number with this hyperbolic tangent; nan outside of [-1, 1]. PyTorch: `torch.atanh`."""
    return 0.5 * (log1p(input) - log1p(-1.0 * input))  # the factor makes floats of unsigned integers


# ------------------------------------------------------------------------------------- the normal and the logistic

erf = Primitive("erf", lambda x: backend_of(x).erf(x), promote=to_float).rules(
    x=lambda g, x: g * (2.0 / math.sqrt(math.pi)) * exp(-(x * x)),
)
erfc = Primitive("erfc", lambda x: backend_of(x).erfc(x), promote=to_float).rules(
    x=lambda g, x: g * (-2.0 / math.sqrt(math.pi)) * exp(-(x * x)),
)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))  # at most 1, so nothing overflows on either side
    above: Array = backend_of(x).where(x >= 0, 1.0, small)
    return above / (1.0 + small)


sigmoid = Primitive("sigmoid", _sigmoid, promote=to_float).rules(x=lambda g, out: g * out * (1.0 - out))

arcsin, arccos, arctan, arctan2 = asin, acos, atan, atan2
arcsinh, arccosh, arctanh = asinh, acosh, atanh

__all__ = [
    "acos",
    "acosh",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "hypot",
    "log",
    "log1p",
    "log2",
    "log10",
    "sigmoid",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
]  # fmt: skip
