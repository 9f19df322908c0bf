"""Adaptive pooling: the largest value or the mean of parts that cover a tensor, given how many there are.

Part i of n, in a dimension of length L, goes from floor(i L / n) to ceil((i + 1) L / n): neighbours share an entry
where n does not divide L.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import backend_of
from ...ops import DTypeError, ShapeError, sum, where
from ...ops.cast import clone
from ...ops.failure import in_module
from ...ops.shape import reshape
from ...ops.windows import take
from ...tensor import Tensor
from .convolution import check_rank, sizes
from .pooling import largest


def adaptive_max_pool1d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest values of `output_size` parts of (N, C, L) or (C, L). PyTorch: `F.adaptive_max_pool1d`."""
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


def adaptive_max_pool2d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest values of parts of (N, C, H, W) or (C, H, W), `output_size` of them along each dimension (None: as
    many as entries). PyTorch: `F.adaptive_max_pool2d`.

    With `return_indices` gives (values, indices), an index counting the entries of H x W row by row.
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


def adaptive_max_pool3d(input: Any, output_size: Any, return_indices: bool = False) -> Any:
    """The largest values of parts of (N, C, D, H, W) or (C, D, H, W). PyTorch: `F.adaptive_max_pool3d`."""
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


def _adaptive_max_pool(name: str, n: int, input: Any, output_size: Any, return_indices: bool) -> Any:
    parts = _adaptive_sizes(name, input, n, output_size)
    tables = [_parts(length, count) for length, count in zip(input.shape[-n:], parts)]
    return largest(input, [np.minimum(table, ends - 1) for table, ends in tables], return_indices)


def _adaptive_sizes(name: str, input: Any, n: int, output_size: Any) -> tuple[int, ...]:
    check_rank(name, input, n)
    if 0 in input.shape[-n:]:
        raise ShapeError(f"{name}: input of shape {tuple(input.shape)} has nothing to pool{in_module()}")
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * n
    given = given * n if len(given) == 1 else given
    filled = [size if count is None else count for count, size in zip(given, input.shape[-n:])]
    return sizes(name, "output_size", filled if len(given) == n else given, n)


def _parts(length: int, count: int) -> tuple[Any, Any]:
    """Per part of a dimension the entries from its start on, (count, longest), and where it ends, (count, 1)."""
    starts = np.arange(count)[:, None] * length // max(count, 1)
    ends = -(-np.arange(1, count + 1)[:, None] * length // max(count, 1))
    return starts + np.arange((ends - starts).max(initial=1)), ends


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The means of `output_size` parts of (N, C, L) or (C, L). PyTorch: `F.adaptive_avg_pool1d`."""
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The means of parts of (N, C, H, W) or (C, H, W), `output_size` of them along each dimension (None: as many as
    entries). PyTorch: `F.adaptive_avg_pool2d`.

    >>> import minigrad as mg
    >>> mg.nn.functional.adaptive_avg_pool2d(mg.arange(16.0).reshape(1, 4, 4), (1, 2))
    tensor([[[6.5000, 8.5000]]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """The means of parts of (N, C, D, H, W) or (C, D, H, W). PyTorch: `F.adaptive_avg_pool3d`."""
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive_avg_pool(name: str, n: int, input: Any, output_size: Any) -> Any:
    counts = _adaptive_sizes(name, input, n, output_size)
    if input.dtype.kind != "f":
        raise DTypeError(f"{name} needs a floating-point tensor, got {input.dtype}; convert it with .float()")
    for dim, count in enumerate(counts, input.ndim - n):  # the mean over a box is that of means along its sides
        input = mean_of_parts(input, dim, count)
    return clone(input)  # laid out in order, as whoever takes a view expects


def mean_of_parts(x: Any, dim: int, count: int) -> Any:
    """Along `dim`, the means of `count` parts; one that is not a whole number long shares its ends."""
    before, length, after = x.shape[:dim], x.shape[dim], x.shape[dim + 1 :]
    if count and length % count == 0:
        return sum(reshape(x, (*before, count, length // count, *after)), dim + 1) / (length // count)
    table, ends = _parts(length, count)
    entries = take(x, dim, np.minimum(table, length - 1).reshape(-1))
    entries = reshape(entries, (*before, *table.shape, *after))
    held = (table < ends).reshape(*table.shape, *(1,) * len(after))
    lengths = (table < ends).sum(1).astype(x.dtype).reshape(-1, *(1,) * len(after))
    backend = backend_of(x.data if isinstance(x, Tensor) else x)
    return sum(where(backend.asarray(held), entries, 0.0), dim + 1) / backend.asarray(lengths)


__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d",
]  # fmt: skip
