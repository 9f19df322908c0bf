"""What update rules are written with: what they keep for a parameter, the pieces they see, and running averages.

A rule sees pieces of a parameter, of its gradient and of what it keeps that fit in the processor's cache, and computes
in place: a step makes one pass over memory, however many operations it takes. On a device a piece is the whole.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..backends import Array, backend_of, cpu
from ..tensor import Tensor

Shape: TypeAlias = tuple[int, ...]
Piece: TypeAlias = tuple[Array, Array, dict[str, Array], tuple[Array, Array]]

PIECE = 1 << 17  # elements: shorter ones cost more in calls than they gain by the cache


class Kept(NamedTuple):
    """Something an optimizer keeps for a parameter: an array beside it, or a number in host memory."""

    start: float | str = 0.0  # or the setting that tells it
    when: str | None = None  # the setting that must be on for it to be kept; None: always
    number: type | None = None  # the dtype of a number; None: an array
    shape: Callable[[Shape], Shape | None] = lambda shape: shape  # of the parameter's; None: not kept for such a one

    def is_for(self, shape: Shape, group: Mapping[str, Any]) -> bool:
        """Whether it is kept for a parameter of that shape under those settings."""
        return (self.when is None or bool(group[self.when])) and self.shape(shape) is not None

    def made(self, param: Array, group: Mapping[str, Any]) -> Tensor:
        """It, as it is before the first step."""
        start = group[self.start] if isinstance(self.start, str) else self.start
        if self.number is not None:
            return Tensor(np.array(start, self.number))
        return Tensor(np.full_like(param, start, dtype=wide(param.dtype), shape=self.shape(param.shape)))


COUNT = Kept(number=np.int64)  # of steps


@functools.cache
def wide(dtype: Any) -> Any:
    """The dtype a rule computes in: float32 for float16, in which squares of gradients vanish, its own for others."""
    return np.promote_types(dtype, np.float32)


class Scratch:
    """Arrays for intermediate values, kept from step to step if they are no longer than a piece; every thread has its
    own."""

    def __init__(self) -> None:
        self._own = threading.local()

    def __deepcopy__(self, memo: dict[int, Any]) -> Scratch:
        return Scratch()

    def like(self, array: Array, number: int) -> list[Array]:
        """`number` arrays of the shape of `array`, in the dtype that rules compute in."""
        dtype = wide(array.dtype)
        if array.size > PIECE:
            return [np.empty_like(array, dtype=dtype) for _ in range(number)]
        every: dict[Any, list[Array]] = self._own.__dict__.setdefault("buffers", {})
        buffers = every.setdefault((type(array), dtype), [])
        while len(buffers) < number:
            buffers.append(np.empty_like(array, dtype=dtype, shape=(PIECE,)))
        return [buffer[: array.size].reshape(array.shape) for buffer in buffers[:number]]


def pieces(
    param: Array, grad: Array, kept: dict[str, Array], group: Mapping[str, Any], decoupled: bool, scratch: Scratch,
    whole: bool = False,
) -> Iterator[Piece]:  # fmt: skip
    """Matching pieces of a parameter, of the gradient to descend and of what is kept, and two arrays to compute in.

    The gradient is that of -f if f is maximized, and holds weight_decay * param unless weights decay apart from it:
    then the parameter has decayed already. A float16 parameter is given in float32 and rounded once, afterwards.
    `whole` is for rules that need all of a parameter at once.
    """
    maximize, weight_decay = group.get("maximize", False), group.get("weight_decay", 0.0)
    coupled, narrow = weight_decay and not decoupled, wide(param.dtype) != param.dtype
    spans: list[Any] = [...]
    contiguous = all(array.flags.c_contiguous for array in (param, *kept.values()))
    if param.size > PIECE and contiguous and not whole and backend_of(param) is cpu:
        # A gradient may be a transposed view and is copied then: it is only read.
        param, grad = param.reshape(-1), grad.reshape(-1)
        kept = {name: array.reshape(-1) for name, array in kept.items()}
        spans = [slice(start, start + PIECE) for start in range(0, param.size, PIECE)]
    for span in spans:
        p, g = param[span], grad[span]
        a, b, *own = scratch.like(p, 2 + bool(maximize or coupled or narrow) + narrow)
        if narrow:
            np.copyto(own[0], g)
            np.copyto(own[1], p)
            g, p = own
        if maximize:
            g = np.negative(g, out=own[0])
        if coupled:
            g = np.add(g, np.multiply(p, weight_decay, out=a), out=own[0])
        elif weight_decay:
            p *= 1.0 - group["lr"] * weight_decay
        yield p, g, {name: array[span] for name, array in kept.items()}, (a, b)
        if narrow:
            np.copyto(param[span], p, casting="same_kind")


def average(mean: Array, x: Array, beta: float, work: Array) -> None:
    """mean = beta * mean + (1 - beta) * x, in place, as mean + (1 - beta) * (x - mean)."""
    np.subtract(x, mean, out=work)
    work *= 1.0 - beta
    mean += work


def average_square(mean: Array, x: Array, beta: float, work: Array) -> None:
    """mean = beta * mean + (1 - beta) * x^2, in place."""
    np.multiply(x, x, out=work)
    work *= 1.0 - beta
    mean *= beta
    mean += work


def over_root(x: Array, square: Array, eps: float, out: Array) -> Array:
    """x / (sqrt(square) + eps), in `out`."""
    np.sqrt(square, out=out)
    out += eps
    return np.divide(x, out, out=out)
