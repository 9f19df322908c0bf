"""SiLU, block by block."""

from __future__ import annotations

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register
from .blocks import row_blocks


def _applies(x: Array, inplace: bool) -> bool:
    return bool(x.size)


@np.errstate(over="ignore", invalid="ignore")  # far left of 0 the share is 0; of -inf comes nan, as in the definition
def _forward(x: Array, inplace: bool) -> tuple[Array, tuple[Array, ...]]:
    """out = x * share, where share = 1 / (1 + exp(-x)). `inplace` was served before."""
    flat = x.reshape(-1)
    out = np.empty_like(flat)
    share = np.empty_like(flat)
    for block in row_blocks(flat.size, 1):
        s = np.negative(flat[block], out=share[block])
        np.exp(s, out=s)
        s += 1.0
        np.reciprocal(s, out=s)
        np.multiply(flat[block], s, out=out[block])
    return out.reshape(x.shape), (share,)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], x: Array, inplace: bool
) -> tuple[Array | None, ...]:
    """d(x share) = share (1 + x (1 - share))."""
    (share,) = stored
    flat, cotangent = x.reshape(-1), g.reshape(-1)
    dx = np.empty_like(flat)
    for block in row_blocks(flat.size, 1):
        s = share[block]
        d = np.subtract(1.0, s, out=dx[block])
        d *= flat[block]
        d += 1.0
        d *= s
        d *= cotangent[block]
    return (dx.reshape(x.shape),)


register(FusedKernel("silu", _forward, _backward, arrays=(0,), applies=_applies))
