"""HardButRight of shapes, dtypes and arguments: empty, broadcast, repeated, integer, unused, large, narrow."""

from __future__ import annotations

import numpy as np

from .corpus import Array, HardButRight, normal


def _added_at(g: Array, table: Array, ids: Array) -> tuple[Array, None]:
    out = np.zeros(table.shape, table.dtype)
    np.add.at(out, ids, g)
    return out, None


def _scatter_add(x: Array, ids: Array) -> Array:
    out = np.zeros((4, *x.shape[1:]), x.dtype)
    np.add.at(out, ids, x)
    return out


def _polar(x: Array, y: Array) -> tuple[Array, Array]:
    return np.hypot(x, y), np.arctan2(y, x)


def _polar_back(g: tuple[Array, Array], x: Array, y: Array) -> tuple[Array, Array]:
    r = np.hypot(x, y)
    return g[0] * x / r - g[1] * y / r**2, g[0] * y / r + g[1] * x / r**2


def _twice(rng: np.random.Generator) -> tuple[Array, Array]:
    x = rng.standard_normal(4)
    return x, x


SHAPES = (
    HardButRight("tanh in float32", "steps below its precision vanish", np.tanh, lambda g, x: g * (1 - np.tanh(x) ** 2),
                 lambda rng: (rng.standard_normal(5).astype(np.float32),)),
    HardButRight("mean of squares in float32", "a sum in a narrow dtype", lambda x: (x * x).mean(),
                 lambda g, x: g * 2 * x / x.dtype.type(x.size),
                 lambda rng: (rng.standard_normal((8, 16)).astype(np.float32),)),
    HardButRight("sum of 100000 terms", "rounding of a long sum", lambda x: (x * x).sum(), lambda g, x: g * 2 * x,
                 normal((100_000,))),
    HardButRight("embedding with repeated ids", "rows add up", lambda table, ids: table[ids], _added_at,
                 lambda rng: (rng.standard_normal((5, 3)), np.array([[1, 1], [4, 1]]))),
    HardButRight("gather with duplicates", "entries add up", lambda x, ids: x[ids], _added_at,
                 lambda rng: (rng.standard_normal(4), np.array([0, 0, 3, 0]))),
    HardButRight("scatter_add with duplicates", "several rows in one", _scatter_add, lambda g, x, ids: (g[ids], None),
                 lambda rng: (rng.standard_normal((5, 2)), np.array([3, 0, 3, 3, 1]))),
    HardButRight("broadcast both ways", "two inputs that both grow", lambda x, y: x * y,
                 lambda g, x, y: ((g * y).sum(1, keepdims=True), (g * x).sum(0, keepdims=True)),
                 normal((3, 1), (1, 4))),
    HardButRight("broadcast scalar", "an input without dimensions", lambda x, y: x + y,
                 lambda g, x, y: (g.copy(), np.asarray(g.sum())), normal((2, 3), ())),
    HardButRight("0-d", "no dimensions at all", np.exp, lambda g, x: np.asarray(g * np.exp(x)), normal(())),
    HardButRight("size 0", "nothing to differ", lambda x: x * 2, lambda g, x: g * 2, normal((0, 3))),
    HardButRight("sum over size 0", "an output that cannot move", lambda x, y: x.sum(0) + y,
                 lambda g, x, y: (np.broadcast_to(g, x.shape).copy(), g.copy()), normal((0, 3), (3,))),
    HardButRight("F order", "memory in another order", lambda x: np.cumsum(x, 1),
                 lambda g, x: np.cumsum(g[:, ::-1], 1)[:, ::-1].copy(),
                 lambda rng: (np.asfortranarray(rng.standard_normal((3, 4))),)),
    HardButRight("negative strides", "memory in reverse", lambda x: x * np.arange(x.size),
                 lambda g, x: g * np.arange(x.size), lambda rng: (rng.standard_normal(5)[::-1],)),
    HardButRight("repeated argument", "two inputs that are one array", lambda x, y: x * y * y,
                 lambda g, x, y: (g * y * y, 2 * g * x * y), _twice),
    HardButRight("overlapping windows", "entries of the input share memory", lambda x: x**2, lambda g, x: 2 * g * x,
                 lambda rng: (np.lib.stride_tricks.sliding_window_view(rng.standard_normal(5), 3),)),
    HardButRight("integers among the arguments", "None for these", lambda x, n: x**n,
                 lambda g, x, n: (g * n * x ** (n - 1), None),
                 lambda rng: (rng.standard_normal(3), np.array([1, 2, 3]))),
    HardButRight("tuple of outputs", "two cotangents", _polar, _polar_back, normal((3,), (3,))),
    HardButRight("an output that ignores an input", "None is right", lambda x, y: np.sin(x),
                 lambda g, x, y: (g * np.cos(x), None), normal((3,), (2,))),
    HardButRight("a gradient of zeros", "an output that does not move", lambda x: np.floor(x), lambda g, x: g * 0,
                 lambda rng: (np.array([0.4, 1.5, -2.3]),)),
    HardButRight("a complicated zero", "x - x", lambda x, y: (x - x) + y, lambda g, x, y: (g * 0, g.copy()),
                 normal((3,), (3,))),
)  # fmt: skip
