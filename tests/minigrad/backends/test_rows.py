"""Adding rows to a table by their numbers, as the gradient of an embedding does: sorted, and in blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.backends import cpu
from minigrad.backends import numpy as backend


def expected(count, rows, values):
    target = np.zeros((count, *values.shape[1:]))
    np.add.at(target, rows, values)
    return target


@given(st.integers(1, 40), st.integers(0, 900), st.sampled_from([(1,), (300,), (100, 2)]), st.integers(0, 2**32 - 1))
def test_rows_add_up_whatever_their_order_and_in_how_many_blocks(count, number, row, seed):
    rng = np.random.default_rng(seed)
    rows, values = rng.integers(-count, count, number), rng.integers(-9, 9, (number, *row)).astype(float)
    target = np.ones((count, *row))
    cpu.scatter_add(target, rows, values)
    np.testing.assert_array_equal(target, 1.0 + expected(count, rows, values))


@pytest.mark.parametrize("count", [1 << 16, (1 << 16) + 1])
@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16, np.uint64])
def test_the_last_row_of_a_long_table_is_found(count, dtype):
    """Its number just fits 16 bits, or just does not."""
    rows = np.array([min(count - 1, np.iinfo(dtype).max), 0, 0], dtype)
    target = np.zeros((count, 1))
    cpu.scatter_add(target, rows, np.array([[1.0], [2.0], [4.0]]))
    assert np.flatnonzero(target).tolist() == [0, rows[0]]
    assert (target[0, 0], target[rows[0], 0]) == (6.0, 1.0)


@pytest.mark.parametrize("rows, shape", [(0, (3, 2)), (2, (3, 0)), (0, (0, 2))])
def test_nothing_is_added_to_or_of_nothing(rows, shape):
    target = np.ones(shape)
    cpu.scatter_add(target, np.zeros(rows, np.int64), np.ones((rows, *shape[1:])))
    assert (target == 1.0).all()


def test_one_value_may_stand_for_all_rows():
    target = np.zeros((3, 2))
    cpu.scatter_add(target, np.array([2, 0, 2]), 1.5)
    assert target.tolist() == [[1.5, 1.5], [0.0, 0.0], [3.0, 3.0]]


def test_a_long_sum_is_exact_even_if_the_cache_holds_a_single_row(monkeypatch):
    """In float32, where adding one row after the other would lose the fourth digit."""
    monkeypatch.setattr(backend, "_CACHED", 1)
    target, number = np.zeros((2, 1), np.float32), 1 << 16
    cpu.scatter_add(target, np.zeros(number, np.int64), np.float32(0.1))
    np.testing.assert_allclose(target[0], 0.1 * number, rtol=2e-5)
