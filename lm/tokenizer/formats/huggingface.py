"""`tokenizer.json` of Hugging Face's `tokenizers`: byte-level BPE, WordPiece and Unigram, with all that is around.

The file describes a pipeline of any parts. Read are the parts that GPT-2, RoBERTa, BERT, T5, Llama 3 and their
relatives are made of; what is not among them is refused by name, so that a file that loads gives the ids it should.
Entries "truncation" and "padding" are left to the caller (`encode_batch`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.bpe import MAX_TOKEN_BYTES
from lm.tokenizer.byte_level import ByteLevel, spell, unspell
from lm.tokenizer.formats import huggingface_parts as parts
from lm.tokenizer.formats.strict import dense, entry, naming, parse_object, read_bytes
from lm.tokenizer.pipeline import Model, Pipeline
from lm.tokenizer.unigram import Unigram
from lm.tokenizer.wordpiece import WordPiece
from minigrad.io import atomic_write

VERSION = "1.0"

_NULL = type(None)
_ADDED = ("single_word", "lstrip", "rstrip", "normalized", "special")


def read(path: str | os.PathLike[str]) -> Pipeline:
    """The tokenizer in the file `path`; ValueError, naming file and entry, for what is broken or not known here."""
    with naming(path):
        return from_document(parse_object(read_bytes(path), floats=True))


def write(tokenizer: Pipeline, path: str | os.PathLike[str]) -> None:
    """Writes `tokenizer` to the file `path`, as a whole or not at all; ValueError for what the format cannot hold."""
    document = to_document(tokenizer)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8") + b"\n")


def from_document(document: dict[str, Any]) -> Pipeline:
    """The tokenizer that a parsed file describes."""
    if document.get("version") != VERSION:
        raise ValueError(f'"version" is not "{VERSION}", the only one known')
    for name in ("truncation", "padding"):
        entry(document, name, (dict, _NULL), default=None)
    model = entry(document, "model", dict)
    added = _read_added(entry(document, "added_tokens", list, default=[]))
    normalizer = parts.read_normalizer(document.get("normalizer"))
    template = parts.read_template(document.get("post_processor"), {token.content: token.id for token in added})

    kind = model.get("type", "BPE" if "merges" in model else None)  # early files do not say
    if not isinstance(kind, str) or kind not in _READERS:
        raise ValueError(f'"model": "type" is none of {", ".join(_READERS)}')
    ids, built = _READERS[kind](model, document, added)
    id_of = {spelling: id for id, spelling in ids.items()}
    for token in added:
        if ids.setdefault(token.id, token.content) != token.content:
            raise ValueError(f"added token {token.content[:40]!r} has id {token.id}, which is {ids[token.id][:40]!r}'s")
        if id_of.setdefault(token.content, token.id) != token.id:
            raise ValueError(f"added token {token.content[:40]!r} has the ids {id_of[token.content]} and {token.id}")
    dense(ids, "token")
    return Pipeline(built, added_tokens=added, normalizer=normalizer, template=template)


def _read_added(entries: list[Any]) -> list[AddedToken]:
    tokens = []
    for number, each in enumerate(entries):
        where = f"added token {number}: "
        if not isinstance(each, dict):
            raise ValueError(f"{where}not an object")
        content = entry(each, "content", str, where)
        if not 0 < len(content.encode("utf-8", "surrogatepass")) <= MAX_TOKEN_BYTES:
            raise ValueError(f"{where}a spelling has 1 to {MAX_TOKEN_BYTES} bytes, {content[:20]!r} has not")
        flags = {name: entry(each, name, bool, where, default=False) for name in _ADDED}
        tokens.append(AddedToken(content, entry(each, "id", int, where), **flags))
    return tokens


def _vocabulary(model: dict[str, Any]) -> tuple[dict[str, int], dict[int, str]]:
    vocabulary: dict[str, int] = entry(model, "vocab", dict, "model: ")
    ids: dict[int, str] = {}
    for spelling, id in vocabulary.items():
        if type(id) is not int:
            raise ValueError(f"model: the id of {spelling[:40]!r} is not an integer")
        if len(spelling) > MAX_TOKEN_BYTES:
            raise ValueError(f"model: token {spelling[:20]!r} has more than {MAX_TOKEN_BYTES} characters")
        if ids.setdefault(id, spelling) != spelling:
            raise ValueError(f"model: {ids[id][:40]!r} and {spelling[:40]!r} have the same id {id}")
    return vocabulary, ids


def _read_bpe(
    model: dict[str, Any], document: dict[str, Any], added: list[AddedToken]
) -> tuple[dict[int, str], ByteLevel]:
    where = "model: "
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        if entry(model, name, (str, _NULL), where, default=None):
            raise ValueError(f'model: "{name}" is {model[name][:40]!r}; byte-level BPE has none')
    if entry(model, "byte_fallback", bool, where, default=False):
        raise ValueError("model: BPE over characters with byte_fallback is not known here, only BPE over bytes")
    if entry(model, "dropout", (float, int, _NULL), where, default=None):
        raise ValueError("model: dropout makes ids random")
    vocabulary, ids = _vocabulary(model)
    merges = []
    for rank, merge in enumerate(entry(model, "merges", list, where)):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise ValueError(f"model: merge {rank} is no pair of tokens")
        left, right = map(unspell, pair)
        if not left or not right:
            raise ValueError(f"model: merge {rank} joins {' and '.join(pair)[:80]!r}, which are no bytes in writing")
        merges.append((left, right))
    special, spelled = {token.id for token in added if token.special}, {token.content for token in added}
    tokens = {}
    for spelling, id in vocabulary.items():
        token = unspell(spelling)
        if token:
            tokens[token] = id
        elif spelling not in spelled:
            raise ValueError(f"model: token {spelling[:40]!r} is no bytes in writing")
    unknown = entry(model, "unk_token", (str, _NULL), where, default=None)
    if unknown is not None and unknown not in vocabulary:
        raise ValueError(f"model: unk_token {unknown[:40]!r} is not in the vocabulary")
    if unknown is not None and entry(model, "fuse_unk", bool, where, default=False) and _lacks_bytes(vocabulary):
        raise ValueError("model: fuse_unk is not known here where bytes have no token of their own")
    pattern, add_prefix_space = parts.read_byte_split(document.get("pre_tokenizer"))
    parts.check_decoder(document.get("decoder"), "ByteLevel")
    return ids, ByteLevel(
        {token: id for token, id in tokens.items() if id not in special},
        merges,
        pattern=pattern,
        add_prefix_space=add_prefix_space,
        whole_words=entry(model, "ignore_merges", bool, where, default=False),
        unknown=None if unknown is None else vocabulary[unknown],
    )


def _lacks_bytes(vocabulary: dict[str, int]) -> bool:
    return any(spell(bytes([byte])) not in vocabulary for byte in range(256))


def _read_wordpiece(
    model: dict[str, Any], document: dict[str, Any], added: list[AddedToken]
) -> tuple[dict[int, str], WordPiece]:
    vocabulary, ids = _vocabulary(model)
    parts.check_bert_words(document.get("pre_tokenizer"))
    return ids, WordPiece(
        vocabulary,
        unk_token=entry(model, "unk_token", str, "model: "),
        continuing_subword_prefix=entry(model, "continuing_subword_prefix", str, "model: ", default="##"),
        max_input_chars_per_word=parts.bounded(model, "max_input_chars_per_word", 100),
        unreachable=frozenset(token.content for token in added if token.special),
        cleanup=parts.check_decoder(document.get("decoder"), "WordPiece").get("cleanup", True),
    )


def _read_unigram(
    model: dict[str, Any], document: dict[str, Any], added: list[AddedToken]
) -> tuple[dict[int, str], Unigram]:
    if entry(model, "byte_fallback", bool, "model: ", default=False):
        raise ValueError("model: byte_fallback is not known here")
    vocabulary = []
    for id, pair in enumerate(entry(model, "vocab", list, "model: ")):
        if not isinstance(pair, list) or [type(each) for each in pair] not in ([str, float], [str, int]):
            raise ValueError(f"model: entry {id} of the vocabulary is no pair of a piece and its score")
        if len(pair[0]) > MAX_TOKEN_BYTES:
            raise ValueError(f"model: piece {pair[0][:20]!r} has more than {MAX_TOKEN_BYTES} characters")
        vocabulary.append((pair[0], float(pair[1])))
    parts.check_decoder(document.get("decoder"), "Metaspace")
    return dict(enumerate(piece for piece, _ in vocabulary)), Unigram(
        vocabulary,
        unk_id=entry(model, "unk_id", (int, _NULL), "model: ", default=None),
        metaspace=parts.read_metaspace(document.get("pre_tokenizer")),
        unreachable=frozenset(token.content for token in added if token.special),
    )


_Reader = Callable[[dict[str, Any], dict[str, Any], list[AddedToken]], tuple[dict[int, str], Model]]
_READERS: dict[str, _Reader] = {"BPE": _read_bpe, "WordPiece": _read_wordpiece, "Unigram": _read_unigram}


def to_document(tokenizer: Pipeline) -> dict[str, Any]:
    """What a file says that describes `tokenizer`; ValueError for what no file of this format can say."""
    document = _describe(tokenizer)
    if from_document(document) != tokenizer:
        raise ValueError("read from tokenizer.json again, this tokenizer would not be the same")
    return document


def _describe(tokenizer: Pipeline) -> dict[str, Any]:
    model = tokenizer.model
    if isinstance(model, ByteLevel):
        kind: dict[str, Any] = {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": model.whole_words,
        }  # fmt: skip
        spelling = {id: spell(token) for token, id in model.vocabulary.items()}
        kind["vocab"] = _with_added(tokenizer, spelling)
        if model.unknown is not None:
            kind["unk_token"] = next((token for token, id in kind["vocab"].items() if id == model.unknown), None)
        kind["merges"] = [f"{spell(left)} {spell(right)}" for left, right in model.merges]
        split, decoder = parts.write_byte_split(model.pattern, model.add_prefix_space), parts.BYTE_DECODER
    elif isinstance(model, WordPiece):
        kind = {
            "type": "WordPiece",
            "unk_token": model.unk_token,
            "continuing_subword_prefix": model.continuing_subword_prefix,
            "max_input_chars_per_word": model.max_input_chars_per_word,
            "vocab": dict(sorted(model.vocabulary.items(), key=lambda item: item[1])),
        }
        split = {"type": "BertPreTokenizer"}
        decoder = {"type": "WordPiece", "prefix": model.continuing_subword_prefix, "cleanup": model.cleanup}
    elif isinstance(model, Unigram):
        kind = {"type": "Unigram", "unk_id": model.unk_id, "vocab": [list(pair) for pair in model.vocabulary]}
        kind["byte_fallback"] = False
        split, decoder = parts.write_metaspace(model.metaspace)
    else:
        raise TypeError(f"no model of this format: {type(model).__name__}")
    return {
        "version": VERSION,
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": token.id, "content": token.content, **{name: getattr(token, name) for name in _ADDED}}
            for token in sorted(tokenizer.added_tokens, key=lambda token: token.id)
        ],
        "normalizer": parts.write_normalizer(tokenizer.normalizer),
        "pre_tokenizer": split,
        "post_processor": parts.write_template(tokenizer.template, tokenizer.token_ids),
        "decoder": decoder,
        "model": kind,
    }


def _with_added(tokenizer: Pipeline, spelling: dict[int, str]) -> dict[str, int]:
    """Token to id, in order of ids, with the added tokens that are not behind all others: readers number those anew."""
    end = max(spelling, default=-1) + 1
    spelling = {token.id: token.content for token in tokenizer.added_tokens if token.id < end} | spelling
    vocabulary = {spelling[id]: id for id in sorted(spelling)}
    behind = {token.id: token.content for token in tokenizer.added_tokens if token.id >= end}
    dense(spelling | behind, "token")
    for token in tokenizer.added_tokens:
        if vocabulary.get(token.content, token.id) != token.id:
            raise ValueError(f"added token {token.content[:40]!r} is spelled like token {vocabulary[token.content]}")
    return vocabulary
