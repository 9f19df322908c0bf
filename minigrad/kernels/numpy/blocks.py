"""Cutting an array into blocks that stay in the cache while several operations pass over them."""

from __future__ import annotations

from collections.abc import Iterable

BLOCK = 1 << 16  # elements: 256 KiB of float32: a few operands fit the cache next to a core, and calls cost little


def row_blocks(rows: int, columns: int) -> Iterable[slice]:
    """Slices of about `BLOCK` elements that cover all rows."""
    if rows * columns <= BLOCK:
        return (slice(0, rows),)
    step = max(1, BLOCK // max(columns, 1))
    return (slice(start, min(start + step, rows)) for start in range(0, rows, step))
