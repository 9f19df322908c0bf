"""Attention: weighted sums of values, by how well queries and keys match."""

from __future__ import annotations

import math
from typing import Any

from ...backends import backend_of
from ...ops import ShapeError, default_generator, softmax, where
from ...ops.cast import cast, halves_in_float32
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.index import raw
from ...ops.random import Key
from ...ops.shape import expand, reshape, transpose, unsqueeze
from .noise import _dropout


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """softmax(query keyᵀ · scale + mask) value. PyTorch: `F.scaled_dot_product_attention`.

    Args:
        query: (..., H, L, E).
        key, value: (..., H, S, E) and (..., H, S, Ev); with `enable_gqa` they may have fewer heads, a divisor of H,
            each serving H / heads consecutive query heads.
        attn_mask: broadcastable to (..., H, L, S); bool (True takes part) or additive. A query that may look at
            nothing gives 0, with gradient 0.
        dropout_p: the probability of dropping an attention weight; applied whenever it is not 0.
        is_causal: query i sees keys 0..i only. Not together with `attn_mask`.
        scale: 1 / sqrt(E) by default.

    Source: Vaswani et al., "Attention is all you need" (2017). Raises ShapeError (a ValueError and RuntimeError) if
    the shapes do not fit, ValueError for both a mask and `is_causal`.
    """
    if (
        min(query.ndim, key.ndim, value.ndim) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        if min(query.ndim, key.ndim, value.ndim) < 2:
            reason = "each needs a length and features"
        elif query.shape[-1] != key.shape[-1]:
            reason = f"the query has {query.shape[-1]} features, the key {key.shape[-1]}"
        else:
            reason = f"the key has length {key.shape[-2]}, the value {value.shape[-2]}"
        raise ShapeError(
            f"scaled_dot_product_attention: query {tuple(query.shape)}, key {tuple(key.shape)} and value "
            f"{tuple(value.shape)}: {reason}; (..., L, E), (..., S, E) and (..., S, Ev) fit{in_module()}"
        )
    if is_causal and attn_mask is not None:
        raise ValueError("scaled_dot_product_attention: give attn_mask or is_causal, not both")
    if not 0.0 <= dropout_p <= 1.0:
        raise ValueError(f"scaled_dot_product_attention: dropout_p must be in [0, 1], got {dropout_p}")
    if attn_mask is not None and attn_mask.dtype.kind not in "bf":
        raise TypeError(
            f"scaled_dot_product_attention: attn_mask must be bool (True takes part) or floating (added), got "
            f"{attn_mask.dtype}{in_module()}"
        )
    if attn_mask is not None and attn_mask.dtype.kind == "f" and attn_mask.dtype != query.dtype:
        attn_mask = cast(attn_mask, dtype=query.dtype)
    if enable_gqa and min(query.ndim, key.ndim, value.ndim) < 3:
        raise ShapeError(
            f"scaled_dot_product_attention: enable_gqa needs a dimension of heads, (..., H, L, E); query has shape "
            f"{tuple(query.shape)}{in_module()}"
        )
    shape, grouped = query.shape, False
    if enable_gqa:
        groups = key.shape[-3]
        per_key, per_value = _queries_of_each(shape[-3], groups), _queries_of_each(shape[-3], value.shape[-3])
        grouped = attn_mask is None and not is_causal and shape[:-3] == key.shape[:-3]
        grouped = grouped and key.shape[:-2] == value.shape[:-2]
        if grouped:  # every query sees every key: those of one head are asked side by side, and no key is repeated
            query = reshape(query, *shape[:-3], groups, per_key * shape[-2], shape[-1])
        else:
            key, value = _repeat_heads(key, per_key), _repeat_heads(value, per_value)
    scale = 1.0 / math.sqrt(max(shape[-1], 1)) if scale is None else scale
    draw = default_generator.key("dropout") if dropout_p > 0.0 else None
    out = _attention(query, key, value, attn_mask, dropout_p, draw, is_causal, scale)
    return reshape(out, *shape[:-1], out.shape[-1]) if grouped else out


@composite
@halves_in_float32
def _attention(
    query: Any, key: Any, value: Any, mask: Any, dropout_p: float, draw: Key | None, is_causal: bool, scale: float
) -> Any:
    scores = (query * scale) @ transpose(key, -1, -2)  # (..., L, S)
    if is_causal:
        length, source = scores.shape[-2:]
        xp = backend_of(raw(scores)).xp
        mask = xp.arange(source) <= xp.arange(length)[:, None]
    if mask is not None:
        shape = tuple(scores.shape)
        if not all(size in (1, wide) for size, wide in zip(mask.shape[::-1], shape[::-1])) or mask.ndim > len(shape):
            raise ShapeError(
                f"scaled_dot_product_attention: attn_mask of shape {tuple(mask.shape)} does not broadcast to the "
                f"scores, {shape}: (..., queries, keys){in_module()}"
            )
        scores = where(mask, scores, -math.inf) if mask.dtype.kind == "b" else scores + mask
    weights = softmax(scores, -1)
    if draw is not None:
        weights = _dropout(weights, dropout_p, draw)
    return weights @ value


def _queries_of_each(heads: int, groups: int) -> int:
    """How many of the query heads each key head serves."""
    if groups == 0 or heads % groups:
        raise ShapeError(f"scaled_dot_product_attention: {heads} query heads are not a multiple of {groups} key heads")
    return heads // groups


def _repeat_heads(x: Any, times: int) -> Any:
    """(..., G, S, E) to (..., G times, S, E): each head serves `times` consecutive queries."""
    if times == 1:
        return x
    heads = x.shape[-3] * times
    x = unsqueeze(x, -3)  # (..., G, 1, S, E)
    x = expand(x, *x.shape[:-3], times, *x.shape[-2:])
    return reshape(x, *x.shape[:-4], heads, *x.shape[-2:])


__all__ = ["scaled_dot_product_attention"]
