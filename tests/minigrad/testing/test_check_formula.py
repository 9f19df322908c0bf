"""What is said of wrong numbers, of points without a derivative, and of rounding that looks like either."""

from dataclasses import replace

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import GradientError, Verdict, check_grads, check_vjp_pair
from minigrad.testing.check import examine
from minigrad.testing.formula import Comparison
from minigrad.testing.ladder import RATIO
from minigrad.testing.oracles import HAS_LONGDOUBLE
from minigrad.testing.subject import Pair
from minigrad.testing.verdicts import (
    Discontinuous,
    Nondifferentiable,
    PrecisionLoss,
    WrongFormula,
)

from .raised import X, raised_by


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


# ------------------------------------------------------------------------------------- rounding, and what looks like it


@pytest.mark.parametrize("dtype", [mg.float64, mg.float32])
def test_what_the_forward_loses_to_rounding_its_backward_may_keep(dtype):
    assert check_grads(mg.nn.functional.gelu, mg.tensor([-16.0], dtype=dtype)).ok


@pytest.mark.parametrize("x", [-37.0, -32.0, -25.0, 8.0])
def test_a_backward_may_be_off_by_what_a_rounding_of_its_input_does(x):
    for seed in range(3):
        assert check_grads(mg.nn.functional.gelu, mg.tensor([x], dtype=mg.float64), seed=seed).ok


@pytest.mark.parametrize("seed", range(3))
def test_a_large_condition_hides_no_wrong_factor(seed):
    with pytest.raises(WrongFormula):
        check_vjp_pair(
            lambda x: np.sin(1e7 * x), lambda g, x: g * 1e7 * np.cos(1e7 * x) * (1 + 2e-8), np.array([0.7]), seed=seed
        )


def test_but_no_more_than_that():
    with pytest.raises(WrongFormula, match=r"input 0\[0\]"):
        check_vjp_pair(lambda x: x * (x > 0), lambda g, x: g * np.where(x > 0, 1, 1e-25), np.array([-16.0]))


def test_an_entry_that_is_lost_is_not_among_the_wrong():
    with pytest.raises(WrongFormula, match="wrong entries: 1 of 2"):
        check_vjp_pair(lambda x: x * (x > 0), lambda g, x: g * np.where(x > 0, 1.5, 1e-55), np.array([-16.0, 1.0]))


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
