"""The co-occurrence matrix: entry by entry what its definition says, whatever the pieces it is counted in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.data import cooccurrence
from lm.data.cooccurrence import count_cooccurrences


def dense(table, size):
    matrix = np.zeros((size, size))
    matrix[table.rows, table.columns] = table.counts
    return matrix


def by_definition(ids, size, window):
    matrix = np.zeros((size, size))
    for i, one in enumerate(ids):
        for j in range(max(0, i - window), i):
            if min(ids[j : i + 1]) >= 0:
                matrix[one, ids[j]] += 1 / (i - j)
                matrix[ids[j], one] += 1 / (i - j)
    return matrix


@given(st.lists(st.integers(-1, 4), max_size=40), st.integers(1, 6), st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_every_entry_is_the_sum_of_inverse_distances(ids, window, at_once):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cooccurrence, "WORDS_AT_ONCE", at_once)
        table = count_cooccurrences([np.array(ids, np.int64)], 5, window)
    matrix = dense(table, 5)
    np.testing.assert_allclose(matrix, by_definition(ids, 5, window), rtol=1e-6)
    assert (table.counts > 0).all() and len(set(zip(table.rows, table.columns))) == len(table)


def test_no_pair_goes_from_one_text_to_the_next():
    assert len(count_cooccurrences([np.array([0]), np.array([1])], 2)) == 0


def test_every_entry_is_in_one_batch_of_each_pass_and_passes_differ():
    table = count_cooccurrences([np.arange(100) % 7], 7)
    turns = []
    for turn in range(2):
        batches = [table.batch(10, seed=3, number=turn * -(-len(table) // 10) + n) for n in range(-(-len(table) // 10))]
        turns.append([key for b in batches for key in zip(b.rows.tolist(), b.columns.tolist())])
    assert sorted(turns[0]) == sorted(turns[1]) == sorted(zip(table.rows.tolist(), table.columns.tolist()))
    assert turns[0] != turns[1]
    again = table.batch(10, seed=3, number=1)
    assert np.array_equal(again.rows, table.batch(10, seed=3, number=1).rows)
    assert not np.array_equal(again.rows, table.batch(10, seed=4, number=1).rows)
