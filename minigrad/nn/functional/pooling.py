"""Pooling: the largest value, the mean or the p-norm of the windows of a tensor, and the way back.

The largest values are picked by number, from a table of the entries each window sees along each dimension; the means
are sums over windows. Each is defined once, for any number of dimensions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import backend_of
from ...ops import ShapeError, abs, sum, where
from ...ops.failure import in_module
from ...ops.index import getitem, index_put
from ...ops.shape import permute, reshape
from ...ops.windows import pad, windows
from ...tensor import Tensor
from .convolution import check_rank, sizes

Sizes = tuple[int, ...]
_FEW = 32  # entries of a window that are compared in turn: an argmax takes 15 ns for a window of any size


def _places(
    name: str, input: Any, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, ceil_mode: bool
) -> Sizes:
    """How many windows there are along each dimension. With `ceil_mode` the last may reach over the end, but starts
    inside the input or the padding before it."""
    if any(2 * p > d * (k - 1) + 1 for p, k, d in zip(padding, kernel, dilation)):
        raise ValueError(
            f"{name}: padding {padding} is more than half of what a kernel of {kernel} with dilation {dilation} spans"
            f"{in_module()}"
        )
    places = []
    for length, k, s, p, d in zip(input.shape[-len(kernel) :], kernel, stride, padding, dilation):
        room = length + 2 * p - d * (k - 1) - 1
        count = (room + (s - 1 if ceil_mode else 0)) // s + 1
        places.append(count - 1 if ceil_mode and (count - 1) * s >= length + p else count)
    if min(places) < 1:
        raise ShapeError(
            f"{name}: a kernel of {kernel} with dilation {dilation} does not fit input of shape {tuple(input.shape)} "
            f"with padding {padding}{in_module()}"
        )
    return tuple(places)


def _settings(name: str, input: Any, n: int, kernel_size: Any, stride: Any, padding: Any) -> tuple[Sizes, Sizes, Sizes]:
    check_rank(name, input, n)
    kernel = sizes(name, "kernel_size", kernel_size, n, 1)
    default = stride is None or stride == () or stride == []
    return kernel, kernel if default else sizes(name, "stride", stride, n, 1), sizes(name, "padding", padding, n)


# --------------------------------------------------------------------------------------------------------- largest


def max_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest value of each window of (N, C, L) or (C, L). PyTorch: `F.max_pool1d`; see `max_pool2d`."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest value of each window of (N, C, H, W) or (C, H, W). PyTorch: `F.max_pool2d`.

    Args:
        kernel_size: the size of a window.
        stride: the step between windows; by default they lie side by side.
        padding: how far the first and last windows reach over the edge, at most half a window.
        dilation: the step between the entries of a window.
        ceil_mode: whether a last window may reach over the end.
        return_indices: return (values, indices); an index counts the entries of H x W, row by row.

    The gradient goes to the first of equals. Sizes and steps are an int, or one per dimension. Raises ShapeError
    (a ValueError and RuntimeError) if a window does not fit, ValueError for settings that cannot be.

    >>> import minigrad as mg
    >>> mg.nn.functional.max_pool2d(mg.arange(16.0).reshape(1, 4, 4), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:  # fmt: skip
    """The largest value of each window of (N, C, D, H, W) or (C, D, H, W). PyTorch: `F.max_pool3d`; see
    `max_pool2d`."""
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _max_pool(
    name: str, n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool,
    return_indices: bool,
) -> Any:  # fmt: skip
    kernel, stride, padding = _settings(name, input, n, kernel_size, stride, padding)
    dilation = sizes(name, "dilation", dilation, n, 1)
    places = _places(name, input, kernel, stride, padding, dilation, ceil_mode)
    tables = []
    for length, count, k, s, p, d in zip(input.shape[-n:], places, kernel, stride, padding, dilation):
        table = np.arange(count)[:, None] * s - p + np.arange(k) * d
        inside = (table >= 0) & (table < length)
        if not inside.any(1).all():
            raise ShapeError(
                f"{name}: input of shape {tuple(input.shape)} has windows of {kernel} with dilation {dilation} and "
                f"padding {padding} that see nothing of it{in_module()}"
            )
        # What lies outside is the nearest entry inside, which cannot win over itself: it stands for -inf.
        first = np.where(inside, table, length).min(1, keepdims=True)
        last = np.where(inside, table, -1).max(1, keepdims=True)
        tables.append(np.clip(table, first, last))
    return largest(input, tables, return_indices)


def largest(input: Any, tables: list[Any], return_indices: bool) -> Any:
    """The largest of the entries that `tables`, of shape (places, entries) per dimension, let each window see."""
    n = len(tables)
    data = input.data if isinstance(input, Tensor) else input
    lead, spatial = data.shape[:-n], data.shape[-n:]
    seen = np.zeros((), np.int64)  # (*places, *entries): numbers of entries, row by row
    for dim, table in enumerate(tables):
        ones = np.ones(2 * n, int)
        ones[[dim, n + dim]] = table.shape
        seen = seen * spatial[dim] + table.reshape(ones)
    places = seen.shape[:n]
    table = backend_of(data).asarray(seen.reshape(math.prod(places), -1))
    planes = data.reshape(math.prod(lead), math.prod(spatial))
    winners = _winners(planes, table)  # (planes, places)
    indices = table[np.arange(len(table), like=table), winners]
    starts = np.arange(len(planes), like=table)[:, None] * planes.shape[1]
    values = getitem(reshape(input, (-1,)), (starts + indices).reshape(-1)).reshape((*lead, *places))
    return (values, Tensor(indices.reshape((*lead, *places)))) if return_indices else values


def _winners(planes: Any, table: Any) -> Any:
    """`argmax(planes[:, table], -1)`: which entry of (places, entries) is the largest, the first of several, or nan."""
    count = table.shape[1]
    if count > _FEW:
        return np.argmax(planes[:, table], axis=-1)
    largest = planes[:, table[:, 0]]
    winners = np.zeros_like(largest, np.int8)
    for number in range(1, count):
        entries = planes[:, table[:, number]]
        wins = ~(entries <= largest) & (largest == largest)  # a nan wins, and is not beaten
        np.maximum(winners, wins.view(np.int8) * np.int8(number), out=winners)
        np.maximum(largest, entries, out=largest)
    return winners


# ----------------------------------------------------------------------------------------------------------- means


def avg_pool1d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:  # fmt: skip
    """The mean of each window of (N, C, L) or (C, L). PyTorch: `F.avg_pool1d`; see `avg_pool2d`."""
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """The mean of each window of (N, C, H, W) or (C, H, W). PyTorch: `F.avg_pool2d`.

    The sum over a window, zeros in the padding, is divided by the entries it counts: with `count_include_pad` those
    of the padding too (but none beyond it), or by `divisor_override`. The other settings are those of `max_pool2d`.

    >>> import minigrad as mg
    >>> mg.nn.functional.avg_pool2d(mg.arange(16.0).reshape(1, 4, 4), 2)
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """
    return _avg_pool(
        "avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Any:  # fmt: skip
    """The mean of each window of (N, C, D, H, W) or (C, D, H, W). PyTorch: `F.avg_pool3d`; see `avg_pool2d`."""
    return _avg_pool(
        "avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _avg_pool(
    name: str, n: int, input: Any, kernel_size: Any, stride: Any, padding: Any, ceil_mode: bool,
    count_include_pad: bool, divisor_override: int | None,
) -> Any:  # fmt: skip
    kernel, stride, padding = _settings(name, input, n, kernel_size, stride, padding)
    if divisor_override is not None and divisor_override == 0:
        raise ValueError(f"{name}: divisor_override must not be 0{in_module()}")
    ones = (1,) * n
    places = _places(name, input, kernel, stride, padding, ones, ceil_mode)
    ends = tuple((count - 1) * s + k for count, s, k in zip(places, stride, kernel))  # counted from the padding's start
    widths = tuple((p, max(end - p - size, 0)) for p, end, size in zip(padding, ends, input.shape[-n:]))
    total = _window_sums(pad(input, widths), kernel, stride)
    if divisor_override is not None:
        return _divided(total, divisor_override)
    counts = np.ones((), np.int64)
    for count, length, k, s, p in zip(places, input.shape[-n:], kernel, stride, padding):
        starts = np.arange(count) * s - p
        low, high = (-p, length + p) if count_include_pad else (0, length)
        held = np.minimum(starts + k, high) - np.maximum(starts, low)
        counts = counts[..., None] * held
    if (counts == counts.reshape(-1)[0]).all():
        return _divided(total, int(counts.reshape(-1)[0]))
    data = total.data if isinstance(total, Tensor) else total
    return _divided(total, backend_of(data).asarray(counts, dtype=total.dtype))


def _divided(total: Any, count: Any) -> Any:
    return total / count if total.dtype.kind == "f" else total // count


def _window_sums(x: Any, kernel: Sizes, stride: Sizes) -> Any:
    n, lead = len(kernel), x.ndim - len(kernel)
    seen = windows(x, kernel=kernel, stride=stride, dilation=(1,) * n)  # (..., *out, *kernel)
    shape = seen.shape[: lead + n]
    entries = permute(seen, (*range(lead + n, lead + 2 * n), *range(lead + n)))
    return reshape(sum(reshape(entries, (math.prod(kernel), math.prod(shape))), 0), shape)


# ----------------------------------------------------------------------------------------------------------- norms


def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The p-norm of each window of (N, C, L) or (C, L). PyTorch: `F.lp_pool1d`; see `lp_pool2d`."""
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The p-norm of each window of (N, C, H, W) or (C, H, W), p being `norm_type`. PyTorch: `F.lp_pool2d`.

    It is the p-th root of the sum of p-th powers, signs and all, so nan where that sum is negative; infinite p takes
    the largest magnitude, or the smallest. A window that reaches over the end counts as if filled with its mean power.
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The p-norm of each window of (N, C, D, H, W) or (C, D, H, W). PyTorch: `F.lp_pool3d`; see `lp_pool2d`."""
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(name: str, n: int, input: Any, p: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Any:
    kernel = sizes(name, "kernel_size", kernel_size, n, 1)
    if p in (math.inf, -math.inf):
        side = 1 if p > 0 else -1
        return side * _max_pool(name, n, side * abs(input), kernel, stride, 0, 1, ceil_mode, False)
    means = _avg_pool(name, n, input**p, kernel, stride, 0, ceil_mode, True, None)
    zero = means == 0  # where the root has no derivative, and PyTorch's is 0
    root = (where(zero, 1.0, means) * math.prod(kernel)) ** (1.0 / p)
    return where(zero, 0.0 if p > 0 else math.inf, root)


# ------------------------------------------------------------------------------------------------------- the way back


def max_unpool1d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Largest values back where `max_pool1d` found them. PyTorch: `F.max_unpool1d`; see `max_unpool2d`."""
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Largest values back where `max_pool2d` found them (`indices`), zeros elsewhere. PyTorch: `F.max_unpool2d`.

    The size is (H - 1) stride - 2 padding + kernel_size, or `output_size`, which may be less than a stride off and
    may have the leading dimensions too. Raises ShapeError if shapes or sizes do not fit, IndexError for an index out
    of range.
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: Any, indices: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, output_size: Any = None
) -> Any:
    """Largest values back where `max_pool3d` found them. PyTorch: `F.max_unpool3d`; see `max_unpool2d`."""
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    name: str, n: int, input: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Any:
    kernel, stride, padding = _settings(name, input, n, kernel_size, stride, padding)
    usual = tuple((c - 1) * s - 2 * p + k for c, s, p, k in zip(input.shape[-n:], stride, padding, kernel))
    size = usual if output_size is None else tuple(output_size)[-n:]
    if len(size) != n or not all(u - s < o < u + s for o, u, s in zip(size, usual, stride)):
        raise ShapeError(f"{name}: output_size {output_size} must be within a stride {stride} of {usual}{in_module()}")
    ids = indices.data if isinstance(indices, Tensor) else indices
    if ids.shape != tuple(input.shape) or ids.dtype.kind not in "iu":
        raise ShapeError(
            f"{name}: indices must be integers of the input's shape {tuple(input.shape)}, got {ids.dtype} of "
            f"{tuple(ids.shape)}{in_module()}"
        )
    if backend_of(ids).checks_values and ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < math.prod(size)):
        raise IndexError(
            f"{name}: indices from {int(ids.min())} to {int(ids.max())} do not fit an output of {size}{in_module()}"
        )
    lead = tuple(input.shape[:-n])
    planes = math.prod(lead)
    empty = np.zeros((planes, math.prod(size)), input.dtype, like=ids)
    index = (np.arange(planes, like=ids)[:, None], ids.reshape(planes, math.prod(input.shape[-n:])))
    return reshape(index_put(empty, index, reshape(input, index[1].shape)), (*lead, *size))


__all__ = [
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool2d",
    "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d",
]  # fmt: skip
