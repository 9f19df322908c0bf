"""Losses that ask for a margin: one score above another, one distance below another, by some amount."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import ShapeError, clamp_min, logaddexp, minimum, sqrt, where
from ...ops.failure import in_module
from ...ops.index import along, getitem
from .distance import pairwise_distance
from .loss import class_ids, reduced


def hinge_embedding_loss(input: Any, target: Any, margin: float = 1.0, reduction: str = "mean") -> Any:
    """A distance `input` where `target` is 1; by how much it falls short of `margin` where `target` is -1.

    PyTorch: `F.hinge_embedding_loss`. Any other target counts as both.
    """
    short = where(target != 1, clamp_min(margin - input, 0.0), 0.0)
    return reduced("hinge_embedding_loss", short + where(target != -1, input, 0.0), reduction)


def margin_ranking_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """max(0, -target * (input1 - input2) + margin): `target` 1 wants `input1` larger, -1 `input2`.

    PyTorch: `F.margin_ranking_loss`. Raises ShapeError if the three differ in their number of dimensions.
    """
    if not input1.ndim == input2.ndim == target.ndim:
        raise ShapeError(
            f"margin_ranking_loss: input1 of shape {tuple(input1.shape)}, input2 of shape {tuple(input2.shape)} and "
            f"target of shape {tuple(target.shape)} need equally many dimensions{in_module()}"
        )
    return reduced("margin_ranking_loss", clamp_min(margin - target * (input1 - input2), 0.0), reduction)


def triplet_margin_loss(
    anchor: Any, positive: Any, negative: Any, margin: float = 1.0, p: float = 2.0, eps: float = 1e-6,
    swap: bool = False, reduction: str = "mean",
) -> Any:  # fmt: skip
    """By how much the anchor is not nearer to `positive` than to `negative` by `margin`; (..., D) gives (...).

    PyTorch: `F.triplet_margin_loss`. Distances are `pairwise_distance` with `p` and `eps`; with `swap` the negative's
    is the smaller of those from anchor and positive. Source: Balntas et al., "Learning local feature descriptors with
    triplets and shallow convolutional neural networks" (2016). Raises ValueError unless `margin` is above 0,
    ShapeError if the three differ in their number of dimensions.
    """
    if margin <= 0:
        raise ValueError(f"triplet_margin_loss: margin must be above 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError(
            f"triplet_margin_loss: anchor of shape {tuple(anchor.shape)}, positive of shape {tuple(positive.shape)} "
            f"and negative of shape {tuple(negative.shape)} need equally many dimensions{in_module()}"
        )
    near = pairwise_distance(anchor, positive, p, eps)
    far = pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return reduced("triplet_margin_loss", clamp_min(margin + near - far, 0.0), reduction)


def cosine_embedding_loss(input1: Any, input2: Any, target: Any, margin: float = 0.0, reduction: str = "mean") -> Any:
    """1 - cos of the angle where `target` is 1, by how much cos exceeds `margin` where it is -1; (N, D) or (D).

    PyTorch: `F.cosine_embedding_loss`. Raises ShapeError unless `target` has the shape of the inputs without D.
    """
    if input1.ndim != input2.ndim or target.ndim != input1.ndim - 1 or target.ndim > 1:
        raise ShapeError(
            f"cosine_embedding_loss: inputs of shapes {tuple(input1.shape)} and {tuple(input2.shape)} and target of "
            f"shape {tuple(target.shape)} do not fit: (N, D), (N, D), (N) and (D), (D), () do{in_module()}"
        )
    dot, square1, square2 = (input1 * input2).sum(-1), (input1 * input1).sum(-1), (input2 * input2).sum(-1)
    cosine = dot / sqrt((square1 + 1e-12) * (square2 + 1e-12))
    apart = where(target == -1, clamp_min(cosine - margin, 0.0), 0.0)
    return reduced("cosine_embedding_loss", where(target == 1, 1.0 - cosine, 0.0) + apart, reduction)


def soft_margin_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """log(1 + exp(-target * input)), for targets 1 and -1; never overflows. PyTorch: `F.soft_margin_loss`."""
    return reduced("soft_margin_loss", logaddexp(-target * input, 0.0), reduction)


def multi_margin_loss(
    input: Any, target: Any, p: int = 1, margin: float = 1.0, weight: Any = None, reduction: str = "mean"
) -> Any:
    """By how much the scores of other classes come within `margin` of the target's, to the power `p`, over C.

    PyTorch: `F.multi_margin_loss`. `input` is (N, C) or (C), `target` holds class ids, (N) or (), `weight` is a factor
    per class, (C). Raises ValueError for a `p` other than 1 and 2, ShapeError if shapes do not fit, IndexError for
    a class id out of range.
    """
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: p must be 1 or 2, got {p}")
    if input.ndim not in (1, 2) or (weight is not None and tuple(weight.shape) != tuple(input.shape[-1:])):
        given = "" if weight is None else f" and weight of shape {tuple(weight.shape)}"
        raise ShapeError(
            f"multi_margin_loss: input of shape {tuple(input.shape)}{given} do not fit: (N, C) or (C), and (C)"
            f"{in_module()}"
        )
    ids = np.expand_dims(class_ids("multi_margin_loss", input, target, input.ndim - 1), -1)
    score = getitem(input, along(input.shape, -1, ids))  # (N, 1)
    others = ids != np.arange(input.shape[-1], like=ids)
    excess = where(others, clamp_min(margin - score + input, 0.0), 0.0)
    losses = excess if p == 1 else excess * excess
    if weight is not None:
        losses = losses * getitem(weight, ids)
    return reduced("multi_margin_loss", losses.sum(-1) / input.shape[-1], reduction)


__all__ = [
    "cosine_embedding_loss", "hinge_embedding_loss", "margin_ranking_loss", "multi_margin_loss", "soft_margin_loss",
    "triplet_margin_loss",
]  # fmt: skip
