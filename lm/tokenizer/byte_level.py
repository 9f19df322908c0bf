"""Byte-level BPE under the ids of a published vocabulary, which may be any: the engine is `bpe`'s.

GPT-2, RoBERTa and Llama 3 are such vocabularies. Their files write every byte as one printable character.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from lm.tokenizer.bpe import BYTE_ORDER, BPETokenizer
from lm.tokenizer.encoder import Encoder
from lm.tokenizer.splitting import as_text, split_pattern, word_bytes

# A printable byte is written as the character with its code point, the n-th of the others as U+0100 + n.
_CODE_POINTS = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100), *range(0x100, 0x144)]
_BYTE_OF = {chr(code): byte for code, byte in zip(_CODE_POINTS, BYTE_ORDER, strict=True)}
_CHARACTER_OF = {byte: character for character, byte in _BYTE_OF.items()}


def spell(token: bytes) -> str:
    """The bytes of a token as the files of GPT-2 and its relatives write them.

    >>> spell(" né".encode())
    'ĠnÃ©'
    """
    return "".join([_CHARACTER_OF[byte] for byte in token])


def unspell(spelling: str) -> bytes | None:
    """The bytes that `spell` wrote as `spelling`; None for what it never writes."""
    try:
        return bytes([_BYTE_OF[character] for character in spelling])
    except KeyError:
        return None


@dataclass(frozen=True)
class ByteLevel:
    """Byte-level BPE whose tokens have the ids of `vocabulary`.

    Attributes:
        vocabulary: a token's bytes to its id. Tokens that are neither a byte nor a merge's result have no way to be
            encoded, but for `whole_words`.
        merges: pairs of tokens, the earlier the sooner joined. Both are bytes or results of earlier merges, and what
            they make is in `vocabulary`.
        pattern: how text is cut into words, a name from `splitting.PATTERN_NAMES`.
        add_prefix_space: puts a space before a text that does not begin with one.
        whole_words: a word that is a token is that token, whatever the merges make of it (`ignore_merges` of
            `tokenizer.json`; always so in tiktoken).

    Raises ValueError, naming the entry, where that does not hold, and for what `BPETokenizer` refuses.

    >>> vocabulary = {bytes([byte]): byte for byte in range(256)} | {b"he": 300, b"hel": 299}
    >>> model = ByteLevel(vocabulary, [(b"h", b"e"), (b"he", b"l")])
    >>> model.encode("he hello"), model.decode([299, 108, 111], {})
    ([300, 32, 299, 108, 111], b'hello')
    """

    vocabulary: Mapping[bytes, int]
    merges: Sequence[tuple[bytes, bytes]]
    pattern: str = "gpt2"
    add_prefix_space: bool = False
    whole_words: bool = False
    unknown: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "merges", tuple(self.merges))
        self._engine  # noqa: B018  what is wrong with the merges is said here

    @cached_property
    def _engine(self) -> BPETokenizer:
        """The merges under the ids that `BPETokenizer` gives them: bytes in `BYTE_ORDER`, then the merges' results."""
        id_of = {bytes([byte]): id for id, byte in enumerate(BYTE_ORDER)}
        merges = []
        for rank, (left, right) in enumerate(self.merges):
            for part in (left, right):
                if part not in id_of or (len(part) == 1 and part not in self.vocabulary):
                    raise ValueError(
                        f"merge {rank} joins {spell(part)[:40]!r}, which is no byte and no result of an earlier merge"
                    )
            if left + right not in self.vocabulary:
                raise ValueError(f"merge {rank} makes {spell(left + right)[:40]!r}, which the vocabulary does not have")
            merges.append((id_of[left], id_of[right]))
            id_of.setdefault(left + right, len(id_of))
        return BPETokenizer(merges, pattern=self.pattern)

    @cached_property
    def _ids(self) -> list[int]:
        """Id of the encoder to id of the vocabulary; -1 for a byte that it does not have."""
        tokens = map(self._engine.token_bytes, range(self._engine.vocab_size))
        unknown = -1 if self.unknown is None else self.unknown
        return [*(self.vocabulary.get(token, unknown) for token in tokens), *self.exceptions.values()]

    @cached_property
    def _encoder(self) -> Encoder:
        """The engine's, with the exceptions behind all its ids."""
        whole_words = {token: self._engine.vocab_size + at for at, token in enumerate(self.exceptions)}
        return self._engine.encoder.with_whole_words(whole_words) if whole_words else self._engine.encoder

    @cached_property
    def exceptions(self) -> dict[bytes, int]:
        """The words that are tokens, and that the merges alone would not make into that token."""
        if not self.whole_words:
            return {}
        words = split_pattern(self.pattern).words
        _, counts = self._engine.encoder.merger.merge_many(list(self.vocabulary))
        several = (item for item, count in zip(self.vocabulary.items(), counts.tolist()) if count != 1)
        return {token: id for token, id in several if len(words(as_text(token))) == 1}

    @cached_property
    def _token_of(self) -> dict[int, bytes]:
        return {id: token for token, id in self.vocabulary.items()}

    @property
    def ids(self) -> Iterable[int]:
        """All ids there are."""
        return self._token_of.keys()

    def spelling(self, id: int) -> bytes:
        """The bytes of one token."""
        return self._token_of[id]

    @property
    def essence(self) -> ByteLevel:
        """The same model without what makes no difference: `whole_words` without exceptions, `unknown` where every byte
        has a token."""
        every_byte = all(bytes([byte]) in self.vocabulary for byte in range(256))
        unknown = None if every_byte else self.unknown
        return replace(self, whole_words=self.whole_words and bool(self.exceptions), unknown=unknown)

    def encode(self, text: str, at_start: bool = True) -> list[int]:
        """The ids of `text`, a part of `splitting.as_text`."""
        if self.add_prefix_space and not text.startswith(" "):
            text = " " + text
        ids = list(map(self._ids.__getitem__, self._encoder.encode(text)))
        if ids and min(ids) < 0:
            missing = next(byte for byte in word_bytes(text) if bytes([byte]) not in self.vocabulary)
            raise ValueError(f"the vocabulary has no token for byte 0x{missing:02X}, nor one for what is unknown")
        return ids

    def decode(self, ids: Sequence[int], spelling_of: Mapping[int, bytes]) -> bytes:
        """The bytes of `ids`; those in `spelling_of` have the ones given there."""
        tokens = self._token_of
        return b"".join([spelling_of[id] if id in spelling_of else tokens[id] for id in ids])
