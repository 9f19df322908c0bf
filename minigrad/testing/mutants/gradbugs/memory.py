"""GradBugs of memory and plumbing: overwritten, shared, stale, in another order, never connected."""

from __future__ import annotations

import numpy as np

from ...verdicts import Verdict
from ..corpus import Array, GradBug, normal

_MASKS = np.random.default_rng(0)


def _adds_one(g: Array, x: Array) -> Array:
    g += 1
    return g


def _square_back(g: Array, x: Array, overwritten: bool) -> Array:
    work = x.copy()
    if overwritten:  # between forward and backward, as nobody looked
        work[...] = 7
    return 2 * g * work


def _both_ways(x: Array, w: Array, v: Array) -> Array:
    """A layer that runs forwards and backwards in time, both halves side by side."""
    return np.concatenate([np.cumsum(w * x), np.cumsum((v * x)[::-1])[::-1]])


def _both_ways_back(g: Array, x: Array, w: Array, v: Array) -> tuple[Array, Array, Array]:
    n = x.size
    there, back = np.cumsum(g[:n][::-1])[::-1], np.cumsum(g[n:])
    return w * there + v * back, x * there, x * back


def _both_ways_overwritten(g: Array, x: Array, w: Array, v: Array) -> tuple[Array, Array, Array]:
    n = x.size
    there = np.cumsum(g[:n][::-1])[::-1]
    g[n:] = w * there  # the first direction's result, where the second has yet to read
    back = np.cumsum(g[n:])
    return w * there + v * back, x * there, x * back


def _mask(x: Array) -> Array:
    """Of a dropout that keeps two of three."""
    return (np.arange(x.size) % 3 > 0) * x.dtype.type(1.5)


def _dropped(x: Array) -> Array:
    return x * _mask(x)


def _pooled(x: Array) -> Array:
    return np.maximum(x[:, ::2], x[:, 1::2])


def _pooled_back(g: Array, x: Array) -> Array:
    out = np.zeros_like(x)
    out[:, ::2] = g * (x[:, ::2] >= x[:, 1::2])
    out[:, 1::2] = g * (x[:, ::2] < x[:, 1::2])
    return out


def _as_it_lies(g: Array) -> Array:
    """What a kernel reads that takes the memory of `g` to be in C order."""
    return g.ravel(order="K").reshape(g.shape)


def _norm_weighted(x: Array, w: Array) -> Array:
    return w * x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)


def _norm_weighted_back(g: Array, x: Array, w: Array) -> tuple[Array, Array]:
    r = 1 / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)
    return r * (g * w - x * r * r * (g * w * x).mean(-1, keepdims=True)), (g * x * r).sum(0)


BUGS = (
    GradBug(
        "pytorch-81417-cotangent", "https://github.com/pytorch/pytorch/issues/81417",
        "A backward may write into the cotangent it is given, which then changes under the caller's hands.",
        lambda x: x.copy(),
        lambda g, x: g.copy(),
        _adds_one,
        normal((2, 4)), (Verdict.MUTATED_INPUT, Verdict.NOT_LINEAR, Verdict.ALIASING),
    ),
    GradBug(
        "mxnet-18203-bidirectional", "https://github.com/apache/mxnet/pull/18203",
        "The first direction wrote its gradient over the cotangent that the second had yet to read.",
        _both_ways,
        _both_ways_back,
        _both_ways_overwritten,
        normal((4,), (4,), (4,)), (Verdict.MUTATED_INPUT, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "oneflow-8248-shared", "https://github.com/Oneflow-Inc/oneflow/issues/8248",
        "Both gradients of a sum were the same memory, and accumulating into one in place changed the other.",
        lambda x, y: x + y,
        lambda g, x, y: (g.copy(), g.copy()),
        lambda g, x, y: (g, g),
        normal((2, 2), (2, 2)), (Verdict.ALIASING,),
    ),
    GradBug(
        "warp-1350-stale", "https://github.com/NVIDIA/warp/issues/1350",
        "The backward read an array as it was by then, not as the forward had seen it.",
        lambda x: x * x,
        lambda g, x: _square_back(g, x, overwritten=False),
        lambda g, x: _square_back(g, x, overwritten=True),
        normal((3,)),
    ),
    GradBug(
        "warp-1718-no-backward", "https://github.com/NVIDIA/warp/issues/1718",
        "No backward had been compiled, and the Jacobian came out as zeros without a word.",
        lambda x: np.sin(x) * x,
        lambda g, x: g * (np.cos(x) * x + np.sin(x)),
        lambda g, x: np.zeros_like(x),
        normal((4,)), (Verdict.DISCONNECTED, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "warp-202-alias", "https://github.com/NVIDIA/warp/issues/202",
        "`b = a` made another name, whose adjoint was not passed on: the gradient was 0.",
        lambda a: np.where(a > 0, a * a, a * a * a),
        lambda g, a: g * np.where(a > 0, 2 * a, 3 * a * a),
        lambda g, a: np.zeros_like(a),
        lambda rng: (np.array([-1.0, 2.0, 3.0]),), (Verdict.DISCONNECTED, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "warp-159-twice", "https://github.com/NVIDIA/warp/issues/159",
        "Written straight into the leaf's gradient and then added to it by the caller, everything counted twice.",
        lambda x: np.tanh(x),
        lambda g, x: g * (1 - np.tanh(x) ** 2),
        lambda g, x: 2 * g * (1 - np.tanh(x) ** 2),
        normal((3,)),
    ),
    GradBug(
        "unsloth-4550-weight", "https://github.com/unslothai/unsloth/pull/4550",
        "The weight of the norm got None, though it was to be trained.",
        _norm_weighted,
        _norm_weighted_back,
        lambda g, x, w: (_norm_weighted_back(g, x, w)[0], None),
        normal((3, 4), (4,)), (Verdict.DISCONNECTED, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "candle-3568-rope", "https://github.com/huggingface/candle/issues/3568",
        "The fast rotary embedding had no backward: everything upstream of it got no gradient.",
        lambda x, w: w * np.concatenate([x[:2] * 0.6 - x[2:] * 0.8, x[:2] * 0.8 + x[2:] * 0.6]),
        lambda g, x, w: (
            np.concatenate([
                (g * w)[:2] * 0.6 + (g * w)[2:] * 0.8, (g * w)[2:] * 0.6 - (g * w)[:2] * 0.8,
            ]),
            g * np.concatenate([x[:2] * 0.6 - x[2:] * 0.8, x[:2] * 0.8 + x[2:] * 0.6]),
        ),
        lambda g, x, w: (None, g * np.concatenate([x[:2] * 0.6 - x[2:] * 0.8, x[:2] * 0.8 + x[2:] * 0.6])),
        normal((4,), (4,)), (Verdict.DISCONNECTED, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "onnxruntime-19715-dropout", "https://github.com/microsoft/onnxruntime/pull/19715",
        "A dropout computed again for the backward drew another mask.",
        _dropped,
        lambda g, x: g * _mask(x),
        lambda g, x: g * (_MASKS.random(x.size) > 1 / 3) * x.dtype.type(1.5),
        normal((24,)), (Verdict.NONDETERMINISTIC, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "numpy-ml-94-dropout", "https://github.com/ddbourgin/numpy-ml/issues/94",
        "The backward scaled like the forward but did not apply its mask.",
        _dropped,
        lambda g, x: g * _mask(x),
        lambda g, x: g * x.dtype.type(1.5),
        normal((6,)),
    ),
    GradBug(
        "kaldi-3890-dropout", "https://github.com/kaldi-asr/kaldi/issues/3890",
        "The mask was recovered as output over input, and taken to be 1 where the input was 0.",
        _dropped,
        lambda g, x: g * _mask(x),
        lambda g, x: g * np.where(x == 0, 1, _dropped(x) / np.where(x == 0, 1, x)),
        lambda rng: (np.array([0.0, 0.4, -1.2, 0.7, 0.0]),),
    ),
    GradBug(
        "torch-nn-345-mean", "https://github.com/torch/nn/pull/345",
        "The cotangent was read as if its memory were contiguous, which that of a mean before it is not.",
        lambda x: x.mean(-1),
        lambda g, x: np.repeat(g[..., None], x.shape[-1], -1) / x.shape[-1],
        lambda g, x: np.repeat(_as_it_lies(g)[..., None], x.shape[-1], -1) / x.shape[-1],
        normal((3, 2, 4)),
    ),
    GradBug(
        "cunn-199-max-pooling", "https://github.com/torch/cunn/pull/199",
        "Max pooling read a cotangent in the order of its memory.",
        _pooled,
        _pooled_back,
        lambda g, x: _pooled_back(_as_it_lies(g), x),
        normal((4, 6)),
    ),
)  # fmt: skip
