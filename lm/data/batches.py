"""Batches: which windows of a token sequence are trained on at a step, and which are evaluated.

A training batch is a function of the seed and its number, so no position has to be saved for a run to go on exactly.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lm.data.corpus import Tokens
from minigrad.ops.random import Key

Batch = tuple[NDArray[np.int64], NDArray[np.int64]]  # ids (B, T), and for each the id that follows it (B, T)


def training_batch(tokens: Tokens, batch_size: int, context: int, *, seed: int, number: int) -> Batch:
    """`batch_size` windows of `context` tokens, each anywhere in `tokens` with the same probability.

    >>> tokens = Tokens([np.arange(100, dtype=np.uint16)])
    >>> ids, targets = training_batch(tokens, 2, 3, seed=1, number=0)
    >>> ids.shape, bool((targets == ids + 1).all())
    ((2, 3), True)
    """
    starts = Key(seed, "batches", number).numpy().integers(len(tokens) - context, size=batch_size)
    windows = np.stack([tokens.window(int(start), context + 1) for start in starts])  # (B, T + 1)
    return windows[:, :-1], windows[:, 1:]


def whole_batches(tokens: Tokens, batch_size: int, context: int) -> Iterator[Batch]:
    """Every token but the first as a target exactly once, in windows of `context` that do not overlap.

    The last batch is the one window that is shorter, if the length leaves one.

    >>> [targets.tolist() for _, targets in whole_batches(Tokens([np.arange(9, dtype=np.uint16)]), 1, 3)]
    [[[1, 2, 3]], [[4, 5, 6]], [[7, 8]]]
    """
    full = (len(tokens) - 1) // context
    for first in range(0, full, batch_size):
        count = min(batch_size, full - first)
        window = tokens.window(first * context, count * context + 1)
        yield window[:-1].reshape(count, context), window[1:].reshape(count, context)
    if full * context + 1 < len(tokens):
        window = tokens.window(full * context, len(tokens) - full * context)
        yield window[None, :-1], window[None, 1:]
