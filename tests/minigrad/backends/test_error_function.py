"""The error function, against 40 digits, in every arithmetic it is computed in."""

import mpmath
import numpy as np
import pytest

from minigrad.backends.error_function import erf, erfc
from minigrad.testing.oracles import HAS_LONGDOUBLE

POINTS = np.concatenate([np.linspace(-9.0, 9.0, 325), np.geomspace(1e-300, 0.5, 31), np.linspace(9.0, 25.0, 33)])
DTYPES = [np.float64, pytest.param(np.longdouble, marks=pytest.mark.skipif(not HAS_LONGDOUBLE, reason="as float64"))]


def exactly(number):
    high = float(number)
    return mpmath.mpf(high) + mpmath.mpf(float(number - type(number)(high)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("function", "truth", "roundings"), [(erf, mpmath.erf, 4), (erfc, mpmath.erfc, 10)])
def test_every_value_is_right_to_some_roundings(function, truth, roundings, dtype):
    found = function(POINTS.astype(dtype))
    assert found.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    with mpmath.workdps(40):
        for x, value in zip(POINTS, found):
            exact = truth(mpmath.mpf(float(x)))
            # exp(-x^2) knows x^2 to a rounding in longdouble; in float64 it is split.
            allowed = roundings * eps * (1 + (float(x * x) / 8 if function is erfc and dtype is np.longdouble else 0))
            if x:
                assert abs(exactly(value) - exact) <= allowed * abs(exact) + 1e-320, x


@pytest.mark.parametrize("dtype", [np.float16, np.float32, *DTYPES])
def test_at_the_ends(dtype):
    ends = np.array([0.0, np.inf, -np.inf, np.nan], dtype)
    np.testing.assert_array_equal(erf(ends), np.array([0, 1, -1, np.nan], dtype))
    np.testing.assert_array_equal(erfc(ends), np.array([1, 0, 2, np.nan], dtype))
    assert np.signbit(erf(np.array(-0.0, dtype)))
    assert erf(ends).dtype == erfc(ends).dtype == dtype
