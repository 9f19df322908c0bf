"""What the checker says where the slopes to the two sides differ: any number between them, and nothing else wrong."""

import numpy as np
import pytest

from minigrad.testing import check_vjp_pair
from minigrad.testing.ladder import slope
from minigrad.testing.verdicts import Disconnected, Inconclusive, Nondifferentiable, WrongFormula


def relu(x):
    return np.maximum(x, 0)


def relu_with(at_zero):
    """The backward of relu that takes this slope at 0."""
    return lambda g, x: g * np.where(x == 0, x.dtype.type(at_zero), x > 0)


@pytest.mark.parametrize("at_zero", [0, 0.5, 1])
@pytest.mark.parametrize("point", [[0.0], [0.0, 1.0, -2.0], [0.0, 0.0, 0.0, 3.0]])
def test_a_slope_between_those_of_the_two_sides_passes(point, at_zero):
    report = check_vjp_pair(relu, relu_with(at_zero), np.array(point))
    assert "at kinks between the slopes of the two sides" in report.passed


@pytest.mark.parametrize("at_zero", [-1e-9, 1 + 1e-9, 2])
@pytest.mark.parametrize("point", [[0.0], [0.0, 1.0, -2.0], [0.0, 0.0, 0.0, 3.0]])
def test_a_slope_outside_them_does_not(point, at_zero):
    with pytest.raises(WrongFormula):
        check_vjp_pair(relu, relu_with(at_zero), np.array(point))


@pytest.mark.parametrize("seed", range(6))
def test_a_backward_that_jumps_at_the_kink_is_not_taken_to_be_rough(seed):
    def wrong(g, x):
        return g * np.where(x == 1, -4, x > 1)

    with pytest.raises(WrongFormula):
        check_vjp_pair(lambda x: relu(x - 1), wrong, np.array([1.0, 0.3]), seed=seed)


def maximum_with(first, second):
    """The backward of the maximum of two inputs that gives them these shares where they are equal."""

    def vjp(g, x, y):
        return g * np.where(x == y, first, x > y), g * np.where(x == y, second, x < y)

    return vjp


@pytest.mark.parametrize("first", [0.0, 0.5, 1.0])
def test_two_inputs_may_share_the_gradient_where_they_are_equal(first):
    x, y = np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 3.0])
    assert check_vjp_pair(np.maximum, maximum_with(first, 1 - first), x, y).ok


@pytest.mark.parametrize("shares", [(1.0, 1.0), (0.0, 0.0), (1.0, 0.5), (0.5, 0.5001)])
def test_they_may_not_take_more_or_less_than_there_is(shares):
    x, y = np.array([1.0, 2.0, 3.0]), np.array([1.0, 5.0, 3.0])
    with pytest.raises(WrongFormula, match="moved as one"):
        check_vjp_pair(np.maximum, maximum_with(*shares), x, y)


def test_an_error_beside_a_kink_is_found_though_the_interval_of_the_kink_would_hide_it():
    def wrong(g, x):
        return g * (x > 0) * np.array([1, 1, 1, 1 + 1e-6])

    with pytest.raises(WrongFormula) as caught:
        check_vjp_pair(relu, wrong, np.array([0.0, 1.0, -2.0, 0.7]))
    assert "input 0[3]" in str(caught.value)


def test_an_error_beside_a_kink_of_another_input_is_found():
    def forward(x, y):
        return np.abs(x) * 3 + y**2

    check_vjp_pair(forward, lambda g, x, y: (g * 3 * np.sign(x), g * 2 * y), np.zeros(3), np.full(3, 0.5))
    with pytest.raises(WrongFormula):
        check_vjp_pair(
            forward, lambda g, x, y: (g * 3 * np.sign(x), g * 2.0001 * y), np.zeros(3), np.full(3, 0.5)
        )
    with pytest.raises(Disconnected):
        check_vjp_pair(forward, lambda g, x, y: (g * 3 * np.sign(x), None), np.zeros(3), np.full(3, 0.5))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("at_zero", [0, 1])
def test_a_few_kinks_in_a_large_input_are_found_and_left_out(seed, at_zero):
    x = np.random.default_rng(seed).standard_normal(5000)
    x[[17, 4000]] = 0
    check_vjp_pair(relu, relu_with(at_zero), x, probes=1, layouts=False, seed=seed)


def test_kinks_everywhere_in_a_large_input_are_not_called_right():
    with pytest.raises(Inconclusive, match="more entries"):
        check_vjp_pair(relu, relu_with(0), np.zeros(600), probes=1)


def test_kinks_fail_when_asked_to():
    with pytest.raises(Nondifferentiable):
        check_vjp_pair(relu, relu_with(0), np.array([0.0, 1.0]), kinks="fail")


@pytest.mark.parametrize("curvature", [0.0, 1.5, -40.0])
def test_the_two_slopes_at_a_kink_are_known_to_rounding_also_beside_curvature(curvature):
    result = slope(lambda t: np.array([abs(t) + 2 * t + curvature * t * t + np.sin(t) * t * t]))
    assert result.kink.all()
    assert np.abs(result.left - 1) <= result.error and np.abs(result.right - 3) <= result.error
    assert result.error < 1e-11


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
def test_a_kink_beside_the_point_is_not_at_it(distance):
    result = slope(lambda t: np.array([abs(t - distance) + 3 * np.sin(t)]))
    assert not result.kink.any()
    assert np.abs(result.value - 2) <= result.error < 1e-3


@pytest.mark.parametrize("power", [1.1, 1.5, 2.5])
def test_a_sharp_bend_is_no_kink(power):
    result = slope(lambda t: np.array([abs(t) ** power + np.exp(t)]))
    assert not result.kink.any() and np.abs(result.value - 1) <= result.error


@pytest.mark.parametrize("function", [lambda t: np.arccos(1 - t * t), lambda t: np.arccosh(1 + t * t)])
@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
def test_a_kink_whose_bottom_rounding_made_flat_is_not_called_smooth(function, dtype):
    found = slope(lambda t: np.asarray(function(dtype(t))), eps=float(np.finfo(dtype).eps))
    assert found.error > np.sqrt(2)
    assert found.stairs


@pytest.mark.parametrize("distance", [1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("function", [lambda t, d: np.maximum(t - d, 0), lambda t, d: np.maximum(np.abs(t) - d, 0)])
def test_beside_a_kink_on_its_flat_side_the_slope_is_0(function, distance):
    found = slope(lambda t: np.asarray(function(np.float64(t), distance)))
    assert found.value == 0
    assert found.error < 1e-300
    assert not found.stairs
