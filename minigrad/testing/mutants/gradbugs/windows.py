"""GradBugs of convolutions, pooling and interpolation: strides, borders, divisors, short inputs."""

from __future__ import annotations

import numpy as np

from ...verdicts import Verdict
from ..corpus import Array, GradBug, normal


def _averages(x: Array) -> Array:
    """Of windows of 2, the last of which may hang over."""
    return np.stack([x[i : i + 2].mean() for i in range(0, x.size, 2)])


def _averages_back(g: Array, x: Array, clipped: bool) -> Array:
    out = np.zeros_like(x)
    for k, i in enumerate(range(0, x.size, 2)):
        out[i : i + 2] = g[k] / (x[i : i + 2].size if clipped else 2)
    return out


def _transposed(x: Array, w: Array, stride: int = 2) -> Array:
    out = np.zeros(stride * (x.size - 1) + w.size, np.result_type(x, w))
    for k in range(w.size):
        out[k : k + stride * (x.size - 1) + 1 : stride] += w[k] * x
    return out


def _correlated(g: Array, w: Array, stride: int, dilation: int = 1) -> Array:
    count = (g.size - dilation * (w.size - 1) - 1) // stride + 1
    taps = [w[k] * g[k * dilation : k * dilation + stride * (count - 1) + 1 : stride] for k in range(w.size)]
    return np.sum(taps, axis=0)


def _transposed_back(g: Array, x: Array, w: Array, stride: int = 2) -> tuple[Array, Array]:
    last = stride * (x.size - 1) + 1
    return _correlated(g, w, stride), np.stack([(g[k : k + last : stride] * x).sum() for k in range(w.size)])


def _convolved(x: Array, w: Array) -> Array:
    return _correlated(x, w, stride=1)


def _convolved_back(g: Array, x: Array, w: Array, stale: bool) -> tuple[Array, Array]:
    dx = np.zeros_like(x)
    for d in range(x.size):
        taps = [(d - k, w[k]) for k in range(w.size) if 0 <= d - k < g.size]
        total = sum((g[m] * tap for m, tap in taps), x.dtype.type(0))
        dx[taps[-1][0] if stale else d] = total
    return dx, np.stack([(g * x[k : k + g.size]).sum() for k in range(w.size)])


def _sampled(image: Array, at: Array) -> Array:
    """Linear interpolation of a row of pixels, clamped to its border."""
    at = np.clip(at, 0, image.size - 1)
    low = np.floor(at).astype(int)
    return image[low] * (1 - (at - low)) + image[np.minimum(low + 1, image.size - 1)] * (at - low)


def _sampled_back(g: Array, image: Array, at: Array, zeros_outside: bool) -> tuple[Array, Array]:
    inside = np.clip(at, 0, image.size - 1)
    low = np.floor(inside).astype(int)
    high = np.minimum(low + 1, image.size - 1)
    dimage = np.zeros_like(image)
    np.add.at(dimage, low, g * (1 - (inside - low)))
    np.add.at(dimage, high, g * (inside - low))
    if zeros_outside:
        right = np.where(low + 1 < image.size, image[high], 0)
        return dimage, g * (right - image[low]) * ((at >= 0) & (at <= image.size - 1))
    return dimage, g * (image[high] - image[low]) * ((at > 0) & (at < image.size - 1))


def _thinned(x: Array) -> Array:
    """Nearest neighbours at a quarter of the size: the first of every four."""
    return x[::4].copy()


def _thinned_back(g: Array, x: Array, which: int) -> Array:
    out = np.zeros_like(x)
    out[which::4] = g
    return out


def _state(x: Array, initial: Array) -> Array:
    """What a causal convolution of width 4 remembers after a chunk: the last four numbers."""
    return np.concatenate([initial, x])[-initial.size :]


def _state_back(g: Array, x: Array, initial: Array, clamped: bool) -> tuple[Array, Array]:
    size, width = x.size, initial.size
    dx, dinitial = np.zeros_like(x), np.zeros_like(initial)
    start = max(0, size - (width - 1)) if clamped else size - (width - 1)
    for t in range(max(0, size - width), size):
        slot = t - start + 1
        if 0 <= slot < width:
            dx[t] = g[slot]
    if not clamped:
        dinitial[size:] = g[: width - size]
    return dx, dinitial


BUGS = (
    GradBug(
        "burn-5604-avg_pool", "https://github.com/tracel-ai/burn/issues/5604",
        "The last window hangs over the edge: the forward divided by what is in it, the backward by its full size.",
        _averages,
        lambda g, x: _averages_back(g, x, clipped=True),
        lambda g, x: _averages_back(g, x, clipped=False),
        normal((5,)),
    ),
    GradBug(
        "pytorch-63314-conv_transpose", "https://github.com/pytorch/pytorch/issues/63314",
        "With a kernel of one and a stride of two the backward read the cotangent without the stride.",
        _transposed,
        _transposed_back,
        lambda g, x, w: (w * g[: x.size], _transposed_back(g, x, w)[1]),
        normal((3,), (1,)),
    ),
    GradBug(
        "candle-2337-conv_transpose", "https://github.com/huggingface/candle/pull/2337",
        "Stride and dilation were swapped in the backward.",
        _transposed,
        _transposed_back,
        lambda g, x, w: (_correlated(g, w, stride=1, dilation=2), _transposed_back(g, x, w)[1]),
        normal((3,), (2,)), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "neon-111-conv", "https://github.com/NervanaSystems/neon/issues/111",
        "The input's gradient was written where the loop over outputs had stopped, not at the input's own position.",
        _convolved,
        lambda g, x, w: _convolved_back(g, x, w, stale=False),
        lambda g, x, w: _convolved_back(g, x, w, stale=True),
        normal((5,), (2,)),
    ),
    GradBug(
        "pytorch-23925-grid_sample", "https://github.com/pytorch/pytorch/issues/23925",
        "Exactly on the border the slope was that towards a pixel of 0 outside, though the border is repeated.",
        _sampled,
        lambda g, image, at: _sampled_back(g, image, at, zeros_outside=False),
        lambda g, image, at: _sampled_back(g, image, at, zeros_outside=True),
        lambda rng: (np.arange(5.0), np.array([1.3, 4.0, 2.6])),
    ),
    GradBug(
        "pytorch-38985-nearest", "https://github.com/pytorch/pytorch/issues/38985",
        "When shrinking, the gradient went to the last pixel of each block; the forward takes the first.",
        _thinned,
        lambda g, x: _thinned_back(g, x, 0),
        lambda g, x: _thinned_back(g, x, 3),
        normal((8,)),
    ),
    GradBug(
        "fla-1140-causal_conv", "https://github.com/fla-org/flash-linear-attention/issues/1140",
        "A position clamped at 0 shifted the state's gradient for chunks shorter than the kernel.",
        _state,
        lambda g, x, initial: _state_back(g, x, initial, clamped=False),
        lambda g, x, initial: _state_back(g, x, initial, clamped=True),
        normal((2,), (4,)), (Verdict.WRONG_FORMULA, Verdict.DISCONNECTED),
    ),
)  # fmt: skip
