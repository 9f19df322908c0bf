"""Masked language modelling: the laws of which tokens are asked for, and of what stands in their place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.data.masking import IGNORED, Masking

V, MASK, SPECIAL = 1000, 4, (0, 1, 2, 3, 4)
STARTS = np.arange(V) % 3 != 0  # every third token goes on with a word


def text(B=64, T=128, seed=0):
    ids = np.random.default_rng(seed).integers(5, V, size=(B, T))
    ids[:, 0], ids[:, -1] = 2, 3
    return ids


def within(count, n, p):
    """Whether a count of n draws of probability p is no further off than five standard deviations."""
    return abs(count - n * p) < 5 * np.sqrt(n * p * (1 - p))


def test_fifteen_percent_are_asked_for_and_eighty_ten_ten_stand_in_their_place():
    ids = text(400)
    inputs, labels = Masking(V, MASK, SPECIAL)(ids, np.random.default_rng(1))
    asked = labels != IGNORED
    n, askable = asked.sum(), (~np.isin(ids, SPECIAL)).sum()
    assert within(n, askable, 0.15)
    assert within((inputs[asked] == MASK).sum(), n, 0.8 + 0.1 / V)
    assert within((inputs[asked] == ids[asked]).sum(), n, 0.1 + 0.1 / V)
    changed = asked & (inputs != MASK) & (inputs != ids)
    assert within(changed.sum(), n, 0.1)
    drawn = inputs[changed]
    assert within((drawn < V // 2).sum(), len(drawn), 0.5), "a random word is any of the whole vocabulary"
    per_token = asked[:, 1:-1].mean(0)
    assert np.abs(per_token - 0.15).max() < 5 * np.sqrt(0.15 * 0.85 / 400)


@given(st.integers(0, 2**32), st.booleans(), st.sampled_from([0.05, 0.15, 0.5]))
@settings(max_examples=30, deadline=None)
def test_what_is_not_asked_for_stays_and_specials_are_never_asked_for(seed, whole, probability):
    ids = text(4, 40, seed)
    ids[0, 10:20] = 0  # padding
    masking = Masking(V, MASK, SPECIAL, probability, STARTS if whole else None)
    inputs, labels = masking(ids, np.random.default_rng(seed))
    asked = labels != IGNORED
    assert (labels[asked] == ids[asked]).all()
    assert (inputs[~asked] == ids[~asked]).all()
    assert not asked[np.isin(ids, SPECIAL)].any()
    assert (inputs >= 0).all() and (inputs < V).all()


@pytest.mark.parametrize("starts", [None, STARTS])
def test_every_sequence_with_a_token_to_ask_for_is_asked_for_one(starts):
    """Otherwise the loss of a batch of few tokens is the mean of nothing, and ends the run."""
    ids = np.full((500, 5), 7)
    ids[:, 0], ids[:, -1], ids[::5, 2:] = 2, 3, 0
    ids[-1] = 0
    _, labels = Masking(V, MASK, SPECIAL, 0.01, starts)(ids, np.random.default_rng(0))
    assert ((labels != IGNORED).sum(axis=1)[:-1] >= 1).all()
    assert not (labels[-1] != IGNORED).any()


def test_masks_are_a_function_of_the_generator():
    ids, masking = text(), Masking(V, MASK, SPECIAL)
    one, same, other = (masking(ids, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same))
    assert not np.array_equal(one[1], other[1])


@given(st.integers(0, 2**32), st.integers(3, 60))
@settings(max_examples=60, deadline=None)
def test_words_are_asked_for_as_a_whole_until_the_share_is_reached(seed, T):
    ids = text(3, T, seed)
    labels = Masking(V, MASK, SPECIAL, 0.15, STARTS)(ids, np.random.default_rng(seed))[1]
    for row, asked in zip(ids, labels != IGNORED):
        words, word = [], []
        for place in range(1, T - 1):
            if STARTS[row[place]] and word:
                words.append(word)
                word = []
            word.append(place)
        words.append(word)
        assert {bool(asked[word].all()) for word in words if asked[word].any()} <= {True}
        wanted = max(1, round(0.15 * (T - 2)))
        assert asked.sum() <= wanted
        left = [len(word) for word in words if not asked[word].any()]
        assert not left or asked.sum() + min(left) > wanted, "a word that still fits is asked for"


def test_tokens_that_are_words_of_their_own_are_asked_for_in_bert_s_exact_number():
    labels = Masking(V, MASK, SPECIAL, 0.15, np.ones(V, bool))(text(8, 128), np.random.default_rng(0))[1]
    assert ((labels != IGNORED).sum(1) == round(0.15 * 126)).all()
    labels = Masking(V, MASK, SPECIAL, 0.15, np.ones(V, bool), 10)(text(8, 128), np.random.default_rng(0))[1]
    assert ((labels != IGNORED).sum(1) == 10).all()


def test_a_sequence_of_specials_alone_is_asked_for_nothing():
    labels = Masking(V, MASK, SPECIAL, 0.15, STARTS)(np.zeros((1, 5), np.int64), np.random.default_rng(0))[1]
    assert (labels == IGNORED).all()


@pytest.mark.parametrize(
    ("settings", "message"), [({"probability": 0.0}, "probability"), ({"mask_id": V}, f"mask_id {V} is outside")]
)
def test_settings_that_make_no_sense_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Masking(**{"vocab_size": V, "mask_id": MASK, "special_ids": SPECIAL, **settings})
