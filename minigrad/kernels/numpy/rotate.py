"""Rotary positions: both halves of the features from one pass over blocks, in the memory order of the input."""

from __future__ import annotations

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register
from .attention import broadcasts
from .blocks import row_blocks


def _applies(x: Array, cos: Array, sin: Array) -> bool:
    if x.ndim == 0 or x.size == 0 or x.shape[-1] % 2:
        return False
    pairs = (*x.shape[:-1], x.shape[-1] // 2)
    return broadcasts(cos.shape, pairs) and broadcasts(sin.shape, pairs)


def _halves(x: Array) -> tuple[Array, Array]:
    middle = x.shape[-1] // 2
    return x[..., :middle], x[..., middle:]


def _joined(first: Array, second: Array, x: Array) -> Array:
    """Both side by side, laid out as x (..., D); one entry along the first dimension if all of x share it."""
    shared = all(half.ndim < x.ndim or len(half) == 1 for half in (first, second))
    out = np.empty_like(x[:1] if shared and x.ndim > 1 else x)
    for to, half in zip(_halves(out), (first, second)):
        to[...] = half
    return out


def _forward(x: Array, cos: Array, sin: Array) -> tuple[Array, tuple[Array, ...]]:
    """(a, b) (cos, cos) + (b, a) (-sin, sin): what is done on all features at once has the longer loops."""
    out = np.empty_like(x)
    a, b = _halves(x)  # (..., R) each
    twice = np.broadcast_to(_joined(cos, cos, x), x.shape)
    across = np.broadcast_to(_joined(-sin, sin, x), x.shape)
    for block in row_blocks(len(x), x.size // len(x)) if x.ndim > 1 else (slice(None),):
        here = np.multiply(x[block], twice[block], out=out[block])
        swapped = _joined(b[block], a[block], x[block])
        swapped *= across[block]
        here += swapped
    return out, ()


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], x: Array, cos: Array, sin: Array
) -> tuple[Array | None, ...]:
    """A rotation's transpose turns back: dx has sin negated. dcos = ga a + gb b, dsin = gb a - ga b."""
    (a, b), (ga, gb) = _halves(x), _halves(g)  # (..., R) each
    dx = _forward(g, cos, -sin)[0] if wanted[0] else None
    dcos = _summed(ga * a + gb * b, cos.shape) if wanted[1] else None
    dsin = _summed(gb * a - ga * b, sin.shape) if wanted[2] else None
    return dx, dcos, dsin


def _summed(gradient: Array, shape: tuple[int, ...]) -> Array:
    """The gradient of what was broadcast from `shape`."""
    extra = gradient.ndim - len(shape)
    axes = [extra + axis for axis, size in enumerate(shape) if size == 1]
    return gradient.sum(axis=(*range(extra), *axes)).reshape(shape)


register(FusedKernel("rotate", _forward, _backward, arrays=(0, 1, 2), applies=_applies))
