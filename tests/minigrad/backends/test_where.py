"""Choosing between many values by masks of bits: to the bit what NumPy chooses one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.backends import choosing
from minigrad.backends.choosing import MANY, where

pytestmark = pytest.mark.host("NumPy's own `where` is slow, a device's is not")

DTYPES = [np.bool_, np.int8, np.uint16, np.int32, np.int64, np.float16, np.float32, np.float64, np.longdouble]
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, 1.0]


def values(rng, shape, dtype):
    if np.dtype(dtype).kind == "f":
        return rng.choice(SPECIAL, shape).astype(dtype)
    return rng.integers(0, 2, shape).astype(dtype)


def same_bits(one, other):
    assert (one.dtype, one.shape) == (other.dtype, other.shape)
    if one.dtype == np.longdouble:  # whose last bytes are anything
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(np.signbit(one), np.signbit(other))
    else:
        assert one.tobytes() == other.tobytes()


CHOICES = ["array", "array of another dtype", "0-d", "row", 0, 0.0, -0.0, 1, 2.5, True, float("inf"), float("nan"),
           np.float32(0), np.float64(3), "transposed"]  # fmt: skip


@given(
    st.sampled_from(DTYPES), st.sampled_from(CHOICES), st.sampled_from(CHOICES), st.integers(0, 3),
    st.sampled_from([(MANY // 8, 8), (MANY // 8 - 1, 8)]),
)  # fmt: skip
def test_it_chooses_as_numpy_does(dtype, first, second, seed, shape):
    rng = np.random.default_rng([seed, len(str(first)), len(str(second))])

    def choice(kind):
        match kind:
            case "array":
                return values(rng, shape, dtype)
            case "array of another dtype":
                return values(rng, shape, np.float32)
            case "0-d":
                return values(rng, (), dtype)[()] if seed % 2 else np.asarray(values(rng, (), dtype))
            case "row":
                return values(rng, shape[-1:], dtype)
            case "transposed":
                return values(rng, shape[::-1], dtype).T
        return kind

    condition = rng.integers(0, 2, shape).astype(bool)
    if seed == 3:
        condition = np.asfortranarray(condition)
    x, y = choice(first), choice(second)
    same_bits(np.asarray(where(condition, x, y)), np.where(condition, x, y))


def test_many_values_are_chosen_by_bits_and_few_are_not(monkeypatch):
    seen = []
    original = choosing._by_bits
    monkeypatch.setattr(choosing, "_by_bits", lambda *a: seen.append(a[0].size) or original(*a))
    for size in (MANY - 1, MANY):
        x = mg.ones(size, requires_grad=True)
        mg.where(x > 0.0, x, 0.0).sum().backward()
        assert (x.grad.numpy() == 1).all()
    assert seen == [MANY] * 2  # forward and backward


def test_what_is_chosen_is_no_argument_s_memory():
    x, y = np.ones(MANY), np.zeros(MANY)
    for condition in (x > 0, x < 0):
        assert not np.shares_memory(where(condition, x, y), x)
        assert not np.shares_memory(where(condition, x, 0.0), x)


@pytest.mark.parametrize("x, y", [("i4", "f4"), ("f4", "i4"), (">f4", ">f4"), ("f4", ">f4"), ("O", "O")])
def test_dtypes_that_are_not_one_are_numpys_affair(x, y):
    condition = np.arange(MANY) % 2 == 0
    x, y = np.arange(MANY).astype(x), (-np.arange(MANY)).astype(y)
    found, wanted = where(condition, x, y), np.where(condition, x, y)
    assert found.dtype == wanted.dtype and (found == wanted).all()


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32])
def test_a_condition_that_is_no_bool_is_numpys_affair(dtype):
    condition = (np.arange(MANY) % 3).astype(dtype)
    x, y = np.ones(MANY), np.zeros(MANY)
    assert (where(condition, x, y) == np.where(condition, x, y)).all()


def test_a_bool_is_true_whatever_its_byte():
    condition = np.full(MANY, 2, np.uint8).view(bool)
    assert (where(condition, np.ones(MANY, np.float32), 0.0) == 1.0).all()


@pytest.mark.parametrize("x, y", [(300, "int8"), ("int8", 300), (2.5, "int64")])
def test_numbers_make_integers_what_numpy_makes_of_them(x, y):
    condition = np.arange(MANY) % 2 == 0
    x, y = (np.ones(MANY, each) if isinstance(each, str) else each for each in (x, y))
    try:
        wanted = np.where(condition, x, y)
    except OverflowError:
        with pytest.raises(OverflowError):
            where(condition, x, y)
    else:
        same_bits(where(condition, x, y), wanted)
