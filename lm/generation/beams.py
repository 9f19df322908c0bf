"""Beam search: the likeliest texts as a whole, found by following the few best beginnings at every length.

Rules and ties of a batch are transformers': of each beginning's continuations the best are kept, those that end go
into a pool of whole texts, scored by their log-probability over a power of their length.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .processors import process
from .reading import Ids, Reader
from .sampling import Logits, log_probabilities
from .settings import GenerationConfig

NEVER = -1e9  # as good as impossible, and still a number


@dataclass
class Pool:
    """The best whole texts of one prompt: (score, tokens), best first, at most `size`."""

    size: int
    texts: list[tuple[float, list[int]]] = field(default_factory=list)
    improvable: bool = True  # whether a running text may still get into it

    @property
    def full(self) -> bool:
        return len(self.texts) == self.size

    def add(self, texts: list[tuple[float, list[int]]]) -> None:
        self.texts = sorted(self.texts + texts, key=lambda text: -text[0])[: self.size]


def beam_search(reader: Reader, settings: GenerationConfig) -> list[list[tuple[float, list[int]]]]:
    """For each prompt its best texts, (score, new tokens and the one that ends them), best first.

    K = num_beams texts of each of B prompts run side by side, as rows of one batch.
    """
    K, ends = settings.num_beams, settings.ends
    B = len(reader.texts)
    kept = max(2, 1 + len(ends)) * K  # enough that K do not end, whatever ends
    logits = np.repeat(reader.start(), K, axis=0)  # (BK, V)
    reader.reorder(np.repeat(np.arange(B), K))
    texts = [list(text) for text in reader.texts for _ in range(K)]
    prompt_lengths = np.repeat([len(text) for text in reader.texts], K)
    running = np.full((B, K), NEVER)
    running[:, 0] = 0.0  # all K texts are the same yet: only the first counts
    pools = [Pool(K) for _ in range(B)]
    V = logits.shape[-1]
    for length in range(1, settings.max_new_tokens + 1):
        scores = process(log_probabilities(logits), texts, length - 1, settings)  # (BK, V)
        totals = (scores.reshape(B, K, V) + running[:, :, None]).reshape(B, K * V)
        best = largest(totals, min(kept, K * V))  # (B, kept)
        totals = np.take_along_axis(totals, best, axis=1)  # (B, kept)
        beams, tokens = best // V, best % V
        ended = np.isin(tokens, ends) | (length == settings.max_new_tokens)

        for item, pool in enumerate(pools):
            if pool.improvable and not (pool.full and settings.early_stopping is True):
                whole = [i for i in range(min(K, best.shape[1])) if ended[item, i]]  # not those kept in reserve
                before = [texts[item * K + beams[item, i]] for i in whole]
                worth = [totals[item, i] / length**settings.length_penalty for i in whole]
                pool.add([(score, [*text, tokens[item, i]]) for score, text, i in zip(worth, before, whole)])

        open_totals = totals + np.where(ended, NEVER, 0.0)
        chosen = largest(open_totals, K)  # (B, K)
        running = np.take_along_axis(open_totals, chosen, axis=1)
        rows = (np.arange(B)[:, None] * K + np.take_along_axis(beams, chosen, axis=1)).reshape(-1)  # (BK,)
        following: Ids = np.take_along_axis(tokens, chosen, axis=1).reshape(-1)  # (BK,)
        for pool, score in zip(pools, running[:, 0]):
            pool.improvable = pool.improvable and _may_improve(pool, float(score), length, settings)
        finished = settings.early_stopping is True and all(pool.full for pool in pools)
        if finished or ended.all() or not any(pool.improvable for pool in pools):
            break
        texts = [[*texts[row], int(token)] for row, token in zip(rows, following)]
        reader.reorder(rows)
        logits = reader.read(following)
    lengths = prompt_lengths[::K]
    return [
        [(float(score), [int(token) for token in text[start:]]) for score, text in pool.texts]
        for pool, start in zip(pools, lengths)
    ]


def largest(values: Logits, count: int) -> Ids:
    """The places of the `count` largest of each row, the largest first; of equals the earlier.

    >>> largest(np.array([[1.0, 3.0, 2.0, 3.0]]), 3)
    array([[1, 3, 2]])
    """
    count = min(count, values.shape[1])
    threshold = np.partition(values, -count, axis=1)[:, -count, None]
    out = np.empty((len(values), count), np.int64)
    for row, (each, least) in enumerate(zip(values, threshold)):
        places = np.flatnonzero(each >= least)
        out[row] = places[np.argsort(-each[places], kind="stable")[:count]]
    return out


def _may_improve(pool: Pool, best_running: float, length: int, settings: GenerationConfig) -> bool:
    """Whether the best running text could still beat the worst of a full pool, at its length or at any."""
    if not pool.full:
        return True
    longest = settings.early_stopping == "never" and settings.length_penalty > 0
    reached = settings.max_new_tokens if longest else length
    return bool(best_running / reached**settings.length_penalty > pool.texts[-1][0])


__all__ = ["beam_search", "largest"]
