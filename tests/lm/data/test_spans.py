"""Span corruption: lengths that land exactly, spans that alternate, sentinels that count down, and nothing lost."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.data.spans import SpanCorruption, corrupt

settings_of = {
    "input_length": st.integers(4, 600),
    "density": st.sampled_from([0.1, 0.15, 0.25, 0.5]),
    "mean_span_length": st.sampled_from([2.0, 3.0, 4.5, 10.0]),
}


def test_the_lengths_are_those_of_t5():
    t5 = SpanCorruption(512, 32099, 1)
    assert (t5.raw_length, t5.target_length, t5.spans) == (568, 114, 28)


@given(**settings_of, seed=st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_inputs_fill_their_length_exactly_and_inputs_and_targets_together_say_the_text(seed, **shape):
    corruption = SpanCorruption(first_sentinel=9999, eos_id=1, **shape)
    text = np.random.default_rng(seed).integers(10, 9000, size=(2, corruption.raw_length))
    inputs, targets = corruption(text, np.random.default_rng(seed))
    assert inputs.shape == (2, corruption.input_length) and targets.shape == (2, corruption.target_length)
    for raw, given_, wanted in zip(text, inputs.tolist(), targets.tolist()):
        assert given_[-1] == wanted[-1] == 1
        assert given_[0] < 9000, "a text starts with what is kept"
        sentinels = [id for id in given_ if id > 9000]
        assert sentinels == [id for id in wanted if id > 9000] == list(range(9999, 9999 - corruption.spans, -1))
        spans, said = {}, None
        for id in wanted[:-1]:
            if id > 9000:
                said = spans.setdefault(id, [])
            else:
                said.append(id)
        assert all(spans.values()), "no span is empty"
        assert not any(a > 9000 and b > 9000 for a, b in itertools.pairwise(given_)), "spans do not touch"
        whole = [token for id in given_[:-1] for token in spans.get(id, [id])]
        assert whole == raw.tolist()


@given(**settings_of)
@settings(max_examples=60, deadline=None)
def test_the_share_and_the_mean_length_are_as_asked(**shape):
    corruption = SpanCorruption(first_sentinel=9999, eos_id=1, **shape)
    cut = corruption.mask(np.random.default_rng(0))
    assert abs(cut.sum() - corruption.raw_length * corruption.density) <= 1
    wanted = cut.sum() / corruption.mean_span_length
    assert corruption.spans in (max(1, round(wanted)), (~cut).sum())
    longer = SpanCorruption(first_sentinel=9999, eos_id=1, **{**shape, "input_length": shape["input_length"] + 1})
    assert longer.raw_length > corruption.raw_length


def test_every_way_to_cut_is_equally_likely():
    corruption = SpanCorruption(9, 99, 1, density=0.5, mean_span_length=2.0)
    assert (corruption.raw_length, corruption.spans) == (11, 3)
    seen = Counter(tuple(np.flatnonzero(corruption.mask(np.random.default_rng(n)))) for n in range(4000))
    noise = len(next(iter(seen)))
    kept, spans = corruption.raw_length - noise, corruption.spans
    ways = np.prod([len(list(itertools.combinations(range(n - 1), spans - 1))) for n in (noise, kept)])
    assert len(seen) == ways
    expected = 4000 / ways
    chi_squared = sum((count - expected) ** 2 / expected for count in seen.values())
    assert chi_squared < ways + 5 * np.sqrt(2 * ways)


def test_a_text_that_ends_in_a_kept_token_and_one_that_ends_in_a_cut_one():
    assert [a.tolist() for a in corrupt(np.arange(4), np.array([False, True, False, False]), 9, 1)] == [
        [0, 9, 2, 3, 1],
        [9, 1, 1],
    ]
    assert [a.tolist() for a in corrupt(np.arange(4), np.array([False, False, False, True]), 9, 1)] == [
        [0, 1, 2, 9, 1],
        [9, 3, 1],
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"density": 0.0}, "density must be between"),
        ({"density": 1.0}, "density must be between"),
        ({"mean_span_length": 0.5}, "mean_span_length must be at least 1"),
        ({"input_length": 3}, "input_length must be at least 4"),
        ({"input_length": 36, "density": 0.5, "mean_span_length": 1.0}, "no text comes to 36 tokens"),
    ],
)
def test_settings_that_make_no_sense_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        SpanCorruption(**{"input_length": 20, "first_sentinel": 99, "eos_id": 1, **change})


def test_texts_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"needs texts \(B, 568\), got \(1, 512\)"):
        SpanCorruption(512, 32099, 1)(np.zeros((1, 512), int), np.random.default_rng(0))
