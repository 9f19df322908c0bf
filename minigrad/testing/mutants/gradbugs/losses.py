"""GradBugs of losses and of matrices: cotangents ignored, labels, softmax, covariances, factorizations."""

from __future__ import annotations

import numpy as np

from ...verdicts import Verdict
from ..corpus import Array, GradBug, logsumexp, normal, softmax

MARGIN = 9.0
PAIRS = np.array([[0, 0], [1, 2], [3, 3], [0, 1]])  # the labels of both sides


def _log_softmax(x: Array) -> Array:
    return x - logsumexp(x)


def _huber(x: Array, t: Array) -> Array:
    return np.where(np.abs(x - t) < 1, (x - t) ** 2 / 2, np.abs(x - t) - 0.5).sum(-1)


def _huber_back(g: Array, x: Array, t: Array) -> tuple[Array, Array]:
    d = np.clip(x - t, -1, 1) * g
    return d, -d


def _alignments(steps: int) -> Array:
    """Of one label and blanks: blanks, then labels, then blanks. (alignment, step, symbol) of zeros and ones."""
    spans = [(i, j) for i in range(steps) for j in range(i + 1, steps + 1)]
    out = np.zeros((len(spans), steps, 2))
    for row, (i, j) in zip(out, spans):
        row[:, 0], row[i:j, 0], row[i:j, 1] = 1, 0, 1
    return out


def _ctc(p: Array) -> Array:
    """Of log-probabilities (n, step, symbol), symbol 0 being the blank and 1 the target."""
    return -logsumexp(np.einsum("ats,nts->na", _alignments(p.shape[1]), p))[:, 0]


def _ctc_back(g: Array, p: Array) -> Array:
    alignments = _alignments(p.shape[1])
    weights = softmax(np.einsum("ats,nts->na", alignments, p))
    return -np.asarray(np.einsum("n,na,ats->nts", g, weights, alignments), p.dtype)


def _contrastive(a: Array, b: Array) -> Array:
    """Near if of one class, beyond a margin if not: the squared distance, without a root."""
    square = ((a - b) ** 2).sum(1)
    return np.where(PAIRS[:, 0] == PAIRS[:, 1], square, np.maximum(MARGIN - square, 0)).sum() / 2


def _contrastive_back(g: Array, a: Array, b: Array, alike: Array, forgotten: bool = False) -> tuple[Array, Array]:
    diff = a - b
    far = ((((diff**2).sum(1) < MARGIN) & ~alike)[:, None] * (np.ones_like(diff) if forgotten else diff))
    d = g * (alike[:, None] * diff - far)
    return d, -d


def _cross_entropy(x: Array, t: Array) -> Array:
    return -(t * _log_softmax(x)).sum(-1)


def _cross_entropy_back(g: Array, x: Array, t: Array, mass: Array) -> tuple[Array, Array]:
    return g[:, None] * (softmax(x) * mass - t), -g[:, None] * _log_softmax(x)


def _picked(x: Array, labels: Array) -> Array:
    return -_log_softmax(x)[np.arange(len(x)), labels].mean()


def _picked_back(g: Array, x: Array, labels: Array, axis: int) -> tuple[Array, None]:
    d = softmax(x, axis)
    d[np.arange(len(x)), labels] -= 1
    return g * d / len(x), None


def _labelled(rng: np.random.Generator) -> tuple[Array, Array]:
    return rng.standard_normal((3, 4)), np.array([1, 3, 0])


def _density(x: Array, cov: Array) -> Array:
    """The logarithm of that of a normal distribution around 0, without its constant."""
    return -0.5 * x @ np.linalg.solve(cov, x) - 0.5 * np.linalg.slogdet(cov)[1]


def _density_back(g: Array, x: Array, cov: Array, sign: int) -> tuple[Array, Array]:
    inverse = np.linalg.inv(cov)
    y = inverse @ x
    return -g * y, sign * g * 0.5 * (np.outer(y, y) - inverse)


def _covariance(rng: np.random.Generator) -> tuple[Array, Array]:
    a = rng.standard_normal((3, 3))
    return rng.standard_normal(3), a @ a.T + np.eye(3)


def _cholesky_inner(g: Array, a: Array) -> Array:
    """L^-T phi(L^T g) L^-1, phi taking the lower triangle and halving the diagonal."""
    lower = np.linalg.cholesky(a)
    p = np.tril(lower.T @ g)
    p[np.diag_indices_from(p)] /= 2
    inverse = np.linalg.inv(lower)
    return inverse.T @ p @ inverse


def _cholesky_back(g: Array, a: Array) -> Array:
    """`a` is read in its lower triangle alone."""
    s = _cholesky_inner(g, a)
    return np.tril(s + s.T) - np.diag(np.diag(s))


def _always(value: bool) -> Array:
    return np.full(len(PAIRS), value)


ALIKE = PAIRS[:, 0] == PAIRS[:, 1]

BUGS: tuple[GradBug, ...] = (
    GradBug(
        "chainer-1175-huber", "https://github.com/chainer/chainer/issues/1175",
        "The loss ignored its cotangent: multiplying it by 0 changed nothing.",
        _huber,
        lambda g, x, t: _huber_back(g[:, None], x, t),
        lambda g, x, t: _huber_back(np.ones_like(g)[:, None], x, t),
        normal((2, 3), (2, 3)), (Verdict.NOT_LINEAR, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "pytorch-21961-ctc", "https://github.com/pytorch/pytorch/issues/21961",
        "One of two implementations did not multiply by the cotangent.",
        _ctc, _ctc_back,
        lambda g, p: _ctc_back(np.ones_like(g), p),
        normal((2, 4, 2)), (Verdict.NOT_LINEAR, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "caffe-7100-contrastive", "https://github.com/BVLC/caffe/pull/7100",
        "For pairs of different classes the difference was not multiplied by.",
        _contrastive,
        lambda g, a, b: _contrastive_back(g, a, b, ALIKE),
        lambda g, a, b: _contrastive_back(g, a, b, ALIKE, forgotten=True),
        normal((4, 2), (4, 2)),
    ),
    GradBug(
        "caffe-windows-12-contrastive", "https://github.com/happynear/caffe-windows/issues/12",
        "The backward compared a label with itself, and every pair was one of the same class.",
        _contrastive,
        lambda g, a, b: _contrastive_back(g, a, b, ALIKE),
        lambda g, a, b: _contrastive_back(g, a, b, _always(True)),
        normal((4, 2), (4, 2)),
    ),
    GradBug(
        "onednn-616-log_softmax", "https://github.com/uxlfoundation/oneDNN/issues/616",
        "The formula of softmax was used for its logarithm: cotangent less its product with the output.",
        _log_softmax,
        lambda g, x: g - softmax(x) * g.sum(-1, keepdims=True),
        lambda g, x: g - (g * _log_softmax(x)).sum(-1, keepdims=True),
        normal((2, 4)),
    ),
    GradBug(
        "mlpack-2360-log_softmax", "https://github.com/mlpack/mlpack/issues/2360",
        "The cotangent was added to the softmax instead of multiplied with the Jacobian.",
        _log_softmax,
        lambda g, x: g - softmax(x) * g.sum(-1, keepdims=True),
        lambda g, x: softmax(x) + g,
        normal((1, 3)), (Verdict.NOT_LINEAR, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "tensorflow-46672-cross_entropy", "https://github.com/tensorflow/tensorflow/issues/46672",
        "softmax - target holds for targets that sum to one; these did not.",
        _cross_entropy,
        lambda g, x, t: _cross_entropy_back(g, x, t, t.sum(-1, keepdims=True)),
        lambda g, x, t: _cross_entropy_back(g, x, t, np.ones_like(t[:, :1])),
        lambda rng: (rng.standard_normal((2, 3)), rng.random((2, 3))),
    ),
    GradBug(
        "dl4j-345-softmax-axis", "https://github.com/deeplearning4j/deeplearning4j/issues/345",
        "The softmax in the gradient ran over the batch instead of the classes.",
        _picked,
        lambda g, x, labels: _picked_back(g, x, labels, -1),
        lambda g, x, labels: _picked_back(g, x, labels, 0),
        _labelled,
    ),
    GradBug(
        "skainet-877-detached", "https://github.com/SKaiNET-developers/SKaiNET/pull/877",
        "The loss was built from values read out of its input, so that nothing led back to it.",
        _picked,
        lambda g, x, labels: _picked_back(g, x, labels, -1),
        lambda g, x, labels: (None, None),
        _labelled, (Verdict.DISCONNECTED, Verdict.WRONG_FORMULA),
    ),
    GradBug(
        "autograd-412-covariance", "https://github.com/HIPS/autograd/pull/412",
        "The gradient of the covariance had the wrong sign; a typing error kept its test from running.",
        _density,
        lambda g, x, cov: _density_back(g, x, cov, 1),
        lambda g, x, cov: _density_back(g, x, cov, -1),
        _covariance,
    ),
    GradBug(
        "jax-40421-cholesky", "https://github.com/jax-ml/jax/issues/40421",
        "A part of the gradient went to the triangle that the forward does not read.",
        lambda a: np.linalg.cholesky(a),
        _cholesky_back,
        lambda g, a: _cholesky_inner(g, a),
        lambda rng: _covariance(rng)[1:],
    ),
)  # fmt: skip

