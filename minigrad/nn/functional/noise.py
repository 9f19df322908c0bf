"""Elements or channels dropped at random, by masks that a replay draws again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import backend_of
from ...ops import DTypeError, ShapeError, default_generator
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.random import Key
from ...tensor import Tensor
from .inplace import takes_inplace
from .piecewise import SELU_ALPHA, SELU_SCALE


@takes_inplace
def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Each element set to 0 with probability `p`, the others divided by 1 - p. PyTorch: `F.dropout`.

    The mask is a function of the default generator's seed and counter, so a replay draws the same one.
    With `inplace` the result is written into `input`. Source: Srivastava et al., "Dropout" (2014). Raises ValueError
    for `p` outside [0, 1], and while training DTypeError (a TypeError) for integers.
    """
    if _drops_nothing("dropout", input, p, training):
        return input
    return _dropout(input, p, default_generator.key("dropout"))


@composite
def _dropout(input: Any, p: float, key: Key) -> Any:
    data = input.data if isinstance(input, Tensor) else input
    kept = key.bernoulli(tuple(input.shape), 1.0 - p, backend_of(data))
    return input * (kept * input.dtype.type(1.0 / (1.0 - p) if p < 1.0 else 0.0))


@takes_inplace
def dropout1d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Whole channels set to 0 with probability `p`, the others divided by 1 - p: (C, L) or (N, C, L).

    PyTorch: `F.dropout1d`. Source: Tompson et al., "Efficient object localization using convolutional networks"
    (2015). Raises ValueError for `p` outside [0, 1], ShapeError for another number of dimensions.
    """
    return _dropout_channels("dropout1d", input, p, training, channel_dim=_channel_dim("dropout1d", input, 2, 3))


@takes_inplace
def dropout2d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """As `dropout1d`, for (N, C, H, W). PyTorch: `F.dropout2d`, which reads three dimensions as (N, C, L) and warns;
    here they are refused."""
    return _dropout_channels("dropout2d", input, p, training, channel_dim=_channel_dim("dropout2d", input, 4))


@takes_inplace
def dropout3d(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """As `dropout1d`, for (C, D, H, W) or (N, C, D, H, W). PyTorch: `F.dropout3d`."""
    return _dropout_channels("dropout3d", input, p, training, channel_dim=_channel_dim("dropout3d", input, 4, 5))


def _dropout_channels(name: str, input: Any, p: float, training: bool, channel_dim: int) -> Any:
    if _drops_nothing(name, input, p, training):
        return input
    factor = input.dtype.type(1.0 / (1.0 - p) if p < 1.0 else 0.0)
    return input * (_kept(name, input, p, channel_dim) * factor)


@takes_inplace
def alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """Dropout for `selu`: dropped elements take its lowest value, and the result is scaled and moved so that zero mean
    and unit variance stay. PyTorch: `F.alpha_dropout`.

    Source: Klambauer et al., "Self-normalizing neural networks" (2017). Raises ValueError for `p` outside [0, 1].
    """
    return _alpha_dropout("alpha_dropout", input, p, training, channel_dim=input.ndim - 1)


@takes_inplace
def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False, inplace: bool = False) -> Any:
    """`alpha_dropout` of whole channels: (N, C, ...). PyTorch: `F.feature_alpha_dropout`."""
    if input.ndim < 2:
        raise ShapeError(
            f"feature_alpha_dropout needs batch and channels, (N, C, ...), got shape {tuple(input.shape)}{in_module()}"
        )
    return _alpha_dropout("feature_alpha_dropout", input, p, training, channel_dim=1)


def _alpha_dropout(name: str, input: Any, p: float, training: bool, channel_dim: int) -> Any:
    if _drops_nothing(name, input, p, training):
        return input
    if p == 1.0:
        return input * 0.0
    lowest = -SELU_ALPHA * SELU_SCALE
    scale = 1.0 / math.sqrt((1.0 - p) * (1.0 + p * lowest * lowest))
    kept = _kept(name, input, p, channel_dim)
    dropped_to = np.where(kept, input.dtype.type(0.0), input.dtype.type(lowest))
    return (input * kept.astype(input.dtype) + dropped_to) * scale - scale * p * lowest


def _kept(name: str, input: Any, p: float, channel_dim: int) -> Any:
    """Which channels stay: a mask with size 1 in the dimensions behind the channels."""
    shape = (*input.shape[: channel_dim + 1], *(1,) * (input.ndim - channel_dim - 1))
    return default_generator.key(name).bernoulli(shape, 1.0 - p, backend_of(input.data))


def _channel_dim(name: str, input: Any, *allowed: int) -> int:
    if input.ndim not in allowed:
        raise ShapeError(
            f"{name} takes an input of {' or '.join(map(str, allowed))} dimensions, got shape {tuple(input.shape)}"
            f"{in_module()}"
        )
    return 0 if len(allowed) > 1 and input.ndim == allowed[0] else 1


def _drops_nothing(name: str, input: Any, p: float, training: bool) -> bool:
    """Whether the input stays as it is. Raises for what can be dropped from in no way."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: p must be in [0, 1], got {p}")
    if not training or p == 0.0:
        return True
    if input.dtype.kind != "f":
        raise DTypeError(f"{name} needs floating-point input, got {input.dtype}; use .float(){in_module()}")
    return False


__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]
