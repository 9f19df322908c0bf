"""Where the first number that is not finite is found."""

import math

import numpy as np
import pytest

import minigrad as mg
from lm.training.finite import check_arrays, check_finite, locate
from minigrad import nn


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.second = nn.Linear(2, 2)

    def forward(self, x):
        return self.second(self.first(x))


def replay_of(model, x=1.0):
    return lambda: model(mg.full((1, 2), x)).sum().backward()


def test_finite_numbers_pass_without_a_replay():
    check_finite(1, {"loss": 0.5, "gradients' norm": 2.0}, Two(), replay=lambda: pytest.fail("replayed"))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["loss", "norm"])
def test_each_number_is_checked_and_named(name, number):
    model = Two()
    with pytest.raises(FloatingPointError, match=f"step 3: the {name} is {number}; the first number"):
        check_finite(3, {"loss": 1.0, "norm": 1.0, name: number}, model, replay_of(model))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_each_array_is_checked_and_named(number):
    arrays = {"count": np.array(2), "a": np.ones(3, np.float32), "b": np.ones((2, 2), np.float32)}
    check_arrays(3, arrays)
    arrays["b"][1, 0] = number
    with pytest.raises(FloatingPointError, match="step 3: b holds"):
        check_arrays(3, arrays)


def test_a_parameter_is_named():
    model = Two()
    model.second.bias.data[1] = np.inf
    assert locate(model, replay_of(model)) == "the parameter second.bias"


def test_the_module_that_overflows_is_named():
    model = Two()
    model.first.weight.data[...] = 3e38
    with np.errstate(all="ignore"):
        assert locate(model, replay_of(model, 3e38)) == "the output of first (Linear)"


def test_the_gradient_that_overflows_is_named():
    model = Two()
    model.first.weight.data[...] = 0.0
    model.second.weight.data[...] = 1e30

    def replay():
        (model(mg.full((1, 2), 1e20)) * 1e10).sum().backward()

    with np.errstate(all="ignore"):
        assert "gradient" in locate(model, replay)


def test_watching_leaves_no_hooks():
    model = Two()
    locate(model, replay_of(model))
    assert not any(module._hooks for module in model.modules())
    assert not mg.hooks.backward_watchers
