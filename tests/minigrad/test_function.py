"""Operations with the user's own gradient: values and derivatives of any order, several outputs, and what is refused.

Expected values are those of the same mathematics written with minigrad's own operations, or by hand; that PyTorch
behaves so was checked against its release 2.13.
"""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import check_grads


def leaf(*values):
    return mg.tensor(np.array(values), requires_grad=True)


class Product(mg.autograd.Function):
    """x * y and its gradient."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return g * y, g * x


class PolarForm(mg.autograd.Function):
    """Two outputs, both saved: radius and angle."""

    @staticmethod
    def forward(ctx, x, y):
        r = (x * x + y * y) ** 0.5
        a = mg.Tensor(np.arctan2(y.data, x.data))
        ctx.save_for_backward(r, a, x, y)
        return r, a

    @staticmethod
    def backward(ctx, dr, da):
        r, _, x, y = ctx.saved_tensors
        return dr * x / r - da * y / (r * r), dr * y / r + da * x / (r * r)


class Exp(mg.autograd.Function):
    """In the second style; saves its output."""

    @staticmethod
    def forward(x):
        return x.exp()

    @staticmethod
    def setup_context(ctx, inputs, output):
        assert len(inputs) == 1
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        (out,) = ctx.saved_tensors
        return g * out


sizes = st.sampled_from([(), (1,), (3,), (2, 3), (0, 2)])


@given(sizes, st.integers(0, 2**32 - 1))
def test_first_and_second_derivatives_are_right(shape, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.uniform(0.5, 2.0, shape) for _ in range(2))
    for function, arrays in ((Product, [x, y]), (PolarForm, [x, y]), (Exp, [x])):
        check_grads(function.apply, *arrays, order=2, probes=1, seed=seed)


@pytest.mark.parametrize(
    "function, same",
    [(Exp.apply, lambda x: x.exp()), (lambda x: Product.apply(Product.apply(x, x), x), lambda x: x * x * x)],
)
def test_derivatives_of_order_three(function, same):
    x = leaf(0.5, 1.5)
    for value, expected in zip(derivatives(function, x, 3), derivatives(same, x, 3), strict=True):
        np.testing.assert_allclose(value.data, expected.data, rtol=1e-14)


def derivatives(function, x, order):
    values = [function(x)]
    for _ in range(order):
        values.append(mg.autograd.grad(values[-1].sum(), x, create_graph=True)[0])
    return values


def test_a_saved_output_is_the_tensor_the_caller_holds():
    """d(grad)/dy for y = exp(x), of which the gradient is g * y: by way of y, and by way of x."""
    x = leaf(1.0)
    y = Exp.apply(x)
    (slope,) = mg.autograd.grad(y, x, create_graph=True)
    np.testing.assert_array_equal(mg.autograd.grad(slope, y)[0].data, [1.0])
    x, y = leaf(3.0), leaf(4.0)
    r, _ = PolarForm.apply(x, y)
    (slope,) = mg.autograd.grad(r, x, create_graph=True)  # x / r, in which r is saved
    np.testing.assert_allclose(mg.autograd.grad(slope, r)[0].data, [-3.0 / 25.0], rtol=1e-15)


def test_second_derivatives_survive_the_outputs():
    """The outputs were dropped before the second backward: their nodes are made again."""
    x, y = leaf(3.0), leaf(4.0)
    slope = mg.autograd.grad(PolarForm.apply(x, y)[0], x, create_graph=True)[0]
    gc.collect()
    np.testing.assert_allclose(mg.autograd.grad(slope, x)[0].data, [16.0 / 125.0], rtol=1e-15)  # y^2 / r^3


def test_the_call_runs_backward_once_for_all_outputs():
    calls = []

    class Three(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0, x * 2.0, x * 3.0

        @staticmethod
        def backward(ctx, *grads):
            calls.append([g.data.tolist() for g in grads])
            return grads[0] + 2.0 * grads[1] + 3.0 * grads[2]

    x = leaf(1.0, 2.0)
    a, _, c = Three.apply(x)
    (a.sum() + (c * c).sum() + a.sum()).backward()
    assert calls == [[[2.0, 2.0], [0.0, 0.0], [6.0, 12.0]]]  # what was not used is zeros
    np.testing.assert_array_equal(x.grad.data, [20.0, 38.0])


def test_none_instead_of_zeros_if_asked():
    class Both(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1.0, x * 2.0

        @staticmethod
        def backward(ctx, g, h):
            assert h is None
            return g

    x = leaf(1.0)
    Both.apply(x)[0].backward()
    assert x.grad.item() == 1.0


def test_outputs_without_a_gradient():
    class Top(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            order, best = mg.Tensor(np.argsort(x.data)), x.max()
            floor = x.floor() if hasattr(x, "floor") else mg.Tensor(np.floor(x.data))
            ctx.mark_non_differentiable(floor)
            return best, order, floor, "a word"

        @staticmethod
        def backward(ctx, g, *others):
            assert [None if other is None else (other.shape, other.data.any()) for other in others] == [
                ((2,), False), ((2,), False), None,
            ]  # fmt: skip
            return g * mg.ones(2)

    best, order, floor, word = Top.apply(leaf(1.5, 2.5))
    assert (best.requires_grad, order.requires_grad, floor.requires_grad, word) == (True, False, False, "a word")
    best.backward()


def test_none_is_no_gradient():
    class First(Product):
        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[1], None, None  # more None than arguments is as good

    x, y = leaf(2.0), leaf(3.0)
    First.apply(x, y).backward()
    assert x.grad.item() == 3.0 and y.grad is None


def test_needs_input_grad_says_what_is_asked_for():
    asked = []

    class Asked(Product):
        @staticmethod
        def forward(ctx, x, y, factor):
            asked.append(ctx.needs_input_grad)
            assert not mg.is_grad_enabled() and x.requires_grad
            return Product.forward(ctx, x, y)

        @staticmethod
        def backward(ctx, g):
            asked.append(ctx.needs_input_grad)
            assert mg.is_grad_enabled() == g.requires_grad
            return *Product.backward(ctx, g), None

    x, y = leaf(2.0), leaf(3.0)
    out = Asked.apply(x, y, 5)
    mg.autograd.grad(out, y, retain_graph=True)
    mg.autograd.grad(out, x, mg.tensor(np.ones(1), requires_grad=True), create_graph=True)
    assert asked == [(True, True, False), (False, True, False), (True, False, False)]


def test_no_gradient_is_recorded_where_none_is_wanted():
    x = leaf(2.0)
    with mg.no_grad():
        assert not Product.apply(x, x).requires_grad
    assert not Product.apply(x.detach(), 2.0 * x.detach()).requires_grad

    class Same(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

    with mg.no_grad():
        assert not Same.apply(x).requires_grad


def test_an_argument_returned_as_it_came_is_another_tensor_and_a_view_of_it():
    class Reversed(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return -g

    x = leaf(1.0, 2.0) * 1.0
    y = Reversed.apply(x)
    assert y is not x and y.grad_fn is not x.grad_fn
    np.testing.assert_array_equal(mg.autograd.grad(y.sum(), x, retain_graph=True)[0].data, [-1.0, -1.0])
    with pytest.raises(RuntimeError, match="view"):
        y += 1.0


def test_a_gradient_that_is_kept_elsewhere_is_not_added_into():
    kept = mg.tensor([10.0, 10.0])

    class Careless(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return kept, kept

    x, y = mg.tensor([1.0, 1.0], requires_grad=True), mg.tensor([1.0, 1.0], requires_grad=True)
    (Careless.apply(x, y) + x * 2.0 + Careless.apply(x, x)).sum().backward()
    np.testing.assert_array_equal(x.grad.data, [32.0, 32.0])
    np.testing.assert_array_equal(y.grad.data, [10.0, 10.0])
    np.testing.assert_array_equal(kept.data, [10.0, 10.0])


def test_gradients_are_summed_to_the_shape_and_cast_to_the_dtype_of_the_argument():
    class Wide(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            return mg.Tensor(np.ones((4, 2), np.int64))

    x = mg.tensor([1.0, 2.0], requires_grad=True)
    Wide.apply(x).sum().backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad.data, [4.0, 4.0])


@pytest.mark.parametrize(
    "returned, error, message",
    [
        (lambda g: g, RuntimeError, r"Wrong.backward returned 1 gradients for the 2 arguments"),
        (lambda g: (g, g, g), RuntimeError, r"Wrong.backward returned 3 gradients for the 2 arguments"),
        (lambda g: (g.sum(), None), RuntimeError, r"returned a gradient of shape \(\) for argument 0, .* \(3,\)"),
        (lambda g: (mg.ones(2), None), RuntimeError, r"shape \(2,\) for argument 0, whose shape is \(3,\)"),
        (lambda g: ([1.0, 1.0, 1.0], None), TypeError, r"Wrong.backward returned a list as gradient 0"),
    ],
)  # fmt: skip
def test_wrong_gradients_are_refused_by_the_name_of_the_class(returned, error, message):
    class Wrong(Product):
        @staticmethod
        def backward(ctx, g):
            return returned(g)

    with pytest.raises(error, match=message):
        Wrong.apply(leaf(1.0, 2.0, 3.0), leaf(1.0, 2.0, 3.0)).sum().backward()


def test_what_is_missing_is_said():
    class Nothing(mg.autograd.Function):
        pass

    class OnlyForward(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

    with pytest.raises(NotImplementedError, match="forward"):
        Nothing.apply(leaf(1.0))
    with pytest.raises(NotImplementedError, match="backward") as raised:
        OnlyForward.apply(leaf(1.0)).backward()
    assert any("OnlyForward" in note for note in raised.value.__notes__)


def test_only_tensors_are_saved_and_only_backward_reads_them():
    contexts = []

    class Saves(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            contexts.append(ctx)
            with pytest.raises(TypeError, match="argument 1 is a float"):
                ctx.save_for_backward(x, 2.0)
            ctx.save_for_backward(None, x)
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            assert ctx.saved_tensors[0] is None
            return g

    Saves.apply(leaf(1.0)).backward()
    with pytest.raises(RuntimeError, match="backward only"):
        _ = contexts[0].saved_tensors


def test_saved_values_are_freed_and_watched_as_any_others():
    x = leaf(1.0, 2.0)
    out = Product.apply(x, x)
    out.sum().backward()
    with pytest.raises(RuntimeError, match=r"Product .* a second time"):
        out.sum().backward()
    h = x * 1.0
    out = Product.apply(h, h)
    with mg.no_grad():
        h += 1.0
    with pytest.raises(RuntimeError, match=r"Product .* changed in place by add_"):
        out.sum().backward()


@pytest.mark.parametrize("backward", [True, False])
def test_a_call_dies_without_the_cyclic_collector(backward):
    gc.disable()
    try:
        x, y = leaf(1.0, 2.0), leaf(2.0, 3.0) * 1.0
        r, a = PolarForm.apply(x, y)
        alive = [weakref.ref(each) for each in (y.data, r.data, a.data, r.node, r.node.edges[0])]
        if backward:
            (r + a).sum().backward()
        del r, a, y
        assert [ref() for ref in alive] == [None] * 5
    finally:
        gc.enable()


def test_hooks_and_retained_gradients_of_the_outputs():
    x, y = leaf(3.0), leaf(4.0)
    r, a = PolarForm.apply(x, y)
    r.register_hook(lambda g: g * 10.0)
    a.retain_grad()
    (r + 2.0 * a).sum().backward()
    assert a.grad.item() == 2.0
    np.testing.assert_allclose(x.grad.data, [10.0 * 0.6 - 2.0 * 4.0 / 25.0], rtol=1e-15)


def test_watchers_see_gradients_as_arrays_whatever_the_number_of_outputs():
    x, y, seen = leaf(3.0), leaf(4.0), []
    r, a = PolarForm.apply(x, y)
    with mg.graph.backward_hooks(accumulate=lambda source, target, gradient: seen.append(type(gradient))):
        (r + a).sum().backward(retain_graph=True)
    assert set(seen) == {type(x.data)}
    with mg.autograd.detect_anomaly(), mg.debug.detect_nonfinite(), mg.profiler.profile() as prof:
        (r + a).sum().backward()
    assert sum(event.bytes for event in prof.events if event.name == "PolarForm") == 16  # of x and y
