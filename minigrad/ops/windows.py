"""Sliding windows: a view of them and its adjoint, which adds overlapping windows up; and what stands around windows:
padding, and rows taken by number. Convolution, pooling and resizing are composed of these.

All of it works on the last dimensions of an array, as many as there are sizes given.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import Array, backend_of
from .failure import ShapeError
from .index import getitem, put
from .primitive import Primitive
from .shape import transpose


def _windows(x: Array, *, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    extent = tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation))
    every = backend_of(x).windows(x, tuple(range(-len(kernel), 0)), extent)
    return every[(..., *(slice(None, None, step) for step in (*stride, *dilation)))]


def _overlap_add(x: Array, *, size: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    n = len(size)
    lead, count, kernel = x.shape[: -2 * n], x.shape[-2 * n : -n], x.shape[-n:]
    if math.prod(kernel) > math.prod(count):  # places and offsets play one part: loop over the fewer
        x = np.moveaxis(x, range(-n, 0), range(-2 * n, -n))
        count, kernel, stride, dilation = kernel, count, dilation, stride
    out: Array = np.zeros((*lead, *size), x.dtype, like=x)
    for offset in np.ndindex(kernel):
        touched = (slice(o * d, o * d + s * (c - 1) + 1, s) for o, d, s, c in zip(offset, dilation, stride, count))
        out[(..., *touched)] += x[(..., *offset)]
    return out


# (..., *size) -> (..., *count, *kernel): entry o, k looks at o * stride + k * dilation. Windows that fit, no others.
windows: Primitive = Primitive("windows", _windows, view=True).rules(
    x=lambda g, x_shape, kernel, stride, dilation: overlap_add(
        g, size=x_shape[len(x_shape) - len(kernel) :], stride=stride, dilation=dilation
    ),
)
# (..., *count, *kernel) -> (..., *size), in which exactly `count` windows must fit
overlap_add: Primitive = Primitive("overlap_add", _overlap_add).rules(
    x=lambda g, x_shape, stride, dilation: windows(
        g, kernel=x_shape[len(x_shape) - len(stride) :], stride=stride, dilation=dilation
    ),
)


def pad(input: Any, widths: tuple[tuple[int, int], ...], mode: str = "zeros") -> Any:
    """`input` with (before, after) entries added to each of its last dimensions; negative widths cut off.

    The entries are zeros, or the input's own: its mirror image without the edge ("reflect"), its edge ("replicate"),
    or its other end ("circular"). Raises ShapeError where the input is too short for its mirror image or other end.
    """
    first = input.ndim - len(widths)
    if mode != "zeros":
        for dim, (before, after) in enumerate(widths, first):
            if before or after:
                input = take(input, dim, _beyond(input.shape, dim, before, after, mode))
        return input
    if any(before < 0 or after < 0 for before, after in widths):
        kept = zip(input.shape[first:], widths)
        input = getitem(input, (..., *(slice(max(-b, 0), size - max(-a, 0)) for size, (b, a) in kept)))
        widths = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    if not any(map(any, widths)):
        return input
    sizes = input.shape[first:]
    shape = (*input.shape[:first], *(before + size + after for size, (before, after) in zip(sizes, widths)))
    return put(
        input, shape=shape, index=(..., *(slice(before, before + size) for size, (before, _) in zip(sizes, widths)))
    )


def _beyond(shape: tuple[int, ...], dim: int, before: int, after: int, mode: str) -> Array:
    """Which entry of a dimension stands at each place from `before` its start to `after` its end."""
    size = shape[dim]
    longest = {"reflect": size - 1, "replicate": math.inf if size else 0, "circular": size}[mode]
    if max(before, after) > longest:
        raise ShapeError(
            f"padding of {before} and {after} by {mode} needs more than dimension {dim} of shape {tuple(shape)} has"
        )
    places = np.arange(-before, size + after)
    if mode == "replicate":
        return np.clip(places, 0, size - 1)
    if mode == "circular":
        return places % size
    return np.abs((places + size - 1) % max(2 * size - 2, 1) - (size - 1))


def take(input: Any, dim: int, index: Array) -> Any:
    """The entries of `input` that a vector of integers in host memory names along `dim`."""
    rows = getitem(transpose(input, 0, dim), index)
    return transpose(rows, 0, dim)  # from the front and back: the gradient of whole rows is the quick one


__all__: list[str] = []
