"""Where a word can be cut although it is one word: between two bytes that no token holds side by side.

No merge ever joins across such a place, so the pieces give the ids of the word. A clause of Chinese is one long word
that is seen only once; its pieces are short and come again and again.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]

_HASH_BITS = 20
_HASH_FACTOR = np.uint32(0x9E3779B1)


class Seams:
    """Made from the bytes of all tokens. It may see a token where there is none (triples are hashed), never the
    reverse."""

    def __init__(self, tokens: Iterable[bytes]) -> None:
        by_length: dict[bool, list[bytes]] = {False: [], True: []}
        self._pairs = np.zeros(1 << 16, np.bool_)  # tokens of two bytes
        for token in tokens:
            if len(token) == 2:
                self._pairs[token[0] << 8 | token[1]] = True
            elif len(token) > 2:
                by_length[len(token) > 3].append(token)
        self._triples = _table(by_length[False])  # tokens of three bytes
        self._parts = _table(by_length[True])  # three bytes in a row of longer tokens

    def joins(self, data: NDArray[np.uint8]) -> Bools:
        """For every two neighbours in `data`, whether a token may hold both."""
        padded = np.zeros(len(data) + 5, np.uint32)  # two bytes before, three after
        padded[2:-3] = data
        hashes = _hashes(padded)
        triples, parts = self._triples.take(hashes), self._parts.take(hashes)
        fours = parts[:-1] & parts[1:]  # at each place, with the three that follow: in one token, perhaps
        n = len(data) - 1
        joins: Bools = self._pairs.take(padded[2 : n + 2] << 8 | padded[3 : n + 3])
        joins |= triples[1 : n + 1] | triples[2 : n + 2]
        joins |= fours[:n] | fours[1 : n + 1] | fours[2 : n + 2]
        return joins


def _table(tokens: list[bytes]) -> Bools:
    """The hashes of all triples of bytes in `tokens`."""
    table = np.zeros(1 << _HASH_BITS, np.bool_)
    data = np.frombuffer(b"".join(tokens), np.uint8).astype(np.uint32)
    inside = np.ones(len(data), np.bool_)
    ends = np.cumsum([len(token) for token in tokens], dtype=np.intp)
    inside[ends - 1] = inside[ends - 2] = False
    table[_hashes(data)[inside[:-2]]] = True
    return table


def _hashes(data: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Of the three numbers from each place on."""
    if len(data) < 3:
        return np.zeros(0, np.uint32)
    triples = data[:-2] << np.uint32(16) | data[1:-1] << np.uint32(8) | data[2:]
    hashes: NDArray[np.uint32] = triples * _HASH_FACTOR >> np.uint32(32 - _HASH_BITS)
    return hashes
