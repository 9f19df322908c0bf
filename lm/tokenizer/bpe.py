"""Byte-level byte-pair encoding: the tokenizer, and which vocabularies there can be.

Where its merges come from is `training`'s subject, how text becomes ids `encoder`'s, its file `files`'s.
Sennrich et al. 2016 (https://arxiv.org/abs/1508.07909); on bytes and with the split into words: Radford et al. 2019.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import count
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import regex
from numpy.typing import NDArray

from lm.tokenizer.boundaries import byte_offsets
from lm.tokenizer.decoding import Joiner
from lm.tokenizer.encoder import Encoder
from lm.tokenizer.merging import Merger
from lm.tokenizer.splitting import as_text, split_pattern

# GPT-2 writes each byte as a printable character, and ids follow the characters' code points: the bytes that are
# printable in Latin-1 stand for themselves and come first, the others are moved to U+0100 and above.
_PRINTABLE = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
BYTE_ORDER = bytes(_PRINTABLE + [byte for byte in range(256) if byte not in _PRINTABLE])

MAX_VOCAB_SIZE = 1 << 20
MAX_SPECIAL_TOKENS = 1 << 14  # a text is searched for them one by one
MAX_TOKEN_BYTES = 256
MAX_VOCABULARY_BYTES = 1 << 26  # all tokens together; forty merges can spell a terabyte

MANY_IDS = 256  # from here on, ids are decoded by array


class BPETokenizer:
    """A byte-level BPE tokenizer: any text and any bytes encode, and decode to the same bytes.

    Every id is one of: a special token (`special_tokens` gives their ids), a byte, the result of a merge. Bytes, in
    GPT-2's order (`BYTE_ORDER`), and then the merges' results take, in ascending order, the ids that special tokens
    leave free. A merge whose bytes already have an id yields that id (training makes no such merge, but some
    published vocabularies hold every way to spell a token).

    Args:
        merges: pairs of ids, in the order of their priority; both ids must exist before their merge.
        special_tokens: spelling to id. Special tokens are never the result of a merge, and `encode` yields them only
            where it is told so.
        pattern: how text is split into words, a name from `splitting.PATTERN_NAMES`.

    Attributes:
        encoder: makes ids of text in which there are no special tokens.

    Raises ValueError, naming the entry, for an unknown pattern, for a merge of ids that do not exist yet or that
    is there twice, for special ids that leave a hole in ``0 .. vocab_size - 1``, and beyond `MAX_VOCAB_SIZE` ids,
    `MAX_SPECIAL_TOKENS` special tokens, `MAX_TOKEN_BYTES` bytes in a token and `MAX_VOCABULARY_BYTES` in all.

    >>> tokenizer = BPETokenizer([(71, 68), (256, 75), (257, 75)], special_tokens={"<|endoftext|>": 259})
    >>> tokenizer.encode("hell")
    [258]
    >>> [tokenizer.token_bytes(id) for id in tokenizer.encode(b"hello \\xff")]
    [b'hell', b'o', b' ', b'\\xff']
    >>> tokenizer.encode("hell<|endoftext|>", allowed_special="all")
    [258, 259]
    """

    def __init__(
        self,
        merges: Iterable[tuple[int, int]],
        *,
        special_tokens: Mapping[str, int] | None = None,
        pattern: str = "gpt2",
    ) -> None:
        self.merges: tuple[tuple[int, int], ...] = tuple(merges)
        self._special_tokens = dict(special_tokens or {})
        split_pattern(pattern)  # which refuses an unknown name
        if len(self.merges) > MAX_VOCAB_SIZE:
            raise ValueError(f"more than {MAX_VOCAB_SIZE} merges")
        if len(self._special_tokens) > MAX_SPECIAL_TOKENS:
            raise ValueError(f"{len(self._special_tokens)} special tokens, more than {MAX_SPECIAL_TOKENS}")
        _check_special_tokens(self._special_tokens)

        token_of = {id: spelling.encode() for spelling, id in self._special_tokens.items()}
        special_ids = frozenset(token_of)
        free = (id for id in count() if id not in special_ids)
        byte_id = {byte: next(free) for byte in BYTE_ORDER}
        token_of |= {id: bytes([byte]) for byte, id in byte_id.items()}
        id_of = {bytes([byte]): id for byte, id in byte_id.items()}
        rank_of: dict[tuple[int, int], int] = {}
        merged: list[int] = []
        vocabulary_bytes = 0
        for rank, pair in enumerate(self.merges):
            for id in pair:
                if id not in token_of or id in special_ids:
                    raise ValueError(f"merge {rank} joins id {id}, which is no byte and no result of an earlier merge")
            if rank_of.setdefault(pair, rank) != rank:
                raise ValueError(f"merge {rank} repeats merge {rank_of[pair]}")
            token = token_of[pair[0]] + token_of[pair[1]]
            if len(token) > MAX_TOKEN_BYTES:
                raise ValueError(f"merge {rank} makes a token of {len(token)} bytes, more than {MAX_TOKEN_BYTES}")
            vocabulary_bytes += len(token)
            if vocabulary_bytes > MAX_VOCABULARY_BYTES:
                raise ValueError(f"merge {rank} takes the vocabulary beyond {MAX_VOCABULARY_BYTES} bytes")
            if token not in id_of:
                id_of[token] = next(free)
                token_of[id_of[token]] = token
            merged.append(id_of[token])

        size = len(token_of)
        if size > MAX_VOCAB_SIZE:
            raise ValueError(f"a vocabulary of {size} ids; at most {MAX_VOCAB_SIZE} are possible")
        for spelling, id in self._special_tokens.items():
            if id >= size:
                raise ValueError(f"special token {spelling!r} has id {id}, but there are only {size} ids")
        self._tokens = [token_of[id] for id in range(size)]
        self._dtype = np.dtype(np.uint16 if size <= 1 << 16 else np.uint32)
        merger = Merger([byte_id[byte] for byte in range(256)], self.merges, merged)
        self.encoder = Encoder(merger, (token_of[id] for id in sorted(set(merged))), split_pattern(pattern))

    @property
    def vocab_size(self) -> int:
        """How many ids there are: special tokens, 256 bytes and the distinct results of merges."""
        return len(self._tokens)

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Spelling to id, read-only."""
        return MappingProxyType(self._special_tokens)

    @property
    def pattern(self) -> str:
        """The name of the split pattern."""
        return self.encoder.split.name

    @property
    def eot_token(self) -> int | None:
        """The id of ``<|endoftext|>``, None where there is no such special token (tiktoken's name)."""
        return self.special_tokens.get("<|endoftext|>")

    def token_bytes(self, id: int) -> bytes:
        """The bytes of one token, a special token's spelling included; raises ValueError for an unknown id."""
        return self.decode_bytes([id])

    def encode(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """The ids of `text`.

        A string stands for its UTF-8 bytes; lone surrogates, which UTF-8 leaves out, for the three bytes that
        Python's ``surrogatepass`` gives them. Bytes need not be UTF-8.

        Special tokens (tiktoken's arguments): the spellings in `allowed_special` become their ids, a spelling in
        `disallowed_special` ("all": those not allowed) raises ValueError, and any other is text like any text. So by
        default text that came from outside can not bring special tokens in. ``disallowed_special=()`` takes
        everything as plain text.
        """
        ids: list[int] = []
        for part in self._parts(text, allowed_special, disallowed_special):
            if isinstance(part, int):
                ids.append(part)
            else:
                ids += self.encoder.encode(part)
        return ids

    def encode_to_array(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> NDArray[np.unsignedinteger[Any]]:
        """`encode`, as an array of shape (tokens,): uint16 when every id fits, else uint32. Made for long texts."""
        arrays: list[NDArray[np.unsignedinteger[Any]]] = []
        for part in self._parts(text, allowed_special, disallowed_special):
            if isinstance(part, int):
                arrays.append(np.array([part], self._dtype))
            else:
                arrays += (ids.astype(self._dtype) for ids in self.encoder.arrays(part))
        return np.concatenate(arrays) if arrays else np.zeros(0, self._dtype)

    def encode_with_offsets(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.int64]]:
        """`encode_to_array`, and where each token lies in `text`: (tokens,) and (tokens, 2), start and end.

        Places are characters of a string, and bytes of bytes. A token that holds a part of a character lies where the
        whole character does, so that the ranges of the tokens of one character overlap.

        >>> ids, offsets = BPETokenizer([(66, 64)]).encode_with_offsets("ca é")
        >>> offsets.tolist()
        [[0, 2], [2, 3], [3, 4], [3, 4]]
        """
        ids = self.encode_to_array(text, allowed_special=allowed_special, disallowed_special=disallowed_special)
        ends = np.cumsum(self._joiner.lengths.take(ids))
        offsets = np.stack([np.append(0, ends)[:-1], ends], axis=1)  # (tokens, 2), bytes
        if isinstance(text, bytes) or text.isascii():
            return ids, offsets
        sizes = np.diff(byte_offsets(text, lone_is_byte=False))
        character = np.repeat(np.arange(len(text)), sizes)  # of each byte
        offsets[:, 0] = character[offsets[:, 0]]
        offsets[:, 1] = character[offsets[:, 1] - 1] + 1
        return ids, offsets

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of `ids`, exactly those that were encoded; ValueError for an id outside ``0 .. vocab_size - 1``."""
        if isinstance(ids, np.ndarray | list) and len(ids) >= MANY_IDS:
            numbers = _integers(ids)
            if numbers is not None and numbers.min() >= 0 and numbers.max() < self.vocab_size:
                return self._joiner.join(numbers)
        ids = list(ids)
        if ids and (min(ids) < 0 or max(ids) >= self.vocab_size):
            position, id = next((at, id) for at, id in enumerate(ids) if not 0 <= id < self.vocab_size)
            raise ValueError(f"token id {id} at position {position} is outside 0 .. {self.vocab_size - 1}")
        return b"".join([self._tokens[id] for id in ids])

    @cached_property
    def _joiner(self) -> Joiner:
        return Joiner(self._tokens)

    def decode(self, ids: Iterable[int], errors: str = "replace") -> str:
        """The text of `ids`: `decode_bytes`, read as UTF-8.

        `errors` says what becomes of bytes that are not UTF-8, as in `bytes.decode`: with "replace" they are U+FFFD,
        "surrogatepass" gives a string with lone surrogates back.
        """
        return self.decode_bytes(ids).decode("utf-8", errors)

    def __repr__(self) -> str:
        specials = ", ".join(map(repr, self.special_tokens))
        return f"BPETokenizer(vocab_size={self.vocab_size}, pattern={self.pattern!r}, special_tokens=[{specials}])"

    def _parts(
        self,
        text: str | bytes,
        allowed_special: Literal["all"] | Collection[str],
        disallowed_special: Literal["all"] | Collection[str],
    ) -> Iterator[str | int]:
        """The text between special tokens that are allowed, and their ids."""
        text = as_text(text)
        allowed = self._special_set("allowed_special", allowed_special)
        disallowed = self._special_set("disallowed_special", disallowed_special)
        for spelling in disallowed - allowed if disallowed_special == "all" else disallowed:
            if spelling in text:
                raise ValueError(
                    f"the text holds {spelling!r} at offset {text.index(spelling)}, which spells a special token. "
                    f"To encode it as that token, pass allowed_special={{{spelling!r}}}; "
                    "to encode it as plain text, disallowed_special=()"
                )
        for part in _split_off(allowed, text):
            if part:
                yield self._special_tokens[part] if part in allowed else part

    def _special_set(self, argument: str, spellings: Literal["all"] | Collection[str]) -> frozenset[str]:
        if spellings == "all":
            return frozenset(self._special_tokens)
        if isinstance(spellings, str):
            raise TypeError(f'{argument} is "all" or a collection of special tokens, not the string {spellings!r}')
        for spelling in spellings:
            if spelling not in self._special_tokens:
                known = ", ".join(map(repr, self._special_tokens)) or "none"
                raise ValueError(f"{argument} has {spelling!r}, which is no special token of this tokenizer ({known})")
        return frozenset(spellings)


def _integers(ids: list[int] | NDArray[Any]) -> NDArray[np.integer[Any]] | None:
    """`ids` as an array, None if they are not integers all of them (which is another's to say)."""
    if isinstance(ids, list):
        try:
            return np.frombuffer(array("q", ids), np.int64)
        except (TypeError, OverflowError):
            return None
    return ids if ids.dtype.kind in "iu" and ids.ndim == 1 else None


def _split_off(spellings: frozenset[str], text: str) -> Sequence[str]:
    """`text` cut before and after each of `spellings`; the longest wins where several begin at one place."""
    if not spellings:
        return (text,)
    return _any_of(spellings).split(text)


@lru_cache(maxsize=64)
def _any_of(spellings: frozenset[str]) -> regex.Pattern[str]:
    longest_first = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
    return regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")


def _check_special_tokens(special_tokens: Mapping[str, int]) -> None:
    spelling_of: dict[int, str] = {}
    for spelling, id in special_tokens.items():
        try:
            size = len(spelling.encode("utf-8"))
        except UnicodeEncodeError:
            raise ValueError(f"special token {spelling!r} holds a lone surrogate") from None
        if not 0 < size <= MAX_TOKEN_BYTES:
            raise ValueError(f"special token {spelling[:20]!r} has {size} bytes; 1 to {MAX_TOKEN_BYTES} are possible")
        if id < 0:
            raise ValueError(f"special token {spelling!r} has the negative id {id}")
        if id in spelling_of:
            raise ValueError(f"special tokens {spelling_of[id]!r} and {spelling!r} have the same id {id}")
        spelling_of[id] = spelling
