"""Derivatives by Taylor jets in ball arithmetic: the bound holds always; what jets cannot follow is left to numbers.

The truth is the derivative in closed form, in ball arithmetic of 2,400 bits, compared without rounding.
"""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import elementwise, transcendental
from minigrad.testing import derivative
from minigrad.testing.formula import Comparison
from minigrad.testing.jets import Blurred, Jet, Undecided, Walk
from minigrad.testing.oracles import HAS_LONGDOUBLE, Sides
from minigrad.testing.subject import Pair
from minigrad.testing.taylor import Taylor, expand, taylor

flint = pytest.importorskip("flint")
arb = flint.arb

POINTS = [-3.7, -1.0, -0.51, 1e-3, 0.25, 1.0, 1.9, 4.2]
ABOVE = [1e-300, 1e-6, 0.02, 0.3, 1.0, 2.5, 40.0]
WITHIN = [-0.97, -0.4, 0.0, 1e-5, 0.5, 0.9]
BEYOND = [1.001, 1.5, 3.0, 50.0]
REPRESENTED = 2.0**-63 if HAS_LONGDOUBLE else 2.0**-52


def sech(x):
    return 1 / x.cosh()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def exact_sigmoid(x):
    return 1 / (1 + (-x).exp())


def softmax_of_three(x):
    z = np.stack([x, 2 * x, 0 * x + 1])
    e = np.exp(z - z.max())
    return (e / e.sum())[0]


def exact_softmax_of_three(x):
    a, b, c = x.exp(), (2 * x).exp(), arb(1).exp()
    p, q = a / (a + b + c), b / (a + b + c)
    return p - p * (p + 2 * q)


# The function, its derivative in closed form, and where.
KNOWN = {
    "square": (lambda x: x * x, lambda x: 2 * x, POINTS),
    "seventh power": (lambda x: x**7, lambda x: 7 * x**6, POINTS),
    "inverse square": (lambda x: x**-2, lambda x: -2 / x**3, ABOVE[1:]),
    "polynomial": (lambda x: x**5 - 3 * x**2 + x, lambda x: 5 * x**4 - 6 * x + 1, POINTS),
    "power": (lambda x: x**1.5, lambda x: arb(3) / 2 * x.sqrt(), ABOVE),
    "power of a power": (lambda x: x**x, lambda x: x**x * (x.log() + 1), ABOVE),
    "reciprocal": (np.reciprocal, lambda x: -1 / (x * x), ABOVE[1:]),
    "quotient": (lambda x: (x - 1) / (x * x + 1), lambda x: (1 + 2 * x - x * x) / (x * x + 1) ** 2, POINTS),
    "sqrt": (np.sqrt, lambda x: 1 / (2 * x.sqrt()), ABOVE),
    "cbrt": (np.cbrt, lambda x: 1 / (3 * (abs(x).log() * 2 / 3).exp()), POINTS),
    "exp": (np.exp, lambda x: x.exp(), POINTS),
    "expm1": (np.expm1, lambda x: x.exp(), POINTS),
    "exp2": (np.exp2, lambda x: arb(2) ** x * arb(2).log(), POINTS),
    "constant to a power": (lambda x: 3.0**x, lambda x: arb(3) ** x * arb(3).log(), POINTS),
    "log": (np.log, lambda x: 1 / x, ABOVE),
    "log1p": (np.log1p, lambda x: 1 / (1 + x), ABOVE),
    "log2": (np.log2, lambda x: 1 / (x * arb(2).log()), ABOVE),
    "log10": (np.log10, lambda x: 1 / (x * arb(10).log()), ABOVE),
    "sin": (np.sin, lambda x: x.cos(), POINTS),
    "cos": (np.cos, lambda x: -x.sin(), POINTS),
    "tan": (np.tan, lambda x: 1 / x.cos() ** 2, WITHIN),
    "arcsin": (np.arcsin, lambda x: 1 / (1 - x * x).sqrt(), WITHIN),
    "arccos": (np.arccos, lambda x: -1 / (1 - x * x).sqrt(), WITHIN),
    "arctan": (np.arctan, lambda x: 1 / (1 + x * x), POINTS),
    "sinh": (np.sinh, lambda x: x.cosh(), POINTS),
    "cosh": (np.cosh, lambda x: x.sinh(), POINTS),
    "tanh": (np.tanh, lambda x: sech(x) ** 2, POINTS),
    "arcsinh": (np.arcsinh, lambda x: 1 / (x * x + 1).sqrt(), POINTS),
    "arccosh": (np.arccosh, lambda x: 1 / (x * x - 1).sqrt(), BEYOND),
    "arctanh": (np.arctanh, lambda x: 1 / (1 - x * x), WITHIN),
    "hypot": (lambda x: np.hypot(x, 2.0), lambda x: x / (x * x + 4).sqrt(), POINTS),
    "arctan2": (lambda x: np.arctan2(0 * x + 2, x) + np.arctan2(x, -3.0), lambda x: -2 / (4 + x * x) - 3 / (9 + x * x),
                POINTS),
    "degrees": (np.degrees, lambda x: 180 / arb.pi() + 0 * x, POINTS),
    "radians": (np.radians, lambda x: arb.pi() / 180 + 0 * x, POINTS),
    "remainder": (lambda x: (x % 0.75) * x, lambda x: 2 * x - arb(0.75) * (x / 0.75).floor(), POINTS),
    "absolute value": (np.abs, lambda x: x.sgn(), POINTS),
    "clip": (lambda x: np.clip(x, -0.75, 1.5) * x, lambda x: (2 * x if -0.75 < x < 1.5 else x.max(-0.75).min(1.5)),
             POINTS),
    "sigmoid": (sigmoid, lambda x: exact_sigmoid(x) * exact_sigmoid(-x), [*POINTS, -700.0, 700.0]),
    "softplus": (lambda x: np.log1p(np.exp(x)), exact_sigmoid, [*POINTS, -700.0]),
    "bump": (lambda x: 1 / (1 + 25 * x * x), lambda x: -50 * x / (1 + 25 * x * x) ** 2, POINTS),
    "sinc": (lambda x: np.sin(x) / x, lambda x: (x * x.cos() - x.sin()) / (x * x), POINTS),
    "fast": (lambda x: np.sin(1e9 * x), lambda x: arb(1e9) * (arb(1e9) * x).cos(), POINTS),
    "beside something large": (lambda x: 1e16 + np.sin(x), lambda x: x.cos(), POINTS),
    "softmax": (softmax_of_three, exact_softmax_of_three, POINTS),
    "difference that cancels": (lambda x: np.exp(x) - 1 - x, lambda x: x.expm1(), [1e-9, 1e-5, 1.0]),
    "mask": (lambda x: np.exp(np.array([-np.inf, 0.0]) + x).sum(), lambda x: x.exp(), POINTS),
    "mean and variance": (lambda x: np.stack([x, x * x]).var() + np.stack([x, x * x]).mean(),
                          lambda x: (x - x * x) * (1 - 2 * x) / 2 + (1 + 2 * x) / 2, POINTS),
}  # fmt: skip


def exactly():
    return flint.ctx.workprec(2400)


def within(value, error, truth):
    """Whether |value - truth| <= error, as far as 2,400 bits tell."""
    high = float(value)
    with exactly():
        off = abs(truth - arb(high) - arb(float(value - np.longdouble(high))))
        return off.lower() <= arb(float(error))


@pytest.mark.parametrize("name", KNOWN)
def test_the_exact_derivative_is_within_the_bound_and_the_bound_is_that_of_the_number_format(name):
    function, exact, points = KNOWN[name]
    for point in points:
        found = taylor(function, point, 1.0, order=1)
        with exactly():
            truth = exact(arb(point))
            assert within(found.values[1], found.errors[1], truth), point
        assert found.errors[1] <= REPRESENTED * abs(float(truth)), point
        assert found.radii[1] <= max(2.0**-80 * abs(float(truth)), 5e-324), point


def test_there_are_as_many_as_it_takes():
    assert len(KNOWN) >= 40


@pytest.mark.parametrize("name", KNOWN)
def test_derivative_takes_jets_where_numbers_do_not_contradict(name):
    function, exact, points = KNOWN[name]
    for point in points:
        direction = abs(point) or 1.0
        found = derivative(function, np.float64(point), direction, "jets")
        with exactly():
            truth = exact(arb(point)) * arb(direction)
            assert found.oracle == "jets", point
            assert within(found.value, found.error, truth), point


def test_coefficients_of_higher_order():
    with exactly():
        x = arb(0.5)
        e, s, c = x.sin().exp(), x.sin(), x.cos()
        exact = [e, e * c, e * (c * c - s) / 2, e * (c**3 - 3 * s * c - c) / 6]
    found = taylor(lambda x: np.exp(np.sin(x)), 0.5, 1.0, order=3)
    assert found.values.shape == (4,)
    for k in range(4):
        assert within(found.values[k], found.errors[k], exact[k])
    hessian = np.array([[2.0, 1.0], [1.0, -4.0]])
    u = np.array([0.25, 3.0])
    second = 2 * taylor(lambda x: x @ hessian @ x / 2, np.array([1.0, 2.0]), u, order=2).values[2]
    assert second == u @ hessian @ u


def test_special_functions_are_methods():
    walk = Walk(3, 1, math.inf)
    with flint.ctx.workprec(200):
        jet = walk.jet([arb(0.75), arb(1)])
        for method, value, slope in (
            ("erf", arb(0.75).erf(), 2 / arb.pi().sqrt() * (-arb(0.5625)).exp()),
            ("erfc", arb(0.75).erfc(), -2 / arb.pi().sqrt() * (-arb(0.5625)).exp()),
            ("gamma", arb(0.75).gamma(), arb(0.75).gamma() * arb(0.75).digamma()),
            ("lgamma", arb(0.75).gamma().log(), arb(0.75).digamma()),
        ):
            series = getattr(jet, method)().series
            assert series[0].overlaps(value) and series[1].overlaps(slope)
            assert series[1].rad() < 1e-50
        below = walk.jet([arb(-0.5), arb(1)]).lgamma().series
        assert below[0].overlaps(abs(arb(-0.5).gamma()).log()) and below[1].overlaps(arb(-0.5).digamma())
        assert below[0].rad() < 1e-50 and below[1].rad() < 1e-50


def test_arrays_keep_their_shape():
    x = np.arange(1.0, 7.0).reshape(2, 3)
    u = np.full((2, 3), 0.5)
    found = derivative(lambda x: (x @ np.ones((3, 4))) ** 2, x, u, "jets")
    assert found.oracle == "jets"
    assert found.value.shape == found.error.shape == (2, 4)
    np.testing.assert_allclose(found.value.astype(float), np.full((2, 4), 3.0) * x.sum(1, keepdims=True))
    assert derivative(lambda x: x[:0], x[0], u[0], "jets").value.shape == (0,)
    assert derivative(lambda x: x[..., None] * np.ones(2), 2.0, 1.0, "jets").value.shape == (2,)


def test_more_bits_are_taken_where_a_ball_is_too_wide():
    def cancels(x):
        return (np.exp(x) * 1e30 + np.sin(x) - np.exp(x) * 1e30) * (np.sqrt(x * x + 1e-40) > x)

    found = taylor(cancels, 1.0, 1.0, 1, bits=64)
    with exactly():
        assert within(found.values[1], found.errors[1], arb(1).cos())
    assert found.radii[1] <= 2.0**-80


def test_what_is_zero_without_being_known_to_be_is_not_pursued():
    calls = []

    def constant(x):
        calls.append(x)
        return np.cos(x) ** 2 + np.sin(x) ** 2

    found = taylor(constant, 1.0, 1.0, 1)
    assert found.values[1] == 0 or abs(found.values[1]) <= found.errors[1] < 1e-35
    assert len(calls) == 1


def test_the_precision_of_flint_is_afterwards_what_it_was():
    before = flint.ctx.prec
    taylor(np.exp, 1.0, 1.0)
    with pytest.raises(Undecided):
        taylor(np.linalg.inv, np.eye(2), np.eye(2))
    assert flint.ctx.prec == before


# ---------------------------------------------------------------------------------------------------------- kinks

KINKS = {
    "absolute value": (np.abs, 0.0, -1, 1),
    "relu": (lambda x: np.maximum(x, 0), 0.0, 0, 1),
    "minimum": (lambda x: np.minimum(2 * x, x), 0.0, 2, 1),
    "where": (lambda x: np.where(x > 1, x * x, x), 1.0, 1, 2),
    "clip": (lambda x: np.clip(x, -1, 1), 1.0, 1, 0),
    "sort": (lambda x: np.sort(np.stack([x, 1 - x]))[0], 0.5, 1, -1),
    "triangle": (lambda x: np.abs(x - np.floor(x + 0.5)), 1.0, -1, 1),
    "too small to be seen": (lambda x: x + 1e-25 * np.abs(x), 0.0, 1 - np.longdouble(1e-25), 1),
    "of two jets": (lambda x: np.maximum(np.sin(x), x**3), 0.0, 0, 1),
}


@pytest.mark.parametrize("name", [name for name in KINKS if name != "too small to be seen"])
def test_the_slopes_to_both_sides_of_a_kink_are_proven(name):
    function, point, left, right = KINKS[name]
    found = derivative(function, point, 1.0, "jets")
    assert found.oracle == "jets"
    assert found.kink
    assert (found.left, found.right) == (left, right)


def test_a_kink_smaller_than_any_noise_is_seen():
    def function(x):
        return x + 1e-25 * np.abs(x)

    right, left = taylor(function, 0.0, 1.0, 1), taylor(function, 0.0, 1.0, 1, side=-1)
    assert right.tied and left.tied
    assert left.values[1] == 1 == right.values[1]
    assert 0 < right.errors[1] < 2e-25  # what the number format leaves
    assert not taylor(function, 1e-30, 1.0, 1).tied


@pytest.mark.parametrize(
    ("function", "point", "slope"),
    [
        (lambda x: np.maximum(x, 0) - np.maximum(-x, 0), 0.0, 1),
        (lambda x: np.where(x > 0, x * x, -x * x), 0.0, 0),
        (lambda x: np.maximum(x * x, 0), 0.0, 0),
        (lambda x: np.abs(x) * x, 0.0, 0),
        (lambda x: np.where(x == 0, 0, x), 0.0, 1),
    ],
)
def test_where_a_branch_makes_no_kink_there_is_none(function, point, slope):
    found = derivative(function, point, 1.0, "jets")
    assert (found.oracle, bool(found.kink), found.value) == ("jets", False, slope)


def test_the_error_at_a_tie_reaches_to_both_sides():
    values, tied = np.array([[0.0], [1.0]], np.longdouble), True
    errors = np.array([[0.0], [1e-3]])
    plain = derivative(np.sin, np.zeros(1), np.ones(1))
    found = Sides(Taylor(values * 1.0015, errors, errors, tied), Taylor(values, errors, errors, tied)).certified(plain)
    assert not found.kink
    for slope in (1.0015, 1.0):
        assert abs(found.value - slope) + 1e-3 <= found.error


def test_what_stands_still_is_no_kink():
    factors, x, u = np.array([1.0, 5.0]), np.array([0.0, 2.0]), np.array([0.0, 1.0])
    found = derivative(lambda x: np.maximum(x, 0) * factors, x, u, "jets")
    assert found.oracle == "jets"
    assert not found.kink.any()
    assert found.value.tolist() == [0, 5]


def test_steps_are_flat_between_and_no_derivative_at():
    for step in (np.floor, np.ceil, np.trunc, np.rint, np.sign):
        for point in (-1.75, 0.25, 2.3):
            found = derivative(lambda x, step=step: step(x) + 2 * x, point, 1.0, "jets")
            assert (found.oracle, found.value) == ("jets", 2), (step, point)
            still = expand(lambda lift, step=step, point=point: step(lift(np.array(point), np.array(0.0))))
            assert still.values[0] == step(point)
    for step, point in ((np.floor, 1.0), (np.ceil, 1.0), (np.rint, 0.5), (np.sign, 0.0)):
        found = derivative(step, point, 1.0, "jets")
        assert found.oracle != "jets" and found.jump, step
    alone = derivative(lambda x: np.where(x == 0, 5, x), 0.0, 1.0, "jets")
    assert alone.oracle != "jets" and alone.jump
    assert derivative(lambda x: x + 1e-25 * (x > 0), 0.0, 1.0, "jets").oracle != "jets"  # a step no number shows
    halves = expand(lambda lift: np.rint(lift(np.array([0.5, 1.5, -0.5]), np.zeros(3))))
    assert halves.values[0].tolist() == [0, 2, 0]
    walk = Walk(2, 1, math.inf)
    with exactly():
        below_one, above_half = arb(1) - arb(10) ** -30, arb(0.5) + arb(10) ** -30
        assert math.floor(walk.jet([below_one], True)).series[0] == 0  # which is 1 as a float
        assert walk.jet([above_half], True).rint().series[0] == 1


# ------------------------------------------------------------------------------------------ what is not to be had


def raises_on_objects_and_goes_another_way(x):
    try:
        return np.logaddexp(x, 0.0)
    except TypeError:
        return x


POINT = np.array([[0.5, 1.25], [2.0, 0.75]])
UNFOLLOWED = {
    "linear algebra": lambda x: np.linalg.inv(x + np.eye(2)),
    "a cast": lambda x: x.astype(np.float64) * x,
    "a cast on the way in": lambda x: np.asarray(x, float) ** 2,
    "a narrower sum": lambda x: np.sum(x * x, dtype=np.float64),
    "an array of floats written to": lambda x: _written(x),
    "the functions of math": lambda x: np.stack([math.exp(float(each)) for each in x.ravel()]),
    "an integer": lambda x: x * int(x[0, 0]),
    "a ufunc without a loop for objects": lambda x: np.logaddexp(x, 1.0),
    "another function for objects": lambda x: x if x.dtype == object else 2 * x,
    "another value for objects": lambda x: x + 1 if x.dtype == object else x,
    "another slope for objects": lambda x: x if x.dtype == object else 2 * x - POINT,
    "another shape for objects": lambda x: (0 * x).sum() if x.dtype == object else 0 * x,
    "another way for objects": raises_on_objects_and_goes_another_way,
    "a detour by complex numbers": lambda x: (x * 1j).imag,
    "a Fourier transform": lambda x: np.fft.fft(x).real,
    "a branch no ball decides": lambda x: np.where(np.sqrt(x * x * 2) ** 2 > 2 * x * x, x, x + 0),
}


def _written(x):
    out = np.zeros(x.shape)
    out[...] = x * x
    return out


@pytest.mark.parametrize("name", UNFOLLOWED)
def test_what_jets_cannot_follow_is_left_to_numbers(name):
    function = UNFOLLOWED[name]
    u = np.array([[1.0, -0.5], [0.25, 0.3]])
    found, plain = derivative(function, POINT, u, "jets"), derivative(function, POINT, u)
    assert found.oracle == plain.oracle in ("float64", "longdouble")
    np.testing.assert_array_equal(found.value, plain.value)
    np.testing.assert_array_equal(found.error, plain.error)


@pytest.mark.parametrize("function", [np.cbrt, np.sqrt, lambda x: np.sqrt(x * x), lambda x: x / x * x, np.log])
def test_at_the_edge_of_a_domain_nothing_is_proven(function):
    with pytest.raises(Undecided):
        taylor(function, 0.0, 1.0, order=1)


def test_a_number_beyond_the_range_of_floats_is_not_given():
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"), pytest.raises(Undecided, match="range"):
        taylor(np.reciprocal, 1e-300, 1.0)


def test_a_ball_over_a_branch_is_no_tie():
    walk = Walk(3, 1, math.inf)
    nearly_zero = arb(2).sqrt() ** 2 - 2
    for coefficients in ([nearly_zero, 1], [0, nearly_zero, 1], [arb("nan"), 1]):
        with pytest.raises(Blurred):
            walk.jet(coefficients).sign()
    assert not walk.jet([nearly_zero, 1]) < -1
    jet = walk.jet([0, 0, 0])
    assert jet >= jet and jet == jet and not jet < jet  # what nan is told by


def test_a_jet_has_no_number_and_no_truth_of_its_own():
    jet = Walk(2, 1, math.inf).jet([arb(2), arb(1)])
    assert (jet ** jet.walk.jet([arb(2).sqrt() ** 2], True)).series[0].rad() > 0  # 2, but not known to be
    for cast in (float, int, complex, np.float64, round):
        with pytest.raises(TypeError):
            cast(jet)
    with pytest.raises(TypeError):
        [0, 1, 2][jet]
    with pytest.raises(TypeError):
        hash(jet)
    with pytest.raises(TypeError):
        jet + "1"
    assert bool(jet) and not bool(jet.walk.jet([0], True))
    assert "2.0" in repr(jet)


def test_a_long_way_is_given_up():
    x = np.ones((8, 8))
    assert expand(lambda lift: lift(x, x) @ x, budget=8 * 8 * 30).values.shape == (2, 8, 8)
    with pytest.raises(Undecided, match="more operations"):
        expand(lambda lift: lift(x, x) @ x, budget=8 * 8 * 10)
    walk = Walk(3, 1, budget=8 * 8 - 1)
    with pytest.raises(Undecided, match="more operations"):
        walk.jets(x, x)
    assert walk.budget == 8 * 8 - 1  # nothing was begun
    large = Pair(lambda x: x @ x, lambda g, x: g @ x.T + x.T @ g, [np.eye(64)])
    comparison = Comparison(large, 0)
    assert comparison.followed(comparison.direction(0), comparison.cotangent(0)) is None


def test_input_that_means_nothing():
    with pytest.raises(Undecided, match="a NoneType among its numbers"):
        taylor(np.empty_like, 1.0, 1.0)


def test_without_flint_everything_else_works():
    program = """
import sys
sys.modules["flint"] = None
import numpy as np
from minigrad.testing import check_vjp_pair, derivative
from minigrad.testing.taylor import taylor
for asked in (lambda: derivative(np.sin, 0.5, 1.0, "jets"), lambda: taylor(np.sin, 0.5, 1.0)):
    try:
        asked()
    except ImportError as error:
        assert "pip install 'minigrad[flint]'" in str(error), error
    else:
        raise SystemExit("no error")
assert derivative(np.sin, 0.5, 1.0).error < 1e-9
try:
    check_vjp_pair(np.square, lambda g, x: g * x, np.array([1.0, 2.0]))
except AssertionError as error:
    assert "WRONG_FORMULA" in str(error) and "second opinion" not in str(error), error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# --------------------------------------------------------------------------------------------------- our own rules

PRIMITIVES = {
    transcendental: ["exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "sin", "cos", "tanh", "sigmoid", "sinh",
                     "cosh", "asin", "acos", "asinh"],
    elementwise: ["mul", "neg"],
}  # fmt: skip


@pytest.mark.parametrize("name", [name for names in PRIMITIVES.values() for name in names])
def test_gradients_of_primitives_are_right_to_a_few_units_in_the_last_place(name):
    """A primitive given no tensor computes with whatever arrays it is given; so with jets, too."""
    primitive = next(getattr(module, name) for module, names in PRIMITIVES.items() if name in names)
    x = np.random.default_rng(0).uniform(0.05, 0.95, 50)
    leaf = mg.tensor(x, requires_grad=True)
    others = [np.full(50, 0.7)] * (primitive.arity - 1)
    primitive(leaf, *map(mg.tensor, others)).sum().backward()
    found = taylor(lambda x: primitive(x, *others), x, np.ones(50), order=1)
    off = np.abs(leaf.grad.numpy() - found.values[1]) - found.errors[1]
    assert np.all(off <= 4 * np.spacing(np.abs(found.values[1].astype(float))))


def test_numpy_keeps_jets_whole():
    """A series alone would be taken apart into its coefficients."""
    jets = Walk(3, 1, math.inf).jets(np.ones((2, 2)), np.ones((2, 2)))
    assert jets.shape == (2, 2) and jets.dtype == object
    assert isinstance(np.stack([jets[0], jets[1]])[1, 1], Jet)


def test_the_angle_jumps_at_its_cut_and_has_no_derivative_at_the_origin():
    cut = [taylor(lambda t: np.arctan2(t, -1.0), 0.0, 1.0, side=side).values[0] for side in (1, -1)]
    assert np.allclose(np.float64(cut), [np.pi, -np.pi])
    with pytest.raises(Undecided):
        taylor(lambda t: np.arctan2(t, t), 0.0, 1.0)


def test_large_integers_are_exact():
    assert int(taylor(lambda t: t * np.int64(2**53 + 1), 1.0, 1.0).values[1] - np.longdouble(2.0**53)) == 1


def test_jets_are_not_believed_where_numbers_see_a_jump():
    def jumps_unless_followed(x):
        return np.sin(x) + (0 if x.dtype == object else np.sign(x))

    found = derivative(jumps_unless_followed, np.float64(0.0), 1.0, "jets")
    assert found.oracle != "jets"
    assert found.jump
