"""Root mean square normalization block by block; of the forward, one number a row is kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register
from . import layer_norm
from .blocks import row_blocks


def _applies(x: Array, normalized_shape: Any, weight: Array | None, eps: float | None) -> bool:
    return layer_norm.applies(x, normalized_shape, weight, None, eps)


def _forward(x: Array, normalized_shape: Any, weight: Array, eps: float | None) -> tuple[Array, tuple[Array, ...]]:
    columns = math.prod(normalized_shape)
    resolution = float(np.finfo(x.dtype).eps) if eps is None else eps
    if x.size == columns:
        return _forward_row(x, weight, resolution)
    rows = x.reshape(-1, columns)  # (N, C)
    weight = weight.reshape(columns)
    inverse_rms = np.empty((len(rows), 1), x.dtype)
    out = np.empty(rows.shape, x.dtype)
    for block in row_blocks(*rows.shape):
        scale, scaled = inverse_rms[block], out[block]
        layer_norm.inverse_root_mean_square(rows[block], resolution, scale)
        np.multiply(rows[block], scale, out=scaled)
        scaled *= weight
    return out.reshape(x.shape), (inverse_rms,)


def _forward_row(x: Array, weight: Array, eps: float) -> tuple[Array, tuple[Array, ...]]:
    """The same of a single row, such as one token: with numbers in place of arrays of one element."""
    row = x.reshape(-1)
    inverse_rms = 1.0 / np.sqrt(np.vecdot(row, row) / row.size + eps)
    out = row * inverse_rms
    out *= weight.reshape(-1)
    return out.reshape(x.shape), (np.array([[inverse_rms]], x.dtype),)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...],
    x: Array, normalized_shape: Any, weight: Array, eps: float | None,
) -> tuple[Array | None, ...]:  # fmt: skip
    """With n = x / rms: dx = (g w - n mean(g w n)) / rms, dw = sum g n; both have g x in them."""
    (inverse_rms,) = stored
    columns = math.prod(normalized_shape)
    g, rows = g.reshape(-1, columns), x.reshape(-1, columns)  # (N, C)
    flat_weight = weight.reshape(columns)
    dx = np.empty(g.shape, g.dtype) if wanted[0] else None
    dw = np.zeros(columns, g.dtype) if wanted[1] else None
    for block in row_blocks(*g.shape):
        scale = inverse_rms[block]
        product = g[block] * rows[block]
        if dw is not None:
            dw += scale[:, 0] @ product
        if dx is not None:
            out = np.multiply(g[block], flat_weight, out=dx[block])
            along = (product @ flat_weight)[:, None] * scale
            along *= 1.0 / columns
            along *= scale
            out -= np.multiply(rows[block], along, out=product)
            out *= scale
    return None if dx is None else dx.reshape(x.shape), None if dw is None else dw.reshape(weight.shape)


register(FusedKernel("rms_norm", _forward, _backward, arrays=(0, 2), applies=_applies))
