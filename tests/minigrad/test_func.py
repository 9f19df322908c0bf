"""Transforms of functions: PyTorch's values, the laws of derivatives, composition to any order, and what is refused."""

import collections
import gc
import weakref
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import func, nn
from tests.oracle.func_cases import SHAPES, calls, flat

RECORDED = np.load(Path(__file__).parent.parent / "oracle" / "func.npz", allow_pickle=False)
OURS = calls(mg, **{name: mg.tensor(RECORDED[name]) for name in SHAPES})


@pytest.mark.parametrize("name", OURS)
def test_values_are_those_of_pytorch(name):
    ours = flat(OURS[name])
    assert len(ours) == len([key for key in RECORDED.files if key.startswith(f"{name}/")])
    for number, value in enumerate(ours):
        expected = RECORDED[f"{name}/{number}"]
        assert (value.shape, value.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(value.data, expected, rtol=1e-12, atol=1e-13)
        assert not value.requires_grad


def test_every_recorded_call_is_compared():
    assert {key.split("/")[0] for key in RECORDED.files} - set(SHAPES) == set(OURS)


# --------------------------------------------------------------------------------------------------------- laws


def random(rng, *shape):
    return mg.tensor(rng.uniform(-1.0, 1.0, shape))


@given(st.integers(0, 2**32 - 1), st.integers(0, 4), st.integers(1, 3))
def test_laws(seed, n, m):
    """J v and u J agree, rows of the jacobian are products with basis vectors, Hessians are symmetric."""
    rng = np.random.default_rng(seed)
    w, x, v, u = random(rng, m, n), random(rng, n), random(rng, n), random(rng, m)

    def f(x):
        return (w @ (x * x * x + x)).tanh()

    output, jv = func.jvp(f, (x,), (v,))
    same, vjp_fn = func.vjp(f, x)
    np.testing.assert_array_equal(output.data, same.data)
    assert float((u * jv).sum()) == pytest.approx(float((vjp_fn(u) * v).sum()), rel=1e-12, abs=1e-14)
    jacobian = func.jacrev(f)(x)
    assert jacobian.shape == (m, n)
    rows = [vjp_fn(mg.tensor(row)).data for row in np.eye(m)]
    np.testing.assert_array_equal(jacobian.data, np.array(rows).reshape(m, n))
    np.testing.assert_allclose((jacobian @ v).data, jv.data, rtol=1e-12, atol=1e-14)

    def g(x):
        return (f(x) * u).sum()

    hessian = func.hessian(g)(x)
    np.testing.assert_allclose(hessian.data, hessian.data.T, rtol=1e-12, atol=1e-13)
    value, product = func.hvp(g, x, v)
    assert value.item() == g(x).item()
    np.testing.assert_allclose(product.data, (hessian @ v).data, rtol=1e-12, atol=1e-13)
    other = random(rng, n)
    assert float((product * other).sum()) == pytest.approx(
        float((func.hvp(g, x, other)[1] * v).sum()), rel=1e-11, abs=1e-13
    )


@given(st.lists(st.floats(-1.5, 1.5), min_size=1, max_size=3))
def test_derivatives_of_a_polynomial_to_order_five(points):
    x = mg.tensor(np.array(points))
    transform = lambda x: x * x * x * x
    for order, factor in enumerate([1, 4, 12, 24, 24, 0]):
        if order:
            transform = lambda x, inner=transform: func.grad(lambda x: inner(x).sum())(x)
        np.testing.assert_allclose(transform(x).data, factor * x.data ** max(4 - order, 0), rtol=1e-12, atol=1e-300)


def test_forward_and_reverse_in_any_order_give_one_third_derivative():
    d = lambda f: lambda x: func.jvp(f, (x,), (mg.tensor(1.0),))[1]
    r = func.grad
    f = lambda x: (x * x).exp()
    x = mg.tensor(0.7, dtype=mg.float64)
    expected = (8 * 0.7**3 + 12 * 0.7) * np.exp(0.7**2)
    for first in (d, r):
        for second in (d, r):
            for third in (d, r, func.jacrev):
                assert third(second(first(f)))(x).item() == pytest.approx(expected, rel=1e-13)


# ------------------------------------------------------------------------------------------------- what is around


def test_inputs_are_left_alone():
    x = mg.tensor([1.0, 2.0])
    func.grad(lambda x: (x * x).sum())(x)
    func.hessian(lambda x: (x * x).sum())(x)
    assert (x.requires_grad, x.grad, x.node) == (False, None, None)
    with pytest.raises(RuntimeError, match="overwrite a leaf"):
        func.grad(lambda x: x.mul_(2.0).sum())(x)
    p = mg.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="view"):
        func.grad(lambda x: x.mul_(2.0).sum())(p)
    assert p.tolist() == x.tolist() == [1.0, 2.0]


def test_results_stay_in_the_graph_of_what_requires_grad():
    x, w = mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0], requires_grad=True)
    slope = func.grad(lambda x: (w * x * x).sum())(x)  # 2 w x
    assert mg.autograd.grad(slope.sum(), w)[0].tolist() == [2.0, 4.0]
    slope, value = func.grad_and_value(lambda x: (x**3).sum())(w)  # an argument that requires grad itself
    assert mg.autograd.grad(slope.sum(), w)[0].tolist() == [18.0, 24.0]
    assert mg.autograd.grad(value, w)[0].tolist() == [27.0, 48.0]
    assert w.grad is None
    with mg.no_grad():
        assert not func.grad(lambda x: (w * x).sum())(w).requires_grad
    tangent = func.jvp(lambda x: x * x, (x,), (w,))[1]  # 2 x w
    assert mg.autograd.grad(tangent.sum(), w)[0].tolist() == [2.0, 4.0]
    output, vjp_fn = func.vjp(lambda x: x * x, x)
    assert not output.requires_grad and not vjp_fn(x).requires_grad
    assert mg.autograd.grad(vjp_fn(w).sum(), w)[0].tolist() == [2.0, 4.0]


def test_a_closure_is_a_constant():
    """d/dx of x * (d/dy of x y at y = x): the inner derivative takes x for a constant, the outer does not."""
    f = lambda x: x * func.grad(lambda y: x * y)(x)
    assert func.grad(f)(mg.tensor(3.0)).item() == 6.0


def test_no_grad_inside_is_respected():
    def f(x):
        with mg.no_grad():
            scale = x.sum()
        return (x * scale).sum()

    assert func.grad(f)(mg.tensor([1.0, 2.0])).tolist() == [3.0, 3.0]


class Point(NamedTuple):
    x: object
    y: object


def test_structures_come_back_as_they_went_in():
    result = func.grad(lambda p, s: (p.x * p.y["a"][0]).sum() * s)(Point(mg.ones(2), {"a": (mg.ones(2),)}), 3.0)
    assert isinstance(result, Point) and isinstance(result.y["a"], tuple)
    assert result.y["a"][0].tolist() == [3.0, 3.0]


def test_value_and_grad_is_grad_and_value_the_other_way_round():
    f = lambda x: ((x * x).sum(), "aux")
    assert func.value_and_grad(lambda x: f(x)[0])(mg.tensor([3.0]))[1].tolist() == [6.0]
    (value, aux), gradient = func.value_and_grad(f, has_aux=True)(mg.tensor([3.0]))
    assert (value.item(), aux, gradient.tolist()) == (9.0, "aux", [6.0])


def test_jacobians_of_nothing_and_of_constants():
    assert func.jacrev(lambda x: x[:0])(mg.ones(3)).shape == (0, 3)
    assert func.jacrev(lambda x: x * 1.0)(mg.ones(0)).shape == (0, 0)
    assert func.jacrev(lambda x: mg.ones(2))(mg.ones(3)).tolist() == [[0.0] * 3] * 2
    assert func.hessian(lambda x: x.sum())(mg.ones(2)).tolist() == [[0.0, 0.0]] * 2
    _, tangent = func.jvp(lambda x: (mg.ones(2), x.argmax()), (mg.ones(3),), (mg.ones(3),))
    assert (tangent[0].tolist(), tangent[1].tolist()) == ([0.0, 0.0], 0)
    assert func.hvp(lambda x: x.sum(), mg.ones(2), mg.ones(2))[1].tolist() == [0.0, 0.0]
    assert func.hvp(lambda x: x * x, mg.ones(1))[1].tolist() == [2.0]


def test_transforms_of_kernels_and_modules():
    """A fused kernel is differentiated by its definition: the third derivative of layer_norm, on and off."""
    w, x = mg.tensor(np.linspace(0.5, 1.5, 4)), mg.tensor(np.linspace(-1.0, 2.0, 8).reshape(2, 4))
    f = lambda x: (nn.functional.layer_norm(x, (4,), w) ** 3).sum()
    third = lambda: func.hessian(lambda x: func.jvp(f, (x,), (x,))[1])(x).data
    results = []
    for mode in ("off", "force"):
        with mg.kernels.mode(mode):
            results.append(third())
    np.testing.assert_allclose(*results, rtol=1e-9, atol=1e-10)


def test_nothing_waits_for_the_cyclic_collector():
    alive = []

    def f(x):
        y = x.exp()
        alive.append(weakref.ref(y.data))
        return (y * y).sum()

    gc.disable()
    try:
        func.grad(f)(mg.ones(3))
        func.hessian(f)(mg.ones(3))
        func.jvp(f, (mg.ones(3),), (mg.ones(3),))
        assert [ref() for ref in alive] == [None] * 3
    finally:
        gc.enable()


# ------------------------------------------------------------------------------------------- functional_call


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2, bias=False)
        self.b = nn.Linear(2, 2, bias=False)
        self.b.weight = self.a.weight
        self.register_buffer("scale", mg.ones(1))

    def forward(self, x, power=1):
        return self.b(self.a(x)) * self.scale**power


def test_functional_call_replaces_and_puts_back():
    model, x, w = Tied(), mg.ones(2), mg.tensor([[2.0, 0.0], [0.0, 2.0]])
    before = dict(model.named_parameters())
    out = func.functional_call(model, {"a.weight": w, "scale": mg.tensor([3.0])}, x, {"power": 2})
    assert out.tolist() == [36.0, 36.0]  # both of the tied ones
    assert func.functional_call(model, [{"a.weight": w}, {"scale": w[0, :1]}], (x, 2)).tolist() == [16.0, 16.0]
    with mg.no_grad():
        once = func.functional_call(model, {"a.weight": w}, x, tie_weights=False)
        np.testing.assert_allclose(once.data, model.b(2.0 * x).data)
    assert dict(model.named_parameters()).keys() == before.keys()
    assert all(parameter is before[name] for name, parameter in model.named_parameters())
    with pytest.raises(RuntimeError):
        func.functional_call(model, {"a.weight": mg.ones(5, 5)}, x)
    assert model.a.weight is before["a.weight"]


def test_functional_call_refuses_what_does_not_fit():
    model, x, w = Tied(), mg.ones(2), mg.ones(2, 2)
    with pytest.raises(RuntimeError, match=r"Tied: unexpected: a.weigth$"):
        func.functional_call(model, {"a.weigth": w}, x)
    with pytest.raises(RuntimeError, match=r"Tied: missing: scale$"):
        func.functional_call(model, {"a.weight": w}, x, strict=True)
    with pytest.raises(ValueError, match="tied to another"):
        func.functional_call(model, {"a.weight": w, "b.weight": w + 1.0}, x)
    with pytest.raises(ValueError, match=r"a.weight is given twice"):
        func.functional_call(model, [{"a.weight": w}, {"a.weight": w}], x)


# --------------------------------------------------------------------------------------------------- bad input

x2 = mg.ones(2)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: func.grad(lambda x: x * 2)(x2), RuntimeError, r"grad: .* no dimension, got shape \(2,\); reduce"),
        (lambda: func.grad(lambda x: 3.0)(x2), RuntimeError, r"grad: .* got float"),
        (lambda: func.grad(lambda x: x.sum(), argnums=1)(x2), RuntimeError, r"argnums has 1, but there are 1"),
        (lambda: func.grad(lambda x, y: x.sum(), argnums=(0, -2))(x2, x2), RuntimeError, r"each once"),
        (lambda: func.grad(lambda x: x.sum(), argnums=())(x2), RuntimeError, r"at least one"),
        (lambda: func.grad(lambda x: x.sum())(3.0), ValueError, r"grad: arguments to differentiate are tensors"),
        (lambda: func.grad(lambda x: x.sum())(mg.tensor([1])), RuntimeError, r"an argument is int64"),
        (lambda: func.grad(lambda x: (x.sum(), 1, 2), has_aux=True)(x2), RuntimeError, r"\(output, aux\)"),
        (lambda: func.vjp(lambda x: 3, x2), RuntimeError, r"vjp: the function must return tensors, got int"),
        (lambda: func.vjp(lambda x: (x, x), x2)[1](x2), RuntimeError, r"vjp: the cotangents have structure"),
        (lambda: func.vjp(lambda x: x, x2)[1](mg.ones(3)), RuntimeError, r"has shape \(3,\), the output .* \(2,\)"),
        (lambda: func.vjp(lambda x: x, x2)[1](1.0), RuntimeError, r"vjp: a cotangent must be a tensor, got float"),
        (lambda: func.jvp(lambda x: x, x2, (x2,)), RuntimeError, r"jvp: primals must be a tuple"),
        (lambda: func.jvp(lambda x: x, (x2,), x2), RuntimeError, r"jvp: tangents must be a tuple"),
        (lambda: func.jvp(lambda x: x, (x2,), (mg.ones(3),)), RuntimeError, r"tangent has shape \(3,\)"),
        (lambda: func.hvp(lambda x: x, x2, x2), RuntimeError, r"hvp: the function must return .* single element"),
        (lambda: func.hvp(lambda x: x.sum(), x2), RuntimeError, r"hvp: v can be left out only"),
        (lambda: func.hvp(lambda x: x.sum(), x2, mg.ones(3)), RuntimeError, r"hvp: a v has shape \(3,\)"),
    ],
)
def test_what_is_wrong_is_said(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_dicts_of_every_kind_come_back_as_they_are():
    x = collections.defaultdict(list, {"b": mg.tensor(2.0), "a": [mg.tensor(3.0)]})
    ordered = collections.OrderedDict(x)
    for each in (x, ordered):
        found = mg.func.grad(lambda x: (x["b"] * x["a"][0]))(each)
        assert type(found) is type(each) and list(found) == ["b", "a"]
        assert (found["b"].item(), found["a"][0].item()) == (3.0, 2.0)
    assert x.default_factory is mg.func.grad(lambda x: x["b"] * 1.0)(x).default_factory is list
