"""Ids back to bytes: by array for many ids, and piece by piece for text that is to be shown as it comes."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer.merging import spread

_BLOCK = 1 << 15  # ids, whose bytes stay in the processor's cache


class Joiner:
    """Joins the bytes of many tokens, which are laid out for it once."""

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self.lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
        self._bytes = np.frombuffer(b"".join(tokens) + bytes(8), np.uint8)
        self._starts = np.cumsum(self.lengths) - self.lengths
        self._heads = np.ndarray(len(self._bytes) - 7, "<u8", buffer=self._bytes, strides=(1,))[self._starts]

    def join(self, ids: NDArray[np.integer[Any]]) -> bytes:
        """The bytes of `ids`, all of which must be ids."""
        return b"".join([self._join(ids[i : i + _BLOCK]) for i in range(0, len(ids), _BLOCK)])

    def _join(self, ids: NDArray[np.integer[Any]]) -> bytes:
        """Eight bytes are written for each token, in order, so that each overwrites what came along after the one
        before it. What long tokens have beyond is written afterwards.
        """
        lengths = self.lengths.take(ids)  # (ids,)
        ends = np.cumsum(lengths)
        size = int(ends[-1]) if len(ends) else 0
        out = np.empty(size + 8, np.uint8)
        starts = ends - lengths
        np.ndarray(size + 1, "<u8", buffer=out, strides=(1,))[starts] = self._heads.take(ids)
        long = np.flatnonzero(lengths > 8)
        if len(long):
            more = lengths[long] - 8
            out[spread(starts[long] + 8, more)] = self._bytes[spread(self._starts[ids[long]] + 8, more)]
        return out[:size].tobytes()


class StreamDecoder:
    """Text from bytes that come in pieces: a character appears as soon as its last byte is there.

    Joined, the pieces of text are the whole bytes read as UTF-8 with U+FFFD for what is none, however the bytes
    were cut into pieces.

    >>> decoder = StreamDecoder()
    >>> [decoder.feed(piece) for piece in (b"caf", b"\\xc3", b"\\xa9", b"\\xe2\\x82")], decoder.finish()
    (['caf', '', 'é', ''], '\\ufffd')
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        """The text that `data` completes."""
        return self._decoder.decode(data)

    def finish(self) -> str:
        """What a character that was cut off becomes; the decoder is then as new."""
        return self._decoder.decode(b"", final=True)
