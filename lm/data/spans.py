"""Span corruption, T5's objective: spans of a text are cut out, and are to be said, each after the sentinel that stands
in its place.

Source: Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text Transformer" (2020).
Sentinels count down: the first is the highest id. A text starts with what is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class SpanCorruption:
    """Cuts spans out of a text so that what is left fills `input_length` tokens exactly.

    Args:
        input_length: T, of the text with its sentinels and the end token.
        first_sentinel: the id of the first span's sentinel; the next have the ids below it.
        eos_id: ends inputs and targets.
        density: the share of the tokens that is cut out.
        mean_span_length: how long spans are on average.

    >>> corruption = SpanCorruption(512, 32099, 1)
    >>> corruption.raw_length, corruption.target_length
    (568, 114)
    """

    input_length: int
    first_sentinel: int
    eos_id: int
    density: float = 0.15
    mean_span_length: float = 3.0

    def __post_init__(self) -> None:
        if not 0 < self.density < 1:
            raise ValueError(f"SpanCorruption: density must be between 0 and 1, got {self.density!r}")
        if not self.mean_span_length >= 1:
            raise ValueError(f"SpanCorruption: mean_span_length must be at least 1, got {self.mean_span_length!r}")
        if self.input_length < 4:
            raise ValueError(f"SpanCorruption: input_length must be at least 4, got {self.input_length!r}")
        if self._lengths(self.raw_length)[0] != self.input_length:
            raise ValueError(
                f"SpanCorruption: no text comes to {self.input_length} tokens when {self.density} of it is cut out in "
                f"spans of {self.mean_span_length}; use longer spans"
            )

    @cached_property
    def raw_length(self) -> int:
        """How many tokens of text come to `input_length`: the most, where several numbers do."""
        length = self.input_length - 2
        while self._lengths(length + 1)[0] <= self.input_length:
            length += 1
        return length

    @property
    def target_length(self) -> int:
        """How many tokens the targets have."""
        return self._lengths(self.raw_length)[1]

    @property
    def spans(self) -> int:
        """How many spans are cut out."""
        return self._counts(self.raw_length)[1]

    def _counts(self, length: int) -> tuple[int, int]:
        """Tokens that are cut out of `length`, and in how many spans: at least one of each, and something is kept."""
        noise = min(max(round(length * self.density), 1), length - 1)
        spans = min(max(round(noise / self.mean_span_length), 1), noise, length - noise)
        return noise, spans

    def _lengths(self, length: int) -> tuple[int, int]:
        noise, spans = self._counts(length)
        return length - noise + spans + 1, noise + spans + 1

    def mask(self, rng: np.random.Generator) -> Bools:
        """Which of `raw_length` tokens are cut out: kept and cut spans in turn, kept first; all ways equally likely."""
        noise, spans = self._counts(self.raw_length)
        lengths = np.stack([_compose(self.raw_length - noise, spans, rng), _compose(noise, spans, rng)], axis=1)
        return np.repeat(np.tile([False, True], spans), lengths.ravel())

    def __call__(self, text: Ints, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Inputs (B, input_length) and targets (B, target_length) of texts (B, raw_length)."""
        if text.ndim != 2 or text.shape[1] != self.raw_length:
            raise ValueError(f"SpanCorruption needs texts (B, {self.raw_length}), got {text.shape}")
        both = [corrupt(row, self.mask(rng), self.first_sentinel, self.eos_id) for row in text]
        return np.stack([inputs for inputs, _ in both]), np.stack([targets for _, targets in both])


def corrupt(ids: Ints, cut: Bools, first_sentinel: int, eos_id: int) -> tuple[Ints, Ints]:
    """The text with a sentinel for each span that is cut out, and each span after its sentinel; both end in `eos_id`.

    >>> inputs, targets = corrupt(np.arange(5), np.array([False, True, True, False, True]), 99, 1)
    >>> inputs.tolist(), targets.tolist()
    ([0, 99, 3, 98, 1], [99, 1, 2, 98, 4, 1])
    """
    begins = cut & ~np.concatenate([[False], cut[:-1]])
    sentinels = first_sentinel + 1 - np.cumsum(begins)  # that of the span so far
    keep = ~cut | begins
    inputs = np.where(begins, sentinels, ids)[keep]
    places = np.flatnonzero(begins)
    targets = np.insert(ids[cut], (np.cumsum(cut) - 1)[places], sentinels[places])
    return np.append(inputs, eos_id), np.append(targets, eos_id)


def _compose(total: int, parts: int, rng: np.random.Generator) -> Ints:
    """`total` as a sum of `parts` numbers of at least 1, every way equally likely."""
    cuts = np.sort(rng.choice(total - 1, parts - 1, replace=False)) + 1
    return np.diff(cuts, prepend=0, append=total)
