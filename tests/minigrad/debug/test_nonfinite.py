"""The first operation that makes nan or inf of finite numbers is named, in forward and in backward."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import hooks, nn

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(autouse=True)
def nothing_stays_on():
    yield
    assert not hooks.forward_watchers and not hooks.backward_watchers


def leaf(*values):
    return mg.tensor(np.array(values), requires_grad=True)


class Logarithm(nn.Module):
    def forward(self, x):
        y = x * 1.0
        y = y.log()  # the guilty line
        return y.exp() + 1.0


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = Logarithm()

    def forward(self, x):
        return self.head(x) * 2.0


@pytest.mark.parametrize("requires_grad", [True, False])
@pytest.mark.parametrize("no_grad", [True, False])
def test_the_forward_names_operation_module_line_shapes_and_counts(requires_grad, no_grad):
    x = mg.tensor([[-1.0, 0.0, 1.0]], requires_grad=requires_grad)
    with mg.debug.detect_nonfinite(), mg.set_grad_enabled(not no_grad), pytest.raises(FloatingPointError) as raised:
        Model()(x)
    text = str(raised.value)
    assert text.startswith(
        "log of (1, 3) float32 made 1 nan and 1 inf in 3 elements of its result of shape (1, 3) out of finite inputs, "
        "in module 'head', at\n"
    )
    assert text.endswith("# the guilty line")


@pytest.mark.parametrize("create_graph", [True, False])
def test_the_backward_names_the_line_of_the_forward(create_graph):
    x = leaf(0.0, 1.0)
    with mg.debug.detect_nonfinite():
        y = x.sqrt()  # a slope of infinity
        with pytest.raises(FloatingPointError) as raised:
            y.sum().backward(create_graph=create_graph)
    if create_graph:  # the backward is itself a forward: the operation in it is named
        assert str(raised.value).startswith("div of ")
        assert any(note.startswith("in the backward of sqrt") for note in raised.value.__notes__)
    else:
        assert str(raised.value).startswith("the backward of sqrt (output of shape (2,)) made 0 nan and 1 inf in 2 ele")
        assert "# a slope of infinity" in str(raised.value)
    assert x.grad is None


def test_what_is_given_may_be_handed_on():
    x = leaf(1.0, 2.0)
    with mg.debug.detect_nonfinite():
        masked = mg.where(mg.tensor([True, False]), x, -np.inf)
        assert (masked * 2.0).exp().data[1] == 0.0
        x.masked_fill(mg.tensor([True, False]), float("-inf"))
        (x * mg.tensor([np.inf, 1.0])).sum().backward()
        (x * 2.0).backward(mg.tensor(np.array([np.nan, 1.0])))
        mg.nn.functional.softmax(masked, -1).sum().backward()


@pytest.mark.host("the kernels are for NumPy")
def test_kernels_are_looked_at_too():
    x = mg.tensor([[1e38, 1e38]], requires_grad=True)
    message = r"^linear of \(1, 2\) float32 and \(1, 2\) float32 made 0 nan and 1 inf"
    with mg.kernels.mode("force"), mg.debug.detect_nonfinite(), pytest.raises(FloatingPointError, match=message):
        nn.functional.linear(x, x)


def test_functions_are_looked_at_too():
    class Raw(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return mg.Tensor(x.data * 1.0), mg.Tensor(1.0 / x.data)

        @staticmethod
        def backward(ctx, g, h):
            return g * mg.tensor(np.array([np.nan]))

    with mg.debug.detect_nonfinite():
        with pytest.raises(FloatingPointError, match=r"^Raw of \(1,\) float64 made 0 nan and 1 inf"):
            Raw.apply(leaf(0.0))
        with pytest.raises(FloatingPointError, match=r"^mul of \(1,\)|^the backward of Raw"):
            Raw.apply(leaf(1.0))[0].backward()


def test_the_switch():
    mg.debug.set_detect_nonfinite(True)
    try:
        with pytest.raises(FloatingPointError):
            leaf(0.0).log()
        with mg.debug.set_detect_nonfinite(False):
            leaf(0.0).log()
        with mg.debug.detect_nonfinite():
            pass
        with pytest.raises(FloatingPointError):
            leaf(0.0).log()
    finally:
        mg.debug.set_detect_nonfinite(False)
    leaf(0.0).log()
