"""What an entry of the two corpora is: a NumPy function, its backward, a point, and what is to be said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..verdicts import Verdict

Array: TypeAlias = Any
Point: TypeAlias = Callable[[np.random.Generator], tuple[Array, ...]]


@dataclass(frozen=True)
class GradBug:
    """A wrong backward that somebody published, and that somebody else found.

    name: project, number of the thread, operation.
    link: the public thread.
    what: what was wrong.
    forward: takes and returns arrays.
    right, wrong: `(cotangent, *arrays)` to the gradients, None for integers.
    point: of a random generator, arrays at which it shows.
    verdicts: what a good checker may call it.
    """

    name: str
    link: str
    what: str
    forward: Callable[..., Any]
    right: Callable[..., Any]
    wrong: Callable[..., Any]
    point: Point
    verdicts: tuple[Verdict, ...] = (Verdict.WRONG_FORMULA,)

    def arrays(self, seed: int = 0) -> tuple[Array, ...]:
        return self.point(np.random.default_rng(seed))


@dataclass(frozen=True)
class HardButRight:
    """A function whose backward is right, at a point where differences have a hard time.

    name: the operation and the point.
    why: what is hard about it.
    forward, vjp, point: as of `GradBug`.
    """

    name: str
    why: str
    forward: Callable[..., Any]
    vjp: Callable[..., Any]
    point: Point

    def arrays(self, seed: int = 0) -> tuple[Array, ...]:
        return self.point(np.random.default_rng(seed))


def normal(*shapes: tuple[int, ...]) -> Point:
    """Standard normal numbers in arrays of these shapes."""
    return lambda rng: tuple(rng.standard_normal(shape) for shape in shapes)


def softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def logsumexp(x: Array, axis: int = -1) -> Array:
    """With the axis kept."""
    top = x.max(axis, keepdims=True)
    return top + np.log(np.exp(x - top).sum(axis, keepdims=True))


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))
