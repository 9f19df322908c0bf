"""Numbers for distinct words, found for a whole array of words at once.

`Slots` is a hash table in NumPy arrays, for keys of a few 64-bit columns. `DistinctWords` keys words of up to 16 bytes
with it by those bytes themselves, so that no two words can be taken for one; longer ones go through a dict.
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

KEYED_BYTES = 16  # longer words go through a dict

Keys = NDArray[np.uint64]
Numbers = NDArray[np.int32]
Places = NDArray[np.intp]


class Slots:
    """Key (a tuple of `columns` 64-bit numbers) to number, with open addressing.

    The hash multiplies with odd numbers drawn anew in every process: no text can be made to collide in it.
    """

    def __init__(self, columns: int) -> None:
        self._factors = [np.uint64(int.from_bytes(os.urandom(8), "little") | 1) for _ in range(columns)]
        self._used = 0
        self._resize(10, columns)

    def _resize(self, bits: int, columns: int) -> None:
        self._bits = bits
        self._keys = [np.zeros(1 << bits, np.uint64) for _ in range(columns)]
        self._numbers = np.full(1 << bits, -1, np.int32)

    def _home(self, columns: list[Keys]) -> Places:
        mixed = columns[0] * self._factors[0]
        for column, factor in zip(columns[1:], self._factors[1:]):
            mixed += column * factor
            mixed ^= mixed >> np.uint64(32)
            mixed *= self._factors[0]
        return (mixed >> np.uint64(64 - self._bits)).view(np.int64)

    def find(self, columns: list[Keys]) -> Numbers:
        """The numbers of keys, -1 for a key that is not there."""
        at = self._home(columns)
        numbers = self._numbers.take(at)  # (keys,)
        pending = np.flatnonzero(self._others(columns, at, numbers))
        at = at[pending]
        while len(pending):
            at = at + 1 & len(self._numbers) - 1
            found = self._numbers.take(at)
            numbers[pending] = found
            others = self._others([column[pending] for column in columns], at, found)
            pending, at = pending[others], at[others]
        return numbers

    def _others(self, columns: list[Keys], at: Places, numbers: Numbers) -> NDArray[np.bool_]:
        """Where the slots `at`, holding `numbers`, hold another key."""
        others = np.zeros(len(at), np.bool_)
        for column, keys in zip(columns, self._keys):
            others |= keys.take(at) != column
        others &= numbers >= 0
        return others

    def add(self, columns: list[Keys], numbers: Numbers) -> None:
        """Distinct keys that are not there yet, with their numbers (0 or more)."""
        self._used += len(numbers)
        if 3 * self._used > len(self._numbers):
            held = np.flatnonzero(self._numbers >= 0)
            old_keys, old_numbers = [keys[held] for keys in self._keys], self._numbers[held]
            self._resize(max(10, (4 * self._used).bit_length()), len(columns))
            self._put(old_keys, old_numbers)
        self._put(columns, numbers)

    def _put(self, columns: list[Keys], numbers: Numbers) -> None:
        at = self._home(columns)
        while len(numbers):
            free = self._numbers.take(at) < 0
            self._numbers[at[free]] = numbers[free]  # of several for one slot, one wins
            won = self._numbers.take(at) == numbers
            for keys, column in zip(self._keys, columns):
                keys[at[won]] = column[won]
            lost = ~won
            columns, numbers = [column[lost] for column in columns], numbers[lost]
            at = at[lost] + 1 & len(self._numbers) - 1


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
        self._slots.add([np.zeros(1, np.uint64), np.zeros(1, np.uint64)], np.zeros(1, np.int32))
        self._long: dict[bytes, int] = {}

    def number(self, data: bytes, starts: Places) -> Numbers:
        """The number of each word of `data`, the words being what lies between `starts` (the first is 0)."""
        ends = np.append(starts[1:], len(data))
        lengths = ends - starts
        padded = np.ndarray(len(data) + 9, "<u8", buffer=data + bytes(16), strides=(1,))  # the 8 bytes from each place
        long = lengths > KEYED_BYTES
        if b"\0" in data:  # with a NUL, zeros after a short word would not be told from its own
            nul = np.flatnonzero(np.frombuffer(data, np.uint8) == 0)
            long[np.searchsorted(starts, nul, side="right") - 1] = True
        lengths[long] = 0  # their keys are those of words[0]
        low = padded.take(starts) & _MASKS.take(lengths)
        high = padded.take(starts + 8, mode="clip") & _MASKS.take(np.maximum(lengths - 8, 0))
        numbers = self._slots.find([low, high])
        missing = np.flatnonzero(numbers < 0)
        if len(missing):
            numbers[missing] = self._add(data, starts[missing], ends[missing], low[missing], high[missing])
        at = np.flatnonzero(long)
        for i, start, end in zip(at.tolist(), starts[at].tolist(), ends[at].tolist()):
            word = data[start:end]
            number = self._long.get(word)
            if number is None:
                number = self._long[word] = len(self.words)
                self.words.append(word)
                self.held_bytes += end - start
            numbers[i] = number
        return numbers

    def _add(self, data: bytes, starts: Places, ends: Places, low: Keys, high: Keys) -> Numbers:
        order = np.lexsort((high, low))
        low, high = low[order], high[order]
        first = np.ones(len(order), np.bool_)
        first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
        numbers = np.empty(len(order), np.int32)
        numbers[order] = len(self.words) - 1 + np.cumsum(first)
        new = np.arange(len(self.words), len(self.words) + np.count_nonzero(first), dtype=np.int32)
        self._slots.add([low[first], high[first]], new)
        places = order[first]
        self.words += [data[start:end] for start, end in zip(starts[places].tolist(), ends[places].tolist())]
        self.held_bytes += int((ends[places] - starts[places]).sum())
        return numbers


_MASKS = np.array([(1 << 8 * min(size, 8)) - 1 for size in range(17)], np.uint64)  # the first bytes of eight
