"""Functions of other frameworks are checked as our own are, where these frameworks are installed."""

import subprocess
import sys

import numpy as np
import pytest

from minigrad.testing import adapters, check_grads
from minigrad.testing.verdicts import Disconnected, Inconclusive, PrecisionLoss, Raised, UnusableOutput, WrongFormula

X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]])


@pytest.mark.parametrize("name", ["torch", "jax", "autograd"])
def test_a_framework_that_is_not_there_is_named(name):
    program = (
        f"import sys; sys.modules[{name!r}] = None\n"
        "from minigrad.testing import adapters\n"
        f"try:\n    adapters.{name}(abs)\n"
        f"except ImportError as error:\n    assert 'pip install {name}' in str(error), error\n"
        "else:\n    raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def wrong_in_torch(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * torch.sigmoid(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            s = torch.sigmoid(x)
            return g * (s + x * s * (1 + s))

    return Wrong.apply


def test_a_function_of_torch():
    torch = pytest.importorskip("torch")
    x = torch.tensor(X)
    report = check_grads(adapters.torch(torch.nn.functional.silu), x, order=2)
    assert "second order, symmetric" in report.passed
    assert {probe.oracle for probe in report.probes} == {"float64"}
    with pytest.raises(WrongFormula, match=r"argument 0\[1, 0\]"):
        check_grads(adapters.torch(wrong_in_torch(torch)), X)
    with pytest.raises(Disconnected):
        check_grads(adapters.torch(lambda x: x.detach() * 2 + 0 * x), x)
    assert x.grad is None and not x.requires_grad


@pytest.mark.parametrize("seed", range(3))
def test_a_module_of_torch_with_its_parameters_and_buffers(seed):
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed)
    layer = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Dropout(0.5)).double()
    x = torch.tensor(np.random.default_rng(0).standard_normal((5, 3)))
    kept = {name: value.clone() for name, value in layer.state_dict().items()}
    state = torch.random.get_rng_state()
    report = check_grads(adapters.torch(layer), x)
    assert [line.split(":")[0] for line in report.point] == ["argument 0", "0.weight", "0.bias", "1.weight", "1.bias"]
    assert all(torch.equal(value, kept[name]) for name, value in layer.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_float32_inside_a_function_of_torch():
    torch = pytest.importorskip("torch")

    class Narrow(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            return (g.float() * ctx.saved_tensors[0].float().cos()).double()

    with pytest.raises(PrecisionLoss):
        check_grads(adapters.torch(Narrow.apply), X)


def test_an_adapted_function_can_still_be_called():
    torch = pytest.importorskip("torch")
    adapted = adapters.torch(torch.sin)
    assert adapted.__name__ == "sin"
    assert torch.equal(adapted(torch.tensor(X)), torch.tensor(X).sin())


def test_a_torch_module_with_a_wrong_layer_in_it_names_the_parameter():
    torch = pytest.importorskip("torch")

    class Scale(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            ctx.save_for_backward(x, weight)
            return x * weight

        @staticmethod
        def backward(ctx, g):
            x, weight = ctx.saved_tensors
            return g * weight, (g * x).mean(0)  # the sum over the rows is the gradient

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.linspace(0.5, 2.0, 3, dtype=torch.float64))
            self.register_buffer("shift", torch.linspace(-1.0, 1.0, 3, dtype=torch.float64))

        def forward(self, x):
            return Scale.apply(x + self.shift, self.weight).tanh()

    with pytest.raises(WrongFormula, match="gradient of weight") as caught:
        check_grads(adapters.torch(Net()), X)
    assert "a constant factor of 0.5" in str(caught.value)


# ------------------------------------------------------------------------------------------------ jax and autograd


class Jax:
    def __init__(self):
        self.jax = pytest.importorskip("jax")
        self.adapt, self.numpy = adapters.jax, self.jax.numpy

    def with_rule(self, forward, vjp):
        """A function of one or several arrays with this backward: vjp(cotangent, *arrays)."""
        own = self.jax.custom_vjp(forward)
        own.defvjp(lambda *xs: (forward(*xs), xs), lambda xs, g: vjp(g, *xs))
        return own


class Autograd:
    def __init__(self):
        pytest.importorskip("autograd")
        import autograd.extend
        import autograd.numpy

        self.adapt, self.numpy, self.extend = adapters.autograd, autograd.numpy, autograd.extend

    def with_rule(self, forward, vjp):
        own = self.extend.primitive(forward)
        count = forward.__code__.co_argcount
        rules = [lambda out, *xs, i=i: lambda g: vjp(g, *xs)[i] for i in range(count)]
        self.extend.defvjp(own, *rules)
        return own


@pytest.fixture(params=[Jax, Autograd])
def framework(request):
    return request.param()


Y = np.array([0.5, 2.0, -0.3])


def test_right_functions_pass(framework):
    np_ = framework.numpy
    for fn in (
        np_.tanh, lambda x: np_.sum(np_.exp(x) * x), lambda x: x @ np_.transpose(x), lambda x: x[..., :2] / x[0, 0],
    ):  # fmt: skip
        report = check_grads(framework.adapt(fn), X)
        assert report.ok and {probe.oracle for probe in report.probes} == {"float64"}


def test_a_wrong_rule_is_found_and_its_entry_named(framework):
    """By a factor in all entries; by 1e-6 in one."""
    wrong = framework.with_rule(lambda x: x * x, lambda g, x: (1.5 * g * x,))
    with pytest.raises(WrongFormula, match=r"a constant factor of 0\.75"):
        check_grads(framework.adapt(wrong), X)
    nearly_one = np.array([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0 + 1e-6]])
    wrong = framework.with_rule(lambda x: x * x, lambda g, x: (2 * g * x * nearly_one,))
    with pytest.raises(WrongFormula, match=r"wrong entries: 1 of 6\n +argument 0\[1, 2\]"):
        check_grads(framework.adapt(wrong), X)


def test_of_several_arguments_the_wrong_one_is_named(framework):
    wrong = framework.with_rule(lambda x, y: x * y * y, lambda g, x, y: (g * y * y, -2 * g * x * y))
    with pytest.raises(WrongFormula, match="gradient of argument 1") as caught:
        check_grads(framework.adapt(wrong), X, X + 1)
    assert "looks like a wrong sign" in str(caught.value)
    assert check_grads(framework.adapt(wrong), X, X + 1, wrt=[0]).ok
    with pytest.raises(WrongFormula, match="gradient of argument 1"):
        check_grads(framework.adapt(wrong), X, X + 1, wrt=[-1])


def test_a_broadcast_argument_and_others_that_are_no_floats(framework):
    def fn(x, y, power, factor, rows):
        return (x * y)[rows] ** power * factor

    report = check_grads(framework.adapt(fn), X, Y, 3, 0.5, np.array([1, 1]))
    assert [line.split(":")[0] for line in report.point] == ["argument 0", "argument 1"]


@pytest.mark.parametrize("kind", ["tuple", "list", "integers among them", "nested", "dict"])
def test_functions_with_several_outputs(framework, kind):
    np_ = framework.numpy

    def outputs(x, sine):
        return {
            "tuple": (sine(x), np_.sum(np_.cos(x))),
            "list": [sine(x), np_.sum(np_.cos(x))],
            "integers among them": (np_.argmax(x, 1), sine(x)),
            "nested": (np_.cos(x), (None, [sine(x)])),
            "dict": {"other": np_.cos(x), "sine": sine(x)},
        }[kind]

    assert check_grads(framework.adapt(lambda x: outputs(x, np_.sin)), X).ok
    wrong = framework.with_rule(lambda x: np_.sin(x), lambda g, x: (-g * np_.cos(x),))
    with pytest.raises(WrongFormula):
        check_grads(framework.adapt(lambda x: outputs(x, wrong)), X)


def test_an_output_that_stands_still(framework):
    assert check_grads(framework.adapt(lambda x: (framework.numpy.ones(2), x * 2, 1.5)), X).ok


def test_second_order(framework):
    np_ = framework.numpy
    report = check_grads(framework.adapt(lambda x, y: np_.tanh(x * y)), X, Y, order=2)
    assert "second order, symmetric" in report.passed
    wrong = framework.with_rule(lambda x: x**2, lambda g, x: (g * x,))
    cube = framework.with_rule(lambda x: x**3, lambda g, x: (g * 3 * wrong(x),))  # wrong in its own derivative alone
    assert check_grads(framework.adapt(cube), X).ok
    with pytest.raises(WrongFormula, match="second order"):
        check_grads(framework.adapt(cube), X, order=2)


def test_narrow_numbers_get_the_verdict_that_is_theirs(framework):
    np_ = framework.numpy
    report = check_grads(framework.adapt(np_.tanh), X.astype(np.float32))
    assert "float32 gradients are accurate (against float64)" in report.passed
    for narrow in (lambda x: np_.tanh(x.astype(np.float32)), lambda x: np_.tanh(x).astype(np.float32)):
        with pytest.raises(Inconclusive, match="is it computed in float16 or float32 inside"):
            check_grads(framework.adapt(narrow), X)
    rough = framework.with_rule(lambda x: x * x, lambda g, x: ((2 * g * x).astype(np.float32).astype(np.float64),))
    with pytest.raises(PrecisionLoss):
        check_grads(framework.adapt(rough), X)


def test_what_cannot_be_checked_is_said(framework):
    np_ = framework.numpy
    with pytest.raises(UnusableOutput, match="is a return statement missing"):
        check_grads(framework.adapt(lambda x: None), X)
    with pytest.raises(UnusableOutput, match="the function returned int64"):
        check_grads(framework.adapt(lambda x: np_.argmax(x)), X)
    with pytest.raises(TypeError, match="no floating-point array to differentiate with respect to"):
        check_grads(framework.adapt(np_.tanh), np.arange(3))
    with pytest.raises(TypeError, match=r"wrt=\(0, 1\) names an argument that is no floating-point array"):
        check_grads(framework.adapt(lambda x, n: x**n), X, 2, wrt=(0, 1))
    with pytest.raises(TypeError, match="pass params as arguments"):
        check_grads(framework.adapt(np_.tanh), X, params={"w": X})


def test_kinks(framework):
    np_ = framework.numpy
    x = np.array([0.0, 1.5, -0.5])
    report = check_grads(framework.adapt(lambda x: np_.maximum(x, 0.0)), x)
    assert "at kinks between the slopes of the two sides" in report.passed
    beyond = framework.with_rule(lambda x: np_.maximum(x, 0.0), lambda g, x: (g * (x >= 0) * (2 - (x > 0)),))
    with pytest.raises(WrongFormula, match=r"argument 0\[0\]"):
        check_grads(framework.adapt(beyond), x)


def test_an_array_that_is_jaxs_own_and_a_function_that_was_compiled():
    jax = pytest.importorskip("jax")
    fn = adapters.jax(jax.jit(lambda x: jax.numpy.exp(x) * x))
    assert fn.__name__
    assert check_grads(fn, jax.numpy.asarray(X)).ok
    np.testing.assert_allclose(fn(X), np.exp(X) * X, rtol=1e-15)
    with pytest.raises(Disconnected):
        check_grads(adapters.jax(lambda x: jax.lax.stop_gradient(x) * 2 + 0 * x), X)


def test_jax_without_64_bit_numbers_is_told_so():
    """Not found to be wrong, nor said to be right."""
    jax = pytest.importorskip("jax")
    adapted = adapters.jax(jax.numpy.tanh)
    jax.config.update("jax_enable_x64", False)
    try:
        with pytest.raises(Raised, match=r"JAX made float32 of float64: 64-bit numbers were turned off"):
            check_grads(adapted, X)
        with pytest.raises(Raised, match=r"JAX made float32 of float64"):
            check_grads(adapted, X.astype(np.float32))
    finally:
        jax.config.update("jax_enable_x64", True)
    assert check_grads(adapted, X).ok


def test_what_stands_still_in_pytorch_is_brought_to_the_precision_of_the_call():
    torch = pytest.importorskip("torch")
    x, w, layer = torch.randn(3, 4), torch.randn(4, 2), torch.nn.Linear(4, 2)
    layer.weight.requires_grad_(False)
    assert check_grads(adapters.torch(lambda a, b: a @ b), x, w, wrt=(0,)).ok
    assert check_grads(adapters.torch(layer), x).ok
    assert layer.weight.dtype == torch.float32
