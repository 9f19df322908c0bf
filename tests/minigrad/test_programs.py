"""Random programs of views, in-place writes, detach, no_grad and backward, against a naive model.

The model computes with dual numbers, forwards: every tensor is a value and its derivative along one direction of the
leaves. Memory is NumPy's own: a view shares the model's arrays as the tensor shares its; a detached tensor shares the
value and not the derivative. What the graph says backwards must be what the model carried forwards. The model also
knows which memory each operation will read again, so it knows which backward has to raise, and that no other may.
"""

import numpy as np
import pytest
from hypothesis import event, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, multiple, rule

import minigrad as mg

SHAPE = (2, 3)


class Dual:
    """A tensor beside its model: value and derivative, and what of the graph the model must know."""

    def __init__(self, tensor, value, slope, *, recorded, leaf=False, base=None, needs=()):
        self.tensor = tensor
        self.value = value  # shares memory as the tensor's data does
        self.slope = slope  # the derivative along the direction; shares memory among differentiable views
        self.recorded = recorded  # whether it requires grad
        self.leaf = leaf
        self.base = base  # of a view: what it looks at
        self.version = base.version if base is not None else 0  # of a base: how often a recorded write changed it
        self.needs = needs  # saved memory, with the time of the save, of the whole graph behind it

    def stale(self):
        return self.base is not None and self.base.version != self.version


def root(dual):
    return dual if dual.base is None else dual.base


class Programs(RuleBasedStateMachine):
    """One program; its tensors have shape (2, 3), or (1, 3) as a row of one."""

    tensors = Bundle("tensors")

    def __init__(self):
        super().__init__()
        self.clock = 0
        self.writes = []  # (array of values, time)
        self.leaves = []
        self.made = []
        self.rng = np.random.default_rng(0)

    # ---------------------------------------------------------------------------------------------- the model

    def tick(self):
        self.clock += 1
        return self.clock

    def written_after(self, array, time):
        return any(time < when and np.shares_memory(array, other) for other, when in self.writes)

    def must_raise(self, dual):
        return any(self.written_after(array, time) for array, time in dual.needs)

    def make(self, tensor, value, slope, parents, saved, *, grad=True, base=None):
        """The outcome of an operation on `parents` that saves these arrays of values."""
        recorded = grad and any(parent.recorded for parent in parents)
        needs = tuple(need for parent in parents if parent.recorded for need in parent.needs) if recorded else ()
        if recorded:
            time = self.tick()
            needs += tuple((array, time) for array in saved)
        assert tensor.requires_grad == recorded
        slope = slope if recorded else np.zeros_like(value)
        return self.keep(Dual(tensor, value, slope, recorded=recorded, base=base, needs=needs))

    def keep(self, dual):
        self.made.append(dual)
        return dual

    def refuses_stale(self, call, *parents):
        """Whether a parent is a view whose base was since overwritten by a recorded operation; then `call` raises."""
        if not any(parent.stale() for parent in parents):
            return False
        event("a stale view was refused")
        with pytest.raises(RuntimeError, match="view"):
            call()
        return True

    # ------------------------------------------------------------------------------------------- the program

    @initialize(target=tensors, count=st.integers(1, 3), seed=st.integers(0, 2**16))
    def leaves_are_made(self, count, seed):
        self.rng = np.random.default_rng(seed)
        for _ in range(count):
            value = self.rng.uniform(0.5, 1.5, SHAPE)
            tensor = mg.tensor(value, requires_grad=True)
            self.leaves.append(Dual(tensor, value, self.rng.uniform(-1.0, 1.0, SHAPE), recorded=True, leaf=True))
        return multiple(*self.leaves)

    @rule(target=tensors, seed=st.integers(0, 2**16))
    def a_constant(self, seed):
        value = np.random.default_rng(seed).uniform(0.5, 1.5, SHAPE)
        return Dual(mg.tensor(value), value, np.zeros(SHAPE), recorded=False)

    @rule(target=tensors, x=tensors, y=tensors, name=st.sampled_from(["add", "mul", "sub"]), grad=st.booleans())
    def two_are_combined(self, x, y, name, grad):
        def call():
            with mg.set_grad_enabled(grad):
                return getattr(mg, name)(x.tensor, y.tensor)

        if grad and self.refuses_stale(call, x, y):
            return multiple()
        value = {"add": np.add, "mul": np.multiply, "sub": np.subtract}[name](x.value, y.value)
        slope = {
            "add": x.slope + y.slope, "sub": x.slope - y.slope, "mul": x.slope * y.value + x.value * y.slope,
        }[name]  # fmt: skip
        saved = []
        if name == "mul":  # each factor is read for the gradient of the other
            saved = [*([y.value] if x.recorded else []), *([x.value] if y.recorded else [])]
        return self.make(call(), value, slope, (x, y), saved, grad=grad)

    @rule(target=tensors, x=tensors, name=st.sampled_from(["sin", "tanh", "neg", "clone"]), grad=st.booleans())
    def one_is_mapped(self, x, name, grad):
        def call():
            with mg.set_grad_enabled(grad):
                return getattr(mg, name)(x.tensor)

        if grad and self.refuses_stale(call, x):
            return multiple()
        function = {"sin": np.sin, "tanh": np.tanh, "neg": np.negative, "clone": np.copy}[name]
        value = function(x.value)
        derivative = {"sin": np.cos(x.value), "tanh": 1 - value**2, "neg": -1.0, "clone": 1.0}[name]
        saved = {"sin": [x.value], "tanh": [value]}.get(name, [])
        return self.make(call(), value, derivative * x.slope, (x,), saved, grad=grad)

    @rule(target=tensors, x=tensors, kind=st.sampled_from(["reversed", "mirrored", "reshaped", "row"]))
    def a_view_is_taken(self, x, kind):
        if kind == "reshaped" and not x.value.flags.c_contiguous:
            return multiple()  # what copies is no view
        take = {
            "reversed": lambda a: a[::-1], "mirrored": lambda a: a[:, ::-1], "row": lambda a: a[:1],
            "reshaped": lambda a: a.reshape(-1).reshape(a.shape),
        }[kind]  # fmt: skip
        if self.refuses_stale(lambda: take(x.tensor), x):
            return multiple()
        return self.make(take(x.tensor), take(x.value), take(x.slope), (x,), [], base=root(x))

    @rule(target=tensors, x=tensors)
    def one_is_detached(self, x):
        return self.keep(Dual(x.tensor.detach(), x.value, np.zeros_like(x.value), recorded=False))

    @rule(x=tensors, y=tensors, name=st.sampled_from(["add_", "mul_", "copy_"]), grad=st.booleans())
    def one_is_overwritten(self, x, y, name, grad):
        if np.broadcast_shapes(x.value.shape, y.value.shape) != x.value.shape:
            return

        def call():
            with mg.set_grad_enabled(grad):
                getattr(x.tensor, name)(y.tensor)

        recorded = grad and (x.recorded or y.recorded)
        if grad and self.refuses_stale(call, x, y):
            return
        if grad and x.leaf:
            with pytest.raises(RuntimeError, match="leaf"):
                call()
            return
        if grad and x.base is not None and (recorded or root(x).recorded):
            with pytest.raises(RuntimeError, match="view"):
                call()
            return
        other, other_slope = y.value.copy(), y.slope.copy()
        before, before_saved = x.value.copy(), []
        call()
        if name == "mul_" and recorded:
            before_saved = [*([y.value] if x.recorded else []), *([before] if y.recorded else [])]
        slope = {
            "add_": x.slope + other_slope, "mul_": x.slope * other + before * other_slope, "copy_": other_slope,
        }[name]  # fmt: skip
        x.value[...] = {"add_": before + other, "mul_": before * other, "copy_": other}[name]
        if recorded:
            # As in PyTorch, what was overwritten stays in the graph, with a gradient of zero.
            kept = [need for dual in (x, y) if dual.recorded for need in dual.needs]
            x.needs = (*kept, *((array, self.clock) for array in before_saved))
            x.slope[...] = slope
            x.recorded = True
            x.version += 1
        self.writes.append((x.value, self.tick()))

    def teardown(self):
        for number, dual in enumerate(self.made):
            self.it_is_differentiated(dual, number)

    def it_is_differentiated(self, x, seed):
        if not x.recorded:
            with pytest.raises(RuntimeError, match="does not require grad"):
                x.tensor.backward(mg.tensor(np.ones_like(x.value)))
            return
        cotangent = np.random.default_rng(seed).uniform(-1.0, 1.0, x.value.shape)
        leaves = [leaf.tensor for leaf in self.leaves]

        def call():
            return mg.autograd.grad(x.tensor, leaves, mg.tensor(cotangent), retain_graph=True, allow_unused=True)

        if self.refuses_stale(call, x):
            return
        if self.must_raise(x):
            event("a saved value was overwritten")
            with pytest.raises(RuntimeError, match="changed in place by"):
                call()
            return
        event(f"differentiated, after {min(len(self.writes), 3)} writes")
        gradients = call()
        backwards = sum(np.sum(g.data * leaf.slope) for g, leaf in zip(gradients, self.leaves) if g is not None)
        forwards = np.sum(cotangent * x.slope)
        assert abs(backwards - forwards) <= 1e-10 * (1.0 + abs(forwards))
        np.testing.assert_allclose(x.tensor.data, x.value, rtol=1e-13)


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(max_examples=1000, stateful_step_count=30, deadline=None)


@pytest.mark.slow
class TestManyPrograms(Programs.TestCase):
    """Twenty times as many, other ones each time."""

    settings = settings(max_examples=20_000, stateful_step_count=40, deadline=None, derandomize=False)
