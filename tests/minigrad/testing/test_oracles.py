"""`derivative`: the value is within its error of the exact derivative, in every arithmetic, and the error is small."""

import numpy as np
import pytest

from minigrad.testing import derivative
from minigrad.testing.oracles import HAS_LONGDOUBLE

POINTS = [-3.7, -1.0, -0.51, 1e-3, 0.25, 1.0, 1.9, 4.2]
ABOVE = [1e-6, 0.02, 0.3, 1.0, 2.5, 40.0]
WITHIN = [-0.97, -0.4, 0.0, 1e-5, 0.5, 0.9]
BEYOND = [1.001, 1.5, 3.0, 50.0]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# The function, its derivative, and where: for the derivative in closed form there is nothing to extrapolate.
SMOOTH = {
    "constant": (lambda x: 0 * x + 3, lambda x: 0 * x, POINTS),
    "identity": (lambda x: x, lambda x: 1 + 0 * x, POINTS),
    "square": (lambda x: x * x, lambda x: 2 * x, POINTS),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, POINTS),
    "seventh power": (lambda x: x**7, lambda x: 7 * x**6, POINTS),
    "polynomial": (lambda x: x**5 - 3 * x**2 + x, lambda x: 5 * x**4 - 6 * x + 1, POINTS),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2, ABOVE),
    "inverse square": (lambda x: x**-2, lambda x: -2 * x**-3, ABOVE),
    "root": (np.sqrt, lambda x: 1 / (2 * np.sqrt(x)), ABOVE),
    "cube root": (np.cbrt, lambda x: 1 / (3 * np.cbrt(x) ** 2), ABOVE),
    "exp": (np.exp, np.exp, POINTS),
    "expm1": (np.expm1, np.exp, POINTS),
    "exp2": (np.exp2, lambda x: np.exp2(x) * np.log(x.dtype.type(2)), POINTS),
    "bell": (lambda x: np.exp(-x * x), lambda x: -2 * x * np.exp(-x * x), POINTS),
    "log": (np.log, lambda x: 1 / x, ABOVE),
    "log1p": (np.log1p, lambda x: 1 / (1 + x), ABOVE),
    "log10": (np.log10, lambda x: 1 / (x * np.log(x.dtype.type(10))), ABOVE),
    "x log x": (lambda x: x * np.log(x), lambda x: np.log(x) + 1, ABOVE),
    "sin": (np.sin, np.cos, POINTS),
    "cos": (np.cos, lambda x: -np.sin(x), POINTS),
    "tan": (np.tan, lambda x: 1 / np.cos(x) ** 2, WITHIN),
    "fast sin": (lambda x: np.sin(50 * x), lambda x: 50 * np.cos(50 * x), POINTS),
    "arcsin": (np.arcsin, lambda x: 1 / np.sqrt(1 - x * x), WITHIN),
    "arccos": (np.arccos, lambda x: -1 / np.sqrt(1 - x * x), WITHIN),
    "arctan": (np.arctan, lambda x: 1 / (1 + x * x), POINTS),
    "sinh": (np.sinh, np.cosh, POINTS),
    "cosh": (np.cosh, np.sinh, POINTS),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2, POINTS),
    "arcsinh": (np.arcsinh, lambda x: 1 / np.sqrt(x * x + 1), POINTS),
    "arccosh": (np.arccosh, lambda x: 1 / np.sqrt((x - 1) * (x + 1)), BEYOND),
    "arctanh": (np.arctanh, lambda x: 1 / ((1 - x) * (1 + x)), WITHIN),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x), POINTS),
    "softplus": (lambda x: np.log1p(np.exp(x)), sigmoid, POINTS),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x)), POINTS),
    "bump": (lambda x: 1 / (1 + 25 * x * x), lambda x: -50 * x / (1 + 25 * x * x) ** 2, POINTS),
    "beside something large": (lambda x: 1e6 + np.sin(x), np.cos, POINTS),
}
LONG = pytest.param(
    "longdouble", marks=pytest.mark.skipif(not HAS_LONGDOUBLE, reason="no arithmetic wider than float64")
)


@pytest.mark.parametrize("oracle", ["float64", LONG])
@pytest.mark.parametrize("name", SMOOTH)
def test_the_exact_derivative_is_within_the_error(name, oracle):
    function, exact, points = SMOOTH[name]
    for point in points:
        x = np.float64(point)
        direction = max(abs(point), 1e-3) if point else 1.0
        result = derivative(function, x, direction, oracle)
        assert result.oracle == oracle
        truth = exact(np.longdouble(x)) * np.longdouble(direction)
        own = 4 * np.finfo(np.longdouble).eps * abs(truth)
        assert abs(np.longdouble(result.value) - truth) <= result.error + own, (name, point)
        assert not (result.kink or result.jump or result.steep or result.stairs), (name, point)


@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "beside something large"])
def test_the_error_of_a_smooth_function_is_small(name):
    function, exact, points = SMOOTH[name]
    for point in points:
        direction = abs(point) or 1.0  # so that no step leaves the domain
        result = derivative(function, point, direction)
        size = max(abs(float(exact(np.float64(point))) * direction), abs(float(function(np.float64(point)))))
        assert result.error <= (1e-12 if HAS_LONGDOUBLE else 1e-9) * size, (name, point)


def test_there_are_as_many_as_it_takes():
    assert len(SMOOTH) >= 30


def test_every_entry_of_the_output_has_a_derivative_and_an_error_of_its_own():
    x, d = np.array([0.3, 1.2, 2.0]), np.array([1.0, -2.0, 0.5])
    result = derivative(np.sin, x, d)
    assert result.value.shape == result.error.shape == (3,)
    assert np.all(np.abs(result.value - np.cos(x) * d) <= result.error + 1e-15)


def test_the_complex_oracle_has_no_cancellation():
    x = np.array([0.3, 1.2])
    result = derivative(lambda x: np.exp(np.sin(x)), x, np.ones(2), "complex")
    assert result.oracle == "complex"
    np.testing.assert_allclose(result.value, np.cos(x) * np.exp(np.sin(x)), rtol=4e-16)
    plain = derivative(lambda x: np.exp(np.sin(x)), x, np.ones(2), "float64")
    assert np.all(result.error < plain.error)


@pytest.mark.parametrize(
    ("function", "slope"), [(lambda x: np.abs(x) * x, 2.4), (lambda x: (x * np.conj(x)).real, 2.4)]
)
def test_the_complex_oracle_is_not_believed_where_a_step_on_the_way_is_not_analytic(function, slope):
    result = derivative(function, 1.2, 1.0, "complex")
    assert result.oracle == "float64"
    assert abs(result.value - slope) <= result.error


def test_what_is_no_derivative_is_said():
    kink = derivative(np.abs, np.array([0.0, 2.0]), np.ones(2))
    assert kink.kink.tolist() == [True, False]
    np.testing.assert_allclose([kink.left[0], kink.right[0]], [-1, 1], rtol=1e-12)
    assert derivative(np.floor, 1.0, 1.0).jump
    assert derivative(np.cbrt, 0.0, 1.0).steep
    stairs = derivative(lambda x: np.sin(x.astype(np.float16)).astype(x.dtype), 0.3, 1.0)
    assert stairs.stairs
    assert abs(stairs.value - np.cos(0.3)) <= stairs.error


def test_where_numbers_end_the_bar_does_not():
    x = -3.006463878028028  # exp(-x^6) is 3e-321, which has ten bits
    result = derivative(lambda x: np.exp(-(x**6)), x, 1.0, "float64")
    truth = -6 * np.longdouble(x) ** 5 * np.exp(-(np.longdouble(x) ** 6))
    assert abs(result.value - truth) <= result.error
    assert derivative(lambda x: 0 * x, 0.5, 1.0).error == 0


def test_at_the_edge_of_the_domain_the_derivative_is_that_of_the_side_that_is_there():
    result = derivative(lambda x: x * np.sqrt(x), 0.0, 1.0, "float64")
    assert abs(result.value) <= result.error
    assert np.isnan(result.left)


def test_auto_takes_the_widest_arithmetic_that_the_function_keeps():
    widest = "longdouble" if HAS_LONGDOUBLE else "float64"
    assert derivative(np.sin, 0.5, 1.0).oracle == widest
    assert derivative(lambda x: np.sin(x.astype(np.float64)), 0.5, 1.0).oracle == "float64"

    def knows_no_longdouble(x):
        return np.linalg.inv(x)

    assert derivative(knows_no_longdouble, np.eye(2), np.ones((2, 2))).oracle == "float64"


def test_input_that_means_nothing():
    with pytest.raises(TypeError, match="derivative at an array of int64: only floating-point arrays move"):
        derivative(np.sin, np.array([1, 2]), np.ones(2))
    with pytest.raises(ValueError, match=r"direction has shape \(3,\), x has \(2,\)"):
        derivative(np.sin, np.ones(2), np.ones(3))
    known = "oracle must be one of 'auto', 'float64', 'longdouble', 'complex', 'jets', got 'mpmath'"
    with pytest.raises(ValueError, match=known):
        derivative(np.sin, np.ones(2), np.ones(2), "mpmath")
    with pytest.raises(ValueError, match="the function returns a narrower dtype"):
        derivative(lambda x: np.float32(x), 0.5, 1.0, "longdouble")
    with pytest.raises(ValueError, match="the function takes no complex numbers"):
        derivative(np.cbrt, 0.5, 1.0, "complex")


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4])
def test_beside_a_kink_the_derivative_is_that_of_its_side(distance):
    result = derivative(lambda t: np.abs(t + distance) + np.exp(t), 0.0, 1.0)
    assert abs(result.value - 2.0) <= result.error < 1e-11 / distance
    assert not result.kink
