"""Text from tokens as they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.generation.stream import stream_text
from lm.tokenizer import BPETokenizer, CharacterTokenizer
from lm.tokenizer.word import WordTokenizer

BYTES = BPETokenizer([])


@given(st.text(max_size=30))
def test_chunks_joined_are_the_text_and_no_character_is_split(text):
    chunks = list(stream_text(BYTES, BYTES.encode(text)))
    assert "".join(chunks) == text
    assert len(chunks) == len(text)


@given(st.binary(max_size=30))
def test_bytes_that_are_no_text_decode_as_they_do_at_once(data):
    ids = BYTES.encode(data)
    assert "".join(stream_text(BYTES, ids)) == BYTES.decode(ids)


@given(st.text("ab.", max_size=20), st.lists(st.text("ab.", min_size=1, max_size=4), max_size=3))
def test_the_first_stop_string_ends_the_text(text, stop):
    tokenizer = CharacterTokenizer("ab.")
    # What is seen first: the shortest beginning of the text that holds a stop string, cut before where that begins.
    cut = len(text)
    for end in range(len(text) + 1):
        begins = [text[:end].find(one) for one in stop if one in text[:end]]
        if begins:
            cut = min(begins)
            break
    assert "".join(stream_text(tokenizer, tokenizer.encode(text), stop)) == text[:cut]


def test_text_is_not_held_back_longer_than_needed():
    seen = []

    def ids():
        for character in "xab-":
            seen.append(character)
            yield CharacterTokenizer("xab-").encode(character)[0]

    stream = stream_text(CharacterTokenizer("xab-"), ids(), stop=["abc"])
    assert next(stream) == "x" and seen == ["x"]
    assert next(stream) == "ab-" and seen == ["x", "a", "b", "-"]


@given(st.lists(st.integers(0, 3), max_size=8))
def test_lines_of_sentences_come_as_they_do_at_once(ids):
    words = WordTokenizer(["a", "b"])  # ids 2 and 3; id 1 ends a sentence
    assert "".join(stream_text(words, ids)) == words.decode(ids)


def test_an_empty_stop_string_is_refused():
    with pytest.raises(ValueError, match="stop string"):
        list(stream_text(BYTES, [], stop=[""]))
