"""Comparisons, logic and bits: what gives truth or whole numbers, and so has no gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .elementwise import abs, where
from .failure import DTypeError
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

greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne


def logical_and(input: Any, other: Any) -> Any:
    """Whether both are nonzero. PyTorch: `torch.logical_and`."""
    return ne(input, 0) & ne(other, 0)


def logical_or(input: Any, other: Any) -> Any:
    """Whether one or both are nonzero. PyTorch: `torch.logical_or`."""
    return ne(input, 0) | ne(other, 0)


def logical_xor(input: Any, other: Any) -> Any:
    """Whether exactly one is nonzero. PyTorch: `torch.logical_xor`."""
    return ne(input, 0) ^ ne(other, 0)


def logical_not(input: Any) -> Any:
    """Whether it is zero. PyTorch: `torch.logical_not`."""
    return eq(input, 0)


def isnan(input: Any) -> Any:
    """Whether it is not a number. PyTorch: `torch.isnan`."""
    return ne(input, input)


def isinf(input: Any) -> Any:
    """Whether it is an infinity. PyTorch: `torch.isinf`."""
    return eq(abs(input), math.inf)


def isfinite(input: Any) -> Any:
    """Whether it is neither an infinity nor nan. PyTorch: `torch.isfinite`."""
    return lt(abs(input), math.inf)


def isclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether `abs(input - other) <= atol + rtol * abs(other)`; infinities are close to themselves, and nan to nan if
    `equal_nan`. PyTorch: `torch.isclose`.

    Raises TypeError for tensors of two dtypes and ValueError for a negative tolerance.

    >>> import minigrad as mg
    >>> mg.isclose(mg.tensor([1.0, 2.0]), mg.tensor([1.000001, 2.1]))
    tensor([ True, False])
    """
    if input.dtype != other.dtype:
        raise DTypeError(f"isclose compares tensors of one dtype, got {input.dtype} and {other.dtype}")
    if rtol < 0 or atol < 0:
        raise ValueError(f"isclose needs tolerances of at least 0, got rtol={rtol} and atol={atol}")
    close = eq(input, other)
    if input.dtype.kind == "b":
        return close
    if equal_nan:
        close = close | (isnan(input) & isnan(other))
    finite = isfinite(input) & isfinite(other)
    input, other = where(finite, input, 0), where(finite, other, 0)  # rtol may be 0, and 0 times infinity is no number
    return close | (finite & (abs(input - other) <= atol + rtol * abs(other)))


def allclose(input: Any, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether `isclose` holds everywhere. PyTorch: `torch.allclose`. Waits for the device."""
    return bool(isclose(input, other, rtol, atol, equal_nan).data.all())


def equal(input: Any, other: Any) -> bool:
    """Whether two tensors have one shape and the same elements. PyTorch: `torch.equal`. Waits for the device."""
    return input.shape == other.shape and bool(eq(input, other).data.all())


__all__ = [
    "allclose", "bitwise_and", "bitwise_not", "bitwise_or", "bitwise_xor", "eq", "equal", "ge", "greater",
    "greater_equal", "gt", "isclose", "isfinite", "isinf", "isnan", "le", "less", "less_equal", "logical_and",
    "logical_not", "logical_or", "logical_xor", "lt", "ne", "not_equal",
]  # fmt: skip
