"""GradBugs of indexing: repeated indices, indices that do not cover, indices that overflow."""

from __future__ import annotations

import numpy as np

from ...verdicts import Verdict
from ..corpus import Array, GradBug


def _gather(x: Array, index: Array) -> Array:
    return np.take_along_axis(x, index, 0)


def _gather_back(g: Array, x: Array, index: Array, add: bool) -> tuple[Array, None]:
    out = np.zeros_like(x)
    at = (index, np.arange(x.shape[1])[None])
    if add:
        np.add.at(out, at, g)
    else:
        out[at] = g
    return out, None


def _embedding_back(g: Array, table: Array, ids: Array, add: bool) -> tuple[Array, None]:
    out = np.zeros_like(table)
    if add:
        np.add.at(out, ids, g)
    else:
        out[ids] += g
    return out, None


def _filled(x: Array, value: Array, index: Array) -> Array:
    out = x.copy()
    out[index] = value
    return out


def _filled_back(g: Array, x: Array, value: Array, index: Array, rows: Array) -> tuple[Array, Array, None]:
    return _filled(g, g.dtype.type(0), index), np.asarray(g[rows].sum()), None


def _copied(x: Array, y: Array, index: Array) -> Array:
    """`x` with rows of `y`; of rows with the same index the last one."""
    out = x.copy()
    for i, row in zip(index, y):
        out[i] = row
    return out


def _copied_back(g: Array, x: Array, y: Array, index: Array, overwritten: bool) -> tuple[Array, Array, None]:
    dy = g[index]
    if overwritten:
        last = np.array([i not in index[k + 1 :] for k, i in enumerate(index)])
        dy = dy * last[:, None]
    return _filled(g, g.dtype.type(0), index), dy, None


def _scattered(x: Array, source: Array, index: Array) -> Array:
    """`source` added where `index`, which may be smaller, says."""
    out = x.copy()
    np.add.at(out, index, source[: index.size])
    return out


def _scattered_back(g: Array, x: Array, source: Array, index: Array) -> tuple[Array, Array, None]:
    out = np.zeros_like(source)
    out[: index.size] = g[index]
    return g.copy(), out, None


def _bag(table: Array, ids: Array) -> Array:
    return table[ids].max(0)


def _bag_back(g: Array, table: Array, ids: Array, dtype: type) -> tuple[Array, None]:
    """By positions in flat memory, in an integer type that may be too narrow; what falls outside is dropped."""
    out = np.zeros(table.shape, table.dtype)  # in C order, whatever that of the table
    rows = ids[table[ids].argmax(0)].astype(dtype)
    flat = rows * dtype(table.shape[1]) + np.arange(table.shape[1]).astype(dtype)
    inside = (flat >= 0) & (flat < table.size)
    np.add.at(out.reshape(-1), flat[inside].astype(np.int64), g[inside])
    return out, None


def _tables(rng: np.random.Generator) -> tuple[Array, Array]:
    table = rng.standard_normal((9, 16))
    table[8] += 5
    return table, np.array([0, 8], np.int8)


def _wins(x: Array) -> Array:
    """Where each window of 3, at every step, has its largest entry."""
    return np.array([i + int(np.argmax(x[i : i + 3])) for i in range(x.size - 2)])


def _pooled_back(g: Array, x: Array, add: bool) -> Array:
    out = np.zeros_like(x)
    if add:
        np.add.at(out, _wins(x), g)
    else:
        out[_wins(x)] = g
    return out


BUGS = (
    GradBug(
        "pytorch-1631-gather", "https://github.com/pytorch/pytorch/issues/1631",
        "Gradients of entries gathered twice were written, not added.",
        _gather,
        lambda g, x, index: _gather_back(g, x, index, add=True),
        lambda g, x, index: _gather_back(g, x, index, add=False),
        lambda rng: (rng.standard_normal((3, 2)), np.array([[0, 2], [0, 1], [1, 2]])),
    ),
    GradBug(
        "pytensor-2242-rows", "https://github.com/pymc-devs/pytensor/pull/2242",
        "Adding to indexed rows is gather, add, scatter: a row looked up twice was added to once.",
        lambda table, ids: table[ids],
        lambda g, table, ids: _embedding_back(g, table, ids, add=True),
        lambda g, table, ids: _embedding_back(g, table, ids, add=False),
        lambda rng: (rng.standard_normal((4, 3)), np.array([1, 3, 1, 1])),
    ),
    GradBug(
        "pytorch-57006-index_fill", "https://github.com/pytorch/pytorch/issues/57006",
        "The value's gradient counted a row as often as it was named.",
        _filled,
        lambda g, x, value, index: _filled_back(g, x, value, index, np.unique(index)),
        lambda g, x, value, index: _filled_back(g, x, value, index, index),
        lambda rng: (rng.standard_normal((4, 3)), np.array(-2.5122), np.array([2, 2])),
    ),
    GradBug(
        "pytorch-473-index_copy", "https://github.com/pytorch/pytorch/issues/473",
        "Rows that a later row had overwritten got a gradient all the same.",
        _copied,
        lambda g, x, y, index: _copied_back(g, x, y, index, overwritten=True),
        lambda g, x, y, index: _copied_back(g, x, y, index, overwritten=False),
        lambda rng: (rng.standard_normal((3, 2)), rng.standard_normal((3, 2)), np.array([0, 0, 2])),
    ),
    GradBug(
        "pytorch-188843-scatter_add", "https://github.com/pytorch/pytorch/pull/188843",
        "An index may be shorter than the source; the source's gradient had the shape of the index.",
        _scattered,
        _scattered_back,
        lambda g, x, source, index: (g.copy(), g[index], None),
        lambda rng: (rng.standard_normal(5), rng.standard_normal(4), np.array([3, 0])), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "pytorch-188467-embedding_bag", "https://github.com/pytorch/pytorch/issues/188467",
        "Positions in the table were computed in the dtype of the ids, and overflowed: the last rows got nothing.",
        _bag,
        lambda g, table, ids: _bag_back(g, table, ids, np.int64),
        lambda g, table, ids: _bag_back(g, table, ids, np.int8),
        _tables, (Verdict.WRONG_FORMULA, Verdict.DISCONNECTED),
    ),
    GradBug(
        "tangermeme-95-unpool", "https://github.com/jmschrei/tangermeme/pull/95",
        "One entry that is the largest of several overlapping windows kept the gradient of the last alone.",
        lambda x: x[_wins(x)],
        lambda g, x: _pooled_back(g, x, add=True),
        lambda g, x: _pooled_back(g, x, add=False),
        lambda rng: (np.array([0.1, 0.2, 9.0, 0.4, 0.3, 0.0, 1.0, 0.5]),),
    ),
)  # fmt: skip
