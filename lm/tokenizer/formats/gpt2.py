"""`vocab.json` and `merges.txt`: byte-level BPE as GPT-2 was published, and RoBERTa after it.

The two files do not say which tokens are special: those are taken to be special that are neither a byte nor what a
merge makes. Words are cut by GPT-2's pattern, always.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.bpe import MAX_TOKEN_BYTES
from lm.tokenizer.byte_level import ByteLevel, spell, unspell
from lm.tokenizer.formats.strict import dense, naming, parse_object, read_bytes, read_text
from lm.tokenizer.pipeline import Pipeline
from minigrad.io import atomic_write

VOCABULARY, MERGES = "vocab.json", "merges.txt"
_HEADER = "#version"


def read(folder: str | os.PathLike[str]) -> Pipeline:
    """The tokenizer in the two files of `folder`; ValueError, naming file and entry, for what is broken."""
    folder = Path(folder)
    with naming(folder / MERGES):
        merges = _read_merges(read_text(folder / MERGES))
    with naming(folder / VOCABULARY):
        id_of = parse_object(read_bytes(folder / VOCABULARY))
        spelling_of: dict[int, str] = {}
        for spelling, id in id_of.items():
            if type(id) is not int:
                raise ValueError(f"the id of {spelling[:40]!r} is not an integer")
            if not 0 < len(spelling) <= MAX_TOKEN_BYTES:
                raise ValueError(f"token {spelling[:20]!r} has {len(spelling)} characters, not 1 to {MAX_TOKEN_BYTES}")
            if spelling_of.setdefault(id, spelling) != spelling:
                raise ValueError(f"{spelling_of[id][:40]!r} and {spelling[:40]!r} have the same id {id}")
        dense(spelling_of, "token")
        return _tokenizer(id_of, merges)


def _tokenizer(id_of: dict[str, int], merges: list[tuple[bytes, bytes]]) -> Pipeline:
    made = {left + right for left, right in merges}
    vocabulary: dict[bytes, int] = {}
    added = []
    for spelling, id in id_of.items():
        token = unspell(spelling)
        if token is not None and (len(token) == 1 or token in made):
            vocabulary[token] = id
        else:
            added.append(AddedToken(spelling, id))
    return Pipeline(ByteLevel(vocabulary, merges), added_tokens=added)


def _read_merges(text: str) -> list[tuple[bytes, bytes]]:
    merges = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line or line.startswith(_HEADER):
            continue
        tokens = [unspell(part) for part in line.removesuffix("\r").split(" ")]
        if len(tokens) != 2 or not tokens[0] or not tokens[1]:
            raise ValueError(f"line {number}, {line[:40]!r}, is no pair of tokens")
        merges.append((tokens[0], tokens[1]))
    return merges


def write(tokenizer: Pipeline, folder: str | os.PathLike[str]) -> None:
    """Writes the two files into `folder`; ValueError for a tokenizer that they cannot hold."""
    model = tokenizer.model
    if not isinstance(model, ByteLevel):
        raise ValueError("vocab.json and merges.txt hold byte-level BPE alone")
    if model.pattern != "gpt2":
        raise ValueError(f"vocab.json and merges.txt stand for GPT-2's split pattern, not for {model.pattern!r}")
    spelling_of = {id: spell(token) for token, id in model.vocabulary.items()}
    spelling_of |= {added.id: added.content for added in tokenizer.added_tokens}
    dense(spelling_of, "token")
    id_of = {spelling_of[id]: id for id in sorted(spelling_of)}
    if len(id_of) < len(spelling_of):
        raise ValueError("an added token is spelled like another token")
    read_again = _tokenizer(id_of, list(model.merges))
    parts = tokenizer.added_tokens, tokenizer.normalizer, tokenizer.template
    if read_again != Pipeline(model.essence, added_tokens=parts[0], normalizer=parts[1], template=parts[2]):
        raise ValueError(
            "vocab.json and merges.txt hold bytes, merges and plain special tokens; this tokenizer has more to it: "
            "a token that no merge makes, a normalizer, a template, a space put first, or other added tokens"
        )
    lines = [f"{_HEADER}: 0.2", *(f"{spell(left)} {spell(right)}" for left, right in model.merges), ""]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / VOCABULARY, json.dumps(id_of, ensure_ascii=False).encode())
    atomic_write(folder / MERGES, "\n".join(lines).encode())
