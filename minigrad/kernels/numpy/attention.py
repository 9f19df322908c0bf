"""Scaled dot-product attention that writes heads back where they came from.

Scores are turned into weights in place, and each result is laid out as (..., L, H, E) behind the shape
(..., H, L, E), so that merging the heads afterwards is free.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register


def _applies(
    q: Array, k: Array, v: Array, mask: Any, dropout_p: float, draw: Any, is_causal: bool, scale: float
) -> bool:
    return (
        q.ndim == 4 and q.shape[:2] == k.shape[:2] == v.shape[:2] and q.size > 0 and k.size > 0 and v.size > 0
        and (mask is None or (mask.dtype.kind == "b" and _broadcasts(mask.shape, (*q.shape[:3], k.shape[2]))))
    )  # fmt: skip


def _broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return len(shape) <= len(target) and all(n in (1, m) for n, m in zip(shape[::-1], target[::-1]))


def _interleaved(batch: int, heads: int, length: int, width: int, dtype: Any) -> Array:
    """An empty (B, H, L, E) array whose memory is ordered (B, L, H, E)."""
    return np.empty((batch, length, heads, width), dtype).transpose(0, 2, 1, 3)


def _forward(
    q: Array, k: Array, v: Array, mask: Any, dropout_p: float, draw: Any, is_causal: bool, scale: float
) -> tuple[Array, tuple[Array, ...]]:
    batch, heads, length, _ = q.shape
    weights = (q * q.dtype.type(scale)) @ k.swapaxes(-1, -2)  # (B, H, L, S)
    if is_causal:
        mask = np.arange(k.shape[2]) <= np.arange(length)[:, None]
    if mask is not None:
        np.copyto(weights, -math.inf, where=~mask)
    largest = weights.max(axis=-1, keepdims=True)
    if mask is not None and not is_causal:
        largest[np.isneginf(largest)] = 0.0
    weights -= largest
    np.exp(weights, out=weights)
    total = weights @ np.ones(k.shape[2], q.dtype)
    if mask is not None and not is_causal:
        total[total == 0.0] = 1.0  # a query that sees nothing: weights 0
    np.reciprocal(total, out=total)
    weights *= total[..., None]
    dropped = _drop(weights, dropout_p, draw)
    out = _interleaved(batch, heads, length, v.shape[-1], q.dtype)
    np.matmul(dropped, v, out=out)
    return out, (weights, dropped)


def _drop(weights: Array, dropout_p: float, draw: Any) -> Array:
    if draw is None:
        return weights
    factor = 1.0 / (1.0 - dropout_p) if dropout_p < 1.0 else 0.0
    dropped: Array = weights * weights.dtype.type(factor)
    dropped *= draw.bernoulli(weights.shape, 1.0 - dropout_p)
    return dropped


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], q: Array, k: Array, v: Array, mask: Any,
    dropout_p: float, draw: Any, is_causal: bool, scale: float,
) -> tuple[Array | None, ...]:  # fmt: skip
    """With W the weights and D = g vᵀ: dscores = W (D - sum(W D)), dq = dscores k, dk = dscoresᵀ q, dv = Wᵀ g."""
    weights, dropped = stored
    batch, heads, length, width = q.shape
    source = k.shape[2]
    dq = dk = dv = None
    if wanted[2]:
        dv = _interleaved(batch, heads, source, v.shape[-1], g.dtype)
        np.matmul(dropped.swapaxes(-1, -2), g, out=dv)
    if wanted[0] or wanted[1]:
        dscores = g @ v.swapaxes(-1, -2)  # (B, H, L, S)
        dscores = _drop(dscores, dropout_p, draw)
        dscores -= np.einsum("bhls,bhls->bhl", weights, dscores)[..., None]
        dscores *= weights
        dscores *= scale
        if wanted[0]:
            dq = _interleaved(batch, heads, length, width, g.dtype)
            np.matmul(dscores, k, out=dq)
        if wanted[1]:
            dk = _interleaved(batch, heads, source, width, g.dtype)
            np.matmul(dscores.swapaxes(-1, -2), q, out=dk)
    return dq, dk, dv


register(FusedKernel("_attention", _forward, _backward, arrays=(0, 1, 2), applies=_applies))
