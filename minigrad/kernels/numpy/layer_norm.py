"""Layer normalization in one pass over cache-sized blocks of rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register
from .blocks import row_blocks


def applies(x: Array, normalized_shape: Any, weight: Array | None, bias: Array | None, eps: float | None) -> bool:
    shape = tuple(normalized_shape)
    return (
        x.size > 0
        and shape != ()
        and weight is not None
        and weight.shape == shape
        and x.shape[x.ndim - len(shape) :] == shape
        and (bias is None or bias.shape == shape)
    )


def inverse_root_mean_square(rows: Array, eps: float, out: Array) -> None:
    """1 / sqrt(mean square + eps) of each of the rows (N, C), into `out` (N, 1)."""
    np.vecdot(rows, rows, out=out[:, 0])
    out *= 1.0 / rows.shape[1]
    out += eps
    np.sqrt(out, out=out)
    np.reciprocal(out, out=out)


def _forward(
    x: Array, normalized_shape: Any, weight: Array, bias: Array | None, eps: float
) -> tuple[Array, tuple[Array, ...]]:
    columns = math.prod(normalized_shape)
    if x.size == columns:
        return _forward_row(x, weight, bias, eps)
    rows = x.reshape(-1, columns)  # (N, C)
    weight = weight.reshape(columns)
    bias = None if bias is None else bias.reshape(columns)
    averaging = np.full(columns, 1.0 / columns, x.dtype)  # a product with it is faster than mean()
    normalized = np.empty(rows.shape, x.dtype)
    inverse_std = np.empty((len(rows), 1), x.dtype)
    out = np.empty(rows.shape, x.dtype)
    for block in row_blocks(*rows.shape):
        centred, scale, scaled = normalized[block], inverse_std[block], out[block]
        np.subtract(rows[block], (rows[block] @ averaging)[:, None], out=centred)
        inverse_root_mean_square(centred, eps, scale)
        centred *= scale
        np.multiply(centred, weight, out=scaled)
        if bias is not None:
            scaled += bias
    return out.reshape(x.shape), (normalized, inverse_std)


def _forward_row(x: Array, weight: Array, bias: Array | None, eps: float) -> tuple[Array, tuple[Array, ...]]:
    """The same of a single row, such as one token: half the calls, with numbers in place of arrays of one element."""
    row = x.reshape(-1)
    normalized = row - np.add.reduce(row) / row.size
    inverse_std = 1.0 / np.sqrt(np.vecdot(normalized, normalized) / row.size + eps)
    normalized *= inverse_std
    out = normalized * weight.reshape(-1)
    if bias is not None:
        out += bias.reshape(-1)
    return out.reshape(x.shape), (normalized[None], np.array([[inverse_std]], x.dtype))


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...],
    x: Array, normalized_shape: Any, weight: Array, bias: Array | None, eps: float,
) -> tuple[Array | None, ...]:  # fmt: skip
    """With n = (x - mean) / std: dx = (g w - mean(g w) - n mean(g w n)) / std, dw = sum g n, db = sum g."""
    normalized, inverse_std = stored
    columns = math.prod(normalized_shape)
    g = g.reshape(-1, columns)  # (N, C)
    dx = dw = db = None
    if wanted[1]:
        dw = np.einsum("ij,ij->j", g, normalized).reshape(weight.shape)
    if wanted[2]:
        db = (np.ones(len(g), g.dtype) @ g).reshape(weight.shape)
    if wanted[0]:
        flat_weight = weight.reshape(columns)
        averaging = np.full(columns, 1.0 / columns, g.dtype)
        dx = np.empty(g.shape, g.dtype)
        for block in row_blocks(*g.shape):
            n, out = normalized[block], dx[block]
            np.multiply(g[block], flat_weight, out=out)
            along = np.vecdot(out, n)[:, None]
            along *= 1.0 / columns
            out -= (out @ averaging)[:, None]
            out -= n * along
            out *= inverse_std[block]
        dx = dx.reshape(x.shape)
    return dx, dw, db


register(FusedKernel("layer_norm", _forward, _backward, arrays=(0, 2, 3), applies=applies))
