"""Losses: how far predictions are from targets."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ops import ShapeError, where
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.index import along, getitem
from ...tensor import Tensor
from .activation import log_softmax


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
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"cross_entropy: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    if input.ndim == 0:
        raise ShapeError("cross_entropy: input needs a dimension of classes, got a 0-d tensor")
    class_dim = 0 if input.ndim == 1 else 1
    classes = input.shape[class_dim]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ShapeError(
            f"cross_entropy: weight has shape {tuple(weight.shape)}, input has {classes} classes{in_module()}"
        )
    if tuple(target.shape) == tuple(input.shape) and target.dtype.kind == "f":
        return _cross_entropy_of_distribution(input, target, weight, class_dim, reduction, label_smoothing)
    expected = (*input.shape[:class_dim], *input.shape[class_dim + 1 :])
    if tuple(target.shape) != expected:
        raise ShapeError(
            f"cross_entropy: input of shape {tuple(input.shape)} needs targets of shape {expected}, got "
            f"{tuple(target.shape)} (classes belong in dimension {class_dim} of the input){in_module()}"
        )
    if target.dtype.kind not in "iu":
        raise TypeError(
            f"cross_entropy: class ids must be integers, got {target.dtype}; convert them with .long(){in_module()}"
        )
    ids = target.data if isinstance(target, Tensor) else target
    wrong = (ids != ignore_index) & ((ids < 0) | (ids >= classes))
    if wrong.any():
        raise IndexError(
            f"cross_entropy: target {int(ids[wrong].reshape(-1)[0])} is out of range for {classes} classes{in_module()}"
        )
    return _cross_entropy_of_ids(input, ids, weight, class_dim, ignore_index, reduction, label_smoothing)


@composite
@np.errstate(all="ignore")  # infinities, and a mean of no losses, give nan without a warning
def _cross_entropy_of_ids(
    input: Any, ids: Any, weight: Any, class_dim: int, ignore_index: int, reduction: str, label_smoothing: float
) -> Any:
    kept = ids != ignore_index
    known = np.where(kept, ids, 0)
    log_probabilities = log_softmax(input, class_dim)
    picked = along(input.shape, class_dim, np.expand_dims(known, class_dim))
    factor = kept.astype(input.dtype) if weight is None else where(kept, getitem(weight, known), 0.0)
    likelihood = getitem(log_probabilities, picked).reshape(ids.shape)
    losses = -(where(kept, likelihood, 0.0) * factor)
    if label_smoothing > 0:
        spread = log_probabilities
        if weight is not None:
            spread = spread * weight.reshape(tuple(-1 if axis == class_dim else 1 for axis in range(input.ndim)))
        even = -where(kept, spread.sum(class_dim), 0.0)
        losses = (1.0 - label_smoothing) * losses + (label_smoothing / input.shape[class_dim]) * even
    if reduction == "none":
        return losses
    return losses.sum() / factor.sum() if reduction == "mean" else losses.sum()


@np.errstate(all="ignore")
def _cross_entropy_of_distribution(
    input: Any, target: Any, weight: Any, class_dim: int, reduction: str, label_smoothing: float
) -> Any:
    if label_smoothing > 0:
        target = target * (1.0 - label_smoothing) + label_smoothing / input.shape[class_dim]
    log_likelihood = log_softmax(input, class_dim) * target
    if weight is not None:
        log_likelihood = log_likelihood * weight.reshape(
            tuple(-1 if axis == class_dim else 1 for axis in range(input.ndim))
        )
    losses = -log_likelihood.sum(class_dim)
    if reduction == "none":
        return losses
    return losses.sum() / math.prod(losses.shape) if reduction == "mean" else losses.sum()


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The squared difference, averaged, summed or elementwise. PyTorch: `F.mse_loss`."""
    if tuple(input.shape) != tuple(target.shape):
        raise ShapeError(
            f"mse_loss: input of shape {tuple(input.shape)} and target of shape {tuple(target.shape)} differ"
        )
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"mse_loss: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    difference = input - target
    squares = difference * difference
    return squares if reduction == "none" else squares.mean() if reduction == "mean" else squares.sum()


__all__ = ["cross_entropy", "mse_loss"]
