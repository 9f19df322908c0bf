"""GradBugs of functions of single numbers: special points, activations, powers, angles."""

from __future__ import annotations

import numpy as np

from ...verdicts import Verdict
from ..corpus import Array, GradBug, normal


def _sinc_slope(x: Array) -> Array:
    safe = np.where(x == 0, 1, x)
    return np.where(x == 0, 0, (np.cos(np.pi * safe) - np.sinc(safe)) / safe)


def _mish(g: Array, x: Array, cubic: int) -> Array:
    e = np.exp(x)
    omega = 4 * (x + 1) + 4 * e**2 + cubic * e**3 + e * (4 * x + 6)
    return g * e * omega / (2 * e + e**2 + 2) ** 2


def _rotated(v: Array) -> Array:
    """Half-angle quaternions of rotations by |v| about v."""
    angle = np.sqrt((v * v).sum(-1, keepdims=True))
    safe = np.where(angle > 0, angle, 1)
    return np.concatenate([np.cos(angle / 2), np.where(angle > 0, np.sin(safe / 2) / safe, 0.5) * v], axis=-1)


def _rotated_back(g: Array, v: Array, guarded: bool) -> Array:
    angle = np.sqrt((v * v).sum(-1, keepdims=True))
    zero = angle == 0 if guarded else np.zeros_like(angle, bool)
    safe = np.where(zero, 1, angle)
    k = np.where(zero, 0.5, np.sin(safe / 2) / safe)
    slope = np.where(zero, 0, (np.cos(safe / 2) / 2 - k) / safe)  # of k
    along = (g[..., 1:] * v).sum(-1, keepdims=True) * slope - g[..., :1] * np.sin(angle / 2) / 2
    return k * g[..., 1:] + along * v / safe


def _axis_angle(q: Array) -> Array:
    """Axis times angle of quaternions, which need not have unit length."""
    w, v = q[..., :1], q[..., 1:]
    s = np.sqrt((v * v).sum(-1, keepdims=True))
    safe = np.where(s > 0, s, 1)
    return np.where(s > 0, 2 * np.arctan(s / w) / safe, 2 / w) * v


def _axis_angle_back(g: Array, q: Array, at_identity: Array) -> Array:
    w, v = q[..., :1], q[..., 1:]
    s = np.sqrt((v * v).sum(-1, keepdims=True))
    safe = np.where(s > 0, s, 1)
    k = np.where(s > 0, 2 * np.arctan(s / w) / safe, at_identity)
    slope = np.where(s > 0, (2 * w / (w * w + s * s) - k) / safe, 0)
    along = (g * v).sum(-1, keepdims=True)
    return np.concatenate([-2 * along / (w * w + s * s), k * g + along * slope * v / safe], axis=-1)


def _unit_rotations(rng: np.random.Generator) -> tuple[Array]:
    q = rng.standard_normal((3, 4))
    q[1] = [-1, 0, 0, 0]
    q[2] = [2, 0, 0, 0]
    return (q,)


BUGS = (
    GradBug(
        "pytorch-53989-sinc", "https://github.com/pytorch/pytorch/issues/53989",
        "The derivative was the quotient rule's 0/0 at 0, where it is 0.",
        np.sinc,
        lambda g, x: g * _sinc_slope(x),
        lambda g, x: g * (np.pi * x * np.cos(np.pi * x) - np.sin(np.pi * x)) / (np.pi * x * x),
        lambda rng: (np.array([-1.3, 0.0, 0.4]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "keops-155-atan2", "https://github.com/getkeops/keops/pull/155",
        "The gradients of the two arguments were flipped.",
        np.arctan2,
        lambda g, y, x: (g * x / (x * x + y * y), -g * y / (x * x + y * y)),
        lambda g, y, x: (-g * y / (x * x + y * y), g * x / (x * x + y * y)),
        normal((4,), (4,)),
    ),
    GradBug(
        "mlx-2453-arctan2", "https://github.com/ml-explore/mlx/pull/2453",
        "One gradient was returned for two arguments.",
        np.arctan2,
        lambda g, y, x: (g * x / (x * x + y * y), -g * y / (x * x + y * y)),
        lambda g, y, x: (g * x / (x * x + y * y),),
        normal((3,), (3,)), (Verdict.WRONG_SHAPE_DTYPE,),
    ),
    GradBug(
        "jax-2140-log_sigmoid", "https://github.com/jax-ml/jax/issues/2140",
        "At exactly 0 the gradient was 0 instead of 1/2: the smooth function was made of two kinks that cancel.",
        lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
        lambda g, x: g / (1 + np.exp(x)),
        lambda g, x: g * ((x < 0) + np.sign(x) * np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x)))),
        lambda rng: (np.array([0.0, 0.7, -1.1]),), (Verdict.WRONG_FORMULA, Verdict.DISCONNECTED),
    ),
    GradBug(
        "thinc-578-mish", "https://github.com/explosion/thinc/pull/578",
        "The numerator lacked its term exp(3x).",
        lambda x: x * np.tanh(np.log1p(np.exp(x))),
        lambda g, x: _mish(g, x, cubic=1),
        lambda g, x: _mish(g, x, cubic=0),
        normal((5,)),
    ),
    GradBug(
        "warp-1466-sign", "https://github.com/NVIDIA/warp/issues/1466",
        "The adjoint of sign was that of the absolute value.",
        np.sign,
        lambda g, x: np.zeros_like(x),
        lambda g, x: g * np.sign(x),
        lambda rng: (np.array([-2.0, 0.5, 1.5]),),
    ),
    GradBug(
        "tensorflow-2295-pow", "https://github.com/tensorflow/tensorflow/issues/2295",
        "The gradient of the exponent was 0 * log(0) for a base of 0.",
        lambda x, y: np.maximum(x, 0) ** y,
        lambda g, x, y: (
            g * y * np.maximum(x, 0) ** (y - 1),
            g * np.maximum(x, 0) ** y * np.log(np.where(x > 0, x, 1)),
        ),
        lambda g, x, y: (g * y * np.maximum(x, 0) ** (y - 1), g * np.maximum(x, 0) ** y * np.log(np.maximum(x, 0))),
        lambda rng: (np.array([0.0, 0.3, 0.9]), np.array([2.4, 2.4, 1.5])), (Verdict.NONFINITE,),
    ),
    GradBug(
        "tfjs-1376-pow", "https://github.com/tensorflow/tfjs-core/pull/1376",
        "y * x**(y-1) was computed as the output divided by x, which may be 0.",
        lambda x: x**2,
        lambda g, x: 2 * g * x,
        lambda g, x: 2 * g * (x**2 / x),
        lambda rng: (np.array([0.0, -0.6, 1.7]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "jax-383-where-sqrt", "https://github.com/jax-ml/jax/pull/383",
        "A zero cotangent of the branch not taken met an infinite derivative: 0 * inf.",
        lambda x: np.where((x * x).sum(1) > 0.25, np.sqrt((x * x).sum(1)), 1),
        lambda g, x: np.where(
            (x * x).sum(1) > 0.25, g / np.sqrt(np.maximum((x * x).sum(1), 0.25)), 0
        )[:, None] * x,
        lambda g, x: (np.where((x * x).sum(1) > 0.25, g, 0) * 0.5 * (x * x).sum(1) ** -0.5)[:, None] * 2 * x,
        lambda rng: (np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "tensorflow-118674-where-sqrt", "https://github.com/tensorflow/tensorflow/issues/118674",
        "The derivative of the branch not taken was computed where it is nan, and multiplied by 0.",
        lambda x: np.where(x > 0, np.sqrt(np.maximum(x, 0)), 0),
        lambda g, x: np.where(x > 0, g / (2 * np.sqrt(np.where(x > 0, x, 1))), 0),
        lambda g, x: np.where(x > 0, g, 0) / (2 * np.sqrt(x)),
        lambda rng: (np.array([-1.0, 2.0, 0.5]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "kornia-3949-axis_angle", "https://github.com/kornia/kornia/issues/3949",
        "At the identity the gradient went through a square root of 0 that the forward had guarded.",
        _rotated,
        lambda g, v: _rotated_back(g, v, guarded=True),
        lambda g, v: _rotated_back(g, v, guarded=False),
        lambda rng: (np.array([[0.0, 0.0, 0.0], [0.3, -0.2, 0.9]]),), (Verdict.NONFINITE,),
    ),
    GradBug(
        "kornia-4237-axis_angle", "https://github.com/kornia/kornia/issues/4237",
        "The limit at identity quaternions was 2, which holds for w = 1 alone: it is 2/w.",
        _axis_angle,
        lambda g, q: _axis_angle_back(g, q, 2 / q[..., :1]),
        lambda g, q: _axis_angle_back(g, q, 2),
        _unit_rotations,
    ),
    GradBug(
        "pytorch-106789-prod-double", "https://github.com/pytorch/pytorch/issues/106789",
        "With two zeros the gradient of a product is 0, but the gradient of that gradient is not, and was.",
        lambda x, h: h * np.stack([np.delete(x, i).prod() for i in range(x.size)]),
        lambda g, x, h: (
            np.stack([
                sum((g[i] * h[i] * np.delete(x, [i, j]).prod() for i in range(x.size) if i != j), x.dtype.type(0))
                for j in range(x.size)
            ]),
            g * np.stack([np.delete(x, i).prod() for i in range(x.size)]),
        ),
        lambda g, x, h: (np.zeros_like(x), g * np.stack([np.delete(x, i).prod() for i in range(x.size)])),
        lambda rng: (np.array([2.0, 3.0, 0.0, 0.0]), rng.standard_normal(4)),
        (Verdict.DISCONNECTED, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "mxnet-14992-log-double", "https://github.com/apache/mxnet/pull/14992",
        "In the second derivative of the logarithm the first cotangent stood squared.",
        lambda h, x: h / x,
        lambda g, h, x: (g / x, -g * h / x**2),
        lambda g, h, x: (g / x, -g * (h / x) ** 2),
        lambda rng: (np.array([0.5, -0.3, 2.0]), np.array([0.4, 1.5, 3.0])),
    ),
    GradBug(
        "nnabla-532-cube", "https://github.com/sony/nnabla/pull/532",
        "A variable that entered a function several times kept one of its contributions.",
        lambda x: x * x * x,
        lambda g, x: 3 * g * x * x,
        lambda g, x: g * x * x,
        normal((2, 3)),
    ),
)  # fmt: skip
