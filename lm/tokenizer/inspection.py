"""Seeing what a tokenizer does: tokens in colour, the merges of a word one by one, how well scripts are compressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import regex

from lm.tokenizer.bpe import BPETokenizer
from lm.tokenizer.byte_level import ByteLevel
from lm.tokenizer.character import CharacterTokenizer
from lm.tokenizer.conversion import as_pipeline
from lm.tokenizer.pipeline import Pipeline
from lm.tokenizer.splitting import split_pattern

_BACKGROUNDS = (194, 223, 153, 225, 229)  # of the terminal's 256 colours: light green, orange, blue, pink, yellow

# A run of one script with the space before it, as byte-level tokenizers cut; what belongs to none is told apart.
_SCRIPTS = (
    "Latin", "Cyrillic", "Greek", "Han", "Hiragana", "Katakana", "Hangul", "Arabic", "Hebrew", "Devanagari", "Bengali",
    "Tamil", "Telugu", "Thai", "Georgian", "Armenian", "Ethiopic",
)  # fmt: skip
_RUNS = regex.compile(
    "|".join(
        [
            *(rf"(?P<{name}> ?\p{{Script={name}}}[\p{{Script={name}}}\p{{M}}]*)" for name in _SCRIPTS),
            r"(?P<other_letters> ?\p{L}[\p{L}\p{M}]*)",
            r"(?P<numbers> ?\p{N}+)",
            r"(?P<white_space>\s+(?!\S)|\s)",
            r"(?P<symbols> ?[^\s\p{L}\p{N}]+)",
        ]
    )
)


@dataclass(frozen=True)
class Compression:
    """How much text of one kind was, and how many tokens it became."""

    script: str
    characters: int
    bytes: int
    tokens: int

    @property
    def bytes_per_token(self) -> float:
        return self.bytes / self.tokens if self.tokens else 0.0


def compression_by_script(
    tokenizer: BPETokenizer | CharacterTokenizer | Pipeline, texts: Iterable[str]
) -> list[Compression]:
    """One line for each script that `texts` hold, most bytes first, each run of it encoded by itself; then "all".

    "all" is of the texts as they are, in which a word may reach over several runs.

    >>> [(line.script, line.bytes, line.tokens) for line in compression_by_script(BPETokenizer([]), ["né 12"])]
    [('Latin', 3, 3), ('numbers', 3, 3), ('all', 6, 6)]
    """
    counts: dict[str, list[int]] = {}
    total = [0, 0, 0]
    for text in texts:
        for run in _RUNS.finditer(text):
            part, count = run.group(), counts.setdefault(run.lastgroup or "", [0, 0, 0])
            _add(count, part, len(tokenizer.encode(part, disallowed_special=())))
        _add(total, text, len(tokenizer.encode(text, disallowed_special=())))
    lines = [Compression(script.replace("_", " "), *count) for script, count in counts.items()]
    return [*sorted(lines, key=lambda line: -line.bytes), Compression("all", *total)]


def _add(count: list[int], text: str, tokens: int) -> None:
    count[0] += len(text)
    count[1] += len(text.encode("utf-8", "surrogatepass"))
    count[2] += tokens


def words_of(tokenizer: BPETokenizer | Pipeline, text: str) -> list[str]:
    """The words of `text` inside which tokens are joined; none where the model is not BPE."""
    model = tokenizer.model if isinstance(tokenizer, Pipeline) else None
    if model is not None and not isinstance(model, ByteLevel):
        return []
    pattern = tokenizer.pattern if isinstance(tokenizer, BPETokenizer) else model.pattern if model else ""
    return split_pattern(pattern).words(text)


def merge_steps(tokenizer: BPETokenizer | Pipeline, word: str | bytes) -> Iterator[tuple[int | None, list[bytes]]]:
    """(the merge's rank, the tokens after it) for each merge that `word` goes through, from its bytes on.

    A word that is a token whatever the merges make of it becomes that at once, with no rank.

    This is BPE's definition: of the pairs in the word the one merged earliest in training is joined wherever it is.

    >>> tokenizer = BPETokenizer([(71, 68), (256, 75), (257, 75)])
    >>> for rank, tokens in merge_steps(tokenizer, "hell"):
    ...     print(rank, tokens)
    None [b'h', b'e', b'l', b'l']
    0 [b'he', b'l', b'l']
    1 [b'hel', b'l']
    2 [b'hell']
    """
    model = (as_pipeline(tokenizer) if isinstance(tokenizer, BPETokenizer) else tokenizer).model
    if not isinstance(model, ByteLevel):
        raise ValueError(f"merges are what BPE has; this is a {type(model).__name__} vocabulary")
    rank_of = {pair: rank for rank, pair in reversed([*enumerate(model.merges)])}
    data = word.encode("utf-8", "surrogatepass") if isinstance(word, str) else word
    tokens = [data[i : i + 1] for i in range(len(data))]
    yield None, tokens
    if data in model.exceptions:
        yield None, [data]
        return
    while known := [rank_of[pair] for pair in pairwise(tokens) if pair in rank_of]:
        rank = min(known)
        tokens = _joined(tokens, model.merges[rank])
        yield rank, tokens


def _joined(tokens: Sequence[bytes], pair: tuple[bytes, bytes]) -> list[bytes]:
    out: list[bytes] = []
    at = 0
    while at < len(tokens):
        size = 2 if tuple(tokens[at : at + 2]) == pair else 1
        out.append(b"".join(tokens[at : at + size]))
        at += size
    return out


def show_token(token: bytes) -> str:
    """A token in one line: what is no printable text as its bytes.

    >>> show_token(" né\\n".encode()), show_token(b"\\xe6")
    (' né\\\\n', '\\\\xe6')
    """
    try:
        text = token.decode()
    except UnicodeDecodeError:
        return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in token)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def paint(tokens: Iterable[bytes], color: bool) -> str:
    """The tokens one after another, each on another background than its neighbours; without colour a bar between them.

    Characters that several tokens share are shown as bytes. A line's end is shown, and then made.

    >>> print(paint([b"It", b" is", b"\\n"], color=False))
    It│ is│\\n
    """
    if not color:
        return "│".join(map(show_token, tokens))
    painted = []
    for number, token in enumerate(tokens):
        shown = show_token(token)
        background = _BACKGROUNDS[number % len(_BACKGROUNDS)]
        painted.append(f"\x1b[30;48;5;{background}m{shown}\x1b[0m" + ("\n" if token.endswith(b"\n") else ""))
    return "".join(painted)
