"""Cross-entropy of class ids, and with it its gradient, in the one array that it needs."""

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
def _forward(
    logits: Array, ids: Array, weight: Any, class_dim: int, ignore_index: int, reduction: str, label_smoothing: float
) -> tuple[Array, tuple[Array, ...]]:
    """And d/dlogits = (softmax(logits) - onehot(ids)) / count, 0 for the ignored rows: while the exponentials are in
    the cache it costs nothing."""
    rows, classes = logits.shape  # (N, C)
    kept = ids != ignore_index
    count = int(np.count_nonzero(kept))
    shares = np.where(kept, logits.dtype.type(1.0 / max(count, 1)), logits.dtype.type(0))  # of each row in the mean
    picked = np.where(kept, ids, 0)
    number = np.arange(rows)
    dlogits = np.empty(logits.shape, logits.dtype)
    losses = np.empty(rows, logits.dtype)
    ones = np.ones(classes, logits.dtype)
    for block in row_blocks(rows, classes):
        exponentials = dlogits[block]
        own = number[: len(exponentials)], picked[block]
        largest = logits[block].max(axis=1, keepdims=True)
        largest[~np.isfinite(largest)] = 0.0
        np.subtract(logits[block], largest, out=exponentials)
        chosen = exponentials[own]
        np.exp(exponentials, out=exponentials)
        total = exponentials @ ones
        np.subtract(np.log(total), chosen, out=losses[block])
        exponentials *= (shares[block] / total)[:, None]
        exponentials[own] -= shares[block]
    dlogits[~kept] = 0.0  # also where logits are not finite
    loss = np.where(kept, losses, 0.0).sum(dtype=logits.dtype) / logits.dtype.type(count)
    return loss, (dlogits,)


def _backward(
    g: Array, wanted: tuple[bool, ...], stored: tuple[Array, ...], logits: Array, ids: Array, weight: Any,
    class_dim: int, ignore_index: int, reduction: str, label_smoothing: float,
) -> tuple[Array | None, ...]:
    (dlogits,) = stored
    return (dlogits * g,)


register(FusedKernel("_cross_entropy_of_ids", _forward, _backward, arrays=(0,), applies=_applies))
