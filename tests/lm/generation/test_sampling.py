"""Sampling against logits small enough to work out by hand, and against transformers' processors where installed."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lm.generation.sampling import (
    apply_temperature,
    apply_top_k,
    apply_top_p,
    check_settings,
    draw,
    filter_logits,
    greedy,
    probabilities,
)
from minigrad.ops.random import Key

OUT = -np.inf


def log(*weights: float) -> np.ndarray:
    return np.log(np.array(weights))


def test_temperature_divides_and_shifts_the_largest_to_zero():
    np.testing.assert_array_equal(apply_temperature(np.array([1.0, 3.0, 2.0]), 0.5), [-4.0, 0.0, -2.0])


def test_temperature_raises_probabilities_to_its_inverse():
    p = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(probabilities(apply_temperature(np.log(p), 0.5)), p**2 / (p**2).sum(), rtol=1e-14)


def test_the_smallest_temperature_is_greedy_and_overflows_nowhere():
    logits = apply_temperature(np.array([1.0, 3.0, 2.0]), 5e-324)
    np.testing.assert_array_equal(probabilities(logits), [0.0, 1.0, 0.0])


def test_top_k_keeps_the_k_likeliest():
    np.testing.assert_array_equal(apply_top_k(np.array([1.0, 4.0, 2.0, 3.0]), 2), [OUT, 4.0, OUT, 3.0])


def test_top_k_keeps_what_ties_with_the_last():
    np.testing.assert_array_equal(apply_top_k(np.array([2.0, 1.0, 2.0, 3.0]), 2), [2.0, OUT, 2.0, 3.0])


def test_top_k_beyond_the_vocabulary_keeps_all():
    np.testing.assert_array_equal(apply_top_k(np.array([2.0, 1.0]), 50), [2.0, 1.0])


def test_top_k_goes_row_by_row():
    np.testing.assert_array_equal(apply_top_k(np.array([[1.0, 2.0], [4.0, 3.0]]), 1), [[OUT, 2.0], [4.0, OUT]])


@pytest.mark.parametrize(
    ("p", "kept"),
    [
        (0.4, [1]),  # the likeliest alone has at least 0.4
        (0.45, [1, 3]),  # 0.4 is too little, 0.4 + 0.3 enough
        (0.75, [1, 2, 3]),
        (0.95, [0, 1, 2, 3]),
        (1e-9, [1]),
        (1.0, [0, 1, 2, 3]),
    ],
)
def test_top_p_keeps_the_fewest_that_reach_p(p, kept):
    logits = log(0.1, 0.4, 0.2, 0.3)
    expected = np.full(4, OUT)
    expected[kept] = logits[kept]
    np.testing.assert_array_equal(apply_top_p(logits, p), expected)


def test_top_p_keeps_the_first_of_equals_as_greedy_does():
    np.testing.assert_array_equal(apply_top_p(np.array([1.0, 2.0, 2.0]), 0.1), [OUT, 2.0, OUT])
    many = apply_top_p(np.tile([1.0, 2.0], 500), 0.1)
    np.testing.assert_array_equal(np.flatnonzero(np.isfinite(many)), np.arange(1, 2 * np.isfinite(many).sum(), 2))


def test_top_p_of_one_keeps_even_what_no_sum_can_see():
    np.testing.assert_array_equal(apply_top_p(np.array([0.0, -50.0]), 1.0), [0.0, -50.0])


def test_top_p_goes_row_by_row():
    logits = log(0.1, 0.9, 0.9, 0.1).reshape(2, 2)
    np.testing.assert_array_equal(np.isfinite(apply_top_p(logits, 0.5)), [[False, True], [True, False]])


def test_filters_come_in_the_order_temperature_top_k_top_p():
    logits = log(0.4, 0.3, 0.2, 0.1)
    # top-p of what top-k left: 4/7 < 0.6, so two stay; of the whole distribution 0.4 + 0.3 would be needed as well,
    # but at 0.55 only the first: 4/7 > 0.55 > 0.4
    assert np.isfinite(filter_logits(logits, top_k=2, top_p=0.55)).tolist() == [True, False, False, False]
    assert np.isfinite(apply_top_k(apply_top_p(logits, 0.55), 2)).tolist() == [True, True, False, False]
    # temperature first: 0.16 / 0.30 > 0.5 > 0.4
    assert np.isfinite(filter_logits(logits, temperature=0.5, top_p=0.5)).tolist() == [True, False, False, False]
    assert np.isfinite(filter_logits(logits, top_p=0.5)).tolist() == [True, True, False, False]


def test_greedy_takes_the_likeliest_and_the_first_of_equals():
    np.testing.assert_array_equal(greedy(np.array([[1.0, 3.0, 2.0], [5.0, 5.0, 0.0]])), [1, 0])


def test_draws_follow_the_probabilities():
    p = np.array([0.5, 0.0, 0.3, 0.2])
    with np.errstate(divide="ignore"):
        logits = np.broadcast_to(np.log(p), (20_000, 4))
    counts = np.bincount(draw(logits, Key(0, "sample", 0)), minlength=4)
    assert counts[1] == 0
    np.testing.assert_allclose(counts / 20_000, p, atol=5 * np.sqrt(0.25 / 20_000))


def test_a_draw_is_a_function_of_its_key():
    logits = np.zeros(1000)
    keys = [Key(0, "sample", 0), Key(0, "sample", 1), Key(1, "sample", 0)]
    tokens = [int(draw(logits, key)) for key in keys]
    assert tokens == [int(draw(logits, key)) for key in keys]
    assert len(set(tokens)) == 3


class _Uniform:
    """Stands in for a key whose draw is known."""

    def __init__(self, value: float) -> None:
        self.value = value

    def uniform(self, shape, dtype):
        return np.full(shape, self.value, dtype)


@pytest.mark.parametrize("u", [0.0, 0.5, 1.0 - 2.0**-53])
@given(logits=arrays(np.float64, st.integers(1, 40), elements=st.one_of(st.just(OUT), st.floats(-800, 800))))
@example(logits=np.zeros(10))  # whose probabilities add up to 1 - 2**-53
def test_no_draw_lands_on_a_token_that_is_ruled_out(u, logits):
    logits[len(logits) // 2] = 0.0
    assert probabilities(logits)[int(draw(logits, _Uniform(u)))] > 0


@given(
    logits=arrays(np.float64, st.integers(1, 30), elements=st.floats(-20, 20)),
    k=st.integers(1, 40),
    p=st.floats(0.01, 1.0),
)
def test_filters_keep_the_likeliest_and_change_no_logit_they_keep(logits, k, p):
    for kept in (apply_top_k(logits, k), apply_top_p(logits, p)):
        finite = np.isfinite(kept)
        np.testing.assert_array_equal(kept[finite], logits[finite])
        assert logits[finite].max() == logits.max()
        assert logits[finite].min() >= logits[~finite].max(initial=OUT)
    assert np.isfinite(apply_top_k(logits, k)).sum() >= min(k, len(logits))
    assert probabilities(logits)[np.isfinite(apply_top_p(logits, p))].sum() >= p - 1e-12


def test_filters_agree_with_transformers():
    torch = pytest.importorskip("torch")
    processors = pytest.importorskip("transformers")
    rng = np.random.default_rng(0)
    logits = 3 * rng.standard_normal((50, 97))
    tensor = torch.from_numpy(logits)
    for temperature, k, p in [(0.7, 10, 0.9), (1.3, 97, 0.5), (0.2, 1, 0.99), (1.0, 40, 0.1)]:
        theirs = processors.TemperatureLogitsWarper(temperature)(None, tensor)
        theirs = processors.TopKLogitsWarper(k)(None, theirs)
        theirs = processors.TopPLogitsWarper(p)(None, theirs)
        ours = filter_logits(logits, temperature=temperature, top_k=k, top_p=p)
        np.testing.assert_allclose(probabilities(ours), torch.softmax(theirs, -1).numpy(), atol=1e-14)
    tied = np.round(logits)
    theirs = processors.TopKLogitsWarper(10)(None, torch.from_numpy(tied))
    np.testing.assert_array_equal(apply_top_k(tied, 10), theirs.numpy())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("temperature", 0.0), ("temperature", -1.0), ("temperature", np.nan), ("temperature", np.inf),
        ("top_k", 0), ("top_k", -5), ("top_p", 0.0), ("top_p", 1.1), ("top_p", -0.1), ("top_p", np.nan),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_named(setting, value):
    with pytest.raises(ValueError, match=setting):
        check_settings(**{setting: value})
    with pytest.raises(ValueError, match=setting):
        filter_logits(np.zeros(3), **{setting: value})
