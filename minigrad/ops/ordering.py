"""Sorting, and what is chosen by rank: the largest few, the k-th, the median.

Places are found on the bare arrays; values are read by them, so that their gradient goes to where they came from.
A sort leaves equal elements in their order, and nan counts as larger than everything.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import Array, backend_of, cpu
from ..tensor import Tensor
from .cast import clone
from .elementwise import where
from .failure import ShapeError
from .index import along, dim_of, getitem
from .primitive import Primitive
from .reduce import Selected, amax, any, argmax, sum
from .shape import narrow, reshape, squeeze


def _order(x: Array, *, axis: int, descending: bool) -> Array:
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    back = (slice(None),) * axis + (slice(None, None, -1),)
    return x.shape[axis] - 1 - np.argsort(x[back], axis=axis, kind="stable")[back]


_argsort = Primitive("argsort", _order)


def _with_dimension(input: Any) -> Any:
    return input if input.ndim else reshape(input, 1)


def argsort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Any:
    """The indices that sort along `dim`. PyTorch: `torch.argsort`; `stable` or not, equal elements keep their order.

    >>> import minigrad as mg
    >>> mg.argsort(mg.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    x = _with_dimension(input)
    return reshape(_argsort(x, axis=dim_of(x.ndim, dim), descending=descending), input.shape)


def sort(input: Any, dim: int = -1, descending: bool = False, *, stable: bool = False) -> Selected:
    """(values, indices) in rising or falling order along `dim`. PyTorch: `torch.sort`; `stable` or not, equal elements
    keep their order.

    >>> import minigrad as mg
    >>> mg.sort(mg.tensor([3, 1, 2]), descending=True).values
    tensor([3, 2, 1])
    """
    return _read(input, dim, argsort(input, dim, descending))


def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Selected:
    """(values, indices) of the `k` largest or smallest along `dim`. PyTorch: `torch.topk`; `sorted` or not, they are in
    order.

    Which of several equal elements are taken is not said. Raises ValueError if `k` is negative or greater than the
    dimension.

    >>> import minigrad as mg
    >>> mg.topk(mg.tensor([1, 4, 2, 3]), 2).indices
    tensor([1, 3])
    """
    size = _size(input, dim)
    if not 0 <= k <= size:
        raise ShapeError(f"topk: k={k} of dimension {dim} of shape {tuple(input.shape)}, which has size {size}")
    if not 0 < k <= size // 8:  # much of it: sort all
        order = argsort(input, dim, largest)
        return _read(input, dim, narrow(order, dim, 0, k) if input.ndim else order)
    axis = dim_of(input.ndim, dim)
    rank = size - k if largest else k - 1
    chosen = slice(rank, None) if largest else slice(k)
    places = np.sort(_ranked(input.data, rank, axis)[(slice(None),) * axis + (chosen,)], axis=axis)
    order = _order(np.take_along_axis(input.data, places, axis), axis=axis, descending=largest)
    return _read(input, dim, Tensor(np.take_along_axis(places, order, axis)))


def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Selected:
    """(value, index) of the `k`-th smallest along `dim`, counted from 1. PyTorch: `torch.kthvalue`.

    Raises ValueError if there is no `k`-th.

    >>> import minigrad as mg
    >>> mg.kthvalue(mg.tensor([3, 1, 2]), 2).values
    tensor(2)
    """
    size = _size(input, dim)
    if not 1 <= k <= size:
        raise ShapeError(f"kthvalue: k={k} of dimension {dim} of shape {tuple(input.shape)}, which has size {size}")
    return _read(input, dim, _place_of_rank(input, k - 1, dim), keepdim)


def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The median of all, or (values, indices) along `dim`: the lower of two middle ones, and nan if there is a nan.
    PyTorch: `torch.median`.

    Along a dimension the gradient goes to the element named by `indices` alone; elements equal to the median of all
    share it evenly. Raises IndexError for a dimension of size 0.

    >>> import minigrad as mg
    >>> mg.median(mg.tensor([4.0, 1.0, 3.0, 2.0]))
    tensor(2.)
    """
    if dim is None:
        return _median_of_all(input)
    size = _size(input, dim)
    if size == 0:
        raise IndexError(f"median: dimension {dim} of shape {tuple(input.shape)} has size 0")
    places = _place_of_rank(input, (size - 1) // 2, dim)
    if input.ndim and input.dtype.kind == "f":
        nan = input.detach() != input.detach()
        places = where(any(nan, dim, keepdim=True), argmax(nan, dim, keepdim=True), places)
    return _read(input, dim, places, keepdim)


def _place_of_rank(input: Any, rank: int, dim: int) -> Tensor:
    """Where along `dim`, which stays at size 1, the element stands that sorting would put at `rank`."""
    x = _with_dimension(input).data
    axis = dim_of(x.ndim, dim)
    places = _ranked(x, rank, axis)[(slice(None),) * axis + (slice(rank, rank + 1),)]
    return Tensor(places if input.ndim else places.reshape(()))


def _ranked(x: Array, rank: int, axis: int) -> Array:
    """The indices that put the element of `rank` where sorting would. CuPy's `argpartition` sorts, and then waits."""
    return np.argpartition(x, rank, axis=axis) if backend_of(x) is cpu else np.argsort(x, axis=axis)


def _median_of_all(input: Any) -> Any:
    flat = reshape(input, -1)
    if flat.shape == (0,):
        return sum(flat) * math.nan
    value = median(flat.detach(), 0).values
    return value if input.dtype.kind != "f" else amax(where(flat > value, -math.inf, flat))


def _size(input: Any, dim: int) -> int:
    """The number of elements along `dim`; a 0-d tensor has one."""
    shape: tuple[int, ...] = input.shape or (1,)
    return shape[dim_of(len(shape), dim)]


def _read(input: Any, dim: int, indices: Any, keepdim: bool = True) -> Selected:
    """The elements that `indices` name along `dim`, without that dimension if not `keepdim`."""
    if input.ndim == 0:
        return Selected(clone(input), indices)
    dim = dim_of(input.ndim, dim)
    values = getitem(input, along(input.shape, dim, indices.data))
    return Selected(values, indices) if keepdim else Selected(squeeze(values, dim), squeeze(indices, dim))


__all__ = ["argsort", "kthvalue", "median", "sort", "topk"]
