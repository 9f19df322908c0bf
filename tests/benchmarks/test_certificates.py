"""The comparison of error bars with exact derivatives counts what it says it counts."""

import numpy as np
import pytest

from benchmarks import certificates
from benchmarks.certificates import SIMPLE, Function, functions, measure, report


def test_there_are_as_many_functions_as_it_says():
    assert len(functions()) >= 300


@pytest.mark.parametrize("name", SIMPLE)
def test_a_function_is_the_same_for_numpy_and_for_mpmath(name):
    function = SIMPLE[name]
    for x in certificates.points(function, np.random.default_rng(0), 5):
        with certificates.mpmath.workdps(60):
            exact = float(function.compute(certificates.Exact, certificates.mpmath.mpf(x)))
        # What is added up and cancels, or how steep it is.
        size = {"beside 1e8": 1e8, "cancelling": 1e6 * x * x, "1 - cos over x^2": 1 / x**2, "steep": 200}.get(name, 1)
        assert abs(function.compute(np, x) - exact) <= 1e-13 * max(size, abs(exact))


def test_a_wrong_truth_is_a_miss(monkeypatch):
    two = Function(lambda m, x: m.sin(x) * (1 if m is np else 1 + 1e-9), -1, 1)
    monkeypatch.setattr(certificates, "SIMPLE", {"two": two})
    monkeypatch.setattr(certificates, "OUTER", ())
    found = measure(5, 0, "float64")
    assert all(case.missed for case in found) and len(found) == 5
    assert "5 outside the bar" in report(found, "float64", 0.0)


def test_no_point_of_a_few_is_missed():
    found = measure(2, 1, "float64")
    assert len(found) > 850 and not [case for case in found if case.missed]
