"""Word vectors: files that come back bit for bit, damage that is named, neighbours and analogies."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.models.word_vectors import WordVectors, load_word2vec_format
from minigrad.io import CorruptFileError

# As gensim 4.4 and the C program write them: floats as text, and with or without a newline after a binary vector.
GENSIM_TEXT = b"2 3\nking 0.5 -1.25 3e-08\nk\xc3\xb6nig 1.0 2.0 0.1\n"
GENSIM_BINARY = b"2 3\nking " + np.array([0.5, -1.25, 3e-8], "<f4").tobytes() + "könig ".encode()
GENSIM_BINARY += np.array([1, 2, 0.1], "<f4").tobytes()
C_BINARY = b"2 3\nking " + np.array([0.5, -1.25, 3e-8], "<f4").tobytes() + "\nkönig ".encode()
C_BINARY += np.array([1, 2, 0.1], "<f4").tobytes() + b"\n"

words = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=6)
numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(words, min_size=1, max_size=6, unique=True), st.integers(1, 4), st.data(), st.sampled_from("tbh"))
@settings(max_examples=80, deadline=None)
def test_what_is_saved_is_loaded_bit_for_bit(tmp_path_factory, vocabulary, D, data, kind):
    vectors = np.array([[data.draw(numbers) for _ in range(D)] for _ in vocabulary], np.float32)
    path = tmp_path_factory.getbasetemp() / "vectors"
    WordVectors(vocabulary, vectors).save_word2vec_format(path, binary=kind == "b", write_header=kind != "h")
    found = load_word2vec_format(path, binary=kind == "b", no_header=kind == "h")
    assert found.words == vocabulary
    assert found.vectors.tobytes() == vectors.tobytes()


@pytest.mark.parametrize(
    ("data", "settings"),
    [
        (GENSIM_TEXT, {}),
        (GENSIM_TEXT.replace(b"\n", b" \n")[:-1], {}),  # the C program leaves a blank at the end of a line
        (GENSIM_TEXT.partition(b"\n")[2], {"no_header": True}),
        (GENSIM_BINARY, {"binary": True}),
        (C_BINARY, {"binary": True}),
    ],
)
def test_files_of_others_are_read(tmp_path, data, settings):
    (tmp_path / "v").write_bytes(data)
    found = load_word2vec_format(tmp_path / "v", **settings)
    assert found.words == ["king", "könig"]
    assert found.vectors.tolist() == np.array([[0.5, -1.25, 3e-8], [1, 2, 0.1]], np.float32).tolist()


def test_gensim_reads_ours_and_we_read_gensims(tmp_path):
    gensim = pytest.importorskip("gensim.models")
    own = WordVectors(["a", "bb", "ü"], np.random.default_rng(0).standard_normal((3, 7)).astype(np.float32))
    for binary in (False, True):
        own.save_word2vec_format(tmp_path / "ours", binary=binary)
        theirs = gensim.KeyedVectors.load_word2vec_format(str(tmp_path / "ours"), binary=binary)
        assert theirs.index_to_key == own.words and np.array_equal(theirs.vectors, own.vectors)
        theirs.save_word2vec_format(str(tmp_path / "theirs"), binary=binary)
        back = load_word2vec_format(tmp_path / "theirs", binary=binary)
        assert back.words == own.words and np.array_equal(back.vectors, own.vectors)
        assert [w for w, _ in own.most_similar("a")] == [w for w, _ in theirs.most_similar("a")]


@pytest.mark.parametrize(
    ("data", "settings", "message"),
    [
        (b"", {}, "no header"),
        (b"king 1 2\n", {}, "no header.*no_header=True"),
        (b"2 3\nking 1 2 3\n", {}, "says 2 words, but 1 lines follow; was it cut short"),
        (b"1 3\nking 1 2\n", {}, "line 2 has 2 numbers, not 3"),
        (b"1 0\nking\n", {}, "no channels"),
        (b"king 1 2\nqueen 1\n", {"no_header": True}, "line 2 has 1 numbers, not 2"),
        (b"1 2\nking 1 x\n", {}, "line 2: not 2 numbers"),
        (b"1 2\nking 1 nan\n", {}, "'king' holds a number that is not finite"),
        (b"2 1\nking 1\nking 2\n", {}, "'king' is there twice"),
        (b"1 1\n\xff 1\n", {}, "utf-8"),
        (GENSIM_BINARY[:-1], {"binary": True}, "cut short"),
        (b"99999999999999 300\nking ", {"binary": True}, "cannot hold 99999999999999 words"),
        (GENSIM_BINARY + b"more", {"binary": True}, "4 bytes follow"),
        (b"1 1\n" + b"x" * 9000, {"binary": True}, "ends within word 1"),
        (b"x" * 100, {"binary": True}, "no header"),
    ],
)
def test_damage_is_named_with_the_file(tmp_path, data, settings, message):
    (tmp_path / "v").write_bytes(data)
    with pytest.raises(CorruptFileError, match=message) as error:
        load_word2vec_format(tmp_path / "v", **settings)
    assert str(tmp_path / "v") in str(error.value)


@pytest.mark.parametrize("settings", [{"binary": True, "no_header": True}])
def test_binary_without_a_header_is_nothing(tmp_path, settings):
    with pytest.raises(ValueError, match="always have a header"):
        load_word2vec_format(tmp_path / "v", **settings)
    with pytest.raises(ValueError, match="always have a header"):
        WordVectors(["a"], np.ones((1, 1))).save_word2vec_format(tmp_path / "v", binary=True, write_header=False)


@pytest.mark.parametrize("word", ["", "new york", "a\n", "a\u00a0b"])
def test_a_word_that_the_format_cannot_hold_is_refused_and_nothing_written(tmp_path, word):
    with pytest.raises(ValueError, match="cannot hold the word"):
        WordVectors([word], np.ones((1, 2))).save_word2vec_format(tmp_path / "v")
    assert not (tmp_path / "v").exists()


def test_the_nearest_are_those_with_the_greatest_cosine():
    rng = np.random.default_rng(0)
    vectors = WordVectors([f"w{i}" for i in range(50)], rng.standard_normal((50, 8)))
    found = vectors.most_similar("w3", topn=5)
    unit = vectors.vectors / np.linalg.norm(vectors.vectors, axis=1, keepdims=True)
    cosines = sorted(((unit[i] @ unit[3]), f"w{i}") for i in range(50) if i != 3)[::-1][:5]
    assert [word for word, _ in found] == [word for _, word in cosines]
    assert [value for _, value in found] == pytest.approx([value for value, _ in cosines], abs=1e-6)
    assert vectors.similarity("w3", found[0][0]) == pytest.approx(found[0][1], abs=1e-6)
    assert len(vectors.most_similar("w3", topn=1000)) == 49


def test_analogies_are_answered_and_counted():
    square = WordVectors(["man", "woman", "king", "queen"], [[1, 0], [-1, 0], [1, 2], [-1, 2]])
    assert square.analogies([("man", "woman", "king", "queen"), ("woman", "man", "queen", "king")]) == 1
    assert (
        square.analogies([("man", "woman", "king", "man"), ("man", "x", "y", "z"), ("king", "queen", "man", "woman")])
        == 0.5
    )
    with pytest.raises(ValueError, match="no question"):
        square.analogies([("a", "b", "c", "d")])


def test_unknown_words_and_none_are_named():
    vectors = WordVectors(["a", "b"], np.eye(2))
    with pytest.raises(KeyError, match="'c' has no vector"):
        vectors.most_similar("c")
    with pytest.raises(ValueError, match="at least one word"):
        vectors.most_similar([])
    with pytest.raises(ValueError, match="'a' is there twice"):
        WordVectors(["a", "a"], np.eye(2))
    with pytest.raises(ValueError, match="2 words need as many rows"):
        WordVectors(["a", "b"], np.eye(3))


def test_a_vector_of_zeros_is_near_nothing():
    vectors = WordVectors(["zero", "one", "two"], [[0, 0], [1, 0], [0, 1]])
    assert [value for _, value in vectors.most_similar("zero")] == [0, 0]
