"""Merging: the symbols of a word joined pair by pair, for one word of any length and for many short words at once.

The rule is that of Hugging Face's `tokenizers` and of tiktoken: again and again, of all pairs of neighbours that a
merge joins, the one with the earliest merge is joined; of equals, the leftmost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush
from itertools import chain, pairwise
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer.distinct import Slots

Ids = NDArray[np.int64]

# Words are merged together with others of about their length; those longer than all of these, and whole words, alone.
_SIZES = (4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128)
_SHORT = 40  # bytes: up to here, looking through the whole word for each join is faster than a heap
_BLOCK = 1 << 17  # bytes of them at a time: fewer make more calls, more leave the processor's cache
_PLACE_BITS = 19  # of a place in a block
_PLACE = (1 << _PLACE_BITS) - 1
_NONE = 1 << 40  # the key of a pair that no merge joins; ranks are below 1 << 20
_END, _JOINED = -1, -2  # in a word under way: after its last symbol; a symbol that is part of the one before it


class Merger:
    """Words to ids. `byte_id` are the ids of the 256 bytes, `merged` the ids that `merges` result in; `whole_words`
    have an id of their own, whatever the merges make of them."""

    def __init__(
        self,
        byte_id: Sequence[int],
        merges: Sequence[tuple[int, int]],
        merged: Sequence[int],
        whole_words: Mapping[bytes, int] = MappingProxyType({}),
    ) -> None:
        self.whole_words = dict(whole_words)
        self._byte_id = list(byte_id)
        self._merges = merges
        self._merged = merged
        self._rank = {pair: rank for rank, pair in enumerate(merges)}
        self._arrays: _Arrays | None = None  # made for the first batch

    @property
    def highest_id(self) -> int:
        """The highest of all that it gives."""
        return max(*self._byte_id, *self._merged, *self.whole_words.values())

    def with_whole_words(self, whole_words: Mapping[bytes, int]) -> Merger:
        """One with the same merges."""
        return Merger(self._byte_id, self._merges, self._merged, whole_words)

    def merge(self, word: bytes) -> tuple[int, ...]:
        """The ids of one word."""
        if word in self.whole_words:
            return (self.whole_words[word],)
        if len(word) > _SHORT:
            return self._merge_long(word)
        ids = [self._byte_id[byte] for byte in word]
        rank_of = self._rank.get
        ranks = [rank_of(pair, _NONE) for pair in pairwise(ids)]
        while ranks and (earliest := min(ranks)) < _NONE:
            i = ranks.index(earliest)
            ids[i : i + 2] = (self._merged[earliest],)
            del ranks[i]
            if i:
                ranks[i - 1] = rank_of((ids[i - 1], ids[i]), _NONE)
            if i < len(ranks):
                ranks[i] = rank_of((ids[i], ids[i + 1]), _NONE)
        return tuple(ids)

    def _merge_long(self, word: bytes) -> tuple[int, ...]:
        """The ids of one word, with a linked list and places by merge: O(n log n) for n bytes."""
        n = len(word)
        ids = [self._byte_id[byte] for byte in word]
        ids.append(_END)  # index n, and index -1 too: no merge joins it, so neither end needs a test
        after, before = list(range(1, n + 2)), list(range(-1, n))
        rank_of = self._rank.get
        places: dict[int, list[int]] = {}
        for i, pair in enumerate(pairwise(ids)):
            if (rank := rank_of(pair)) is not None:
                places.setdefault(rank, []).append(i)
        heap = list(places)
        heapify(heap)
        while heap:
            earliest = heappop(heap)
            left, right = self._merges[earliest]
            new = self._merged[earliest]
            here = sorted(places.pop(earliest))
            for done, i in enumerate(here, 1):
                j = after[i]
                if ids[i] != left or ids[j] != right:
                    continue  # one of the two has been joined to another since
                h, k = before[i], after[j]
                ids[i], ids[j] = new, _JOINED
                after[i], before[k] = k, i
                earlier = False
                for place, pair in (h, (ids[h], new)), (i, (new, ids[k])):
                    if (rank := rank_of(pair)) is not None:
                        if rank not in places:
                            places[rank] = []
                            heappush(heap, rank)
                        places[rank].append(place)
                        earlier = earlier or rank < earliest
                if earlier and done < len(here):  # only where a token can be made in several ways
                    places[earliest] = here[done:]
                    heappush(heap, earliest)
                    break
        return tuple([id for id in ids if id >= 0])

    def merge_many(self, words: Sequence[bytes]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The ids of all `words`, one word after another, and how many each has."""
        if self._arrays is None:
            self._arrays = _Arrays(self._byte_id, self._merges, self._merged)
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        data = np.frombuffer(b"".join(words) or b"\0", np.uint8)  # something to take where all words are empty
        starts = np.cumsum(lengths) - lengths
        size_class = np.searchsorted(_SIZES, lengths)
        if self.whole_words:
            size_class[[word in self.whole_words for word in words]] = len(_SIZES)
        counts = np.empty(len(words), np.int32)
        parts: list[tuple[NDArray[np.intp], Ids]] = []
        for number in np.unique(size_class).tolist():
            group = np.flatnonzero(size_class == number)
            if number == len(_SIZES):
                merged = [self.merge(words[i]) for i in group.tolist()]
                counts[group] = [len(ids) for ids in merged]
                parts.append((group, np.fromiter(chain.from_iterable(merged), np.int32)))
                continue
            size = _SIZES[number]
            for at in np.array_split(group, len(group) * size // _BLOCK + 1):
                ids, counts[at] = self._arrays.merge(data, starts[at], lengths[at], size)
                parts.append((at, ids))
        begins = np.cumsum(counts, dtype=np.int64) - counts
        flat = np.empty(int(counts.sum()), np.int32)
        for at, ids in parts:
            flat[spread(begins[at], counts[at])] = ids
        return flat, counts


def spread(begins: NDArray[np.int64], counts: NDArray[np.signedinteger[Any]]) -> NDArray[np.int64]:
    """begins[0], begins[0] + 1, ... (counts[0] of them), begins[1], ...: where ranges of numbers lie.

    >>> spread(np.array([10, 20]), np.array([3, 2])).tolist()
    [10, 11, 12, 20, 21]
    """
    ends = np.cumsum(counts, dtype=np.int64)
    places = np.repeat(begins - (ends - counts), counts)
    places += np.arange(len(places))
    return places


class _Arrays:
    """Merges many words in step: one join in each word at a time."""

    def __init__(self, byte_id: Sequence[int], merges: Sequence[tuple[int, int]], merged: Sequence[int]) -> None:
        self._byte_id = np.array(byte_id, np.int64)
        self._merged = np.array(merged, np.int64)
        self._slots = Slots(1)
        pairs = np.fromiter(chain.from_iterable(merges), np.int64, 2 * len(merges)).reshape(-1, 2)
        self._slots.add([_codes(pairs[:, 0], pairs[:, 1])])
        left, right = np.repeat(self._byte_id, 256), np.tile(self._byte_id, 256)
        self._key_of_bytes = self._keys(left, right)  # (256 * 256,), of the pairs of bytes

    def _keys(self, left: Ids, right: Ids) -> Ids:
        """The ranks of pairs, with room for a place."""
        keys = self._slots.find([_codes(left, right)]).astype(np.int64) << _PLACE_BITS
        keys[keys < 0] = _NONE
        return keys

    def merge(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64], size: int
    ) -> tuple[Ids, NDArray[np.intp]]:
        """The ids of words of `data`, of at most `size` bytes each, one after another, and how many each has.

        A word is a column of symbols in a linked list, as in `_merge_long`; behind its last one there are ends alone,
        and the one in the last row is before the first, too. A place is a row and a column in one number.
        """
        words = len(lengths)
        row = np.arange(size)[:, None]
        bytes_ = data.take(starts + row, mode="clip").astype(np.intp)  # (size, words)
        ids = np.full((size + 1, words), _END, np.int64)
        ids[:-1] = np.where(row < lengths, self._byte_id.take(bytes_), _END)
        places = np.arange((size + 1) * words).reshape(size + 1, words)
        after, before = np.roll(places, -1, axis=0), np.roll(places, 1, axis=0)
        keys = np.full((size + 1, words), _NONE, np.int64)  # of the pair that begins at a place: its rank and the place
        np.copyto(
            keys[: size - 1],
            self._key_of_bytes.take(bytes_[:-1] << 8 | bytes_[1:]) | places[: size - 1],
            where=row[1:] < lengths,
        )
        flat_ids, flat_keys, following, preceding = ids.ravel(), keys.ravel(), after.ravel(), before.ravel()
        while True:
            first = keys.min(axis=0)  # (words,): the earliest merge, and the leftmost place of it
            first = first[first < _NONE]  # (words that have something to join,)
            if not len(first):
                break
            i = first & _PLACE
            j = following.take(i)
            h, k = preceding.take(i), following.take(j)
            new = self._merged.take(first >> _PLACE_BITS)
            flat_ids[i], flat_ids[j] = new, _JOINED
            following[i], preceding[k], flat_keys[j] = k, i, _NONE
            at = np.concatenate([h, i])  # the pairs that have come about
            left, right = flat_ids.take(at), np.concatenate([new, flat_ids.take(k)])
            flat_keys[at] = self._keys(left, right) | at
        by_word = ids.T  # (words, size + 1)
        return by_word[by_word >= 0], np.count_nonzero(by_word >= 0, axis=1)


def _codes(left: Ids, right: Ids) -> NDArray[np.uint64]:
    """One number for a pair of ids; `_END` makes one that no merge has."""
    return (left << 32 | right).view(np.uint64)
