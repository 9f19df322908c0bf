"""Borders around the last dimensions: a constant, or what lies inside continued in some way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...ops import cat, flip, index_put, narrow
from ...ops.failure import ShapeError, in_module
from ...ops.index import raw
from ...tensor import Tensor


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
    dims = [input.ndim - 1 - i for i in range(len(pad) // 2)]
    borders = list(zip(dims, pad[::2], pad[1::2]))
    for dim, before, after in borders:
        if input.shape[dim] + before + after < 0:
            raise ShapeError(
                f"pad by {before} and {after} leaves less than nothing of dimension {dim} of size {input.shape[dim]}"
            )
    if mode == "constant":
        return _constant(input, borders, 0 if value is None else value)
    if mode not in _CONTINUED:
        raise NotImplementedError(f"pad knows 'constant', 'reflect', 'replicate' and 'circular', got {mode!r}")
    if value:
        raise ValueError(f"pad in mode {mode!r} takes no value")
    if input.ndim - len(dims) not in (1, 2) or not 1 <= len(dims) <= 3:
        raise NotImplementedError(
            f"pad in mode {mode!r} takes 2 numbers for 2 or 3 dimensions, 4 for 3 or 4, 6 for 4 or 5; got {len(pad)} "
            f"for shape {tuple(input.shape)}{in_module()}"
        )
    for dim, before, after in borders:
        if mode == "circular":  # what is cut off does not come in at the other end
            input, before, after = _cropped(input, dim, before, after), max(before, 0), max(after, 0)
        input = _cropped(_CONTINUED[mode](input, dim, max(before, 0), max(after, 0)), dim, before, after)
    return input


def _cropped(x: Any, dim: int, before: int, after: int) -> Any:
    """Without what negative numbers cut off."""
    first, last = max(-before, 0), x.shape[dim] - max(-after, 0)
    return x if (first, last) == (0, x.shape[dim]) else narrow(x, dim, first, last - first)


def _constant(x: Any, borders: list[tuple[int, int, int]], value: Any) -> Any:
    sizes, inside = list(x.shape), [slice(None)] * x.ndim
    for dim, before, after in borders:
        x = _cropped(x, dim, before, after)
        inside[dim] = slice(max(before, 0), max(before, 0) + x.shape[dim])
        sizes[dim] = max(before, 0) + x.shape[dim] + max(after, 0)
    return index_put(Tensor(np.full(sizes, value, x.dtype, like=raw(x))), tuple(inside), x)


def _joined(x: Any, dim: int, left: Any, right: Any) -> Any:
    return cat([part for part in (left, x, right) if part is x or part.shape[dim]], dim)


def _reflected(x: Any, dim: int, before: int, after: int) -> Any:
    size = x.shape[dim]
    if max(before, after) >= max(size, 1):
        raise ShapeError(f"pad by reflection: {max(before, after)} must be less than dimension {dim} of size {size}")
    left, right = narrow(x, dim, min(1, size), before), narrow(x, dim, max(size - 1 - after, 0), after)
    return _joined(x, dim, flip(left, dim), flip(right, dim))


def _replicated(x: Any, dim: int, before: int, after: int) -> Any:
    size = x.shape[dim]
    if size == 0 and before + after:
        raise ShapeError(f"pad by replication: dimension {dim} of size 0 has no edge")
    left, right = narrow(x, dim, 0, min(1, size)), narrow(x, dim, max(size - 1, 0), min(1, size))
    wide = [(*x.shape[:dim], count, *x.shape[dim + 1 :]) for count in (before, after)]
    return _joined(x, dim, left.expand(wide[0]), right.expand(wide[1])) if before + after else x


def _wrapped(x: Any, dim: int, before: int, after: int) -> Any:
    size = x.shape[dim]
    if max(before, after) > size:
        raise ShapeError(f"pad by wrapping: {max(before, after)} is more than dimension {dim} of size {size} has")
    return _joined(x, dim, narrow(x, dim, size - before, before), narrow(x, dim, 0, after))


_CONTINUED = {"reflect": _reflected, "replicate": _replicated, "circular": _wrapped}

__all__ = ["pad"]
