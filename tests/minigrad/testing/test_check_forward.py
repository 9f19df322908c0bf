"""What is said of a forward that cannot be differentiated as it is."""


import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import check_grads, check_vjp_pair
from minigrad.testing.verdicts import (
    MutatedInput,
    Nondeterministic,
    Nonfinite,
    Raised,
    Stateful,
    UnusableOutput,
    WrongFormula,
)

from .raised import X, leaf, raised_by


def test_random_numbers_that_are_not_reset():
    rng = np.random.default_rng(0)
    message = raised_by(Nondeterministic, check_vjp_pair, lambda x: x * rng.standard_normal(), lambda g, x: g, X)
    assert "two calls at the same point differ by up to" in message


def test_random_numbers_of_the_default_generator_are_the_same_in_every_call():
    assert check_grads(lambda x: mg.nn.functional.dropout(x * x, 0.5), leaf(X)).ok


def test_a_shape_that_depends_on_how_often_it_was_called():
    calls = []

    def grows(x):
        calls.append(1)
        return np.repeat(x, len(calls), axis=0)

    assert "a second call gave shapes" in raised_by(Stateful, check_vjp_pair, grows, lambda g, x: g, X)


def test_a_shape_that_depends_on_the_values():
    def passing(x):
        return x[x > 0.35]

    def passed_back(g, x):
        gradient = np.zeros_like(x)
        gradient[x > 0.35] = g
        return gradient

    message = raised_by(Stateful, check_vjp_pair, passing, passed_back, X)
    assert "the shape of the output changes with the values" in message


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (lambda x: None, "is a return statement missing?"),
        (lambda x: (x > 0) * 1, "returned int64: no gradient flows through that"),
        (lambda x: x > 0, "returned bool"),
        (lambda x: ["a", "b"], "returned a str"),
        (lambda x: {"loss": x}, "returned a dict"),
        (lambda x: x * 1j, "returned dtype complex128"),
        (lambda x: (), "returned nothing"),
    ],
)
def test_an_output_that_no_gradient_flows_through(output, said):
    assert said in raised_by(UnusableOutput, check_vjp_pair, output, lambda g, x: g, X)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (lambda x: None, "is a return statement missing?"),
        (lambda x: x.argmax(), "returned int64: no gradient flows through that"),
        (lambda x: ["a", "b"], "returned a str, not a tensor"),
        (lambda x: x.sum().item(), "returned a float, not a tensor"),
        (lambda x: x.data, "returned a ndarray, not a tensor"),
    ],
)
def test_an_output_of_a_function_of_tensors_that_no_gradient_flows_through(output, said):
    assert said in raised_by(UnusableOutput, check_grads, output, leaf(X))


def test_a_number_is_an_array_wherever_it_is_moved_to():
    kinds = set()

    def doubled(x):
        kinds.add(type(x.data))
        return x * 2.0

    assert check_grads(doubled, leaf(0.5)).ok
    assert kinds == {type(mg.ones(2).data)}


def test_a_tuple_is_checked_whole():
    def wrong_for_the_second(g, x):
        return g[0] * np.cos(x) + g[1] * np.sin(x)

    def both(x):
        return np.sin(x), np.cos(x)

    assert check_vjp_pair(both, lambda g, x: g[0] * np.cos(x) - g[1] * np.sin(x), X).ok
    raised_by(WrongFormula, check_vjp_pair, both, wrong_for_the_second, X)
    assert check_grads(lambda x: (x.sin(), x.argmax(), [x.cos()]), leaf(X)).ok


def test_nan_in_the_output():
    message = raised_by(Nonfinite, check_vjp_pair, np.log, lambda g, x: g / x, X)
    assert "the output has 2 nan or inf of 6" in message


def test_nan_in_a_gradient_of_a_finite_output():
    point = np.array([0.0, 1.0])
    message = raised_by(Nonfinite, check_vjp_pair, lambda x: x**3, lambda g, x: g * 3 * x**4 / x**2, point)
    assert "the output is finite, 1 of 2 gradients are not" in message


def test_a_function_that_raises():
    def boom(x):
        raise RuntimeError("no such layer")

    assert "RuntimeError: no such layer" in raised_by(Raised, check_vjp_pair, boom, lambda g, x: g, X)
    message = raised_by(Raised, check_vjp_pair, np.sin, lambda g, x: boom(x), X)
    assert "the backward" in message
    assert "RuntimeError: no such layer" in message
    assert "raised in boom, line" in message


def test_a_forward_that_writes_into_its_input():
    def in_place(x):
        x *= 2
        return x.copy()

    assert "the forward writes into input 0" in raised_by(MutatedInput, check_vjp_pair, in_place, lambda g, x: g, X + 0)
