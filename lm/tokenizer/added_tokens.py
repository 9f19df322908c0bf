"""Tokens that are found in the text itself, before it is normalized or cut into words: special tokens and others.

How the rest of the text becomes ids is each model's subject (`byte_level`, `wordpiece`, `unigram`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import regex

from lm.tokenizer.bpe import MAX_SPECIAL_TOKENS

_WORD = regex.compile(r"\w")
_SPACE = regex.compile(r"\s")


@dataclass(frozen=True)
class AddedToken:
    """A token by its spelling, with the fields that a `tokenizer.json` gives it.

    Attributes:
        content: its spelling.
        id: its id.
        single_word: found only where no letter, digit or underscore touches it.
        lstrip, rstrip: takes the white space before, after it too.
        normalized: is looked for in the text after normalization, in its own normalized spelling.
        special: no text that came from outside may spell it, unless told so (`Pipeline.encode`).
    """

    content: str
    id: int
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = False
    special: bool = True

    def __post_init__(self) -> None:
        if not self.content:
            raise ValueError(f"the added token with id {self.id} has no spelling")
        try:
            self.content.encode()
        except UnicodeEncodeError:
            raise ValueError(f"added token {self.content!r} holds a lone surrogate") from None


class AddedTokens:
    """The added tokens of one tokenizer; raises ValueError where two have one spelling or one id.

    >>> tokens = AddedTokens([AddedToken("<mask>", 4, lstrip=True), AddedToken("<s>", 0)], str.lower)
    >>> [part if isinstance(part, str) else part.id for part in tokens.split("A <mask> B<s>", frozenset(["<mask>"]))]
    ['a', 4, ' b<s>']
    """

    def __init__(self, tokens: Iterable[AddedToken], normalize: Callable[[str], str]) -> None:
        self.tokens = tuple(tokens)
        if len(self.tokens) > MAX_SPECIAL_TOKENS:
            raise ValueError(f"{len(self.tokens)} added tokens, more than {MAX_SPECIAL_TOKENS}")
        self._normalize = normalize
        self._find = lru_cache(maxsize=16)(self._finders)
        by_id: dict[int, AddedToken] = {}
        by_content: dict[str, AddedToken] = {}
        for token in self.tokens:
            if by_content.setdefault(token.content, token) is not token:
                raise ValueError(f"added token {token.content[:40]!r} is there twice")
            if by_id.setdefault(token.id, token) is not token:
                other = by_id[token.id].content
                raise ValueError(f"added tokens {other[:40]!r} and {token.content[:40]!r} have the same id {token.id}")
        self.special = {token.content: token.id for token in self.tokens if token.special}

    def split(self, text: str, allowed: frozenset[str]) -> Iterator[str | AddedToken]:
        """`text` in order: the tokens found in it, and the normalized parts between them.

        Special tokens count where `allowed` has them, and are text like any text where it has not. Of several tokens
        that begin at one place the longest is found.
        """
        as_written, as_normalized = self._find(allowed)
        for part in as_written(text):
            if isinstance(part, str):
                yield from as_normalized(self._normalize(part))
            else:
                yield part

    def _finders(self, allowed: frozenset[str]) -> tuple[_Finder, _Finder]:
        wanted = [token for token in self.tokens if not token.special or token.content in allowed]
        return (
            _Finder({token.content: token for token in wanted if not token.normalized}),
            _Finder({self._normalize(token.content): token for token in wanted if token.normalized}),
        )


class _Finder:
    """Cuts a text at the spellings it was made for."""

    def __init__(self, token_of: dict[str, AddedToken]) -> None:
        self._token_of = {spelling: token for spelling, token in token_of.items() if spelling}
        longest_first = sorted(self._token_of, key=lambda spelling: (-len(spelling), spelling))
        self._any = regex.compile("|".join(map(regex.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> Iterator[str | AddedToken]:
        end = 0
        for match in self._any.finditer(text) if self._any else ():
            token = self._token_of[match.group()]
            start, stop = match.span()
            if token.single_word and (_WORD.match(text[stop : stop + 1]) or (start and _WORD.match(text[start - 1]))):
                continue
            while token.lstrip and start > end and _SPACE.match(text[start - 1]):
                start -= 1
            while token.rstrip and stop < len(text) and _SPACE.match(text[stop]):
                stop += 1
            if end < start:
                yield text[end:start]
            yield token
            end = stop
        if end < len(text):
            yield text[end:]
