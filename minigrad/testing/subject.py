"""What the checker knows of a function: how to compute it on arrays, and how its backward is called.

Everything else in this package is written against `Subject`, so that a pair of NumPy functions, a function of
tensors, or one of another framework are checked by the same code. Inputs are never written to: a function is moved by
calling it with other arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from .verdicts import Found, Verdict

Array: TypeAlias = Any


class Twice(NamedTuple):
    """The outputs, the gradients by the first and by the second backward over one graph, and the outputs after that."""

    before: list[Array]
    first: list[Array | None]
    second: list[Array | None]
    after: list[Array]


class Subject(Protocol):
    """A function of floating-point arrays with a backward."""

    name: str
    inputs: list[str]  # what the arrays are called in messages
    arrays: list[Array]  # the point to check at, in the dtypes to check in
    wide: bool  # whether it may be tried in longdouble
    copies: bool  # whether it computes on copies of what it is given: then nothing shows in memory

    def forward(self, arrays: Sequence[Array]) -> list[Array]:
        """The floating-point outputs. Raises `Found` if there are none."""

    def vjp(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Array | None]:
        """The gradient of sum <cotangent, output> for every array; None where there is none."""

    def alone(self, number: int, arrays: Sequence[Array], cotangents: Sequence[Array]) -> Array | None:
        """The gradient for one array, the others being constants, if the function can tell."""

    def vjp_elsewhere(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> None:
        """A backward at another point, with other random numbers if the function draws any."""

    def vjp_twice(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> Twice | None:
        """Two backwards over one graph; None for a function that has no graph."""

    def backward_of(self) -> Backward | None:
        """The backward as a function of arrays and cotangents, with a backward of its own; None if it has none."""


class Backward(Subject, Protocol):
    """A backward that can be differentiated."""

    def recorded(self, arrays: Sequence[Array]) -> list[Array]:
        """As `forward`, but the way it is computed in order to be differentiated."""


class Plain:
    """The answers of a function that hands out nothing but its backward: it has no graph to go over again."""

    def vjp(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Array | None]:
        raise NotImplementedError

    def alone(self, number: int, arrays: Sequence[Array], cotangents: Sequence[Array]) -> Array | None:
        return self.vjp(arrays, cotangents)[number]

    def vjp_elsewhere(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> None:
        self.vjp(arrays, cotangents)

    def vjp_twice(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> Twice | None:
        return None

    def backward_of(self) -> Backward | None:
        return None


class Pair(Plain):
    """A NumPy function and its backward: `forward(*arrays)` and `vjp(cotangent, *arrays)`."""

    wide, copies = True, False

    def __init__(self, forward: Callable[..., Any], vjp: Callable[..., Any], arrays: Sequence[Any]) -> None:
        self.function, self.rule = forward, vjp
        self.name = getattr(forward, "__name__", type(forward).__name__)
        every = [np.asarray(array) for array in arrays]
        self.moving = [i for i, array in enumerate(every) if array.dtype.kind == "f"]
        if not self.moving:
            raise TypeError(f"{self.name}: no floating-point array to differentiate with respect to")
        self.every = every
        self.arrays = [every[i] for i in self.moving]
        self.inputs = [f"input {i}" for i in self.moving]
        self.several = False

    def _arguments(self, arrays: Sequence[Array]) -> list[Array]:
        arguments = list(self.every)
        for i, array in zip(self.moving, arrays):
            arguments[i] = array
        return arguments

    def forward(self, arrays: Sequence[Array]) -> list[Array]:
        out = self.function(*self._arguments(arrays))
        self.several = isinstance(out, tuple | list)
        return floats(out, "fO" if arrays[0].dtype == object else "f")

    def vjp(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Array | None]:
        given = self.rule(tuple(cotangents) if self.several else cotangents[0], *self._arguments(arrays))
        gradients = list(given) if isinstance(given, tuple | list) else [given]
        if len(gradients) != len(self.every):
            gradients = gradients if len(gradients) == len(self.moving) else []
            if not gradients:
                raise Found(
                    Verdict.WRONG_SHAPE_DTYPE, "vjp",
                    f"vjp must return a gradient for each of the {len(self.every)} inputs, or for the "
                    f"{len(self.moving)} floating-point ones",
                )  # fmt: skip
            return gradients
        for i, gradient in enumerate(gradients):
            if i not in self.moving and gradient is not None:
                raise Found(Verdict.WRONG_SHAPE_DTYPE, f"input {i}", "an integer input has no gradient: return None")
        return [gradients[i] for i in self.moving]


def floats(out: Any, kinds: str = "f") -> list[Array]:
    """The floating-point arrays among what a function returned, or those of other kinds of dtype. Raises `Found` if
    there are none."""
    if out is None:
        raise Found(Verdict.UNUSABLE_OUTPUT, "", "the function returned None: is a return statement missing?")
    every = list(out) if isinstance(out, tuple | list) else [out]
    kept = []
    for each in every:
        if not isinstance(each, np.ndarray | np.generic | float | int) and "O" not in kinds:
            raise Found(Verdict.UNUSABLE_OUTPUT, "", f"the function returned a {type(each).__name__}")
        array = np.asarray(each)
        if array.dtype.kind in kinds:
            kept.append(array)
        elif array.dtype.kind not in "biu":
            raise Found(Verdict.UNUSABLE_OUTPUT, "", f"the function returned dtype {array.dtype}")
    if not kept:
        dtypes = ", ".join(str(np.asarray(each).dtype) for each in every) or "nothing"
        raise Found(Verdict.UNUSABLE_OUTPUT, "", f"the function returned {dtypes}: no gradient flows through that")
    return kept
