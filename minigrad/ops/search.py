"""Finding: where elements are, which values occur and how often, and where a value belongs. No gradient passes here."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array, as_array, backend_of
from ..tensor import Tensor
from .failure import ShapeError, check_numbers
from .index import dim_of, raw


def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The places of the nonzero elements: one row of indices for each, or a tuple of one vector for each dimension.
    PyTorch: `torch.nonzero`.

    >>> import minigrad as mg
    >>> mg.nonzero(mg.tensor([[0, 3], [5, 0]]))
    tensor([[0, 1],
            [1, 0]])
    """
    data = raw(input)
    if as_tuple:
        return tuple(map(Tensor, np.nonzero(data.reshape(data.shape or 1))))
    return argwhere(input)


def argwhere(input: Any) -> Tensor:
    """The places of the nonzero elements, one row (ndim,) for each. PyTorch: `torch.argwhere`."""
    data = raw(input)
    found = np.stack(np.nonzero(data.reshape(data.shape or 1)), axis=1)
    return Tensor(found[:, : data.ndim])


def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, 2, ... occurs, or the sum of its weights. PyTorch: `torch.bincount`.

    >>> import minigrad as mg
    >>> mg.bincount(mg.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    data = raw(input)
    if data.ndim != 1 or data.dtype.kind not in "iu" or (data.size and int(data.min()) < 0):
        raise ValueError(f"bincount takes a vector of integers from 0, got {data.dtype} of shape {data.shape}")
    if weights is None:
        return Tensor(np.bincount(data, minlength=minlength).astype(np.int64))
    weights = raw(weights)
    if weights.shape != data.shape:
        raise ShapeError(f"bincount: weights have shape {weights.shape}, the values {data.shape}")
    sums = np.bincount(data, weights.astype(np.float64), minlength=minlength)
    return Tensor(sums.astype(np.float32 if weights.dtype == np.float32 else np.float64))


def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False, side: str | None = None,
    sorter: Any = None,
) -> Tensor:  # fmt: skip
    """Where each value of `input` would have to go for the innermost dimension of `sorted_sequence` to stay sorted.

    PyTorch: `torch.searchsorted`. Before its equals, or after them with `right` (or `side="right"`). A sequence of
    several dimensions is one sequence for each place in the others, which `input` has too. `sorter` is an argsort.

    >>> import minigrad as mg
    >>> mg.searchsorted(mg.tensor([1, 3, 5]), mg.tensor([3, 6]))
    tensor([1, 3])
    """
    if side not in (None, "left", "right") or (side == "left" and right):
        raise ValueError(f"searchsorted: side is 'left' or 'right' and agrees with right, got {side!r} and {right}")
    rows = raw(sorted_sequence)
    values = raw(input) if hasattr(input, "dtype") else np.asarray(input, like=rows)
    if sorter is not None:
        rows = np.take_along_axis(rows, raw(sorter), -1)
    if rows.ndim == 0 or (rows.ndim > 1 and (values.ndim != rows.ndim or values.shape[:-1] != rows.shape[:-1])):
        raise ShapeError(
            f"searchsorted: a sequence of shape {rows.shape} and values of shape {values.shape} must agree in all but "
            f"the last dimension, or the sequence be a vector"
        )
    right = right or side == "right"
    if rows.ndim == 1:
        found = np.searchsorted(rows, values, side="right" if right else "left")
    else:
        found = _bisect(rows, values, right)
    return Tensor(as_array(found).astype(np.int32 if out_int32 else np.int64))


def _bisect(rows: Array, values: Array, right: bool) -> Array:
    """Binary search in every row at once."""
    size = rows.shape[-1]
    low = np.zeros(values.shape, np.int64, like=values)
    high = low + size
    for _ in range(size.bit_length()):
        middle = (low + high) // 2
        at = np.take_along_axis(rows, np.minimum(middle, size - 1), -1)
        before = (at <= values if right else at < values) & (middle < high)
        low, high = np.where(before, middle + 1, low), np.where(before, high, middle)
    return low


def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Tensor:
    """Which interval between sorted boundaries each value lies in: (a, b], or [a, b) with `right`. PyTorch:
    `torch.bucketize`."""
    if boundaries.ndim != 1:
        raise ShapeError(f"bucketize takes a vector of boundaries, got shape {tuple(boundaries.shape)}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The values that occur (slices along `dim`), in order; on request each element's position among them, and how
    often each occurs. PyTorch: `torch.unique`.

    >>> import minigrad as mg
    >>> mg.unique(mg.tensor([3, 1, 3]), return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    data = raw(input)
    dim = None if dim is None else dim_of(data.ndim, dim)
    values, inverse, counts = np.unique(data, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    results = [values]
    if return_inverse:
        results.append(inverse.reshape(data.shape if dim is None else -1))
    if return_counts:
        results.append(counts)
    return tuple(map(Tensor, results)) if len(results) > 1 else Tensor(values)


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element is among the others. PyTorch: `torch.isin`.

    >>> import minigrad as mg
    >>> mg.isin(mg.tensor([1, 2, 3]), mg.tensor([3, 1]))
    tensor([ True, False,  True])
    """
    check_numbers((elements, test_elements))
    both = [raw(each) for each in (elements, test_elements)]
    array = next(each for each in both if hasattr(each, "dtype"))
    first, second = (each if hasattr(each, "dtype") else backend_of(array).asarray(each) for each in both)
    return Tensor(as_array(np.isin(first, second, assume_unique=assume_unique, invert=invert)))


__all__ = ["argwhere", "bincount", "bucketize", "isin", "nonzero", "searchsorted", "unique"]
