"""Numbers that scale an argument, the special ones among them: what 0, 1 and 2 do is what 3 and -0.5 do."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import dtypes
from minigrad.ops.dtypes import to_common_dtype, to_float

RNG = np.random.default_rng(0)
X, Y, Z = (RNG.uniform(0.5, 2.0, (3, 3)) for _ in range(3))
STACK, OTHER = RNG.normal(size=(2, 3, 3)), RNG.normal(size=(2, 3, 3))
WHICH = np.array([2, 0, 2])
NUMBERS = [None, 0, 1, 2, 3, -1, -0.5, 0.0, 1.0, 2.0]


F, W = np.ones(2, np.float32), np.ones(2, np.int64)


def added(source):
    out = np.zeros((3, 3))
    np.add.at(out, WHICH, source)
    return out


SCALED = {  # name of the call: the call, by the name of its number; what is scaled, and what it is added to
    "add": (lambda x, y, z, **k: mg.add(x, y, **k), "alpha", Y, X),
    "sub": (lambda x, y, z, **k: mg.sub(x, y, **k), "alpha", -Y, X),
    "add_": (lambda x, y, z, **k: x.clone().add_(y, **k), "alpha", Y, X),
    "sub_": (lambda x, y, z, **k: x.clone().sub_(y, **k), "alpha", -Y, X),
    "addcmul": (lambda x, y, z, **k: mg.addcmul(x, y, z, **k), "value", Y * Z, X),
    "addcdiv": (lambda x, y, z, **k: mg.addcdiv(x, y, z, **k), "value", Y / Z, X),
    "addcmul_": (lambda x, y, z, **k: x.clone().addcmul_(y, z, **k), "value", Y * Z, X),
    "addcdiv_": (lambda x, y, z, **k: x.clone().addcdiv_(y, z, **k), "value", Y / Z, X),
    "index_add": (lambda x, y, z, **k: x.index_add(0, mg.tensor(WHICH), y, **k), "alpha", added(Y), X),
    "index_add_": (lambda x, y, z, **k: x.clone().index_add_(0, mg.tensor(WHICH), y, **k), "alpha", added(Y), X),
    "addmm": (lambda x, y, z, **k: mg.addmm(x, y, z, **k), "alpha", Y @ Z, X),
    "addmv": (lambda x, y, z, **k: mg.addmv(x[0], y, z[0], **k), "alpha", Y @ Z[0], X[0]),
    "addr": (lambda x, y, z, **k: mg.addr(x, y[0], z[0], **k), "alpha", np.outer(Y[0], Z[0]), X),
    "baddbmm": (lambda x, y, z, **k: mg.baddbmm(x, mg.tensor(STACK), mg.tensor(OTHER), **k), "alpha", STACK @ OTHER, X),
    "addbmm": (
        lambda x, y, z, **k: mg.addbmm(x, mg.tensor(STACK), mg.tensor(OTHER), **k), "alpha", (STACK @ OTHER).sum(0), X
    ),
    "addmm, beta": (lambda x, y, z, **k: mg.addmm(x, y, z, **k), "beta", X, Y @ Z),
    "addmv, beta": (lambda x, y, z, **k: mg.addmv(x[0], y, z[0], **k), "beta", X[0], Y @ Z[0]),
    "addr, beta": (lambda x, y, z, **k: mg.addr(x, y[0], z[0], **k), "beta", X, np.outer(Y[0], Z[0])),
    "baddbmm, beta": (
        lambda x, y, z, **k: mg.baddbmm(x, mg.tensor(STACK), mg.tensor(OTHER), **k), "beta", X, STACK @ OTHER
    ),
    "addbmm, beta": (
        lambda x, y, z, **k: mg.addbmm(x, mg.tensor(STACK), mg.tensor(OTHER), **k), "beta", X, (STACK @ OTHER).sum(0)
    ),
}  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", SCALED)
def test_a_number_scales_what_it_is_said_to(name, number):
    call, which, scaled, rest = SCALED[name]
    settings = {} if number is None else {which: number}
    out = call(*map(mg.tensor, (X, Y, Z)), **settings)
    expected = rest + (1 if number is None else number) * scaled
    assert out.dtype == mg.float64
    np.testing.assert_allclose(out.data, expected, rtol=1e-13, atol=1e-13)


def test_what_beta_0_hides_is_not_looked_at():
    hidden = mg.full((3, 3), np.nan, dtype=mg.float64)
    for beta in (0, 0.0):
        assert np.isfinite(mg.addmm(hidden, mg.tensor(Y), mg.tensor(Z), beta=beta).data).all()
    assert np.isnan(mg.addmm(hidden, mg.tensor(Y), mg.tensor(Z)).data).all()


def test_bools_that_are_not_scaled_stay_bools():
    x, y = mg.tensor([[True, False], [False, False]]), mg.tensor([[False, False], [True, False]])
    either = [[True, False], [True, False]]
    ones = mg.tensor([0, 1])
    for out in (mg.add(x, y), x.clone().add_(y), x.index_add(0, ones, y), x.clone().index_add_(0, ones, y),
                mg.add(x, y, alpha=1), x.clone().add_(y, alpha=1)):  # fmt: skip
        assert out.dtype == mg.bool and out.tolist() == either
    eye = mg.tensor([[True, False], [False, True]])
    for out in (mg.addmm(x, y, eye), mg.baddbmm(x, y.unsqueeze(0), eye.unsqueeze(0))[0]):
        assert out.dtype == mg.bool and out.tolist() == either


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 0.75, 1.0, -0.25, -0.5, -0.75, 1.5, -1.0, 2.0])
def test_a_mixture_is_computed_from_the_nearer_end_as_in_pytorch(weight):
    """To the last bit: from `input` for weights within a half of 0, and from `end` for all others."""
    rng = np.random.default_rng(1)
    start, end = rng.normal(size=200), rng.normal(size=200) * 100
    near, far = start + weight * (end - start), end - (end - start) * (1 - weight)
    assert weight in (0.0, 1.0) or (near != far).any()
    expected = near if abs(weight) < 0.5 else far
    x, y = mg.tensor(start), mg.tensor(end)
    for each in (weight, mg.tensor(weight, dtype=mg.float64), mg.full((200,), weight, dtype=mg.float64)):
        np.testing.assert_array_equal(mg.lerp(x, y, each).data, expected)


@pytest.mark.parametrize("correction", [None, 0, 1, 2, 0.5])
@pytest.mark.parametrize("name", ["var", "std", "var_mean", "std_mean"])
def test_a_correction_is_taken_from_the_number_of_elements(name, correction):
    settings = {} if correction is None else {"correction": correction}
    out = getattr(mg, name)(mg.tensor(X), 1, **settings)
    spread, mean = out if isinstance(out, tuple) else (out, None)
    squares = ((X - X.mean(1, keepdims=True)) ** 2).sum(1) / (3 - (1 if correction is None else correction))
    np.testing.assert_allclose(spread.data, squares if name.startswith("var") else np.sqrt(squares), rtol=1e-13)
    assert mean is None or np.allclose(mean.data, X.mean(1))


MATRICES = {
    "inv": lambda x: mg.linalg.inv(x), "solve": lambda x: mg.linalg.solve(x, x[:, :1]),
    "det": lambda x: mg.linalg.det(x),
    "slogdet": lambda x: mg.linalg.slogdet(x).logabsdet, "cholesky": lambda x: mg.linalg.cholesky(x @ x.T),
    "matrix_power": lambda x: mg.linalg.matrix_power(x, -2), "logdet": lambda x: mg.logdet(x),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
@pytest.mark.parametrize("name", MATRICES)
def test_linear_algebra_keeps_the_dtype_of_a_matrix(name, dtype):
    values = np.array([[2.0, 0.5], [0.25, 1.0]])
    x = mg.tensor(values, dtype=dtype, requires_grad=True)
    out, exact = MATRICES[name](x), MATRICES[name](mg.tensor(values))
    assert out.dtype == dtype
    np.testing.assert_allclose(out.detach().data, exact.data, rtol=2 * np.finfo(dtype).eps, atol=np.finfo(dtype).eps)
    out.sum().backward()
    assert x.grad.dtype == dtype and np.isfinite(x.grad.data).all()


def test_what_has_the_common_dtype_is_not_copied():
    array = np.ones(3, np.float32)
    for other in (np.ones(()), np.ones(2, np.int64), np.ones(2, np.float16), 1.0, True):
        for both in (to_common_dtype((array, other)), tuple(reversed(to_common_dtype((other, array))))):
            assert both[0] is array
    assert to_float((array, 1))[0] is array


@pytest.mark.parametrize("arrays", [
    (F, 1.0), (1.0, F), (F, 2), (2, F), (F, True), (True, F), (F, F), (W, 2), (2, W), (W, True), (True, W), (W, W),
    (F, F, 1.0), (1.0, 2, F), (1.0, 2.0), (1, True), (F,), (W,),
])  # fmt: skip
def test_what_is_of_one_dtype_is_not_looked_at_further(monkeypatch, arrays):
    monkeypatch.delattr(dtypes, "result_dtype")
    assert to_common_dtype(arrays) is arrays


@pytest.mark.parametrize("arrays", [(W, 1.0), (1.0, W), (W, F), (F, W), (True, W, 0.5), (0.5, True, W)])
def test_a_fraction_makes_floats_of_whole_numbers_wherever_it_stands(arrays):
    assert {each.dtype for each in to_common_dtype(arrays) if hasattr(each, "dtype")} == {np.dtype(np.float32)}
