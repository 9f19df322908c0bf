"""Means, variances and norms, composed of the reductions. `dim`, `axis` and `keepdims` are as there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .cast import cast
from .dtypes import checked_dtype
from .elementwise import abs, where
from .failure import DTypeError
from .reduce import amax, amin, axes_of, chosen, nansum, sum
from .transcendental import sqrt

_SINGLE = np.dtype(np.float32)


def mean(
    input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None,
    keepdims: bool | None = None,
) -> Any:  # fmt: skip
    """The arithmetic mean over `dim`; nan for no elements. PyTorch: `torch.mean`.

    Raises TypeError for integers, whose mean has no place in an integer tensor: convert with `.float()`.
    """
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    if dtype is not None:
        input = cast(input, dtype=checked_dtype(dtype))
    if input.dtype.kind != "f":
        raise TypeError(f"mean needs a floating-point tensor, got {input.dtype}; convert it with .float()")
    if input.dtype == np.float16:  # the total and the count may be beyond float16 where the mean is not
        return cast(mean(cast(input, dtype=_SINGLE), dim, keepdim), dtype=input.dtype)
    axes = axes_of(input.ndim, dim)
    count = math.prod(input.shape[axis] for axis in axes)
    total = sum(input, axes, keepdim)
    return total / count if count else total * math.nan


def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, axis: Any = None, keepdims: bool | None = None,
) -> Any:  # fmt: skip
    """The variance over `dim`, divided by n - correction. PyTorch: `torch.var`, with Bessel's correction by default.

    `unbiased`, which may stand in the place of `dim`, is a correction of 1 or 0. The variance is infinite where n is
    not larger than the correction, and nan where the elements are equal too. Raises TypeError for integers, and if
    both `unbiased` and `correction` are given.

    >>> import minigrad as mg
    >>> mg.var(mg.tensor([1.0, 3.0]), correction=0)
    tensor(1.)
    """
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    dim, correction = _corrected(dim, unbiased, correction)
    if input.dtype.kind != "f":
        raise DTypeError(f"var needs a floating-point tensor, got {input.dtype}; convert it with .float()")
    if input.dtype == np.float16:
        wide = var(cast(input, dtype=_SINGLE), dim, keepdim=keepdim, correction=correction)
        return cast(wide, dtype=input.dtype)
    axes = axes_of(input.ndim, dim)
    count = math.prod(input.shape[axis] for axis in axes)
    centred = input - mean(input, axes, keepdim=True)
    degrees = count - correction
    total = sum(centred * centred, axes, keepdim)
    return total / degrees if degrees > 0 else total * where(total == 0, math.nan, math.inf)


def _corrected(dim: Any, unbiased: bool | None, correction: float | None) -> tuple[Any, float]:
    """The dimensions and the correction of a call of `var` and its kin."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is None:
        return dim, 1 if correction is None else correction
    if correction is not None:
        raise TypeError("of unbiased and correction only one may be given")
    return dim, int(unbiased)


def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, axis: Any = None, keepdims: bool | None = None,
) -> Any:  # fmt: skip
    """The square root of `var`, with gradient 0 where it is 0. PyTorch: `torch.std`."""
    if input.dtype == np.float16:  # the variance may be beyond float16 where its root is not
        dim, keepdim = chosen(dim, keepdim, axis, keepdims)
        wide = std(cast(input, dtype=_SINGLE), dim, unbiased, keepdim, correction=correction)
        return cast(wide, dtype=input.dtype)
    variance = var(input, dim, unbiased, keepdim, correction=correction, axis=axis, keepdims=keepdims)
    constant = variance == 0
    return where(constant, cast(constant, dtype=variance.dtype) * 0.0, sqrt(where(constant, 1.0, variance)))


def var_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, axis: Any = None, keepdims: bool | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """(`var`, `mean`). PyTorch: `torch.var_mean`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    dim, correction = _corrected(dim, unbiased, correction)
    return var(input, dim, correction=correction, keepdim=keepdim), mean(input, dim, keepdim)


def std_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
    correction: float | None = None, axis: Any = None, keepdims: bool | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """(`std`, `mean`). PyTorch: `torch.std_mean`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    dim, correction = _corrected(dim, unbiased, correction)
    return std(input, dim, correction=correction, keepdim=keepdim), mean(input, dim, keepdim)


def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of what is not nan. PyTorch: `torch.nanmean`. Raises TypeError for integers."""
    if input.dtype.kind != "f":
        raise DTypeError(f"nanmean needs a floating-point tensor, got {input.dtype}; convert it with .float()")
    with np.errstate(invalid="ignore"):  # of nothing it is nan
        return nansum(input, dim, keepdim, dtype=dtype) / sum(input == input, dim, keepdim)


def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """(sum |input|**p)**(1/p) over `dim`, with gradient 0 where an element or the norm is 0; "fro" means 2. PyTorch:
    `torch.norm`.

    For `p` of inf and -inf the largest and the smallest magnitude, for 0 the number of elements that are not 0.
    Raises TypeError for integers and ValueError for another `p`, such as the norms of matrices.

    >>> import minigrad as mg
    >>> mg.norm(mg.tensor([3.0, 4.0]))
    tensor(5.)
    """
    if input.dtype.kind != "f":
        raise DTypeError(f"norm needs a floating-point tensor, got {input.dtype}; convert it with .float()")
    p = 2 if p == "fro" or p is None else p
    if isinstance(p, str):
        raise ValueError(f"norm: p must be 'fro' or a number, got {p!r}")
    x = input if dtype is None else cast(input, dtype=checked_dtype(dtype))
    if p == 0:
        return sum(where(x == 0, x * 0.0, 1.0), dim, keepdim)  # whose gradient is 0
    if p == 1:
        return sum(abs(x), dim, keepdim)
    if math.isinf(p):
        return (amax if p > 0 else amin)(abs(x), dim, keepdim)
    if p == 2:
        powers = x * x
    else:
        zero = x == 0
        powers = where(zero, 0.0 if p > 0 else math.inf, where(zero, 1.0, abs(x)) ** p)
    total = sum(powers, dim, keepdim)
    zero = total == 0
    total = where(zero, 1.0, total)
    return where(zero, 0.0, sqrt(total) if p == 2 else total ** (1.0 / p))


__all__ = ["mean", "nanmean", "norm", "std", "std_mean", "var", "var_mean"]
