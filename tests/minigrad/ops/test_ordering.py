"""Sorting and ranks: what a comparison with recorded numbers does not see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg


def numbers(seed, size):
    """Many ties, and a nan here and there."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-20, 20, size).astype(np.float64)
    values[rng.random(size) < 0.03] = np.nan
    return values


@given(st.integers(0, 99), st.integers(1, 5), st.sampled_from([0, 1, -1]), st.booleans())
def test_a_small_topk_is_the_beginning_of_a_sort(seed, k, dim, largest):
    x = mg.Tensor(numbers(seed, (41, 43)))
    values, indices = mg.topk(x, k, dim, largest)
    ordered = mg.sort(x, dim, largest).values
    np.testing.assert_array_equal(values.data, mg.narrow(ordered, dim, 0, k).data)
    np.testing.assert_array_equal(values.data, np.take_along_axis(x.data, indices.data, dim))
    for line in np.moveaxis(indices.data, dim, -1).reshape(-1, k):
        assert len(set(line)) == k


@given(st.integers(0, 99), st.integers(1, 17), st.sampled_from([0, 1, -1]), st.booleans())
def test_the_kth_value_is_that_of_a_sort_and_its_index_names_it(seed, k, dim, keepdim):
    x = mg.Tensor(numbers(seed, (17, 19)))
    values, indices = mg.kthvalue(x, k, dim, keepdim)
    expected = np.take(np.sort(x.data, axis=dim), [k - 1], axis=dim)
    np.testing.assert_array_equal(values.data, expected if keepdim else expected.squeeze(dim))
    places = indices.data if keepdim else np.expand_dims(indices.data, dim)
    np.testing.assert_array_equal(np.take_along_axis(x.data, places, dim), expected)


@given(st.integers(0, 99), st.integers(1, 30), st.booleans())
def test_equal_elements_keep_their_order(seed, n, descending):
    x = numbers(seed, n)
    values, indices = mg.sort(mg.Tensor(x), descending=descending)
    for value in np.unique(x):
        same = np.isnan(values.data) if np.isnan(value) else values.data == value
        assert (np.diff(indices.data[same]) > 0).all()


def test_a_median_with_nan_is_the_first_nan():
    x = mg.tensor([[2.0, np.nan, 1.0, np.nan], [4.0, 3.0, 2.0, 1.0]], requires_grad=True)
    found = x.median(1)
    np.testing.assert_array_equal(found.values.detach().data, [np.nan, 2.0])
    np.testing.assert_array_equal(found.indices.data, [1, 2])
    found.values.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [[0, 1, 0, 0], [0, 0, 1, 0]])


def test_a_median_of_integers_is_one_of_them():
    assert mg.median(mg.tensor([4, 1, 3, 2])).item() == 2 and mg.median(mg.tensor([4, 1])).dtype == mg.int64
    assert np.isnan(mg.median(mg.zeros(0)).item())


def test_results_have_names():
    x = mg.tensor([[3.0, 1.0], [2.0, 4.0]])
    for found in (x.sort(), x.topk(1), x.kthvalue(1), x.median(1), x.cummax(0), x.cummin(0), x.max(1)):
        values, indices = found
        assert values is found.values and indices is found.indices and indices.dtype == mg.int64
    assert x.aminmax().min.item() == 1.0 and x.aminmax().max.item() == 4.0


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda x: x.topk(4), ValueError, r"topk: k=4 of dimension -1 of shape \(2, 3\), which has size 3"),
        (lambda x: x.topk(-1), ValueError, "topk: k=-1"),
        (lambda x: x.kthvalue(0), ValueError, r"kthvalue: k=0 of dimension -1 of shape \(2, 3\)"),
        (lambda x: x.sort(2), IndexError, "dim 2 is out of range for a tensor of 2 dimensions"),
        (lambda x: x.argsort(-3), IndexError, "dim -3 is out of range"),
        (lambda x: x.median(2), IndexError, "dim 2 is out of range"),
        (lambda x: x[:, :0].median(1), IndexError, r"median: dimension 1 of shape \(2, 0\) has size 0"),
        (lambda x: x.sum().sort(1), IndexError, "dim 1 is out of range for a tensor of 1 dimension"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(mg.ones(2, 3))
