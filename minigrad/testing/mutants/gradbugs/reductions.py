"""GradBugs of reductions, norms and distances: zeros, ties, counts, axes, broadcasting, dtypes."""

from __future__ import annotations

import numpy as np

from ...verdicts import Verdict
from ..corpus import Array, GradBug, logsumexp, normal, softmax


def _others(x: Array) -> Array:
    """Of every entry of the last axis, the product of the others."""
    return np.stack([np.delete(x, i, -1).prod(-1) for i in range(x.shape[-1])], -1)


def _cumprod_back(g: Array, x: Array) -> Array:
    """Without a division: prefix products times a recurrence from the end."""
    out = np.zeros_like(x)
    for i in range(x.size):
        product = x[:i].prod()
        for j in range(i, x.size):
            product = product * (x[j] if j > i else 1)
            out[i] += g[j] * product
    return out


def _reversed_cumsum(x: Array) -> Array:
    return np.cumsum(x[::-1])[::-1]


def _distances(x: Array, y: Array, p: int) -> Array:
    return (np.abs(x[:, None] - y[None]) ** p).sum(-1) ** (1 / x.dtype.type(p))


def _distances_back(g: Array, x: Array, y: Array, p: int, guarded: bool = True) -> tuple[Array, Array]:
    diff, dist = x[:, None] - y[None], _distances(x, y, p)
    if guarded:
        dist = np.where(dist == 0, 1, dist)
    each = (g / dist ** (p - 1))[..., None] * np.sign(diff) * np.abs(diff) ** (p - 1)
    return each.sum(1), -each.sum(0)


def _as_if_euclidean(g: Array, x: Array, y: Array) -> tuple[Array, Array]:
    each = (g / _distances(x, y, 3))[..., None] * (x[:, None] - y[None])
    return each.sum(1), -each.sum(0)


def _shared_point(rng: np.random.Generator) -> tuple[Array, Array]:
    x, y = rng.standard_normal((3, 4)), rng.standard_normal((2, 4))
    y[0] = x[1]
    return x, y


def _standard_deviation(x: Array) -> Array:
    return x.std(-1, ddof=1)


def _standard_deviation_back(g: Array, x: Array, eps: float) -> Array:
    scale = (x.shape[-1] - 1) * (x.std(-1, ddof=1, keepdims=True) + eps)
    return g[..., None] * (x - x.mean(-1, keepdims=True)) / scale


BUGS = (
    GradBug(
        "mxnet-17864-prod", "https://github.com/apache/mxnet/issues/17864",
        "The product was divided by every factor to get the product of the others: 0/0.",
        lambda x: x.prod(1),
        lambda g, x: g[:, None] * _others(x),
        lambda g, x: g[:, None] * x.prod(1, keepdims=True) / x,
        lambda rng: (np.array([[4.0, 0.0, 2.0], [1.5, -2.0, 3.0]]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "pytorch-82644-prod-shape", "https://github.com/pytorch/pytorch/issues/82644",
        "For one element that is zero, the gradient had no dimension.",
        lambda x: x.prod(0),
        lambda g, x: g * _others(x),
        lambda g, x: np.asarray(g) if x.size == 1 and not x.all() else g * _others(x),
        lambda rng: (np.array([0.0]),), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "pytensor-1911-cumprod", "https://github.com/pymc-devs/pytensor/pull/1911",
        "The reversed running sum of cotangent times output was divided by the input, 0/0 at zeros.",
        np.cumprod,
        _cumprod_back,
        lambda g, x: _reversed_cumsum(g * np.cumprod(x)) / x,
        lambda rng: (np.array([0.8, -1.2, 0.0, 0.5]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "tensorflow-119430-cumprod", "https://github.com/tensorflow/tensorflow/issues/119430",
        "The nan of 0/0 was silently replaced by 0, which is no derivative either.",
        np.cumprod,
        _cumprod_back,
        lambda g, x: np.where(x == 0, 0, _reversed_cumsum(g * np.cumprod(x)) / np.where(x == 0, 1, x)),
        lambda rng: (np.array([2.0, 0.0, 0.0, 3.0]),),
    ),
    GradBug(
        "pytorch-2421-norm", "https://github.com/pytorch/pytorch/issues/2421",
        "The gradient of the norm of a zero vector was 0/0.",
        lambda x: np.sqrt((x * x).sum(-1)),
        lambda g, x: g[:, None] * x / np.where(x.any(-1), np.sqrt((x * x).sum(-1)), 1)[:, None],
        lambda g, x: g[:, None] * x / np.sqrt((x * x).sum(-1))[:, None],
        lambda rng: (np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 2.0]]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "pytorch-3264-normalize", "https://github.com/pytorch/pytorch/issues/3264",
        "The 1-norm's gradient was x * |x|**-1, nan at every zero.",
        lambda x: x / np.abs(x).sum(),
        lambda g, x: g / np.abs(x).sum() - np.sign(x) * (g * x).sum() / np.abs(x).sum() ** 2,
        lambda g, x: g / np.abs(x).sum() - x * np.abs(x) ** -1.0 * (g * x).sum() / np.abs(x).sum() ** 2,
        lambda rng: (np.array([0.0, 0.0, 0.6, 0.1996]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "pytorch-37154-cdist", "https://github.com/pytorch/pytorch/issues/37154",
        "Two points in the same place: the distance is 0, and the square root's derivative was taken there.",
        lambda x, y: _distances(x, y, 2),
        lambda g, x, y: _distances_back(g, x, y, 2),
        lambda g, x, y: _distances_back(g, x, y, 2, guarded=False),
        _shared_point, (Verdict.NONFINITE,),
    ),
    GradBug(
        "flaggems-5023-cdist", "https://github.com/flagos-ai/FlagGems/issues/5023",
        "The gradient was that of the Euclidean distance whatever p was.",
        lambda x, y: _distances(x, y, 3),
        lambda g, x, y: _distances_back(g, x, y, 3),
        _as_if_euclidean,
        normal((3, 4), (2, 4)),
    ),
    GradBug(
        "stan-1679-log_sum_exp", "https://github.com/stan-dev/math/issues/1679",
        "Weights were exponentials of differences from the result, in which the logarithm had been rounded away.",
        lambda a: logsumexp(a)[..., 0],
        lambda g, a: g[..., None] * softmax(a),
        lambda g, a: g[..., None] * np.exp(a - logsumexp(a)),
        lambda rng: (np.array([[1e50, 1e50]]),), (Verdict.PRECISION_LOSS, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "jax-22398-logsumexp-weights", "https://github.com/jax-ml/jax/issues/22398",
        "A weight of exactly 0 got a gradient of 0: its term had been masked out.",
        lambda a, b: np.log((b * np.exp(a)).sum()),
        lambda g, a, b: (g * b * np.exp(a) / (b * np.exp(a)).sum(), g * np.exp(a) / (b * np.exp(a)).sum()),
        lambda g, a, b: (
            g * b * np.exp(a) / (b * np.exp(a)).sum(), g * np.where(b == 0, 0, np.exp(a)) / (b * np.exp(a)).sum(),
        ),
        lambda rng: (rng.standard_normal(3), np.array([1.0, 0.0, 0.5])),
    ),
    GradBug(
        "jax-23842-logsumexp-where", "https://github.com/jax-ml/jax/issues/23842",
        "Entries masked out overflowed in the backward: 0 * inf.",
        lambda a: np.log(np.exp(a[:2]).sum()),
        lambda g, a: g * np.concatenate([softmax(a[:2]), np.zeros_like(a[2:])]),
        lambda g, a: g * np.where(np.arange(a.size) < 2, 1, 0) * np.exp(a) / np.exp(a[:2]).sum(),
        lambda rng: (np.array([0.0, 0.3, 1e5]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "thunder-1848-std", "https://github.com/Lightning-AI/lightning-thunder/pull/1848",
        "1e-8 was added to the standard deviation in the backward alone.",
        _standard_deviation,
        lambda g, x: _standard_deviation_back(g, x, 0),
        lambda g, x: _standard_deviation_back(g, x, 1e-8),
        lambda rng: (1 + 1e-3 * rng.standard_normal((2, 5)),), (Verdict.WRONG_FORMULA, Verdict.PRECISION_LOSS),
    ),
    GradBug(
        "nx-253-mean-dtype", "https://github.com/elixir-nx/nx/issues/253",
        "The gradient of a float32 mean was float64.",
        lambda x: x.mean(),
        lambda g, x: np.full_like(x, g / x.size),
        lambda g, x: np.full(x.shape, np.float64(g) / x.size),
        lambda rng: (rng.standard_normal(4).astype(np.float32),), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "autograd-199-max-dtype", "https://github.com/HIPS/autograd/pull/199",
        "float32 divided by an integer count of ties made float64.",
        lambda x: x.max(1),
        lambda g, x: g[:, None] * (x == x.max(1, keepdims=True)),
        lambda g, x: g[:, None] * (x == x.max(1, keepdims=True)) / (x == x.max(1, keepdims=True)).sum(1)[:, None],
        lambda rng: (rng.standard_normal((3, 4)).astype(np.float32),), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "nd4j-2424-broadcast", "https://github.com/deeplearning4j/nd4j/issues/2424",
        "The gradient of an addend that had been broadcast was not summed.",
        lambda x, y: x + y,
        lambda g, x, y: (g.copy(), g.sum(0, keepdims=True)),
        lambda g, x, y: (g.copy(), g.copy()),
        normal((3, 4), (1, 4)), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "tt-metal-40008-broadcast", "https://github.com/tenstorrent/tt-metal/issues/40008",
        "The backward of a product did not reduce over the axes along which one factor had been broadcast.",
        lambda x, mask: x * mask,
        lambda g, x, mask: (g * mask, (g * x).sum(-1, keepdims=True)),
        lambda g, x, mask: (g * mask, g * x),
        normal((2, 1, 4, 3), (2, 1, 4, 1)), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "autograd-376-einsum", "https://github.com/HIPS/autograd/issues/376",
        "einsum broadcasts axes of length 1; the gradient had that length too.",
        lambda x, y: np.einsum("i,i->", x, y),
        lambda g, x, y: (g * np.broadcast_to(y, x.shape), (g * x).sum(keepdims=True)),
        lambda g, x, y: (g * y, (g * x).sum(keepdims=True)),
        normal((2,), (1,)), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "neoml-453-difference", "https://github.com/neoml-lib/neoml/issues/453",
        "The gradient of the subtrahend had no minus sign.",
        lambda x, y: x - y,
        lambda g, x, y: (g.copy(), -g),
        lambda g, x, y: (g.copy(), g.copy()),
        normal((2, 3), (2, 3)),
    ),
    GradBug(
        "reversediff-183-adjoint", "https://github.com/JuliaDiff/ReverseDiff.jl/issues/183",
        "A rule said that the derivative of the transpose is 1, and the cotangent was not transposed back.",
        lambda x: x.T * x,
        lambda g, x: (g * x).T + g * x.T,
        lambda g, x: g * x + g * x.T,
        normal((3, 3)),
    ),
)  # fmt: skip
