"""Exponentials, logarithms, roots, trigonometry and their kin: each primitive with its gradient beside it."""

from __future__ import annotations

import math

import numpy as np

from ..backends import Array, backend_of
from .dtypes import to_float
from .primitive import Primitive

exp = Primitive("exp", np.exp, promote=to_float).rules(x=lambda g, out: g * out)
log = Primitive("log", np.log, promote=to_float).rules(x=lambda g, x: g / x)
sqrt = Primitive("sqrt", np.sqrt, promote=to_float).rules(x=lambda g, out: g * 0.5 / out)
sin = Primitive("sin", np.sin, promote=to_float).rules(x=lambda g, x: g * cos(x))
cos: Primitive = Primitive("cos", np.cos, promote=to_float).rules(x=lambda g, x: -g * sin(x))
tanh = Primitive("tanh", np.tanh, promote=to_float).rules(x=lambda g, out: g * (1.0 - out * out))
erf = Primitive("erf", lambda x: backend_of(x).erf(x), promote=to_float).rules(
    x=lambda g, x: g * (2.0 / math.sqrt(math.pi)) * exp(-(x * x)),
)


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))  # at most 1, so nothing overflows on either side
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


sigmoid = Primitive("sigmoid", _sigmoid, promote=to_float).rules(x=lambda g, out: g * out * (1.0 - out))

__all__ = ["cos", "erf", "exp", "log", "sigmoid", "sin", "sqrt", "tanh"]
