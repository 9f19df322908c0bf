"""Normalization over the last dimensions, and by neighbouring channels. That of channels is in `channel_norm`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from ...ops import DTypeError, ShapeError, rsqrt
from ...ops.cast import halves_in_float32
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.shape import cat, narrow


def _check_normalized(name: str, input: Any, normalized_shape: Sequence[int], *affine: Any) -> tuple[int, ...]:
    shape = tuple(map(index, normalized_shape))
    if input.dtype.kind != "f":
        raise DTypeError(f"{name} needs floating-point input, got {input.dtype}; convert it with .float(){in_module()}")
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ShapeError(
            f"{name}: input of shape {tuple(input.shape)} does not end in normalized_shape {shape}{in_module()}"
        )
    for parameter in affine:
        if parameter is not None and tuple(parameter.shape) != shape:
            raise ShapeError(
                f"{name}: weight or bias of shape {tuple(parameter.shape)}, normalized_shape {shape}{in_module()}"
            )
    return tuple(range(-len(shape), 0))


@composite
@halves_in_float32
def layer_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Zero mean and unit variance over the last dimensions, then `weight` and `bias`. PyTorch: `F.layer_norm`.

    `normalized_shape` are the sizes of the dimensions that are normalized, and the shape of `weight` and `bias`. The
    variance is the biased one, with `eps` added. Source: Ba, Kiros and Hinton, "Layer normalization" (2016).
    Raises ShapeError (a ValueError and RuntimeError) if the shapes do not fit.

    >>> import minigrad as mg
    >>> mg.nn.functional.layer_norm(mg.tensor([1.0, 3.0]), [2])
    tensor([-1.0000,  1.0000])
    """
    dims = _check_normalized("layer_norm", input, normalized_shape, weight, bias)
    centred = input - input.mean(dims, keepdims=True)
    out = centred * rsqrt((centred * centred).mean(dims, keepdims=True) + eps)
    if weight is not None:
        out = out * weight
    return out if bias is None else out + bias


@composite
@halves_in_float32
def rms_norm(input: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """Unit mean square over the last dimensions, then `weight`. PyTorch: `F.rms_norm`.

    `eps` defaults to the resolution of the dtype (of float32 for float16, as everything is computed in it). Source:
    Zhang and Sennrich, "Root mean square layer normalization" (2019).
    """
    dims = _check_normalized("rms_norm", input, normalized_shape, weight)
    resolution = float(np.finfo(input.dtype).eps) if eps is None else eps
    out = input * rsqrt((input * input).mean(dims, keepdims=True) + resolution)
    return out if weight is None else out * weight


@halves_in_float32
def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """`input` divided by (k + alpha * m)**beta, m the mean square over `size` neighbouring channels.

    PyTorch: `F.local_response_norm`. `input` is (N, C, d1, ...); channels beyond the ends count as 0. Source:
    Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks" (2012).
    Raises ShapeError for fewer than three dimensions.
    """
    if input.ndim < 3:
        raise ShapeError(f"local_response_norm takes (N, C, d1, ...), got shape {tuple(input.shape)}{in_module()}")
    channels = input.shape[1]
    before, after = (
        np.zeros((input.shape[0], count, *input.shape[2:]), input.dtype, like=input.data)
        for count in (size // 2, (size - 1) // 2)
    )
    squares = cat([before, input * input, after], 1)
    total = narrow(squares, 1, 0, channels)
    for start in range(1, size):
        total = total + narrow(squares, 1, start, channels)
    return input / (total * (alpha / size) + k) ** beta


__all__ = ["layer_norm", "local_response_norm", "rms_norm"]
