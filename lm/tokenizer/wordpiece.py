"""WordPiece, the model of BERT: each word is cut greedily into the longest pieces that the vocabulary has.

Schuster and Nakajima 2012; as in Google's BERT (https://arxiv.org/abs/1810.04805). How its vocabulary is learnt is
`wordpiece_training`'s subject, how its text is cleaned `normalizers.BertNormalizer`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import regex

from lm.tokenizer.bert_characters import PUNCTUATION
from lm.tokenizer.translation import Translation

CACHED_WORDS = 1 << 16

_WORD = regex.compile(r"\S+")
_apart = Translation(lambda character: f" {character} " if ord(character) in PUNCTUATION else character)


def bert_words(text: str) -> list[str]:
    """Runs of what is no white space, with every punctuation character a word of its own.

    >>> bert_words("don't,  do!")
    ['don', "'", 't', ',', 'do', '!']
    """
    words: list[str] = _WORD.findall(text.translate(_apart))
    return words


@dataclass(frozen=True)
class WordPiece:
    """Words into pieces: the first is looked up as it is, the others behind `continuing_subword_prefix`.

    Attributes:
        vocabulary: piece to id.
        unk_token: stands for a word that can not be cut into pieces, and for one longer than
            `max_input_chars_per_word` code points. It is in the vocabulary; ValueError if not.
        unreachable: pieces that no text gives (special tokens).
        cleanup: `decode` takes out the space before `.`, `,`, `!` and `?`, and in English contractions.

    >>> model = WordPiece({"[UNK]": 0, "token": 1, "##ize": 2, "##r": 3, "!": 4})
    >>> model.encode("tokenizer tokens!"), model.decode([1, 2, 3, 4], {})
    ([1, 2, 3, 0, 4], b'tokenizer!')
    """

    vocabulary: Mapping[str, int]
    unk_token: str = "[UNK]"
    continuing_subword_prefix: str = "##"
    max_input_chars_per_word: int = 100
    unreachable: frozenset[str] = frozenset()
    cleanup: bool = True

    def __post_init__(self) -> None:
        if self.unk_token not in self.vocabulary:
            raise ValueError(f"the vocabulary does not have {self.unk_token[:40]!r}, its token for what is unknown")

    @cached_property
    def _piece_id(self) -> dict[str, int]:
        return {piece: id for piece, id in self.vocabulary.items() if piece not in self.unreachable}

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self.vocabulary))

    @cached_property
    def _words(self) -> _Words:
        return _Words(self)

    @cached_property
    def _spelling(self) -> dict[int, str]:
        return {id: piece for piece, id in self.vocabulary.items()}

    @property
    def ids(self) -> Iterable[int]:
        """All ids there are."""
        return self._spelling.keys()

    def spelling(self, id: int) -> bytes:
        """One piece, with its prefix."""
        return self._spelling[id].encode()

    def encode(self, text: str, at_start: bool = True) -> list[int]:
        """The ids of `text`, which is normalized."""
        return [id for word in bert_words(text) for id in self._words[word]]

    def pieces(self, word: str) -> tuple[int, ...]:
        """The ids of one word."""
        unknown = (self.vocabulary[self.unk_token],)
        if len(word) > self.max_input_chars_per_word:
            return unknown
        ids: list[int] = []
        start, prefix = 0, ""
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                id = self._piece_id.get(prefix + word[start:end])
                if id is not None:
                    break
            else:
                return unknown
            ids.append(id)
            start, prefix = end, self.continuing_subword_prefix
        return tuple(ids)

    def decode(self, ids: Sequence[int], spelling_of: Mapping[int, bytes]) -> bytes:
        """The text of `ids`, words between single spaces: how they were spaced is not in the ids."""
        words: list[str] = []
        for at, id in enumerate(ids):
            piece = spelling_of[id].decode() if id in spelling_of else self._spelling[id]
            if at and piece.startswith(self.continuing_subword_prefix):
                piece = piece.removeprefix(self.continuing_subword_prefix)
            elif at:
                piece = " " + piece
            words.append(_clean(piece) if self.cleanup else piece)
        return "".join(words).encode("utf-8", "surrogatepass")


class _Words(dict[str, tuple[int, ...]]):
    """word -> ids. Remembers `CACHED_WORDS`, then starts anew; a word has at most a hundred characters or one id."""

    def __init__(self, model: WordPiece) -> None:
        super().__init__()
        self._model = model

    def __missing__(self, word: str) -> tuple[int, ...]:
        ids = self._model.pieces(word)
        if len(word) <= self._model.max_input_chars_per_word:
            if len(self) >= CACHED_WORDS:
                self.clear()
            self[word] = ids
        return ids


def _clean(piece: str) -> str:
    for spaced, joined in (
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
        (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ):  # fmt: skip
        piece = piece.replace(spaced, joined)
    return piece
