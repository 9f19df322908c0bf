"""Scaled dot-product attention, some queries of some heads at a time: of many queries, scores never exist as a whole.

A block of scores stays in the cache while it is turned into weights and multiplied with the values; where the mask is
causal, keys that none of its queries sees are left out (so a value there that is not finite reaches fewer rows than in
the definition, where its weight of 0 makes nan of it). Blocks lie as (..., keys, queries): reducing over rows is twice
as fast as along them. Of the weights only each query's largest score and sum are kept, from which the backward computes
them again; with dropout also which of them it left, a byte each. Results lie as (..., L, H, E) behind the shape
(..., H, L, E), so that merging the heads afterwards is free.

Source of the recomputation: T. Dao et al., "FlashAttention: Fast and memory-efficient exact attention with
IO-awareness" (2022).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register

BLOCK = 1 << 18  # scores: fewer make the products slow
QUERIES = 128  # of a block: with a causal mask, half of so many keys are computed in vain


def _applies(
    q: Array, k: Array, v: Array, mask: Any, dropout_p: float, draw: Any, is_causal: bool, scale: float
) -> bool:
    return (
        q.ndim == 4 and q.shape[:2] == k.shape[:2] == v.shape[:2] and q.size > 0 and k.size > 0 and v.size > 0
        and (mask is None or (mask.dtype.kind == "b" and broadcasts(mask.shape, (*q.shape[:3], k.shape[2]))))
    )  # fmt: skip


def broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    return len(shape) <= len(target) and all(n in (1, m) for n, m in zip(shape[::-1], target[::-1]))


class _Block(NamedTuple):
    """Queries `rows` of the heads `heads` of the sequences `batch`, and the keys before `end`."""

    batch: slice
    heads: slice
    rows: slice
    end: int

    @property
    def queries(self) -> tuple[slice, ...]:
        return (self.batch, self.heads, self.rows)

    @property
    def keys(self) -> tuple[slice, ...]:
        return (self.batch, self.heads, slice(0, self.end))


def _blocks(batch: int, heads: int, length: int, source: int, is_causal: bool) -> Iterator[_Block]:
    """Blocks of about `BLOCK` scores; of those of the same heads, the one that sees all keys first."""
    rows = min(length, QUERIES if is_causal else max(1, BLOCK // source), max(1, BLOCK // source))
    together = max(1, BLOCK // (rows * source))  # heads, then sequences
    some_heads, sequences = min(heads, together), max(1, together // heads)
    for b in range(0, batch, sequences):
        for h in range(0, heads, some_heads):
            for start in reversed(range(0, length, rows)):
                stop = min(start + rows, length)
                yield _Block(
                    slice(b, min(b + sequences, batch)), slice(h, min(h + some_heads, heads)), slice(start, stop),
                    min(stop, source) if is_causal else source,
                )  # fmt: skip


class _Scores:
    """Memory for the scores of one block at a time, and for the products with them."""

    def __init__(self, q: Array, k: Array, mask: Any, is_causal: bool, scale: float) -> None:
        self.q, self.k, self.is_causal, self.scale = q, k, is_causal, q.dtype.type(scale)
        self.mask = None if mask is None else np.broadcast_to(mask, (*q.shape[:3], k.shape[2]))
        self._memory: dict[str, Array] = {}

    def empty(self, name: str, shape: tuple[int, ...]) -> Array:
        """An array whose memory is that of the last one of this name."""
        size = math.prod(shape)
        if name not in self._memory or self._memory[name].size < size:
            self._memory[name] = np.empty(size, self.q.dtype)
        return self._memory[name][:size].reshape(shape)

    def of(self, block: _Block) -> tuple[Array, Array]:
        """Scores (b, h, end, rows), -inf where masked; and the scaled queries (b, h, rows, E) that gave them."""
        q = self.q[block.queries] * self.scale
        scores = self.empty("scores", (*q.shape[:2], block.end, q.shape[2]))
        np.matmul(self.k[block.keys], q.swapaxes(-1, -2), out=scores)
        if self.mask is not None:
            np.copyto(scores, -math.inf, where=~self.mask[block.queries][..., : block.end].swapaxes(-1, -2))
        elif self.is_causal and block.end > block.rows.start + 1:
            edge = scores[..., block.rows.start :, :]  # keys before it are seen by all these queries
            ahead = np.where(np.tri(edge.shape[-2], edge.shape[-1], -1, dtype=bool), -np.inf, np.inf).astype(edge.dtype)
            np.fmin(edge, ahead, out=edge)  # what is masked is -inf, also where it was nan; the rest stays
        return scores, q


def _interleaved(batch: int, heads: int, length: int, width: int, dtype: Any) -> Array:
    """An empty (B, H, L, E) array whose memory is ordered (B, L, H, E)."""
    return np.empty((batch, length, heads, width), dtype).transpose(0, 2, 1, 3)


def _forward(
    q: Array, k: Array, v: Array, mask: Any, dropout_p: float, draw: Any, is_causal: bool, scale: float
) -> tuple[Array, tuple[Any, ...]]:
    (batch, heads, length, _), source = q.shape, k.shape[2]
    if length == 1 and mask is None and draw is None and not is_causal:
        return _forward_query(q, k, v, scale)
    out = _interleaved(batch, heads, length, v.shape[-1], q.dtype)
    largest, totals = (np.empty((batch, heads, length), q.dtype) for _ in range(2))
    kept = None if draw is None else draw.bernoulli((batch, heads, length, source), 1.0 - dropout_p)
    ones = np.ones(source, q.dtype)
    every = _Scores(q, k, mask, is_causal, scale)
    for block in _blocks(batch, heads, length, source, is_causal):
        weights, _ = every.of(block)
        top = weights.max(axis=-2)  # (b, h, rows)
        if mask is not None:
            top[np.isneginf(top)] = 0.0
        weights -= top[..., None, :]
        np.exp(weights, out=weights)
        total = ones[: block.end] @ weights  # (b, h, rows)
        if mask is not None:
            total[total == 0.0] = 1.0  # a query that sees nothing: weights 0
        largest[block.queries], totals[block.queries] = top, total
        if kept is not None:
            weights *= kept[block.queries][..., : block.end].swapaxes(-1, -2)
            total = total * (1.0 - dropout_p if dropout_p < 1.0 else math.inf)
        here = out[block.queries]
        np.matmul(weights.swapaxes(-1, -2), v[block.keys], out=here)
        here /= total[..., None]
    return out, (out, largest, totals, kept)


def _forward_query(q: Array, k: Array, v: Array, scale: float) -> tuple[Array, tuple[Any, ...]]:
    """The same of one query of each head that sees all keys, such as that of the next token: half the calls."""
    weights = (q * q.dtype.type(scale)) @ k.swapaxes(-1, -2)  # (B, H, 1, S)
    largest = weights.max(axis=-1)
    weights -= largest[..., None]
    np.exp(weights, out=weights)
    totals = weights.sum(axis=-1)
    out = weights @ v
    out /= totals[..., None]
    return out, (out, largest, totals, None)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Any, ...], q: Array, k: Array, v: Array, mask: Any,
    dropout_p: float, draw: Any, is_causal: bool, scale: float,
) -> tuple[Array | None, ...]:  # fmt: skip
    """With W the weights and D = g vᵀ: dscores = W (D - sum(W D)), dq = dscores k, dk = dscoresᵀ q, dv = Wᵀ g.

    sum(W D) over the keys is sum(g out) over the channels. With W' the weights that dropout left, D counts where it
    left them, and dv = W'ᵀ g.
    """
    out, largest, totals, kept = stored
    (batch, heads, length, width), source = q.shape, k.shape[2]
    dq = _interleaved(batch, heads, length, width, g.dtype) if wanted[0] else None
    dk = _interleaved(batch, heads, source, width, g.dtype) if wanted[1] else None
    dv = _interleaved(batch, heads, source, v.shape[-1], g.dtype) if wanted[2] else None
    share = np.einsum("bhle,bhle->bhl", g, out) / totals
    factor = g.dtype.type(1.0 / (1.0 - dropout_p) if dropout_p < 1.0 else 0.0)
    every = _Scores(q, k, mask, is_causal, scale)
    for block in _blocks(batch, heads, length, source, is_causal):
        weights, scaled = every.of(block)  # (b, h, end, rows)
        weights -= largest[block.queries][..., None, :]
        np.exp(weights, out=weights)  # times their sums, by which g is divided
        whole = block.rows.stop == length  # the first of these heads: what they add up to begins here
        here = g[block.queries] / totals[block.queries][..., None]  # (b, h, rows, E)
        left = None if kept is None else kept[block.queries][..., : block.end].swapaxes(-1, -2) * factor
        if dv is not None:
            _add(dv, block, weights if left is None else weights * left, here, whole, every)
        if dq is None and dk is None:
            continue
        dscores = every.empty("dscores", weights.shape)
        np.matmul(v[block.keys], here.swapaxes(-1, -2), out=dscores)
        if left is not None:
            dscores *= left
        dscores -= share[block.queries][..., None, :]
        dscores *= weights
        if dq is not None:
            here = dq[block.queries]
            np.matmul(dscores.swapaxes(-1, -2), k[block.keys], out=here)
            here *= every.scale
        if dk is not None:
            _add(dk, block, dscores, scaled, whole, every)
    return dq, dk, dv


def _add(total: Array, block: _Block, scores: Array, rows: Array, whole: bool, every: _Scores) -> None:
    """Add scores @ rows to what the keys of a block have; the first block of these heads sees the `whole` of them."""
    here = total[block.keys]
    if whole:
        np.matmul(scores, rows, out=here)
        total[block.batch, block.heads, block.end :] = 0.0
    else:
        here += np.matmul(scores, rows, out=every.empty("added", here.shape))


register(FusedKernel("_attention", _forward, _backward, arrays=(0, 1, 2), applies=_applies))
