"""Comparisons, logic and bits: what gives truth or whole numbers, and so has no gradient."""

from __future__ import annotations

import numpy as np

from .primitive import Primitive

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

__all__ = [
    "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq", "ge", "gt", "isfinite", "isinf", "isnan", "le",
    "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne",
]  # fmt: skip
