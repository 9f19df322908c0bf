"""A tokenizer as published vocabularies describe theirs: added tokens, a normalizer, a model, a template.

What each of the four does stands in a file of its own; files are read and written in `formats`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer.added_tokens import AddedToken, AddedTokens
from lm.tokenizer.normalizers import KEEP, Normalizer
from lm.tokenizer.splitting import as_text
from lm.tokenizer.templates import PLAIN, Template

_ENDS = ("<|endoftext|>", "</s>", "<|end_of_text|>", "<eos>", "[SEP]")


class Model(Protocol):
    """Normalized text to ids; `ByteLevel`, `WordPiece` and `Unigram` are models."""

    @property
    def ids(self) -> Iterable[int]:
        """All ids there are."""

    def spelling(self, id: int) -> bytes:
        """A token as the vocabulary has it."""

    def encode(self, text: str, at_start: bool = True) -> list[int]:
        """The ids of `text`; `at_start` if nothing stands before it."""

    def decode(self, ids: Sequence[int], spelling_of: Mapping[int, bytes]) -> bytes:
        """The bytes of `ids`; those that `spelling_of` has are no pieces of words but stand for what it says."""


class Pipeline:
    """A tokenizer in four parts. It has what `Tokenizer` asks for.

    Args:
        model: what makes ids of normalized text.
        added_tokens: tokens found in the text before that. Those that are special are found where `encode` is told so.
        normalizer: what is done to text between added tokens.
        template: the special tokens that a model's input has around one text, and around two (`encode_batch`).

    Raises ValueError, naming the token, when added tokens clash or the template has one that there is not.

    >>> from lm.tokenizer.normalizers import Lowercase
    >>> from lm.tokenizer.wordpiece import WordPiece
    >>> model = WordPiece({"[UNK]": 0, "un": 1, "##able": 2})
    >>> tokenizer = Pipeline(model, added_tokens=[AddedToken("[MASK]", 3)], normalizer=Lowercase())
    >>> tokenizer.encode("Unable [MASK]", allowed_special="all")
    [1, 2, 3]
    """

    def __init__(
        self,
        model: Model,
        *,
        added_tokens: Iterable[AddedToken] = (),
        normalizer: Normalizer = KEEP,
        template: Template = PLAIN,
    ) -> None:
        self.model = model
        self.normalizer = normalizer
        self.template = template
        self._added = AddedTokens(added_tokens, normalizer)
        self._spelling_of = {token.id: token.content.encode() for token in self.added_tokens}
        self._all_special = frozenset(self._added.special)
        self._ids = frozenset(model.ids) | self._spelling_of.keys()
        if not self._ids or min(self._ids) < 0:
            raise ValueError("a vocabulary needs a token, and no id below 0")
        for spelling in template.tokens:
            if spelling not in self.token_ids:
                raise ValueError(f"the template has {spelling[:40]!r}, which is no added token")

    @property
    def vocab_size(self) -> int:
        """One more than the highest id."""
        return max(self._ids) + 1

    @property
    def added_tokens(self) -> tuple[AddedToken, ...]:
        """The tokens found in the text itself."""
        return self._added.tokens

    @property
    def special_tokens(self) -> Mapping[str, int]:
        """Spelling to id, of the special ones among the added tokens; read-only."""
        return MappingProxyType(self._added.special)

    @property
    def token_ids(self) -> Mapping[str, int]:
        """Spelling to id, of all added tokens."""
        return {token.content: token.id for token in self.added_tokens}

    @property
    def eot_token(self) -> int | None:
        """The id of the special token that ends a document, None where there is none."""
        return next((self.special_tokens[spelling] for spelling in _ENDS if spelling in self.special_tokens), None)

    def token_bytes(self, id: int) -> bytes:
        """The bytes that one token decodes to; raises ValueError for an unknown id."""
        return self.decode_bytes([id])

    def spelling(self, id: int) -> bytes:
        """A token as the vocabulary has it, with the marks of its model; raises ValueError for an unknown id."""
        self._check([id])
        return self._spelling_of[id] if id in self._spelling_of else self.model.spelling(id)

    def encode(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """The ids of `text`, without its template.

        The special tokens of `allowed_special` become their ids where the text spells them, one of
        `disallowed_special` ("all": those not allowed) raises ValueError, and any other is text like any text, for
        which no special token's id comes out but that for what is unknown. Hugging Face's libraries allow all.
        """
        text = as_text(text)
        allowed = self._special_set("allowed_special", allowed_special)
        disallowed = self._special_set("disallowed_special", disallowed_special)
        for spelling in disallowed - allowed if disallowed_special == "all" and allowed else disallowed:
            if spelling in text:
                raise ValueError(
                    f"the text holds {spelling!r} at offset {text.index(spelling)}, which spells a special token. "
                    f"To encode it as that token, pass allowed_special={{{spelling!r}}}; "
                    "to encode it as plain text, disallowed_special=()"
                )
        ids: list[int] = []
        for at, part in enumerate(self._added.split(text, allowed)):
            if isinstance(part, AddedToken):
                ids.append(part.id)
            else:
                ids += self.model.encode(part, at_start=at == 0)
        return ids

    def encode_to_array(
        self,
        text: str | bytes,
        *,
        allowed_special: Literal["all"] | Collection[str] = (),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> NDArray[np.unsignedinteger[Any]]:
        """`encode`, as an array of shape (tokens,): uint16 when every id fits, else uint32."""
        ids = self.encode(text, allowed_special=allowed_special, disallowed_special=disallowed_special)
        return np.array(ids, dtype=np.uint16 if self.vocab_size <= 1 << 16 else np.uint32)

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of `ids`; raises ValueError for an id that there is not.

        Those of a byte-level model are exactly those that were encoded. Of another they are the normalized text's, as
        far as its pieces tell.
        """
        ids = list(ids)
        self._check(ids)
        return self.model.decode(ids, self._spelling_of)

    def decode(self, ids: Iterable[int], errors: str = "replace") -> str:
        """The text of `ids`: `decode_bytes`, read as UTF-8; `errors` as in `bytes.decode`."""
        return self.decode_bytes(ids).decode("utf-8", errors)

    def __eq__(self, other: object) -> bool:
        """Whether the four parts are equal, added tokens in any order."""
        if not isinstance(other, Pipeline):
            return NotImplemented
        mine, others = ((p.model, set(p.added_tokens), p.normalizer, p.template) for p in (self, other))
        return mine == others

    __hash__ = None  # type: ignore[assignment]  # a model holds a dictionary

    def __repr__(self) -> str:
        specials = ", ".join(map(repr, list(self.special_tokens)[:8]))
        kind = type(self.model).__name__
        return f"Pipeline({kind}, vocab_size={self.vocab_size}, special_tokens=[{specials}])"

    def _check(self, ids: Sequence[int]) -> None:
        for position, id in enumerate(ids):
            if id not in self._ids:
                raise ValueError(f"token id {id} at position {position} is no id of this vocabulary")

    def _special_set(self, argument: str, spellings: Literal["all"] | Collection[str]) -> frozenset[str]:
        if spellings == "all":
            return self._all_special
        if isinstance(spellings, str):
            raise TypeError(f'{argument} is "all" or a collection of special tokens, not the string {spellings!r}')
        for spelling in spellings:
            if spelling not in self.special_tokens:
                raise ValueError(f"{argument} has {spelling!r}, which is no special token of this tokenizer")
        return frozenset(spellings)
