"""The bound on a numeric derivative holds, is narrow, and sees what is wrong with a function's values."""

import math

import numpy as np
import pytest

import minigrad as mg
from tests.minigrad.derivatives import UNCERTAIN, check, slope

# Functions of t with their derivatives: flat and steep, oscillating, near a pole or the edge of a domain, and such
# whose values cancel.
FUNCTIONS = {
    "exp": (lambda t: math.exp(3 * t), lambda t: 3 * math.exp(3 * t)),
    "steep": (lambda t: math.tanh(30 * t), lambda t: 30 / math.cosh(30 * t) ** 2),
    "waves": (lambda t: math.sin(25 * t), lambda t: 25 * math.cos(25 * t)),
    "near a pole": (lambda t: 1 / (t * t + 0.01), lambda t: -2 * t / (t * t + 0.01) ** 2),
    "near an edge": (lambda t: math.log(1.1 + t), lambda t: 1 / (1.1 + t)),
    "root": (lambda t: (1.1 + t) ** 1.5, lambda t: 1.5 * (1.1 + t) ** 0.5),
    "straight": (lambda t: 0.3 * t, lambda t: 0.3),
    "constant": (lambda t: 0.1, lambda t: 0.0),
    "cancelling": (lambda t: (1e8 + math.sin(t)) - 1e8, math.cos),
    "of powers": (lambda t: t**9 - 4 * t**5 + t, lambda t: 9 * t**8 - 20 * t**4 + 1),
}
PLACES = np.random.default_rng(0).uniform(-1, 1, 40)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_true_derivative_lies_within_the_bound(name):
    function, derivative = FUNCTIONS[name]
    for at in PLACES:
        found = slope(lambda t, at=at: function(at + t), abs(function(at)))
        assert abs(found.value - derivative(at)) <= found.error


def test_the_bound_is_narrow_for_smooth_functions():
    sizes = [max(1.0, abs(f(at)), abs(d(at))) for f, d in FUNCTIONS.values() for at in PLACES]
    bounds = [slope(lambda t, at=at, f=f: f(at + t), abs(f(at))).error for f, _ in FUNCTIONS.values() for at in PLACES]
    relative = np.array(bounds) / np.array(sizes)
    assert np.median(relative) < 1e-12
    assert np.mean(relative < UNCERTAIN) > 0.8  # but for the steep and the cancelling


@pytest.mark.parametrize("distance", [1e-2, 1e-3, 1e-4])
def test_the_bound_holds_beside_a_kink_and_grows_with_its_nearness(distance):
    found = slope(lambda t: abs(t + distance) + math.exp(t))
    assert abs(found.value - 2.0) <= found.error < 1e-11 / distance


def test_nothing_is_certified_at_a_jump():
    assert slope(lambda t: float(t > 1e-3)).error == 0.0  # beside it, all is well
    assert slope(lambda t: t + float(t > 0)).error > 1


def test_values_in_lower_precision_widen_the_bound():
    found = slope(lambda t: float(np.float32(math.exp(t))), 1.0)
    assert abs(found.value - 1.0) <= found.error
    assert found.error > UNCERTAIN


@pytest.mark.parametrize("wrong", [1e-9, -2.0])
@pytest.mark.parametrize("order", [1, 2])
def test_a_wrong_derivative_fails(order, wrong):
    """By a part in a billion, in one element of three, in the first derivative or in the second alone."""

    class Cube(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            error = mg.tensor(np.array([0.0, wrong, 0.0]))
            slipped = error * x * x if order == 1 else error * (x - x.detach()) * x
            return g * (3.0 * x * x + slipped)

    with pytest.raises(AssertionError, match="first derivative" if order == 1 else "second derivative"):
        check(Cube.apply, [np.array([0.5, -1.5, 2.0])])
