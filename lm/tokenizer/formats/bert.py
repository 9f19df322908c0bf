"""`vocab.txt`: the pieces of a WordPiece vocabulary, one a line, as Google's BERT was published.

How text is cleaned is not in it. `tokenizer_config.json` beside it says so in the entries "do_lower_case",
"strip_accents" and "tokenize_chinese_chars"; without it text is lowered, as in BERT's uncased models.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.bpe import MAX_TOKEN_BYTES, MAX_VOCAB_SIZE
from lm.tokenizer.formats.strict import dense, entry, naming, parse_object, read_bytes, read_text
from lm.tokenizer.normalizers import BertNormalizer
from lm.tokenizer.pipeline import Pipeline
from lm.tokenizer.templates import TEMPLATES
from lm.tokenizer.wordpiece import WordPiece
from minigrad.io import atomic_write

VOCABULARY, CONFIG = "vocab.txt", "tokenizer_config.json"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def read(folder: str | os.PathLike[str]) -> Pipeline:
    """The tokenizer in the file(s) of `folder`; ValueError, naming file and line, for what is broken."""
    folder = Path(folder)
    normalizer = BertNormalizer()
    if (folder / CONFIG).exists():
        with naming(folder / CONFIG):
            config = parse_object(read_bytes(folder / CONFIG, 1 << 20), floats=True)
            normalizer = BertNormalizer(
                lowercase=entry(config, "do_lower_case", bool, default=True),
                strip_accents=entry(config, "strip_accents", (bool, type(None)), default=None),
                handle_chinese_chars=entry(config, "tokenize_chinese_chars", bool, default=True),
            )
    with naming(folder / VOCABULARY):
        pieces = read_text(folder / VOCABULARY).split("\n")
        if not pieces[-1]:
            pieces.pop()
        if len(pieces) > MAX_VOCAB_SIZE:
            raise ValueError(f"{len(pieces)} pieces; at most {MAX_VOCAB_SIZE} are possible")
        vocabulary: dict[str, int] = {}
        for id, line in enumerate(pieces):
            piece = line.removesuffix("\r")
            if not 0 < len(piece) <= MAX_TOKEN_BYTES:
                raise ValueError(f"line {id + 1}: a piece of {len(piece)} characters, not 1 to {MAX_TOKEN_BYTES}")
            if vocabulary.setdefault(piece, id) != id:
                raise ValueError(f"line {id + 1}: {piece[:40]!r} is on line {vocabulary[piece] + 1} already")
        return bert_tokenizer(vocabulary, normalizer)


def bert_tokenizer(vocabulary: dict[str, int], normalizer: BertNormalizer) -> Pipeline:
    """BERT's tokenizer over these pieces; ValueError where one of `SPECIAL` is missing."""
    for spelling in SPECIAL:
        if spelling not in vocabulary:
            raise ValueError(f"there is no {spelling}, which BERT's vocabularies have")
    return Pipeline(
        WordPiece(vocabulary, unreachable=frozenset(SPECIAL)),
        added_tokens=[AddedToken(spelling, vocabulary[spelling]) for spelling in SPECIAL],
        normalizer=normalizer,
        template=TEMPLATES["bert"],
    )


def write(tokenizer: Pipeline, folder: str | os.PathLike[str]) -> None:
    """Writes the two files into `folder`; ValueError for a tokenizer that they cannot hold."""
    model, normalizer = tokenizer.model, tokenizer.normalizer
    if not isinstance(model, WordPiece) or not isinstance(normalizer, BertNormalizer) or not normalizer.clean_text:
        raise ValueError("vocab.txt holds the WordPiece vocabulary of a BERT alone")
    if bert_tokenizer(dict(model.vocabulary), normalizer) != tokenizer:
        raise ValueError("vocab.txt cannot say what this tokenizer has other than BERT: tokens, template or limits")
    dense({id: piece for piece, id in model.vocabulary.items()}, "piece")  # a line's number is its id
    config = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": normalizer.lowercase,
        "strip_accents": normalizer.strip_accents,
        "tokenize_chinese_chars": normalizer.handle_chinese_chars,
    }
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pieces = sorted(model.vocabulary, key=model.vocabulary.__getitem__)
    atomic_write(folder / CONFIG, json.dumps(config, indent=1).encode() + b"\n")
    atomic_write(folder / VOCABULARY, "".join(f"{piece}\n" for piece in pieces).encode())
