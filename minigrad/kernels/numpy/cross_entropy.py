"""Cross-entropy of class ids without a second array of log-probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Array
from ..registry import FusedKernel, register
from .blocks import row_blocks


def _applies(
    logits: Array, ids: Array, weight: Any, class_dim: int, ignore_index: int, reduction: str, label_smoothing: float
) -> bool:
    return logits.ndim == 2 and logits.size > 0 and weight is None and reduction == "mean" and label_smoothing == 0.0


@np.errstate(all="ignore")  # infinities, and a mean of no losses, give nan without a warning
def _forward(logits: Array, ids: Array, weight: Any, class_dim: int, ignore_index: int, reduction: str,
    label_smoothing: float,
) -> tuple[Array, tuple[Array, ...]]:  # fmt: skip
    rows, classes = logits.shape  # (N, C)
    kept = ids != ignore_index
    picked = np.where(kept, ids, 0)
    number = np.arange(rows)
    probabilities = np.empty(logits.shape, logits.dtype)
    losses = np.empty(rows, logits.dtype)
    ones = np.ones(classes, logits.dtype)
    for block in row_blocks(rows, classes):
        exponentials = probabilities[block]
        largest = logits[block].max(axis=1, keepdims=True)
        largest[~np.isfinite(largest)] = 0.0
        np.subtract(logits[block], largest, out=exponentials)
        chosen = exponentials[number[: len(exponentials)], picked[block]]
        np.exp(exponentials, out=exponentials)
        total = (exponentials @ ones)[:, None]
        np.subtract(np.log(total[:, 0]), chosen, out=losses[block])
        exponentials /= total
    count = np.count_nonzero(kept)
    loss = np.where(kept, losses, 0.0).sum(dtype=logits.dtype) / logits.dtype.type(count)
    return loss, (probabilities,)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], logits: Array, ids: Array, weight: Any,
    class_dim: int, ignore_index: int, reduction: str, label_smoothing: float,
) -> tuple[Array | None, ...]:  # fmt: skip
    """d/dlogits = (probabilities - onehot(ids)) / count, and 0 for the ignored rows."""
    (probabilities,) = stored
    kept = ids != ignore_index
    factor = (g / np.count_nonzero(kept)).astype(logits.dtype) if kept.any() else g * 0.0
    if kept.all():
        dlogits = probabilities * factor
    else:
        dlogits = probabilities * np.where(kept, factor, logits.dtype.type(0))[:, None]
    rows = np.flatnonzero(kept)
    dlogits[rows, ids[rows]] -= factor
    return (dlogits,)


register(FusedKernel("_cross_entropy_of_ids", _forward, _backward, arrays=(0,), applies=_applies))
