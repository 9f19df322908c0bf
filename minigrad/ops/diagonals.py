"""Diagonals and triangles of matrices: reading them, and making matrices of them."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from ..backends import Array, backend_for, backend_of
from ..graph import Partial
from ..tensor import Tensor
from .cast import clone
from .elementwise import where
from .failure import ShapeError
from .index import dim_of, put, raw
from .primitive import Primitive
from .reduce import sum
from .shape import movedim, reshape


def _on_diagonal(g: Any, x_shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Any:
    """Zeros of `x_shape` with `g` on a diagonal: in memory, a matrix's diagonal is a slice with the step m + 1."""
    rows, columns = x_shape[dim1], x_shape[dim2]
    stack = tuple(size for axis, size in enumerate(x_shape) if axis not in (dim1, dim2))
    first = offset if offset >= 0 else -offset * columns
    steps = slice(first, first + g.shape[-1] * (columns + 1), columns + 1)
    flat = put(g, shape=(*stack, rows * columns), index=(..., steps))
    return movedim(reshape(flat, (*stack, rows, columns)), (-2, -1), (dim1, dim2))


def _diagonal_gradient(g: Any, x_shape: tuple[int, ...], offset: int, dim1: int, dim2: int) -> Any:
    if isinstance(g, Tensor):
        return _on_diagonal(g, x_shape, offset, dim1, dim2)

    def add(whole: Array, index: Any, part: Array) -> None:
        view = backend_of(whole).diagonal(whole, offset, dim1, dim2)
        view += part

    return Partial(x_shape, None, g, add)


_diagonal = Primitive(
    "diagonal", lambda x, *, offset, dim1, dim2: backend_of(x).diagonal(x, offset, dim1, dim2), view=True
).rules(x=_diagonal_gradient)


def _two_dims(name: str, ndim: int, dim1: int, dim2: int) -> tuple[int, int]:
    dim1, dim2 = dim_of(ndim, dim1), dim_of(ndim, dim2)
    if dim1 == dim2:
        raise ValueError(f"{name} needs two different dimensions, got {dim1} twice")
    return dim1, dim2


def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """A view of the diagonals of two dimensions, as the last dimension. PyTorch: `torch.diagonal`.

    >>> import minigrad as mg
    >>> mg.arange(6).reshape(2, 3).diagonal(1)
    tensor([1, 5])
    """
    dim1, dim2 = _two_dims("diagonal", input.ndim, dim1, dim2)
    return _diagonal(input, offset=offset, dim1=dim1, dim2=dim2)


def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices, zero but for the last dimension of `input` on a diagonal. PyTorch: `torch.diag_embed`."""
    if input.ndim == 0:
        raise ShapeError("diag_embed needs at least one dimension")
    dim1, dim2 = _two_dims("diag_embed", input.ndim + 1, dim1, dim2)
    sizes = list(input.shape[:-1])
    for dim in sorted((dim1, dim2)):
        sizes.insert(dim, input.shape[-1] + abs(offset))
    return _on_diagonal(input, tuple(sizes), offset, dim1, dim2)


def diag(input: Any, diagonal: int = 0) -> Any:
    """Of a vector, the matrix with that diagonal; of a matrix, a copy of its diagonal. PyTorch: `torch.diag`."""
    if input.ndim not in (1, 2):
        raise ShapeError(f"diag takes a vector or a matrix, got shape {tuple(input.shape)}")
    if input.ndim == 1:
        return diag_embed(input, diagonal)
    return clone(_diagonal(input, offset=diagonal, dim1=0, dim2=1))


def diagflat(input: Any, offset: int = 0) -> Any:
    """The matrix with all elements of `input` on a diagonal. PyTorch: `torch.diagflat`."""
    return diag_embed(reshape(input, -1), offset)


def trace(input: Any) -> Any:
    """The sum of the diagonal of a matrix. PyTorch: `torch.trace`."""
    if input.ndim != 2:
        raise ShapeError(f"trace takes a matrix, got shape {tuple(input.shape)}")
    return sum(diagonal(input))


# ------------------------------------------------------------------------------------------------- triangles


def _triangle(input: Any, diagonal: int, lower: bool) -> Any:
    if input.ndim < 2:
        raise ValueError(f"{'tril' if lower else 'triu'} needs at least 2 dimensions, got shape {tuple(input.shape)}")
    rows, columns = input.shape[-2:]
    diagonal = index(diagonal)
    xp = backend_of(raw(input)).xp
    distance = xp.arange(columns) - xp.arange(rows)[:, None]
    return where(distance <= diagonal if lower else distance >= diagonal, input, xp.zeros((), input.dtype))


def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangle of the last two dimensions, zero elsewhere. PyTorch: `torch.tril`."""
    return _triangle(input, diagonal, lower=True)


def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangle of the last two dimensions, zero elsewhere. PyTorch: `torch.triu`."""
    return _triangle(input, diagonal, lower=False)


def _triangle_indices(row: int, col: int, offset: int, dtype: Any, device: Any, lower: bool) -> Tensor:
    xp = backend_for(device).xp
    row, col, offset = index(row), index(col), index(offset)
    distance = xp.arange(col) - xp.arange(row)[:, None]
    places = xp.nonzero(distance <= offset if lower else distance >= offset)
    return Tensor(xp.stack(places).astype(np.int64 if dtype is None else dtype))


def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Rows and columns (2, n) of the lower triangle of a matrix, row by row. PyTorch: `torch.tril_indices`."""
    return _triangle_indices(row, col, offset, dtype, device, lower=True)


def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Rows and columns (2, n) of the upper triangle of a matrix, row by row. PyTorch: `torch.triu_indices`."""
    return _triangle_indices(row, col, offset, dtype, device, lower=False)


__all__ = [
    "diag", "diag_embed", "diagflat", "diagonal", "trace", "tril", "tril_indices", "triu", "triu_indices",
]  # fmt: skip
