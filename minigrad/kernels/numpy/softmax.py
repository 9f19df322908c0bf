"""Softmax over the last dimension and its logarithm, some rows at a time; of each, only the result is kept."""

from __future__ import annotations

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register
from .blocks import row_blocks


def _applies(x: Array, dim: int) -> bool:
    return x.size > 0 and x.ndim > 0 and dim.__class__ is int and dim in (-1, x.ndim - 1)


def _shifted(rows: Array, out: Array) -> Array:
    """The rows (N, C) less the largest of each, which is left if it is infinite, into `out`."""
    largest = rows.max(axis=1, keepdims=True)
    finite = np.isfinite(largest)
    if not finite.all():
        largest[~finite] = 0.0
    return np.subtract(rows, largest, out=out)


def _forward(x: Array, dim: int) -> tuple[Array, tuple[Array, ...]]:
    rows = x.reshape(-1, x.shape[-1])  # (N, C)
    out = np.empty(rows.shape, x.dtype)
    ones = np.ones(x.shape[-1], x.dtype)
    for block in row_blocks(*rows.shape):
        exponentials = _shifted(rows[block], out[block])
        np.exp(exponentials, out=exponentials)
        total = exponentials @ ones
        total[total == 0.0] = 1.0  # a row of -inf: weights 0
        exponentials /= total[:, None]
    out = out.reshape(x.shape)
    return out, (out,)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], x: Array, dim: int
) -> tuple[Array | None, ...]:
    """dx = y (g - sum(g y))."""
    y, g = (array.reshape(-1, x.shape[-1]) for array in (stored[0], g))  # (N, C)
    dx = np.empty(g.shape, g.dtype)
    for block in row_blocks(*g.shape):
        out = np.subtract(g[block], np.vecdot(g[block], y[block])[:, None], out=dx[block])
        out *= y[block]
    return (dx.reshape(x.shape),)


def _log_forward(x: Array, dim: int) -> tuple[Array, tuple[Array, ...]]:
    rows = x.reshape(-1, x.shape[-1])  # (N, C)
    out = np.empty(rows.shape, x.dtype)
    ones = np.ones(x.shape[-1], x.dtype)
    for block in row_blocks(*rows.shape):
        shifted = _shifted(rows[block], out[block])
        shifted -= np.log(np.exp(shifted) @ ones)[:, None]
    out = out.reshape(x.shape)
    return out, (out,)


def _log_backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], x: Array, dim: int
) -> tuple[Array | None, ...]:
    """dx = g - exp(y) sum(g)."""
    y, g = (array.reshape(-1, x.shape[-1]) for array in (stored[0], g))  # (N, C)
    dx = np.empty(g.shape, g.dtype)
    ones = np.ones(x.shape[-1], g.dtype)
    for block in row_blocks(*g.shape):
        out = np.exp(y[block], out=dx[block])
        out *= (g[block] @ ones)[:, None]
        np.subtract(g[block], out, out=out)
    return (dx.reshape(x.shape),)


register(FusedKernel("_softmax", _forward, _backward, arrays=(0,), applies=_applies))
register(FusedKernel("_log_softmax", _log_forward, _log_backward, arrays=(0,), applies=_applies))
