"""Copies in another arrangement: repeated, turned round, shifted; and windows that slide over a dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backends import Array, backend_of
from ..graph import Partial
from ..tensor import Tensor
from .cast import clone
from .creation import sizes_of
from .failure import ShapeError
from .index import dim_of, getitem, index_select, put
from .primitive import Primitive
from .reduce import axes_of
from .shape import cat, expand, narrow, reshape, select, transpose

# --------------------------------------------------------------------------------------------------- repeated


def repeat(input: Any, *counts: Any, repeats: Any = None) -> Any:
    """The whole, again and again along each dimension; more numbers than dimensions add some in front. PyTorch:
    `Tensor.repeat`.

    >>> import minigrad as mg
    >>> mg.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    counts = sizes_of(counts, repeats)
    new = len(counts) - input.ndim
    if new < 0 or min(counts, default=0) < 0:
        raise ShapeError(f"repeat of shape {tuple(input.shape)} needs {input.ndim} numbers or more, got {counts}")
    sizes = (1,) * new + tuple(input.shape)
    apart = reshape(input, tuple(n for size in sizes for n in (1, size)))
    wide = expand(apart, tuple(n for pair in zip(counts, sizes) for n in pair))
    return reshape(clone(wide), tuple(count * size for count, size in zip(counts, sizes)))


def tile(input: Any, *counts: Any, dims: Any = None) -> Any:
    """`repeat` with numbers for the last dimensions alone. PyTorch: `torch.tile`."""
    counts = sizes_of(counts, dims)
    return repeat(input, (1,) * (input.ndim - len(counts)) + counts)


def repeat_interleave(
    input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Any:
    """Each element (along `dim`, or of all in one row) several times in succession. PyTorch: `torch.repeat_interleave`.

    `repeats` is a number, or a tensor of one for each element. Given it alone, the result is each element's position,
    repeated.

    >>> import minigrad as mg
    >>> mg.tensor([5, 6]).repeat_interleave(mg.tensor([1, 2]))
    tensor([5, 6, 6])
    """
    if repeats is None:
        return repeat_interleave(Tensor(np.arange(input.shape[0], like=input.data)), input)
    if dim is None:
        input, dim = reshape(input, -1), 0
    dim = dim_of(input.ndim, dim)
    size = input.shape[dim]
    if isinstance(repeats, Tensor):
        counts = repeats.data
        if counts.dtype.kind not in "iu" or counts.ndim > 1 or counts.size not in (1, size):
            raise ShapeError(
                f"repeat_interleave: dimension {dim} of size {size} needs one integer, or {size}, got {counts.dtype} "
                f"of shape {counts.shape}"
            )
        if counts.size and int(counts.min()) < 0:
            raise ValueError("repeat_interleave: repeats must not be negative")
        ends = np.cumsum(np.broadcast_to(counts.ravel(), (size,)))
        places = np.searchsorted(ends, np.arange(int(ends[-1]) if size else 0, like=counts), side="right")
        return index_select(input, dim, Tensor(places))
    if repeats < 0:
        raise ValueError(f"repeat_interleave: repeats must not be negative, got {repeats}")
    before, after = tuple(input.shape[: dim + 1]), tuple(input.shape[dim + 1 :])
    wide = expand(reshape(input, (*before, 1, *after)), (*before, repeats, *after))
    return reshape(clone(wide), (*before[:-1], size * repeats, *after))


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Any, ...]:
    """Coordinates of a grid: for each vector, its values expanded over the lengths of all. PyTorch: `torch.meshgrid`.

    `indexing="xy"` swaps the first two dimensions of the grid.

    >>> import minigrad as mg
    >>> mg.meshgrid(mg.arange(2), mg.arange(3), indexing="ij")[1]
    tensor([[0, 1, 2],
            [0, 1, 2]])
    """
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise ValueError(f"meshgrid: indexing is 'ij' or 'xy', got {indexing!r}")
    if not tensors or any(tensor.ndim > 1 for tensor in tensors):
        raise ShapeError(f"meshgrid takes vectors, got shapes {[tuple(tensor.shape) for tensor in tensors]}")
    vectors = [reshape(tensor, -1) for tensor in tensors]
    sizes = tuple(vector.shape[0] for vector in vectors)
    grids = [
        expand(reshape(vector, (1,) * i + (sizes[i],) + (1,) * (len(sizes) - 1 - i)), sizes)
        for i, vector in enumerate(vectors)
    ]
    return tuple(transpose(grid, 0, 1) for grid in grids) if indexing == "xy" and len(grids) > 1 else tuple(grids)


# -------------------------------------------------------------------------------------------- turned and shifted


def flip(input: Any, *axes: Any, dims: Any = None) -> Any:
    """A copy with the order along some dimensions reversed. PyTorch: `torch.flip`."""
    given = sizes_of(axes, dims)
    axes = axes_of(input.ndim, given) if given else ()
    back = tuple(slice(None, None, -1) if axis in axes else slice(None) for axis in range(input.ndim))
    return clone(getitem(input, back))


def fliplr(input: Any) -> Any:
    """A copy with the columns in reverse order. PyTorch: `torch.fliplr`."""
    return flip(input, 1)


def flipud(input: Any) -> Any:
    """A copy with the rows in reverse order. PyTorch: `torch.flipud`."""
    if input.ndim == 0:
        raise ShapeError("flipud needs at least one dimension")
    return flip(input, 0)


def roll(input: Any, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Any:
    """Elements moved along dimensions, those pushed out coming in at the other end. PyTorch: `torch.roll`.

    >>> import minigrad as mg
    >>> mg.tensor([1, 2, 3, 4]).roll(1)
    tensor([4, 1, 2, 3])
    """
    if dims is None or dims == ():
        if not isinstance(shifts, int):
            if len(shifts) != 1:
                raise ValueError(f"roll takes as many shifts as dims, got {len(shifts)} shifts and no dims")
            shifts = shifts[0]
        return reshape(roll(reshape(input, -1), shifts, 0), tuple(input.shape))
    shifts = (shifts,) if isinstance(shifts, int) else shifts
    dims = (dims,) if isinstance(dims, int) else dims
    if len(shifts) != len(dims):
        raise ValueError(f"roll takes as many shifts as dims, got {len(shifts)} and {len(dims)}")
    out = input
    if not input.data.size:
        return clone(input)
    for shift, dim in zip(shifts, dims):
        size = out.shape[dim_of(out.ndim, dim)]
        cut = -shift % size
        out = cat([narrow(out, dim, cut, size - cut), narrow(out, dim, 0, cut)], dim)
    return clone(input) if out is input else out


def rot90(input: Any, k: int = 1, dims: Sequence[int] = (0, 1)) -> Any:
    """A copy turned `k` times by 90 degrees, from the first of two dims towards the second. PyTorch: `torch.rot90`."""
    if len(dims) != 2:
        raise ValueError(f"rot90 turns in two dimensions, got {tuple(dims)}")
    first, second = dim_of(input.ndim, dims[0]), dim_of(input.ndim, dims[1])
    if first == second:
        raise ValueError(f"rot90 needs two different dimensions, got {first} twice")
    if k % 4 == 2:
        return flip(input, first, second)
    if k % 4 == 0:
        return clone(input)
    return transpose(flip(input, second if k % 4 == 1 else first), first, second)


# ----------------------------------------------------------------------------------------------------- windows


def _windows(x: Array, *, dim: int, size: int, step: int) -> Array:
    steps = (slice(None),) * dim + (slice(None, None, step),)
    return backend_of(x).windows(x, (dim,), (size,))[steps]


def _every(dim: int, start: int, count: int, step: int) -> tuple[Any, ...]:
    """The index of the `start`-th elements of `count` windows."""
    return (slice(None),) * dim + (slice(start, start + count * step, step),)


def _overlap(g: Any, x_shape: tuple[int, ...], dim: int, size: int, step: int) -> Any:
    """What windows share adds up: one slice for each place in a window."""
    count = g.shape[dim]
    if not isinstance(g, Tensor):

        def add(whole: Array, index: Any, part: Array) -> None:
            for start in range(size):
                whole[_every(dim, start, count, step)] += part[..., start]

        return Partial(x_shape, None, g, add)
    parts = [put(select(g, -1, i), shape=x_shape, index=_every(dim, i, count, step)) for i in range(size)]
    return sum(parts[1:], parts[0])


_unfold = Primitive("unfold", _windows, view=True).rules(x=_overlap)


def unfold(input: Any, dimension: int, size: int, step: int) -> Any:
    """A view of all windows of `size` elements, `step` apart, along a dimension; the last dimension is the place in
    the window. PyTorch: `Tensor.unfold`.

    >>> import minigrad as mg
    >>> mg.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    if input.ndim == 0:
        return reshape(unfold(reshape(input, 1), dimension, size, step), -1)
    dim = dim_of(input.ndim, dimension)
    if not 0 < size <= input.shape[dim] or step < 1:
        raise ShapeError(
            f"unfold: a window of {size} with step {step} does not fit dimension {dim} of size {input.shape[dim]}"
        )
    return _unfold(input, dim=dim, size=size, step=step)


__all__ = [
    "flip", "fliplr", "flipud", "meshgrid", "repeat", "repeat_interleave", "roll", "rot90", "tile", "unfold",
]  # fmt: skip
