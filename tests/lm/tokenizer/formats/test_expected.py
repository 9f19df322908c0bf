"""Files of other libraries, and the ids that these libraries give, as `make_expected` recorded them."""

import json
from pathlib import Path

import numpy as np
import pytest

from lm.tokenizer import BPETokenizer, encode_batch, load_tokenizer, save_tokenizer
from lm.tokenizer.formats import huggingface, tiktoken

EXPECTED = json.loads(Path(__file__).with_name("expected.json").read_text())
CASES = EXPECTED["cases"]
BATCHES = [(name, number) for name, case in CASES.items() for number in range(len(case.get("batches", ())))]


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def test_the_ids_are_those_of_the_library_that_made_the_file(case):
    tokenizer = huggingface.from_document(case["document"])
    for text, ids in zip(EXPECTED["texts"], case["ids"], strict=True):
        assert tokenizer.encode(text, allowed_special="all") == ids, text


def test_the_decoded_text_is_that_of_the_library_that_made_the_file(case):
    tokenizer = huggingface.from_document(case["document"])
    for ids, text in zip(case["ids"], case["decoded"], strict=True):
        assert tokenizer.decode(ids) == text


def test_a_file_written_again_says_the_same(case, tmp_path):
    first = huggingface.from_document(case["document"])
    huggingface.write(first, tmp_path / "tokenizer.json")
    again = huggingface.read(tmp_path / "tokenizer.json")
    assert huggingface.to_document(again) == huggingface.to_document(first)
    written, given = json.loads((tmp_path / "tokenizer.json").read_text()), case["document"]
    for name in ("version", "truncation", "padding", "added_tokens", "normalizer"):
        assert written[name] == given[name]
    added = {token["content"]: token["id"] for token in given["added_tokens"]}  # which may stand in both places
    assert _vocabulary(written) | added == _vocabulary(given) | added
    for text, ids in zip(EXPECTED["texts"], case["ids"], strict=True):
        assert again.encode(text, allowed_special="all") == ids


def _vocabulary(document):
    vocabulary = document["model"]["vocab"]
    return vocabulary if isinstance(vocabulary, dict) else {tuple(pair): id for id, pair in enumerate(vocabulary)}


def test_our_own_format_holds_them_all(case, tmp_path):
    save_tokenizer(huggingface.from_document(case["document"]), tmp_path / "tokenizer.json")
    assert "minigrad-tokenizer" in json.loads((tmp_path / "tokenizer.json").read_bytes())["format"]
    tokenizer = load_tokenizer(tmp_path / "tokenizer.json")
    for text, ids in zip(EXPECTED["texts"], case["ids"], strict=True):
        assert tokenizer.encode(text, allowed_special="all") == ids


@pytest.mark.parametrize("name", CASES)
def test_what_bpe_alone_can_be_is_loaded_as_such(name, tmp_path):
    (tmp_path / "tokenizer.json").write_text(json.dumps(CASES[name]["document"]))
    tokenizer = load_tokenizer(tmp_path)
    assert isinstance(tokenizer, BPETokenizer) == (name in ("gpt2", "cl100k", "llama3", "o200k", "han"))
    for text, ids in zip(EXPECTED["texts"], CASES[name]["ids"], strict=True):
        assert tokenizer.encode(text, allowed_special="all") == ids


@pytest.mark.parametrize(("name", "number"), BATCHES)
def test_batches_are_those_of_transformers(name, number):
    case = CASES[name]["batches"][number]
    batch = encode_batch(huggingface.from_document(CASES[name]["document"]), **case["arguments"])
    for array, values in case["arrays"].items():
        found = getattr(batch, array)
        assert found.dtype == np.int64 and found.tolist() == values, array


@pytest.fixture
def ranks(tmp_path):
    case = EXPECTED["tiktoken"]
    (tmp_path / "x.tiktoken").write_text(case["file"])
    (tmp_path / "x.tiktoken.json").write_text(json.dumps(case["beside"]))
    return tmp_path / "x.tiktoken"


def test_ids_from_ranks_are_those_of_tiktoken(ranks):
    tokenizer = load_tokenizer(ranks)
    assert tokenizer.decode(EXPECTED["tiktoken"]["ids"][-1]) == EXPECTED["tiktoken"]["texts"][-1]
    for text, ids in zip(EXPECTED["tiktoken"]["texts"], EXPECTED["tiktoken"]["ids"], strict=True):
        assert tokenizer.encode(text, allowed_special="all") == ids, text


def test_ranks_are_written_as_they_were(ranks, tmp_path):
    tokenizer = load_tokenizer(ranks)
    save_tokenizer(tokenizer, tmp_path / "y.tiktoken", "tiktoken")
    assert (tmp_path / "y.tiktoken").read_bytes() == ranks.read_bytes()
    assert json.loads(tiktoken.beside(tmp_path / "y.tiktoken").read_text()) == EXPECTED["tiktoken"]["beside"]
