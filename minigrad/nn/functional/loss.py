"""Losses: how far predictions are from targets, as class ids or as numbers. Here too is what all losses share: the
reduction, and the checks of shapes. Likelihoods of other distributions are in `likelihood`, margins in `margin`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import Array, backend_of
from ...ops import ShapeError, abs, log_softmax, where
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.index import along, getitem
from ...tensor import Tensor


def reduced(name: str, losses: Any, reduction: str, weights: Any = None) -> Any:
    """All `losses` ("none"), their "sum", or their "mean": by the sum of the `weights` that are in them, if any.

    Raises ValueError for another `reduction`.
    """
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if reduction != "mean":
        raise ValueError(f"{name}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    return losses.mean() if weights is None else losses.sum() / weights.sum()


def check_same_shape(name: str, input: Any, other: Any, what: str = "target") -> None:
    """Raises ShapeError unless `other` has the shape of `input`."""
    if tuple(input.shape) != tuple(other.shape):
        raise ShapeError(
            f"{name}: input of shape {tuple(input.shape)} and {what} of shape {tuple(other.shape)} differ; elements "
            f"are compared one by one, without broadcasting{in_module()}"
        )


# ---------------------------------------------------------------------------------------------------- class ids


@np.errstate(all="ignore")
def cross_entropy(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """The negative log-likelihood of `target` under softmax(`input`), in nats. PyTorch: `F.cross_entropy`.

    Args:
        input: logits, (C), (N, C) or (N, C, d1, ...), C classes.
        target: class ids (integers) of the shape of `input` without C, or class probabilities of its own shape.
        weight: a factor per class, (C).
        ignore_index: the class id that counts for nothing; with `reduction="mean"` not even in the denominator.
        reduction: "mean" (by the weights of the targets), "sum" or "none".
        label_smoothing: how much of the probability is spread evenly over the classes, in [0, 1].

    Raises ShapeError (a ValueError and RuntimeError) if the shapes do not fit, IndexError for a class id out of
    range, TypeError for float ids of the ids' shape, ValueError for another `reduction`.

    >>> import minigrad as mg
    >>> mg.nn.functional.cross_entropy(mg.zeros(1, 4), mg.tensor([2]))
    tensor(1.3863)
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    class_dim = _class_dim("cross_entropy", input, weight)
    if tuple(target.shape) == tuple(input.shape) and target.dtype.kind == "f":
        return _cross_entropy_of_distribution(input, target, weight, class_dim, reduction, label_smoothing)
    ids = class_ids("cross_entropy", input, target, class_dim, ignore_index)
    return _cross_entropy_of_ids(input, ids, weight, class_dim, ignore_index, reduction, label_smoothing)


def nll_loss(input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """The negative of `input`, log-probabilities, at the class ids `target`. PyTorch: `F.nll_loss`.

    `cross_entropy` after `log_softmax`: shapes, settings and errors are the same.
    """
    class_dim = _class_dim("nll_loss", input, weight)
    ids = class_ids("nll_loss", input, target, class_dim, ignore_index)
    losses, factor = _negative_likelihood(input, ids, weight, class_dim, ignore_index)
    return reduced("nll_loss", losses, reduction, factor)


def _class_dim(name: str, input: Any, weight: Any) -> int:
    """The dimension of classes: the only one, or the second. Raises ShapeError if `weight` is not one per class."""
    if input.ndim == 0:
        raise ShapeError(f"{name}: input needs a dimension of classes, got a 0-d tensor{in_module()}")
    class_dim = 0 if input.ndim == 1 else 1
    if weight is not None and tuple(weight.shape) != (input.shape[class_dim],):
        raise ShapeError(
            f"{name}: weight has shape {tuple(weight.shape)}, input has {input.shape[class_dim]} classes{in_module()}"
        )
    return class_dim


def class_ids(name: str, input: Any, target: Any, class_dim: int, ignore_index: int | None = None) -> Array:
    """The array of `target`. Raises if it does not hold one id of a class for each place of `input`."""
    expected = (*input.shape[:class_dim], *input.shape[class_dim + 1 :])
    if tuple(target.shape) != expected:
        raise ShapeError(
            f"{name}: input of shape {tuple(input.shape)} needs targets of shape {expected}, got "
            f"{tuple(target.shape)} (classes belong in dimension {class_dim} of the input){in_module()}"
        )
    if target.dtype.kind not in "iu":
        raise TypeError(
            f"{name}: class ids must be integers, got {target.dtype}; convert them with .long(){in_module()}"
        )
    ids = target.data if isinstance(target, Tensor) else target
    classes = input.shape[class_dim]
    wrong = (ids < 0) | (ids >= classes)
    if ignore_index is not None:
        wrong &= ids != ignore_index
    if backend_of(ids).checks_values and wrong.any():
        raise IndexError(
            f"{name}: target {int(ids[wrong].reshape(-1)[0])} is out of range for {classes} classes{in_module()}"
        )
    return ids


@composite
@np.errstate(all="ignore")  # infinities, and a mean of no losses, give nan without a warning
def _cross_entropy_of_ids(
    input: Any, ids: Any, weight: Any, class_dim: int, ignore_index: int, reduction: str, label_smoothing: float
) -> Any:
    log_probabilities = log_softmax(input, class_dim)
    losses, factor = _negative_likelihood(log_probabilities, ids, weight, class_dim, ignore_index)
    if label_smoothing > 0:
        spread = _times_per_class(log_probabilities, weight, class_dim)
        even = -where(ids != ignore_index, spread.sum(class_dim), 0.0)
        losses = (1.0 - label_smoothing) * losses + (label_smoothing / input.shape[class_dim]) * even
    return reduced("cross_entropy", losses, reduction, factor)


def _negative_likelihood(
    log_probabilities: Any, ids: Array, weight: Any, class_dim: int, ignore_index: int
) -> tuple[Any, Any]:
    """The loss at each id, and the weight that is in it."""
    kept = ids != ignore_index
    known = np.where(kept, ids, 0)
    picked = along(log_probabilities.shape, class_dim, np.expand_dims(known, class_dim))
    factor = kept.astype(log_probabilities.dtype) if weight is None else where(kept, getitem(weight, known), 0.0)
    likelihood = getitem(log_probabilities, picked).reshape(ids.shape)
    return -(where(kept, likelihood, 0.0) * factor), factor


@np.errstate(all="ignore")
def _cross_entropy_of_distribution(
    input: Any, target: Any, weight: Any, class_dim: int, reduction: str, label_smoothing: float
) -> Any:
    if label_smoothing > 0:
        target = target * (1.0 - label_smoothing) + label_smoothing / input.shape[class_dim]
    log_likelihood = _times_per_class(log_softmax(input, class_dim) * target, weight, class_dim)
    losses = -log_likelihood.sum(class_dim)
    return reduced("cross_entropy", losses, reduction)


def _times_per_class(x: Any, weight: Any, class_dim: int) -> Any:
    return x if weight is None else x * weight.reshape(tuple(-1 if axis == class_dim else 1 for axis in range(x.ndim)))


# ------------------------------------------------------------------------------------------------------ numbers


def mse_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:
    """The squared difference, averaged, summed or elementwise. PyTorch: `F.mse_loss`.

    `weight`, of the shape of `input`, multiplies the losses, and "mean" divides by its sum.
    """
    check_same_shape("mse_loss", input, target)
    difference = input - target
    return _weighted("mse_loss", difference * difference, weight, reduction)


def l1_loss(input: Any, target: Any, reduction: str = "mean", weight: Any = None) -> Any:
    """The absolute difference, with `weight` as in `mse_loss`. PyTorch: `F.l1_loss`."""
    check_same_shape("l1_loss", input, target)
    return _weighted("l1_loss", abs(input - target), weight, reduction)


def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """Half the squared difference up to `delta`, and beyond the straight line that goes on from there.

    PyTorch: `F.huber_loss`. `weight`, of the shape of `input`, multiplies the losses, and nothing else. Source: Huber,
    "Robust estimation of a location parameter" (1964). Raises ValueError unless `delta` is above 0.
    """
    check_same_shape("huber_loss", input, target)
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be above 0, got {delta}")
    losses = delta * _smooth_l1(input - target, delta)
    if weight is not None:
        check_same_shape("huber_loss", input, weight, "weight")
        losses = losses * weight
    return reduced("huber_loss", losses, reduction)


def smooth_l1_loss(input: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """`huber_loss` divided by `beta`: the absolute difference, rounded off within `beta`. PyTorch: `F.smooth_l1_loss`.

    Source: Girshick, "Fast R-CNN" (2015). Raises ValueError if `beta` is below 0; with 0 it is `l1_loss`.
    """
    check_same_shape("smooth_l1_loss", input, target)
    if beta < 0:
        raise ValueError(f"smooth_l1_loss: beta must not be below 0, got {beta}")
    return reduced("smooth_l1_loss", _smooth_l1(input - target, beta), reduction)


def _smooth_l1(difference: Any, beta: float) -> Any:
    magnitude = abs(difference)
    if beta == 0:
        return magnitude
    return where(magnitude < beta, difference * difference * (0.5 / beta), magnitude - 0.5 * beta)


def _weighted(name: str, losses: Any, weight: Any, reduction: str) -> Any:
    if weight is None:
        return reduced(name, losses, reduction)
    check_same_shape(name, losses, weight, "weight")
    return reduced(name, losses * weight, reduction, weight)


__all__ = ["cross_entropy", "huber_loss", "l1_loss", "mse_loss", "nll_loss", "smooth_l1_loss"]
