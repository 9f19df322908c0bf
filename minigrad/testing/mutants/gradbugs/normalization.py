"""GradBugs of normalization layers: terms, axes, groups, blocks of rows, training and evaluation."""

from __future__ import annotations

import numpy as np

from ...verdicts import Verdict
from ..corpus import Array, GradBug, normal

EPS = 1e-5


def _layer(x: Array) -> Array:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + EPS)


def _layer_back(g: Array, x: Array) -> Array:
    y, r = _layer(x), 1 / np.sqrt(x.var(-1, keepdims=True) + EPS)
    return r * (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True))


def _layer_back_of_block(g: Array, x: Array) -> Array:
    """Both sums over all rows of the block, divided by the length of one."""
    y, r = _layer(x), 1 / np.sqrt(x.var(-1, keepdims=True) + EPS)
    n = x.shape[-1]
    return r * (g - g.sum() / n - y * (g * y).sum() / n)


def _layer_back_of_2d(g: Array, x: Array) -> Array:
    """As if the first axis were the only one that is not normalized; the saved statistics are those of the rows."""
    rows = x.shape[0]
    mean = x.mean(-1).reshape(-1)[:rows, None]
    r = (1 / np.sqrt(x.var(-1) + EPS)).reshape(-1)[:rows, None]
    y, g = (x.reshape(rows, -1) - mean) * r, g.reshape(rows, -1)
    return (r * (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True))).reshape(x.shape)


def _affine(x: Array, w: Array, b: Array) -> Array:
    return _layer(x) * w + b


def _affine_back(g: Array, x: Array, w: Array, b: Array, rows: int | None = None) -> tuple[Array, Array, Array]:
    return _layer_back(g * w, x), (g * _layer(x))[:rows].sum(0), g[:rows].sum(0)


def _layer2(x: Array, w: Array) -> Array:
    """Over the last two axes."""
    return _layer(x.reshape(len(x), -1)).reshape(x.shape) * w


def _layer2_back(g: Array, x: Array, w: Array) -> tuple[Array, Array]:
    flat = x.reshape(len(x), -1)
    return _layer_back((g * w).reshape(flat.shape), flat).reshape(x.shape), (g * _layer2(x, np.ones_like(w))).sum(0)


def _rms(x: Array) -> Array:
    return 1 / np.sqrt((x * x).mean(-1, keepdims=True) + EPS)


def _rms_back(g: Array, x: Array, w: Array, twice: bool = False) -> tuple[Array, Array]:
    r = _rms(x)
    variance = r**3 * x * (g * w * x).mean(-1, keepdims=True)
    return g * w * r - (w * variance if twice else variance), (g * x * r).sum(0)


def _prenorm(x: Array, residual: Array) -> tuple[Array, Array]:
    total = x + residual
    return total * _rms(total), total


def _prenorm_back(g: tuple[Array, Array], x: Array, residual: Array) -> tuple[Array, Array]:
    total = x + residual
    d = _rms_back(g[0], total, np.ones_like(total[0]))[0] + g[1]
    return d, d.copy()


def _prenorm_back_added_first(g: tuple[Array, Array], x: Array, residual: Array) -> tuple[Array, Array]:
    total = x + residual
    d = _rms_back(g[0] + g[1], total, np.ones_like(total[0]))[0]
    return d, d.copy()


def _evaluated(x: Array, w: Array, mean: Array, var: Array) -> Array:
    """A batch norm in evaluation mode: with running statistics."""
    return (x - mean) / np.sqrt(var + EPS) * w


def _evaluated_back(g: Array, x: Array, w: Array, mean: Array, var: Array) -> tuple[Array, Array, Array, Array]:
    r = 1 / np.sqrt(var + EPS)
    along = (g * w * (x - mean)).sum(0)
    return g * w * r, (g * (x - mean) * r).sum(0), -(g * w * r).sum(0), -along * r**3 / 2


def _evaluated_as_trained(g: Array, x: Array, w: Array, mean: Array, var: Array) -> tuple[Array, Array, Array, Array]:
    right = _evaluated_back(g, x, w, mean, var)
    return (_layer_back((g * w).T, x.T).T.copy(), *right[1:])


def _grouped(x: Array, w: Array, groups: int = 2) -> Array:
    """(n, c, s): a group is some neighbouring channels."""
    return _layer(x.reshape(len(x), groups, -1)).reshape(x.shape) * w[:, None]


def _grouped_back(g: Array, x: Array, w: Array, groups: int = 2) -> tuple[Array, Array]:
    flat = x.reshape(len(x), groups, -1)
    dx = _layer_back((g * w[:, None]).reshape(flat.shape), flat).reshape(x.shape)
    return dx, (g * _grouped(x, np.ones_like(w), groups)).sum((0, 2))


def _grouped_back_modulo(g: Array, x: Array, w: Array, groups: int = 2) -> tuple[Array, Array]:
    """Statistics of group c % groups for channel c."""
    flat = x.reshape(len(x), groups, -1)
    of = np.arange(x.shape[1]) % groups
    mean, r = flat.mean(-1)[:, of, None], 1 / np.sqrt(flat.var(-1) + EPS)[:, of, None]
    return _grouped_back(g, x, w, groups)[0], (g * (x - mean) * r).sum((0, 2))


BUGS = (
    GradBug(
        "flaggems-5392-layer_norm", "https://github.com/flagos-ai/FlagGems/issues/5392",
        "The number of rows was that of a 2-d input, so that a batch of sequences was normalized over too much.",
        _layer, _layer_back, _layer_back_of_2d,
        normal((2, 3, 4)),
    ),
    GradBug(
        "flaggems-59-layer_norm", "https://github.com/flagos-ai/FlagGems/pull/59",
        "Sums over a row ran over all rows of the block.",
        _layer, _layer_back, _layer_back_of_block,
        normal((3, 5)),
    ),
    GradBug(
        "attorch-18-layer_norm", "https://github.com/BobMcDear/attorch/issues/18",
        "Buffers for partial sums of blocks of rows were counted by rounding down: the last block was lost.",
        _affine, _affine_back,
        lambda g, x, w, b: _affine_back(g, x, w, b, rows=len(x) // 2 * 2),
        normal((5, 3), (3,), (3,)),
    ),
    GradBug(
        "pytorch-192016-layer_norm", "https://github.com/pytorch/pytorch/pull/192016",
        "For a norm over two axes the weight's gradient was as long as the last of them.",
        _layer2, _layer2_back,
        lambda g, x, w: (_layer2_back(g, x, w)[0], _layer2_back(g, x, w)[1][0].copy()),
        normal((2, 3, 4), (3, 4)), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "megatron-6859-rms_norm", "https://github.com/NVIDIA/Megatron-LM/pull/6859",
        "The weight stood twice in the term of the variance.",
        lambda x, w: x * _rms(x) * w,
        _rms_back,
        lambda g, x, w: _rms_back(g, x, w, twice=True),
        normal((3, 4), (4,)),
    ),
    GradBug(
        "llm.c-763-rms_norm", "https://github.com/karpathy/llm.c/pull/763",
        "A reader of this baseline found that their own backward had not multiplied by the weight.",
        lambda x, w: x * _rms(x) * w,
        _rms_back,
        lambda g, x, w: (_rms_back(g, x, np.ones_like(w))[0], _rms_back(g, x, w)[1]),
        normal((3, 4), (4,)),
    ),
    GradBug(
        "quack-53-prenorm", "https://github.com/Dao-AILab/quack/pull/53",
        "The cotangent of the residual was added before the norm's backward instead of after it.",
        _prenorm, _prenorm_back, _prenorm_back_added_first,
        normal((2, 4), (2, 4)),
    ),
    GradBug(
        "xla-913-batch_norm", "https://github.com/pytorch/xla/issues/913",
        "In evaluation mode the input's gradient was that of training, with the statistics of the batch.",
        _evaluated, _evaluated_back, _evaluated_as_trained,
        lambda rng: (
            rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(3), 0.5 + rng.random(3),
        ),
    ),
    GradBug(
        "tt-metal-56202-group_norm", "https://github.com/tenstorrent/tt-metal/pull/56202",
        "The weight's gradient took the group of a channel by modulo, not by division.",
        _grouped, _grouped_back, _grouped_back_modulo,
        normal((2, 4, 3), (4,)),
    ),
)  # fmt: skip
