"""What is checked, what may be asked for, and what a report says."""

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.random import default_generator
from minigrad.testing import ERRORS, Verdict, check_grads, check_module, check_vjp_pair
from minigrad.testing.verdicts import (
    Disconnected,
    WrongFormula,
)

from .raised import X, leaf, raised_by


def test_every_verdict_but_correct_has_an_error_of_its_own():
    assert set(ERRORS) == set(Verdict) - {Verdict.CORRECT}
    assert len({error.__name__ for error in ERRORS.values()}) == len(ERRORS)


# ----------------------------------------------------------------------------------------------- leaves and modules


def test_leaves_that_the_function_closes_over_are_checked_too():
    w = mg.randn(3, 3, dtype=mg.float64, requires_grad=True)
    report = check_grads(lambda x: (x @ w).tanh(), leaf(X))
    assert any(line.startswith("closed-over tensor 0") for line in report.point)
    message = raised_by(Disconnected, check_grads, lambda x: x @ w.detach() + 0 * (x @ w), leaf(X))
    assert "gradient of closed-over tensor 0" in message
    assert w.grad is None
    message = raised_by(Disconnected, check_grads, lambda x: x @ w.detach(), leaf(X), params={"w": w})
    assert "gradient of w" in message


class Scale(mg.nn.Module):
    """A layer with a parameter, a buffer it writes, random numbers, and a mistake that can be switched on."""

    def __init__(self, wrong_in=()):
        super().__init__()
        self.weight = mg.nn.Parameter(mg.tensor([0.5, 1.5, -1.0], dtype=mg.float64))
        self.register_buffer("seen", mg.zeros(3, dtype=mg.float64))
        self.dropout = mg.nn.Dropout(0.5)
        self.wrong_in = wrong_in

    def forward(self, x):
        self.seen += x.detach().mean(0)
        weight = self.weight.detach() if self.training in self.wrong_in else self.weight
        return self.dropout(x * weight) + 0 * self.weight


@pytest.mark.parametrize("wrong_in", [(), (True,), (False,)])
def test_a_module_is_checked_in_both_modes_and_left_as_it_was(wrong_in):
    module = Scale(wrong_in)
    module.train()
    module.dropout.eval()
    mg.manual_seed(3)
    mg.randn(5)
    state, seen = default_state(), module.seen.data.copy()
    if wrong_in:
        message = raised_by(Disconnected, check_module, module, leaf(X))
        assert "gradient of weight" in message.splitlines()[0]
        assert ("(train)" if wrong_in[0] else "(eval)") in message.splitlines()[0]
    else:
        assert check_module(module, leaf(X)).ok
    assert default_state() == state
    np.testing.assert_array_equal(module.seen.data, seen)
    assert (module.training, module.dropout.training) == (True, False)
    assert module.weight.grad is None
    np.testing.assert_array_equal(module.weight.data, [0.5, 1.5, -1.0])


def default_state():
    return default_generator.seed, default_generator.counter


def test_one_mode_alone():
    assert check_module(Scale((False,)), leaf(X), modes=["train"]).ok
    with pytest.raises(ValueError, match="modes must be 'train' and 'eval'"):
        check_module(Scale(), leaf(X), modes=["test"])


# ------------------------------------------------------------------------------------------------ bad input, reports


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"order": 3}, "order must be 1 or 2, got 3"), ({"kinks": "skip"}, "kinks must be 'interval' or 'fail'"),
        ({"probes": 0}, "probes must be at least 1"),
    ],
)  # fmt: skip
def test_settings_that_mean_nothing(settings, said):
    with pytest.raises(ValueError, match=said):
        check_grads(lambda x: x.sin(), leaf(X), **settings)


def test_nothing_to_differentiate():
    with pytest.raises(TypeError, match="no floating-point tensor to differentiate"):
        check_grads(lambda x: x.float(), mg.tensor([1, 2]))
    with pytest.raises(TypeError, match=r"wrt=\(1,\) names an argument that is no floating-point tensor"):
        check_grads(lambda x, k: x * k, leaf(X), 2, wrt=[1])
    with pytest.raises(TypeError, match="no floating-point array to differentiate"):
        check_vjp_pair(lambda x: x, lambda g, x: g, np.arange(3))


def test_a_report_as_json_says_all_it_knows():
    with pytest.raises(WrongFormula) as caught:
        check_vjp_pair(lambda x: x * x, lambda g, x: 3 * g * x, X)
    found = json.loads(caught.value.report.to_json())
    assert found["verdict"] == "WRONG_FORMULA"
    assert found["where"] == "gradient of input 0"
    assert found["probes"][0]["bound"] > 0


def test_the_point_is_left_alone():
    x, kept = X.copy(), X.copy()
    tensor = mg.tensor(x, requires_grad=True)
    check_grads(lambda x: x.sin() * x, tensor, order=2)
    np.testing.assert_array_equal(tensor.data, kept)
    assert tensor.grad is None


def test_wrt_names_no_argument_that_is_not_there_and_none_twice():
    x, y = (mg.randn(3, dtype=mg.float64) for _ in range(2))
    with pytest.raises(IndexError, match="names argument 5, but there are 2"):
        check_grads(lambda a, b: a * b, x, y, wrt=(5,))
    with pytest.raises(ValueError, match="twice"):
        check_grads(lambda a, b: a * b, x, y, wrt=(0, -2))
    with pytest.raises(IndexError, match="there are 0"):
        check_grads(lambda: x, wrt=(0,))


def test_a_float32_argument_that_stands_still_is_brought_to_the_precision_of_the_call():
    x, w = mg.randn(3, 4), mg.randn(4, 2)
    assert check_grads(lambda a, b: a @ b, x, w, wrt=(0,)).ok
    assert w.dtype == mg.float32


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        (lambda w: {"w": w.detach()}, TypeError, r"params\['w'\] is no floating-point leaf that requires grad"),
        (lambda w: {"w": mg.ones(3, dtype=mg.int64)}, TypeError, r"params\['w'\] is no floating-point leaf"),
        (lambda w: {"w": np.ones(3)}, TypeError, r"params\['w'\] is no floating-point leaf"),
        (lambda w: {"one": w, "other": w}, ValueError, r"params\['one'\] and params\['other'\] are one tensor"),
    ],
)
def test_what_cannot_be_a_leaf_is_named(params, error, message):
    w = mg.randn(3, dtype=mg.float64, requires_grad=True)
    with pytest.raises(error, match=message):
        check_grads(lambda x: x * w, leaf(X), params=params(w))


def test_a_number_alone_is_no_list_of_positions():
    with pytest.raises(TypeError, match=r"write wrt=\(0,\)"):
        check_grads(lambda x: x * 2, leaf(X), wrt=0)
