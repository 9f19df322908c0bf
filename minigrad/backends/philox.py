"""Philox-4x64-10 as arithmetic on arrays of uint64: the words that `numpy.random.Philox` gives, on any backend.

Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (2011). A block of four words is a function of
the key and the block's number, so all blocks are computed at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ROUNDS = 10
_FACTORS = 0xD2E7470EE14C6C93, 0xCA5A826395121157
_KEY_STEPS = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
_WORD = (1 << 64) - 1
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def words(block: Any, key: tuple[int, int], draw: int) -> Any:
    """Four words for each number in `block`, an array of uint64 (n,), in one row (4n,).

    The counter of a block is (block, 0, draw, 0), the lowest word first. NumPy's generator started at (0, 0, draw, 0)
    counts before it computes: its first block is number 1.
    """
    a, c = block, np.zeros_like(block) + np.uint64(draw)
    b = d = np.zeros_like(block)
    first, second = key
    for _ in range(ROUNDS):
        a_high, a_low = _product(a, _FACTORS[0])
        c_high, c_low = _product(c, _FACTORS[1])
        a, b, c, d = c_high ^ b ^ np.uint64(first), c_low, a_high ^ d ^ np.uint64(second), a_low
        first, second = (first + _KEY_STEPS[0]) & _WORD, (second + _KEY_STEPS[1]) & _WORD
    return np.stack([a, b, c, d], axis=1).reshape(-1)


def _product(x: Any, factor: int) -> tuple[Any, Any]:
    """The upper and the lower word of `x * factor`, by products of halves, none of which overflows."""
    high, low = np.uint64(factor >> 32), np.uint64(factor & 0xFFFFFFFF)
    x_high, x_low = x >> _HALF, x & _LOW
    right = x_high * low + ((x_low * low) >> _HALF)
    left = x_low * high + (right & _LOW)
    return x_high * high + (right >> _HALF) + (left >> _HALF), x * np.uint64(factor)
