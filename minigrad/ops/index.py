"""Reading and writing by index: `getitem` and its adjoint, and what is composed of them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..backends import Array, backend_of
from ..graph import Partial
from ..tensor import Tensor
from .failure import check_tensors
from .primitive import Primitive

_BOUNDS = (int, type(None))


def normalize_index(index: Any) -> tuple[Any, ...]:
    """An index as a tuple of slices, ints, None, Ellipsis and raw arrays.

    Raises TypeError for what cannot index (floats, say).
    """
    return tuple(_index_part(part) for part in (index if isinstance(index, tuple) else (index,)))


def _index_part(part: Any) -> Any:
    if part.__class__ is slice:
        if part.start.__class__ in _BOUNDS and part.stop.__class__ in _BOUNDS and part.step.__class__ in _BOUNDS:
            return part
        bounds = (part.start, part.stop, part.step)
        return slice(*(None if bound is None else operator.index(bound) for bound in bounds))
    if part.__class__ is int or part is None or part is Ellipsis or isinstance(part, bool):
        return part
    if isinstance(part, Tensor):
        part = part.data
    if isinstance(part, (list, range)):
        numbers = [p.item() if isinstance(p, Tensor) else p for p in part]
        part = np.asarray(numbers, dtype=None if numbers else np.int64)
    if hasattr(part, "dtype"):
        if part.dtype.kind not in "iub":
            raise TypeError(f"an index must be of integers or bools, not {part.dtype}; convert ids with .long()")
        return part if part.ndim or part.dtype.kind == "b" else int(part)
    if hasattr(part, "__index__"):
        return part.__index__()
    raise TypeError(f"a tensor cannot be indexed with {type(part).__name__}")


def _is_basic(index: tuple[Any, ...]) -> bool:
    return all(part is None or part is Ellipsis or part.__class__ in (slice, int) for part in index)


def _add_at(whole: Array, index: tuple[Any, ...], part: Array) -> None:
    if _is_basic(index):
        whole[index] += part
    else:
        backend_of(whole).scatter_add(whole, index, part)


def _put(part: Array, *, shape: tuple[int, ...], index: tuple[Any, ...]) -> Array:
    whole = np.zeros(shape, part.dtype, like=part)
    _add_at(whole, index, part)
    return whole


def _getitem_gradient(g: Any, x_shape: tuple[int, ...], index: tuple[Any, ...]) -> Any:
    return put(g, shape=x_shape, index=index) if isinstance(g, Tensor) else Partial(x_shape, index, g, _add_at)


def _read(x: Array, *, index: tuple[Any, ...]) -> Array:
    out = x[index]
    if isinstance(out, np.generic) and _is_basic(index):
        out = x[(*index, ...)]  # one element is a view too
    return out


_getitem = Primitive("getitem", _read, view=True).rules(x=_getitem_gradient)
put = Primitive("put", _put).rules(part=lambda g, index: _getitem(g, index=index))  # zeros, with parts added at index


def getitem(input: Any, index: Any) -> Any:
    """`input[index]`: slices, ints, None, Ellipsis (a view), integer and bool tensors (a copy), all mixed.

    Raises IndexError for what is out of range, TypeError for what is no index.

    >>> import minigrad as mg
    >>> mg.tensor([[1, 2], [3, 4]])[:, [1, 0]]
    tensor([[2, 1],
            [4, 3]])
    """
    return _getitem(input, index=normalize_index(index))


def dim_of(ndim: int, dim: int) -> int:
    """`dim` counted from the front. Raises IndexError if the tensor has no such dimension."""
    if not -ndim <= dim < ndim:
        raise IndexError(f"dim {dim} is out of range for a tensor of {ndim} dimensions")
    return dim % ndim


def along(shape: tuple[int, ...], dim: int, index: Array) -> tuple[Array, ...]:
    """The index tuple that reads, at every place of `index`, the entry it names along `dim`."""
    grid: list[Any] = list(np.ogrid[tuple(slice(size) for size in index.shape)]) if index.ndim else []
    grid[dim] = index
    return tuple(grid)


def _check_along(name: str, input: Any, dim: int, index: Any) -> tuple[int, Array]:
    index = index.data if isinstance(index, Tensor) else index
    if index.dtype.kind not in "iu":
        raise TypeError(f"{name} needs integer indices, got {index.dtype}; convert with .long()")
    if index.ndim != input.ndim:
        raise ValueError(f"{name} needs an index of {input.ndim} dimensions, as the input has, got shape {index.shape}")
    dim = dim_of(input.ndim, dim)
    for axis, (size, limit) in enumerate(zip(index.shape, input.shape)):
        if axis != dim and size > limit:
            raise ValueError(f"{name}: index has size {size} at dimension {axis}, the input only {limit}")
    if index.size and not (int(index.min()) >= 0 and int(index.max()) < input.shape[dim]):
        raise IndexError(
            f"{name}: indices from {int(index.min())} to {int(index.max())} do not fit dimension {dim} of size "
            f"{input.shape[dim]}"
        )
    return dim, index


def gather(input: Any, dim: int, index: Any) -> Any:
    """The values named by `index` along `dim`; the result has the shape of `index`. PyTorch: `torch.gather`.

    >>> import minigrad as mg
    >>> mg.gather(mg.tensor([[1, 2], [3, 4]]), 1, mg.tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    check_tensors("gather", input, index)
    dim, index = _check_along("gather", input, dim, index)
    return _getitem(input, index=along(input.shape, dim, index))


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """`input` plus the values of `src` at the places `index` names along `dim`. PyTorch: `torch.scatter_add`."""
    dim, index = _check_along("scatter_add", input, dim, index)
    if any(size > limit for size, limit in zip(index.shape, src.shape)):
        raise ValueError(f"scatter_add: index of shape {index.shape} reaches beyond src of shape {tuple(src.shape)}")
    part = _getitem(src, index=tuple(slice(size) for size in index.shape))
    return input + put(part, shape=tuple(input.shape), index=along(input.shape, dim, index))


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices that a 1-d `index` names along `dim`. PyTorch: `torch.index_select`."""
    if index.ndim > 1 or index.dtype.kind not in "iu":
        raise ValueError(f"index_select needs a vector of integers, got {index.dtype} of shape {tuple(index.shape)}")
    return getitem(input, (slice(None),) * dim_of(input.ndim, dim) + (index.reshape(-1),))


def _index_put_forward(x: Array, value: Any, *, index: tuple[Any, ...]) -> Array:
    out = x.copy()
    out[index] = value
    return out


_index_put: Primitive = Primitive("index_put", _index_put_forward, promote=None).rules(
    x=lambda g, index: _index_put(g, 0.0, index=index),
    value=lambda g, index: _getitem(g, index=index),
)


def index_put(input: Any, index: Any, value: Any) -> Any:
    """A copy of `input` in which `input[index]` is `value`. PyTorch: `torch.index_put`."""
    return _index_put(input, value, index=normalize_index(index))


__all__ = ["gather", "index_put", "index_select", "scatter_add"]
