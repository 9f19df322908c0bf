"""Convolution and its transpose in one, two and three dimensions, and the windows they look through, as columns.

A convolution is the matrix of all windows times the weight; the transposed one adds up the windows that the product
with the transposed weight gives. Each is defined once, for any number of dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ...ops import DTypeError, ShapeError
from ...ops.cast import clone
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.shape import permute, reshape, squeeze, transpose, unsqueeze
from ...ops.windows import overlap_add, pad, windows


def sizes(name: str, what: str, value: Any, n: int, least: int = 0) -> tuple[int, ...]:
    """A setting per dimension, from one for all of them or from `n`. Raises ValueError naming the setting."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    values = values * n if len(values) == 1 else values
    if len(values) != n or not all(hasattr(each, "__index__") for each in values):
        raise ValueError(f"{name}: {what} must be an int or {n} of them, got {value!r}{in_module()}")
    if min(values) < least:
        raise ValueError(f"{name}: {what} must be at least {least}, got {value!r}{in_module()}")
    return tuple(each.__index__() for each in values)


def check_rank(name: str, input: Any, n: int) -> None:
    """Raises ShapeError unless `input` is (C, *size) or (N, C, *size) with `n` sizes."""
    if input.ndim not in (n + 1, n + 2):
        sizes = ("L", "H, W", "D, H, W")[n - 1]
        raise ShapeError(
            f"{name}: input must be (C, {sizes}) or (N, C, {sizes}), of {n + 1} or {n + 2} dimensions, got shape "
            f"{tuple(input.shape)}{in_module()}"
        )


def same_padding(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """What keeps the size at stride 1; of an odd total the larger part comes after."""
    totals = [d * (k - 1) for k, d in zip(kernel, dilation)]
    return tuple((total // 2, total - total // 2) for total in totals)


# --------------------------------------------------------------------------------------------------- convolution


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Products with a window that slides along (N, C, L) or (C, L). PyTorch: `F.conv1d`; see `conv2d`."""
    return _convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Products with a window that slides over an image. PyTorch: `F.conv2d` (a cross-correlation, as there).

    Args:
        input: (N, C, H, W), or (C, H, W) for one image.
        weight: (O, C / groups, kH, kW).
        bias: (O), or None.
        stride: the step between windows.
        padding: zeros on both sides; "valid" for none, "same" to keep the size (at stride 1).
        dilation: the step between the entries of a window.
        groups: into how many parts the channels are split, each with weights of its own.

    `stride`, `padding` and `dilation` are an int, or one per dimension. Gives (N, O, H', W') with
    H' = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1. Raises ShapeError (a ValueError and RuntimeError) if
    the shapes do not fit, ValueError for settings that cannot be.

    >>> import minigrad as mg
    >>> F = mg.nn.functional
    >>> F.conv2d(mg.ones(1, 3, 8, 8), mg.ones(5, 3, 3, 3), stride=2, padding=1).shape
    (1, 5, 4, 4)
    """
    return _convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Products with a window that slides through (N, C, D, H, W). PyTorch: `F.conv3d`; see `conv2d`."""
    return _convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _convolve(
    name: str, n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """Checks, and the batch dimension, around `_convolution`."""
    stride, dilation = sizes(name, "stride", stride, n, 1), sizes(name, "dilation", dilation, n, 1)
    _check_weight(name, input, weight, bias, n, groups, 1, weight.shape[0] if weight.ndim else 0)
    kernel = tuple(weight.shape[2:])
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"{name}: padding must be 'same', 'valid' or numbers, got {padding!r}{in_module()}")
        if padding == "same" and max(stride) > 1:
            raise ValueError(f"{name}: padding='same' is for stride 1, got stride {stride}{in_module()}")
        widths = same_padding(kernel, dilation) if padding == "same" else ((0, 0),) * n
    else:
        widths = tuple((each, each) for each in sizes(name, "padding", padding, n))
    _check_fits(name, input, n, kernel, dilation, widths)
    if input.ndim == n + 1:
        return squeeze(_convolution(unsqueeze(input, 0), weight, bias, stride, widths, dilation, groups), 0)
    return _convolution(input, weight, bias, stride, widths, dilation, groups)


@composite
def _convolution(
    input: Any, weight: Any, bias: Any, stride: tuple[int, ...], padding: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...], groups: int,
) -> Any:  # fmt: skip
    n, kernel, batch = len(stride), weight.shape[2:], input.shape[0]
    channels, filters = input.shape[1] // groups, weight.shape[0] // groups
    seen = windows(pad(input, padding), kernel=kernel, stride=stride, dilation=dilation)  # (N, C, *out, *kernel)
    out = seen.shape[2 : 2 + n]
    columns = permute(seen, (1, *range(2 + n, 2 + 2 * n), 0, *range(2, 2 + n)))  # (C, *kernel, N, *out)
    depth = channels * math.prod(kernel)
    columns = reshape(columns, (groups, depth, batch * math.prod(out)))
    result = reshape(weight, (groups, filters, depth)) @ columns
    result = reshape(result, (groups * filters, batch, *out))
    if bias is not None:
        result = result + reshape(bias, (-1, *(1,) * (n + 1)))
    return clone(transpose(result, 0, 1))  # laid out in order, as whoever takes a view expects


# ------------------------------------------------------------------------------------------ transposed convolution


def conv_transpose1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """The map that is the gradient of `conv1d`. PyTorch: `F.conv_transpose1d`; see `conv_transpose2d`."""
    return _convolve_transposed(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """The map that is the gradient of `conv2d` for its input: from fewer places to more. PyTorch:
    `F.conv_transpose2d`.

    `input` is (N, C, H, W) or (C, H, W), `weight` (C, O / groups, kH, kW), `bias` (O); the settings are those of the
    convolution it turns around, and `output_padding` adds to the size at the end, where several sizes give the same
    H. Gives (N, O, H', W') with H' = (H - 1) stride - 2 padding + dilation (kH - 1) + output_padding + 1.
    Raises ShapeError if the shapes do not fit, ValueError for settings that cannot be.

    >>> import minigrad as mg
    >>> F = mg.nn.functional
    >>> F.conv_transpose2d(mg.ones(1, 5, 4, 4), mg.ones(5, 3, 3, 3), stride=2, padding=1, output_padding=1).shape
    (1, 3, 8, 8)
    """
    return _convolve_transposed(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """The map that is the gradient of `conv3d`. PyTorch: `F.conv_transpose3d`; see `conv_transpose2d`."""
    return _convolve_transposed(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def _convolve_transposed(
    name: str, n: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, output_padding: Any,
    groups: int, dilation: Any,
) -> Any:  # fmt: skip
    """Checks, and the batch dimension, around `_transposed_convolution`."""
    stride, dilation = sizes(name, "stride", stride, n, 1), sizes(name, "dilation", dilation, n, 1)
    padding, extra = sizes(name, "padding", padding, n), sizes(name, "output_padding", output_padding, n)
    _check_weight(name, input, weight, bias, n, groups, 0, weight.shape[1] * groups if weight.ndim > 1 else 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation)):
        raise ValueError(
            f"{name}: output_padding {extra} must be smaller than stride {stride} or dilation {dilation}{in_module()}"
        )
    widths = tuple((-p, e - p) for p, e in zip(padding, extra))
    size = tuple(
        (length - 1) * s + d * (k - 1) + 1 + before + after
        for length, s, d, k, (before, after) in zip(input.shape[-n:], stride, dilation, weight.shape[2:], widths)
    )
    if min(size) < 1 or 0 in input.shape[-n:]:
        raise ShapeError(
            f"{name}: input of shape {tuple(input.shape)} with padding {padding} leaves an output of size {size}"
            f"{in_module()}"
        )
    if input.ndim == n + 1:
        return squeeze(_transposed_convolution(unsqueeze(input, 0), weight, bias, stride, widths, dilation, groups), 0)
    return _transposed_convolution(input, weight, bias, stride, widths, dilation, groups)


@composite
def _transposed_convolution(
    input: Any, weight: Any, bias: Any, stride: tuple[int, ...], widths: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...], groups: int,
) -> Any:  # fmt: skip
    n, kernel, batch, places = len(stride), weight.shape[2:], input.shape[0], input.shape[2:]
    channels, filters = input.shape[1] // groups, weight.shape[1]
    columns = reshape(transpose(input, 0, 1), (groups, channels, batch * math.prod(places)))
    matrix = reshape(weight, (groups, channels, filters * math.prod(kernel)))
    columns = transpose(matrix, 1, 2) @ columns
    columns = reshape(columns, (groups * filters, *kernel, batch, *places))
    columns = permute(columns, (1 + n, 0, *range(2 + n, 2 + 2 * n), *range(1, 1 + n)))  # (N, O, *places, *kernel)
    size = tuple((c - 1) * s + d * (k - 1) + 1 for c, s, d, k in zip(places, stride, dilation, kernel))
    out = pad(overlap_add(columns, size=size, stride=stride, dilation=dilation), widths)
    return clone(out) if bias is None else out + reshape(bias, (-1, *(1,) * n))


def _check_weight(
    name: str, input: Any, weight: Any, bias: Any, n: int, groups: int, channel_dim: int, filters: int
) -> None:
    """Raises ShapeError unless channels, groups, weight and bias go together."""
    check_rank(name, input, n)
    if weight.ndim != n + 2:
        raise ShapeError(f"{name}: weight must have {n + 2} dimensions, got shape {tuple(weight.shape)}{in_module()}")
    if groups < 1:
        raise ValueError(f"{name}: groups must be at least 1, got {groups}{in_module()}")
    if weight.shape[0] % groups:
        raise ShapeError(
            f"{name}: the {weight.shape[0]} entries of dimension 0 of weight of shape {tuple(weight.shape)} cannot be "
            f"split into {groups} groups{in_module()}"
        )
    if input.dtype != weight.dtype:
        raise DTypeError(
            f"{name}: input is {input.dtype} and weight {weight.dtype}; convert one of them, with .to(...){in_module()}"
        )
    taken = weight.shape[1] * groups if channel_dim == 1 else weight.shape[0]
    channels = input.shape[-n - 1]
    if channels != taken:
        order = ("N" * (input.ndim == n + 2)) + "C" + "DHW"[-n:] if n > 1 else "NCL"[-input.ndim :]
        last = f" (do the channels come last? it takes them as {order})" if input.shape[-1] == taken else ""
        raise ShapeError(
            f"{name}: input of shape {tuple(input.shape)} has {channels} channels in dimension {input.ndim - n - 1}, "
            f"weight of shape {tuple(weight.shape)}{f' with groups={groups}' if groups > 1 else ''} takes {taken}{last}"
            f"{in_module()}"
        )
    if bias is not None and tuple(bias.shape) != (filters,):
        raise ShapeError(
            f"{name}: bias has shape {tuple(bias.shape)}, weight of shape {tuple(weight.shape)} needs ({filters},)"
            f"{in_module()}"
        )


def _check_fits(
    name: str, input: Any, n: int, kernel: Sequence[int], dilation: Sequence[int], padding: Sequence[tuple[int, int]]
) -> None:
    padded = tuple(size + before + after for size, (before, after) in zip(input.shape[-n:], padding))
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    if 0 in kernel or any(e > p for e, p in zip(extent, padded)):
        raise ShapeError(
            f"{name}: a kernel of {tuple(kernel)} with dilation {tuple(dilation)} spans {extent}, and does not fit "
            f"input of shape {tuple(input.shape)}, padded to {padded}{in_module()}"
        )


# ------------------------------------------------------------------------------------------------ windows as columns


def unfold(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Every window of an image as a column: (N, C, H, W) gives (N, C kH kW, L). PyTorch: `F.unfold`.

    L counts the windows, row by row; (C, H, W) gives (C kH kW, L). A convolution is the product of its weight, as a
    matrix, with these columns. Raises ShapeError if a window does not fit.

    >>> import minigrad as mg
    >>> mg.nn.functional.unfold(mg.arange(4.0).reshape(1, 2, 2), kernel_size=(1, 2))
    tensor([[0., 2.],
            [1., 3.]])
    """
    check_rank("unfold", input, 2)
    kernel, stride = sizes("unfold", "kernel_size", kernel_size, 2, 1), sizes("unfold", "stride", stride, 2, 1)
    dilation = sizes("unfold", "dilation", dilation, 2, 1)
    padding = tuple((each, each) for each in sizes("unfold", "padding", padding, 2))
    _check_fits("unfold", input, 2, kernel, dilation, padding)
    seen = windows(pad(input, padding), kernel=kernel, stride=stride, dilation=dilation)  # (..., C, *out, *kernel)
    *lead, channels, rows, columns, _, _ = seen.shape
    first = seen.ndim - 5
    seen = permute(seen, (*range(first + 1), first + 3, first + 4, first + 1, first + 2))
    out = reshape(seen, (*lead, channels * math.prod(kernel), rows * columns))
    return (
        out if getattr(out, "view_of", None) is None else clone(out)
    )  # no window was cut out: still the input's memory


def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns put back as windows, adding up where they overlap: the adjoint of `unfold`. PyTorch: `F.fold`.

    (N, C kH kW, L) gives (N, C, *output_size). Raises ShapeError unless L is the number of windows.

    >>> import minigrad as mg
    >>> F = mg.nn.functional
    >>> F.fold(F.unfold(mg.ones(1, 3, 3), 2), (3, 3), 2)
    tensor([[[1., 2., 1.],
             [2., 4., 2.],
             [1., 2., 1.]]])
    """
    kernel, stride = sizes("fold", "kernel_size", kernel_size, 2, 1), sizes("fold", "stride", stride, 2, 1)
    dilation, padding = sizes("fold", "dilation", dilation, 2, 1), sizes("fold", "padding", padding, 2)
    size = sizes("fold", "output_size", output_size, 2, 1)
    area = math.prod(kernel)
    if input.ndim not in (2, 3) or input.shape[-2] % area:
        raise ShapeError(
            f"fold: input must be (C kH kW, L) or (N, C kH kW, L) with kernel {kernel}, got shape {tuple(input.shape)}"
            f"{in_module()}"
        )
    places = tuple(
        max((length + 2 * p - d * (k - 1) - 1) // s + 1, 0)
        for length, p, d, k, s in zip(size, padding, dilation, kernel, stride)
    )
    if input.shape[-1] != math.prod(places) or 0 in places:
        raise ShapeError(
            f"fold: a kernel of {kernel} has {places[0]} x {places[1]} windows in output_size {size} with dilation "
            f"{dilation}, padding {padding} and stride {stride}; input of shape {tuple(input.shape)} has "
            f"{input.shape[-1]}{in_module()}"
        )
    lead = tuple(input.shape[:-2])
    first = len(lead)
    columns = reshape(input, (*lead, input.shape[-2] // area, *kernel, *places))
    columns = permute(columns, (*range(first + 1), first + 3, first + 4, first + 1, first + 2))
    padded = tuple(length + 2 * p for length, p in zip(size, padding))
    out = overlap_add(columns, size=padded, stride=stride, dilation=dilation)
    return clone(pad(out, tuple((-p, -p) for p in padding))) if any(padding) else out


__all__ = [
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "fold", "unfold",
]  # fmt: skip
