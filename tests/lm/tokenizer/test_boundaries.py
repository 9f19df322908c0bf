import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.tokenizer.boundaries import word_starts
from lm.tokenizer.splitting import PATTERN_NAMES, as_text, split_pattern

from .texts import PIECES, SURROGATES, drawn_texts, texts_with_surrogates

# What the rules of the patterns are about: capitals beside small and uncased letters and marks, contractions in either
# case, digits in runs, symbols and white space before line ends, slashes after them, Han characters of every kind.
SOUP = [
    *"aAbsStTdDmMlLvVeErRſK  ''''((!.,//1234\n\r\t\x1c\x1f\x85\xa0\u2028\u3000éǅʰ中文〇々⺀\u0301\u0301\ufe0f\0",
    *[
        "'s",
        "'ll",
        "'LL",
        "'rE",
        "\r\n",
        "\n/",
        " \n",
        "\n \n",
        "(\u0301",
        "中A",
        "中Ab",
        "'sA",
        "'s's",
        "   ",
        "12345",
    ],
]
PUSHED, ALL = 5_000, 100_000


def cut(text, pattern, edges=None):
    starts = [*word_starts(text, pattern, edges).tolist(), len(text)]
    return [text[start:end] for start, end in pairwise(starts)]


def assert_cut_by_the_pattern(text):
    text = as_text(text)
    for name in PATTERN_NAMES:
        assert cut(text, name) == split_pattern(name).words(text), name


def soups(count, seed):
    rng = random.Random(seed)
    for _ in range(count):
        yield "".join(rng.choices(SOUP, k=rng.randrange(1, 25)))


@given(texts_with_surrogates)
def test_words_are_those_of_the_pattern(text):
    assert_cut_by_the_pattern(text)


@given(st.lists(st.sampled_from(SOUP), max_size=15).map("".join))
def test_words_of_what_the_rules_are_about_are_those_of_the_pattern(text):
    assert_cut_by_the_pattern(text)


@pytest.mark.parametrize("count", [PUSHED, pytest.param(ALL, marks=pytest.mark.slow)])
def test_words_of_drawn_texts_are_those_of_the_pattern(count):
    for text in (*drawn_texts(count // 2, seed=5), *soups(count // 2, seed=6)):
        assert_cut_by_the_pattern(text)


def test_words_of_drawn_bytes_are_those_of_the_pattern():
    rng = random.Random(7)
    pieces = [piece.encode("utf-8", "surrogatepass") for piece in [*PIECES, *SURROGATES, *SOUP]]
    for _ in range(1000):
        pieces.append(rng.randbytes(3))
        assert_cut_by_the_pattern(b"".join(rng.choices(pieces, k=rng.randrange(15))))


@pytest.mark.parametrize("name", PATTERN_NAMES)
@pytest.mark.parametrize("before, after", [("", ""), ("a", "b"), (" ", "A"), ("'", "s"), ("1", "\n"), ("!", "é")])
def test_words_around_every_character_are_those_of_the_pattern(name, before, after):
    # Between texts "\0", here a plain character: some patterns join it to what follows, all of them alike.
    characters = [chr(code) for code in [*range(0x34000), *range(0xE0000, 0xE0200), 0x50000, 0xF0000, 0x10FFFF]]
    for start in range(0, len(characters), 1 << 16):
        text = as_text("\0".join(before + character + after for character in characters[start : start + (1 << 16)]))
        assert cut(text, name) == split_pattern(name).words(text)


def test_planes_without_characters_hold_symbols():
    # Were letters to come there, the table had to be looked up there too.
    for name in PATTERN_NAMES:
        for codes in (range(0x40000, 0xE0000), range(0xE1000, 0x110000)):
            assert len(split_pattern(name).words("".join(map(chr, codes)))) == 1


@given(st.lists(st.lists(st.sampled_from(SOUP), max_size=6).map("".join), min_size=1, max_size=6))
def test_an_edge_keeps_texts_apart(texts):
    joined = "\0".join(texts)
    edges = np.cumsum([len(text) + 1 for text in texts[:-1]], dtype=np.intp) - 1
    for name in PATTERN_NAMES:
        expected = []
        for text in texts:
            expected += [*split_pattern(name).words(text), "\0"]
        assert cut(joined, name, edges) == expected[:-1]


@pytest.mark.parametrize("name", PATTERN_NAMES)
@pytest.mark.parametrize("piece", ["\n ", "(\u0301", "((\u0301's", "中A", "'s", "1", " "])
def test_time_grows_linearly_where_the_pattern_is_asked(piece, name, time_ratio):
    assert time_ratio(lambda n: word_starts(piece * n, name), 20_000, 160_000, bound=2.5**3) <= 2.5**3
