"""Words and their vectors: nearest neighbours, analogies, and the files that word2vec and GloVe are published in.

Names are those of gensim's KeyedVectors. How vectors are learnt is in `word2vec.py` and `glove.py`.

    3 2                    text: number of words, channels; then a word and its numbers a line (GloVe's: no such header)
    king 0.5 -1.25         binary: the same header; then the word, a space, float32s in little-endian order, a newline
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minigrad.io import CorruptFileError, atomic_write

Floats = NDArray[np.float32]

LONGEST_WORD = 1 << 12  # bytes


class WordVectors:
    """`vectors` (V, D) of `words`, distinct strings.

    >>> square = WordVectors(["man", "woman", "king", "queen"], np.array([[1, 0], [-1, 0], [1, 2], [-1, 2]]))
    >>> square.most_similar(["king", "woman"], ["man"], topn=1)[0][0]
    'queen'
    """

    def __init__(self, words: Sequence[str], vectors: NDArray[np.generic]) -> None:
        self.words = list(words)
        self.vectors: Floats = np.ascontiguousarray(vectors, np.float32)
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.words):
            raise ValueError(f"WordVectors: {len(self.words)} words need as many rows, got {self.vectors.shape}")
        self.index = {word: place for place, word in enumerate(self.words)}
        if len(self.index) < len(self.words):
            twice = next(word for place, word in enumerate(self.words) if self.index[word] != place)
            raise ValueError(f"WordVectors: {twice!r} is there twice")
        norms = np.sqrt(np.einsum("vd,vd->v", self.vectors, self.vectors))[:, None]  # (V, 1)
        self._directions = self.vectors / np.where(norms > 0, norms, 1)  # (V, D)

    def __len__(self) -> int:
        return len(self.words)

    def __getitem__(self, word: str) -> Floats:
        vector: Floats = self.vectors[self._place(word)]
        return vector

    def similarity(self, one: str, other: str) -> float:
        """The cosine of the angle between two words' vectors."""
        return float(self._directions[self._place(one)] @ self._directions[self._place(other)])

    def most_similar(
        self, positive: str | Sequence[str], negative: Sequence[str] = (), topn: int = 10
    ) -> list[tuple[str, float]]:
        """The `topn` words whose directions are nearest to the sum of those of `positive` minus those of `negative`.

        Words that are given are left out. "king" and "woman" minus "man" asks what is to woman as king is to man
        (3CosAdd of Mikolov et al., 2013). Raises KeyError for a word that has no vector, ValueError for none at all.
        """
        positive = [positive] if isinstance(positive, str) else list(positive)
        given = [self._place(word) for word in (*positive, *negative)]
        if not given:
            raise ValueError("most_similar needs at least one word, positive or negative")
        signs = np.array([1] * len(positive) + [-1] * len(negative), np.float32)
        wanted = signs @ self._directions[given]  # (D,)
        norm = float(np.linalg.norm(wanted))
        cosines = self._directions @ (wanted / (norm or 1))  # (V,)
        cosines[given] = -np.inf
        best = np.argsort(-cosines, kind="stable")[: min(topn, len(self) - len(set(given)))]
        return [(self.words[place], float(cosines[place])) for place in best]

    def analogies(self, questions: Iterable[Sequence[str]]) -> float:
        """The share of questions (a, b, c, d), "a is to b as c is to d", whose d is found.

        Questions with a word that has no vector are left out. Raises ValueError where no question can be asked.
        """
        known = [list(q) for q in questions if all(word in self.index for word in q)]
        if not known:
            raise ValueError("analogies: no question whose four words all have vectors")
        right = sum(self.most_similar([b, c], [a], topn=1)[0][0] == d for a, b, c, d in known)
        return right / len(known)

    def _place(self, word: str) -> int:
        try:
            return self.index[word]
        except KeyError:
            raise KeyError(f"{word!r} has no vector; it is not among the {len(self)} words") from None

    def save_word2vec_format(
        self, path: str | os.PathLike[str], binary: bool = False, write_header: bool = True
    ) -> None:
        """Write the vectors, as a whole or not at all; `write_header=False`, text alone, is GloVe's format.

        Text has the shortest digits that give the same float32s. Raises ValueError for a word these formats cannot
        hold: an empty one, and one with white space.
        """
        for word in self.words:
            if not word or len(word.split()) != 1 or word != word.strip():
                raise ValueError(
                    f"{os.fspath(path)}: the format cannot hold the word {word!r}: it ends a word at white space"
                )
        if binary and not write_header:
            raise ValueError("binary word vectors always have a header; leave out binary=True or write_header=False")
        header = f"{len(self)} {self.vectors.shape[1]}\n" if write_header else ""
        parts = [header.encode()]
        for word, vector in zip(self.words, self.vectors):
            if binary:
                parts.append(word.encode() + b" " + vector.astype("<f4").tobytes() + b"\n")
            else:
                parts.append(f"{word} {' '.join(map(str, vector))}\n".encode())
        atomic_write(path, b"".join(parts))


def load_word2vec_format(path: str | os.PathLike[str], binary: bool = False, no_header: bool = False) -> WordVectors:
    """Read word vectors that word2vec, gensim or GloVe (`no_header=True`) wrote.

    Raises:
        CorruptFileError: (a ValueError) naming the file and the line or word: cut short, longer than its header says,
            lines of different lengths, a word twice, a number that is none or not finite, no UTF-8.
        OSError: the file cannot be read.
    """
    if binary and no_header:
        raise ValueError("binary word vectors always have a header; leave out binary=True or no_header=True")
    data = Path(path).read_bytes()
    try:
        words, vectors = _parse_binary(data) if binary else _parse_text(data, no_header)
        if not np.isfinite(vectors).all():
            row = int(np.flatnonzero(~np.isfinite(vectors).all(1))[0])
            raise ValueError(f"the vector of {words[row]!r} holds a number that is not finite")
        return WordVectors(words, vectors)
    except (ValueError, UnicodeDecodeError) as error:
        raise CorruptFileError(f"{os.fspath(path)}: {error}") from None


def _parse_header(line: bytes) -> tuple[int, int]:
    fields = line.split()
    if len(fields) != 2 or not all(field.isdigit() for field in fields):
        raise ValueError(
            f"begins with {line[:40]!r}, which is no header 'words channels'; GloVe's files need no_header=True"
        )
    count, channels = map(int, fields)
    if channels < 1:
        raise ValueError("its header says that vectors have no channels")
    return count, channels


def _parse_text(data: bytes, no_header: bool) -> tuple[list[str], Floats]:
    lines = data.decode().removesuffix("\n").split("\n")
    count, channels = len(lines), max(1, len(lines[0].split()) - 1)
    skipped = 0
    if not no_header:
        count, channels = _parse_header(lines[0].encode())
        skipped = 1
        if len(lines) - 1 != count:
            raise ValueError(f"its header says {count} words, but {len(lines) - 1} lines follow; was it cut short?")
    words = []
    vectors = np.empty((count, channels), np.float32)
    for place, line in enumerate(lines[skipped:]):
        word, *numbers = line.rstrip(" ").split(" ")
        if len(numbers) != channels:
            raise ValueError(f"line {place + skipped + 1} has {len(numbers)} numbers, not {channels}")
        words.append(word)
        try:
            vectors[place] = numbers
        except ValueError:
            raise ValueError(f"line {place + skipped + 1}: not {channels} numbers") from None
    return words, vectors


def _parse_binary(data: bytes) -> tuple[list[str], Floats]:
    end = data.find(b"\n")
    count, channels = _parse_header(data[: end if end >= 0 else 40])
    size = 4 * channels
    if count * (size + 2) > len(data) - end - 1:  # a word is a byte at least, and a space follows
        raise ValueError(f"{len(data)} bytes cannot hold {count} words of {channels} float32s; was it cut short?")
    words = []
    vectors = np.empty((count, channels), np.float32)
    at = end + 1
    for place in range(count):
        space = data.find(b" ", at, at + LONGEST_WORD)
        if space < 0 or len(data) < space + 1 + size:
            raise ValueError(f"ends within word {place + 1} of {count}; was it cut short?")
        words.append(data[at:space].removeprefix(b"\n").decode())
        vectors[place] = np.frombuffer(data, "<f4", channels, space + 1)
        at = space + 1 + size
    if data[at:].strip(b"\n"):
        raise ValueError(f"{len(data) - at} bytes follow its {count} words")
    return words, vectors
