"""HardButRight: functions whose backwards are right, at points where differences have a hard time.

A checker that fails one of these cries wolf. Kinks take a slope that lies between those of the two sides.
"""

from __future__ import annotations

import numpy as np

from .corpus import Array, HardButRight, logsumexp, normal, sigmoid, softmax
from .hardshapes import SHAPES

__all__ = ["HARD_BUT_RIGHT"]


def _at(*values: float) -> Array:
    return lambda rng: (np.array(values, float),)


def _first_of_ties(g: Array, x: Array) -> Array:
    out = np.zeros_like(x)
    out[np.arange(len(x)), x.argmax(1)] = g
    return out


def _shared_by_ties(g: Array, x: Array) -> Array:
    tied = x == x.max(1, keepdims=True)
    return g[:, None] * tied / tied.sum(1, keepdims=True)


def _sort_back(g: Array, x: Array) -> Array:
    out = np.zeros_like(x)
    out[np.argsort(x, kind="stable")] = g
    return out


def _median_back(g: Array, x: Array) -> Array:
    out = np.zeros_like(x)
    out[np.argsort(x, kind="stable")[x.size // 2]] = g
    return out


def _standardized(x: Array, axis: int, eps: float) -> Array:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + eps)


def _standardized_back(g: Array, x: Array, axis: int, eps: float) -> Array:
    y, r = _standardized(x, axis, eps), 1 / np.sqrt(x.var(axis, keepdims=True) + eps)
    return r * (g - g.mean(axis, keepdims=True) - y * (g * y).mean(axis, keepdims=True))


def _softmax_back(g: Array, x: Array) -> Array:
    """Differences of cotangents first: nothing cancels."""
    p = softmax(x)
    return p * ((g[:, None] - g) * p).sum(1)


def _flat(x: Array) -> Array:
    safe = np.where(x == 0, 1, x)
    return np.where(x == 0, 0, np.exp(-1 / safe**2))


def _flat_back(g: Array, x: Array) -> Array:
    safe = np.where(x == 0, 1, x)
    return g * np.where(x == 0, 0, 2 * np.exp(-1 / safe**2) / safe**3)


def _solve_back(g: Array, a: Array, b: Array) -> tuple[Array, Array]:
    db = np.linalg.solve(a.T, g)
    return -np.outer(db, np.linalg.solve(a, b)), db


def _inverse_back(g: Array, a: Array) -> Array:
    inverse = np.linalg.inv(a)
    return -inverse.T @ g @ inverse.T


def _cholesky_back(g: Array, a: Array) -> Array:
    """`a` is read in its lower triangle alone."""
    lower = np.linalg.cholesky(a)
    p = np.tril(lower.T @ g)
    p[np.diag_indices_from(p)] /= 2
    inverse = np.linalg.inv(lower)
    s = inverse.T @ p @ inverse
    return np.tril(s + s.T) - np.diag(np.diag(s))


def _nearly_singular(rng: np.random.Generator) -> tuple[Array, Array]:
    return np.array([[1.0, 2.0], [1.0, 2.0 + 1e-6]]), rng.standard_normal(2)


def _norm(x: Array) -> Array:
    return np.sqrt((x * x).sum(-1))


def _norm_back(g: Array, x: Array) -> Array:
    size = _norm(x)
    return np.where(size > 0, g / np.where(size > 0, size, 1), 0)[..., None] * x


def _product_back(g: Array, x: Array) -> Array:
    return g[:, None] * np.stack([np.delete(x, i, 1).prod(1) for i in range(x.shape[1])], 1)


def _cumprod_back(g: Array, x: Array) -> Array:
    tail = np.zeros_like(x)
    tail[-1] = g[-1]
    for i in range(x.size - 2, -1, -1):
        tail[i] = g[i] + x[i + 1] * tail[i + 1]
    return tail * np.concatenate([np.ones_like(x[:1]), np.cumprod(x[:-1])])


def _spline(x: Array) -> Array:
    """Two cubics that agree at 1 up to the second derivative."""
    return x**3 + np.where(x > 1, 4 * (x - 1) ** 3, 0)


POINTS = (
    HardButRight("relu at 0", "a kink", lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0), _at(0, 1.5, -2)),
    HardButRight("abs at 0", "a kink, central difference 0", np.abs, lambda g, x: g * np.sign(x), _at(0, -0.5, 2, 0)),
    HardButRight(
        "clamp at both edges", "two kinks", lambda x: np.clip(x, -1, 1),
        lambda g, x: g * ((x >= -1) & (x <= 1)), _at(-1, 1, 0.3, 2),
    ),
    HardButRight(
        "leaky relu near 0", "a kink 1e-7 away", lambda x: np.where(x > 0, x, 0.01 * x),
        lambda g, x: g * np.where(x > 0, x.dtype.type(1), 0.01), _at(1e-7, -1e-7, 1),
    ),
    HardButRight(
        "max of ties, first", "a kink along all but one direction", lambda x: x.max(1), _first_of_ties,
        lambda rng: (np.array([[1.0, 1.0, 0.0], [2.0, -1.0, 2.0]]),),
    ),
    HardButRight(
        "max of ties, shared", "a kink along all but one direction", lambda x: x.max(1), _shared_by_ties,
        lambda rng: (np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 2.0]]),),
    ),
    HardButRight("sort with ties", "kinks of two outputs that cancel", np.sort, _sort_back, _at(2, 1, 1, 3)),
    HardButRight("median with ties", "a kink", np.median, _median_back, _at(2, 1, 2, 3, 0)),
    HardButRight(
        "minimum of equals", "a kink between two inputs", np.minimum,
        lambda g, x, y: (g * (x <= y), g * (x > y)), lambda rng: (np.array([1.0, 2.0]), np.array([1.0, 3.0])),
    ),
    HardButRight(
        "huber at the joint", "second derivative jumps",
        lambda x: np.where(np.abs(x) <= 1, x * x / 2, np.abs(x) - 0.5), lambda g, x: g * np.clip(x, -1, 1),
        _at(1, -1, 0, 3),
    ),
    HardButRight(
        "smooth l1 at a small joint", "a second derivative of 1e4, that jumps",
        lambda x: np.where(np.abs(x) < 1e-4, x * x * 5e3, np.abs(x) - 5e-5),
        lambda g, x: g * np.clip(x * 1e4, -1, 1), _at(1e-4, -1e-4, 5e-5, 1),
    ),
    HardButRight(
        "hinge at the margin", "a kink", lambda x: np.maximum(0, 1 - x), lambda g, x: -g * (x < 1), _at(1, 0, 2),
    ),
    HardButRight("sqrt near 0", "any fixed step leaves the domain", np.sqrt, lambda g, x: g / (2 * np.sqrt(x)),
                 _at(1e-10)),
    HardButRight("sqrt at 1e-10 beside 1", "scales", np.sqrt, lambda g, x: g / (2 * np.sqrt(x)), _at(1e-10, 1)),
    HardButRight("log at 1e-7", "curvature of 1e14", np.log, lambda g, x: g / x, _at(1e-7, 2e-7)),
    HardButRight("reciprocal near 0", "a pole 1e-5 away", lambda x: 1 / x, lambda g, x: -g / x**2, _at(1e-5, -2e-5)),
    HardButRight("1e8 + sin", "eight digits are gone", lambda x: 1e8 + np.sin(x), lambda g, x: g * np.cos(x),
                 _at(0.3, 1)),
    HardButRight("sin(1000 x)", "oscillates within a step", lambda x: np.sin(1e3 * x),
                 lambda g, x: g * 1e3 * np.cos(1e3 * x), _at(0.3, 1.1)),
    HardButRight("cos of whole turns", "a step may be a period", lambda x: np.cos(2 * np.pi * 64 * x) + x,
                 lambda g, x: g * (1 - 2 * np.pi * 64 * np.sin(2 * np.pi * 64 * x)), _at(0.25, 0.1)),
    HardButRight("1e150", "squares overflow", lambda x: x * 3, lambda g, x: g * 3, _at(1e150, -2e150)),
    HardButRight("1e-150", "squares vanish", lambda x: x * 3, lambda g, x: g * 3, _at(1e-150, -2e-150)),
    HardButRight("products of 1e150 and 1e-150", "scales 300 decades apart", lambda x, y: x * y,
                 lambda g, x, y: (g * y, g * x), lambda rng: (np.array([1e150, 2e150]), np.array([1e-150, 3e-150]))),
    HardButRight("1e-12 beside 1", "a small gradient beside a large one", lambda x: x * np.array([1, 1e-12]),
                 lambda g, x: g * np.array([1, 1e-12]), normal((2,))),
    HardButRight("softmax saturated", "gradients of 1e-9", softmax, _softmax_back, _at(20, 0, -3)),
    HardButRight("softmax saturated, as it is written everywhere", "gradients of 1e-9 from a difference of ones",
                 softmax,
                 lambda g, x: softmax(x) * (g - (g * softmax(x)).sum(-1, keepdims=True)), _at(20, 0, -3)),
    HardButRight("logsumexp at 1e5", "exponentials overflow", lambda x: logsumexp(x)[..., 0],
                 lambda g, x: g[..., None] * softmax(x), lambda rng: (np.array([[1e5, 1e5 + 1, 1e5 - 2]]),)),
    HardButRight("sigmoid far out", "gradients of 1e-13", sigmoid,
                 lambda g, x: g * sigmoid(x) * sigmoid(-x), _at(30, -30, 0)),
    HardButRight("tanh saturated", "1 - tanh**2 cancels", np.tanh, lambda g, x: g / np.cosh(x) ** 2, _at(15, -18, 0.1)),
    HardButRight("softplus at 0", "made of two kinks that cancel",
                 lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), lambda g, x: g * sigmoid(x),
                 _at(0, 40, -40)),
    HardButRight("layer norm of nearly constant rows", "1/std is 300",
                 lambda x: _standardized(x, 1, 1e-5), lambda g, x: _standardized_back(g, x, 1, 1e-5),
                 lambda rng: (1 + 1e-4 * rng.standard_normal((2, 4)),)),
    HardButRight("batch norm, summed", "the gradient is 0 but for rounding",
                 lambda x: _standardized(x, 0, 1e-5).sum(), lambda g, x: _standardized_back(g + 0 * x, x, 0, 1e-5),
                 normal((5, 3))),
    HardButRight("variance of 1e6 + noise", "squares cancel if one subtracts them", lambda x: x.var(),
                 lambda g, x: g * 2 * (x - x.mean()) / x.size, lambda rng: (1e6 + rng.standard_normal(20),)),
    HardButRight("exp(-1/x**2) at 0", "all derivatives are 0", _flat, _flat_back, _at(0, 0.5)),
    HardButRight("nearly singular solve", "condition 1e7", np.linalg.solve, _solve_back, _nearly_singular),
    HardButRight("nearly singular inverse", "condition 1e7", np.linalg.inv, _inverse_back,
                 lambda rng: _nearly_singular(rng)[:1]),
    HardButRight("cholesky near the edge", "an eigenvalue of 1e-8; steps leave the domain", np.linalg.cholesky,
                 _cholesky_back, lambda rng: (np.array([[1.0, 1.0], [1.0, 1.0 + 1e-8]]),)),
    HardButRight("atan2 near its cut", "jumps by a turn 1e-3 away", np.arctan2,
                 lambda g, y, x: (g * x / (x * x + y * y), -g * y / (x * x + y * y)),
                 lambda rng: (np.array([1e-3, -1e-3]), np.array([-1.0, -1.0]))),
    HardButRight("remainder near a wrap", "jumps 1e-6 away", lambda x: x - np.floor(x), lambda g, x: g * 1,
                 _at(1e-6, 0.5)),
    HardButRight("square root by exp and log", "two curved functions for one", lambda x: np.exp(np.log(x) / 2),
                 lambda g, x: g * np.exp(-np.log(x) / 2) / 2, _at(1e-6, 3, 1e6)),
    HardButRight("cubic spline at its knot", "third derivative jumps", _spline,
                 lambda g, x: g * (3 * x**2 + np.where(x > 1, 12 * (x - 1) ** 2, 0)), _at(1, 0.5, 1.5)),
    HardButRight("x**1.5 at 0", "defined on one side, second derivative infinite", lambda x: x**1.5,
                 lambda g, x: g * 1.5 * x**0.5, _at(0, 0.3)),
    HardButRight("arcsin near 1", "the slope grows without bound", np.arcsin, lambda g, x: g / np.sqrt(1 - x * x),
                 _at(1 - 1e-6, 0.2)),
    HardButRight("norm at 0", "a kink along every direction", _norm, _norm_back,
                 lambda rng: (np.array([[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]]),)),
    HardButRight("norm of a tiny vector", "a kink 1e-8 away", _norm, _norm_back,
                 lambda rng: (np.array([[1e-8, -2e-8]]),)),
    HardButRight("prod with one zero and with two", "dividing by the input gives nan", lambda x: x.prod(1),
                 _product_back,
                 lambda rng: (np.array([[2.0, 0.0, 4.0], [0.0, 3.0, 0.0]]),)),
    HardButRight("cumprod with zeros", "dividing by the input gives nan", np.cumprod, _cumprod_back,
                 _at(2, 0, 3, 0, 1)),
)  # fmt: skip

HARD_BUT_RIGHT: tuple[HardButRight, ...] = (*POINTS, *SHAPES)
