"""Draws at the edge of what can be drawn: the last one that is possible, and the first that is not."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.random import Key

HOST = pytest.mark.host("a device does not look at values")
LIMITS = {  # the least and the greatest whole number that are told apart from their neighbours
    mg.bool: (0, 1), np.uint8: (0, 255), np.int8: (-128, 127), np.int16: (-(2**15), 2**15 - 1),
    mg.int32: (-(2**31), 2**31 - 1), mg.int64: (-(2**63), 2**63 - 1), np.uint16: (0, 2**16 - 1),
    mg.float16: (-(2**11), 2**11), mg.float32: (-(2**24), 2**24), mg.float64: (-(2**53), 2**53),
}  # fmt: skip


@pytest.mark.parametrize("dtype", LIMITS)
def test_whole_numbers_are_drawn_to_the_limits_of_their_dtype_and_not_beyond(dtype):
    least, greatest = LIMITS[dtype]
    for low, high in ((least, greatest + 1), (greatest, greatest + 1), (least, least + 1)):
        drawn = mg.randint(low, high, (50,), dtype=dtype)
        assert drawn.dtype == dtype and low <= min(drawn.tolist()) and max(drawn.tolist()) < high
    for low, high in ((least - 1, greatest), (least, greatest + 2)):
        with pytest.raises(ValueError, match=rf"^randint: {low} to {high - 1} do not fit"):
            mg.randint(low, high, (2,), dtype=dtype)


@pytest.mark.parametrize("dtype, most", [(mg.bool, 2), (np.uint8, 256), (np.int8, 128), (mg.float16, 2049)])
def test_so_many_whole_numbers_are_permuted(dtype, most):
    for n in (0, 1, 2, most - 1, most):
        order = mg.randperm(n, dtype=dtype)
        assert order.dtype == dtype and sorted(order.tolist()) == list(range(n))
    with pytest.raises(ValueError, match=rf"^randperm: 0 to {most} do not fit"):
        mg.randperm(most + 1, dtype=dtype)


def test_one_number_can_be_drawn_and_none_cannot():
    assert mg.randint(5, 6, (9,)).tolist() == [5] * 9 and mg.randint(1, (2, 2)).tolist() == [[0, 0], [0, 0]]
    for low, high in ((5, 5), (5, 4), (0, 0), (0, -1)):
        with pytest.raises(ValueError, match=f"randint needs low < high, got {low} and {high}"):
            mg.randint(low, high, (2,))
    like = mg.zeros(3)
    assert mg.randint_like(like, 1).tolist() == [0.0] * 3 and mg.randint_like(like, 7, 8).tolist() == [7.0] * 3


@HOST
def test_a_deviation_is_at_least_0():
    for std in (0.0, mg.zeros(2), mg.zeros(())):
        size = None if isinstance(std, mg.Tensor) else (2,)
        assert set(mg.normal(3.0, std, size).reshape(-1).tolist()) == {3.0}
    assert mg.normal(mg.zeros(2), 0.5).shape == (2,) and mg.normal(mg.zeros(2), mg.ones(3, 1)).shape == (3, 2)
    for std in (-1e-6, mg.tensor([0.5, -1e-6])):
        with pytest.raises(ValueError, match="standard deviations of at least 0"):
            mg.normal(0.0, std, None if isinstance(std, mg.Tensor) else (2,))


@HOST
def test_a_probability_is_from_0_to_1():
    assert mg.bernoulli(mg.tensor([0.0, 1.0] * 50)).tolist() == [0.0, 1.0] * 50
    assert mg.bernoulli(mg.zeros(0, 3)).shape == (0, 3)
    for wrong in (-1e-6, 1.000001, np.nan, 2.0, -1.0):
        with pytest.raises(ValueError, match="probabilities"):
            mg.bernoulli(mg.tensor([0.5, wrong]))


def test_what_has_no_chance_is_not_drawn_even_by_bits_that_are_0(monkeypatch):
    monkeypatch.setattr(Key, "bits", lambda key, count, *device: np.zeros(count, np.uint64))
    assert mg.bernoulli(mg.tensor([0.0, 1e-9, 1.0], device="cpu")).tolist() == [0.0, 1.0, 1.0]
    assert Key(0, "a", 0).bernoulli((2,), 0.0).tolist() == [False] * 2
    assert Key(0, "a", 0).bernoulli((2,), 1e-9).tolist() == [True] * 2
    assert mg.multinomial(mg.tensor([0.0, 0.0, 2.0], device="cpu"), 3, True).tolist() == [2] * 3
    assert mg.multinomial(mg.tensor([0.0, 1.0, 0.0, 2.0], device="cpu"), 2).tolist() == [1, 3]


def test_no_bits_lead_beyond_a_range(monkeypatch):
    monkeypatch.setattr(Key, "bits", lambda key, count, *device: np.full(count, 2**64 - 1, np.uint64))
    for low, high in ((-(2**63), 2**63 - 1), (0, 2**63 - 1), (-(2**63), 1), (-5, 5), (7, 8)):
        drawn = mg.randint(low, high, (2,), device="cpu").tolist()
        assert drawn == [low + (2**64 - 1) % (high - low)] * 2 and low <= drawn[0] < high
    assert mg.randint(-(2**63), 2**63, (1,), device="cpu").tolist() == [2**63 - 1]
    for dtype in (mg.float16, mg.float32, mg.float64):
        assert 0.99 < mg.rand(1, dtype=dtype, device="cpu").item() < 1.0
        assert np.isfinite(mg.randn(3, dtype=dtype, device="cpu").data).all()


@HOST
@pytest.mark.parametrize("weights, count, replaced, reason", [
    ([1.0, 2.0], 0, True, "cannot draw 0 of 2"), ([1.0, 2.0], -1, False, "cannot draw -1 of 2"),
    ([1.0, 2.0], 3, False, "cannot draw 3 of 2"), ([1.0, 0.0], 2, False, "only 1 weights above 0"),
    ([0.0, 0.0], 1, True, "only 0 weights above 0"), ([[1.0, 2.0], [3.0, 0.0]], 2, False, "only 1 weights above 0"),
    ([1.0, -1e-6], 1, False, "at least 0"), ([1.0, np.inf], 1, False, "finite"), ([np.nan, 1.0], 1, True, "finite"),
    ([[[1.0]]], 1, False, r"takes weights \(n,\) or \(m, n\), got float32 of shape \(1, 1, 1\)"),
    (1.0, 1, False, r"takes weights \(n,\) or \(m, n\), got float32 of shape \(\)"),
    ([1, 2], 1, False, r"takes weights .* got int64 of shape \(2,\)"),
])  # fmt: skip
def test_a_draw_by_weights_that_is_not_possible_is_refused(weights, count, replaced, reason):
    with pytest.raises(ValueError, match=f"^multinomial.*{reason}"):
        mg.multinomial(mg.tensor(weights), count, replaced)


def test_a_draw_by_weights_that_is_just_possible():
    assert sorted(mg.multinomial(mg.tensor([1.0, 2.0, 3.0]), 3).tolist()) == [0, 1, 2]
    assert sorted(mg.multinomial(mg.tensor([1e-3, 0.0, 3.0]), 2).tolist()) == [0, 2]
    assert mg.multinomial(mg.tensor([0.0, 1.0]), 9, replacement=True).tolist() == [1] * 9
    rows = mg.multinomial(mg.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 9.0]]), 4, True)
    assert rows.tolist() == [[1] * 4, [2] * 4] and rows.dtype == mg.int64
    assert mg.multinomial(mg.tensor([[1.0, 0.0], [0.0, 1.0]]), 1).tolist() == [[0], [1]]
    assert mg.multinomial(mg.zeros(0, 3), 2).shape == (0, 2)


@pytest.mark.parametrize("make", [mg.rand, mg.randn, lambda **k: mg.normal(0.0, 1.0, (2,), **k)])
@pytest.mark.parametrize("dtype", [mg.int64, mg.bool, np.longdouble, np.complex64, "O"])
def test_a_real_number_is_of_a_floating_dtype_that_a_tensor_has(make, dtype):
    with pytest.raises(TypeError):
        make(dtype=dtype) if make not in (mg.rand, mg.randn) else make(2, dtype=dtype)
