"""The tokenizers' own file: one JSON object, checked through and through when it is read.

    {"format": "minigrad-tokenizer", "version": 1, "type": "character", "characters": ["\\n", " ", "a"]}
    {"format": "minigrad-tokenizer", "version": 1, "type": "bpe", "pattern": "gpt2",
     "special_tokens": {"<|endoftext|>": 0}, "merges": [[65, 66], [221, 257]]}
    {"format": "minigrad-tokenizer", "version": 1, "type": "word", "words": ["the", "of"]}

`BPETokenizer` says what its ids mean, and checks what they must satisfy. The formats of other projects do not
live here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NoReturn

from lm.tokenizer.bpe import BPETokenizer
from lm.tokenizer.character import CharacterTokenizer
from lm.tokenizer.word import WordTokenizer
from minigrad.io import atomic_write

FORMAT = "minigrad-tokenizer"
VERSION = 1
MAX_FILE_BYTES = 20 << 20  # what the merges of MAX_VOCAB_SIZE ids take at most


def save_tokenizer(tokenizer: CharacterTokenizer | BPETokenizer | WordTokenizer, path: str | os.PathLike[str]) -> None:
    """Writes `tokenizer` to `path`, for `load_tokenizer` to read, as a whole or not at all."""
    entries: dict[str, object]
    if isinstance(tokenizer, CharacterTokenizer):
        # One string a character: in one string, JSON would join a high to a low surrogate.
        entries = {"type": "character", "characters": list(tokenizer.characters)}
    elif isinstance(tokenizer, WordTokenizer):
        entries = {"type": "word", "words": list(tokenizer.words)}
    else:
        entries = {
            "type": "bpe",
            "pattern": tokenizer.pattern,
            "special_tokens": dict(tokenizer.special_tokens),
            "merges": tokenizer.merges,
        }
    data = json.dumps({"format": FORMAT, "version": VERSION, **entries}, separators=(",", ":")).encode("ascii") + b"\n"
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"{os.fspath(path)}: the tokenizer takes {len(data)} bytes, more than {MAX_FILE_BYTES}")
    atomic_write(path, data)


def load_tokenizer(path: str | os.PathLike[str]) -> CharacterTokenizer | BPETokenizer | WordTokenizer:
    """The tokenizer in the file `path`, of the type that the file names.

    Raises OSError when the file cannot be read, ValueError that names file and entry when it is anything but a whole
    and consistent tokenizer file. Nothing in the file is run, and memory is bounded whatever it holds.
    """
    with open(path, "rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    try:
        if len(data) > MAX_FILE_BYTES:
            raise ValueError(f"more than {MAX_FILE_BYTES} bytes, too large for a tokenizer")
        document = _parse(data)
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
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None


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


def _read_word(document: dict[str, Any]) -> WordTokenizer:
    words = document["words"]
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError('"words" is not a list of strings')
    return WordTokenizer(words)


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


_Reader = Callable[[dict[str, Any]], CharacterTokenizer | BPETokenizer | WordTokenizer]
_READERS: dict[str, tuple[tuple[str, ...], _Reader]] = {
    "character": (("characters",), _read_character),
    "bpe": (("pattern", "special_tokens", "merges"), _read_bpe),
    "word": (("words",), _read_word),
}


def _parse(data: bytes) -> dict[str, Any]:
    try:
        document = json.loads(
            data.decode("utf-8"), object_pairs_hook=_distinct, parse_constant=_no_constant, parse_float=_no_float
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"not valid JSON ({error}); was it cut off?") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise ValueError("not a tokenizer file: nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise ValueError("a name is there twice in one JSON object")
    return entries


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of a tokenizer")


def _no_float(text: str) -> NoReturn:
    raise ValueError(f"{text[:40]} is no id: ids are integers")
