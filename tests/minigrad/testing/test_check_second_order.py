"""What is said of the backward of a backward."""


import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import check_grads
from minigrad.testing.verdicts import (
    WrongFormula,
)

from .raised import X, in_memory, leaf, raised_by


class Cube(mg.autograd.Function):
    """x ** 3, whose backward forgets that its own factor moves with x."""

    factor_moves = False

    @classmethod
    def forward(cls, ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @classmethod
    def backward(cls, ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * (x if cls.factor_moves else x.detach())


class RightCube(Cube):
    factor_moves = True


def test_a_function_is_called_by_the_name_of_its_class():
    assert check_grads(Cube.apply, leaf(X)).name == "Cube.apply"
    assert check_grads(mg.tanh, leaf(X)).name == "tanh"
    assert check_grads(mg.nn.Tanh(), leaf(X)).name == "Tanh"


def test_a_wrong_second_derivative_is_seen_by_order_2_alone():
    assert check_grads(lambda x: Cube.apply(x), leaf(X)).ok
    message = raised_by(WrongFormula, check_grads, lambda x: Cube.apply(x), leaf(X), order=2)
    assert "second order" in message.splitlines()[0]
    assert "a constant factor of" in message
    report = check_grads(lambda x: RightCube.apply(x), leaf(X), order=2)
    assert "second order, symmetric" in report.passed


@pytest.mark.parametrize("order", [1, 2])
def test_a_part_in_a_billion_of_one_entry_is_seen_in_either_order(order):
    class Slipped(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            error = mg.tensor([0.0, 1e-9, 0.0], dtype=mg.float64) * x
            return g * (3.0 * x * x + error * (x if order == 1 else x - x.detach()))

    with pytest.raises(WrongFormula) as caught:
        check_grads(Slipped.apply, leaf([0.5, -1.5, 2.0]), order=2)
    assert ("second order" in str(caught.value).splitlines()[0]) == (order == 2)


class Replaced(mg.autograd.Function):
    """x ** 2, whose backward is another one when it is recorded, though it has the same derivative."""

    by = 0.0

    @classmethod
    def forward(cls, ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @classmethod
    def backward(cls, ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x + (cls.by * g.detach() if mg.is_grad_enabled() else 0)


class WronglyReplaced(Replaced):
    by = 0.125


def test_a_backward_that_is_another_one_when_it_is_recorded():
    assert check_grads(Replaced.apply, leaf(X), order=2).ok
    assert check_grads(WronglyReplaced.apply, leaf(X)).ok
    message = raised_by(WrongFormula, check_grads, WronglyReplaced.apply, leaf(X), order=2)
    assert "recorded, to be differentiated again, it differs by" in message


class OfOtherMemory(mg.autograd.Function):
    """x ** 3, whose second derivative takes the memory of x for its values."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        held = x.data
        memory = mg.Tensor(np.array(held) if held.flags.c_contiguous else np.zeros(held.shape))
        return g * 3 * (x.detach() * x.detach() + 2 * memory * (x - x.detach()))


@in_memory
def test_a_second_derivative_that_takes_memory_for_values():
    assert check_grads(OfOtherMemory.apply, leaf(X)).ok
    assert check_grads(OfOtherMemory.apply, leaf(X), order=2, layouts=False).ok
    message = raised_by(WrongFormula, check_grads, OfOtherMemory.apply, leaf(X), order=2)
    assert "second order" in message.splitlines()[0] and "with transposed arrays it differs by" in message


@pytest.mark.parametrize("point", [[-0.125, 0.125], [0.5, 0.25]])
def test_a_second_derivative_that_is_nothing_but_rounding_is_symmetric(point):
    assert check_grads(lambda x: x.std(), leaf(point), order=2, probes=1).ok
    assert check_grads(lambda x: mg.linalg.vector_norm(x.view(2, 1), 2, 1), leaf(point), order=2, probes=1).ok


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_function_may_draw_other_numbers_in_another_dtype(dtype):
    x = leaf(np.random.default_rng(0).standard_normal((3, 4)), dtype)
    assert check_grads(lambda x: mg.nn.functional.rrelu(x, training=True), x).ok


def test_numbers_of_no_dimension_stay_arrays():
    assert check_grads(lambda x, y: x.view(y.shape) * y, leaf(0.5), leaf([2.0])).ok
