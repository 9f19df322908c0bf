"""This project's own tokenizer file: one JSON object, checked through and through when it is read.

    {"format": "minigrad-tokenizer", "version": 1, "type": "character", "characters": ["\\n", " ", "a"]}
    {"format": "minigrad-tokenizer", "version": 1, "type": "bpe", "pattern": "gpt2",
     "special_tokens": {"<|endoftext|>": 0}, "merges": [[65, 66], [221, 257]]}
    {"format": "minigrad-tokenizer", "version": 1, "type": "word", "words": ["the", "of"]}
    {"format": "minigrad-tokenizer", "version": 1, "type": "pipeline", "tokenizer": {"version": "1.0", ...}}

`BPETokenizer` says what its ids mean, and checks what they must satisfy. A `Pipeline` is described as in `huggingface`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from lm.tokenizer.bpe import BPETokenizer
from lm.tokenizer.character import CharacterTokenizer
from lm.tokenizer.formats import huggingface
from lm.tokenizer.pipeline import Pipeline
from lm.tokenizer.word import WordTokenizer

FORMAT = "minigrad-tokenizer"
VERSION = 1


def to_bytes(tokenizer: CharacterTokenizer | BPETokenizer | WordTokenizer | Pipeline) -> bytes:
    """The content of a file that holds `tokenizer`."""
    entries: dict[str, object]
    if isinstance(tokenizer, CharacterTokenizer):
        # One string a character: in one string, JSON would join a high to a low surrogate.
        entries = {"type": "character", "characters": list(tokenizer.characters)}
    elif isinstance(tokenizer, BPETokenizer):
        entries = {
            "type": "bpe",
            "pattern": tokenizer.pattern,
            "special_tokens": dict(tokenizer.special_tokens),
            "merges": tokenizer.merges,
        }
    elif isinstance(tokenizer, WordTokenizer):
        entries = {"type": "word", "words": list(tokenizer.words)}
    else:
        entries = {"type": "pipeline", "tokenizer": huggingface.to_document(tokenizer)}
    return json.dumps({"format": FORMAT, "version": VERSION, **entries}, separators=(",", ":")).encode("ascii") + b"\n"


def from_document(document: dict[str, Any]) -> CharacterTokenizer | BPETokenizer | WordTokenizer | Pipeline:
    """The tokenizer that a parsed file describes; ValueError, naming the entry, for what is broken."""
    if document.get("format") != FORMAT:
        raise ValueError(f'no tokenizer file of this project ("format" is not "{FORMAT}")')
    if document.get("version") != VERSION or type(document["version"]) is not int:
        raise ValueError(f'"version" is not {VERSION}, the only one known; was it written by a newer release?')
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        raise ValueError(f'"type" is none of {", ".join(_READERS)}')
    keys, read = _READERS[kind]
    if document.keys() != {"format", "version", "type", *keys}:
        wrong = sorted(document.keys() ^ {"format", "version", "type", *keys})
        raise ValueError(f"missing or unknown entries: {', '.join(key[:40] for key in wrong[:5])!r}")
    return read(document)


def _read_character(document: dict[str, Any]) -> CharacterTokenizer:
    characters = document["characters"]
    if not isinstance(characters, list) or not characters:
        raise ValueError('"characters" is not a list of at least one character')
    for place, character in enumerate(characters):
        if not isinstance(character, str) or len(character) != 1:
            raise ValueError(f'entry {place} of "characters" is not one character')
    for place, (one, next_one) in enumerate(pairwise(characters)):
        if one >= next_one:
            raise ValueError(f'entry {place + 1} of "characters" is there twice or out of order')
    return CharacterTokenizer("".join(characters))


def _read_bpe(document: dict[str, Any]) -> BPETokenizer:
    merges, special_tokens, pattern = document["merges"], document["special_tokens"], document["pattern"]
    if not isinstance(pattern, str):
        raise ValueError('"pattern" is not a string')
    if not isinstance(special_tokens, dict):
        raise ValueError('"special_tokens" is not an object')
    for spelling, id in special_tokens.items():
        if type(id) is not int:
            raise ValueError(f'"special_tokens": the id of {spelling[:40]!r} is not an integer')
    if not isinstance(merges, list):
        raise ValueError('"merges" is not a list')
    for rank, pair in enumerate(merges):
        if not isinstance(pair, list) or len(pair) != 2 or type(pair[0]) is not int or type(pair[1]) is not int:
            raise ValueError(f'entry {rank} of "merges" is not a pair of ids')
    return BPETokenizer([(left, right) for left, right in merges], special_tokens=special_tokens, pattern=pattern)


def _read_word(document: dict[str, Any]) -> WordTokenizer:
    words = document["words"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError('"words" is not a list of strings')
    return WordTokenizer(words)


def _read_pipeline(document: dict[str, Any]) -> Pipeline:
    if not isinstance(document["tokenizer"], dict):
        raise ValueError('"tokenizer" is not an object')
    return huggingface.from_document(document["tokenizer"])


_Reader = Callable[[dict[str, Any]], CharacterTokenizer | BPETokenizer | WordTokenizer | Pipeline]
_READERS: dict[str, tuple[tuple[str, ...], _Reader]] = {
    "character": (("characters",), _read_character),
    "bpe": (("pattern", "special_tokens", "merges"), _read_bpe),
    "word": (("words",), _read_word),
    "pipeline": (("tokenizer",), _read_pipeline),
}
