"""First and second derivatives of every operation, over drawn shapes, dims and values; every point in every layout."""

from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import graph, ops
from minigrad.ops.primitive import Primitive
from minigrad.ops.products import _right_gradient
from minigrad.testing import check_grads
from tests.minigrad.ops.cases import CASES
from tests.minigrad.ops.cases.case import points
from tests.minigrad.ops.cases.products import EQUATIONS


@pytest.mark.parametrize("name", CASES)
@points
@given(st.data())
def test_derivatives(name, data):
    case = CASES[name]
    function, arrays = case.draw(data)
    check_grads(function, *arrays, order=case.order, probes=1)


@pytest.mark.parametrize("equation, sizes", [(equation, sizes) for equation, *sizes in EQUATIONS])
def test_derivatives_of_einsum(equation, sizes):
    rng = np.random.default_rng(0)
    check_grads(lambda *tensors: mg.einsum(equation, *tensors), *(rng.uniform(-1, 1, size) for size in sizes), order=2)


@points
@given(st.sampled_from(["add", "mul", "matmul", "sum", "exp", "getitem", "transpose"]), st.integers(0, 99))
def test_derivatives_of_broadcast_memory(name, seed):
    row = np.random.default_rng(seed).uniform(-1, 1, (1, 3))
    array = np.broadcast_to(row, (3, 3))  # one row seen three times: still nine inputs
    function = {"getitem": lambda x: x[1:], "transpose": lambda x: x.T, "sum": lambda x: x.sum(0)}.get(name)
    arrays = [array, array] if name in ("add", "mul", "matmul") else [array]
    check_grads(function or getattr(mg, name), *arrays, order=2, probes=1)


def primitives():
    """Every primitive with a gradient, by name; that of a device transfer needs a second device."""
    found = {}
    for module in (value for value in vars(ops).values() if isinstance(value, ModuleType)):
        found.update({id(p): p for p in vars(module).values() if isinstance(p, Primitive) and p.differentiable})
    return {primitive.name for primitive in found.values()} - {"to"}


def operations(tensor):
    """The names of the operations in a tensor's graph."""
    names, stack = set(), [tensor.node]
    while stack:
        node = stack.pop()
        if isinstance(node, graph.Node):
            names.add(node.op.name)
            stack.extend(node.edges)
    return names


def test_every_primitive_is_checked():
    assert primitives() - set(CASES) == {"cast", "put"}
    x = mg.tensor(np.array([0.5, 2.0]), requires_grad=True)
    assert "cast" in operations(x.float())  # test_a_cast_gives_the_gradient_in_its_input_s_dtype
    (gradient,) = mg.autograd.grad((x[0] * x[1]), x, create_graph=True)
    assert "put" in operations(gradient)  # the second derivative of getitem


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("target", ["float16", "float32", "float64"])
def test_a_cast_gives_the_gradient_in_its_input_s_dtype(dtype, target):
    x = mg.tensor(np.array([1.5, -2.0], dtype), requires_grad=True)
    (x.to(target) * mg.tensor(np.array([2.0, 4.0], target))).sum().backward()
    assert x.grad.dtype == dtype
    np.testing.assert_array_equal(x.grad.data, [2.0, 4.0])


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=4)
@given(st.data())
def test_a_rule_computes_in_the_dtype_of_its_input(name, data):
    """And not in float64, which the backward would round to the right dtype: twice the memory, and unseen."""
    function, arrays = CASES[name].draw(data)
    tensors = [mg.tensor(array.astype(np.float32)).requires_grad_() for array in arrays]
    out = function(*tensors)
    outputs = [each for each in (out if isinstance(out, tuple) else (out,)) if each.requires_grad]
    dtypes, rule = [], Primitive.vjp

    def vjp(self, node, cotangent, edges, recorder):
        for number, gradient in rule(self, node, cotangent, edges, recorder):
            if self.name != "cast":  # whose input has another dtype by intent
                dtypes.append((self.name, str(gradient.dtype), str(edges[number].dtype)))
            yield number, gradient

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Primitive, "vjp", vjp)
        if outputs:
            mg.autograd.grad(outputs, tensors, [mg.ones_like(each) for each in outputs], allow_unused=True)
    assert [each for each in dtypes if each[1] != each[2]] == []


@pytest.mark.parametrize("method", ["int", "long", "bool"])
def test_a_cast_to_whole_numbers_ends_the_graph(method):
    x = mg.tensor([1.5, 2.0], requires_grad=True)
    assert not getattr(x, method)().requires_grad
    assert not x.sum(dtype=mg.int64).requires_grad
    assert x.float().requires_grad and x.half().requires_grad and x.double().requires_grad


def test_what_overlapping_windows_share_adds_up():
    x = mg.zeros(5, requires_grad=True)
    x.unfold(0, 3, 1).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1.0, 2.0, 3.0, 2.0, 1.0])


@pytest.mark.parametrize("stack", [(2,), (2, 1), (3, 1, 2)])
def test_the_gradient_of_one_matrix_for_a_stack_is_one_product(stack):
    """Not a stack of products that is then summed, which would be as large as the stack."""
    x, g = np.ones((*stack, 4, 3), np.float32), np.ones((*stack, 4, 5), np.float32)
    gradient = _right_gradient(g, x, (3, 5))
    np.testing.assert_array_equal(gradient, np.full((3, 5), 4.0 * np.prod(stack)))


# ---------------------------------------------------------------- where the derivative does not exist: PyTorch's choice


def gradient_at(function, *numbers):
    tensors = [mg.tensor(np.float64(number), requires_grad=True) for number in numbers]
    return [float(g) for g in mg.autograd.grad(function(*tensors), tensors)]


@pytest.mark.parametrize(
    "function, at, expected",
    [
        (mg.abs, (0.0,), [0.0]),
        (mg.sign, (0.0,), [0.0]),
        (mg.floor, (1.0,), [0.0]),
        (mg.maximum, (1.0, 1.0), [0.5, 0.5]),
        (mg.minimum, (1.0, 1.0), [0.5, 0.5]),
        (mg.clamp_min, (1.0, 1.0), [1.0, 0.0]),
        (mg.clamp_max, (1.0, 1.0), [1.0, 0.0]),
        (lambda x: mg.clamp(x, 0.0, 1.0), (0.0,), [1.0]),
        (lambda x: mg.clamp(x, 0.0, 1.0), (1.0,), [1.0]),
        (lambda x: x**0, (0.0,), [0.0]),
        (lambda x: x**1, (0.0,), [1.0]),
        (lambda x: x**2, (0.0,), [0.0]),
        (lambda x, y: x**y, (0.0, 0.0), [0.0, 0.0]),
        (lambda x, y: x**y, (0.0, 2.0), [0.0, 0.0]),
        (lambda x: 0**x, (2.0,), [0.0]),
        (mg.nn.functional.relu, (0.0,), [0.0]),
    ],
)
def test_conventions_at_kinks(function, at, expected):
    assert gradient_at(function, *at) == expected


def test_ties_of_amax_and_amin_share_evenly():
    for name in ("amax", "amin"):
        x = mg.tensor(np.zeros((2, 3)), requires_grad=True)
        getattr(mg, name)(x, 1).backward(mg.tensor(np.array([3.0, 6.0])))
        np.testing.assert_array_equal(x.grad.data, [[1.0] * 3, [2.0] * 3])


def test_max_and_min_along_a_dim_give_ties_to_the_first():
    for name in ("max", "min"):
        x = mg.tensor(np.zeros((2, 3)), requires_grad=True)
        found = getattr(mg, name)(x, 1)
        found.values.sum().backward()
        np.testing.assert_array_equal(found.indices.data, [0, 0])
        np.testing.assert_array_equal(x.grad.data, [[1.0, 0.0, 0.0]] * 2)


@pytest.mark.parametrize("name, sign", [("amax", 1.0), ("amin", -1.0)])
def test_ties_of_scatter_reduce_share_evenly(name, sign):
    x = mg.tensor(sign * np.array([1.0, 5.0, -9.0]), requires_grad=True)
    src = mg.tensor(sign * np.array([1.0, 1.0, -9.0, 7.0, 7.0]), requires_grad=True)
    out = x.scatter_reduce(0, mg.tensor([0, 0, 0, 2, 2]), src, name)
    out.backward(mg.tensor(np.array([3.0, 8.0, 4.0])))
    np.testing.assert_array_equal(x.grad.data, [1.0, 8.0, 0.0])
    np.testing.assert_array_equal(src.grad.data, [1.0, 1.0, 0.0, 2.0, 2.0])
