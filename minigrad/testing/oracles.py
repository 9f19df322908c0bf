"""The derivative of a function of arrays along a direction, in the best arithmetic the function can be computed in.

An oracle is an arithmetic: "longdouble" where that is wider than float64 and the function keeps it; "float64" always.
"complex" (f(x + ih) without differences) and "jets" (balls with proven bounds, through python-flint) are taken when
asked for, and only beside one of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from .ladder import RATIO, Slope, slope

Array: TypeAlias = Any
Oracle: TypeAlias = Literal["auto", "float64", "longdouble", "complex"]

HAS_LONGDOUBLE = bool(np.finfo(np.longdouble).eps < np.finfo(np.float64).eps / 100)
LONGDOUBLE_UP_TO = 100_000  # elements: beyond, wide arithmetic costs more than it tells
_COMPLEX_STEP = 1e-150


@dataclass(frozen=True)
class Certified:
    """A derivative with a bound on its error.

    value, error: the derivative and the bound, each of the output's shape; inf where nothing is known.
    oracle: the arithmetic it was computed in.
    noise: the size of the errors of the function's own values.
    kink: whether the slopes to the two sides differ; `left` and `right` are these.
    jump, steep, stairs: as in `minigrad.testing.ladder.Slope`.
    evaluations: how often the function was called.
    """

    value: Array
    error: Array
    oracle: str
    noise: Array
    kink: Array
    left: Array
    right: Array
    jump: Array
    steep: Array
    stairs: Array
    evaluations: int


def derivative(fn: Callable[[Array], Array], x: Any, direction: Any, oracle: Oracle = "auto") -> Certified:
    """The derivative of `fn` at `x` along `direction`, with a bound on its error.

    `fn` takes a floating-point array of the shape of `x` and returns an array or a number; `direction` has the shape
    of `x`, and steps of 0.12 times it and shorter are taken, so it should not leave the region of interest. `oracle`:
    "longdouble" computes there (the function must not fall back to a narrower dtype), "float64" is for black boxes,
    "complex" is for functions that can be continued into the complex plane and is compared with "float64"; "auto"
    takes longdouble where it helps. Raises TypeError for what is not floating-point, ValueError for a direction of
    another shape or an oracle that does not apply.

    >>> import numpy as np
    >>> result = derivative(np.sin, 0.5, 1.0)
    >>> bool(abs(result.value - np.cos(0.5)) <= result.error + 1e-16), bool(result.error < 1e-12)
    (True, True)
    """
    x, direction = np.asarray(x), np.asarray(direction)
    if x.dtype.kind not in "f":
        raise TypeError(f"derivative at an array of {x.dtype}: only floating-point arrays move")
    if direction.shape != x.shape:
        raise ValueError(f"direction has shape {direction.shape}, x has {x.shape}: they must be the same")
    if oracle not in ("auto", "float64", "longdouble", "complex"):
        raise ValueError(f"oracle must be 'auto', 'float64', 'longdouble' or 'complex', got {oracle!r}")

    def moved(t: Any) -> Array:
        kind = np.longdouble if isinstance(t, np.longdouble) else np.float64
        return np.asarray(fn(x.astype(kind) + direction.astype(kind) * t))

    if oracle == "auto":
        oracle = "longdouble" if keeps_longdouble(lambda: moved(np.longdouble(0)), x.size) else "float64"
    if oracle == "longdouble" and moved(np.longdouble(0)).dtype != np.longdouble:
        raise ValueError("oracle='longdouble', but the function returns a narrower dtype")
    found = certified(moved, "longdouble" if oracle == "longdouble" else "float64")
    return _by_complex_step(fn, x, direction, found) if oracle == "complex" else found


def certified(moved: Callable[[Any], Array], oracle: str, ratio: float = RATIO, floor: float = 0.0) -> Certified:
    """The derivative at 0 of a function of a number in the arithmetic named, "longdouble" or "float64"."""
    number = np.longdouble if oracle == "longdouble" else np.float64
    result: Slope = slope(lambda t: moved(number(t)), ratio, float(np.finfo(number).eps), floor)
    return Certified(
        result.value, result.error, oracle, result.noise, result.kink, result.left, result.right, result.jump,
        result.steep, result.stairs, result.evaluations,
    )  # fmt: skip


def keeps_longdouble(compute: Callable[[], Array], size: int) -> bool:
    """Whether a function of longdouble arrays returns such, and this is worth its cost."""
    if not HAS_LONGDOUBLE or size > LONGDOUBLE_UP_TO:
        return False
    try:
        with np.errstate(all="ignore"):
            return all(np.asarray(out).dtype == np.longdouble for out in _each(compute()))
    except Exception:  # whatever a function that knows no longdouble may raise
        return False


def _each(out: Any) -> Sequence[Any]:
    return out if isinstance(out, tuple | list) else [out]


def _by_complex_step(fn: Callable[[Array], Array], x: Array, direction: Array, plain: Certified) -> Certified:
    """W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40
    (1998): Im f(x + ih)/h has no cancellation. It is nonsense if a step on the way is not analytic (abs, conj), so it
    counts only where it lies within the bar of plain differences."""
    try:
        with np.errstate(all="ignore"):
            out = np.asarray(fn(x.astype(np.complex128) + 1j * (_COMPLEX_STEP * direction)))
    except TypeError as error:
        raise ValueError(f"oracle='complex', but the function takes no complex numbers: {error}") from error
    if out.dtype.kind != "c":
        return plain
    value = out.imag / _COMPLEX_STEP
    bar = 64 * np.finfo(np.float64).eps * np.abs(value)
    agrees = (np.abs(value - plain.value) <= plain.error + bar) & ~plain.kink & np.isfinite(value)
    if not np.all(agrees):
        return plain
    return Certified(
        value, np.minimum(bar, plain.error), "complex", plain.noise, plain.kink, value, value, plain.jump, plain.steep,
        plain.stairs, plain.evaluations + 1,
    )  # fmt: skip
