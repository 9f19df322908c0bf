"""Dropout that keeps its mask as bytes."""

from __future__ import annotations

import numpy as np

from ...backends import Array
from ...ops.random import Key
from ..registry import FusedKernel, register


def _applies(x: Array, p: float, key: Key) -> bool:
    return p < 1.0


def _forward(x: Array, p: float, key: Key) -> tuple[Array, tuple[Array, ...]]:
    kept = key.bernoulli(x.shape, 1.0 - p)
    return _masked(x, kept, p), (kept,)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], x: Array, p: float, key: Key
) -> tuple[Array | None, ...]:
    return (_masked(g, stored[0], p),)


def _masked(x: Array, kept: Array, p: float) -> Array:
    out = np.empty_like(x)
    np.multiply(x, kept, out=out)
    out *= 1.0 / (1.0 - p)
    return out


register(FusedKernel("_dropout", _forward, _backward, arrays=(0,), applies=_applies))
