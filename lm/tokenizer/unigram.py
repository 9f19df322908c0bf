"""The unigram language model of SentencePiece, the model of T5: of all ways to cut a word, the most probable one.

Kudo 2018 (https://arxiv.org/abs/1804.10959), found with Viterbi's algorithm. Vocabularies are read, not learnt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import regex

CACHED_WORDS = 1 << 16
CACHED_CHARACTERS = 256

_UNKNOWN_PENALTY = 10.0  # below the least probable piece

_WORD = regex.compile(r"\S+")


@dataclass(frozen=True)
class Metaspace:
    """How a text is cut into words that keep their white space, as a visible character before them.

    Attributes:
        replacement: what a space is written as.
        prepend_scheme: puts one before every part of the text ("always"), the text's beginning ("first"), or nothing.
        split: cuts before every replacement; False leaves a part whole.
        whitespace_split: cuts at white space of any kind first, and drops it.

    >>> list(Metaspace(whitespace_split=True).words(" two\\n  words", at_start=True))
    ['▁two', '▁words']
    >>> list(Metaspace().words("two  words", at_start=True))
    ['▁two', '▁', '▁words']
    """

    replacement: str = "▁"
    prepend_scheme: Literal["always", "first", "never"] = "always"
    split: bool = True
    whitespace_split: bool = False

    def words(self, text: str, at_start: bool) -> Iterator[str]:
        parts = [(m.start(), m.group()) for m in _WORD.finditer(text)] if self.whitespace_split else [(0, text)]
        mark = self.replacement
        for start, part in parts:
            part = part.replace(" ", mark)
            first = at_start and start == 0
            if (self.prepend_scheme == "always" or (self.prepend_scheme == "first" and first)) and part[:1] != mark:
                part = mark + part
            if not self.split:
                yield part
                continue
            head, *tails = part.split(mark)
            if head:
                yield head
            yield from (mark + tail for tail in tails)

    def text(self, pieces: Sequence[str]) -> str:
        """What `pieces` spell: spaces again, without the one before the first."""
        first = "" if self.prepend_scheme != "never" else " "
        return "".join([p.replace(self.replacement, " " if at else first) for at, p in enumerate(pieces)])


@dataclass(frozen=True)
class Unigram:
    """Words into the pieces with the highest sum of scores (logarithms of probabilities).

    Attributes:
        vocabulary: (piece, score) by id.
        unk_id: stands for a run of characters that are no pieces, None where that is an error.
        metaspace: how a text is cut into words.
        unreachable: pieces that no text gives (special tokens).

    Raises ValueError for a piece that is there twice, for a score that is not finite, for an `unk_id` beyond them.

    >>> pieces = [("<unk>", 0.0), ("▁", -3.0), ("▁a", -2.0), ("b", -3.0), ("ab", -4.0), ("bb", -4.0)]
    >>> Unigram(pieces, unk_id=0).encode("abb bx")
    [2, 5, 1, 3, 0]
    """

    vocabulary: Sequence[tuple[str, float]]
    unk_id: int | None = None
    metaspace: Metaspace = Metaspace(whitespace_split=True)
    unreachable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "vocabulary", tuple(self.vocabulary))
        if len(self._id_of) < len(self.vocabulary):
            at, piece = next((at, piece) for at, (piece, _) in enumerate(self.vocabulary) if self._id_of[piece] != at)
            raise ValueError(f"piece {piece[:40]!r} is there twice, as {at} and {self._id_of[piece]}")
        for piece, score in self.vocabulary:
            if not -1e30 < score < 1e30:
                raise ValueError(f"the score of piece {piece[:40]!r} is {score}")
        if self.unk_id is not None and not 0 <= self.unk_id < len(self.vocabulary):
            raise ValueError(f"unk_id {self.unk_id} is outside the {len(self.vocabulary)} pieces")

    @cached_property
    def _id_of(self) -> dict[str, int]:
        return {piece: id for id, (piece, _) in enumerate(self.vocabulary)}

    @cached_property
    def _score_of(self) -> dict[str, float]:
        return {piece: score for piece, score in self.vocabulary if piece not in self.unreachable}

    @cached_property
    def _longest(self) -> dict[str, int]:
        """How long the longest piece is that begins with two characters."""
        longest: dict[str, int] = {}
        for piece in self._score_of:
            longest[piece[:2]] = max(len(piece), longest.get(piece[:2], 0))
        return longest

    @cached_property
    def _unknown_score(self) -> float:
        return min((score for _, score in self.vocabulary), default=0.0) - _UNKNOWN_PENALTY

    @cached_property
    def _words(self) -> _Words:
        return _Words(self)

    @property
    def ids(self) -> Iterable[int]:
        """All ids there are."""
        return range(len(self.vocabulary))

    def spelling(self, id: int) -> bytes:
        """One piece, with the mark that stands for a space."""
        return self.vocabulary[id][0].encode()

    def encode(self, text: str, at_start: bool = True) -> list[int]:
        """The ids of `text`, which is normalized; `at_start` if nothing stands before it."""
        return [id for word in self.metaspace.words(text, at_start) for id in self._words[word]]

    def best(self, word: str) -> list[str]:
        """The most probable pieces of `word`; characters that are none, joined where several follow one another."""
        score_of, longest, unknown_score = self._score_of.get, self._longest.get, self._unknown_score
        scores = [0.0] + [float("-inf")] * len(word)  # of the best way to cut the first i characters
        begins = [0] * (len(word) + 1)  # where the last piece of that way begins
        known = [True] * (len(word) + 1)  # whether it is in the vocabulary
        for start in range(len(word)):
            here = scores[start]
            for end in range(start + 1, min(start + longest(word[start : start + 2], 1), len(word)) + 1):
                score = score_of(word[start:end])
                if score is not None and here + score > scores[end]:
                    scores[end], begins[end], known[end] = here + score, start, True
            if here + unknown_score > scores[start + 1] and score_of(word[start]) is None:
                scores[start + 1], begins[start + 1], known[start + 1] = here + unknown_score, start, False
        ends = [len(word)] if word else []
        while ends and begins[ends[-1]]:
            ends.append(begins[ends[-1]])
        spans: list[tuple[int, int]] = []
        after_unknown = False
        for end in reversed(ends):
            if after_unknown and not known[end]:
                spans[-1] = spans[-1][0], end
            else:
                spans.append((begins[end], end))
            after_unknown = not known[end]
        return [word[start:end] for start, end in spans]

    def pieces(self, word: str) -> tuple[int, ...]:
        """The ids of one word."""
        ids = []
        for piece in self.best(word):
            id = self.unk_id if piece in self.unreachable else self._id_of.get(piece, self.unk_id)
            if id is None:
                raise ValueError(f"the vocabulary has neither {piece[:40]!r} nor a token for what is unknown")
            ids.append(id)
        return tuple(ids)

    def decode(self, ids: Sequence[int], spelling_of: Mapping[int, bytes]) -> bytes:
        """The text of `ids`, without the space that the first word got."""
        pieces = [spelling_of[id].decode() if id in spelling_of else self.vocabulary[id][0] for id in ids]
        return self.metaspace.text(pieces).encode("utf-8", "surrogatepass")


class _Words(dict[str, tuple[int, ...]]):
    """word -> ids. Remembers `CACHED_WORDS` short ones, then starts anew."""

    def __init__(self, model: Unigram) -> None:
        super().__init__()
        self._model = model

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids = self._model.pieces(word)
        if len(word) <= CACHED_CHARACTERS:
            if len(self) >= CACHED_WORDS:
                self.clear()
            self[word] = ids
        return ids
