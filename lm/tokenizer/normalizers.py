"""What is done to a text before it is cut into words, one class a step: the names and fields of `tokenizer.json`.

The list is closed: `formats.huggingface` makes these from a file and refuses what is not here. That of SentencePiece,
which brings its own table, is in `charsmap`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from lm.tokenizer.bert_characters import HAN, NONSPACING_MARKS, REMOVED
from lm.tokenizer.charsmap import Precompiled
from lm.tokenizer.translation import Translation


@dataclass(frozen=True)
class NFC:
    """Unicode's normalization form C: composed."""

    def __call__(self, text: str) -> str:
        return unicodedata.normalize("NFC", text)


@dataclass(frozen=True)
class NFD:
    """Unicode's normalization form D: decomposed."""

    def __call__(self, text: str) -> str:
        return unicodedata.normalize("NFD", text)


@dataclass(frozen=True)
class NFKC:
    """Unicode's normalization form KC: composed, compatibility characters replaced."""

    def __call__(self, text: str) -> str:
        return unicodedata.normalize("NFKC", text)


@dataclass(frozen=True)
class NFKD:
    """Unicode's normalization form KD: decomposed, compatibility characters replaced."""

    def __call__(self, text: str) -> str:
        return unicodedata.normalize("NFKD", text)


@dataclass(frozen=True)
class Lowercase:
    """Character by character: a final sigma is no special case, as it is for `str.lower`."""

    def __call__(self, text: str) -> str:
        return text.lower() if "Σ" not in text else "".join(map(str.lower, text))


@dataclass(frozen=True)
class Replace:
    """Every `pattern`, a plain string, becomes `content`."""

    pattern: str
    content: str

    def __call__(self, text: str) -> str:
        return text.replace(self.pattern, self.content)


@dataclass(frozen=True)
class Prepend:
    """`prepend` before every text that is not empty."""

    prepend: str

    def __call__(self, text: str) -> str:
        return self.prepend + text if text else text


@dataclass(frozen=True)
class BertNormalizer:
    """Google's BERT (`BasicTokenizer`): cleans, sets Han characters apart, strips accents and lowers.

    Attributes:
        clean_text: removes control characters, and makes every white space a space.
        handle_chinese_chars: a space before and after every Han character.
        strip_accents: None: as `lowercase` says.

    >>> BertNormalizer()("Über\\x00all\\t北京")
    'uberall  北  京 '
    """

    clean_text: bool = True
    handle_chinese_chars: bool = True
    strip_accents: bool | None = None
    lowercase: bool = True

    @property
    def strips_accents(self) -> bool:
        return self.lowercase if self.strip_accents is None else self.strip_accents

    @cached_property
    def _clean(self) -> Translation:
        return Translation(self._cleaned)

    @cached_property
    def _bare(self) -> Translation:
        return Translation(self._bared)

    def __call__(self, text: str) -> str:
        text = text.translate(self._clean)
        if self.strips_accents:
            text = unicodedata.normalize("NFD", text)
        return text.translate(self._bare)

    def _cleaned(self, character: str) -> str:
        code = ord(character)
        if self.clean_text and code in REMOVED:
            return ""
        if self.clean_text and (character in "\t\n\r" or unicodedata.category(character)[0] == "Z"):
            return " "
        return f" {character} " if self.handle_chinese_chars and code in HAN else character

    def _bared(self, character: str) -> str:
        if self.strips_accents and ord(character) in NONSPACING_MARKS:
            return ""
        return character.lower() if self.lowercase else character


@dataclass(frozen=True)
class Sequence:
    """One after the other."""

    normalizers: tuple[Normalizer, ...] = ()

    def __call__(self, text: str) -> str:
        for normalize in self.normalizers:
            text = normalize(text)
        return text


Normalizer = NFC | NFD | NFKC | NFKD | Lowercase | Replace | Prepend | BertNormalizer | Precompiled | Sequence
KEEP = Sequence()  # a text as it is
Normalize = Callable[[str], str]
