"""Numbers for distinct words, found for a whole array of words at once.

`Slots` is a hash table in NumPy arrays, for keys of a few 64-bit columns. `DistinctWords` keys words of up to 15 bytes
with it by their size and those bytes themselves, so that no two words can be taken for one; a longer one is keyed by
the number that a dict has for it.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

KEYED_BYTES = 15  # longer words go through a dict; with their size in one more, two columns of 8 bytes are full

Keys = NDArray[np.uint64]
Numbers = NDArray[np.int32]
Places = NDArray[np.intp]


class Slots:
    """Numbers keys (tuples of `columns` 64-bit numbers) from 0 as they are added: a hash table with open addressing.

    It holds numbers alone; keys stand in the order of their numbers, so that those that come again and again, and so
    came early, are close together in memory. The hash multiplies with odd numbers drawn anew in every process: no text
    can be made to collide in it.
    """

    def __init__(self, columns: int) -> None:
        self._factors = [np.uint64(int.from_bytes(os.urandom(8), "little") | 1) for _ in range(columns)]
        self._keys = [np.zeros(1 << 8, np.uint64) for _ in range(columns)]  # by number, then room for more
        self._used = 0
        self._resize(10)

    def _resize(self, bits: int) -> None:
        self._shift = np.uint64(64 - bits)
        self._numbers = np.full(1 << bits, -1, np.int32)

    def _home(self, columns: list[Keys]) -> Places:
        mixed = columns[0] * self._factors[0]
        for column, factor in zip(columns[1:], self._factors[1:]):
            mixed += column * factor
        mixed >>= self._shift
        return mixed.view(np.int64)

    def find(self, columns: list[Keys]) -> Numbers:
        """The numbers of keys, -1 for a key that is not there."""
        at = self._home(columns)
        numbers = self._numbers.take(at)  # (keys,)
        pending = np.flatnonzero(self._others(columns, numbers))
        at = at[pending]
        while len(pending):
            at = at + 1 & len(self._numbers) - 1
            found = self._numbers.take(at)
            numbers[pending] = found
            others = self._others([column[pending] for column in columns], found)
            pending, at = pending[others], at[others]
        return numbers

    def _others(self, columns: list[Keys], numbers: Numbers) -> NDArray[np.bool_]:
        """Where `numbers` are those of other keys."""
        others = numbers >= 0
        different = columns[0] != self._keys[0].take(numbers)  # -1 takes the last one
        for column, keys in zip(columns[1:], self._keys[1:]):
            different |= column != keys.take(numbers)
        others &= different
        return others

    def add(self, columns: list[Keys]) -> None:
        """Distinct keys that are not there yet; they get the next numbers."""
        old, self._used = self._used, self._used + len(columns[0])
        if self._used > len(self._keys[0]):
            self._keys = [np.resize(keys, 2 * self._used) for keys in self._keys]
        for keys, column in zip(self._keys, columns):
            keys[old : self._used] = column
        if 6 * self._used > len(self._numbers):
            self._resize((8 * self._used).bit_length())
            old = 0
        numbers = np.arange(old, self._used, dtype=np.int32)
        at = self._home([keys[old : self._used] for keys in self._keys])
        while len(numbers):
            free = self._numbers.take(at) < 0
            self._numbers[at[free]] = numbers[free]  # of several for one slot, one wins
            lost = self._numbers.take(at) != numbers
            numbers, at = numbers[lost], at[lost] + 1 & len(self._numbers) - 1


class DistinctWords:
    """The distinct words seen so far, numbered from 1 as they come; `words[number]` is their bytes.

    >>> words = DistinctWords()
    >>> words.number(b"to be or not to be", np.array([0, 2, 5, 8, 12, 15])).tolist()
    [1, 2, 4, 5, 3, 2]
    >>> words.words[1:]
    [b'to', b' be', b' to', b' or', b' not']
    """

    def __init__(self) -> None:
        self.words: list[bytes] = [b""]
        self.held_bytes = 0  # of all words together
        self._slots = Slots(2)
        self._slots.add([np.zeros(1, np.uint64), np.zeros(1, np.uint64)])
        self._long: dict[bytes, int] = {}

    def number(self, data: bytes, starts: Places) -> Numbers:
        """The number of each word of `data`, the words being what lies between `starts` (the first is 0)."""
        lengths = np.diff(starts, append=len(data))
        padded = np.ndarray(len(data) + 9, "<u8", buffer=data + bytes(16), strides=(1,))  # the 8 bytes from each place
        size = np.minimum(lengths, KEYED_BYTES + 1)
        low = padded.take(starts)
        low &= _MASKS.take(size)
        high = _TAGS.take(size)
        at = np.flatnonzero(lengths > 8)
        high[at] |= padded.take(starts[at] + 8) & _MASKS.take(size[at] - 8)
        at = at[lengths[at] > KEYED_BYTES]  # the last byte of `high` is more than any shorter word's
        for i, start, length in zip(at.tolist(), starts[at].tolist(), lengths[at].tolist()):
            low[i] = self._long.setdefault(data[start : start + length], len(self._long))
        numbers = self._slots.find([low, high])
        missing = np.flatnonzero(numbers < 0)
        if len(missing):
            numbers[missing] = self._add(data, starts[missing], lengths[missing], low[missing], high[missing])
        return numbers

    def _add(self, data: bytes, starts: Places, lengths: Places, low: Keys, high: Keys) -> Numbers:
        order = np.lexsort((high, low))
        low, high = low[order], high[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
        numbers = np.empty(len(order), np.int32)
        numbers[order] = len(self.words) - 1 + np.cumsum(first)
        self._slots.add([low[first], high[first]])
        places = order[first]
        starts, ends = starts[places], starts[places] + lengths[places]
        self.words += [data[start:end] for start, end in zip(starts.tolist(), ends.tolist())]
        self.held_bytes += int((ends - starts).sum())
        return numbers


_MASKS = np.array([(1 << 8 * min(size, 8)) - 1 for size in range(KEYED_BYTES + 2)], np.uint64)  # the first of 8 bytes
_TAGS = np.arange(KEYED_BYTES + 2, dtype=np.uint64) << np.uint64(56)  # by size, the last byte of a key
