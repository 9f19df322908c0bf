"""Lengths, distances and angles between vectors along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import ShapeError, clamp_min, norm
from ...ops.cast import halves_in_float32
from ...ops.failure import in_module
from ...ops.shape import expand


@halves_in_float32
def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """`input` divided by its `p`-norm along `dim`, or by `eps` where that is larger. PyTorch: `F.normalize`.

    >>> import minigrad as mg
    >>> mg.nn.functional.normalize(mg.tensor([3.0, 4.0]), dim=0)
    tensor([0.6000, 0.8000])
    """
    return input / clamp_min(norm(input, p, dim, keepdim=True), eps)


@halves_in_float32
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along `dim`, of broadcast inputs. PyTorch: `F.cosine_similarity`.

    A length below `eps` counts as `eps`. Raises ShapeError if the shapes do not broadcast.
    """
    shape = _broadcast("cosine_similarity", x1, x2)
    unit1, unit2 = (x / _at_least(norm(x, 2, dim, keepdim=True), eps) for x in (expand(x1, shape), expand(x2, shape)))
    return (unit1 * unit2).sum(dim)


@halves_in_float32
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The `p`-norm of x1 - x2 + eps along the last dimension, of broadcast inputs. PyTorch: `F.pairwise_distance`.

    Raises ShapeError if the shapes do not broadcast.
    """
    _broadcast("pairwise_distance", x1, x2)
    return norm(x1 - x2 + eps, p, -1, keepdim)


def _at_least(length: Any, eps: float) -> Any:
    """`length` raised to `eps` in value alone: PyTorch's gradient does not see it."""
    return length + (clamp_min(length, eps) - length).detach()


def _broadcast(name: str, x1: Any, x2: Any) -> tuple[int, ...]:
    """The shape to which both broadcast."""
    try:
        return np.broadcast_shapes(tuple(x1.shape), tuple(x2.shape))
    except ValueError:
        raise ShapeError(
            f"{name}: inputs of shapes {tuple(x1.shape)} and {tuple(x2.shape)} do not broadcast: counted from the end, "
            f"sizes must be equal or 1{in_module()}"
        ) from None


__all__ = ["cosine_similarity", "normalize", "pairwise_distance"]
