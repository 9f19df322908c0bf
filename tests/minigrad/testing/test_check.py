"""One small mistake per verdict: the class of the error, what the message names, and what a check leaves as it was."""

import json
from dataclasses import replace

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.random import default_generator
from minigrad.testing import ERRORS, GradientError, Verdict, check_grads, check_module, check_vjp_pair
from minigrad.testing.check import examine
from minigrad.testing.formula import Comparison
from minigrad.testing.functions import TensorFunction
from minigrad.testing.ladder import RATIO
from minigrad.testing.oracles import HAS_LONGDOUBLE
from minigrad.testing.subject import Pair
from minigrad.testing.verdicts import (
    Aliasing,
    Disconnected,
    Discontinuous,
    MutatedInput,
    Nondeterministic,
    Nondifferentiable,
    Nonfinite,
    NotLinear,
    PrecisionLoss,
    Raised,
    Stateful,
    UnusableOutput,
    WrongFormula,
    WrongShapeDtype,
)

X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]])
LENGTH = 25


def raised_by(expected, check, *arguments, **settings):
    """The message of the error that a check raises, which must be of exactly this class."""
    with pytest.raises(GradientError) as caught:
        check(*arguments, **settings)
    error = caught.value
    message = str(error)
    assert type(error) is expected, message
    assert error.report.verdict is expected.verdict
    assert message.startswith(expected.verdict.name)
    assert len(message.splitlines()) <= LENGTH
    assert f"what to do: {expected.verdict.value}" in message
    return message


in_memory = pytest.mark.host("on a device the checker computes on copies")


def leaf(array, dtype=mg.float64):
    return mg.tensor(array, dtype=dtype)


def test_every_verdict_but_correct_has_an_error_of_its_own():
    assert set(ERRORS) == set(Verdict) - {Verdict.CORRECT}
    assert len({error.__name__ for error in ERRORS.values()}) == len(ERRORS)


# ------------------------------------------------------------------------------------- what the forward may do wrong


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


# ------------------------------------------------------------------------------------ what the backward may do wrong


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


# --------------------------------------------------------------------------------------------------- wrong formulas


def centred(x):
    return x - x.mean(-1, keepdims=True)


def one_entry(g, x):
    gradient = 2 * g * x
    gradient[1, 2] *= 1.01
    return gradient


def first_and_last_column(g, x):
    gradient = 2 * g * x
    gradient[:, [0, -1]] *= 1 + np.arange(2) / 2 + 0.1 * np.arange(len(x))[:, None]
    gradient[:, 0] += g[:, 0]
    return gradient


SQUARE = np.random.default_rng(0).standard_normal((3, 3))
WRONG = {
    "sign": (lambda x: x * x, lambda g, x: -2 * g * x, [X], "a wrong sign"),
    "mean for sum": (lambda x: (x**2).sum(-1), lambda g, x: g[:, None] * 2 * x / 3, [X], "1/3: mean and sum mixed up"),
    "sum for mean": (lambda x: (x**2).mean(-1), lambda g, x: g[:, None] * 2 * x, [X], "3: mean and sum mixed up"),
    "degrees of freedom": (
        lambda x: (centred(x) ** 2).sum(-1) / 2, lambda g, x: g[:, None] * 2 * centred(x) / 3, [X],
        "a constant factor of 2/3: ddof",
    ),
    "factor of a square": (
        lambda x: x**2, lambda g, x: g * x, [SQUARE], "0.5: counted twice, or the factor of a square forgotten"
    ),
    "some factor": (np.sin, lambda g, x: 1.0005 * g * np.cos(x), [X], "a constant factor of 1 + 0.0005"),
    "transposed": (lambda x: x @ x + x, lambda g, x: (g @ x.T + x.T @ g + g).T.copy(), [SQUARE], "transposed"),
    "reversed": (np.sin, lambda g, x: (g * np.cos(x))[::-1].copy(), [SQUARE], "reversed along dimension 0"),
    "swapped operands": (
        lambda x, y: x * y, lambda g, x, y: (g * x, g * y), [X, X + 3], "the gradient of input 0: operands swapped"
    ),
    "one entry": (lambda x: x * x, one_entry, [X], "one entry alone: (1, 2)"),
    "one entry by a factor": (lambda x: x * x, one_entry, [X], "a constant factor of 1.01"),
    "boundary": (
        lambda x: x * x, first_and_last_column, [np.arange(1.0, 21.0).reshape(4, 5) / 8], "the boundary of dimension 1"
    ),
    "one index": (
        lambda x: x * x, lambda g, x: g * (2 * x + (np.arange(5) == 2) * x**2),
        [np.arange(1.0, 21.0).reshape(4, 5) / 8], "index 2 of dimension 1 alone",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_formula_is_found_named_and_told_what_it_looks_like(name):
    forward, vjp, arrays, looks_like = WRONG[name]
    message = raised_by(WrongFormula, check_vjp_pair, forward, vjp, *arrays)
    assert f"    {message.splitlines()[0].split('gradient of ')[1]}[" in message
    assert "wrong entries: " in message
    assert looks_like in message


def test_the_entry_that_is_wrong_is_named_with_both_numbers():
    message = raised_by(WrongFormula, check_vjp_pair, lambda x: x * x, one_entry, X)
    assert "wrong entries: 1 of 6" in message
    (line,) = [line for line in message.splitlines() if line.startswith("    input 0[1, 2]")]
    assert line.endswith("ratio 1.01")


def test_one_wrong_entry_of_many_is_found():
    def vjp(g, x):
        gradient = g * np.cos(x)
        gradient[31, 7] *= 1 + 1e-6
        return gradient

    x = np.random.default_rng(1).standard_normal((40, 50))
    message = raised_by(WrongFormula, check_vjp_pair, np.sin, vjp, x)
    assert "input 0[31, 7]" in message


@pytest.mark.skipif(not HAS_LONGDOUBLE, reason="no arithmetic wider than float64")
@pytest.mark.parametrize(
    "vjp",
    [
        lambda g, x: (g * np.cos(x.astype(np.float32))).astype(x.dtype),
        lambda g, x: (g.astype(np.float32) * np.cos(x).astype(np.float32)).astype(x.dtype),
    ],
)
def test_float32_inside_a_float64_backward(vjp):
    message = raised_by(PrecisionLoss, check_vjp_pair, np.sin, vjp, X)
    assert "it has fewer digits than its input" in message
    assert check_vjp_pair(np.sin, lambda g, x: g * np.cos(x), X.astype(np.float32)).ok


def test_float32_that_loses_digits_to_cancellation_is_told_from_a_wrong_formula():
    big = np.float32(4096)

    def vjp(g, x):
        return (g * np.cos(x) + big) - big if x.dtype == np.float32 else g * np.cos(x)

    raised_by(PrecisionLoss, check_vjp_pair, np.sin, lambda g, x: vjp(g, x), X.astype(np.float32))


# ---------------------------------------------------------------------------------------- points without derivative


@pytest.mark.parametrize("point", [[1.0], [1.0, 2.0], [0.5, 1.0, 3.0]])
def test_a_jump_also_where_two_of_them_cancel_along_some_direction(point):
    message = raised_by(Discontinuous, check_vjp_pair, np.floor, lambda g, x: 0 * g, np.array(point))
    assert "the output jumps here" in message
    assert check_vjp_pair(np.floor, lambda g, x: 0 * g, np.array(point) + 0.25).ok


@pytest.mark.parametrize("function", [np.cbrt, lambda x: np.sqrt(np.abs(x))])
def test_an_infinite_slope(function):
    raised_by(Nondifferentiable, check_vjp_pair, function, lambda g, x: g * 0, np.array([0.0, 2.0]))


def test_a_kink_is_allowed_unless_it_is_not_to_be():
    point, vjp = np.array([0.0, 2.0]), lambda g, x: g * np.sign(x)
    report = check_vjp_pair(np.abs, vjp, point)
    assert "at kinks between the slopes of the two sides" in report.passed
    message = raised_by(Nondifferentiable, check_vjp_pair, np.abs, vjp, point, kinks="fail")
    assert "the slope is" in message
    assert check_vjp_pair(np.abs, vjp, np.array([1.0, 2.0]), kinks="fail").ok


def test_an_output_in_steps_shows_nothing():
    with pytest.raises(GradientError, match="computed in float16 or float32 inside") as caught:
        check_vjp_pair(lambda x: np.sin(x.astype(np.float16)).astype(x.dtype), lambda g, x: g * np.cos(x), X)
    assert caught.value.report.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("point", [[1.0, 0.5], [0.0625, 0.0625]])
def test_nor_does_it_where_the_backward_is_zero(point):
    with pytest.raises(GradientError, match="moves in steps") as caught:
        check_vjp_pair(lambda x: np.sin(x.astype(np.float16)).astype(x.dtype), lambda g, x: 0 * g, np.array(point))
    assert caught.value.report.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_what_does_not_move_is_shown_not_to(constant):
    assert check_vjp_pair(lambda x: 0 * x + constant, lambda g, x: 0 * g, X).ok


# ------------------------------------------------------------------------------------------------------ second order


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


# ----------------------------------------------------------------------------------------------- leaves and modules


def test_leaves_that_the_function_closes_over_are_checked_too():
    w = mg.tensor(SQUARE, requires_grad=True)
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
        check_vjp_pair(lambda x: x * x, one_entry, X)
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


# ------------------------------------------------------------------------------------- rounding, and what looks like it

UNLUCKY = np.array([
    [[-26, 25, 11, 10], [19, -42, -44, -45], [31, 10, -5, 40]],
    [[-5, -29, 3, -20], [-17, -53, -29, -47], [44, -29, -44, -47]],
]) / 16  # fmt: skip


def test_rounding_that_its_own_neighbourhood_does_not_show_is_no_mistake():
    def attention(x):
        return mg.nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)

    assert check_grads(attention, mg.tensor(UNLUCKY), order=2, probes=2).ok


@pytest.mark.parametrize("wrong", [1e-9, 1e-6])
def test_a_backward_that_is_right_in_longdouble_alone_is_wrong(wrong):
    def backward(g, x):
        gradient = g * np.cos(x)
        if x.dtype == np.float64:
            gradient[1, 1] *= 1 + wrong
        return gradient

    with pytest.raises((WrongFormula, PrecisionLoss), match=r"input 0\[1, 1\]"):
        check_vjp_pair(np.sin, backward, X)


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
        (lambda w: {"w": w.detach()}, TypeError, r"params\['w'\] is no floating-point tensor that requires grad"),
        (lambda w: {"w": mg.ones(3, dtype=mg.int64)}, TypeError, r"params\['w'\] is no floating-point tensor"),
        (lambda w: {"w": np.ones(3)}, TypeError, r"params\['w'\] is no floating-point tensor"),
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


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, None), (1.01, Verdict.INCONCLUSIVE)])
def test_a_difference_that_a_blind_second_look_does_not_confirm_is_no_evidence(monkeypatch, factor, verdict):
    plain = Comparison.numeric

    def blind(self, u, v, ratio=RATIO):
        found = plain(self, u, v, ratio)
        return found if ratio == RATIO else replace(found, error=np.inf)

    monkeypatch.setattr(Comparison, "numeric", blind)
    subject = Pair(np.sin, lambda g, x: factor * g * np.cos(x), [np.linspace(0.1, 1.0, 5)])
    report = examine(subject, order=1, probes=2, kinks="interval", layouts=False, seed=0)
    assert report.ok if verdict is None else report.verdict is verdict
