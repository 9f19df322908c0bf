"""The graph and the walk: depth, order, what is freed when, whose memory a gradient is, and the hooks."""

import gc
import threading
import time
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import grad_mode, graph
from minigrad.nn import functional as F
from minigrad.ops.primitive import Primitive


def leaf(*values):
    return mg.tensor(np.array(values, float), requires_grad=True)


# ------------------------------------------------------------------------------------------------------------- depth


def test_a_chain_of_50_000_operations():
    x = leaf(1.0)
    y = x
    for _ in range(25_000):
        y = (y + 1e-9) * 1.0
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [1.0])
    del y  # a walk through 50,000 nodes again


def test_an_abandoned_chain_of_50_000_operations_goes_without_recursion():
    y = leaf(1.0)
    for _ in range(50_000):
        y = y * 1.0
    node = weakref.ref(y.node)
    del y
    assert node() is None


def test_a_recorded_backward_through_a_long_chain():
    x = leaf(2.0)
    y = x
    for _ in range(2_000):
        y = y * 1.0
    (slope,) = mg.autograd.grad((y * y).sum(), x, create_graph=True)
    slope.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [2.0])


def test_a_deep_graph_of_many_paths_is_walked_once_per_node():
    x = leaf(1.0)
    y = x
    for _ in range(200):
        y = y * 0.5 + y * 0.5  # 2**200 paths
    y.backward()
    np.testing.assert_array_equal(x.grad.data, [1.0])


# ------------------------------------------------------------------------------------------------------- determinism


def test_nodes_are_visited_from_the_last_recorded_to_the_first():
    visited = []
    x = leaf(1.0, 2.0)
    a, b = x.exp(), x.sin()
    c = (b * a).sum()
    with graph.backward_hooks(begin=lambda node, _: visited.append(node.op.name)):
        c.backward()
    assert visited == ["sum", "mul", "sin", "exp"]


def test_gradients_are_the_same_bits_every_time():
    rng = np.random.default_rng(0)
    x, w = (mg.tensor(rng.standard_normal((30, 30)).astype(np.float32), requires_grad=True) for _ in range(2))

    def gradients():
        out = F.softmax(x @ w, -1).log() @ w + x.mean(0)
        return [g.data.tobytes() for g in mg.autograd.grad(out.sum(), (x, w))]

    assert gradients() == gradients()


# ----------------------------------------------------------------------------------------------------- deallocation


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def watched(monkeypatch):
    """Weak references to every node recorded from now on, and to the arrays of its output."""
    references = []
    original = graph.Node.__init__

    def init(self, op, edges, saved, plan, settings, out, module):
        original(self, op, edges, saved, plan, settings, out, module)
        references.append(weakref.ref(self))
        references.append(weakref.ref(out))
        references.extend(weakref.ref(value) for value in saved if isinstance(value, np.ndarray))

    monkeypatch.setattr(graph.Node, "__init__", init)
    return references


def model(x, w):
    h = F.layer_norm(F.gelu(x @ w), [4], w[0], w[1])
    h = F.scaled_dot_product_attention(*(h.reshape(1, 1, 3, 4),) * 3, is_causal=True)[0, 0]
    h = mg.cat([h[:, [0, 1]], h[:, 2:]], 1) + F.dropout(h, 0.5) + h.max(1, keepdim=True).values
    h.clamp_(-3.0, 3.0)
    h[0] = h[1] * 2.0
    return F.cross_entropy(h, mg.tensor([0, 1, 2])) + h.var() + mg.einsum("ij,kj->", h, h) * 1e-3


def parameters():
    rng = np.random.default_rng(1)
    return (mg.tensor(rng.standard_normal(size), requires_grad=True) for size in ((3, 4), (4, 4)))


def _mode(kernels):
    return mg.kernels.mode(kernels) if hasattr(mg, "kernels") else grad_mode.enable_grad()


def run_abandoned(x, w):
    model(x, w)


def run_backward(x, w):
    model(x, w).backward()


def run_with_hooks(x, w):
    seen = []
    h = (x @ w) * 2.0
    h.retain_grad()
    h.register_hook(lambda g: g * 2.0)
    x.register_hook(lambda g: seen.append(g.shape))
    loss = model(h, w)
    with graph.backward_hooks(begin=lambda n, g: None, end=lambda n: None, accumulate=lambda n, t, g: None):
        loss.backward()
    assert h.grad is not None and seen


def run_twice_retained(x, w):
    loss = model(x, w)
    loss.backward(retain_graph=True)
    loss.backward()


def run_second_order(x, w):
    (g,) = mg.autograd.grad(model(x, w), w, create_graph=True)
    (g * g).sum().backward()


def run_abandoned_second_order(x, w):
    mg.autograd.grad(model(x, w), (x, w), create_graph=True)


def run_failed(x, w):
    loss = model(x, w)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


@pytest.mark.parametrize("kernels", ["off", "force"])
@pytest.mark.parametrize(
    "run",
    [run_abandoned, run_backward, run_with_hooks, run_twice_retained, run_second_order, run_abandoned_second_order,
     run_failed],
)  # fmt: skip
def test_every_array_of_a_graph_dies_by_reference_counting(run, kernels, monkeypatch, without_collector):
    references = watched(monkeypatch)
    x, w = parameters()
    with _mode(kernels):
        run(x, w)
    x.grad = w.grad = None
    kept = {id(x.data), id(w.data)}
    alive = [r() for r in references if r() is not None and id(r()) not in kept]
    assert not alive
    assert len(references) > 40


def test_backward_frees_saved_arrays():
    x = leaf(1.0, 2.0)
    y = x.exp()
    loss = (y * y).sum()
    saved = weakref.ref(y.data)
    del y
    assert saved() is not None
    loss.backward()
    assert saved() is None


def test_retain_graph_keeps_saved_arrays():
    x = leaf(1.0, 2.0)
    loss = (x.exp() * 2.0).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    np.testing.assert_array_equal(x.grad.data, 4.0 * np.exp([1.0, 2.0]))


@pytest.mark.host("counts arrays of a class of its own")
def test_cotangents_are_freed_as_they_are_consumed():
    """However long the chain, only a few gradients are alive at once."""
    alive, counts = [], []

    class Watched(np.ndarray):
        def __array_finalize__(self, _):
            alive.append(weakref.ref(self, alive.remove))

    x = leaf(*range(5))
    y = x
    for _ in range(50):
        y = y.sin()
    with graph.backward_hooks(begin=lambda node, cotangent: counts.append(len(alive))):
        y.backward(mg.Tensor(np.ones(5).view(Watched)))
    assert len(counts) == 50 and 0 < counts[0] <= counts[-1] == counts[10] <= 6


def test_a_graph_that_saved_nothing_can_be_walked_again():
    x = leaf(1.0, 2.0)
    loss = (x + x).sum()
    loss.backward()
    loss.backward()
    np.testing.assert_array_equal(x.grad.data, [4.0, 4.0])


@pytest.mark.parametrize("shared", [False, True])
def test_a_second_backward_names_the_operation_and_the_remedy(shared):
    x = leaf(1.0, 2.0)
    with running_module("blocks.3.mlp"):
        y = x.exp()
    y.sum().backward()
    again = (y * 1.0).sum() if shared else y.sum()
    with pytest.raises(RuntimeError, match=r"exp \(output of shape \(2,\)\) in module 'blocks\.3\.mlp' a second time"):
        again.backward()
    with pytest.raises(RuntimeError, match="retain_graph=True"):
        again.backward(retain_graph=True)


class running_module:
    """Stands in for `nn.Module.__call__`, which sets the path of the module that runs."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.token = grad_mode.state.set(grad_mode.state.get()._replace(module=self.path))

    def __exit__(self, *_):
        grad_mode.state.reset(self.token)


def test_a_node_knows_its_module_and_shows_it():
    x = leaf(1.0, 2.0)
    with running_module("blocks.3.attn"):
        y = x.exp()
    assert y.node.module == "blocks.3.attn"
    assert repr(y.node) == "<exp -> (2,) float64 in blocks.3.attn>"
    assert repr((y * 2).node) == "<mul -> (2,) float64>"


def test_an_error_in_a_rule_names_the_node():
    x = leaf(1.0, 2.0)
    y = x * 2.0
    y.register_hook(lambda g: mg.Tensor(np.ones(2)))
    z = y.exp()
    z.node.plan = z.node.plan._replace(rules=((0, lambda g, out: 1 / 0, (0,), ()),))
    with pytest.raises(ZeroDivisionError) as error:
        z.sum().backward()
    assert error.value.__notes__ == ["in the backward of exp (output of shape (2,))"]


# ------------------------------------------------------------------------------------------- whose memory a gradient is


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x + x,
        lambda x: x.reshape(4),
        lambda x: x.T,
        lambda x: x[:],
        lambda x: x.clone(),
        lambda x: x.expand(3, 2, 2),
        lambda x: x.sum(),
        lambda x: mg.cat([x, x]),
        lambda x: x + 0.0 * x,
        lambda x: mg.stack([x, x * 2.0])[0] + x,
        lambda x: x[0] + x[1],
        lambda x: x.unsqueeze(0).squeeze(0).permute(1, 0) * 1.0,
    ],
)
def test_a_gradient_has_memory_of_its_own(function):
    x = mg.tensor(np.ones((2, 2)), requires_grad=True)
    out = function(x)
    cotangent = mg.Tensor(np.ones(out.shape))
    out.backward(cotangent, retain_graph=True)
    first = x.grad.data
    for other in (x.data, out.data, cotangent.data):
        assert not np.shares_memory(first, other)
    kept = first.copy()
    out.backward(cotangent)
    assert x.grad.data is first  # accumulated in place
    np.testing.assert_array_equal(first, 2 * kept)
    np.testing.assert_array_equal(cotangent.data, np.ones(out.shape))
    first[...] = -1.0
    np.testing.assert_array_equal(cotangent.data, np.ones(out.shape))


def test_backward_from_a_leaf_itself_copies_the_cotangent():
    x = leaf(1.0, 2.0)
    cotangent = mg.Tensor(np.ones(2))
    x.backward(cotangent)
    x.backward(cotangent)
    np.testing.assert_array_equal(x.grad.data, [2.0, 2.0])
    np.testing.assert_array_equal(cotangent.data, [1.0, 1.0])


def test_two_leaves_of_one_addition_share_no_gradient():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for _ in range(2):
        (x + y).sum().backward()
    assert not np.shares_memory(x.grad.data, y.grad.data)
    x.grad.data[0] = 100.0
    np.testing.assert_array_equal(y.grad.data, [2.0, 2.0])
    (x * 1.0).sum().backward()
    np.testing.assert_array_equal(y.grad.data, [2.0, 2.0])


def test_the_gradient_of_a_computed_input_is_not_that_of_the_leaf_below():
    x = leaf(1.0, 2.0)
    y = x.reshape(2)
    z = y + x
    gx, gy, gz = mg.autograd.grad(z, (x, y, z), mg.Tensor(np.ones(2)))
    for a, b in ((gx, gy), (gx, gz), (gy, gz)):
        assert not np.shares_memory(a.data, b.data)
    np.testing.assert_array_equal(gx.data, [2.0, 2.0])
    np.testing.assert_array_equal(gy.data, [1.0, 1.0])


def test_a_hook_keeps_what_it_saw():
    x = leaf(1.0, 2.0)
    seen = []
    x.register_hook(seen.append)
    for _ in range(2):
        (x * 2.0).sum().backward()
    np.testing.assert_array_equal(seen[0].data, [2.0, 2.0])
    np.testing.assert_array_equal(x.grad.data, [4.0, 4.0])


def test_partial_gradients_add_up_whatever_their_order():
    """A gradient of x[i] touches what it names; beside whole ones, owned and borrowed, in 0, 1 and 2 dimensions."""
    x = mg.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    ((x[0] * 2.0).sum() + x.sum() + (x[:, [1, 1]] * 3.0).sum() + x[1, 2] * x[1, 2] + (x * x).sum()).backward()
    expected = 1.0 + 2.0 * x.data + np.array([[2.0] * 3, [0.0] * 3]) + np.array([0.0, 6.0, 0.0])
    expected[1, 2] += 2.0 * 5.0
    np.testing.assert_array_equal(x.grad.data, expected)
    for order in (lambda s: s[...] + s * 2.0, lambda s: s * 2.0 + s[...], lambda s: s[()] * s[...]):
        s = mg.tensor(np.float64(3.0), requires_grad=True)
        order(s).backward()
        assert float(s.grad) == (6.0 if order(s).node.op.name == "mul" else 3.0)


def test_dtypes_of_gradients_are_those_of_their_inputs():
    x = mg.tensor(np.ones(3, np.float32), requires_grad=True)
    y = mg.tensor(np.ones(3), requires_grad=True)
    z = mg.tensor(np.float16(2.0), requires_grad=True)
    (x * y * z).sum().backward()
    assert (x.grad.dtype, y.grad.dtype, z.grad.dtype) == (np.float32, np.float64, np.float16)
    assert (x.grad.shape, y.grad.shape, z.grad.shape) == ((3,), (3,), ())


# -------------------------------------------------------------------------------------------------------------- hooks


def test_tensor_hooks_run_in_order_on_the_whole_gradient_and_may_replace_it():
    x = leaf(1.0, 2.0)
    seen = []
    y = x * 3.0
    y.register_hook(lambda g: seen.append(("y", g.data.copy())))
    y.register_hook(lambda g: g * 10.0)
    handle = y.register_hook(lambda g: seen.append(("never", g)))
    handle.remove()
    handle.remove()
    x.register_hook(lambda g: seen.append(("x", g.data.copy())))
    (y * 1.0 + y * 2.0).sum().backward()
    assert [name for name, _ in seen] == ["y", "x"]
    np.testing.assert_array_equal(seen[0][1], [3.0, 3.0])  # both uses added up
    np.testing.assert_array_equal(seen[1][1], [90.0, 90.0])
    np.testing.assert_array_equal(x.grad.data, [90.0, 90.0])


def test_hooks_of_a_recorded_backward_see_recorded_gradients():
    x = leaf(3.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (slope,) = mg.autograd.grad(y, x, create_graph=True)  # 2x * x
    assert float(slope) == 18.0
    assert float(mg.autograd.grad(slope, x)[0]) == 12.0


@pytest.mark.parametrize("change", [lambda g: g.sum(), lambda g: g.float(), lambda g: g.reshape(1, 2)])
def test_a_hook_may_not_change_shape_or_dtype(change):
    x = leaf(1.0, 2.0)
    x.register_hook(change)
    with pytest.raises(RuntimeError, match=r"a hook turned a gradient of shape \(2,\) and dtype float64 into"):
        (x * 2.0).sum().backward()


def test_a_hook_needs_a_tensor_that_requires_grad():
    with pytest.raises(RuntimeError, match="would never run"):
        mg.ones(2).register_hook(print)


def test_retain_grad_keeps_the_gradient_of_a_computed_tensor():
    x = leaf(1.0, 2.0)
    y = x * 2.0
    with pytest.warns(UserWarning, match=r"the result of mul.*retain_grad"):
        assert y.grad is None
    y.retain_grad()
    assert y.grad is None
    loss = (y * y).sum()
    loss.backward(retain_graph=True)
    np.testing.assert_array_equal(y.grad.data, 2.0 * y.data)
    loss.backward()
    np.testing.assert_array_equal(y.grad.data, 4.0 * y.data)


def test_backward_hooks_see_every_node_and_every_gradient():
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    log = []
    loss = (x[0] * w.exp()).sum()
    with graph.backward_hooks(
        begin=lambda node, g: log.append(("begin", node.op.name)),
        end=lambda node: log.append(("end", node.op.name)),
        accumulate=lambda node, target, g: log.append((node.op.name, target.shape, g.shape)),
    ):
        loss.backward()
    assert log == [
        ("begin", "sum"), ("sum", (2,), (2,)), ("end", "sum"),
        ("begin", "mul"), ("mul", (), ()), ("mul", (2,), (2,)), ("end", "mul"),
        ("begin", "exp"), ("exp", (2,), (2,)), ("end", "exp"),
        ("begin", "getitem"), ("getitem", (2,), (2,)), ("end", "getitem"),
    ]  # fmt: skip
    log.clear()
    (x * 2.0).sum().backward()
    assert log == []


def test_backward_hooks_see_the_gradient_of_an_index_whole():
    x = leaf(1.0, 2.0)
    seen = []
    with graph.backward_hooks(accumulate=lambda node, target, g: seen.append(g.tolist())):
        x[[1, 1]].sum().backward()
    assert seen == [[1.0, 1.0], [0.0, 2.0]]


# ------------------------------------------------------------------------------------------------------- other threads


def test_graphs_may_be_built_and_walked_in_several_threads():
    shared = leaf(*np.linspace(0.1, 1.0, 50))
    results, failures = {}, []

    def work(number):
        try:
            for _ in range(20):
                out = (shared * float(number)).sin().sum()
                results[number] = mg.autograd.grad(out, shared)[0].data
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for number, gradient in results.items():
        np.testing.assert_array_equal(gradient, np.cos(shared.data * number) * number)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_recorded_backward_computes_with_the_values_of_the_forward(dtype):
    """Though the leaf holds other values by then: its array was converted for the operation, and replaced after it."""
    x = mg.tensor(np.array([2.0], dtype), requires_grad=True)
    y = (x * mg.tensor(np.array([3.0]))) ** 3
    x.data = np.array([100.0], dtype)
    (first,) = mg.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = mg.autograd.grad(first.sum(), x)
    assert (first.item(), second.item()) == (27 * 3 * 4.0, 27 * 6 * 2.0)


def test_recorded_gradients_are_accumulated_in_tensors_of_their_own():
    a, b = leaf(1.0), leaf(2.0)
    cotangent = mg.tensor(np.array([1.0]))
    (a + b).backward(cotangent, create_graph=True)
    assert len({id(t) for t in (a.grad, b.grad, cotangent)}) == 3
    (a * 3).sum().backward()
    assert (a.grad.item(), b.grad.item(), cotangent.item()) == (4.0, 1.0, 1.0)
    c = leaf(1.0)
    c.sum().backward(create_graph=True)
    c.sum().backward()
    assert c.grad.item() == 2.0


def test_threads_that_accumulate_into_one_leaf_lose_nothing():
    x = mg.zeros(200_000, requires_grad=True)

    def work():
        for _ in range(3):
            (x * 1.0).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (x.grad == 12.0).all()


def test_a_retained_gradient_is_what_the_hooks_left_and_is_kept_once():
    x = leaf(1.0)
    y = x * 2
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    y.sum().backward()
    assert (y.grad.item(), x.grad.item()) == (5.0, 10.0)
    z = x * 2
    z.retain_grad()
    z.mul_(3.0)
    z.sum().backward()
    assert z.grad.item() == 1.0
    with pytest.raises(RuntimeError, match="does not require grad"):
        mg.ones(1).retain_grad()


def test_what_a_hook_saw_does_not_change_afterwards():
    x = leaf(1.0)
    seen = []
    with graph.backward_hooks(accumulate=lambda source, target, gradient: seen.append(gradient)):
        (x * 2 + x * 3).sum().backward()
    assert sorted(float(gradient[0]) for gradient in seen if gradient.shape == (1,)) == [1.0, 1.0, 1.0, 2.0, 3.0]


def test_grad_takes_any_iterable_and_backward_one_tensor():
    w = leaf(2.0)
    (gradient,) = mg.autograd.grad((w * w).sum(), (tensor for tensor in [w]))
    (w * w).sum().backward(inputs=w)
    assert gradient.item() == w.grad.item() == 4.0
    with pytest.raises(RuntimeError, match=r"input 0 .* does not require grad"):
        (w * w).sum().backward(inputs=[mg.ones(1)])


def test_a_leaf_frozen_since_the_forward_gets_no_gradient():
    w = leaf(2.0)
    loss = (w * w).sum()
    w.requires_grad_(False)
    loss.backward()
    assert w.grad is None


def test_a_retained_gradient_is_kept_by_a_backward_into_chosen_inputs_too():
    x = leaf(1.0, 2.0)
    before, after = x * 2.0, None
    before.retain_grad()
    after = before * x
    after.retain_grad()
    after.sum().backward(inputs=[x])
    assert after.grad.tolist() == [1.0, 1.0] and before.grad.tolist() == [1.0, 2.0] and x.grad.tolist() == [4.0, 8.0]


# ------------------------------------------------------------------------------------------------------------- guards


def test_a_recorded_sum_of_gradients_is_not_made_in_place():
    """Of three: undoing the broadcast makes the first sum a view, which a write would refuse."""
    x, wide = leaf(2.0), mg.tensor(np.array([1.0, 2.0]))
    (first,) = mg.autograd.grad((x * wide + x * x * wide + x * wide).sum(), x, create_graph=True)
    assert first.tolist() == [3.0 * (2.0 + 4.0)]
    assert mg.autograd.grad(first.sum(), x)[0].tolist() == [6.0]


def test_a_rule_whose_gradient_cannot_be_the_input_s_is_refused():
    wrong = Primitive("wrong", np.negative).rules(x=lambda g: g[:2])
    with pytest.raises(RuntimeError, match=r"gradient of shape \(2,\) cannot belong to an input of shape \(3,\)"):
        wrong(leaf(1.0, 2.0, 3.0)).sum().backward()


class SlowSum(np.ndarray):
    """Another thread runs between its reading and its writing."""

    def __iadd__(self, other):
        total = np.asarray(self) + other
        time.sleep(0.02)
        np.asarray(self)[...] = total
        return self


@pytest.mark.host("a sum of a class of its own")
def test_threads_lose_no_gradient_of_a_shared_leaf():
    x = leaf(1.0, 2.0)
    x.grad = mg.Tensor(np.zeros(2).view(SlowSum))
    threads = [threading.Thread(target=(x * 1.0).sum().backward) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert x.grad.tolist() == [3.0, 3.0]
