"""Reading text: pieces, splits, and everything that is no text."""

import hashlib
import io
import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.data.text import LONGEST_WORD, DataError, Document, Text, open_text
from lm.tokenizer import train_bpe
from lm.tokenizer.splitting import PATTERN_NAMES, split_pattern

TOKENIZER = train_bpe("the cat and the hat\n\n\n\n    that  café\n \n naïve 東京 123   " * 3, 285)
words = st.text(st.sampled_from("thea c'st\n\t \r\u00a0\u2003\x1c\x85é東👍1,."), max_size=60)


def text_of(*contents: bytes) -> Text:
    documents = [Document(f"document {i}", lambda c=c: io.BytesIO(c), 0, len(c)) for i, c in enumerate(contents)]
    return Text("text", tuple(documents))


spaced = st.lists(st.sampled_from(["the", "a", " ", "  ", "\n", "\n\n", "\u00a0", "\x1c", "東", "é"]), max_size=20).map(
    "".join
)


@settings(max_examples=200)
@given(words | spaced, st.integers(1, 20))
def test_pieces_have_the_tokens_of_the_whole(text, size):
    (document,) = text_of(text.encode()).documents
    pieces = list(document.pieces(size))
    assert "".join(pieces) == text
    assert [id for piece in pieces for id in TOKENIZER.encode(piece)] == TOKENIZER.encode(text)


def test_pieces_are_about_as_long_as_asked():
    (document,) = text_of(b"word " * 1000).documents
    assert max(map(len, document.pieces(100))) <= 105


@pytest.mark.parametrize("pattern", PATTERN_NAMES)
def test_no_word_of_any_split_pattern_lies_in_two_pieces(pattern):
    text = "if a:\n\n    b();\r\n\t 12\n , c's!\n" * 40
    (document,) = text_of(text.encode()).documents
    pieces, words = list(document.pieces(30)), split_pattern(pattern).words
    assert len(pieces) > 20 and [word for piece in pieces for word in words(piece)] == words(text)


def seconds(function):
    """Processor time, the least of five."""
    times = []
    for _ in range(5):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize(
    "of_length",
    [lambda n: b" " * n, lambda n: "👍".encode() + b" " * n, lambda n: b"a" * n],
    ids=["spaces", "one character and spaces", "letters"],
)
def test_pieces_take_time_linear_in_the_text(of_length):
    (short,), (long,) = (text_of(of_length(n)).documents for n in (100_000, 800_000))
    assert seconds(lambda: list(long.pieces())) < 24 * seconds(lambda: list(short.pieces()))  # quadratic: 64 times


@pytest.mark.parametrize("character", ["a", " ", "東"])
def test_pieces_are_bounded_where_no_word_ends(character):
    (document,) = text_of(character.encode() * (3 * LONGEST_WORD)).documents
    pieces = list(document.pieces(size=1 << 19))
    assert "".join(pieces) == character * (3 * LONGEST_WORD)
    assert max(map(len, pieces)) <= LONGEST_WORD + (1 << 19)


@given(st.lists(words, max_size=4), st.floats(0.01, 0.99))
def test_a_split_loses_nothing_and_cuts_no_character(texts, fraction):
    text = text_of(*(one.encode() for one in texts))
    before, after = text.split(fraction)
    assert "".join([*before.pieces(), *after.pieces()]) == "".join(texts)
    boundary = int(text.size * (1 - fraction))
    assert boundary - 3 <= before.size <= boundary
    assert all(document.size for document in (*before.documents, *after.documents))


def test_a_split_is_where_nanogpt_splits():
    content = bytes(range(32, 127)) * 11740  # ASCII, of about the length of tinyshakespeare
    before, _ = text_of(content).split(0.1)
    assert "".join(before.pieces()) == content[: int(len(content) * 0.9)].decode()


def test_the_default_text_is_a_function_of_the_python_version():
    text = open_text(None)
    assert text.sha256() == open_text(None).sha256()
    assert text.size > 400_000
    assert "".join(text.pieces()).startswith('The "assert" statement')


def test_a_folder_is_its_files_by_path(tmp_path):
    (tmp_path / "b").mkdir()
    for path, content in {
        "b/1.txt": "two ",
        "a.txt": "one ",
        "c.txt": "three",
        ".hidden": "no",
        "empty.txt": "",
    }.items():
        (tmp_path / path).write_text(content)
    assert "".join(open_text(tmp_path).pieces()) == "one two three"
    assert "".join(open_text([str(tmp_path / "c.txt"), str(tmp_path / "b")]).pieces()) == "threetwo "


def test_a_file_given_twice_is_refused(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "1.txt").write_text("one")
    (tmp_path / "link.txt").symlink_to(tmp_path / "b" / "1.txt")
    file = str(tmp_path / "b" / "1.txt")
    for data in [[file, file], [tmp_path / "b", file], [file, tmp_path / "b" / ".." / "b"], tmp_path]:
        with pytest.raises(DataError, match=r"(1|link)\.txt: there twice, it is the file .*1\.txt"):
            open_text(data)


@pytest.mark.parametrize("data", ["", ["a.txt", ""]])
def test_no_name_is_not_the_current_folder(tmp_path, monkeypatch, data):
    (tmp_path / "a.txt").write_text("one")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="names no file"):
        open_text(data)


def test_a_digest_tells_where_documents_end():
    assert text_of(b"ab", b"c").sha256() != text_of(b"a", b"bc").sha256()
    assert text_of(b"ab").sha256() == hashlib.sha256(b"2\nab").hexdigest()


@pytest.mark.parametrize("content", [b"\x7fELF\0\0", b"text " * 500_000 + b"\0"], ids=["at once", "late"])
def test_nul_is_binary_and_its_place_is_named(tmp_path, content):
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.bin: NUL at byte {content.index(0)}; is it a binary file"):
        open_text(tmp_path / "a.bin").sha256()


@pytest.mark.parametrize(
    "prefix", [b"", b"text " * 500_000, b"x" + "é".encode() * 600_000], ids=["at once", "late", "cut"]
)
@pytest.mark.parametrize("junk", [b"\xff\xfe", b"\xe6\x9d"], ids=["no character", "half a character"])
def test_undecodable_bytes_are_named(tmp_path, prefix, junk):
    (tmp_path / "latin.txt").write_bytes(prefix + junk)
    with pytest.raises(DataError, match=rf"latin\.txt: not UTF-8 at byte {len(prefix)};"):
        open_text(tmp_path / "latin.txt").sha256()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.txt"):
        open_text(tmp_path / "absent.txt")


@pytest.mark.parametrize("content", [{}, {"a.txt": b""}], ids=["no files", "an empty file"])
def test_a_folder_without_text_is_named(tmp_path, content):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    with pytest.raises(DataError, match="folder"):
        open_text(folder)


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "empty.txt").touch()
    with pytest.raises(DataError, match=r"empty\.txt: empty"):
        open_text(tmp_path / "empty.txt")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="pipe: not a regular file"):
        open_text(tmp_path / "pipe")


def test_a_file_that_shrinks_while_read_is_refused():
    document = Document("log.txt", lambda: io.BytesIO(b"short"), 0, 10)
    with pytest.raises(DataError, match=r"log\.txt: became shorter"):
        list(document.pieces())
