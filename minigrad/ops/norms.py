"""Norms of vectors and matrices, composed of sums and extremes. The gradient at 0 is 0, as in PyTorch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .cast import cast
from .elementwise import abs, where
from .failure import DTypeError, ShapeError
from .index import dim_of
from .reduce import amax, amin, axes_of, sum
from .shape import reshape
from .transcendental import sqrt


def vector_norm(input: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """(sum |x|^ord)^(1/ord) over `dim`, or over all; the largest or smallest |x| for inf or -inf, the number of nonzero
    elements for 0. PyTorch: `torch.linalg.vector_norm`.

    >>> import minigrad as mg
    >>> mg.linalg.vector_norm(mg.tensor([3.0, 4.0])).item()
    5.0
    """
    if dtype is not None:
        input = cast(input, dtype=np.dtype(dtype))
    if input.dtype.kind != "f":
        raise DTypeError(f"linalg.vector_norm takes floating-point tensors, got {input.dtype}; convert with .float()")
    axes = axes_of(input.ndim, dim)
    if ord in (math.inf, -math.inf):
        if 0 in [input.shape[axis] for axis in axes]:
            raise ShapeError(f"linalg.vector_norm: of no elements, shape {tuple(input.shape)}, nothing is the largest")
        return (amax if ord > 0 else amin)(abs(input), axes, keepdim) if axes else abs(input)
    if not axes:
        return cast(input != 0.0, dtype=input.dtype) if ord == 0 else abs(input)
    if ord == 0:
        return sum(cast(input != 0.0, dtype=input.dtype), axes, keepdim)
    if ord == 1:
        return sum(abs(input), axes, keepdim)
    if ord == 2:
        squares = sum(input * input, axes, keepdim)
        zero = squares == 0.0
        return where(zero, 0.0, sqrt(where(zero, 1.0, squares)))
    powers = sum(abs(input) ** ord, axes, keepdim)
    zero = powers == 0.0
    return where(zero, 0.0, where(zero, 1.0, powers) ** (1.0 / ord))


def matrix_norm(
    input: Any, ord: Any = "fro", dim: tuple[int, int] = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Any:
    """The norm of every matrix in two dimensions: "fro" (of all elements, as of a vector), or the largest (1, inf) or
    smallest (-1, -inf) absolute sum of a column (1) or a row (inf). PyTorch: `torch.linalg.matrix_norm`.

    The norms of singular values (2, -2, "nuc") are not there.
    """
    rows, columns = dim_of(input.ndim, dim[0]), dim_of(input.ndim, dim[1])
    if rows == columns:
        raise ValueError(f"linalg.matrix_norm needs two different dimensions, got {tuple(dim)}")
    if ord == "fro":
        return vector_norm(input, 2, (rows, columns), keepdim, dtype=dtype)
    if ord not in (1, -1, math.inf, -math.inf):
        raise NotImplementedError(f"linalg.matrix_norm knows the orders 'fro', 1, -1, inf and -inf, got {ord!r}")
    summed, compared = (rows, columns) if ord in (1, -1) else (columns, rows)
    sums = vector_norm(input, 1, summed, True, dtype=dtype)
    largest = (amax if input.shape[compared] else sum) if ord > 0 else amin  # the largest of none is 0
    out = largest(sums, compared, True)
    if keepdim:
        return out
    return reshape(out, tuple(size for axis, size in enumerate(input.shape) if axis not in (rows, columns)))


def norm(input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """`vector_norm` over one dimension or all, `matrix_norm` over two. PyTorch: `torch.linalg.norm`."""
    if ord is None:
        return vector_norm(input, 2, dim, keepdim, dtype=dtype)
    if dim is None:
        if input.ndim not in (1, 2):
            raise ShapeError(f"linalg.norm of an order takes dim, or 1 or 2 dimensions; got shape {tuple(input.shape)}")
        dim = tuple(range(input.ndim))
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    if len(dims) not in (1, 2):
        raise ValueError(f"linalg.norm is over one dimension or two, got {dim}")
    return (matrix_norm(input, ord, tuple(dims), keepdim, dtype=dtype) if len(dims) == 2
            else vector_norm(input, ord, dims, keepdim, dtype=dtype))  # fmt: skip


def cdist(x1: Any, x2: Any, p: float = 2.0) -> Any:
    """The distance of every row of `x1` (..., n, k) to every row of `x2` (..., m, k), as (..., n, m). PyTorch:
    `torch.cdist`.

    Composed of differences, so exact for near rows; it takes the memory of n * m * k numbers.
    """
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(f"cdist takes rows of one length, got {tuple(x1.shape)} and {tuple(x2.shape)}")
    apart = reshape(x1, (*x1.shape[:-1], 1, x1.shape[-1])) - reshape(x2, (*x2.shape[:-2], 1, *x2.shape[-2:]))
    return vector_norm(apart, p if apart.shape[-1] else 1, -1)


__all__ = ["cdist"]
