"""How text is cut into words before byte-pair encoding, which then never joins across two words.

A pattern is chosen by name from a closed list, so that no file can bring a regular expression of its own (a
pattern from a stranger can take exponential time). The patterns need `\\p{L}` and Unicode's white space, which the
standard library's `re` does not have (it also counts U+001C to U+001F as white space): they are compiled with `regex`.
Which characters are letters is up to the Unicode version of the installed `regex`; only words with characters that
Unicode got in the last years can depend on it.

The patterns here are the definition; `boundaries` finds the same words of a long text many times faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import regex


@dataclass(frozen=True)
class SplitPattern:
    """A word pattern under its name."""

    name: str
    word: regex.Pattern[str]

    def words(self, text: str) -> list[str]:
        """The words of `text` in order; joined they are `text` again.

        >>> split_pattern("gpt2").words("It's 2 o'clock")
        ['It', "'s", ' 2', ' o', "'", 'clock']
        """
        return self.word.findall(text)

    def windows(self, text: str, size: int = 1 << 16) -> Iterator[str]:
        """Consecutive parts of `text`, of at least `size` characters but for the last, with no word in two of them.

        They bound the memory that the words of a long text take, and keep what is worked on in the processor's cache.
        """
        start = 0
        while len(text) - start > size:
            end = _WORD_END.search(text, start + size - 1)
            if end is None:
                break
            yield text[start : end.end()]
            start = end.end()
        yield text[start:]


# Where a word surely ends, whatever the pattern and whatever stands before: after a letter that nothing follows which
# a word may hold after a letter. (A combining mark or a contraction may go on with a word of o200k.)
_WORD_END = regex.compile(r"\p{L}(?=[^\p{L}\p{M}'])")

# gpt2 is the pattern of OpenAI's GPT-2 release (encoder.py, `self.pat`), cl100k that of GPT-4 as tiktoken ships it,
# o200k GPT-4o's, llama3 Llama 3's, which is how Hugging Face's files have cl100k:
#  's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
#  '(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s
#  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
# with possessive runs where nothing follows that giving characters back could help; the last alternative is reached by
# a single white space character only, as a longer run is taken by the one before. White space that ends the text is one
# word of cl100k, and is cut after its last line's end by the others that cut there (`$` is no more than the very end
# in tiktoken, which is \Z here). han is llama3 with every Han character a word of its own.
_CONTRACTION = r"'(?i:[sdmt]|ll|ve|re)"
_WORDS = r"|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
_WHITE = r"|\s*[\r\n]|\s+(?!\S)|\s"
_CAPITALS, _SMALL = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SOURCES = {
    "gpt2": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s+(?!\S)|\s",
    "cl100k": _CONTRACTION + _WORDS + r"|\s++\Z" + _WHITE,
    "llama3": _CONTRACTION + _WORDS + _WHITE,
    "o200k": rf"[^\r\n\p{{L}}\p{{N}}]?{_CAPITALS}*{_SMALL}+(?:{_CONTRACTION})?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_CAPITALS}+{_SMALL}*(?:{_CONTRACTION})?"
    r"|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n/]*+" + _WHITE,
    "han": _CONTRACTION
    + r"|\p{Han}|[^\r\n\p{L}\p{N}\p{Han}]?+[^\P{L}\p{Han}]++|[^\P{N}\p{Han}]{1,3}+"
    + r"| ?[^\s\p{L}\p{N}\p{Han}]++[\r\n]*+"
    + _WHITE,
}
PATTERN_NAMES = tuple(_SOURCES)


@cache
def split_pattern(name: str) -> SplitPattern:
    """The split pattern called `name`, one of `PATTERN_NAMES`; raises ValueError for any other."""
    if name not in _SOURCES:
        raise ValueError(f"unknown split pattern {name!r}; known: {', '.join(PATTERN_NAMES)}")
    return SplitPattern(name, regex.compile(_SOURCES[name]))


def as_text(text: str | bytes) -> str:
    """`text` as a string that `word_bytes` turns into its bytes, whatever they are.

    Bytes that are not UTF-8 become lone surrogates (Python's ``surrogateescape``), which the patterns take for
    symbols. A string's own lone surrogates first become their three bytes (``surrogatepass``), so that every
    string stands for the bytes ``text.encode("utf-8", "surrogatepass")`` and for nothing else.

    Raises TypeError for what is neither a string nor bytes.
    """
    if isinstance(text, str):
        if text.isascii():
            return text
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            text = text.encode("utf-8", "surrogatepass")
        else:
            return text
    if not isinstance(text, bytes | bytearray):
        raise TypeError(f"a text is a str or bytes, not {type(text).__name__}; for many texts there is encode_batch")
    return text.decode("utf-8", "surrogateescape")


def word_bytes(word: str) -> bytes:
    """The bytes of a word cut from `as_text`."""
    return word.encode("utf-8", "surrogateescape")
