"""Random programs of views, in-place writes, detach, no_grad, hooks and backward, against a naive model.

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
from minigrad.writes import is_writable

SHAPE = (2, 3)
ON_DEVICE = mg.get_default_device() != "cpu"


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
        self.needs = needs  # what the graph behind it saved: (memory, time of the save, number of the node)

    def stale(self):
        return self.base is not None and self.base.version != self.version


def root(dual):
    return dual if dual.base is None else dual.base


def memory(array):
    """The array that a view looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def fits(shape, into):
    """Whether what has this shape can be broadcast into that one."""
    return len(shape) <= len(into) and all(a in (1, b) for a, b in zip(shape[::-1], into[::-1]))


COMBINE = {  # by name: the value, its derivative, and whose memory the node keeps for the gradients of x and of y
    "add": (np.add, lambda x, y, dx, dy: dx + dy, "", ""),
    "sub": (np.subtract, lambda x, y, dx, dy: dx - dy, "", ""),
    "mul": (np.multiply, lambda x, y, dx, dy: dx * y + x * dy, "y", "x"),
    "div": (np.true_divide, lambda x, y, dx, dy: dx / y - x * dy / y**2, "y", "oy"),
    "maximum": (np.maximum, lambda x, y, dx, dy: np.where(x > y, dx, np.where(x < y, dy, (dx + dy) / 2)), "xy", "xy"),
}
MAP = {
    "sin": (np.sin, lambda x, out: np.cos(x), "x"),
    "tanh": (np.tanh, lambda x, out: 1 - out**2, "o"),
    "neg": (np.negative, lambda x, out: -1.0, ""),
    "clone": (np.copy, lambda x, out: 1.0, ""),
}
VIEWS = {
    "reversed": lambda a: a[::-1],
    "mirrored": lambda a: a[..., ::-1],
    "row": lambda a: a[:1],
    "reshaped": lambda a: a.reshape(-1).reshape(a.shape),
    "unbound": lambda a: a.unbind(0)[-1] if isinstance(a, mg.Tensor) else a[-1],
    "chunk": lambda a: a.chunk(2)[0] if isinstance(a, mg.Tensor) else a[:1],
    "unsqueezed": lambda a: a.unsqueeze(0) if isinstance(a, mg.Tensor) else a[None],
    "expanded": lambda a: a.expand(SHAPE) if isinstance(a, mg.Tensor) else np.broadcast_to(a, SHAPE),
}
INDICES = {"row": 0, "rows": slice(None, None, -1), "columns": (..., [0, 2]), "one": (..., 1), "all": ...}


MOSTLY = st.sampled_from([True] * 5 + [False])


class Programs(RuleBasedStateMachine):
    """One program; its tensors have shape (2, 3), (1, 3) or (3,)."""

    tensors = Bundle("tensors")

    def __init__(self):
        super().__init__()
        self.clock = 0
        self.writes = []  # (array of values, time)
        self.freed = set()  # numbers of the nodes a backward has consumed
        self.leaves = []
        self.directions = []  # per leaf
        self.made = []
        self.accumulated = 0.0  # what the `grad` of all leaves says along the direction
        self.rng = np.random.default_rng(0)

    # ---------------------------------------------------------------------------------------------- the model

    def tick(self):
        self.clock += 1
        return self.clock

    def overwritten(self, dual):
        """As in PyTorch, a write to any part of some memory counts for all of it."""
        return any(
            time < when and memory(array) is memory(other)
            for array, time, _ in dual.needs
            for other, when in self.writes
        )

    def consumed(self, dual):
        return any(node in self.freed for _, _, node in dual.needs)

    def history(self, parents, saved):
        """What the graph behind a new node needs: that of its parents, and what it saves itself."""
        time = self.tick()
        needs = {(id(a), t, n): (a, t, n) for parent in parents if parent.recorded for a, t, n in parent.needs}
        return (*needs.values(), *((array, time, time) for array in saved))

    def make(self, tensor, value, slope, parents, saved, *, grad=True, base=None):
        """The outcome of an operation on `parents` that saves these arrays of values."""
        recorded = grad and any(parent.recorded for parent in parents)
        needs = self.history(parents, saved) if recorded else ()
        assert tensor.requires_grad == recorded and tensor.is_leaf is not recorded
        slope = slope if recorded else np.zeros_like(value)
        dual = Dual(tensor, value, slope, recorded=recorded, base=base, needs=needs)
        self.made.append(dual)
        return dual

    def new_leaf(self, tensor, value, hooked=1.0):
        """A hook multiplies its gradient, which is as if it moved that much faster."""
        direction = self.rng.uniform(-1.0, 1.0, value.shape)
        if hooked != 1.0:
            tensor.register_hook(lambda g: g * hooked)
        self.directions.append(direction)
        self.leaves.append(Dual(tensor, value, hooked * direction, recorded=True, leaf=True))
        return self.leaves[-1]

    def refuses_stale(self, call, *parents):
        """Whether a parent is a view whose base was since overwritten by a recorded operation; then `call` raises."""
        if not any(parent.stale() for parent in parents):
            return False
        event("a stale view was refused")
        self.refuses(call, "view")
        return True

    def refuses(self, call, message, error=RuntimeError):
        """It raises, and changes nothing."""
        before = [(dual.tensor.data.copy(), dual.tensor.node, dual.tensor.requires_grad) for dual in self.made]
        with pytest.raises(error, match=message):
            call()
        for dual, (data, node, requires_grad) in zip(self.made, before):
            np.testing.assert_array_equal(dual.tensor.data, data)
            assert dual.tensor.node is node and dual.tensor.requires_grad is requires_grad

    # ------------------------------------------------------------------------------------------- the program

    @initialize(
        target=tensors, hooks=st.lists(st.sampled_from([1.0, -0.5]), min_size=1, max_size=3), seed=st.integers(0, 2**16)
    )  # fmt: skip
    def leaves_are_made(self, hooks, seed):
        self.rng = np.random.default_rng(seed)
        for hooked in hooks:
            value = self.rng.uniform(0.5, 1.5, SHAPE)
            self.new_leaf(mg.tensor(value, requires_grad=True), value, hooked)
        wholes = [self.a_new_constant(seed), *(self.mapped(leaf, "clone") for leaf in self.leaves)]
        views = [self.viewed(whole, "reversed") for whole in wholes]
        return multiple(self.leaves[0], *wholes, *views, self.viewed(self.viewed(views[0], "row"), "expanded"))

    @rule(target=tensors, seed=st.integers(0, 2**16))
    def a_constant(self, seed):
        return self.a_new_constant(seed)

    def a_new_constant(self, seed):
        value = np.random.default_rng(seed).uniform(0.5, 1.5, SHAPE)
        return self.make(mg.tensor(value), value, np.zeros(SHAPE), (), [])

    @rule(x=tensors)
    def a_constant_becomes_a_leaf(self, x):
        if x.recorded or x.base is not None or not x.value.flags.writeable:
            return
        x.tensor.requires_grad_()
        leaf = self.new_leaf(x.tensor, x.value)
        self.leaves[-1] = x
        x.recorded, x.leaf, x.slope = True, True, leaf.slope

    @rule(target=tensors, x=tensors, y=tensors, name=st.sampled_from(sorted(COMBINE)), grad=MOSTLY)
    def two_are_combined(self, x, y, name, grad):
        def call():
            with mg.set_grad_enabled(grad):
                return getattr(mg, name)(x.tensor, y.tensor)

        if not self.in_range(name, x, y):
            return multiple()
        if grad and self.refuses_stale(call, x, y):
            return multiple()
        function, derivative, for_x, for_y = COMBINE[name]
        value, slope = function(x.value, y.value), derivative(x.value, y.value, x.slope, y.slope)
        kept = (for_x if x.recorded else "") + (for_y if y.recorded else "")
        saved = [{"x": x.value, "y": y.value, "o": value}[letter] for letter in kept]
        return self.make(call(), value, slope, (x, y), saved, grad=grad)

    def in_range(self, name, *duals):
        """Neither huge nor, as a divisor, tiny: rounding is not what is tested here."""
        values = [np.abs(dual.value) for dual in duals]
        return max(map(np.max, values)) < 1e3 and (not name.startswith("div") or values[1].min() > 0.1)

    @rule(target=tensors, x=tensors, name=st.sampled_from(sorted(MAP)), grad=MOSTLY)
    def one_is_mapped(self, x, name, grad):
        if grad and self.refuses_stale(lambda: getattr(mg, name)(x.tensor), x):
            return multiple()
        return self.mapped(x, name, grad)

    def mapped(self, x, name, grad=True):
        function, derivative, kept = MAP[name]
        with mg.set_grad_enabled(grad):
            tensor, value = getattr(mg, name)(x.tensor), function(x.value)
        saved = [{"x": x.value, "o": value}[letter] for letter in kept]
        return self.make(tensor, value, derivative(x.value, value) * x.slope, (x,), saved, grad=grad)

    @rule(target=tensors, x=tensors, factor=st.sampled_from([0.5, -2.0]))
    def one_is_given_a_hook(self, x, factor):
        """That multiplies the gradient of all that is computed from it."""
        if not x.recorded or self.refuses_stale(x.tensor.clone, x):
            return multiple()
        tensor = x.tensor.clone()
        tensor.register_hook(lambda g: g * factor)
        return self.make(tensor, x.value.copy(), factor * x.slope, (x,), [])

    @rule(target=tensors, x=tensors, kind=st.sampled_from(sorted(VIEWS)), grad=MOSTLY)
    def a_view_is_taken(self, x, kind, grad):
        if kind == "reshaped" and not x.value.flags.c_contiguous:
            return multiple()  # what copies is no view
        if x.value.ndim == (2 if kind == "unsqueezed" else 1) and kind in ("unsqueezed", "unbound", "row", "chunk"):
            return multiple()
        if kind == "expanded" and x.value.shape == SHAPE:
            return multiple()
        if grad and self.refuses_stale(lambda: VIEWS[kind](x.tensor), x):
            return multiple()
        return self.viewed(x, kind, grad)

    def viewed(self, x, kind, grad=True):
        with mg.set_grad_enabled(grad):
            tensor = VIEWS[kind](x.tensor)
        value, slope = VIEWS[kind](x.value), VIEWS[kind](x.slope)
        return self.make(tensor, value, slope, (x,), [], base=root(x), grad=grad)

    @rule(target=tensors, x=tensors)
    def one_is_detached(self, x):
        return self.make(x.tensor.detach(), x.value, np.zeros_like(x.value), (), [])

    def may_be_written(self, call, x, parents, recorded, grad, error=RuntimeError):
        """Whether an in-place operation goes through; if not, it raises and changes nothing."""
        if grad and self.refuses_stale(call, *parents):
            return False
        if grad and x.leaf:
            self.refuses(call, "leaf")
        elif grad and x.base is not None and (recorded or root(x).recorded):
            self.refuses(call, "view")
        elif not x.value.flags.writeable:
            if not (ON_DEVICE and is_writable(x.tensor.data)):  # as one row of what was expanded: NumPy forbids it
                self.refuses(call, "read-only", error)
        else:
            return True
        event("a write was refused")
        return False

    def write(self, x, value, slope, parents, saved, recorded, grad):
        """`x` takes a new value in its own memory."""
        x.value[...] = value
        if recorded:
            # As in PyTorch, what was overwritten stays in the graph, with a gradient of zero.
            x.needs = self.history(parents, saved)
            x.slope[...] = slope
            x.recorded = True
            x.version += 1
        self.writes.append((x.value, self.tick()))
        assert x.tensor.requires_grad == x.recorded

    @rule(x=tensors, y=tensors, name=st.sampled_from(["add_", "sub_", "mul_", "div_"]), grad=MOSTLY)
    def one_is_changed_by_another(self, x, y, name, grad):
        if not fits(y.value.shape, x.value.shape) or not self.in_range(name, x, y):
            return

        def call():
            with mg.set_grad_enabled(grad):
                getattr(x.tensor, name)(y.tensor)

        recorded = grad and (x.recorded or y.recorded)
        if not self.may_be_written(call, x, (x, y), recorded, grad):
            return
        function, derivative, for_x, for_y = COMBINE[name[:-1]]
        value, slope = function(x.value, y.value), derivative(x.value, y.value, x.slope, y.slope)
        kept = (for_x if x.recorded else "") + (for_y if y.recorded else "")
        saved = [{"x": x.value.copy(), "y": y.value, "o": value}[letter] for letter in kept]
        call()
        self.write(x, value, slope, (x, y), saved, recorded, grad)

    @rule(x=tensors, name=st.sampled_from(["sin_", "tanh_", "neg_", "zero_"]), grad=MOSTLY)
    def one_is_changed(self, x, name, grad):
        def call():
            with mg.set_grad_enabled(grad):
                getattr(x.tensor, name)()

        recorded = grad and x.recorded
        if not self.may_be_written(call, x, (x,), recorded, grad):
            return
        if name == "zero_":
            value, slope, saved = np.zeros_like(x.value), np.zeros_like(x.value), []
        else:
            function, derivative, kept = MAP[name[:-1]]
            value = function(x.value)
            slope, saved = derivative(x.value, value) * x.slope, [value.copy()] if kept else []
        call()
        self.write(x, value, slope, (x,), saved, recorded, grad)

    @rule(x=tensors, y=st.one_of(tensors, st.just(None)), where=st.sampled_from(sorted(INDICES)), grad=MOSTLY)
    def a_part_is_assigned(self, x, y, where, grad):
        """A number, if there is no tensor to take it from; to all of it is `copy_`."""
        index = INDICES[where]
        if where == "row" and x.value.ndim == 1:
            return
        y = Dual(0.75, np.array(0.75), np.array(0.0), recorded=False) if y is None else y
        if not fits(y.value.shape, x.value[index].shape):
            return

        def call():
            with mg.set_grad_enabled(grad):
                x.tensor[index] = y.tensor

        recorded = grad and (x.recorded or y.recorded)
        if not self.may_be_written(call, x, (x, y), recorded, grad, RuntimeError):
            return
        value, slope = x.value.copy(), x.slope.copy()
        value[index], slope[index] = y.value, y.slope
        call()
        self.write(x, value, slope, (x, y), [], recorded, grad)

    # ------------------------------------------------------------------------------------------- its backward

    @rule(x=tensors, y=tensors, both=st.booleans(), retain=st.booleans(), seed=st.integers(0, 2**16))
    def it_is_differentiated_on_the_way(self, x, y, both, retain, seed):
        """Into the `grad` of the leaves; what comes later may change what the backward needed no more."""
        roots = [x, y] if both else [x]
        if not all(dual.recorded for dual in roots):
            return
        rng = np.random.default_rng(seed)
        cotangents = [rng.uniform(-1.0, 1.0, dual.value.shape) for dual in roots]

        def call(retain=True):
            tensors, given = [dual.tensor for dual in roots], [mg.tensor(c) for c in cotangents]
            mg.autograd.backward(tensors, given, retain_graph=retain)

        if self.raises(call, *roots):
            return
        call(retain)
        self.accumulated += sum(np.sum(c * dual.slope) for c, dual in zip(cotangents, roots))
        if not retain:
            event("a graph was consumed")
            self.freed.update(node for dual in roots for _, _, node in dual.needs)

    def raises(self, call, *roots):
        """Whether a backward from there must raise; then it does, for the right reason."""
        if self.refuses_stale(call, *roots):
            return True
        overwritten, consumed = (any(map(each, roots)) for each in (self.overwritten, self.consumed))
        if not overwritten and not consumed:
            return False
        event("a saved value was overwritten" if overwritten else "a saved value was freed")
        reasons = ["changed in place by"] * overwritten + ["a second time"] * consumed
        self.refuses(call, "|".join(reasons))
        return True

    def teardown(self):
        for number, dual in enumerate(self.made):
            self.it_is_differentiated_at_the_end(dual, number)
        found = [(leaf.tensor.grad, direction) for leaf, direction in zip(self.leaves, self.directions)]
        total = sum(np.sum(grad.data * direction) for grad, direction in found if grad is not None)
        assert abs(total - self.accumulated) <= 1e-8 * (1.0 + abs(self.accumulated))

    def it_is_differentiated_at_the_end(self, x, seed):
        np.testing.assert_allclose(x.tensor.data, x.value, rtol=1e-13, atol=1e-13)
        if not x.recorded:
            with pytest.raises(RuntimeError, match="does not require grad"):
                x.tensor.backward(mg.tensor(np.ones_like(x.value)))
            return
        cotangent = np.random.default_rng(seed).uniform(-1.0, 1.0, x.value.shape)
        leaves = [leaf.tensor for leaf in self.leaves]

        def call():
            return mg.autograd.grad(x.tensor, leaves, mg.tensor(cotangent), retain_graph=True, allow_unused=True)

        if self.raises(call, x):
            return
        event(f"differentiated, after {min(len(self.writes), 3)} writes")
        gradients = call()
        backwards = sum(np.sum(g.data * d) for g, d in zip(gradients, self.directions) if g is not None)
        forwards = np.sum(cotangent * x.slope)
        assert abs(backwards - forwards) <= 1e-8 * (1.0 + abs(forwards))


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(max_examples=50 if ON_DEVICE else 2000, stateful_step_count=30, deadline=None)


@pytest.mark.slow
class TestManyPrograms(Programs.TestCase):
    """Ten times as many, other ones each time."""

    settings = settings(max_examples=20_000, stateful_step_count=40, deadline=None, derandomize=False)
