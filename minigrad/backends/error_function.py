"""The error function for NumPy, which has none: erf, and erfc with all its digits where that is tiny."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .choosing import where

# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969):
# erf(x) = x P(x^2)/Q(x^2) near 0, erfc(x) = exp(-x^2) P(x)/Q(x) beyond and, from 4 on,
# exp(-x^2)/x (1/sqrt(pi) - P(1/x^2)/(x^2 Q(1/x^2))). Highest power first.
_NEAR_P = (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2,
           3.77485237685302021e2, 3.20937758913846947e3)  # fmt: skip
_NEAR_Q = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_MIDDLE_P = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
             2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
             1.23033935479799725e3)  # fmt: skip
_MIDDLE_Q = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
             3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip
_FAR_P = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
          1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip
_FAR_Q = (1.0, 2.56852019228982242e0, 1.87295284992346047e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
          2.33520497626869185e-3)  # fmt: skip
_SATURATED = 6.0  # erfc(6) is 2e-17: below half a unit in the last place of 1
_NEAR = 0.46875
_FAR = 4.0
_VANISHED = 27.5  # erfc of it is below the smallest float64


def erf(x: Any) -> Any:
    """The error function of a real array, within four units in the last place of float64; dtype kept."""
    if np.result_type(x) == np.longdouble:
        return _erf_in_longdouble(x)
    wide = np.asarray(x, np.float64)
    magnitude = np.minimum(np.abs(wide), _SATURATED)
    near = magnitude <= _NEAR
    square = magnitude * magnitude
    small = magnitude * _polynomial(_NEAR_P, square) / _polynomial(_NEAR_Q, square)
    large = 1.0 - np.exp(-square) * _polynomial(_MIDDLE_P, magnitude) / _polynomial(_MIDDLE_Q, magnitude)
    out = np.copysign(where(near, small, large), wide)
    return out.astype(np.result_type(x), copy=False)


def erfc(x: Any) -> Any:
    """1 - erf(x) of a real array, within ten units in the last place of float64, however small; dtype kept."""
    if np.result_type(x) == np.longdouble:
        return _erfc_in_longdouble(x)
    wide = np.asarray(x, np.float64)
    magnitude = np.minimum(np.abs(wide), _VANISHED)
    square = magnitude * magnitude
    near = magnitude * _polynomial(_NEAR_P, square) / _polynomial(_NEAR_Q, square)
    # exp(-x^2) keeps its digits if x^2 is split into a part without rounding and a small rest.
    coarse = np.floor(magnitude * 16.0) / 16.0
    decay = np.exp(-coarse * coarse) * np.exp(-(magnitude - coarse) * (magnitude + coarse))
    middle = decay * _polynomial(_MIDDLE_P, magnitude) / _polynomial(_MIDDLE_Q, magnitude)
    beyond = np.maximum(magnitude, _FAR)
    inverse = 1.0 / (beyond * beyond)
    rest = inverse * _polynomial(_FAR_P, inverse) / _polynomial(_FAR_Q, inverse)
    far = decay / beyond * (1.0 / math.sqrt(math.pi) - rest)
    tail = where(magnitude < _FAR, middle, far)
    out = where(magnitude <= _NEAR, 1.0 - np.copysign(near, wide), where(wide < 0, 2.0 - tail, tail))
    return out.astype(np.result_type(x), copy=False)


# In longdouble, which the gradient checker computes in where it is wider than float64: slower, by what is known at
# every precision. erf(x) = 2/sqrt(pi) x exp(-x^2) sum of (2x^2)^n/(1 3 5 ... (2n + 1)) has no cancellation; from 1 on,
# erfc(x) = exp(-x^2)/sqrt(pi) / (x + (1/2)/(x + (2/2)/(x + (3/2)/(x + ...)))) converges faster.
# Sources: NIST Digital Library of Mathematical Functions, 7.6.2 and 7.9.1.
_SERIES_UP_TO = 1.0  # beyond, 1 - erf(x) begins to lose digits
_TERMS = 30  # the last one is below 1e-24 of the sum
_FRACTIONS = 300  # as many as it takes at 1


def _erf_in_longdouble(x: Any) -> Any:
    x = np.asarray(x)
    return np.where(np.abs(x) <= _SERIES_UP_TO, _series(x), np.copysign(1 - _fraction(np.abs(x)), x))


def _erfc_in_longdouble(x: Any) -> Any:
    x = np.asarray(x)
    tail = _fraction(np.abs(x))
    return np.where(np.abs(x) <= _SERIES_UP_TO, 1 - _series(x), np.where(x < 0, 2 - tail, tail))


def _series(x: Any) -> Any:
    x = np.clip(x, -_SERIES_UP_TO, _SERIES_UP_TO)
    square = x * x
    total = np.ones_like(x)
    for n in range(_TERMS, 0, -1):
        total = 1 + total * (2 * square / (2 * n + 1))
    return 2 * x * np.exp(-square) * total / np.sqrt(np.arccos(np.longdouble(-1)))


def _fraction(x: Any) -> Any:
    x = np.maximum(x, _SERIES_UP_TO)
    below = x
    for n in range(_FRACTIONS, 0, -1):
        below = x + np.longdouble(n) / 2 / below
    return np.exp(-x * x) / below / np.sqrt(np.arccos(np.longdouble(-1)))


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """Horner's rule."""
    total = coefficients[0] * x
    for coefficient in coefficients[1:-1]:
        total = (total + coefficient) * x
    return total + coefficients[-1]
