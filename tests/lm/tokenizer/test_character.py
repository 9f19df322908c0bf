import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.tokenizer import CharacterTokenizer

from .texts import texts_with_surrogates


def test_vocabulary_is_the_sorted_distinct_characters():
    tokenizer = CharacterTokenizer("hello, wörld\n")
    assert tokenizer.characters == "\n ,dehlorwö"
    assert tokenizer.vocab_size == 11
    assert tokenizer.encode("hello\n") == [5, 4, 6, 6, 7, 0]


@given(texts_with_surrogates.filter(bool), st.randoms())
def test_round_trip_is_exact(text, random):
    tokenizer = CharacterTokenizer(text)
    shuffled = "".join(random.sample(text, len(text)))
    assert tokenizer.decode(tokenizer.encode(shuffled)) == shuffled
    assert tokenizer.encode(tokenizer.characters) == list(range(tokenizer.vocab_size))


def test_array_holds_the_same_ids_in_the_smallest_type_that_fits():
    tokenizer = CharacterTokenizer("abc")
    array = tokenizer.encode_to_array("cab")
    assert array.dtype == np.uint16 and array.tolist() == [2, 0, 1]
    assert tokenizer.decode(array) == "cab"
    full = CharacterTokenizer("".join(map(chr, range(1 << 16))))
    assert full.encode_to_array("\uffff").dtype == np.uint16 and full.encode("\uffff") == [0xFFFF]
    larger = CharacterTokenizer("".join(map(chr, range((1 << 16) + 1))))
    assert larger.encode_to_array("\U00010000").dtype == np.uint32 and larger.encode("\U00010000") == [1 << 16]


@pytest.mark.parametrize(
    "text, code_point, offset",
    [("abz", "U+007A", 2), ("é", "U+00E9", 0), ("a😀b", "U+1F600", 1), ("ab\x00", "U+0000", 2)],
)
def test_unknown_character_is_named_with_its_offset(text, code_point, offset):
    with pytest.raises(ValueError, match=rf"character {code_point.replace('+', '[+]')} at offset {offset} "):
        CharacterTokenizer("abc").encode(text)


@pytest.mark.parametrize(
    "ids, place", [([3], "3 at position 0"), ([0, -1], "-1 at position 1"), ([1 << 70], "position 0")]
)
def test_decode_refuses_ids_outside_the_vocabulary(ids, place):
    with pytest.raises(ValueError, match=place):
        CharacterTokenizer("abc").decode(ids)


def test_decode_refuses_what_is_no_id():
    for ids in ([1.0], ["a"], [None]):
        with pytest.raises(TypeError):
            CharacterTokenizer("abc").decode(ids)


def test_empty_text_has_no_vocabulary_but_encodes():
    with pytest.raises(ValueError, match="at least one character"):
        CharacterTokenizer("")
    assert CharacterTokenizer("a").encode("") == []


def test_bytes_are_read_as_utf8():
    tokenizer = CharacterTokenizer("né")
    assert tokenizer.encode("né".encode()) == tokenizer.encode("né") == [0, 1]
    with pytest.raises(UnicodeDecodeError):
        tokenizer.encode(b"\xe9")


@given(texts_with_surrogates.filter(bool))
def test_bytes_of_ids_are_those_of_their_text(text):
    tokenizer = CharacterTokenizer(text)
    assert tokenizer.decode_bytes(tokenizer.encode(text)) == text.encode("utf-8", "surrogatepass")


def test_there_are_no_special_tokens():
    tokenizer = CharacterTokenizer("<|end>")
    assert tokenizer.eot_token is None
    for spellings in ("all", (), frozenset()):
        ids = tokenizer.encode("<|end|>", allowed_special=spellings, disallowed_special=spellings)
        assert tokenizer.decode(ids) == "<|end|>"
    for argument in ("allowed_special", "disallowed_special"):
        with pytest.raises(ValueError, match="no special tokens"):
            tokenizer.encode("<|end|>", **{argument: ["<|end|>"]})


def test_a_vocabulary_is_not_taken_from_bytes():
    with pytest.raises(TypeError, match="bytes"):
        CharacterTokenizer(b"abc")
