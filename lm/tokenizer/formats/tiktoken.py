"""`.tiktoken` files of OpenAI: a line for each token, its bytes in base64 and its rank, which is its id.

The order of ranks is the order of merges; which two tokens a merge joined is found again by encoding each token with
the tokens before it. The split pattern and the special tokens are not in the file. They are known of OpenAI's own files
(by their SHA-256), and stand beside any other in NAME.tiktoken.json:

    {"pattern": "cl100k", "special_tokens": {"<|endoftext|>": 1000}}
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.bpe import MAX_TOKEN_BYTES, MAX_VOCAB_SIZE
from lm.tokenizer.byte_level import ByteLevel
from lm.tokenizer.formats.strict import dense, entry, naming, parse_object, read_bytes
from lm.tokenizer.normalizers import KEEP
from lm.tokenizer.pipeline import Pipeline
from lm.tokenizer.templates import PLAIN
from minigrad.io import atomic_write

MAX_WORK = 1 << 27  # o200k_base takes a tenth of it

_FIM = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>")
PUBLISHED: dict[str, tuple[str, dict[str, int]]] = {
    # SHA-256: split pattern and special tokens, for r50k_base, p50k_base, cl100k_base and o200k_base
    "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930": ("gpt2", {"<|endoftext|>": 50256}),
    "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069": ("gpt2", {"<|endoftext|>": 50256}),
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": (
        "cl100k",
        {"<|endoftext|>": 100257, "<|endofprompt|>": 100276} | {name: 100258 + i for i, name in enumerate(_FIM)},
    ),
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": (
        "o200k",
        {"<|endoftext|>": 199999, "<|endofprompt|>": 200018},
    ),
}


def beside(path: str | os.PathLike[str]) -> Path:
    """The file that says what `path` leaves out."""
    return Path(f"{os.fspath(path)}.json")


def read(path: str | os.PathLike[str]) -> Pipeline:
    """The tokenizer in the file `path`; ValueError, naming file and line, for what is broken."""
    with naming(path):
        data = read_bytes(path)
        rank_of = _read_ranks(data)
    published = PUBLISHED.get(hashlib.sha256(data).hexdigest())
    if published is None or beside(path).exists():
        if not beside(path).exists():
            raise ValueError(f"{os.fspath(path)}: its split pattern is unknown, and no {beside(path).name} says it")
        with naming(beside(path)):
            pattern, special = _read_beside(parse_object(read_bytes(beside(path), 1 << 20)))
    else:
        pattern, special = published
    with naming(path):
        _check_ids(rank_of, special)
        model = ByteLevel(rank_of, recover_merges(rank_of), pattern=pattern, whole_words=True)
        return Pipeline(model, added_tokens=[AddedToken(spelling, id) for spelling, id in special.items()])


def _check_ids(rank_of: Mapping[bytes, int], special: Mapping[str, int]) -> None:
    taken = dict.fromkeys(rank_of.values(), "")
    for spelling, id in special.items():
        if id in taken:
            raise ValueError(f"special token {spelling[:40]!r} has id {id}, which another token has")
        taken[id] = spelling
    within = {id: spelling for id, spelling in taken.items() if id <= max(rank_of.values())}
    dense(within, "token")  # behind the ranks, OpenAI's own files leave ids unused
    if max(taken) >= MAX_VOCAB_SIZE:
        raise ValueError(f"special token {taken[max(taken)][:40]!r} has id {max(taken)}, beyond {MAX_VOCAB_SIZE}")


def _read_ranks(data: bytes) -> dict[bytes, int]:
    rank_of: dict[bytes, int] = {}
    before = -1
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            text, rank = line.split()
            token = base64.b64decode(text, validate=True)
            if not rank.isdigit() or len(rank) > 9:
                raise ValueError
        except (ValueError, binascii.Error):
            raise ValueError(f"line {number}, {line[:40]!r}, is no token in base64 and its rank") from None
        if not 0 < len(token) <= MAX_TOKEN_BYTES:
            raise ValueError(f"line {number}: a token of {len(token)} bytes; 1 to {MAX_TOKEN_BYTES} are possible")
        if int(rank) <= before:
            raise ValueError(f"line {number}: rank {int(rank)} is not above the one before")
        if rank_of.setdefault(token, before := int(rank)) != before:
            raise ValueError(f"line {number}: its token has rank {rank_of[token]} already")
    if len(rank_of) > MAX_VOCAB_SIZE:
        raise ValueError(f"{len(rank_of)} tokens; at most {MAX_VOCAB_SIZE} are possible")
    for byte in range(256):
        if bytes([byte]) not in rank_of:
            raise ValueError(f"there is no token for byte 0x{byte:02X}")
    return rank_of


def _read_beside(document: dict[str, Any]) -> tuple[str, dict[str, int]]:
    pattern, special = entry(document, "pattern", str), entry(document, "special_tokens", dict)
    for spelling in special:
        entry(special, spelling, int, "special_tokens: ")
        if special[spelling] < 0:
            raise ValueError(f"special token {spelling[:40]!r} has the negative id {special[spelling]}")
    return pattern, special


def recover_merges(rank_of: Mapping[bytes, int]) -> list[tuple[bytes, bytes]]:
    """The pairs that the tokens were joined from, in order of rank.

    A token's bytes, encoded with the tokens of lower rank alone, end as two tokens, which are the ones that its merge
    joins. Where they end as more, no merge makes the token, and only a word that is the token becomes it.

    This loses nothing: when two neighbours in a word spell a token, whatever happened between them happened in the
    same order when the token stood alone, as nothing was joined across its ends. So they are these two.

    >>> rank_of = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256, b"bc": 257, b"abc": 258}
    >>> recover_merges(rank_of)
    [(b'a', b'b'), (b'b', b'c'), (b'ab', b'c')]
    """
    if sum(len(token) ** 2 for token in rank_of) > MAX_WORK:
        raise ValueError("its tokens are too long, all together, for a vocabulary that text was cut with")
    merges = []
    for token, rank in sorted(rank_of.items(), key=lambda item: item[1]):
        if len(token) > 1:
            parts = [token[i : i + 1] for i in range(len(token))]
            while len(parts) > 2:
                pairs = [(rank_of.get(left + right, rank), at) for at, (left, right) in enumerate(pairwise(parts))]
                lowest, at = min(pairs)
                if lowest >= rank:
                    break
                parts[at : at + 2] = [parts[at] + parts[at + 1]]
            if len(parts) == 2:
                merges.append((parts[0], parts[1]))
    return merges


def write(tokenizer: Pipeline, path: str | os.PathLike[str]) -> None:
    """Writes `path` and the file beside it; ValueError for a tokenizer that they cannot hold."""
    model = tokenizer.model
    if not isinstance(model, ByteLevel) or model.add_prefix_space:
        raise ValueError("a .tiktoken file holds byte-level BPE alone, without a space put first")
    if tokenizer.normalizer != KEEP or tokenizer.template != PLAIN:
        raise ValueError("a .tiktoken file cannot say how text is normalized, nor what stands around it")
    if any(bytes([byte]) not in model.vocabulary for byte in range(256)):
        raise ValueError("a .tiktoken file needs a token for each byte")
    if recover_merges(model.vocabulary) != list(model.merges):
        raise ValueError("the merges are not in the order of their tokens' ids, all that is in a .tiktoken file")
    if replace(model, whole_words=True).exceptions != model.exceptions:
        raise ValueError("there are tokens that no merge makes, and in a .tiktoken file words would become them")
    for added in tokenizer.added_tokens:
        if added != AddedToken(added.content, added.id):
            raise ValueError(f"added token {added.content!r} is no plain special token, as all of a .tiktoken file are")
    _check_ids(model.vocabulary, tokenizer.special_tokens)
    by_rank = sorted(model.vocabulary.items(), key=lambda item: item[1])
    lines = [base64.b64encode(token) + f" {rank}\n".encode() for token, rank in by_rank]
    document = {"pattern": model.pattern, "special_tokens": dict(tokenizer.special_tokens)}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    atomic_write(beside(path), json.dumps(document, ensure_ascii=False).encode() + b"\n")
    atomic_write(path, b"".join(lines))
