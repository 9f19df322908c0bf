"""Checkpointing changes memory and nothing else: not values, nor gradients of any order, nor what dropout draws."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.func import checkpoint

F = nn.functional


def leaf(*values):
    return mg.tensor(np.array(values), requires_grad=True)


def derivatives(function, tensors, order):
    """The values of a function of tensors, then of its gradients, each summed with weights of their own."""
    found = []
    value = function(*tensors)
    for _ in range(order + 1):
        found.append(value.data.copy())
        gradients = mg.autograd.grad(value, tensors, create_graph=True, allow_unused=True)
        value = sum((g * (i + 1.5)).sum() for i, g in enumerate(gradients) if g is not None)
    return found


def smooth(x, w):
    h = (x @ w).tanh()
    h = F.layer_norm(h * h + x, (3,), w[0], w[1])
    return (F.softmax(h, -1) * x.exp()).sum()


@given(st.integers(0, 2**32 - 1), st.sampled_from(["off", "force"]), st.booleans())
def test_every_order_of_derivatives_is_the_same(seed, mode, nested):
    rng = np.random.default_rng(seed)
    x, w = (mg.tensor(rng.uniform(-1.0, 1.0, (3, 3)), requires_grad=True) for _ in range(2))
    inner = (lambda x, w: checkpoint(smooth, x, w)) if nested else smooth
    with mg.kernels.mode(mode):
        plain = derivatives(lambda x, w: smooth(x * 2.0, w), [x, w], 3)
        ours = derivatives(lambda x, w: checkpoint(inner, x * 2.0, w), [x, w], 3)
    for value, expected in zip(ours, plain, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_transforms_of_checkpoints_and_checkpoints_of_transforms():
    f = lambda x: (x * x).exp().sum()
    x = mg.tensor(np.array([0.5, -1.0]))
    expected = mg.func.hessian(f)(x).data
    np.testing.assert_array_equal(mg.func.hessian(lambda x: checkpoint(f, x))(x).data, expected)
    np.testing.assert_array_equal(mg.func.jacrev(lambda x: checkpoint(mg.func.grad(f), x))(x).data, expected)
    np.testing.assert_array_equal(
        mg.func.jacrev(lambda x: checkpoint(mg.func.grad(lambda x: checkpoint(f, x)), x))(x).data, expected
    )


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 4)
        self.drop = nn.Dropout(0.5)

    def forward(self, x, scale=1.0):
        return self.drop(self.lin(x).tanh()) * scale


@pytest.mark.parametrize("mode", ["off", "force"])
def test_modules_with_dropout_draw_the_same_and_leave_the_generator_alone(mode):
    mg.manual_seed(3)
    block, x = Block(), mg.rand(5, 4, requires_grad=True)
    results = []
    with mg.kernels.mode(mode):
        for call in (lambda: block(x, scale=2.0), lambda: checkpoint(block, x, scale=2.0, use_reentrant=False)):
            mg.manual_seed(7)
            x.grad = block.lin.weight.grad = None
            out = call()
            between = mg.rand(1).item()
            out.sum().backward()
            results.append((out.tolist(), between, mg.rand(1).item(), x.grad.tolist(), block.lin.weight.grad.tolist()))
    assert results[0] == results[1]


def test_the_draw_is_not_repeated_if_so_asked():
    x = mg.ones(1000, requires_grad=True)
    mg.manual_seed(0)
    out = checkpoint(lambda x: F.dropout(x * x), x, preserve_rng_state=False)
    out.sum().backward()
    assert (x.grad.data != out.data).any()
    assert mg.default_generator.counter == 2


def test_arguments_and_outputs_of_any_kind():
    def function(pair, factor, *, table):
        a, b = pair
        return {"sum": a * factor + b.exp(), "word": table["word"], "rest": [a * b, 3, None]}

    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    out = checkpoint(function, (a, b), 2.0, table={"word": "w"})
    assert out["word"] == "w" and out["rest"][1:] == [3, None]
    (out["sum"].sum() + out["rest"][0].sum()).backward()
    np.testing.assert_array_equal(a.grad.data, 2.0 + b.data)
    np.testing.assert_allclose(b.grad.data, np.exp(b.data) + a.data, rtol=1e-15)


def test_tensors_of_a_closure_have_gradients():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0) * 1.0
    w.retain_grad()
    checkpoint(lambda x: (w * x).exp(), x).sum().backward()
    np.testing.assert_allclose(w.grad.data, x.data * np.exp(w.data * x.data))


@pytest.mark.parametrize("change", ["no_grad", "no gradient"])
def test_nothing_is_kept_where_there_is_no_gradient(change):
    calls = []

    def function(x):
        calls.append(1)
        return x.exp()

    if change == "no_grad":
        with mg.no_grad():
            assert not checkpoint(function, leaf(1.0)).requires_grad
    else:
        assert not checkpoint(function, mg.ones(1)).requires_grad
    assert len(calls) == 1


def test_the_function_runs_once_more_per_backward():
    calls = []

    def function(x):
        calls.append(mg.is_grad_enabled())
        return (x * x).exp().sin() if hasattr(x, "sin") else (x * x).exp().tanh()

    x = leaf(0.5)
    out = checkpoint(function, x)
    first = mg.autograd.grad(out, x, retain_graph=True)[0]
    assert calls == [True, True]
    with mg.no_grad():  # the second run records whatever the backward does
        second = mg.autograd.grad(out, x)[0]
    assert calls == [True] * 3 and first.item() == second.item()
    with pytest.raises(RuntimeError, match="a second time"):
        mg.autograd.grad(out, x)


# ------------------------------------------------------------------------------------------------------- memory


def test_activations_are_freed_by_the_forward_and_again_by_the_backward():
    alive = []

    def function(x):
        h = x.exp()
        alive.append(weakref.ref(h.data))
        return (h * h).tanh()

    gc.disable()
    try:
        x = leaf(0.1, 0.2)
        out = checkpoint(function, x)
        assert alive[0]() is None
        out.sum().backward(retain_graph=True)
        assert [ref() for ref in alive] == [None, None]
        out.sum().backward()
        whole = weakref.ref(out.node)
        del out
        assert whole() is None and alive[2]() is None
    finally:
        gc.enable()


def test_the_peak_is_lower():
    def stretch(x):
        for _ in range(10):
            x = x.tanh()
        return x

    def peak(call):
        x = mg.ones(100_000, requires_grad=True)
        tracemalloc.start()
        for _ in range(10):
            x = call(x)
        x.sum().backward()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found / 400_000

    assert peak(stretch) > 100  # every activation
    assert peak(lambda x: checkpoint(stretch, x)) < 30  # one per stretch, and one stretch


# --------------------------------------------------------------------------------------------- what cannot be


def test_writes_inside_are_repeated():
    def function(x):
        h = x * 2.0
        h += 1.0  # saved by nothing
        y = h * h
        buffer = mg.zeros(2, dtype=mg.float64)
        buffer[0] = y[1]
        return y * x + buffer

    x = leaf(1.0, 2.0)
    plain = derivatives(lambda x: function(x).sum(), [x], 2)
    for value, expected in zip(derivatives(lambda x: checkpoint(function, x).sum(), [x], 2), plain, strict=True):
        np.testing.assert_array_equal(value, expected)


def test_a_wrong_write_inside_raises_as_it_does_outside():
    def function(x):
        h = x * 2.0
        y = h.exp()
        with mg.no_grad():
            y += 1.0
        return y * x

    out = checkpoint(function, leaf(1.0))
    with pytest.raises(RuntimeError, match=r"exp .* changed in place by add_"):
        out.backward()


def test_what_it_reads_may_not_change_before_the_backward():
    x, w = leaf(1.0, 2.0), leaf(1.0, -1.0)
    h = x * 1.0
    out = checkpoint(lambda h: h.abs().sum() if hasattr(h, "abs") else h.sum(), h)
    with mg.no_grad():
        h.zero_()
    with pytest.raises(RuntimeError, match=r"shape \(2,\) that it reads was changed in place by zero_"):
        out.backward()
    out = checkpoint(lambda x: F.relu(x + w).sum(), x)
    with mg.no_grad():
        w.add_(5.0)  # nothing saves w, and yet the second run would go another way
    with pytest.raises(RuntimeError, match=r"changed in place by add_"):
        out.backward()


def test_an_argument_without_gradient_may_not_change_either():
    x, mask = leaf(1.0, 2.0), mg.tensor([True, False])
    out = checkpoint(lambda x, mask: mg.where(mask, x * x, x).sum(), x, mask)
    mask[1] = True
    with pytest.raises(RuntimeError, match=r"changed in place by an assignment by index"):
        out.backward()


def test_a_function_that_does_not_repeat_itself_is_caught():
    flags = [True]

    def function(x):
        return (x.exp() if flags[0] else x.tanh() if flags[0] is False else x.exp() * x) * x

    out = checkpoint(function, leaf(1.0))
    flags[0] = False
    with pytest.raises(RuntimeError, match=r"operation 0 was exp .*now it is tanh"):
        out.backward()
    flags[0] = None
    with pytest.raises(RuntimeError, match=r"there were 2 operations, now there are 3"):
        out.backward()
    block = Block()
    out = checkpoint(block, mg.ones(1, 4))
    block.eval()
    with pytest.raises(RuntimeError, match=r"did not repeat itself .*train\(\) and eval\(\)"):
        out.sum().backward()


def test_the_generator_is_put_back_after_a_failure():
    flags = []

    def function(x):
        out = F.dropout(x * x)
        if flags:
            raise KeyError("no")
        return out

    mg.manual_seed(0)
    out = checkpoint(function, leaf(1.0))
    mg.rand(1)
    flags.append(1)
    with pytest.raises(KeyError):
        out.backward()
    assert mg.default_generator.counter == 2
