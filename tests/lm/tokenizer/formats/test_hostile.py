"""Files of other projects that are broken or made to do harm: a clear error, or a tokenizer that works."""

import base64
import copy
import json
import random
import sys
import tracemalloc
from pathlib import Path

import pytest

from lm.tokenizer import load_tokenizer
from lm.tokenizer.formats import strict

CASES = json.loads(Path(__file__).with_name("expected.json").read_text())["cases"]
RANKS = json.loads(Path(__file__).with_name("expected.json").read_text())["tiktoken"]


def changed(document, *path, to):
    """A copy of a document in which the value at `path` is another one."""
    document = copy.deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return document


def without(document, *path):
    document = copy.deepcopy(document)
    inner = document
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return document


BPE, SPLIT, BERT, T5 = (CASES[name]["document"] for name in ("gpt2", "cl100k", "bert", "t5"))
VOCABULARY = BPE["model"]["vocab"]
TOKEN = BPE["added_tokens"][0]
PIECES = T5["model"]["vocab"]
REPLACE = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 256}

HUGGING_FACE = {
    "no version": (without(BPE, "version"), '"version" is not "1.0"'),
    "another version": (changed(BPE, "version", to="2.0"), '"version" is not "1.0"'),
    "no model": (changed(BPE, "model", to=None), '"model" is not an object'),
    "unknown model": (changed(BPE, "model", "type", to="WordLevel"), '"type" is none of BPE, WordPiece, Unigram'),
    "no vocabulary": (without(BPE, "model", "vocab"), '"vocab" is missing'),
    "vocabulary a list": (changed(BPE, "model", "vocab", to=[]), '"vocab" is not an object'),
    "id a string": (changed(BPE, "model", "vocab", "he", to="7"), "the id of 'he' is not an integer"),
    "id true": (changed(BPE, "model", "vocab", "he", to=True), "the id of 'he' is not an integer"),
    "id a fraction": (changed(BPE, "model", "vocab", "he", to=7.5), "the id of 'he' is not an integer"),
    "id twice": (changed(BPE, "model", "vocab", "he", to=VOCABULARY["in"]), "have the same id"),
    "id missing": (changed(BPE, "model", "vocab", "he", to=10**6), "'he' has id 1000000, but there is none with id"),
    "id negative": (changed(BPE, "model", "vocab", "he", to=-1), "'he' has id -1, but there is none with id"),
    "token of no bytes": (changed(BPE, "model", "vocab", "词", to=420), "token '词' is no bytes in writing"),
    "token empty": (changed(BPE, "model", "vocab", "", to=420), "token '' is no bytes"),
    "token huge": (changed(BPE, "model", "vocab", "a" * 10**5, to=420), "has more than 256 characters"),
    "merges an object": (changed(BPE, "model", "merges", to={}), '"merges" is not a list'),
    "merge of one": (changed(BPE, "model", "merges", 3, to="ab"), "merge 3 is no pair of tokens"),
    "merge of three": (changed(BPE, "model", "merges", 3, to="a b c"), "merge 3 is no pair of tokens"),
    "merge of numbers": (changed(BPE, "model", "merges", 3, to=[1, 2]), "merge 3 is no pair of tokens"),
    "merge of no bytes": (changed(BPE, "model", "merges", 3, to=["词", "a"]), "merge 3 joins '词 and a'"),
    "merge of the unknown": (changed(BPE, "model", "merges", 0, to="zq x"), "merge 0 joins 'zq', which is no byte"),
    "merge to the unknown": (changed(BPE, "model", "merges", 0, to="q z"), "merge 0 makes 'qz', which the vocabulary"),
    "merge twice": (changed(BPE, "model", "merges", to=2 * BPE["model"]["merges"][:5]), "merge 5 repeats merge 0"),
    "dropout": (changed(BPE, "model", "dropout", to=0.1), "dropout"),
    "byte_fallback": (changed(BPE, "model", "byte_fallback", to=True), "byte_fallback"),
    "suffix": (changed(BPE, "model", "end_of_word_suffix", to="</w>"), "byte-level BPE has none"),
    "unknown unk": (changed(BPE, "model", "unk_token", to="<unk>"), "unk_token '<unk>' is not in the vocabulary"),
    "ignore_merges a number": (changed(BPE, "model", "ignore_merges", to=1), '"ignore_merges" is not true or false'),
    "no pre_tokenizer": (changed(BPE, "pre_tokenizer", to=None), '"pre_tokenizer" is neither an object nor null'),
    "unknown pre_tokenizer": (changed(BPE, "pre_tokenizer", to={"type": "Digits"}), "not Digits"),
    "no split": (changed(BPE, "pre_tokenizer", "use_regex", to=False), "splits by itself"),
    "a pattern of its own": (
        changed(SPLIT, "pre_tokenizer", "pretokenizers", 0, "pattern", to={"Regex": "(a+)+$"}),
        r"unknown split pattern, '\(a\+\)\+\$'; known: cl100k, gpt2, han, llama3, o200k",
    ),
    "pattern a number": (changed(SPLIT, "pre_tokenizer", "pretokenizers", 0, "pattern", to={"Regex": 1}), "unknown"),
    "words thrown away": (changed(SPLIT, "pre_tokenizer", "pretokenizers", 0, "invert", to=True), "throw away"),
    "many parts": (changed(SPLIT, "pre_tokenizer", "pretokenizers", to=[{}] * 99), "99 parts"),
    "normalizer regex": (
        changed(BPE, "normalizer", to={"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": ""}),
        "not of a regular expression",
    ),
    "normalizer that grows": (
        changed(BPE, "normalizer", to={"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 10**6}),
        "1000000 characters",
    ),
    "normalizers that grow together": (
        changed(BPE, "normalizer", to={"type": "Sequence", "normalizers": 4 * [REPLACE]}), "up to 4294967296 times"
    ),
    "many added tokens": (
        changed(BPE, "added_tokens", to=[TOKEN, *(TOKEN | {"content": f"<{i}>", "id": i} for i in range(420, 16_804))]),
        "16385 added tokens, more than 16384",
    ),
    "unknown normalizer": (changed(BPE, "normalizer", to={"type": "Nmt"}), "normalizer: 'Nmt' is not known here"),
    "normalizers in one another": (
        changed(BPE, "normalizer", to={"type": "Sequence", "normalizers": [{"type": "Sequence", "normalizers": []}]}),
        "normalizer: 'Sequence' is not known here",
    ),
    "charsmap no base64": (changed(T5, "normalizer", "precompiled_charsmap", to="é"), "charsmap is not base64"),
    "charsmap cut off": (changed(T5, "normalizer", "precompiled_charsmap", to="AAQAAA=="), "cut off or no charsmap"),
    "charsmap that grows": (
        changed(T5, "normalizer", "precompiled_charsmap", to=base64.b64encode(b"\4\0\0\0aaaa" + b"b" * 999).decode()),
        "by more than 256 bytes",
    ),
    "unknown post_processor": (changed(BPE, "post_processor", to={"type": "X"}), "post_processor: 'X' is not known"),
    "template of the unknown": (
        changed(BERT, "post_processor", "special_tokens", "[CLS]", "ids", to=[77]), "'\\[CLS\\]' is not an added token"
    ),
    "template without a text": (changed(BERT, "post_processor", "single", to=[]), r"does not hold \$A once"),
    "template type": (
        changed(BERT, "post_processor", "pair", 0, to={"Sequence": {"id": "A", "type_id": -1}}), "token type -1"
    ),
    "wrong decoder": (changed(BPE, "decoder", to={"type": "WordPiece"}), "decoder: 'WordPiece' does not belong"),
    "added token no object": (changed(BPE, "added_tokens", to=[1]), "added token 0: not an object"),
    "added token without id": (changed(BPE, "added_tokens", to=[without(TOKEN, "id")]), '0: "id" is missing'),
    "added token empty": (changed(BPE, "added_tokens", 0, "content", to=""), "1 to 256 bytes"),
    "added token huge": (changed(BPE, "added_tokens", 0, "content", to="a" * 10**5), "1 to 256 bytes"),
    "added token twice": (changed(BPE, "added_tokens", to=[TOKEN, TOKEN | {"id": 420}]), "has the ids"),
    "added token of another": (changed(BERT, "added_tokens", 0, "id", to=77), "has id 77, which is"),
    "added token beyond": (changed(BPE, "added_tokens", to=[TOKEN, TOKEN | {"content": "<x>", "id": 999}]), "'<x>'"),
    "added token no text": (changed(BPE, "added_tokens", 0, "content", to="\ud800"), "lone surrogate|is no bytes"),
    "special 1": (changed(BPE, "added_tokens", 0, "special", to=1), '"special" is not true or false'),
    "no unk": (changed(BERT, "model", "unk_token", to="[X]"), r"does not have '\[X\]'"),
    "long words": (changed(BERT, "model", "max_input_chars_per_word", to=10**9), "outside 1 .. 1000"),
    "other words": (changed(BERT, "pre_tokenizer", to={"type": "Whitespace"}), "only BertPreTokenizer"),
    "piece no pair": (changed(T5, "model", "vocab", 5, to=["a"]), "entry 5 of the vocabulary is no pair"),
    "score a string": (changed(T5, "model", "vocab", 5, to=["a", "1"]), "entry 5 of the vocabulary is no pair"),
    "score infinite": (json.dumps(T5).replace("[0]", "[0]").encode().replace(b"0.0]", b"1e999]", 1), "score of piece"),
    "piece twice": (changed(T5, "model", "vocab", 9, to=PIECES[8]), "is there twice, as 8 and 9"),
    "unk beyond": (changed(T5, "model", "unk_id", to=10**9), "unk_id 1000000000 is outside"),
    "unk true": (changed(T5, "model", "unk_id", to=True), '"unk_id" is not an integer or null'),
    "replacement of two": (changed(T5, "pre_tokenizer", "pretokenizers", 1, "replacement", to="ab"), "one character"),
    "unknown scheme": (changed(T5, "pre_tokenizer", "pretokenizers", 1, "prepend_scheme", to="x"), '"prepend_scheme"'),
    "padding a list": (changed(BPE, "padding", to=[]), '"padding" is not an object or null'),
    "deeply nested": (b'{"model":' * 10**6, "nested too deeply"),
    "many values": (b'{"model": [' + b"[]," * (1 << 22) + b"0]}", "more than 4194304 values"),
    "cut off": (json.dumps(BPE).encode()[:-5], "cut off"),
}  # fmt: skip


def content(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.mark.parametrize("name", HUGGING_FACE)
def test_a_broken_tokenizer_json_is_refused_naming_file_and_entry(name, tmp_path):
    value, message = HUGGING_FACE[name]
    (tmp_path / "tokenizer.json").write_bytes(content(value))
    with pytest.raises(ValueError, match=rf"tokenizer\.json: .*({message})") as caught:
        load_tokenizer(tmp_path)
    assert type(caught.value) is ValueError and len(str(caught.value)) < 400


SMALL = {token: id for token, id in VOCABULARY.items() if id < 257}
RANKS_END = len(RANKS["file"].splitlines())
LINES = "".join(RANKS["file"].splitlines(keepends=True))
OTHER_FILES = {
    "merge of three": ({"vocab.json": SMALL, "merges.txt": b"#version: 0.2\na b c\n"}, "merges.txt: line 2, 'a b c'"),
    "merge of no bytes": ({"vocab.json": SMALL, "merges.txt": "词 a\n".encode()}, "merges.txt: line 1"),
    "merge to the unknown": ({"vocab.json": SMALL, "merges.txt": b"a b\n"}, "vocab.json: merge 0 makes 'ab'"),
    "merges no text": ({"vocab.json": SMALL, "merges.txt": b"\xff"}, "merges.txt: not UTF-8 at byte 0"),
    "vocabulary a list": ({"vocab.json": [], "merges.txt": b""}, "vocab.json: not a JSON object"),
    "vocabulary of strings": ({"vocab.json": {"a": "0"}, "merges.txt": b""}, "the id of 'a' is not an integer"),
    "vocabulary with a hole": ({"vocab.json": {"a": 0, "b": 2}, "merges.txt": b""}, "'b' has id 2, but there is none"),
    "vocabulary with a clash": ({"vocab.json": {"a": 0, "b": 0}, "merges.txt": b""}, "have the same id 0"),
    "vocabulary twice": ({"vocab.json": b'{"a": 0, "a": 1}', "merges.txt": b""}, "a name is there twice"),
    "vocabulary empty": ({"vocab.json": {}, "merges.txt": b""}, "vocab.json: a vocabulary needs a token"),
    "token empty": ({"vocab.json": {"": 0}, "merges.txt": b""}, "token '' has 0 characters"),
    "ranks: no base64": ({"x.tiktoken": b"!!! 0\n"}, r"x\.tiktoken: line 1, b'!!! 0', is no token in base64"),
    "ranks: no rank": ({"x.tiktoken": b"IQ==\n"}, "line 1"),
    "ranks: negative": ({"x.tiktoken": b"IQ== -1\n"}, "line 1"),
    "ranks: huge": ({"x.tiktoken": b"IQ== 9999999999999999999\n"}, "line 1"),
    "ranks: going down": ({"x.tiktoken": b"IQ== 5\nIg== 4\n"}, "line 2: rank 4 is not above"),
    "ranks: a token twice": ({"x.tiktoken": b"IQ== 0\nIQ== 1\n"}, "line 2: its token has rank 0 already"),
    "ranks: a byte missing": ({"x.tiktoken": b"IQ== 0\n"}, "no token for byte 0x00"),
    "ranks: token empty": ({"x.tiktoken": b"== 0\n"}, "line 1"),
    "ranks: token huge": ({"x.tiktoken": base64.b64encode(b"a" * 999) + b" 0\n"}, "line 1: a token of 999 bytes"),
    "ranks: no pattern": ({"x.tiktoken": LINES.encode()}, "its split pattern is unknown, and no "),
    "ranks: unknown pattern": (
        {"x.tiktoken": LINES.encode(), "x.tiktoken.json": {"pattern": "(a+)+$", "special_tokens": {}}},
        "unknown split pattern",
    ),
    "ranks: special of a token": (
        {"x.tiktoken": LINES.encode(), "x.tiktoken.json": {"pattern": "gpt2", "special_tokens": {"<x>": 7}}},
        "special token '<x>' has id 7, which another token has",
    ),
    "ranks: special id a string": (
        {"x.tiktoken": LINES.encode(), "x.tiktoken.json": {"pattern": "gpt2", "special_tokens": {"<x>": "7"}}},
        r'x\.tiktoken\.json: special_tokens: "<x>" is not an integer',
    ),
    "ranks: special far away": (
        {"x.tiktoken": LINES.encode(), "x.tiktoken.json": {"pattern": "gpt2", "special_tokens": {"<x>": 10**12}}},
        "'<x>' has id 1000000000000, beyond",
    ),
    "ranks: with a hole": (
        {"x.tiktoken": LINES.encode() + b"enp6enp6enp6enp6 900\n", "x.tiktoken.json": RANKS["beside"]},
        "but there is none with id",
    ),
    "pieces: twice": ({"vocab.txt": b"[UNK]\na\na\n"}, r"vocab\.txt: line 3: 'a' is on line 2 already"),
    "pieces: an empty line": ({"vocab.txt": b"a\n\nb\n"}, "line 2: a piece of 0 characters"),
    "pieces: huge": ({"vocab.txt": b"a" * 999}, "line 1: a piece of 999 characters"),
    "pieces: no [UNK]": ({"vocab.txt": b"[PAD]\n[CLS]\n[SEP]\n[MASK]\n"}, r"there is no \[UNK\]"),
    "pieces: no text": ({"vocab.txt": b"a\n\xff"}, "not UTF-8 at byte 2"),
    "pieces: config": ({"vocab.txt": b"", "tokenizer_config.json": {"do_lower_case": 1}}, "config.json: .*not true or"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER_FILES)
def test_other_broken_files_are_refused_naming_file_and_line(name, tmp_path):
    files, message = OTHER_FILES[name]
    for file, value in files.items():
        (tmp_path / file).write_bytes(content(value))
    with pytest.raises(ValueError, match=message) as caught:
        load_tokenizer(tmp_path)
    assert type(caught.value) is ValueError and len(str(caught.value)) < 400


def test_tokens_that_take_long_to_recover_merges_from_are_refused(tmp_path):
    rng = random.Random(0)
    lines = LINES.encode() + b"".join(
        base64.b64encode(rng.randbytes(250)) + f" {RANKS_END + i}\n".encode() for i in range(2500)
    )
    (tmp_path / "x.tiktoken").write_bytes(lines)
    (tmp_path / "x.tiktoken.json").write_text('{"pattern": "gpt2", "special_tokens": {}}')
    with pytest.raises(ValueError, match="too long, all together"):
        load_tokenizer(tmp_path / "x.tiktoken")


OTHERS = [None, True, 0, -1, 7, 1.5, 10**12, "", "a", "ab cd", "Ġ", [], {}, ["a", "b"]]


def mutated(document, rng):
    """A copy in which some values have become others, some are gone and some are there twice."""
    document = copy.deepcopy(document)
    for _ in range(rng.randrange(1, 4)):
        inner, before = document, None
        while isinstance(inner, dict | list) and inner and rng.random() < 0.85:
            key = rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
            before, inner = (inner, key), inner[key]
        if before is None:
            continue
        container, key = before
        match rng.randrange(4):
            case 0:
                container[key] = copy.deepcopy(rng.choice(OTHERS))
            case 1:
                del container[key]
            case 2:
                container[key] = copy.deepcopy(rng.choice(list(document.values())))
            case 3 if isinstance(container, list):
                container.insert(rng.randrange(len(container) + 1), copy.deepcopy(container[key]))
    return document


def garbled(data, rng):
    """Bytes with some of them changed, gone, or there twice."""
    data = bytearray(data)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data))
        match rng.randrange(3):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                del data[at : at + rng.randrange(1, 6)]
            case 2:
                data[at:at] = data[rng.randrange(len(data)) :][: rng.randrange(1, 8)]
    return bytes(data)


def write_some(folder, rng):
    """Files of one of the formats, one of them broken."""
    kind = rng.randrange(6)
    if kind < 3:
        name = rng.choice(list(CASES))
        document = small(CASES[name]["document"])
        data = content(mutated(document, rng)) if kind else garbled(content(document), rng)
        files = {"tokenizer.json": data}
    elif kind == 3:
        model = small(BPE)["model"]
        merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
        files = {"vocab.json": content(model["vocab"]), "merges.txt": merges.encode()}
    elif kind == 4:
        files = {"x.tiktoken": RANKS["file"].encode(), "x.tiktoken.json": content(RANKS["beside"])}
    else:
        pieces = "\n".join(BERT["model"]["vocab"])
        files = {"vocab.txt": pieces.encode(), "tokenizer_config.json": b'{"do_lower_case": true}'}
    broken = rng.choice(list(files))
    for name, data in files.items():
        (folder / name).write_bytes(garbled(data, rng) if kind > 2 and name == broken else data)


def small(document):
    """A BPE document with few merges, so that changes meet the rest of it too."""
    if document["model"]["type"] != "BPE":
        return document
    document = copy.deepcopy(document)
    del document["model"]["merges"][20:]
    return document


def load_everything(folder):
    """So that no module has to be loaded later."""
    for case in CASES.values():
        (folder / "tokenizer.json").write_bytes(content(case["document"]))
        load_tokenizer(folder / "tokenizer.json").encode("a", disallowed_special=())


_UNTRUSTED = {
    "exec",
    "import",
    "os.system",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "subprocess.Popen",
    "ctypes.dlopen",
}
_seen: list[str] | None = None


def _watch(event, args):
    if _seen is not None:
        mode = args[1] if event == "open" else None
        if event in _UNTRUSTED or (mode is not None and set(str(mode)) & set("wax+")):
            _seen.append(f"{event} {args[:2]}")


@pytest.fixture
def watched():
    """A list that fills with what the interpreter does beyond reading: code run, modules loaded, files written."""
    global _seen
    if not hasattr(sys, "_tokenizer_watch"):
        sys.addaudithook(_watch)  # can not be taken away again
        sys._tokenizer_watch = True
    _seen = []
    yield _seen
    _seen = None


def test_the_watch_sees_what_it_is_for(watched, tmp_path):
    (tmp_path / "x").write_text("x")
    exec("1 + 1")  # noqa: S102
    assert {line.split()[0] for line in watched} >= {"open", "exec"}


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mutated_files_are_refused_or_give_a_tokenizer_that_works(count, tmp_path, watched):
    """And nothing is run, loaded or written by reading them."""
    rng = random.Random(0)
    load_everything(tmp_path)
    refused = 0
    for number in range(count):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_some(folder, rng)
        watched.clear()
        try:
            tokenizer = load_tokenizer(folder)
        except ValueError as error:
            assert watched == []
            assert type(error) is ValueError and str(folder) in str(error)
            refused += 1
            continue
        try:
            ids = tokenizer.encode("the tokenizer's café\n")
            assert watched == []
        except ValueError as error:  # the text spells what has become a special token, or there is no [UNK] for it
            assert "special token" in str(error) or "for what is unknown" in str(error)
            continue
        assert isinstance(tokenizer.decode(ids), str)
        assert all(0 <= id < tokenizer.vocab_size for id in ids)
    assert count * 0.3 < refused < count * 0.95


def test_no_more_of_a_large_file_is_read_than_a_tokenizer_can_take(tmp_path, monkeypatch):
    monkeypatch.setattr(strict, "MAX_FILE_BYTES", 1000)
    for name in ("x.tiktoken", "vocab.txt", "merges.txt"):
        (tmp_path / name).write_bytes(b" " * 5_000_000)
        tracemalloc.start()
        try:
            with pytest.raises(ValueError, match=rf"{name}: more than 1000 bytes"):
                load_tokenizer(tmp_path / name)
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()
