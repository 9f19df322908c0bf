"""What is said of a backward whose numbers may be right, and which is wrong all the same."""


import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import check_grads, check_module, check_vjp_pair
from minigrad.testing.check import examine
from minigrad.testing.functions import TensorFunction
from minigrad.testing.verdicts import (
    Aliasing,
    Disconnected,
    MutatedInput,
    NotLinear,
    Stateful,
    WrongFormula,
    WrongShapeDtype,
)

from .raised import X, in_memory, leaf, raised_by


def test_a_backward_that_writes_into_its_input():
    def in_place(g, x):
        x += 1
        return g * np.cos(x - 1)

    message = raised_by(MutatedInput, check_vjp_pair, np.sin, in_place, X + 0)
    assert "the backward writes into input 0" in message


def test_a_backward_that_writes_into_the_cotangent():
    def in_place(g, x):
        g *= np.cos(x)
        return g.copy()

    message = raised_by(MutatedInput, check_vjp_pair, np.sin, in_place, X)
    assert "writes into the cotangent" in message


class Exponential(mg.autograd.Function):
    """exp, whose backward multiplies in place what was saved for it: the output, or a copy of it."""

    saves = staticmethod(lambda out: out)

    @classmethod
    def forward(cls, ctx, x):
        out = x.exp()
        ctx.kept = cls.saves(out)
        return out

    @classmethod
    def backward(cls, ctx, g):
        gradient = g * ctx.kept
        ctx.kept.data *= 2
        return gradient


class CopyingExponential(Exponential):
    saves = staticmethod(mg.clone)


def test_a_backward_that_writes_into_the_output():
    message = raised_by(MutatedInput, check_grads, lambda x: Exponential.apply(x), leaf(X))
    assert "writes into the output" in message


def test_a_backward_that_spoils_what_was_saved_for_the_next():
    message = raised_by(Stateful, check_grads, lambda x: CopyingExponential.apply(x), leaf(X))
    assert "a second backward over the same graph" in message


@pytest.mark.parametrize(
    ("forward", "vjp", "said"),
    [
        (lambda x: x + 1, lambda g, x: g, "the cotangent"),
        (lambda x: x.sum(-1), lambda g, x: np.broadcast_to(g[:, None], x.shape), "the cotangent"),
        (lambda x: x.reshape(3, 2) * 1, lambda g, x: g.reshape(x.shape), "the cotangent"),
        (lambda x, y: x + y, lambda g, x, y: [g.copy()] * 2, "the gradient of input 1"),
    ],
)
def test_a_gradient_in_memory_of_something_else(forward, vjp, said):
    arrays = [X, X + 1] if said.endswith("input 1") else [X]
    assert f"shares memory with {said}" in raised_by(Aliasing, check_vjp_pair, forward, vjp, *arrays)


def test_a_gradient_that_cannot_be_written_to():
    message = raised_by(
        Aliasing, check_vjp_pair, lambda x: x.sum(), lambda g, x: np.broadcast_to(g * np.ones(1), x.shape), X
    )
    assert "it cannot be written to, as what was broadcast" in message


@in_memory
def test_on_copies_nothing_is_said_of_memory():
    adapted = TensorFunction(mg.exp, [leaf(X)])
    adapted.copies = True
    for subject, told in ((adapted, False), (TensorFunction(mg.exp, [leaf(X)]), True)):
        report = examine(subject, order=2, probes=1, kinks="interval", layouts=False, seed=0)
        assert report.ok
        assert ("memory of its own" in report.passed) == ("left alone" in report.explain()) == told


class StaleMask(mg.autograd.Function):
    """Dropout whose backward takes the mask of the first call of all."""

    kept = None

    @classmethod
    def forward(cls, ctx, x):
        ctx.mask = (mg.rand(*x.shape) < 0.5).to(x.dtype)
        if StaleMask.kept is None:
            StaleMask.kept = ctx.mask
        return x * ctx.mask

    @classmethod
    def backward(cls, ctx, g):
        last, StaleMask.kept = StaleMask.kept, ctx.mask
        return g * last


def test_a_mask_of_an_earlier_draw():
    message = raised_by(Stateful, check_grads, lambda x: StaleMask.apply(x), leaf(X))
    assert "what is saved must belong to the call" in message


def test_a_gradient_of_another_dtype():
    message = raised_by(WrongShapeDtype, check_vjp_pair, np.sin, lambda g, x: np.float64(g) * np.cos(x), X.astype("f4"))
    assert "dtype float64, but input 0 is float32" in message


def test_a_gradient_that_was_not_summed_where_its_input_was_broadcast():
    message = raised_by(
        WrongShapeDtype, check_vjp_pair, lambda x, b: x + b, lambda g, x, b: (g.copy(), g.copy()), X, X[0]
    )
    assert "gradient of input 1" in message.splitlines()[0]
    assert "shape (2, 3), but input 1 has (3,): it was broadcast in the forward" in message


def test_too_few_gradients():
    message = raised_by(WrongShapeDtype, check_vjp_pair, lambda x, y: x * y, lambda g, x, y: (g * y,), X, X + 1)
    assert "a gradient for each of the 2 inputs" in message


def test_an_integer_input_has_no_gradient():
    def forward(x, k):
        return x**k

    def vjp(g, x, k):
        return g * k * x ** (k - 1), None

    powers = np.array([1, 2, 3])
    assert check_vjp_pair(forward, vjp, X, powers).ok
    assert check_vjp_pair(forward, lambda *given: vjp(*given)[0], X, powers).ok
    message = raised_by(
        WrongShapeDtype, check_vjp_pair, forward, lambda g, x, k: (vjp(g, x, k)[0], g * 0), X, powers
    )
    assert "an integer input has no gradient" in message


@pytest.mark.parametrize("vjp", [lambda g, x: g * np.cos(x) + 1e-3, lambda g, x: g * g * np.cos(x)])
def test_a_backward_that_is_not_linear(vjp):
    raised_by(NotLinear, check_vjp_pair, np.sin, vjp, X)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (x.detach() * y).sum(-1),
        lambda x, y: mg.tensor(x.data) * y,
        lambda x, y: y * x.sum().item(),
        lambda x, y: x.detach().exp() + y + 0 * x,
    ],
)
def test_an_input_that_is_cut_off(function):
    message = raised_by(Disconnected, check_grads, function, leaf(X), leaf(X + 2))
    assert "gradient of argument 0" in message.splitlines()[0]
    assert "is zero or None, but the output moves with it" in message
    assert "argument 0[" in message
    assert check_grads(function, leaf(X), leaf(X + 2), wrt=[1]).ok


class Forgetful(mg.autograd.Function):
    """x * y, which mixes up what is asked for."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        both = all(ctx.needs_input_grad)
        return (g * y if both else g * x), g * x


def test_a_gradient_that_is_another_one_if_nothing_else_is_asked_for():
    message = raised_by(WrongFormula, check_grads, Forgetful.apply, leaf(X), leaf(X + 2))
    assert "gradient of argument 0" in message.splitlines()[0]
    assert "with all other inputs constant it differs by" in message


def test_parameters_are_frozen_for_the_others_and_then_as_before():
    x, y = mg.tensor(X, requires_grad=True), mg.tensor(X + 2, requires_grad=True)
    message = raised_by(WrongFormula, check_grads, lambda: Forgetful.apply(x, y))
    assert "with all other inputs constant it differs by" in message
    assert x.requires_grad and y.requires_grad


# ----------------------------------------------------------------------------------------------------------- layouts


def test_a_backward_that_takes_memory_for_values():
    def vjp(g, x):
        return g * np.cos(np.frombuffer(x.tobytes("A"), x.dtype).reshape(x.shape))

    message = raised_by(WrongFormula, check_vjp_pair, np.sin, vjp, X)
    assert "with transposed arrays it differs by" in message
    assert check_vjp_pair(np.sin, vjp, X, layouts=False).ok


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(4))
def test_a_gradient_that_is_nothing_but_rounding_may_round_otherwise_in_another_layout(dtype, seed):
    mg.manual_seed(seed)
    layer = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.BatchNorm1d(4))
    layer = layer.double() if dtype is np.float64 else layer
    assert check_module(layer, mg.randn(5, 3, dtype=dtype)).ok
