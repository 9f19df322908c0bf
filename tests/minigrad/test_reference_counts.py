"""Everything dies by reference counting, with the collector off: what was recorded, computed or hooked is gone when the
last name for it is, whichever way the program took."""

import gc
import threading
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import graph, nn
from minigrad.nn import functional as F
from minigrad.ops.primitive import Primitive

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def born(monkeypatch):
    """Weak references to every tensor and node made from now on, and to their arrays."""
    references = []
    make_node, make_tensor = graph.Node.__init__, mg.Tensor.__init__

    def node(self, op, edges, saved, plan, settings, out, module):
        make_node(self, op, edges, saved, plan, settings, out, module)
        references.append(weakref.ref(self))
        references.extend(weakref.ref(value) for value in saved if isinstance(value, np.ndarray))

    def tensor(self, data, *args, **kwargs):
        make_tensor(self, data, *args, **kwargs)
        references.append(weakref.ref(self))
        references.append(weakref.ref(data))

    monkeypatch.setattr(graph.Node, "__init__", node)
    monkeypatch.setattr(mg.Tensor, "__init__", tensor)
    return references


def alive(references):
    return [reference() for reference in references if reference() is not None]


def leaf(*shape):
    return mg.tensor(RNG.uniform(0.2, 1.0, shape), requires_grad=True)


# -------------------------------------------------------------------------------------------------- ways to go


def loss_of(x):
    return (F.softmax(x @ x, -1) * x[[0, 0, 2]].exp()).sum() + x.max(0).values.mean() + x.std()


def abandoned():
    loss_of(leaf(3, 3))


def backward():
    loss_of(leaf(3, 3)).backward()


def retained():
    loss = loss_of(leaf(3, 3))
    loss.backward(retain_graph=True)
    loss.backward()


def abandoned_after_retaining():
    loss_of(leaf(3, 3)).backward(retain_graph=True)


def second_order():
    x = leaf(3, 3)
    (g,) = mg.autograd.grad(loss_of(x), x, create_graph=True)
    (g * g).sum().backward()


def third_order_abandoned():
    x = leaf(3, 3)
    g = loss_of(x)
    for _ in range(3):
        (g,) = mg.autograd.grad(g.sum(), x, create_graph=True)


def recorded_into_grad():
    """Its `grad` has a graph that leads back to the leaf: such a ring is the caller's, who clears it, as in PyTorch."""
    x = leaf(3, 3)
    loss_of(x).backward(create_graph=True)
    x.grad = None


class Cube(mg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.twice = x * 2.0
        return x**3, x.sum()

    @staticmethod
    def backward(ctx, a, b):
        (x,) = ctx.saved_tensors
        return a * 3.0 * x * x + b


def function_abandoned():
    Cube.apply(leaf(2))


def function_backward():
    a, b = Cube.apply(leaf(2))
    (a.sum() * b).backward()


def function_of_one_output_used():
    Cube.apply(leaf(2))[0].sum().backward()


def function_second_order():
    x = leaf(2)
    (g,) = mg.autograd.grad(Cube.apply(x)[0].sum(), x, create_graph=True)
    g.sum().backward()


def function_that_fails():
    class Fails(Cube):
        @staticmethod
        def backward(ctx, a, b):
            raise KeyError

    with pytest.raises(KeyError):
        Fails.apply(leaf(2))[0].sum().backward()


def function_that_saves_its_output():
    class Exp(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            out = x.exp()
            ctx.save_for_backward(out)
            return out

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    Exp.apply(leaf(2)).sum().backward()
    x = leaf(2)
    (g,) = mg.autograd.grad(Exp.apply(x).sum(), x, create_graph=True)
    g.sum().backward()
    mg.autograd.grad(Exp.apply(x).sum(), x, create_graph=True)
    Exp.apply(x)


def checkpoint_abandoned():
    mg.func.checkpoint(loss_of, leaf(3, 3))


def checkpoint_backward():
    mg.func.checkpoint(lambda x: mg.func.checkpoint(loss_of, x * 1.0), leaf(3, 3)).backward()


def checkpoint_second_order():
    x = leaf(3, 3)
    (g,) = mg.autograd.grad(mg.func.checkpoint(loss_of, x), x, create_graph=True)
    (g * g).sum().backward()


def checkpoint_that_does_not_repeat_itself():
    calls = []

    def unsteady(x):
        calls.append(1)
        return x.exp() if len(calls) == 1 else x.sin()

    with pytest.raises(RuntimeError, match="did not repeat itself"):
        mg.func.checkpoint(unsteady, leaf(3)).sum().backward()


def tensor_hooks():
    x = leaf(3, 3)
    y = x * 2.0
    y.register_hook(lambda g: g * 2.0)
    y.register_hook(lambda g: None if g is None else y.detach())  # it knows the tensor it hangs on
    y.retain_grad()
    loss_of(y).backward()
    del y.node.hooks[:]  # that ring is the caller's own


def module_hooks():
    model, seen = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3)), []
    for module in model.modules():
        module.register_forward_pre_hook(lambda m, args: None)
        module.register_forward_hook(lambda m, args, out: out * 1.0)
        module.register_full_backward_hook(lambda m, i, o: seen.append(len(i)))
    x = leaf(2, 3).float()
    model(x).sum().backward()
    model(x)
    assert len(seen) == 4


def module_hooks_that_fail():
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh())

    def fail(*_):
        raise KeyError

    for register in (model[1].register_forward_hook, model[0].register_full_backward_hook):
        handle = register(fail)
        with pytest.raises(KeyError):
            model(leaf(2, 3).float()).sum().backward()
        handle.remove()


def forward_that_fails():
    x = leaf(3, 3)
    with pytest.raises(mg.ShapeError):
        (x.exp() @ x)[:2] + x.sin()
    with pytest.raises(IndexError):
        (x * 2.0)[7]


def forward_without_memory():
    """Whose arrays a program needs back, to go on with fewer."""

    def out_of_memory(x):
        raise MemoryError

    x = leaf(3)
    with pytest.raises(MemoryError):
        Primitive("greedy", out_of_memory)(x * 2.0)


def backward_that_fails():
    x = leaf(3)
    y = x.exp()
    loss = (y * x).sum()
    y.add_(1.0)
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def hook_that_fails():
    y = leaf(3).exp()
    y.register_hook(lambda g: g.nothing)
    with pytest.raises(AttributeError):
        (y * 2.0).sum().backward()


def transforms():
    f, x = loss_of, mg.tensor(RNG.uniform(0.2, 1.0, (3, 3)))
    mg.func.grad(f)(x)
    mg.func.value_and_grad(f)(x)
    mg.func.hessian(lambda x: (x**3).sum())(x)
    mg.func.jacrev(lambda x: x.exp())(x)
    mg.func.jvp(f, (x,), (x,))
    mg.func.hvp(lambda x: (x**3).sum(), (x,), (x,))
    out, pull = mg.func.vjp(f, x)
    pull(mg.ones_like(out))
    model = nn.Linear(3, 3)
    weights = {name: value.detach() for name, value in model.named_parameters()}
    mg.func.grad(lambda w: mg.func.functional_call(model, w, (x.float(),)).sum())(weights)


def optimizers():
    for kind in (mg.optim.SGD, mg.optim.Adam, mg.optim.AdamW):
        model = nn.Sequential(nn.Linear(3, 3), nn.Tanh())
        optimizer = kind(model.parameters(), lr=0.1)
        scheduler = mg.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
        for _ in range(2):
            optimizer.zero_grad()
            model(leaf(2, 3).float()).sum().backward()
            mg.optim.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
        optimizer.state_dict()


def attention():
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    x = leaf(2, 3, 4).float()
    for masked in (False, True):
        mask = mg.tensor(np.triu(np.ones((3, 3), bool), 1)) if masked else None
        layer(x, x, x, attn_mask=mask, need_weights=False)[0].sum().backward()
    q = leaf(1, 2, 3, 4)
    F.scaled_dot_product_attention(q, q, q, is_causal=True, dropout_p=0.5).sum().backward()
    (g,) = mg.autograd.grad(F.scaled_dot_product_attention(q, q, q, is_causal=True).sum(), q, create_graph=True)
    (g * g).sum().backward()
    F.scaled_dot_product_attention(q, q, q)


def layers():
    x = leaf(2, 4, 6).float()
    first = nn.Sequential(nn.Conv1d(4, 4, 3), nn.BatchNorm1d(4), nn.GELU(), nn.Dropout(0.5))
    model = nn.Sequential(first, nn.Flatten(), nn.Linear(16, 3))
    F.cross_entropy(model(x), mg.tensor([0, 1])).backward()
    h, _ = nn.LSTM(4, 4)(x.permute(2, 0, 1))
    h.sum().backward()
    nn.TransformerEncoderLayer(4, 2, 8)(x.permute(2, 0, 1)).sum().backward()


def written_in_place():
    buffer = mg.zeros(3, dtype=mg.float64)
    x = leaf(3)
    for i in range(3):
        buffer[i] = x[i] * 2.0
    buffer *= x
    view = buffer[::-1]
    buffer.add_(1.0)
    del view
    buffer.sum().backward()


def watched():
    with mg.profiler.profile() as prof:
        loss_of(leaf(3, 3)).backward()
    assert prof.events and prof.table()
    for block in (mg.autograd.detect_anomaly, mg.debug.detect_nonfinite):
        with block():
            loss_of(leaf(3, 3)).backward()
            loss_of(leaf(3, 3))
            with pytest.raises((RuntimeError, FloatingPointError)), np.errstate(all="ignore"):
                ((leaf(3) - 2.0).sqrt() * 0.0).sum().backward()
            with pytest.raises((RuntimeError, FloatingPointError)), np.errstate(all="ignore"):
                ((leaf(3) * 0.0).sqrt() * 0.0).sum().backward()


def in_a_thread():
    """In threads of its own: what a thread leaves behind goes with it."""
    thread = threading.Thread(target=backward)
    thread.start()
    thread.join()


WAYS = [
    abandoned, backward, retained, abandoned_after_retaining, second_order, third_order_abandoned, recorded_into_grad,
    function_abandoned, function_backward, function_of_one_output_used, function_second_order, function_that_fails,
    function_that_saves_its_output,
    checkpoint_abandoned, checkpoint_backward, checkpoint_second_order, checkpoint_that_does_not_repeat_itself,
    tensor_hooks, module_hooks, module_hooks_that_fail, forward_that_fails, forward_without_memory,
    backward_that_fails, hook_that_fails, transforms, optimizers, attention, layers, written_in_place, watched,
    in_a_thread,
]  # fmt: skip


@pytest.mark.parametrize("kernels", ["off", "force"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_is_left(way, kernels, born):
    with mg.kernels.mode(kernels):
        way()
    assert len(born) > 4
    left = alive(born)
    assert not left, [type(each).__name__ for each in left]


def test_what_a_function_saved_is_freed_by_the_backward_though_the_graph_lives_on():
    saved = []

    class Half(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            half = x * 0.5
            ctx.save_for_backward(half)
            saved.append(weakref.ref(half.data))
            return half.sum()

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    loss = Half.apply(leaf(3)) * 2.0
    assert saved[0]() is not None
    loss.backward()
    assert saved[0]() is None and loss.grad_fn is not None


def test_the_test_finds_a_ring(born):
    x = leaf(2)
    (x * 2.0).register_hook(lambda g, x=x: g)
    ring = [x * 3.0]
    ring.append(ring)
    del x, ring
    assert alive(born)
    gc.collect()
    assert not alive(born)


def test_an_exception_that_is_kept_keeps_what_its_traceback_shows_and_no_more(born):
    kept = None
    try:
        function_that_fails_loudly()
    except KeyError as error:
        kept = error
    assert alive(born)
    kept.__traceback__ = None
    assert not alive(born)


def function_that_fails_loudly():
    y = leaf(3).exp()

    def fail(g):
        raise KeyError

    y.register_hook(fail)
    (y * 2.0).sum().backward()
