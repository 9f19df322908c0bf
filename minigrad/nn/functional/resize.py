"""Resizing: interpolation to another size, and channels turned into pixels and back.

An interpolation acts on one dimension after the other. Along each, an output entry is a weighted sum of a few input
entries, its taps: one for the nearest, two for linear, four for cubic interpolation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...backends import Array, backend_of
from ...ops import DTypeError, ShapeError
from ...ops.cast import clone
from ...ops.failure import in_module
from ...ops.shape import permute, reshape
from ...ops.windows import take
from ...tensor import Tensor
from .adaptive_pooling import mean_of_parts

_CORNERED = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}  # modes that know align_corners: input.ndim
_MODES = ("nearest", "nearest-exact", "area", *_CORNERED)


def interpolate(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Any:  # fmt: skip
    """`input`, (N, C, L), (N, C, H, W) or (N, C, D, H, W), brought to another size. PyTorch: `F.interpolate`.

    Args:
        size: the new sizes, an int or one per dimension; or
        scale_factor: by which to multiply the sizes, a number or one per dimension.
        mode: "nearest", "nearest-exact" (which rounds to the middle of an entry), "linear" (3-d), "bilinear" or
            "bicubic" (4-d), "trilinear" (5-d), or "area" (means, as `adaptive_avg_pool2d`).
        align_corners: whether the first and last entries keep their places, rather than the edges.
        recompute_scale_factor: whether coordinates follow from the sizes rather than from `scale_factor`.

    Raises ValueError for settings that do not go together, ShapeError (a ValueError and RuntimeError) for an input of
    the wrong rank or without entries, DTypeError for one that is not floating, and NotImplementedError for
    `antialias`.

    >>> import minigrad as mg
    >>> F = mg.nn.functional
    >>> F.interpolate(mg.tensor([[[0.0, 1.0]]]), scale_factor=2, mode="linear", align_corners=False)
    tensor([[[0.0000, 0.2500, 0.7500, 1.0000]]])
    """
    n = input.ndim - 2
    if mode not in _MODES:
        raise ValueError(f"interpolate: mode must be one of {', '.join(_MODES)}, got {mode!r}{in_module()}")
    if antialias:
        raise NotImplementedError("interpolate: antialias is not available; resize by mode='area' to shrink smoothly")
    if n not in (1, 2, 3) or _CORNERED.get(mode, input.ndim) != input.ndim:
        wanted = _CORNERED.get(mode, "3, 4 or 5")
        raise ShapeError(
            f"interpolate: mode {mode!r} takes {wanted} dimensions, got shape {tuple(input.shape)}{in_module()}"
        )
    if align_corners is not None and mode not in _CORNERED:
        raise ValueError(f"interpolate: align_corners is for {', '.join(_CORNERED)}, not for {mode!r}{in_module()}")
    if (size is None) == (scale_factor is None):
        raise ValueError(f"interpolate: give either size or scale_factor{in_module()}")
    if recompute_scale_factor and size is not None:
        raise ValueError(f"interpolate: recompute_scale_factor is of no use with size{in_module()}")
    if input.dtype.kind != "f":
        raise DTypeError(f"interpolate needs a floating-point tensor, got {input.dtype}; convert it with .float()")
    before = tuple(input.shape[2:])
    given = size if scale_factor is None else scale_factor
    each = tuple(given) if isinstance(given, (tuple, list)) else (given,) * n
    if len(each) != n:
        raise ValueError(f"interpolate: {len(each)} sizes for the {n} of input of shape {tuple(input.shape)}")
    after = tuple(int(s) for s in each) if scale_factor is None else tuple(int(b * s) for b, s in zip(before, each))
    if min(*before, *after) < 1:
        raise ShapeError(f"interpolate: input of shape {tuple(input.shape)} to sizes {after}: all must be at least 1")
    kept = scale_factor is not None and not recompute_scale_factor
    scales = [float(s) for s in each] if kept else [None] * n
    for dim, (length, count, scale) in enumerate(zip(before, after, scales), 2):
        if mode == "area":
            input = mean_of_parts(input, dim, count)
        elif mode.startswith("nearest"):
            input = take(input, dim, _nearest(length, count, scale, 0.5 if mode == "nearest-exact" else 0.0))
        else:
            taps = _cubic if mode == "bicubic" else _linear
            dtype = np.dtype(np.float64 if input.dtype.itemsize >= 8 else np.float32)
            input = _weighted(input, dim, taps(length, _sources(length, count, scale, bool(align_corners), dtype)))
    return clone(input)  # laid out in order, as whoever takes a view expects


def _nearest(length: int, count: int, scale: float | None, middle: float) -> Array:
    """The entry at each place, in PyTorch's float32 steps."""
    step = np.float32(1.0 / scale if scale else length / count)
    places = np.floor((np.arange(count, dtype=np.float32) + np.float32(middle)) * step)
    return np.minimum(places.astype(np.int64), length - 1)


def _sources(length: int, count: int, scale: float | None, align_corners: bool, dtype: Any) -> Array:
    """Where each place lies among the entries, a real number."""
    if align_corners:
        step = dtype.type((length - 1) / (count - 1) if count > 1 else 0.0)
        return np.arange(count, dtype=dtype) * step
    step = dtype.type(1.0 / scale if scale else length / count)
    return (np.arange(count, dtype=dtype) + dtype.type(0.5)) * step - dtype.type(0.5)


def _linear(length: int, sources: Array) -> list[tuple[Array, Array]]:
    if len(sources) == length:
        sources = np.arange(length, dtype=sources.dtype)
    low = np.minimum(sources.astype(np.int64), length - 1)  # 0 too where the source lies before the first entry
    t = np.clip(sources - low, 0, 1)
    return [(low, 1 - t), (np.minimum(low + 1, length - 1), t)]


def _cubic(length: int, sources: Array, a: float = -0.75) -> list[tuple[Array, Array]]:
    """R. Keys, "Cubic convolution interpolation for digital image processing" (1981), with PyTorch's a."""
    low = np.floor(sources)
    t = (sources - low).astype(sources.dtype)
    near = [((a + 2) * d - (a + 3)) * d * d + 1 for d in (t, 1 - t)]  # at most 1 away
    far = [((a * d - 5 * a) * d + 8 * a) * d - 4 * a for d in (t + 1, 2 - t)]  # 1 to 2 away
    places = [np.clip(low.astype(np.int64) + step, 0, length - 1) for step in (-1, 0, 1, 2)]
    return list(zip(places, (far[0], near[0], near[1], far[1])))


def _weighted(input: Any, dim: int, taps: Sequence[tuple[Array, Array]]) -> Any:
    """The sum over the taps: entries along `dim`, times weights."""
    data = input.data if isinstance(input, Tensor) else input
    total = 0.0
    for index, weights in taps:
        column = weights.reshape(-1, *(1,) * (input.ndim - dim - 1))
        total = total + take(input, dim, index) * backend_of(data).asarray(column, dtype=input.dtype)
    return total


# ----------------------------------------------------------------------------------------------- channels and pixels


def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Channels to pixels: (..., C r r, H, W) gives (..., C, H r, W r). PyTorch: `F.pixel_shuffle`.

    Source: Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel convolutional
    neural network" (2016). Raises ShapeError if the channels do not divide.
    """
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise ShapeError(
            f"pixel_shuffle: input of shape {tuple(input.shape)} needs a multiple of {r} x {r} channels in dimension "
            f"-3{in_module()}"
        )
    *lead, channels, height, width = input.shape
    first = len(lead)
    parts = reshape(input, (*lead, channels // (r * r), r, r, height, width))
    parts = permute(parts, (*range(first + 1), first + 3, first + 1, first + 4, first + 2))  # (..., C, H, r, W, r)
    return reshape(parts, (*lead, channels // (r * r), height * r, width * r))


def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """Pixels to channels: (..., C, H r, W r) gives (..., C r r, H, W). PyTorch: `F.pixel_unshuffle`.

    Raises ShapeError if the sizes do not divide.
    """
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-2] % r or input.shape[-1] % r:
        raise ShapeError(
            f"pixel_unshuffle: the last two sizes of input of shape {tuple(input.shape)} must be multiples of {r}"
            f"{in_module()}"
        )
    *lead, channels, height, width = input.shape
    first = len(lead)
    parts = reshape(input, (*lead, channels, height // r, r, width // r, r))
    parts = permute(parts, (*range(first + 1), first + 2, first + 4, first + 1, first + 3))  # (..., C, r, r, H, W)
    return reshape(parts, (*lead, channels * r * r, height // r, width // r))


__all__ = ["interpolate", "pixel_shuffle", "pixel_unshuffle"]
