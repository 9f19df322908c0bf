"""Elementwise operations, reductions and scans: names, dtypes and refusals that recorded numbers do not show."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.ops.methods import METHODS


def gradients(function, *arrays):
    """Of the sum of the outputs."""
    tensors = [mg.tensor(array, requires_grad=True) for array in arrays]
    out = function(*tensors)
    return [gradient.data for gradient in mg.autograd.grad(out, tensors, mg.ones_like(out))]


ALIASES = {
    "absolute": "abs", "arccos": "acos", "arccosh": "acosh", "arcsin": "asin", "arcsinh": "asinh", "arctan": "atan",
    "arctan2": "atan2", "arctanh": "atanh", "clip": "clamp", "divide": "div", "greater": "gt", "greater_equal": "ge",
    "less": "lt", "less_equal": "le", "multiply": "mul", "negative": "neg", "not_equal": "ne", "subtract": "sub",
}  # fmt: skip


@pytest.mark.parametrize("alias, name", ALIASES.items())
def test_an_alias_is_the_operation(alias, name):
    assert getattr(mg, alias) is getattr(mg, name) and METHODS[alias] is METHODS[name]


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: mg.div(x, 2, rounding_mode="up"), ValueError, "must be None, 'trunc' or 'floor', got 'up'"),
        (lambda x: mg.isclose(x, x.double()), TypeError, "one dtype, got float32 and float64"),
        (lambda x: mg.isclose(x, x, rtol=-1), ValueError, "at least 0, got rtol=-1"),
        (lambda x: mg.addcdiv(x, x.long(), x.long()), TypeError, r"addcdiv divides int64 by int64; .*\.float\(\)"),
        (lambda x: mg.logcumsumexp(x.long(), 0), TypeError, "logcumsumexp needs a floating-point tensor, got int64"),
        (lambda x: mg.nanmean(x.long()), TypeError, "nanmean needs a floating-point tensor, got int64"),
        (lambda x: mg.norm(x.long()), TypeError, "norm needs a floating-point tensor, got int64"),
        (lambda x: mg.norm(x, "nuc"), ValueError, "p must be 'fro' or a number, got 'nuc'"),
        (lambda x: mg.norm(x[:0], math.inf), ValueError, r"norm of \(0, 3\) float32"),
        (lambda x: mg.diff(mg.tensor(1.0)), ValueError, "at least 1 dimension"),
        (lambda x: mg.diff(x, -1), ValueError, "n of at least 0, got -1"),
        (lambda x: mg.cumsum(x, 2), IndexError, "dim 2 is out of range for a tensor of 2 dimensions"),
        (lambda x: mg.cumprod(x, -3), IndexError, "dim -3 is out of range"),
        (lambda x: mg.cummax(mg.tensor(1.0), 1), IndexError, "dim 1 is out of range"),
        (lambda x: mg.prod(x, 2), IndexError, "dim 2 is out of range"),
        (lambda x: mg.lerp(x, mg.ones(2), 0.5), ValueError, r"sub of \(2,\) float32 and \(2, 3\) float32"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(mg.ones(2, 3))


def test_truth_is_a_plain_bool():
    x = mg.tensor([1.0, 2.0])
    assert mg.equal(x, x.clone()) is True and x.equal(x + 1.0) is False and x.equal(mg.ones(3)) is False
    assert mg.allclose(x, x + 1e-7) is True and x.allclose(x + 1.0) is False


def test_a_hypotenuse_does_not_overflow_on_the_way():
    x = mg.full((2,), 300.0, dtype=mg.float16)
    np.testing.assert_allclose(mg.hypot(x * 1.0, x).data, 300 * math.sqrt(2), rtol=1e-3)
    x = mg.tensor(np.array([1e200, 1e-200]), requires_grad=True)
    mg.hypot(x, x).sum().backward()
    np.testing.assert_allclose(x.grad.data, math.sqrt(2))


@given(st.integers(0, 99), st.integers(0, 12), st.sampled_from(["cumsum", "cumprod", "cummax", "cummin"]))
def test_a_scan_ends_in_the_reduction(seed, n, name):
    """And any beginning of it is the scan of that beginning."""
    x = np.random.default_rng(seed).integers(-3, 4, n)
    scanned = getattr(mg, name)(mg.tensor(x), 0)
    scanned = (scanned if name in ("cumsum", "cumprod") else scanned.values).data
    reduce = {"cumsum": np.sum, "cumprod": np.prod, "cummax": np.max, "cummin": np.min}[name]
    np.testing.assert_array_equal(scanned, [reduce(x[: i + 1]) for i in range(n)])


@given(st.integers(0, 99), st.integers(1, 9))
def test_a_product_with_zeros_has_the_gradient_of_the_others(seed, n):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 4, n) * rng.choice([0.0, 1.0, -1.0], n)
    (gradient,) = gradients(mg.prod, x)
    np.testing.assert_array_equal(gradient, [np.prod(np.delete(x, i)) for i in range(n)])


def test_equal_infinities_share_the_gradient_of_their_sum_without_a_warning():
    x = np.array([-math.inf, math.inf])
    for gradient in gradients(mg.logaddexp, x, x):
        np.testing.assert_array_equal(gradient, [0.5, 0.5])
    masked = np.array([-math.inf, -math.inf, 0.0, -math.inf, -math.inf, 0.0])
    (gradient,) = gradients(lambda x: mg.logcumsumexp(x, 0)[-1], masked)
    np.testing.assert_array_equal(gradient, [0, 0, 0.5, 0, 0, 0.5])


@pytest.mark.parametrize("p", [0, 0.5, 1, 1.5, 2, 3, math.inf])
def test_the_norm_of_zeros_has_gradient_zero_without_a_warning(p):
    x = np.zeros((2, 3))
    assert not gradients(lambda x: mg.norm(x, p, 1), x)[0].any()


def test_erfc_keeps_its_digits_where_erf_has_none_left():
    x = np.linspace(-6.0, 26.0, 999)
    np.testing.assert_allclose(mg.erfc(mg.tensor(x)).data, [math.erfc(number) for number in x], rtol=3e-15)


def test_powers_of_two_are_exact():
    whole = np.arange(-1000.0, 1000.0)
    np.testing.assert_array_equal(mg.exp2(mg.tensor(whole)).data, np.ldexp(1.0, whole.astype(int)))
    np.testing.assert_array_equal(mg.log2(mg.exp2(mg.tensor(whole))).data, whole)


@pytest.mark.parametrize("name", ["floor", "ceil", "trunc", "round"])
def test_a_rounded_integer_is_a_copy(name):
    x = mg.tensor([1, 2])
    rounded = getattr(mg, name)(x)
    rounded.add_(1)
    assert x.tolist() == [1, 2] and rounded.dtype == mg.int64
