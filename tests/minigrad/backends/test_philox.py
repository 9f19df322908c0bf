"""The portable Philox gives the words of NumPy's, bit for bit."""

import numpy as np
import pytest

from minigrad.backends import backend_for, cpu, philox

KEYS = [(0, 0), (1, 2), (2**64 - 1, 2**64 - 1), (0x9E3779B97F4A7C15, 3), (2**63, 2**32 - 1)]
DRAWS = [0, 1, 2**32 - 1, 2**32, 2**63, 2**64 - 1]


def words(key, draw, count, first=1):
    """As a device's backend asks for them."""
    return philox.words(np.arange(first, first - (-count // 4), dtype=np.uint64), key, draw)[:count]


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 1001])
def test_the_words_are_numpys(key, draw, count):
    expected = cpu.random_bits(key, draw, count)
    ours = words(key, draw, count)
    assert ours.dtype == np.uint64
    np.testing.assert_array_equal(ours, expected)


def test_random_keys_and_draws_give_numpys_words():
    for key0, key1, draw in np.random.default_rng(0).integers(0, 2**64, (50, 3), dtype=np.uint64).tolist():
        np.testing.assert_array_equal(words((key0, key1), draw, 9), cpu.random_bits((key0, key1), draw, 9))


def test_a_block_far_into_a_draw_is_numpys():
    start = 2**64 - 3
    counter = np.array([start - 1, 0, 7, 0], np.uint64)
    expected = np.random.Philox(key=np.array([5, 6], np.uint64), counter=counter).random_raw(12)
    np.testing.assert_array_equal(words((5, 6), 7, 12, start), expected)


def test_the_words_are_those_of_the_published_test_vector():
    """Random123's `kat_vectors`: philox4x64 with 10 rounds, counter and key all zeros."""
    expected = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert philox.words(np.zeros(1, np.uint64), (0, 0), 0).tolist() == expected


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
def test_the_cpu_is_a_device(device):
    assert backend_for(device) is cpu
