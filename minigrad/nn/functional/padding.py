"""Borders around the last dimensions: a constant, or what lies inside continued in some way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...backends import backend_of
from ...ops import clone, where, windows
from ...ops.failure import ShapeError, in_module
from ...ops.index import raw


def pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Any:
    """`input` with `pad` = (left, right, top, bottom, ...) more entries around its last dimensions. PyTorch: `F.pad`.

    `mode` is "constant" (of `value`, 0 if None), "reflect" (about the edge, without it), "replicate" (the edge itself)
    or "circular" (from the other end); the last three take batches with channels, as PyTorch does: 2 numbers for 2 or 3
    dimensions, 4 for 3 or 4, 6 for 4 or 5. Negative numbers cut off.

    >>> import minigrad as mg
    >>> mg.nn.functional.pad(mg.tensor([[1, 2, 3]]), (1, 2), mode="reflect")
    tensor([[2, 1, 2, 3, 2, 1]])
    """
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise ShapeError(
            f"pad takes two numbers for each of the last dimensions of {tuple(input.shape)}, got {tuple(pad)}"
            f"{in_module()}"
        )
    widths = tuple(zip(pad[::2], pad[1::2]))[::-1]
    for (before, after), size in zip(widths, input.shape[input.ndim - len(widths) :]):
        if size + before + after < 0:
            raise ShapeError(f"pad by {before} and {after} leaves less than nothing of a dimension of size {size}")
    if not any(max(each) > 0 for each in widths) and mode == "constant":
        return clone(windows.pad(input, widths))  # never a view
    if mode == "constant":
        return _constant(input, widths, value) if value else windows.pad(input, widths)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"pad knows 'constant', 'reflect', 'replicate' and 'circular', got {mode!r}")
    if value:
        raise ValueError(f"pad in mode {mode!r} takes no value")
    if input.ndim - len(widths) not in (1, 2) or not 1 <= len(widths) <= 3:
        raise NotImplementedError(
            f"pad in mode {mode!r} takes 2 numbers for 2 or 3 dimensions, 4 for 3 or 4, 6 for 4 or 5; got {len(pad)} "
            f"for shape {tuple(input.shape)}{in_module()}"
        )
    more = tuple((max(before, 0), max(after, 0)) for before, after in widths)
    less = tuple((min(before, 0), min(after, 0)) for before, after in widths)
    if mode == "circular":  # what is cut off does not come in at the other end
        return windows.pad(windows.pad(input, less), more, mode)
    return windows.pad(windows.pad(input, more, mode), less)


def _constant(input: Any, widths: tuple[tuple[int, int], ...], value: float) -> Any:
    padded = windows.pad(input, widths)
    border = windows.pad(backend_of(raw(input)).xp.ones(input.shape, np.bool_), widths)
    return where(border, padded, input.dtype.type(value))


__all__ = ["pad"]
