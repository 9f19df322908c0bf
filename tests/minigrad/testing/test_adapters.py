"""Functions of other frameworks are checked as our own are, where these frameworks are installed."""

import subprocess
import sys

import numpy as np
import pytest

from minigrad.testing import adapters, check_grads
from minigrad.testing.verdicts import Disconnected, PrecisionLoss, WrongFormula

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


def test_a_function_of_jax():
    jax = pytest.importorskip("jax")
    assert check_grads(adapters.jax(jax.numpy.tanh), X).ok

    @jax.custom_vjp
    def wrong(x):
        return x * x

    wrong.defvjp(lambda x: (x * x, x), lambda x, g: (g * x,))
    with pytest.raises(WrongFormula, match="factor"):
        check_grads(adapters.jax(wrong), X)


def test_a_function_of_autograd():
    pytest.importorskip("autograd")
    import autograd.numpy as anp
    from autograd.extend import defvjp, primitive

    assert check_grads(adapters.autograd(anp.tanh), X).ok

    @primitive
    def wrong(x):
        return x * x

    defvjp(wrong, lambda out, x: lambda g: g * x)
    with pytest.raises(WrongFormula, match="factor"):
        check_grads(adapters.autograd(wrong), X)
