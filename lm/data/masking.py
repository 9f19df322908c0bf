"""Masked language modelling: which tokens of a text are hidden, what stands in their place, and what is to be said.

Sources: Devlin et al., "BERT" (2019); dynamic masks: Liu et al., "RoBERTa" (2019). Masks are drawn from a generator
that the caller names, so they are a function of the seed and the step (dynamic), or of the sequence (static).

Shapes: B sequences of T tokens, a vocabulary of V.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

IGNORED = -100  # the label of what is not asked, as `F.cross_entropy` leaves it out


@dataclass(frozen=True)
class Masking:
    """Hides a share of the tokens and asks for them.

    Of the tokens that are asked for, 80% become `mask_id`, 10% any token of the whole vocabulary, and 10% stay what
    they are.

    Args:
        vocab_size: V.
        mask_id: the id of the mask token.
        special_ids: tokens that are never asked for.
        probability: the share of the others that is.
        starts_word: whether each token of the vocabulary starts a word (V,); then words are asked for as a whole. None:
            every token is drawn alone, and how many there are is up to chance, but one at least: a batch that asks for
            nothing has no loss.
        max_predictions: with `starts_word`, at most so many tokens of a sequence are asked for.
    """

    vocab_size: int
    mask_id: int
    special_ids: tuple[int, ...]
    probability: float = 0.15
    starts_word: Bools | None = None
    max_predictions: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.probability < 1:
            raise ValueError(f"Masking: probability must be between 0 and 1, got {self.probability!r}")
        if not 0 <= self.mask_id < self.vocab_size:
            raise ValueError(f"Masking: mask_id {self.mask_id} is outside the vocabulary of {self.vocab_size}")

    def __call__(self, ids: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Inputs (B, T) with tokens hidden, and labels (B, T): what stood there, -100 where nothing is asked."""
        askable = ~np.isin(ids, self.special_ids)  # (B, T)
        if self.starts_word is None:
            draws = np.where(askable, rng.random(ids.shape), 1.0)  # (B, T)
            asked = askable & ((draws < self.probability) | (draws == draws.min(axis=1, keepdims=True)))  # (B, T)
        else:
            asked = np.stack([self._whole_words(row, can, rng) for row, can in zip(ids, askable)])  # (B, T)
        fate = rng.random(ids.shape)  # (B, T)
        anything = rng.integers(self.vocab_size, size=ids.shape)  # (B, T)
        inputs = np.where(asked & (fate < 0.8), self.mask_id, ids)
        inputs = np.where(asked & (fate >= 0.9), anything, inputs)
        return inputs, np.where(asked, ids, IGNORED)

    def _whole_words(self, ids: Ints, askable: Bools, rng: np.random.Generator) -> Bools:
        """Words in random order until the share is reached; one that would go beyond it is passed over.

        Of n tokens that can be asked for, max(1, round(n probability)) are the share, as in BERT's
        `create_pretraining_data.py`.
        """
        assert self.starts_word is not None
        asked = np.zeros(len(ids), np.bool_)
        before = np.concatenate([[False], askable[:-1]])
        word = np.cumsum(self.starts_word[ids] | ~before)  # (T,): a word also starts after a special token
        places = np.flatnonzero(askable)
        if len(places) == 0:
            return asked
        wanted = max(1, round(len(places) * self.probability))
        if self.max_predictions is not None:
            wanted = min(wanted, self.max_predictions)
        for one in rng.permutation(np.unique(word[places])):
            own = places[word[places] == one]
            if asked.sum() + len(own) <= wanted:
                asked[own] = True
        return asked
