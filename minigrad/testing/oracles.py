"""The derivative of a function of arrays along a direction, in the best arithmetic the function can be computed in.

An oracle is an arithmetic: "longdouble" where that is wider than float64 and the function keeps it; "float64" always.
"complex" (f(x + ih) without differences) and "jets" (balls with proven bounds, through python-flint) are taken when
asked for, and only beside one of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from .jets import Undecided
from .ladder import RATIO, Slope, slope
from .taylor import BITS, Lift, Taylor, expand

Array: TypeAlias = Any
Oracle: TypeAlias = Literal["auto", "float64", "longdouble", "complex", "jets"]
ORACLES = get_args(Oracle)

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


def derivative(
    fn: Callable[[Array], Array], x: Any, direction: Any, oracle: Oracle = "auto", bits: int = BITS
) -> Certified:
    """The derivative of `fn` at `x` along `direction`, with a bound on its error.

    `fn` takes a floating-point array of the shape of `x` and returns an array or a number; `direction` has the shape
    of `x`, and steps of 0.12 times it and shorter are taken, so it should not leave the region of interest. `oracle`:
    "longdouble" computes there (the function must not fall back to a narrower dtype), "float64" is for black boxes,
    "complex" is for functions that can be continued into the complex plane and is compared with "float64"; "jets"
    follows the function in ball arithmetic of so many `bits` and proves its bound, for functions that run on arrays of
    dtype object (NumPy's do, but not its linalg, nor SciPy); where it cannot, and where it contradicts the numbers, the
    result names the arithmetic that was taken instead. "auto" takes longdouble where it helps. Raises TypeError for
    what is not floating-point, ValueError for a direction of another shape or an oracle that does not apply,
    ImportError for "jets" without python-flint.

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
    if oracle not in ORACLES:
        raise ValueError(f"oracle must be one of {', '.join(map(repr, ORACLES))}, got {oracle!r}")

    def moved(t: Any) -> Array:
        kind = np.longdouble if isinstance(t, np.longdouble) else np.float64
        return np.asarray(fn(x.astype(kind) + direction.astype(kind) * t))

    wanted = oracle
    if oracle in ("auto", "jets"):
        oracle = "longdouble" if keeps_longdouble(lambda: moved(np.longdouble(0)), x.size) else "float64"
    if oracle == "longdouble" and moved(np.longdouble(0)).dtype != np.longdouble:
        raise ValueError("oracle='longdouble', but the function returns a narrower dtype")
    found = certified(moved, "longdouble" if oracle == "longdouble" else "float64")
    if wanted == "jets":
        sides = follow(lambda lift: fn(lift(x, direction)), bits)
        centre = moved(np.longdouble(0) if oracle == "longdouble" else np.float64(0))
        return sides.certified(found) if sides and agree(sides, centre, found) else found
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


class Sides(NamedTuple):
    """What jets say: the slopes to the two sides, the same where no branch depends on the side."""

    left: Taylor
    right: Taylor

    def certified(self, plain: Certified) -> Certified:
        """With the noise of the values from `plain`, which jets do not have."""
        (_, left), (_, right) = self.left.values, self.right.values
        bars = self.left.errors[1] + self.right.errors[1]
        kink = np.abs(left - right) > bars
        value, error = np.where(kink, (left + right) / 2, right), 2 * bars if self.right.tied else self.right.errors[1]
        no = np.zeros(value.shape, bool)
        calls = plain.evaluations + 1 + self.right.tied
        return Certified(value, error, "jets", plain.noise, kink, left, right, no, no, no, calls)


def follow(
    function: Callable[[Lift], Any], bits: int = BITS, budget: float = np.inf
) -> Sides | None:
    """The function by jets; None if it cannot be followed or jumps."""
    try:
        right = left = expand(function, 1, bits, 1, budget)
        if right.tied:
            left = expand(function, 1, bits, -1, budget)
    except Undecided:
        return None
    same = left.values.shape == right.values.shape
    if not same or np.any(np.abs(left.values[0] - right.values[0]) > left.errors[0] + right.errors[0]):
        return None
    return Sides(left, right)


def agree(sides: Sides, centre: Array, plain: Certified) -> bool:
    """Whether jets and numbers speak of the same function: its value at the point, given in the arithmetic of the
    numbers, and its slopes are the same up to the bounds. Where numbers see a jump it is not."""
    if sides.right.values.shape[1:] != np.shape(centre) or np.any(plain.jump):
        return False
    found = sides.certified(plain)
    noise = 64 * (plain.noise + np.finfo(np.asarray(centre).dtype).eps * np.abs(centre))
    low, high = np.minimum(found.left, found.right) - found.error, np.maximum(found.left, found.right) + found.error
    least, most = np.fmin(plain.left, plain.right) - plain.error, np.fmax(plain.left, plain.right) + plain.error
    value_differs = np.abs(sides.right.values[0] - centre) > noise + sides.right.errors[0]
    return not np.any(value_differs | (low > most) | (high < least))
