"""The tokenizer whose tokens are the characters of one text."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


class UnknownCharacterError(ValueError):
    """A text holds a character that the tokenizer does not have, `offset` characters from its start."""

    def __init__(self, text: str, offset: int, vocab_size: int) -> None:
        super().__init__(
            f"character U+{ord(text[offset]):04X} at offset {offset} is not among the {vocab_size} characters of this "
            f"tokenizer; was it made from another text?"
        )
        self.offset = offset


class CharacterTokenizer:
    """One token for each distinct character (Unicode code point) of `text`, in code point order.

    Raises ValueError when `text` is empty.

    >>> tokenizer = CharacterTokenizer("hello")
    >>> tokenizer.encode("hole")
    [1, 3, 2, 0]
    >>> tokenizer.decode([1, 0, 2, 2, 3])
    'hello'
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a character vocabulary is taken from a str, not from {type(text).__name__}")
        if not text:
            raise ValueError("a character vocabulary needs a text of at least one character")
        self.characters = "".join(sorted(set(text)))
        self._code_points = _code_points(self.characters)

    @property
    def vocab_size(self) -> int:
        return len(self.characters)

    @property
    def eot_token(self) -> None:
        """None: there is no token between documents, nor any other special token."""
        return None

    def encode(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """The ids of `text`, one a character. Bytes must be UTF-8.

        There are no special tokens, so that of those arguments "all" and an empty collection mean the same; they are
        there because every tokenizer has them.

        Raises ValueError: UnknownCharacterError for a character outside the vocabulary, UnicodeDecodeError for bytes
        that are not UTF-8, and for a special token that is named.
        """
        ids: list[int] = self.encode_to_array(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        ).tolist()
        return ids

    def encode_to_array(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> NDArray[np.unsignedinteger[Any]]:
        """`encode`, as an array of shape (characters,): uint16 when every id fits, else uint32."""
        for spellings in (allowed_special, disallowed_special):
            if spellings and spellings != "all":
                raise ValueError(f"a character tokenizer has no special tokens, so not {spellings!r}")
        if isinstance(text, bytes):
            text = text.decode()
        if not isinstance(text, str):
            raise TypeError(f"a text is a str or bytes, not {type(text).__name__}")
        wanted = _code_points(text)
        ids = np.minimum(np.searchsorted(self._code_points, wanted), self.vocab_size - 1)
        unknown = self._code_points[ids] != wanted
        if unknown.any():
            raise UnknownCharacterError(text, int(unknown.argmax()), self.vocab_size)
        return ids.astype(np.uint16 if self.vocab_size <= 1 << 16 else np.uint32)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`; raises ValueError for an id outside ``0 .. vocab_size - 1``."""
        ids = list(ids)
        for position, id in enumerate(ids):
            if not 0 <= id < self.vocab_size:
                raise ValueError(f"token id {id} at position {position} is outside 0 .. {self.vocab_size - 1}")
        return "".join([self.characters[id] for id in ids])

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """`decode`, as UTF-8; lone surrogates, which UTF-8 leaves out, as Python's ``surrogatepass`` writes them."""
        return self.decode(ids).encode("utf-8", "surrogatepass")

    def __repr__(self) -> str:
        return f"CharacterTokenizer(vocab_size={self.vocab_size})"


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")
