"""Rearranging elements: three views and `cat`, and what is composed of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor
from ..writes import owner_of
from .creation import sizes_of
from .elementwise import where
from .failure import ShapeError, check_tensors
from .index import dim_of, getitem
from .primitive import Primitive

_reshape = Primitive("reshape", lambda x, *, shape: x.reshape(shape), view=True).rules(
    x=lambda g, x_shape: reshape(g, x_shape),
)
_permute = Primitive("permute", lambda x, *, dims: x.transpose(dims), view=True).rules(
    x=lambda g, dims: permute(g, tuple(int(i) for i in np.argsort(dims))),
)
_expand = Primitive("expand", lambda x, *, shape: np.broadcast_to(x, shape), view=True).rules(
    x=lambda g: g,  # the walk sums over the dimensions that were broadcast
)
_cat = Primitive("cat", lambda *xs, dim, bounds: np.concatenate(xs, axis=dim)).rules(
    each=lambda g, i, dim, bounds: narrow(g, dim, bounds[i], bounds[i + 1] - bounds[i]),
)


def view(input: Any, *shape: Any) -> Any:
    """`reshape` that never copies. PyTorch: `Tensor.view`. Raises RuntimeError where the layout would need a copy."""
    out = reshape(input, *shape)
    if isinstance(input, Tensor) and owner_of(out.data) is not owner_of(input.data):
        raise RuntimeError(
            f"view of shape {input.shape} as {out.shape}: the elements do not lie in that order, and putting them in "
            f"order takes a copy; use reshape"
        )
    return out


def reshape(input: Any, *shape: Any) -> Any:
    """The same elements in another shape, one size of which may be -1; a view where possible. PyTorch: `torch.reshape`.

    >>> import minigrad as mg
    >>> mg.arange(6).reshape(2, -1).shape
    (2, 3)
    """
    sizes = sizes_of(shape)
    if sizes and min(sizes) < -1:
        raise ShapeError(f"reshape of {tuple(input.shape)} to {sizes}: only -1, one time, may stand for a size")
    return _reshape(input, shape=sizes)


def permute(input: Any, *dims: Any) -> Any:
    """A view with the dimensions in another order. PyTorch: `torch.permute`."""
    order = tuple(dim_of(input.ndim, dim) for dim in sizes_of(dims))
    if sorted(order) != list(range(input.ndim)):
        raise ShapeError(f"permute needs every one of {input.ndim} dimensions once, got {dims}")
    return _permute(input, dims=order)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """A view with two dimensions swapped. PyTorch: `torch.transpose`."""
    order = list(range(input.ndim))
    dim0, dim1 = dim_of(input.ndim, dim0), dim_of(input.ndim, dim1)
    order[dim0], order[dim1] = dim1, dim0
    return _permute(input, dims=tuple(order))


def expand(input: Any, *shape: Any) -> Any:
    """A view with dimensions of size 1 repeated without copying; -1 keeps a size. PyTorch: `Tensor.expand`."""
    sizes = sizes_of(shape)
    lead = len(sizes) - input.ndim
    if lead < 0 or -1 in sizes[:lead]:
        raise ShapeError(f"expand of {tuple(input.shape)} to {sizes}: -1 keeps a size, and the first {lead} are new")
    return _expand(input, shape=tuple(input.shape[i - lead] if size == -1 else size for i, size in enumerate(sizes)))


def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The dimensions from `start_dim` to `end_dim` as one. PyTorch: `torch.flatten`."""
    start, end = dim_of(input.ndim or 1, start_dim), dim_of(input.ndim or 1, end_dim)
    if start > end:
        raise ShapeError(f"flatten of {tuple(input.shape)}: start_dim {start} comes after end_dim {end}")
    shape = input.shape
    return reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


def squeeze(input: Any, dim: Any = None) -> Any:
    """Without the dimensions of size 1, or without those of `dim` that have size 1. PyTorch: `torch.squeeze`."""
    dims = range(input.ndim) if dim is None else [dim_of(input.ndim or 1, d) for d in sizes_of((dim,))]
    return reshape(input, tuple(size for axis, size in enumerate(input.shape) if size != 1 or axis not in dims))


def unsqueeze(input: Any, dim: int) -> Any:
    """With a dimension of size 1 inserted at `dim`. PyTorch: `torch.unsqueeze`."""
    at = dim_of(input.ndim + 1, dim)
    return reshape(input, (*input.shape[:at], 1, *input.shape[at:]))


def cat(tensors: Sequence[Any], dim: int = 0, *, axis: int | None = None) -> Any:
    """Tensors joined along an existing dimension. PyTorch: `torch.cat`.

    >>> import minigrad as mg
    >>> mg.cat([mg.ones(2, 1), mg.zeros(2, 2)], dim=1).shape
    (2, 3)
    """
    tensors = tuple(tensors)
    if not tensors:
        raise ShapeError("cat needs at least one tensor")
    check_tensors("cat", *tensors)
    dim = dim_of(tensors[0].ndim, dim if axis is None else axis)
    bounds = [0]
    for tensor in tensors:
        bounds.append(bounds[-1] + (tensor.shape[dim] if tensor.ndim > dim else 0))
    return _cat(*tensors, dim=dim, bounds=tuple(bounds))


def stack(tensors: Sequence[Any], dim: int = 0) -> Any:
    """Tensors of one shape joined along a new dimension. PyTorch: `torch.stack`."""
    tensors = tuple(tensors)
    check_tensors("stack", *tensors)
    shapes = {tuple(tensor.shape) for tensor in tensors}
    if len(shapes) > 1:
        raise ShapeError(f"stack needs tensors of one shape, got {' and '.join(map(str, sorted(shapes)))}")
    return cat([unsqueeze(tensor, dim) for tensor in tensors], dim)


def narrow(input: Any, dim: int, start: int, length: int) -> Any:
    """A view of `length` entries from `start` along `dim`; a negative `start` counts from the end. PyTorch:
    `torch.narrow`."""
    dim = dim_of(input.ndim, dim)
    first = start + input.shape[dim] if start < 0 else start
    if not 0 <= first <= first + length <= input.shape[dim]:
        raise IndexError(f"narrow from {start} by {length} leaves dimension {dim} of size {input.shape[dim]}")
    start = first
    return getitem(input, (slice(None),) * dim + (slice(start, start + length),))


def split(tensor: Any, split_size_or_sections: int | Sequence[int], dim: int = 0) -> tuple[Any, ...]:
    """Views of consecutive parts: of one size (the last may be smaller), or of the given sizes. PyTorch: `torch.split`.

    >>> import minigrad as mg
    >>> [part.shape for part in mg.split(mg.ones(5), 2)]
    [(2,), (2,), (1,)]
    """
    total = tensor.shape[dim_of(tensor.ndim, dim)]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size <= 0:
            raise ShapeError(f"split needs a positive size, got {size}")
        sizes = [min(size, total - start) for start in range(0, total, size)] or [0]
    else:
        sizes = list(split_size_or_sections)
        if sum(sizes) != total:
            raise ShapeError(f"split sizes {sizes} add up to {sum(sizes)}, dimension {dim} has size {total}")
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(narrow(tensor, dim, start, size) for start, size in zip(starts, sizes))


def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Any, ...]:
    """Views of at most `chunks` equal consecutive parts; of none, `chunks` empty ones. PyTorch: `torch.chunk`."""
    if chunks <= 0:
        raise ShapeError(f"chunk needs a positive number of chunks, got {chunks}")
    total = input.shape[dim_of(input.ndim, dim)]
    return split(input, -(-total // chunks) if total else [0] * chunks, dim)


def unbind(input: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of the slices along a dimension, which is removed. PyTorch: `torch.unbind`."""
    dim = dim_of(input.ndim, dim)
    return tuple(getitem(input, (slice(None),) * dim + (i,)) for i in range(input.shape[dim]))


def _triangle(input: Any, diagonal: int, lower: bool) -> Any:
    if input.ndim < 2:
        raise ShapeError(f"{'tril' if lower else 'triu'} needs at least 2 dimensions, got shape {tuple(input.shape)}")
    rows, columns = input.shape[-2:]
    distance = np.arange(columns) - np.arange(rows)[:, None]
    return where(distance <= diagonal if lower else distance >= diagonal, input, np.zeros((), input.dtype))


def tril(input: Any, diagonal: int = 0) -> Any:
    """The lower triangle of the last two dimensions, zero elsewhere. PyTorch: `torch.tril`."""
    return _triangle(input, diagonal, lower=True)


def triu(input: Any, diagonal: int = 0) -> Any:
    """The upper triangle of the last two dimensions, zero elsewhere. PyTorch: `torch.triu`."""
    return _triangle(input, diagonal, lower=False)


__all__ = [
    "cat", "chunk", "flatten", "narrow", "permute", "reshape", "split", "squeeze", "stack", "transpose", "tril",
    "triu", "unbind", "unsqueeze",
]  # fmt: skip
