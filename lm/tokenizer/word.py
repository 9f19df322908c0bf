"""Words as tokens, for word vectors: lower-case words that are frequent enough, and where sentences end.

What is rare is one token, and everything between words is none, so a text does not come back from its ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Literal

import numpy as np
import regex
from numpy.typing import NDArray

RARE, END = "<unk>", "</s>"  # ids 0 and 1: any word that has no id, the end of a sentence

# A word is letters, with apostrophes or hyphens between them; a sentence ends with its mark, and with its paragraph.
_PIECES = regex.compile(r"(?P<word>\p{L}+(?:['’-]\p{L}+)*)|(?P<end>[.!?](?=\s)|\n\s*\n)")


class WordTokenizer:
    """The words in `words`, which are distinct, get the ids from 2 on.

    >>> tokenizer = train_words(["To be, or not to be."], min_count=2)
    >>> tokenizer.words, tokenizer.encode("Not to BE. ")
    (('be', 'to'), [0, 3, 2, 1])
    """

    eot_token = None

    def __init__(self, words: Iterable[str]) -> None:
        self.words = tuple(words)
        self._ids = {word: place + 2 for place, word in enumerate(self.words)}
        if len(self._ids) < len(self.words) or self._ids.keys() & {RARE, END, ""}:
            raise ValueError(f"words must be distinct, not empty, and neither {RARE} nor {END}")

    @property
    def vocab_size(self) -> int:
        """How many ids there are."""
        return len(self.words) + 2

    def word(self, id: int) -> str:
        """The word of an id; ValueError outside ``0 .. vocab_size - 1``."""
        if not 0 <= id < self.vocab_size:
            raise ValueError(f"token id {id} is outside 0 .. {self.vocab_size - 1}")
        return (RARE, END)[id] if id < 2 else self.words[id - 2]

    def encode(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """The ids of the words and of the ends of sentences in `text`."""
        return [1 if word == END else self._ids.get(word, 0) for word in _words(text)]

    def encode_to_array(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> NDArray[np.unsignedinteger[Any]]:
        """`encode`, as an array of shape (words,): uint16 when every id fits, else uint32."""
        return np.array(self.encode(text), np.uint16 if self.vocab_size <= 1 << 16 else np.uint32)

    def decode(self, ids: Iterable[int]) -> str:
        """The words, with blanks between them; a line for each sentence."""
        lines: list[list[str]] = [[]]
        for id in ids:
            if id == 1:
                lines.append([])
            else:
                lines[-1].append(self.word(id))
        return "\n".join(" ".join(line) for line in lines if line)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """`decode`, as UTF-8."""
        return self.decode(ids).encode()

    def __repr__(self) -> str:
        return f"WordTokenizer(vocab_size={self.vocab_size})"


def train_words(texts: Iterable[str], min_count: int = 5, vocab_size: int | None = None) -> WordTokenizer:
    """The words that occur at least `min_count` times, the most frequent first; of equals the first in the alphabet.

    `vocab_size` is how many ids there are at most. Raises ValueError where not even two words are frequent enough.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(word for word in _words(text) if word != END)
    frequent = sorted((word for word, count in counts.items() if count >= min_count), key=lambda w: (-counts[w], w))
    if len(frequent) < 2:
        raise ValueError(f"no two words of the text occur {min_count} times; use a longer text or a smaller min_count")
    return WordTokenizer(frequent if vocab_size is None else frequent[: max(0, vocab_size - 2)])


def _words(text: str | bytes) -> Iterator[str]:
    """Words in lower case, and END."""
    for piece in _PIECES.finditer(text.decode() if isinstance(text, bytes) else text):
        yield END if piece["word"] is None else piece["word"].lower()
