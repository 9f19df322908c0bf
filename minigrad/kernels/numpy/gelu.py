"""GELU, both forms, block by block."""

from __future__ import annotations

import math

import numpy as np

from ...backends import Array, cpu
from ..registry import FusedKernel, register
from .blocks import row_blocks

_SCALE = math.sqrt(2.0 / math.pi)
_CUBIC = 0.044715


def _applies(x: Array, approximate: str) -> bool:
    return x.size > 0 and approximate in ("none", "tanh")


def _forward(x: Array, approximate: str) -> tuple[Array, tuple[Array, ...]]:
    """out = x * share, where share is the (approximate) normal distribution function of x."""
    flat = x.reshape(-1)
    out = np.empty_like(flat)
    share = np.empty_like(flat)
    for block in row_blocks(flat.size, 1):
        v, s = flat[block], share[block]
        if approximate == "tanh":
            np.multiply(v, v, out=s)
            s *= _CUBIC
            s += 1.0
            s *= v
            s *= _SCALE
            np.tanh(s, out=s)
            s += 1.0
        else:
            s[...] = cpu.erfc(v * -math.sqrt(0.5))
        s *= 0.5
        np.multiply(v, s, out=out[block])
    return out.reshape(x.shape), (share,)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], x: Array, approximate: str
) -> tuple[Array | None, ...]:
    """d(x share) = share + x dshare; with t = tanh(u), share = (1 + t)/2 and dshare = 2 share (1 - share) du/dx."""
    (share,) = stored
    flat, cotangent = x.reshape(-1), g.reshape(-1)
    dx = np.empty_like(flat)
    scratch = np.empty_like(flat[next(row_blocks(flat.size, 1))])
    for block in row_blocks(flat.size, 1):
        v, s, d = flat[block], share[block], dx[block]
        slope = scratch[: len(v)]
        np.multiply(v, v, out=d)
        if approximate == "tanh":
            d *= 3.0 * _CUBIC
            d += 1.0
            d *= 2.0 * _SCALE
            np.subtract(1.0, s, out=slope)
            slope *= s
            d *= slope
        else:
            d *= -0.5
            np.exp(d, out=d)
            d *= 1.0 / math.sqrt(2.0 * math.pi)
        d *= v
        d += s
        d *= cotangent[block]
    return (dx.reshape(x.shape),)


register(FusedKernel("gelu", _forward, _backward, arrays=(0,), applies=_applies))
