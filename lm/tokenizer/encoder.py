"""Text to ids by words: each distinct word is merged once, and its ids are remembered in bounded room.

How text is cut into words is `splitting`'s subject, how a word is merged `merging`'s. Special tokens are `bpe`'s.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import chain, islice
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer.boundaries import byte_offsets, word_starts
from lm.tokenizer.distinct import KEYED_BYTES, DistinctWords
from lm.tokenizer.merging import Merger, spread
from lm.tokenizer.seams import Seams
from lm.tokenizer.splitting import SplitPattern, word_bytes
from minigrad.backends.locks import lock_for

CACHED_WORD_BYTES = 256
CACHE_BYTES = 1 << 25
WINDOWS = 64  # of about 64K characters: as many are numbered before their new words are merged
SHORT_TEXT = 2000  # characters; below, a regular expression and a dict are faster than arrays


class Encoder:
    """The words of a text, which is one of `as_text`, to the ids that `merger` gives them. Threads may share it.

    Args:
        merger: merges words.
        tokens: the bytes of all that it merges.
        split: cuts texts into words.
    """

    def __init__(self, merger: Merger, tokens: Iterable[bytes], split: SplitPattern) -> None:
        self.merger = merger
        self._tokens = tuple(tokens)
        self.split = split
        self._words = _Words(merger)
        self._word_arrays = _WordArrays(merger)
        self._seams = None if merger.whole_words else Seams(self._tokens)  # a piece of a word is no whole one
        self._lock = lock_for(self, "_lock", Lock)

    def __reduce__(self) -> tuple[type[Encoder], tuple[object, ...]]:
        """Without what it remembers, and without the lock."""
        return Encoder, (self.merger, self._tokens, self.split)

    def with_whole_words(self, whole_words: Mapping[bytes, int]) -> Encoder:
        """One like this, to which `whole_words` have an id of their own, whatever the merges make of them."""
        return Encoder(self.merger.with_whole_words(whole_words), self._tokens, self.split)

    def encode(self, text: str) -> list[int]:
        """The ids of `text`."""
        if len(text) < SHORT_TEXT:
            return list(chain.from_iterable(map(self._words.__getitem__, self.split.words(text))))
        ids: list[int] = []
        for array in self.arrays(text):
            ids += self._integers.take(array).tolist()
        return ids

    @cached_property
    def _integers(self) -> NDArray[np.object_]:
        """Python's integers by their value: millions of ids are some thousand objects, made once."""
        return np.arange(self.merger.highest_id + 1).astype(np.object_)

    def arrays(self, text: str) -> Iterator[NDArray[np.int32]]:
        """The ids of `text`, stretch by stretch. In a stretch, each window's words are numbered while they are in the
        processor's cache; then all its new words are merged together."""
        for windows in _batched(self.split.windows(text), WINDOWS):
            with self._lock:  # numbers are good until the memory of words is full
                try:
                    self._word_arrays.make_room()
                    numbered = [self._numbers(window) for window in windows]
                    arrays = [self._word_arrays.ids(numbers) for numbers in numbered]
                except BaseException:  # Ctrl-C, say, between two parts of what is remembered, which then do not fit
                    self._word_arrays = _WordArrays(self.merger)
                    raise
            yield from arrays

    def _numbers(self, window: str) -> NDArray[np.int32]:
        starts = word_starts(window, self.split.name)
        data = word_bytes(window)
        if len(data) > len(window):
            starts = byte_offsets(window)[starts]
        return self._word_arrays.number(data, self._cut_long_words(data, starts))

    def _cut_long_words(self, data: bytes, starts: NDArray[np.intp]) -> NDArray[np.intp]:
        lengths = np.diff(starts, append=len(data))
        long = np.flatnonzero(lengths > KEYED_BYTES)
        if not len(long) or self._seams is None:
            return starts
        places = spread(starts[long], lengths[long])
        begins = np.zeros(len(data), np.bool_)
        begins[places[1:]] = ~self._seams.joins(np.frombuffer(data, np.uint8).take(places))
        begins[starts] = True
        return np.flatnonzero(begins)


class _Words(dict[str, tuple[int, ...]]):
    """word -> ids, for texts of a few words; a word that is not there is merged. Holds about `CACHE_BYTES`, then starts
    anew."""

    def __init__(self, merger: Merger) -> None:
        self._merger = merger
        self._held = 0

    def __missing__(self, word: str) -> tuple[int, ...]:
        data = word_bytes(word)
        ids = self._merger.merge(data)
        if len(data) <= CACHED_WORD_BYTES:
            size = sys.getsizeof(word) + sys.getsizeof(ids) + 100  # about what a dict takes for an entry
            if self._held + size > CACHE_BYTES:
                self.clear()
                self._held = 0
            self._held += size
            self[word] = ids
        return ids


class _WordArrays:
    """Words by their numbers -> ids, for texts of many words: each distinct word is merged once, with all others that
    are new in a stretch of text. Holds words and ids of about `CACHE_BYTES`, then starts anew."""

    def __init__(self, merger: Merger) -> None:
        self._merger = merger
        self._start()

    def _start(self) -> None:
        self._words = DistinctWords()
        self._counts = np.zeros(1, np.int32)  # of ids, by word
        self._begins = np.zeros(1, np.int64)  # of its ids in `_pool`, by word
        self._pool = np.zeros(0, np.int32)
        self._held = 0

    def number(self, data: bytes, starts: NDArray[np.intp]) -> NDArray[np.int32]:
        """Numbers of the words of `data` that begin at `starts`, good until the next `make_room`."""
        return self._words.number(data, starts)

    def make_room(self) -> None:
        if self._words.held_bytes + 100 * len(self._words.words) > CACHE_BYTES:
            self._start()

    def ids(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """The ids of words by their numbers, one word after another."""
        if len(self._words.words) > self._held + 1:
            self._merge_new()
        return self._pool.take(spread(self._begins.take(numbers), self._counts.take(numbers)))

    def _merge_new(self) -> None:
        """Merges the words that came last. Arrays grow by doubling."""
        first, last = self._held + 1, len(self._words.words)
        ids, counts = self._merger.merge_many(self._words.words[first:])
        used = int(self._begins[first - 1] + self._counts[first - 1])
        if last > len(self._counts):
            self._counts = np.resize(self._counts, 2 * last)
            self._begins = np.resize(self._begins, 2 * last)
        if used + len(ids) > len(self._pool):
            self._pool = np.resize(self._pool, 2 * (used + len(ids)))
        self._counts[first:last] = counts
        self._begins[first:last] = used + np.cumsum(counts) - counts
        self._pool[used : used + len(ids)] = ids
        self._held = last - 1


def _batched(windows: Iterator[str], count: int) -> Iterator[list[str]]:
    """The windows in lists of `count`, the last one shorter."""
    while batch := list(islice(windows, count)):
        yield batch
