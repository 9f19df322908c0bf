"""The co-occurrence matrix that GloVe learns from: how often two words stand near each other, nearer counting more.

Source: Pennington et al., "GloVe: Global vectors for word representation" (2014), and the authors' `cooccur.c`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from minigrad.ops.random import Key

Ints = NDArray[np.int64]

WORDS_AT_ONCE = 1 << 18  # of text, whose pairs are sorted together


@dataclass(frozen=True)
class Cooccurrences:
    """The entries of the matrix that are not 0, in the order of their rows and columns: (N,) each."""

    rows: Ints
    columns: Ints
    counts: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.rows)

    def batch(self, batch_size: int, *, seed: int, number: int) -> Cooccurrences:
        """Batch `number` of an endless sequence of passes, each over all entries in an order of its own.

        >>> table = count_cooccurrences([np.array([0, 1, 2, 0])], 3, window=1)
        >>> batches = [table.batch(4, seed=1, number=number) for number in range(3)]
        >>> [len(batch) for batch in batches]
        [4, 2, 4]
        """
        batches = -(-len(self) // batch_size)
        turn, place = divmod(number, batches)
        order = Key(seed, "cooccurrences", turn).numpy().permutation(len(self))
        return self.take(order[place * batch_size : (place + 1) * batch_size])

    def take(self, places: Ints) -> Cooccurrences:
        """These entries alone."""
        return Cooccurrences(self.rows[places], self.columns[places], self.counts[places])


def count_cooccurrences(texts: Iterator[Ints] | list[Ints], vocab_size: int, window: int = 15) -> Cooccurrences:
    """Count every two words at most `window` words apart as 1 / their distance, in both directions.

    Args:
        texts: stretches of word ids in their order; a negative id ends a sentence, and is no word. No pair goes from
            one stretch to the next.

    >>> table = count_cooccurrences([np.array([0, 1, -1, 0])], 2, window=2)
    >>> table.rows.tolist(), table.columns.tolist(), table.counts.tolist()
    ([0, 1], [1, 0], [1.0, 1.0])
    """
    keys, counts = np.empty(0, np.int64), np.empty(0)
    for text in texts:
        for first in range(0, len(text), WORDS_AT_ONCE):
            # Pairs are counted where their second word stands, so the first may lie in the piece before.
            ids = text[max(0, first - window) : first + WORDS_AT_ONCE]
            new_keys, new_counts = _pairs(ids, min(first, window), vocab_size, window)
            keys, counts = _sum_by_key(np.concatenate([keys, new_keys]), np.concatenate([counts, new_counts]))
    rows, columns = np.divmod(keys, vocab_size)
    counts = np.concatenate([counts, counts])
    keys, counts = _sum_by_key(np.concatenate([keys, columns * vocab_size + rows]), counts)
    rows, columns = np.divmod(keys, vocab_size)
    return Cooccurrences(rows, columns, counts.astype(np.float32))


def _pairs(ids: Ints, fresh: int, vocab_size: int, window: int) -> tuple[Ints, NDArray[np.float64]]:
    """Key and weight of every pair whose second word is at `fresh` or after it."""
    sentence = np.cumsum(ids < 0)
    keys, counts = [], []
    for distance in range(1, window + 1):
        left, right = ids[:-distance], ids[distance:]
        together = (left >= 0) & (right >= 0) & (sentence[:-distance] == sentence[distance:])
        together[: max(0, fresh - distance)] = False
        keys.append(left[together] * vocab_size + right[together])
        counts.append(np.full(len(keys[-1]), 1 / distance))
    return _sum_by_key(np.concatenate(keys), np.concatenate(counts))


def _sum_by_key(keys: Ints, counts: NDArray[np.float64]) -> tuple[Ints, NDArray[np.float64]]:
    distinct, place = np.unique(keys, return_inverse=True)
    return distinct, np.bincount(place, counts, len(distinct)).astype(np.float64, copy=False)
