"""The Taylor series of a function of arrays along a direction, with proven bounds: `fn(x + t u)` computed on jets.

The coefficient of t is the derivative, twice that of t^2 the second derivative. Nothing is differenced, so no step is
to be chosen; but the function has to run on arrays of dtype object. Needs python-flint.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .jets import Ball, Blurred, Undecided, Walk, flint

Array: TypeAlias = Any
Lift: TypeAlias = Callable[[Array, Array], Array]  # of x and u, to the jets x + t u

BITS = 128
DOUBLINGS = 3  # of the precision, until the bound is small
SMALL = 2.0**-80  # relative; a float64 has no more than 2**-53 to show
CANCELLED = 2.0**-40
LEAST = 5e-324
SPARE = 2  # coefficients beyond those asked for, to tell which side of a tie a number goes to


class Taylor(NamedTuple):
    """The coefficients of 1, t, t^2, ... of every output: `values` in longdouble, of shape (order + 1, *shape); how
    far from them the truth may be; the radii of the balls they were read from; whether the side of t mattered."""

    values: Array
    errors: Array
    radii: Array
    tied: bool


def taylor(
    fn: Callable[[Array], Any], x: Any, direction: Any, order: int = 2, bits: int = BITS, side: int = 1
) -> Taylor:
    """The coefficients of t^0 to t^order of `fn(x + t direction)`, with proven bounds.

    The second derivative is 2 times the coefficient of t^2. `fn` takes an array of dtype object. What it computes in
    float64 apart from that, constants like `np.log(2.0)`, counts as exact. `bits` of precision, and up to 8 times as
    many if they are needed. `side`: where t comes from, 1 or -1, which matters at a kink. Raises `Undecided` where
    that cannot be done, ImportError without python-flint.

        taylor(np.exp, 0.0, 1.0).values  # 1, 1, 0.5
    """
    x, direction = np.asarray(x), np.asarray(direction)
    return expand(lambda jets: fn(jets(x, direction)), order, bits, side)


def expand(
    function: Callable[[Lift], Any], order: int = 1, bits: int = BITS, side: int = 1,
    budget: float = math.inf,
) -> Taylor:  # fmt: skip
    """As `taylor`, of a function that makes its own jets: it is given `jets(x, along)`. At most `budget` operations."""
    context = flint().ctx
    for doubled in range(DOUBLINGS + 1):
        last = doubled == DOUBLINGS
        with context.workprec(bits << doubled):
            walk = Walk(order + 1 + SPARE, side, budget)
            try:
                found = _read(walk, np.asarray(function(walk.jets)), order)
            except Blurred:
                if last:
                    raise
                continue
            except Undecided:
                raise
            except Exception as error:  # whatever NumPy, and what else the function calls, says of objects
                raise Undecided(f"{type(error).__name__}: {error}".splitlines()[0]) from error
        # A number that cancelled to 0 will never be known to a share of itself.
        size = np.maximum(np.abs(found.values), np.abs(found.values).max(axis=0) * CANCELLED)
        if last or np.all(found.radii <= np.maximum(SMALL * size, LEAST)):
            break
    return found


def _read(walk: Walk, out: Array, order: int) -> Taylor:
    shape = (order + 1, *out.shape)
    values, errors, radii = np.zeros(shape, np.longdouble), np.zeros(shape), np.zeros(shape)
    for place in np.ndindex(out.shape):
        series = walk.lifted(out[place]).series
        for k in range(order + 1):
            ball = series[k]
            if not ball.is_finite():
                raise Undecided("a coefficient is not finite")
            high = float(ball.mid())
            if math.isinf(high):
                raise Undecided("a coefficient is beyond the range of numbers")
            value = np.longdouble(high) + np.longdouble(float((ball - high).mid()))
            values[k, *place], radii[k, *place] = value, _above(ball - ball.mid())
            errors[k, *place] = _above(ball - walk.ball(value))
    return Taylor(values, errors, radii, walk.tied)


def _above(ball: Ball) -> float:
    """No smaller than any number in it."""
    return 0.0 if ball.is_zero() else float(ball.abs_upper()) * (1 + 2.0**-50) + LEAST
