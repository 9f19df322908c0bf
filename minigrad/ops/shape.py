"""Rearranging elements: three views and `cat`, and what is composed of them."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor
from ..writes import owner_of
from .creation import sizes_of
from .failure import ShapeError, check_tensors, in_module
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


def view(input: Any, *sizes: Any, size: Any = None) -> Any:
    """`reshape` that never copies. PyTorch: `Tensor.view`. Raises RuntimeError where the layout would need a copy."""
    out = reshape(input, *sizes, shape=size)
    if isinstance(input, Tensor) and owner_of(out.data) is not owner_of(input.data):
        raise RuntimeError(
            f"view of shape {input.shape} as {out.shape}: the elements do not lie in that order, and putting them in "
            f"order takes a copy; use reshape"
        )
    return out


def reshape(input: Any, *sizes: Any, shape: Any = None) -> Any:
    """The same elements in another shape, one size of which may be -1; a view where possible. PyTorch: `torch.reshape`.

    >>> import minigrad as mg
    >>> mg.arange(6).reshape(2, -1).shape
    (2, 3)
    """
    sizes = sizes_of(sizes, shape)
    if sizes and min(sizes) < -1:
        raise ShapeError(f"reshape of {tuple(input.shape)} to {sizes}: only -1, one time, may stand for a size")
    return _reshape(input, shape=sizes)


def permute(input: Any, *order: Any, dims: Any = None) -> Any:
    """A view with the dimensions in another order. PyTorch: `torch.permute`."""
    order = sizes_of(order, dims)
    axes = tuple(dim_of(input.ndim, dim) for dim in order)
    if sorted(axes) != list(range(input.ndim)):
        raise ShapeError(f"permute needs every one of {input.ndim} dimensions once, got {order}")
    return _permute(input, dims=axes)


def transpose(input: Any, dim0: int, dim1: int) -> Any:
    """A view with two dimensions swapped. PyTorch: `torch.transpose`."""
    order = list(range(input.ndim))
    dim0, dim1 = dim_of(input.ndim or 1, dim0), dim_of(input.ndim or 1, dim1)
    if not order:
        return input  # a number has one dimension to swap with itself
    order[dim0], order[dim1] = dim1, dim0
    return _permute(input, dims=tuple(order))


def expand(input: Any, *sizes: Any, size: Any = None) -> Any:
    """A view with dimensions of size 1 repeated without copying; -1 keeps a size. PyTorch: `Tensor.expand`."""
    sizes = sizes_of(sizes, size)
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
    dims = range(input.ndim) if dim is None else [
        dim_of(input.ndim or 1, each) for each in (dim if isinstance(dim, (tuple, list)) else (dim,))
    ]
    if len(set(dims)) < len(dims):
        raise ValueError(f"squeeze: dim {dim} names a dimension twice")
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
    starts = itertools.accumulate(sizes, initial=0)
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


def select(input: Any, dim: int, index: int) -> Any:
    """A view of one slice along `dim`, which is removed. PyTorch: `torch.select`. Raises IndexError out of range."""
    dim = dim_of(input.ndim, dim)
    if not -input.shape[dim] <= index < input.shape[dim]:
        raise IndexError(f"select of {index} leaves dimension {dim} of size {input.shape[dim]}{in_module()}")
    return getitem(input, (slice(None),) * dim + (operator.index(index),))


# --------------------------------------------------------------------------------------- other ways to say it


def view_as(input: Any, other: Any) -> Any:
    """`view` with the shape of `other`. PyTorch: `Tensor.view_as`."""
    return view(input, tuple(other.shape))


def reshape_as(input: Any, other: Any) -> Any:
    """`reshape` to the shape of `other`. PyTorch: `Tensor.reshape_as`."""
    return reshape(input, tuple(other.shape))


def expand_as(input: Any, other: Any) -> Any:
    """`expand` to the shape of `other`. PyTorch: `Tensor.expand_as`."""
    return expand(input, tuple(other.shape))


def broadcast_to(input: Any, size: Any) -> Any:
    """A view of `input` expanded to `size`. PyTorch: `torch.broadcast_to`."""
    return expand(input, tuple(size))


def broadcast_tensors(*tensors: Any) -> tuple[Any, ...]:
    """Views of all tensors in the shape they broadcast to. PyTorch: `torch.broadcast_tensors`."""
    shapes = [tuple(tensor.shape) for tensor in tensors]
    try:
        size = np.broadcast_shapes(*shapes)
    except ValueError:
        raise ShapeError(f"broadcast_tensors: shapes {' and '.join(map(str, shapes))} do not broadcast") from None
    return tuple(expand(tensor, size) for tensor in tensors)


def unflatten(input: Any, dim: int, sizes: Sequence[int]) -> Any:
    """One dimension as several, one size of which may be -1. PyTorch: `torch.unflatten`.

    >>> import minigrad as mg
    >>> mg.ones(2, 6).unflatten(1, (3, -1)).shape
    (2, 3, 2)
    """
    dim = dim_of(input.ndim, dim)
    known = math.prod(size for size in sizes if size != -1)
    fits = input.shape[dim] == known if -1 not in sizes else known > 0 and input.shape[dim] % known == 0
    if not sizes or not fits or tuple(sizes).count(-1) > 1:
        raise ShapeError(f"unflatten: sizes {tuple(sizes)} do not make up dimension {dim} of size {input.shape[dim]}")
    sizes = [input.shape[dim] // known if size == -1 else size for size in sizes]
    return reshape(input, (*input.shape[:dim], *sizes, *input.shape[dim + 1 :]))


def movedim(input: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Any:
    """A view with some dimensions moved, the others in their order. PyTorch: `torch.movedim`.

    >>> import minigrad as mg
    >>> mg.ones(2, 3, 4).movedim(0, -1).shape
    (3, 4, 2)
    """
    sources, targets = (
        [dim_of(input.ndim or 1, dim) for dim in ((dims,) if isinstance(dims, int) else dims)]
        for dims in (source, destination)
    )
    if len(sources) != len(targets) or len(set(sources)) < len(sources) or len(set(targets)) < len(targets):
        raise ValueError(f"movedim takes as many sources as destinations, each once, got {source} and {destination}")
    rest = iter([dim for dim in range(input.ndim) if dim not in sources])
    moved = dict(zip(targets, sources))
    return _permute(input, dims=tuple(moved[dim] if dim in moved else next(rest) for dim in range(input.ndim)))


moveaxis = movedim
swapdims = transpose


def swapaxes(input: Any, axis0: int, axis1: int) -> Any:
    """`transpose` under NumPy's name. PyTorch: `torch.swapaxes`."""
    return transpose(input, axis0, axis1)


def t(input: Any) -> Any:
    """A matrix transposed; fewer dimensions stay as they are. PyTorch: `torch.t`."""
    if input.ndim > 2:
        raise ShapeError(f"t() takes at most 2 dimensions, got shape {tuple(input.shape)}; use mT or transpose")
    return transpose(input, 0, 1) if input.ndim == 2 else input


def atleast_1d(*tensors: Any) -> Any:
    """With at least one dimension; several tensors give a tuple. PyTorch: `torch.atleast_1d`."""
    return _of_each(tensors, lambda x: x if x.ndim else reshape(x, 1))


def atleast_2d(*tensors: Any) -> Any:
    """With at least two dimensions, new ones in front. PyTorch: `torch.atleast_2d`."""
    return _of_each(tensors, lambda x: x if x.ndim > 1 else unsqueeze(atleast_1d(x), 0))


def atleast_3d(*tensors: Any) -> Any:
    """With at least three dimensions: (n,) as (1, n, 1) and (n, m) as (n, m, 1). PyTorch: `torch.atleast_3d`."""
    return _of_each(tensors, lambda x: x if x.ndim > 2 else unsqueeze(atleast_2d(x), -1))


def _of_each(tensors: tuple[Any, ...], function: Callable[[Any], Any]) -> Any:
    if len(tensors) == 1 and not isinstance(tensors[0], (tuple, list)):
        return function(tensors[0])
    if len(tensors) == 1:
        tensors = tuple(tensors[0])
    return tuple(map(function, tensors))


__all__ = [
    "atleast_1d", "atleast_2d", "atleast_3d", "broadcast_tensors", "broadcast_to", "cat", "chunk", "flatten",
    "moveaxis", "movedim", "narrow", "permute", "reshape", "select", "split", "squeeze", "stack", "swapaxes",
    "swapdims", "t", "transpose", "unbind", "unflatten", "unsqueeze",
]  # fmt: skip
