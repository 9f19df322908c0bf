"""The affine map of a layer: one matrix product over all rows, the bias added in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register


def _applies(x: Array, weight: Array, bias: Array | None) -> bool:
    return (
        x.ndim > 0 and weight.ndim == 2 and x.shape[-1] == weight.shape[1] and x.size > 0 and weight.size > 0
        and (bias is None or bias.shape == weight.shape[:1])
    )  # fmt: skip


def _forward(x: Array, weight: Array, bias: Array | None) -> tuple[Array, tuple[Array, ...]]:
    if x.size == x.shape[-1]:  # a matrix times a vector has less around it
        out = weight.dot(x.reshape(-1))  # (out)
    else:
        out = x.reshape(-1, x.shape[-1]) @ weight.T  # (N, out)
    if bias is not None:
        out += bias
    return out.reshape(*x.shape[:-1], len(weight)), ()


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Any, ...], x: Array, weight: Array, bias: Array | None
) -> tuple[Array | None, ...]:
    rows = g.reshape(-1, g.shape[-1])  # (N, out)
    dx = (rows @ weight).reshape(x.shape) if wanted[0] else None
    dw = rows.T @ x.reshape(-1, x.shape[-1]) if wanted[1] else None
    db = np.ones(len(rows), g.dtype) @ rows if wanted[2] else None
    return dx, dw, db


register(FusedKernel("linear", _forward, _backward, arrays=(0, 1, 2), applies=_applies))
