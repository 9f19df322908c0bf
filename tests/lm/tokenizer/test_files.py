import json
import os
import random
import tracemalloc

import pytest

from lm.tokenizer import BPETokenizer, CharacterTokenizer, Pipeline, load_tokenizer, save_tokenizer
from lm.tokenizer import files as tokenizer_files
from lm.tokenizer.added_tokens import AddedToken
from lm.tokenizer.wordpiece import WordPiece

from .texts import drawn_texts

CHARACTER = {"format": "minigrad-tokenizer", "version": 1, "type": "character", "characters": ["\n", "a", "b"]}
BPE = {
    "format": "minigrad-tokenizer",
    "version": 1,
    "type": "bpe",
    "pattern": "gpt2",
    "special_tokens": {"<|endoftext|>": 0},
    "merges": [[65, 66], [257, 67], [221, 258]],
}


@pytest.fixture
def load(tmp_path):
    """Loads what it is given as the content of a file: bytes, or an object to be written as JSON."""

    def load(content):
        path = tmp_path / "tokenizer.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return load_tokenizer(path)

    return load


def same(one, other):
    assert type(one) is type(other)
    if isinstance(one, CharacterTokenizer):
        return one.characters == other.characters
    return (one.merges, one.special_tokens, one.pattern) == (other.merges, other.special_tokens, other.pattern)


def test_files_of_version_1_are_read(load):
    bpe = load(BPE)
    assert isinstance(bpe, BPETokenizer) and bpe.encode("abc abc") == [258, 259] and bpe.eot_token == 0
    character = load(CHARACTER)
    assert isinstance(character, CharacterTokenizer) and character.characters == "\nab"


def test_save_and_load_give_the_same_tokenizer(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    surrogates = '\ud83d\ude00😀\x00"\\é'
    for saved in (tokenizer, BPETokenizer([]), BPETokenizer([(64, 65)], special_tokens={'"é\n\\': 257})):
        save_tokenizer(saved, path)
        loaded = load_tokenizer(path)
        assert same(saved, loaded)
        for text in drawn_texts(50):
            assert loaded.encode(text, disallowed_special=()) == saved.encode(text, disallowed_special=())
    for text in ("a", "hello", surrogates, "\ud83d\ude00"):
        save_tokenizer(CharacterTokenizer(text), path)
        assert same(CharacterTokenizer(text), load_tokenizer(path))
    path.read_bytes().decode("ascii")


def test_saving_is_atomic(tokenizer, tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    save_tokenizer(tokenizer, path)
    before = path.read_bytes()

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="disk full"):
        save_tokenizer(CharacterTokenizer("abc"), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["tokenizer.json"]


def test_what_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizer_files, "MAX_FILE_BYTES", 100)
    with pytest.raises(ValueError, match=r"tokenizer\.json: the tokenizer takes \d+ bytes, more than 100"):
        save_tokenizer(BPETokenizer([(64, 65)]), tmp_path / "tokenizer.json")
    assert os.listdir(tmp_path) == []


def changed(document, **entries):
    return {**document, **entries}


def without(document, name):
    return {key: value for key, value in document.items() if key != name}


HOSTILE = {
    "empty": (b"", "not valid JSON"),
    "cut off": (json.dumps(BPE).encode()[:-20], "not valid JSON .*cut off"),
    "binary": (b"\x80\x04\x95\x00", "not UTF-8 at byte 0"),
    "gzip": (b"\x1f\x8b\x08\x00", "not UTF-8 at byte 1"),
    "byte order mark": (b"\xef\xbb\xbf" + json.dumps(BPE).encode(), "not valid JSON"),
    "two documents": (json.dumps(BPE).encode() * 2, "not valid JSON"),
    "a list": ([BPE], "not a JSON object"),
    "null": (b"null", "not a JSON object"),
    "deeply nested": (b"[" * 200_000 + b"]" * 200_000, "nested too deeply"),
    "deeply nested objects": (b'{"a":' * 200_000, "nested too deeply"),
    "NaN": (b'{"version": NaN}', "NaN"),
    "a float": (json.dumps(BPE).encode().replace(b"[65,", b"[65.0,"), 'entry 0 of "merges" is not a pair of ids'),
    "a number of 5000 digits": (b'{"version": ' + b"1" * 5000 + b"}", "digits"),
    "a name twice": (b'{"format": "minigrad-tokenizer", "format": "x"}', "twice in one JSON object"),
    "a special token twice": (json.dumps(BPE).encode().replace(b'": 0}', b'": 0, "<|endoftext|>": 1}'), "twice"),
    "another project's file": ({"version": "1.0", "rules": []}, '"format" is not "minigrad-tokenizer"'),
    "another project's file, broken": ({"version": "1.0", "model": {"type": "BPE"}}, 'model: "vocab" is missing'),
    "no format": (without(BPE, "format"), '"format"'),
    "no version": (without(BPE, "version"), '"version" is not 1'),
    "a later version": (changed(BPE, version=2), '"version" is not 1, .*newer release'),
    "version true": (changed(BPE, version=True), '"version" is not 1'),
    "unknown type": (changed(BPE, type="unigram"), '"type" is none of character, bpe, word, pipeline'),
    "type a list": (changed(BPE, type=["bpe"]), '"type" is none of'),
    "missing entry": (without(BPE, "merges"), "missing or unknown entries: 'merges'"),
    "unknown entry": (changed(BPE, regex="(a+)+$"), "missing or unknown entries: 'regex'"),
    "unknown entry of others": (changed(BPE, model={}), "missing or unknown entries: 'model'"),
    "unknown pattern": (changed(BPE, pattern="(a+)+$"), r"unknown split pattern '\(a\+\)\+\$'"),
    "pattern no string": (changed(BPE, pattern=["gpt2"]), '"pattern" is not a string'),
    "special tokens a list": (changed(BPE, special_tokens=["<|a|>"]), '"special_tokens" is not an object'),
    "special id a string": (changed(BPE, special_tokens={"<|a|>": "0"}), "id of '<|a|>' is not an integer"),
    "special id true": (changed(BPE, special_tokens={"<|a|>": True}), "id of '<|a|>' is not an integer"),
    "special id beyond": (changed(BPE, merges=[], special_tokens={"<|a|>": 10**30}), "'<|a|>' has id 1000"),
    "special ids alike": (changed(BPE, special_tokens={"<|a|>": 0, "<|b|>": 0}), "same id 0"),
    "special token empty": (changed(BPE, special_tokens={"": 0}), "0 bytes"),
    "special token huge": (changed(BPE, special_tokens={"a" * 100_000: 0}), "100000 bytes"),
    "special token no text": (changed(BPE, special_tokens={"\ud800": 0}), "lone surrogate"),
    "merges an object": (changed(BPE, merges={"a": 1}), '"merges" is not a list'),
    "merge of three": (changed(BPE, merges=[[65, 66], [1, 2, 3]]), 'entry 1 of "merges" is not a pair of ids'),
    "merge of strings": (changed(BPE, merges=[["a", "b"]]), 'entry 0 of "merges" is not a pair of ids'),
    "merge of a boolean, left": (changed(BPE, merges=[[True, 66]]), 'entry 0 of "merges" is not a pair of ids'),
    "merge of a boolean, right": (changed(BPE, merges=[[66, True]]), 'entry 0 of "merges" is not a pair of ids'),
    "merge of null": (changed(BPE, merges=[None]), 'entry 0 of "merges" is not a pair of ids'),
    "merge of itself": (changed(BPE, merges=[[257, 66]]), "merge 0 joins id 257"),
    "merge of a later id": (changed(BPE, merges=[[65, 66], [258, 66]]), "merge 1 joins id 258"),
    "merge of a special token": (changed(BPE, merges=[[0, 66]]), "merge 0 joins id 0"),
    "merge of a negative id": (changed(BPE, merges=[[65, -1]]), "merge 0 joins id -1"),
    "merge twice": (changed(BPE, merges=[[65, 66], [65, 66]]), "merge 1 repeats merge 0"),
    "tokens that double": (
        changed(BPE, merges=[[i, i] for i in [65, *range(257, 400)]]),
        "merge 8 makes a token of 512",
    ),
    "characters a string": (changed(CHARACTER, characters="abc"), '"characters" is not a list'),
    "no characters": (changed(CHARACTER, characters=[]), '"characters" is not a list of at least one'),
    "two characters": (changed(CHARACTER, characters=["a", "bc"]), 'entry 1 of "characters" is not one character'),
    "a character a number": (changed(CHARACTER, characters=[1]), 'entry 0 of "characters" is not one character'),
    "a character twice": (changed(CHARACTER, characters=["a", "b", "b"]), 'entry 2 of "characters" is there twice'),
    "characters unsorted": (changed(CHARACTER, characters=["b", "a"]), 'entry 1 of "characters" is there twice or out'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_naming_file_and_entry(name, load):
    content, message = HOSTILE[name]
    message = message.replace("|", r"\|")
    with pytest.raises(ValueError, match=rf"tokenizer\.json: .*{message}") as caught:
        load(content)
    assert type(caught.value) is ValueError
    assert len(str(caught.value)) < 500


def test_missing_file_and_folder_are_what_open_says(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_tokenizer(tmp_path / "none.json")
    with pytest.raises(IsADirectoryError):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("document", [BPE, CHARACTER], ids=["bpe", "character"])
def test_every_truncation_is_refused(document, load):
    data = json.dumps(document).encode()
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"tokenizer\.json: "):
            load(data[:length])


def test_mutated_files_are_refused_or_give_a_tokenizer_that_works(load):
    rng = random.Random(0)
    refused = 0
    for round in range(1500):
        data = bytearray(json.dumps([BPE, CHARACTER][round % 2]).encode())
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data))
            match rng.randrange(3):
                case 0:
                    data[at] ^= 1 << rng.randrange(8)
                case 1:
                    del data[at : at + rng.randrange(1, 6)]
                case 2:
                    data[at:at] = data[rng.randrange(len(data)) :][: rng.randrange(1, 8)]
        try:
            loaded = load(bytes(data))
        except ValueError as error:
            assert type(error) is ValueError and "tokenizer.json: " in str(error)
            refused += 1
            continue
        if isinstance(loaded, CharacterTokenizer):
            assert loaded.decode(loaded.encode(loaded.characters)) == loaded.characters
        else:
            assert loaded.decode(loaded.encode("abc abc\n")) == "abc abc\n"
    assert 500 < refused < 1500


def test_a_large_file_is_not_read_to_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenizer_files, "MAX_FILE_BYTES", 1000)
    path = tmp_path / "tokenizer.json"
    path.write_bytes(b" " * 5_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"tokenizer\.json: more than 1000 bytes"):
            load_tokenizer(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


# ------------------------------------------------------------------------------------------------------ all formats


def encodes_alike(one, other):
    return all(
        one.encode(text, allowed_special="all") == other.encode(text, allowed_special="all") for text in drawn_texts(50)
    )


@pytest.mark.parametrize("format", ["minigrad", "huggingface", "gpt2", "tiktoken"])
def test_every_format_gives_byte_level_bpe_back(format, tokenizer, tmp_path):
    name = {"gpt2": "folder", "tiktoken": "x.tiktoken"}.get(format, "tokenizer.json")
    save_tokenizer(tokenizer, tmp_path / name, format)
    loaded = load_tokenizer(tmp_path / name)
    assert same(tokenizer, loaded) and encodes_alike(tokenizer, loaded)
    if format != "gpt2":
        assert same(tokenizer, load_tokenizer(tmp_path))


def test_the_two_files_of_gpt2_are_found_by_either_name(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path / "f", "gpt2")
    for name in ("vocab.json", "merges.txt", ""):
        assert same(tokenizer, load_tokenizer(tmp_path / "f" / name))


def test_a_format_that_would_lose_something_is_refused(tokenizer, tmp_path):
    other_words = BPETokenizer(tokenizer.merges, special_tokens=tokenizer.special_tokens, pattern="cl100k")
    spelled = BPETokenizer([(64, 65)], special_tokens={"ab": 257})
    reached = Pipeline(WordPiece({"[UNK]": 0, "a": 1}), added_tokens=[AddedToken("a", 1)])  # by text that spells it
    for refused, format, message in (
        (CharacterTokenizer("ab"), "huggingface", "in the format minigrad alone, not as huggingface"),
        (other_words, "gpt2", "GPT-2's split pattern, not for 'cl100k'"),
        (reached, "minigrad", "would not be the same"),
        (reached, "huggingface", "would not be the same"),
        (spelled, "gpt2", "an added token is spelled like another token"),
        (spelled, "huggingface", "added token 'ab' is spelled like token 256"),
        (tokenizer, "bert", "holds the WordPiece vocabulary of a BERT alone"),
        (tokenizer, "sentencepiece", "unknown format 'sentencepiece'; known: minigrad, huggingface"),
    ):
        with pytest.raises(ValueError, match=message):
            save_tokenizer(refused, tmp_path / "x", format)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_one_tokenizer_is_an_error(tokenizer, tmp_path):
    save_tokenizer(tokenizer, tmp_path / "a.tiktoken", "tiktoken")
    save_tokenizer(tokenizer, tmp_path / "b.tiktoken", "tiktoken")
    with pytest.raises(IsADirectoryError, match="without one tokenizer"):
        load_tokenizer(tmp_path)
