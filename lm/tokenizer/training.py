"""Learning the merges of byte-pair encoding from text.

The rule is that of Hugging Face's `tokenizers`, merge for merge (its BpeTrainer, ByteLevel alphabet and split): join
the pair that occurs most often; of equals the one with the smallest (left id, right id). Two things differ: no token
gets longer than `MAX_TOKEN_BYTES`, and a merge that happens to spell a special token gets an id of its own, since
ordinary text must never give a special token's.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from heapq import heappop, heappush, heapreplace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer.bpe import BYTE_ORDER, MAX_TOKEN_BYTES, MAX_VOCAB_SIZE, BPETokenizer
from lm.tokenizer.counting import count_words
from lm.tokenizer.merging import spread

Ids = NDArray[np.int32]
Counts = NDArray[np.int64]
Codes = NDArray[np.uint16] | NDArray[np.int32]


def train_bpe(
    texts: str | bytes | os.PathLike[str] | Iterable[str | bytes | os.PathLike[str]],
    vocab_size: int,
    *,
    special_tokens: Sequence[str] = (),
    min_frequency: int = 2,
    pattern: str = "gpt2",
    tie: Literal["hf", "first"] = "hf",
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BPETokenizer:
    """A `BPETokenizer` of `vocab_size` ids: the special tokens, 256 bytes, then the merges learnt from `texts`.

    Args:
        texts: one text, or an iterable of texts. A word never goes on from one text to the next. A path (an
            `os.PathLike`, not a string) stands for the lines of a file, newlines kept, as Hugging Face feeds them;
            it may be larger than memory, and is counted by several processes when it is long.
        vocab_size: at least 256 and the number of special tokens; ValueError below that or above `MAX_VOCAB_SIZE`.
        special_tokens: take the ids from 0. The text is not searched for them.
        min_frequency: no pair that occurs less often is merged.
        pattern: how text is split into words, a name from `splitting.PATTERN_NAMES`.
        tie: which of the pairs that occur equally often is merged: "hf" the one with the smallest (left id, right id),
            "first" the one that stands first in the text as it is then.
        processes: how many count the words of files, None for one on each processor.
        progress: called after every merge with (merges learnt, merges wanted).

    Warns (UserWarning) with the size reached when the text gives fewer merges than asked for.

    Time and memory grow with the total length of the *distinct* words, also where a single word is a megabyte of
    junk; no token gets longer than `MAX_TOKEN_BYTES`.

    >>> tokenizer = train_bpe("low lower lowest", 259, special_tokens=["<|endoftext|>"])
    >>> [tokenizer.token_bytes(id) for id in tokenizer.encode("slow lows")]
    [b's', b'low', b' ', b'low', b's']
    """
    if isinstance(special_tokens, str) or len(set(special_tokens)) < len(special_tokens):
        raise ValueError(f"special_tokens must be distinct strings, got {special_tokens!r}")
    if tie not in ("hf", "first"):
        raise ValueError(f'tie is "hf" or "first", not {tie!r}')
    smallest = len(BYTE_ORDER) + len(special_tokens)
    if not smallest <= vocab_size <= MAX_VOCAB_SIZE:
        raise ValueError(
            f"vocab_size {vocab_size} is outside {smallest} .. {MAX_VOCAB_SIZE}: "
            f"{len(BYTE_ORDER)} bytes and {len(special_tokens)} special tokens need an id each"
        )
    special_ids = {spelling: id for id, spelling in enumerate(special_tokens)}
    BPETokenizer([], special_tokens=special_ids, pattern=pattern)  # what it refuses, it should refuse before training

    words = count_words(texts, pattern, processes=processes)
    merges = learn_merges(words, vocab_size - smallest, min_frequency=min_frequency, tie=tie, progress=progress)
    shift = len(special_tokens)
    tokenizer = BPETokenizer(
        [(left + shift, right + shift) for left, right in merges], special_tokens=special_ids, pattern=pattern
    )
    if tokenizer.vocab_size < vocab_size:
        warnings.warn(
            f"the text gives a vocabulary of {tokenizer.vocab_size} ids, not {vocab_size}: after {len(merges)} merges "
            f"no pair is left that occurs {max(min_frequency, 1)} times and makes at most {MAX_TOKEN_BYTES} bytes",
            stacklevel=2,
        )
    return tokenizer


def learn_merges(
    words: Mapping[bytes, int],
    num_merges: int,
    *,
    min_frequency: int = 2,
    tie: Literal["hf", "first"] = "hf",
    progress: Callable[[int, int], None] | None = None,
) -> list[tuple[int, int]]:
    """The first `num_merges` merges that `words` (word to count) give, fewer when no pair is left.

    Ids here are those without special tokens: bytes in `BYTE_ORDER`, then the merges' results. All words lie one
    after another in one linked list of symbols, with a gap of one place between them. A pair's places are found all at
    once, when the younger of its two symbols comes into being, and from then on can only get fewer. So its count in
    the heap is never too low, and is corrected when its turn comes. A merge visits the places of its pair alone: all
    merges together take O(n log n) for n bytes of distinct words.
    """
    symbols, weights = _lay_out(words)  # (places,)
    before = np.arange(-1, len(symbols) - 1, dtype=np.int32)
    after = np.arange(1, len(symbols) + 1, dtype=np.int32)
    pairs = _Pairs(symbols, after, weights, max(min_frequency, 1), tie)
    i = np.flatnonzero((symbols[:-1] != _GAP) & (symbols[1:] != _GAP)).astype(np.int32)
    codes = symbols[i] << 8 | symbols[i + 1]
    pairs.add(codes.astype(np.uint16), i, lambda code: (code >> 8, code & 0xFF))

    lengths = [1] * len(BYTE_ORDER)
    merges: list[tuple[int, int]] = []
    while len(merges) < num_merges and (best := pairs.pop()):
        left, right, i = best  # i: (occurrences,)
        if lengths[left] + lengths[right] > MAX_TOKEN_BYTES:
            continue
        # The result is a token that was not there before: wherever the same bytes stand and no merge reaches across
        # their ends, the same merges have been made inside them, so they are this pair everywhere.
        new = len(lengths)
        lengths.append(lengths[left] + lengths[right])
        merges.append((left, right))
        if left == right:
            i = _every_other(i, after)
        j = after.take(i)
        k = after.take(j)
        symbols[i] = new
        symbols[j] = _GAP
        after[i] = k
        before[k] = i
        # The pairs that have come about: a symbol and `new` (odd codes), `new` and a symbol (even codes). A gap is at
        # no place in them, and `new` beside `new` is found from its left one.
        h = before.take(i)
        places = np.concatenate([h, i])  # (2 * occurrences,)
        codes = np.concatenate([symbols.take(h), symbols.take(k)]) << 1
        codes[: len(h)] |= 1
        at = (codes.view(np.uint32) <= 2 * new).nonzero()[0]
        codes = codes.take(at)
        narrow = codes.astype(np.uint16) if 2 * new < 1 << 16 else codes
        pairs.add(narrow, places.take(at), partial(_pair_with, new))
        if progress is not None:
            progress(len(merges), num_merges)
    return merges


_GAP = -1


def _pair_with(new: int, code: int) -> tuple[int, int]:
    return (code >> 1, new) if code & 1 else (new, code >> 1)


class _Pairs:
    """Pairs of neighbours with the places where they begin, and a heap of them by count."""

    def __init__(self, symbols: Ids, after: Ids, weights: Counts, least: int, tie: Literal["hf", "first"]) -> None:
        self._symbols = symbols
        self._after = after
        self._weights = weights
        self._least = least
        self._first = tie == "first"
        self._places: dict[tuple[int, int], Ids] = {}
        self._heap: list[tuple[int, int, int, int]] = []

    def add(self, codes: Codes, places: Ids, pair_of: Callable[[int], tuple[int, int]]) -> None:
        """The new pairs that `codes` stand for, at `places`, which ascend for each of them. Those that occur too seldom
        are left out. (Codes of 16 bits are sorted by radix.)"""
        if not len(places):
            return
        order = codes.argsort(kind="stable")
        codes, places = codes.take(order), places.take(order)
        starts = np.concatenate([_ZERO, (codes[1:] != codes[:-1]).nonzero()[0] + 1])  # (pairs,)
        counts = np.add.reduceat(self._weights.take(places), starts).tolist()
        ends = [*starts[1:].tolist(), len(places)]
        for code, count, start, end in zip(codes.take(starts).tolist(), counts, starts.tolist(), ends):
            if count >= self._least:
                pair = pair_of(code)
                self._places[pair] = places[start:end]
                heappush(self._heap, self._entry(count, pair))

    def _entry(self, count: int, pair: tuple[int, int]) -> tuple[int, int, int, int]:
        return (-count, int(self._places[pair][0]), *pair) if self._first else (-count, *pair, 0)

    def pop(self) -> tuple[int, int, Ids] | None:
        """The pair that is next, and its places; None if none is left that occurs often enough."""
        heap = self._heap
        while heap:
            entry = heap[0]
            pair = left, right = entry[2:] if self._first else entry[1:3]
            places = self._places[pair]
            there = (self._symbols.take(places) == left) & (self._symbols.take(self._after.take(places)) == right)
            places = places[there]
            count = int(np.add.reduce(self._weights.take(places)))
            if count < self._least:
                heappop(heap)
                del self._places[pair]
                continue
            self._places[pair] = places
            exact = self._entry(count, pair)
            if exact != entry:
                heapreplace(heap, exact)
            if heap[0] == exact:
                heappop(heap)
                return left, right, self._places.pop(pair)
        return None


_ZERO = np.zeros(1, np.intp)


def _every_other(places: Ids, after: Ids) -> Ids:
    """Of places that follow one another directly, the first, third and so on: "aaa" holds one pair to join."""
    follows = np.zeros(len(places), np.bool_)
    follows[1:] = after[places[:-1]] == places[1:]
    number = np.arange(len(places))
    start = np.maximum.accumulate(np.where(follows, 0, number))
    every_other: Ids = places[(number - start) % 2 == 0]
    return every_other


def _lay_out(words: Mapping[bytes, int]) -> tuple[Ids, Counts]:
    """The symbols of all words, a gap before, between and after them, and at each symbol its word's count."""
    id_of_byte = np.array([BYTE_ORDER.index(byte) for byte in range(256)], np.int32)
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    counts = np.fromiter(words.values(), np.int64, len(words))
    places = spread(np.cumsum(lengths + 1) - lengths, lengths)  # of bytes among the gaps
    symbols = np.full(int(lengths.sum()) + len(words) + 1, _GAP, np.int32)
    symbols[places] = id_of_byte[np.frombuffer(b"".join(words), np.uint8)]
    weights = np.zeros(len(symbols), np.int64)
    weights[places] = np.repeat(counts, lengths)
    return symbols, weights
