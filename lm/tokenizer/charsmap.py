"""SentencePiece's precompiled normalization: a table of replacements in the blob that a vocabulary brings with it.

T5's is `nmt_nfkc`: NFKC, control characters out, every white space a space.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import regex

from lm.tokenizer.translation import Translation

MAX_CHARSMAP_BYTES = 1 << 22
MAX_REPLACEMENT_BYTES = 256  # the longest of NFKC has 33

_REMEMBERED = 1 << 16
_SHORT = 6  # bytes: a shorter user-perceived character is looked up whole before its code points are


@dataclass(frozen=True)
class Precompiled:
    """Replaces what the table in `precompiled_charsmap` has a replacement for, as `tokenizers` does.

    The blob: the size in bytes of a double-array trie (uint32), the trie (uint32 units), and the replacements, each
    ended by a zero byte; all little-endian. A trie's value is where in the replacements a key's begins. Unit by unit
    (Yata's darts-clone, https://github.com/s-yata/darts-clone): the label in the low 8 bits, "a value follows" in bit
    8, and the offset to the children above, stored in steps of 256 where bit 9 is set.

    A text is taken by user-perceived characters; of a short one the *shortest* key that begins it replaces all of it,
    otherwise each code point is looked up alone. Raises ValueError for a blob that cannot be one.
    """

    precompiled_charsmap: bytes

    def __post_init__(self) -> None:
        blob = self.precompiled_charsmap
        size = int.from_bytes(blob[:4], "little")
        if not 8 <= len(blob) <= MAX_CHARSMAP_BYTES or size % 4 or not 4 <= size <= len(blob) - 4:
            raise ValueError(f"the precompiled charsmap, {len(blob)} bytes, is cut off or no charsmap")
        if self.longest > MAX_REPLACEMENT_BYTES:
            raise ValueError(f"the precompiled charsmap replaces by more than {MAX_REPLACEMENT_BYTES} bytes")

    @cached_property
    def longest(self) -> int:
        """The bytes of the longest replacement."""
        return max(map(len, self._replacements.split(b"\0")))

    @cached_property
    def _units(self) -> list[int]:
        units: list[int] = np.frombuffer(self.precompiled_charsmap[4 : self._trie_end], dtype="<u4").tolist()
        return units

    @cached_property
    def _replacements(self) -> bytes:
        return self.precompiled_charsmap[self._trie_end :]

    @property
    def _trie_end(self) -> int:
        return 4 + int.from_bytes(self.precompiled_charsmap[:4], "little")

    @cached_property
    def _replaced_code_point(self) -> Translation:
        return Translation(self.replace)

    @cached_property
    def _replaced(self) -> _Remembered:
        return _Remembered(self)

    def __call__(self, text: str) -> str:
        if text.isascii() and "\r" not in text:  # every code point is a user-perceived character
            return text.translate(self._replaced_code_point)
        return "".join(map(self._replaced.__getitem__, regex.findall(r"\X", text)))

    def replace(self, character: str) -> str:
        """One user-perceived character, normalized."""
        if len(character.encode("utf-8", "surrogatepass")) < _SHORT:
            whole = self._look_up(character)
            if whole is not None:
                return whole
        replaced = [(self._look_up(code_point), code_point) for code_point in character]
        return "".join(code_point if new is None else new for new, code_point in replaced)

    def _look_up(self, key: str) -> str | None:
        """What the shortest key that `key` begins with is replaced by, None where there is no such key."""
        at = _offset(self._units[0])
        for byte in key.encode("utf-8", "surrogatepass"):
            at ^= byte
            if byte == 0 or at >= len(self._units) or self._units[at] & _LABEL != byte:
                return None
            has_value = self._units[at] & 0x100
            at ^= _offset(self._units[at])
            if has_value and at < len(self._units):
                start = self._units[at] & 0x7FFFFFFF
                return self._replacements[start : self._replacements.find(b"\0", start)].decode("utf-8", "replace")
        return None


_LABEL = 0x800000FF  # bit 31 marks a unit that holds a value and so has no label


def _offset(unit: int) -> int:
    return (unit >> 10) << ((unit & 0x200) >> 6)


class _Remembered(dict[str, str]):
    """What a user-perceived character becomes; a bounded number of them."""

    def __init__(self, charsmap: Precompiled) -> None:
        super().__init__()
        self._charsmap = charsmap

    def __missing__(self, character: str) -> str:
        replaced = self._charsmap.replace(character)
        if len(character) <= 8:
            if len(self) == _REMEMBERED:
                self.clear()
            self[character] = replaced
        return replaced
