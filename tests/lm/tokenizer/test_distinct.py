import random
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lm.tokenizer.distinct import DistinctWords, Slots
from lm.tokenizer.seams import Seams

words = st.lists(
    st.binary(min_size=1, max_size=20)
    | st.sampled_from(
        [b"a", b"a\0", b"\0", b"\0\0", b"a" * 8, b"a" * 15, b"a" * 16, b"a" * 17, b"\xff" * 15, b"\xff" * 16]
    ),
    max_size=40,
)


@given(st.lists(words, max_size=5))
def test_the_same_word_gets_the_same_number_and_no_other_does(texts):
    distinct = DistinctWords()
    for text in texts:
        starts = np.array([0, *accumulate(map(len, text))][:-1], np.intp)
        numbers = distinct.number(b"".join(text), starts)
        assert [distinct.words[number] for number in numbers.tolist()] == text
    assert len(set(distinct.words)) == len(distinct.words)
    assert distinct.held_bytes == sum(map(len, distinct.words))


def test_numbers_stay_as_the_table_grows():
    rng = random.Random(0)
    distinct, number_of = DistinctWords(), {}
    for _ in range(20):
        text = [rng.randbytes(rng.randrange(1, 18)) for _ in range(2000)] + rng.choices(
            list(number_of) or [b"a"], k=500
        )
        starts = np.array([0, *accumulate(map(len, text))][:-1], np.intp)
        for word, number in zip(text, distinct.number(b"".join(text), starts).tolist()):
            assert number_of.setdefault(word, number) == number


@given(st.sets(st.tuples(st.integers(0, 50), st.integers(0, (1 << 64) - 1)), max_size=60))
def test_slots_find_what_was_added_and_nothing_else(keys):
    slots = Slots(2)
    keys = sorted(keys)
    columns = [np.array([key[i] for key in keys], np.uint64) for i in (0, 1)]
    half = len(keys) // 2
    for start in range(0, half, 7):
        slots.add([column[start : min(start + 7, half)] for column in columns])
    assert slots.find(columns).tolist() == [*range(half), *[-1] * (len(keys) - half)]


@pytest.mark.parametrize("same", [0, 1])
def test_slots_compare_every_column(same):
    slots, numbers = Slots(2), np.random.default_rng(0).permutation(1 << 20)[:4_000].astype(np.uint64)
    columns = [np.full_like(numbers, 7), numbers] if same == 0 else [numbers, np.full_like(numbers, 7)]
    slots.add([column[:2_000] for column in columns])
    assert slots.find(columns).tolist() == [*range(2_000), *[-1] * 2_000]


@given(st.lists(st.binary(min_size=1, max_size=7), max_size=8), st.data())
def test_no_token_lies_across_a_seam(tokens, data):
    text = b"".join(data.draw(st.lists(st.sampled_from([*tokens, b"a", b"bc"]), min_size=1, max_size=8)))
    joins = Seams(tokens).joins(np.frombuffer(text, np.uint8))
    assert len(joins) == len(text) - 1
    for token in tokens:
        for start in range(len(text)):
            if text.startswith(token, start):
                assert joins[start : start + len(token) - 1].all()


def test_most_places_that_no_token_reaches_across_are_seams():
    joins = Seams([b"ab", b"abc", b"wxyz"]).joins(np.frombuffer(b"abcabwxyzxyaxb", np.uint8))
    assert joins.tolist() == [True, True, False, True, False, True, True, True] + [False] * 5
