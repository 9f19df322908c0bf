"""Functions that are not defined everywhere around the point: what they raise there is the edge of their domain."""

import numpy as np
import pytest

from minigrad.testing import check_vjp_pair
from minigrad.testing.verdicts import WrongFormula


def logarithm(x):
    if (x <= 0).any():
        raise ValueError("a number that is not positive has no logarithm")
    return np.log(x)


def test_an_error_beside_the_point_is_no_error_of_the_function():
    # Steps leave the domain, which ends 1e-6 away from the first entry.
    check_vjp_pair(lambda x: logarithm(x - 1), lambda g, x: g / (x - 1), np.array([1 + 1e-6, 5.0]))


def test_a_wrong_formula_is_still_found_there():
    with pytest.raises(WrongFormula):
        check_vjp_pair(lambda x: logarithm(x - 1), lambda g, x: g / x, np.array([1 + 1e-6, 5.0]))
