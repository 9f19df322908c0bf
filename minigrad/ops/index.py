"""Reading and writing by index: `getitem` and its adjoint, and what is composed of them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..backends import Array, Backend, backend_of, cpu, moved
from ..graph import Partial
from ..tensor import KINDS, Tensor
from .failure import DeviceError, DTypeError, ShapeError, check_held, check_tensors, in_module
from .primitive import Primitive

_BOUNDS = (int, type(None))


def normalize_index(index: Any, whole: Array) -> tuple[Any, ...]:
    """An index into `whole` as a tuple of slices, ints, None, Ellipsis and raw arrays on the device of `whole`.

    Lists and arrays in host memory are brought there. Raises TypeError for what cannot index (floats, say), DeviceError
    for an index on another device.
    """
    return tuple(_index_part(part, whole) for part in (index if isinstance(index, tuple) else (index,)))


def _index_part(part: Any, whole: Array) -> Any:
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
            raise TypeError(
                f"an index must be of integers or bools, not {part.dtype}; convert ids with .long(), make a mask by "
                f"comparing{in_module()}"
            )
        if part.ndim == 0 and part.dtype.kind != "b":
            return int(part)
        home = backend_of(whole)
        return part if backend_of(part) is home else _brought(part, home)
    if hasattr(part, "__index__"):
        return part.__index__()
    raise TypeError(
        f"a tensor cannot be indexed with {type(part).__name__}; ints, slices, None, ... and tensors of integers or "
        f"bools can{in_module()}"
    )


def _brought(part: Array, home: Backend) -> Array:
    """An index on the device `home`: what lies in host memory may go anywhere."""
    if backend_of(part) is not cpu:
        theirs = backend_of(part).device
        raise DeviceError(f"a tensor on {home.device!r} is indexed by one on {theirs!r}; use .to(device){in_module()}")
    return moved(part, home)


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

    Ints are applied before tensors, as in PyTorch: `x[0, :, [1, 2]]` is `x[0][:, [1, 2]]` (NumPy puts the dimension
    of the list first there). Raises IndexError for what is out of range, TypeError for what is no index.

    >>> import minigrad as mg
    >>> mg.tensor([[1, 2], [3, 4]])[:, [1, 0]]
    tensor([[2, 1],
            [4, 3]])
    """
    parts = normalize_index(index, input.data if isinstance(input, Tensor) else input)
    if int in map(type, parts) and not _is_basic(parts):
        ints, parts = ints_first(parts)
        input = _getitem(input, index=ints)
    return _getitem(input, index=parts)


def ints_first(index: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """A mixed index as two, to be applied one after the other: the ints, and the rest."""
    first: list[Any] = []
    for part in index:
        if part.__class__ is int or part is Ellipsis:
            first.append(part)
        elif part is not None:
            consumed = 1 if part.__class__ is slice else 0 if part.__class__ is bool else _dims_read_by(part)
            first += [slice(None)] * consumed
    return tuple(first), tuple(part for part in index if part.__class__ is not int)


def _dims_read_by(part: Array) -> int:
    return part.ndim if part.dtype.kind == "b" else 1


def dim_of(ndim: int, dim: int) -> int:
    """`dim` counted from the front. Raises IndexError if the tensor has no such dimension."""
    if dim.__class__ is not int:
        dim = whole("dim", dim)
    if not -ndim <= dim < ndim:
        raise IndexError(no_such_dim(ndim, dim))
    return dim % ndim


def whole(name: str, value: Any) -> int:
    """`value` as an int. Raises TypeError for a bool, a float and whatever else is no whole number."""
    typed = getattr(value, "dtype", None)
    if isinstance(value, bool) or not hasattr(value, "__index__") or (typed is not None and typed.kind not in "iu"):
        shown = repr(value) if isinstance(value, (bool, float, str)) else type(value).__name__
        raise DTypeError(f"{name} must be an int, got {shown}")
    return operator.index(value)


def no_such_dim(ndim: int, dim: int) -> str:
    if not ndim:
        return f"dim {dim} is out of range for a tensor of 0 dimensions, a single number"
    dims = f"{ndim} dimension" + "s" * (ndim > 1)
    return f"dim {dim} is out of range for a tensor of {dims}; it goes from {-ndim} to {ndim - 1}"


def along(shape: tuple[int, ...], dim: int, index: Array) -> tuple[Array, ...]:
    """The index tuple that reads, at every place of `index`, the entry it names along `dim`."""
    xp, ndim = backend_of(index).xp, index.ndim
    grid = [xp.arange(size).reshape(size, *[1] * (ndim - 1 - axis)) for axis, size in enumerate(index.shape)]
    grid[dim] = index
    return tuple(grid)


def raw(index: Any) -> Array:
    """The array of a tensor of indices."""
    if isinstance(index, Tensor):
        return index.data
    if not isinstance(index, np.ndarray) or index.dtype.kind not in KINDS or index.dtype.itemsize > 8:
        check_held("the index", "it", index)
    return index


def places_along(name: str, input: Any, dim: int, index: Any) -> tuple[int, Array]:
    """The dimension and the index of `gather` and its kin, checked."""
    index = raw(index)
    if index.dtype.kind not in "iu":
        raise TypeError(f"{name} needs integer indices, got {index.dtype}; convert with .long()")
    if index.ndim != input.ndim:
        raise ShapeError(f"{name} needs an index of {input.ndim} dimensions, as the input has, got shape {index.shape}")
    dim = dim_of(input.ndim, dim)
    for axis, (size, limit) in enumerate(zip(index.shape, input.shape)):
        if axis != dim and size > limit:
            raise ShapeError(f"{name}: index has size {size} at dimension {axis}, the input only {limit}")
    check_range(name, index, input.shape[dim], dim)
    return dim, index


def check_range(name: str, index: Array, size: int, dim: int) -> None:
    if backend_of(index).checks_values and index.size and not (index.min() >= 0 and index.max() < size):
        raise IndexError(
            f"{name}: indices from {int(index.min())} to {int(index.max())} do not fit dimension {dim} of size "
            f"{size}{in_module()}"
        )


def slices_named(name: str, input: Any, dim: int, index: Any) -> tuple[int, Array]:
    """The dimension and the vector of positions of `index_select` and its kin, checked."""
    index = raw(index)
    if index.ndim > 1 or index.dtype.kind not in "iu":
        raise ShapeError(f"{name} needs a vector of integers, got {index.dtype} of shape {tuple(index.shape)}")
    dim = dim_of(max(input.ndim, 1), dim)
    check_range(name, index, (tuple(input.shape) or (1,))[dim], dim)
    return dim, index.ravel()


def gather(input: Any, dim: int, index: Any) -> Any:
    """The values named by `index` along `dim`; the result has the shape of `index`. PyTorch: `torch.gather`.

    >>> import minigrad as mg
    >>> mg.gather(mg.tensor([[1, 2], [3, 4]]), 1, mg.tensor([[1], [0]]))
    tensor([[2],
            [3]])
    """
    check_tensors("gather", input, index)
    if input.ndim + index.ndim < 2:  # one or both are 0-d, which counts as one element along dim 0
        return gather(input.reshape(-1), dim, raw(index).ravel()).reshape(tuple(index.shape))
    dim, index = places_along("gather", input, dim, index)
    return _getitem(input, index=along(input.shape, dim, index))


def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices that a 1-d `index` names along `dim`. PyTorch: `torch.index_select`."""
    dim, places = slices_named("index_select", input, dim, index)
    if input.ndim == 0:
        return _getitem(input.reshape(1), index=(places,)).reshape(())
    return _getitem(input, index=(slice(None),) * dim + (places,))


def take(input: Any, index: Any) -> Any:
    """The elements at positions counted through the whole tensor, in the shape of `index`. PyTorch: `torch.take`."""
    index = raw(index)
    if index.dtype.kind not in "iu":
        raise TypeError(f"take needs integer indices, got {index.dtype}; convert with .long()")
    return _getitem(input.reshape(-1), index=(index,))


def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """`gather`, with all other dimensions broadcast; without `dim`, from all elements in one row. PyTorch:
    `torch.take_along_dim`.

    >>> import minigrad as mg
    >>> x = mg.tensor([[3, 1], [2, 4]])
    >>> mg.take_along_dim(x, x.argmax(1, keepdim=True), 1)
    tensor([[3],
            [4]])
    """
    indices = raw(indices)
    if dim is None:
        input, indices, dim = input.reshape(-1), indices.ravel(), 0
    if input.ndim != indices.ndim:
        raise ShapeError(
            f"take_along_dim needs as many dimensions in indices as in input, got {indices.shape} and "
            f"{tuple(input.shape)}"
        )
    dim = dim_of(input.ndim, dim)
    sizes = [(1, 1) if axis == dim else pair for axis, pair in enumerate(zip(input.shape, indices.shape))]
    if any(a != b and 1 not in (a, b) for a, b in sizes):
        raise ShapeError(f"take_along_dim: {tuple(input.shape)} and {indices.shape} do not broadcast beside dim {dim}")
    wide = [b if a == 1 else a for a, b in sizes]
    input = input.expand((*wide[:dim], input.shape[dim], *wide[dim + 1 :]))
    return gather(input, dim, np.broadcast_to(indices, (*wide[:dim], indices.shape[dim], *wide[dim + 1 :])))


def masked_select(input: Any, mask: Any) -> Any:
    """The elements where `mask` is true, in one row; both broadcast. PyTorch: `torch.masked_select`."""
    mask = raw(mask)
    if mask.dtype.kind != "b":
        raise TypeError(f"masked_select needs a mask of bools, got {mask.dtype}")
    try:
        size = np.broadcast_shapes(tuple(input.shape), mask.shape)
    except ValueError:
        raise ShapeError(
            f"masked_select of {tuple(input.shape)} by a mask {mask.shape}: the shapes do not broadcast{in_module()}"
        ) from None
    return _getitem(input.expand(size), index=(np.broadcast_to(mask, size),))


def assign(x: Array, index: tuple[Any, ...], value: Any) -> None:
    """`x[index] = value` on arrays."""
    if int in map(type, index) and not _is_basic(index):
        ints, index = ints_first(index)
        x = x[ints]
    x[index] = value


def _overwrite(x: Array, value: Any, *, index: tuple[Any, ...]) -> Array:
    out = x.copy()
    out[index] = value
    return out


_index_put: Primitive = Primitive("index_put", _overwrite, promote=None).rules(
    x=lambda g, index: _index_put(g, 0.0, index=index),
    value=lambda g, index: _getitem(g, index=index),
)


def _assigned(x: Array, value: Any, *, index: tuple[Any, ...]) -> Array:
    assign(x, index, value)
    return x


# Writes into `x` itself, so it touches what it names and no more; its gradient is that of `index_put`.
index_put_here: Primitive = Primitive("index_put", _assigned, promote=None).rules(
    x=lambda g, index: index_put(g, index, 0.0),
    value=lambda g, index: getitem(g, index),
)


def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """A copy of `input` with `values` at `input[indices]`, or added there. PyTorch: `torch.index_put`.

    `indices` is whatever can stand in brackets. Of places named twice, one value wins, and which is not defined; with
    `accumulate` they add up.

    >>> import minigrad as mg
    >>> mg.index_put(mg.zeros(3), (mg.tensor([0, 2, 2]),), mg.ones(3), accumulate=True)
    tensor([1., 0., 2.])
    """
    check_held("index_put", "a tensor", values)
    values = without_leading_ones(values)
    parts = normalize_index(indices, raw(input))
    if int in map(type, parts) and not _is_basic(parts):
        ints, parts = ints_first(parts)
        inner = index_put(_getitem(input, index=ints), parts, values, accumulate)
        return _index_put(input, inner, index=ints)
    if not accumulate:
        return _index_put(input, values, index=parts)
    places = raw(input)[parts].shape
    if not isinstance(values, Tensor):
        values = Tensor(np.asarray(values, input.dtype, like=raw(input)))
    return input + put(values.to(input.dtype).expand(places), shape=tuple(input.shape), index=parts)


def without_leading_ones(value: Any) -> Any:
    """`value` without the dimensions of size 1 in front: they broadcast into nothing, and NumPy's masks refuse them."""
    shape = getattr(value, "shape", ())
    if not shape or shape[0] != 1:
        return value
    lead = next((axis for axis, size in enumerate(shape) if size != 1), len(shape))
    return value.reshape(tuple(shape[lead:]))


__all__ = ["gather", "index_put", "index_select", "masked_select", "take", "take_along_dim"]
