"""The NumPy backend: arrays in host memory, and the shims NumPy needs."""

from __future__ import annotations

import ctypes
import math
import sys
from typing import Any

import numpy as np

from .choosing import where
from .error_function import erf, erfc

_CACHED = 1 << 16  # elements that the cache next to a core holds beside their sums


class NumpyBackend:
    """Arrays in host memory; see `minigrad.backends.Backend` for what each shim means."""

    device = "cpu"
    xp = np
    checks_values = True

    def has(self, number: int) -> bool:
        return number == 0

    def asarray(self, data: Any, dtype: Any = None) -> Any:
        return np.asarray(data, dtype=dtype)

    def to_host(self, array: Any) -> Any:
        return array

    def synchronize(self) -> None:
        pass

    def sum(self, x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
        if x.dtype == np.float16:
            return x.sum(axis=axes, keepdims=keepdims, dtype=np.float32).astype(np.float16)
        lead = len(axes)
        if 0 < lead < x.ndim and axes == tuple(range(lead)) and x.dtype.char in "fd" and x.flags.c_contiguous:
            rows = x.reshape(math.prod(x.shape[:lead]), math.prod(x.shape[lead:]))
            return _sum_rows(rows).reshape((1,) * lead * keepdims + x.shape[lead:])
        return x.sum(axis=axes, keepdims=keepdims)

    def scatter_add(self, target: Any, index: Any, values: Any) -> None:
        if isinstance(index, tuple) and len(index) == 1:
            index = index[0]
        if isinstance(index, np.ndarray) and index.dtype.kind in "iu" and target.ndim > 1:
            self._add_rows(target, index.reshape(-1), np.broadcast_to(values, index.shape + target.shape[1:]))
        else:
            _check_dims(target, index, values)
            np.add.at(target, index, values)

    @staticmethod
    def _add_rows(target: Any, rows: Any, values: Any) -> None:
        """Whole rows: sort them and add each run once, several times faster than `add.at` row by row; in blocks that
        stay in the cache, several times faster than all at once."""
        if rows.size == 0 or target.size == 0:
            return
        count = target.shape[0]
        values = values.reshape(rows.size, *target.shape[1:])
        rows = rows.astype(np.intp)
        rows = np.where(rows < 0, rows + count, rows)
        rows = rows.astype(np.uint16 if count <= 1 << 16 else np.intp)  # 16 bits are sorted by radix, ten times faster
        order = np.argsort(rows, kind="stable")
        rows = rows[order]
        new = np.concatenate(([True], rows[1:] != rows[:-1]))
        size = max(256, _CACHED // (target.size // count))  # sums of few rows, added up one by one, would round more
        for first in range(0, rows.size, size):
            block = slice(first, first + size)
            new[first] = True
            starts = np.flatnonzero(new[block])
            sums = np.add.reduceat(values.take(order[block], 0), starts, axis=0, dtype=target.dtype)
            target[rows[block][starts]] += sums

    def scatter_by(self, by: str, target: Any, index: Any, values: Any) -> None:
        _check_dims(target, index, values)
        getattr(np, by).at(target, index, values)

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        return where(condition, x, y)

    def diagonal(self, x: Any, offset: int, dim1: int, dim2: int) -> Any:
        view = np.diagonal(x, offset, dim1, dim2)
        view.flags.writeable = x.flags.writeable
        return view

    def windows(self, x: Any, dims: tuple[int, ...], sizes: tuple[int, ...]) -> Any:
        return np.lib.stride_tricks.sliding_window_view(x, sizes, axis=dims)

    def erf(self, x: Any) -> Any:
        return erf(x)

    def erfc(self, x: Any) -> Any:
        return erfc(x)

    def random_bits(self, key: tuple[int, int], counter: int, count: int) -> Any:
        # As in `philox.words`: the lowest counter word runs within a draw, so draws never overlap.
        philox = np.random.Philox(key=np.array(key, np.uint64), counter=np.array([0, 0, counter, 0], np.uint64))
        return philox.random_raw(count)


def _check_dims(target: Any, index: Any, values: Any) -> None:
    """Refuse values with more dimensions than `target[index]` has: NumPy's `ufunc.at` reads beyond its memory then."""
    parts = index if isinstance(index, tuple) else (index,)
    arrays = [np.asarray(part) for part in parts if isinstance(part, (np.ndarray, np.bool_, bool))]
    read = sum(part.ndim if part.dtype.kind == "b" else 1 for part in arrays)  # of the target's dimensions
    read += sum(isinstance(part, (int, np.integer)) and not isinstance(part, bool) for part in parts)
    dims = target.ndim - read + max((1 if part.dtype.kind == "b" else part.ndim for part in arrays), default=0)
    dims += sum(part is None for part in parts)
    if np.ndim(values) > dims:
        raise ValueError(f"values of {np.ndim(values)} dimensions do not fit into a place of {dims}")


def _sum_rows(x: Any) -> Any:
    """The sum of the rows of a matrix by products with ones, block by block: faster than `sum`, and with an error that
    does not grow with the number of rows as that of adding one row after the other does."""
    block = 512
    while len(x) > block:
        whole = len(x) // block * block
        rest = x[whole:]
        x = np.ones(block, x.dtype) @ x[:whole].reshape(-1, block, x.shape[1])
        if len(rest):
            x = np.concatenate([x, (np.ones(len(rest), x.dtype) @ rest)[None]])
    return np.ones(len(x), x.dtype) @ x


def keep_freed_memory() -> bool:
    """Have the C library keep large freed arrays instead of returning them to the system; True if it could.

    Training frees and allocates the same large arrays every step, and fetching fresh pages from the system each time
    costs a third of a small model's step. The setting is the whole process's and uses glibc's `mallopt`, so a program
    calls it (the `lm` command does), never a library. Elsewhere than on Linux with glibc it does nothing.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    m_trim_threshold, m_mmap_threshold = -1, -3  # malloc.h
    gigabyte = 1 << 30
    return bool(mallopt(m_mmap_threshold, gigabyte) and mallopt(m_trim_threshold, gigabyte))
