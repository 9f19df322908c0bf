"""Token shards on disk: what is written is what is read, and nothing else is."""

import gzip
import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.data import corpus as corpus_module
from lm.data.corpus import Tokens, check_length, open_corpus, write_corpus
from lm.data.text import DataError, Document, Text, open_text
from lm.tokenizer import BPETokenizer, CharacterTokenizer, train_bpe
from minigrad import CorruptFileError

PROSE = "The quick brown fox jumps over the lazy dog, and it's a café.\n" * 40


@pytest.fixture
def written(tmp_path):
    (tmp_path / "prose.txt").write_text(PROSE)
    text = open_text(tmp_path / "prose.txt")
    tokenizer = train_bpe(PROSE, 280)
    write_corpus(tmp_path / "corpus", text, tokenizer, 0.1)
    return tmp_path / "corpus", text, tokenizer


def all_ids(tokens: Tokens) -> list[int]:
    return tokens.window(0, len(tokens)).tolist()


def test_a_corpus_decodes_to_its_text(written):
    folder, text, tokenizer = written
    corpus = open_corpus(folder)
    data = PROSE.encode()
    assert corpus is not None and corpus.sha256 == text.sha256()
    assert tokenizer.decode_bytes(all_ids(corpus.train.tokens)) == data[: int(len(data) * 0.9)]
    assert tokenizer.decode_bytes(all_ids(corpus.val.tokens)) == data[int(len(data) * 0.9) :]
    assert corpus.val.bytes == len(data) - int(len(data) * 0.9)


def test_the_gzip_figure_is_gzips(written):
    val = PROSE.encode()[int(len(PROSE.encode()) * 0.9) :]
    split = open_corpus(written[0]).val
    assert split.gzip_bits_per_byte == pytest.approx(8 * len(gzip.compress(val, 9)) / len(val), rel=1e-12)


def test_bits_per_byte_of_a_uniform_model(written):
    _, _, tokenizer = written
    split = open_corpus(written[0]).val
    bits = len(split.tokens) * np.log2(tokenizer.vocab_size)  # what sending the tokens as they are takes
    assert split.bits_per_byte(np.log(tokenizer.vocab_size)) == pytest.approx(bits / split.bytes)


@pytest.mark.parametrize(("vocab_size", "dtype"), [(65_536, "<u2"), (65_537, "<u4")])
def test_ids_take_two_bytes_where_they_fit(tmp_path, vocab_size, dtype):
    characters = "".join(map(chr, range(0x10000, 0x10000 + vocab_size)))
    tokenizer = CharacterTokenizer(characters)
    (tmp_path / "text.txt").write_text(characters[-100:], encoding="utf-8")
    write_corpus(tmp_path / "corpus", open_text(tmp_path / "text.txt"), tokenizer, 0.1)
    corpus = open_corpus(tmp_path / "corpus")
    assert all_ids(corpus.train.tokens) + all_ids(corpus.val.tokens) == list(range(vocab_size - 100, vocab_size))
    assert json.loads((tmp_path / "corpus/corpus.json").read_text())["splits"]["val"]["dtype"] == dtype


def test_documents_are_separated_by_the_end_of_text(tmp_path):
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt").write_text("second<|endoftext|>")
    tokenizer = BPETokenizer([], special_tokens={"<|endoftext|>": 0})
    arrays = corpus_module.token_arrays(open_text([tmp_path / "a.txt", tmp_path / "b.txt"]), tokenizer)
    ids = np.concatenate(list(arrays)).tolist()
    assert tokenizer.decode(ids) == "first<|endoftext|>second<|endoftext|>"
    assert ids.count(0) == 1  # the spelling in the text is text


def test_an_unknown_character_is_named_with_its_place_in_the_file(tmp_path):
    content = "é one\n" * 100 + "€"
    (tmp_path / "prose.txt").write_text(content, encoding="utf-8")
    _, val = open_text(tmp_path / "prose.txt").split(0.5)
    byte = len(content.encode()) - len("€".encode())
    with pytest.raises(DataError, match=rf"prose\.txt: character U\+20AC at byte {byte} is not among the 6 char"):
        list(corpus_module.token_arrays(val, CharacterTokenizer(content[:6]), size=20))


def test_shards_read_as_one(tmp_path, monkeypatch):
    (tmp_path / "prose.txt").write_text(PROSE)
    text, tokenizer = open_text(tmp_path / "prose.txt"), CharacterTokenizer(PROSE)
    monkeypatch.setattr(corpus_module, "SHARD_TOKENS", 100)
    monkeypatch.setattr("lm.data.text.Document.pieces", pieces_of(60))
    write_corpus(tmp_path / "corpus", text, tokenizer, 0.1)
    tokens = open_corpus(tmp_path / "corpus").train.tokens
    assert len(list((tmp_path / "corpus").glob("train-*.bin"))) > 5
    assert tokenizer.decode(all_ids(tokens)) == PROSE.encode()[: int(len(PROSE.encode()) * 0.9)].decode()


def test_many_documents_take_time_linear_in_their_number(tmp_path):
    """Tens of thousands of short ones, as in a folder of them."""

    def seconds(number):
        text = Text("many", (Document("one", lambda: io.BytesIO(b"a"), 0, 1),) * number)
        times = []
        for place in range(3):
            started = time.process_time()
            write_corpus(tmp_path / f"{number}-{place}", text, CharacterTokenizer("a"), 0.1)
            times.append(time.process_time() - started)
        return min(times)

    assert seconds(8000) < 8 * seconds(2000)  # quadratic: 16 times


def pieces_of(size):
    original = Document.pieces
    return lambda self, _=None: original(self, size)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.data())
def test_windows_cross_shards(lengths, data):
    ids = np.arange(sum(lengths), dtype=np.uint16)
    tokens = Tokens(np.split(ids, np.cumsum(lengths)[:-1]))
    start = data.draw(st.integers(0, len(ids)))
    length = data.draw(st.integers(0, len(ids) - start))
    assert tokens.window(start, length).tolist() == ids[start : start + length].tolist()


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, 6), (5, 1), (6, 0)])
def test_windows_end_where_tokens_end(start, length):
    with pytest.raises(IndexError, match="of 5"):
        Tokens([np.arange(5, dtype=np.uint16)]).window(start, length)


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
@pytest.mark.parametrize("name", ["train-00000.bin", "val-00000.bin"])
def test_a_damaged_shard_is_named(written, name, damage):
    path = written[0] / name
    data = bytearray(path.read_bytes())
    if damage == "remove":
        path.unlink()
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data if damage == "flip" else data[:-1])
    with pytest.raises(CorruptFileError, match=name):
        open_corpus(written[0])


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1}', b'{"version": 2}', b"[" * 100_000, b"\xff"])
def test_a_damaged_index_is_named(written, content):
    (written[0] / "corpus.json").write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"corpus\.json"):
        open_corpus(written[0])


def test_an_index_cannot_reach_outside_its_folder(written):
    folder, _, _ = written
    index = json.loads((folder / "corpus.json").read_text())
    index["splits"]["val"]["shards"][0]["file"] = "../prose.txt"
    (folder / "corpus.json").write_text(json.dumps(index))
    with pytest.raises(CorruptFileError, match=r"corpus/prose\.txt: missing"):
        open_corpus(folder)


def test_without_an_index_there_is_no_corpus(written):
    (written[0] / "corpus.json").unlink()
    assert open_corpus(written[0]) is None


def test_a_corpus_names_no_place(written):
    folder, _, _ = written
    assert str(folder.parent) not in (folder / "corpus.json").read_text()


@pytest.mark.parametrize("context", [5, 6])
def test_a_text_of_one_context_and_one_token_is_just_enough(tmp_path, context):
    (tmp_path / "short.txt").write_text("a b c.")
    text, tokenizer = open_text(tmp_path / "short.txt"), CharacterTokenizer("abc. ")
    if context == 5:
        check_length(text, tokenizer, context, "training")
    else:
        with pytest.raises(DataError, match=r"short\.txt: too short: its training part has 6 tokens"):
            check_length(text, tokenizer, context, "training")


def test_a_failed_write_leaves_no_corpus(tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"fine text\n" * 100 + b"\0")
    with pytest.raises(DataError, match="NUL"):
        write_corpus(tmp_path / "corpus", open_text(tmp_path / "bad.txt"), CharacterTokenizer("fine txt\n"), 0.1)
    assert open_corpus(tmp_path / "corpus") is None
    assert not list(Path(tmp_path / "corpus").glob("*.bin"))
