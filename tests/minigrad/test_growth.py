"""How the cost of a backward grows with its graph: linearly in calls, in bytes written and in memory, and with no
recursion. Work is counted, not timed, so a busy machine changes nothing."""

import copy
import gc
import sys
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import graph
from minigrad.nn import functional as F

pytestmark = pytest.mark.host("counts the work on NumPy's arrays")


def leaf(size=2):
    return mg.tensor(np.ones(size), requires_grad=True)


# ------------------------------------------------------------------------------------------------ graphs of n nodes


def chain(n):
    y = leaf()
    for _ in range(n // 2):
        y = (y * 1.0) + 0.5
    return y


def fan_out(n):
    x = leaf()
    return mg.stack([x * float(i) for i in range(n // 2)]).sum(0)


def diamonds(n):
    """A ladder: 2**(n / 4) paths."""
    a, b = leaf(), leaf()
    for _ in range(n // 4):
        a, b = a * 0.5 + b * 0.5, a
    return a + b


def many_leaves(n):
    y = leaf()
    for _ in range(n // 2):
        y = y * leaf() + leaf()
    return y


GRAPHS = [chain, fan_out, diamonds, many_leaves]


def calls_of(function):
    """How many functions of Python and of C it calls, those it calls included."""
    count = 0

    def profile(frame, event, _):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


def plainly(out):
    return lambda: out.backward(mg.ones(2, dtype=mg.float64))


def into_one_leaf(out):
    """The walk that first looks for what leads to the wanted input."""
    node = out.node
    while isinstance(node, graph.Node):
        node = next(edge for edge in node.edges if edge is not None)
    return lambda: mg.autograd.grad(out, node, mg.ones(2, dtype=mg.float64))


def recorded(out):
    return lambda: out.backward(mg.ones(2, dtype=mg.float64), create_graph=True)


@pytest.mark.parametrize("make", GRAPHS)
@pytest.mark.parametrize("walk, sizes", [(plainly, (3, 4, 5)), (into_one_leaf, (3, 4)), (recorded, (3, 4))])
def test_a_backward_calls_in_proportion_to_the_nodes(make, walk, sizes):
    per_node = [calls_of(walk(make(10**size))) / 10**size for size in sizes]
    assert all(value <= 1.01 * per_node[0] for value in per_node), per_node
    assert per_node[0] < (300 if walk is recorded else 100)


# --------------------------------------------------------------------------------------------------------- memory


def memory_of(run):
    """What `run` leaves allocated, and what it allocated at most, in bytes."""
    gc.collect()
    tracemalloc.start()
    try:
        run()
        most = tracemalloc.get_traced_memory()[1]
        gc.collect()  # empties the lists of freed objects that Python keeps, too
        return tracemalloc.get_traced_memory()[0], most
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("make", GRAPHS)
def test_memory_of_a_graph_and_its_backward_grows_with_the_nodes(make):
    def run(n):
        out = make(n)
        out.backward(mg.ones(2, dtype=mg.float64))

    run(500)
    (_, small), (left, large) = (memory_of(lambda n=n: run(n)) for n in (500, 5_000))
    assert large <= 10.5 * small
    assert left <= 20_000


@pytest.mark.parametrize("count", [10, 100])
def test_a_backward_frees_what_it_has_consumed(count):
    """However long the chain, it needs room for a few arrays, and no more than the graph held when it is half done."""
    size, held = 8 * 10_000, []
    y = leaf(10_000)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(count):
            y = y.sin()
        forward = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        cotangent = mg.ones(10_000, dtype=mg.float64)
        with graph.backward_hooks(begin=lambda node, g: held.append(tracemalloc.get_traced_memory()[0])):
            y.backward(cotangent)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert forward >= count * size
    assert peak <= forward + 6 * size
    assert held[count // 2] <= forward - (count // 2 - 6) * size
    assert after <= 5 * size  # the cotangent, the result and the gradient of the leaf


# ------------------------------------------------------------------------------------------------------- recursion


def in_a_shallow_thread(function):
    """Run it where both Python's stack and C's are small; what it raises is raised."""
    errors = []

    def run():
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(120)
        try:
            function()
        except BaseException as error:
            errors.append(error)
        finally:
            sys.setrecursionlimit(limit)

    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    if errors:
        raise errors[0]


def lives(n, make):
    """A graph is made and shown, refuses to be copied, is abandoned; another is walked; a third is walked recorded."""
    out = make(n)
    node = weakref.ref(out.node)
    assert repr(out).startswith("tensor([") and "->" in repr(out.node)
    with pytest.raises(RuntimeError, match="only leaf tensors can be deep-copied"):
        copy.deepcopy({"out": [out]})
    shallow = copy.copy(out)
    del out, shallow
    assert node() is None
    out = make(n)
    out.backward(mg.ones(2, dtype=mg.float64))
    del out
    out = make(n // 10)
    out.backward(mg.ones(2, dtype=mg.float64), create_graph=True)
    del out


@pytest.mark.parametrize("make", GRAPHS)
def test_nothing_recurses(make):
    in_a_shallow_thread(lambda: lives(10_000, make))


def overwritten(n):
    """One tensor, written to again and again."""
    y = leaf() * 1.0
    for _ in range(n // 2):
        y += 1.0
        y[0] = 1.0
    return y


class Twice(mg.autograd.Function):
    """Two outputs, so three nodes of a call."""

    @staticmethod
    def forward(ctx, x):
        return x * 2.0, x * 3.0

    @staticmethod
    def backward(ctx, a, b):
        return a * 2.0 + b * 3.0


def functions(n):
    y = leaf()
    for _ in range(n // 4):
        a, b = Twice.apply(y)
        y = (a + b) * 0.2
    return y


def checkpoints(n):
    y = leaf()
    for _ in range(n // 10):
        y = mg.func.checkpoint(lambda y: (y * 1.0).sin(), y)
    return y


def views(n):
    y = leaf()
    for _ in range(n // 2):
        y = y.reshape(1, 2)[0]
    return y


def kernels(n):
    y = leaf()
    for _ in range(n):
        y = F.gelu(y)
    return y


@pytest.mark.parametrize("make", [overwritten, functions, checkpoints, views, kernels])
def test_nothing_recurses_whatever_the_nodes_are_of(make):
    with mg.kernels.mode("force"):
        in_a_shallow_thread(lambda: lives(2_000, make))


@pytest.mark.slow
@pytest.mark.parametrize("make", GRAPHS)
def test_a_graph_of_a_million_nodes(make):
    per_node = calls_of(plainly(make(10**4))) / 10**4
    assert calls_of(plainly(make(10**6))) <= 1.01 * per_node * 10**6
    in_a_shallow_thread(lambda: lives(10**6, make))


# ---------------------------------------------------------------------------------------------- loops over an index


class Written(np.ndarray):
    """An array that counts the bytes written into it and into whatever is computed from it."""

    total = 0

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **settings):
        plain = lambda each: each.view(np.ndarray) if isinstance(each, Written) else each
        if out is not None:
            settings["out"] = tuple(map(plain, out))
        result = getattr(ufunc, method)(*map(plain, inputs), **settings)
        if result is None:
            return None
        Written.total += np.asarray(result).nbytes
        return np.asarray(result).view(Written) if out is None else out[0]

    def __array_function__(self, function, types, args, kwargs):
        result = super().__array_function__(function, types, args, kwargs)
        if not isinstance(result, np.ndarray):
            return result
        Written.total += result.nbytes if result.base is None else 0
        return result.view(Written)

    def copy(self, *args):
        Written.total += self.nbytes
        return super().copy(*args)

    def __setitem__(self, index, value):
        Written.total += np.asarray(self)[index].nbytes
        super().__setitem__(index, value)


def written_by(function):
    Written.total = 0
    function()
    return Written.total


def written_backward(read, n):
    """By the backward of a sum over the n parts that `read` makes of a tensor (n, 4)."""
    x = mg.tensor(np.ones((n, 4)), requires_grad=True)
    first, *rest = read(x * 1.0, n)
    out = first * 2.0
    for part in rest:
        out = out + part * 2.0
    cotangent = mg.Tensor(np.ones(out.shape).view(Written))
    total = written_by(lambda: out.backward(cotangent))
    assert total >= 8 * n  # it does count
    return total


READS = {
    "x[i]": lambda x, n: [x[i] for i in range(n)],
    "x[i, 0]": lambda x, n: [x[i, 0] for i in range(n)],
    "x[i][0]": lambda x, n: [x[i][0] for i in range(n)],
    "x[i:i+1]": lambda x, n: [x[i : i + 1] for i in range(n)],
    "x[::-1][i]": lambda x, n: (lambda y: [y[i] for i in range(n)])(x[::-1]),
    "x[[i]]": lambda x, n: [x[[i]] for i in range(n)],
    "x[[i, i]]": lambda x, n: [x[np.array([i, i])] for i in range(n)],
    "x[i, [0, 1]]": lambda x, n: [x[i, [0, 1]] for i in range(n)],
    "x[[i, i], [0, 0]]": lambda x, n: [x[[i, i], [0, 0]] for i in range(n)],
    "iteration": lambda x, n: list(x),
    "select": lambda x, n: [x.select(0, i) for i in range(n)],
    "narrow": lambda x, n: [x.narrow(0, i, 1) for i in range(n)],
    "index_select": lambda x, n: [x.index_select(0, mg.tensor([i])) for i in range(n)],
    "gather": lambda x, n: [x.gather(0, mg.tensor([[i]])) for i in range(n)],
    "unbind": lambda x, n: x.unbind(0),
    "split": lambda x, n: x.split(1),
    "chunk": lambda x, n: x.chunk(n),
    "tensor_split": lambda x, n: x.tensor_split(n),
    "diagonal": lambda x, n: [x.diagonal(-i) for i in range(n - 4)],
    "embedding": lambda x, n: [F.embedding(mg.tensor([i]), x) for i in range(n)],
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_a_loop_that_reads_n_parts_writes_n_parts_in_backward(read):
    """And not n whole arrays."""
    assert written_backward(read, 800) <= 4.2 * written_backward(read, 200)


def written_forward(assign, n):
    buffer = mg.Tensor(np.ones((n, 4)).view(Written))
    values = [leaf(4) * 1.0 for _ in range(n)]

    def run():
        for i in range(n):
            assign(buffer, i, values[i])

    total = written_by(run)
    assert buffer.requires_grad and total >= 8 * n
    return buffer, total


ASSIGNMENTS = {
    "x[i] = v": lambda x, i, v: x.__setitem__(i, v),
    "x[i, 1:3] = v": lambda x, i, v: x.__setitem__((i, slice(1, 3)), v[:2]),
    "x[[i]] = v": lambda x, i, v: x.__setitem__([i], v),
    "x[i, [0, 2]] = v": lambda x, i, v: x.__setitem__((i, [0, 2]), v[:2]),
}


@pytest.mark.parametrize("assign", ASSIGNMENTS.values(), ids=ASSIGNMENTS)
def test_a_loop_that_writes_n_parts_writes_n_parts(assign):
    (_, small), (_, large) = (written_forward(assign, n) for n in (200, 800))
    assert large <= 4.2 * small


JOINS = {
    "stack of n": lambda parts: mg.stack(parts),
    "cat of n": lambda parts: mg.cat(parts),
    "cat of pairs": lambda parts: mg.cat([mg.cat(parts[i : i + 2]) for i in range(0, len(parts), 2)]),
}


@pytest.mark.parametrize("join", JOINS.values(), ids=JOINS)
def test_the_backward_of_a_join_writes_what_was_joined(join):
    def run(n):
        out = join([leaf(4) * 2.0 for _ in range(n)])
        cotangent = mg.Tensor(np.ones(out.shape).view(Written))
        return written_by(lambda: out.backward(cotangent))

    assert 0 < run(800) <= 4.2 * run(200)


def test_the_backward_of_a_list_that_grows_by_cat_writes_what_was_added():
    """Though the forward copied all of it every time, as PyTorch's does."""

    def run(n):
        out = leaf(4)
        for _ in range(n):
            out = mg.cat([out, leaf(4) * 2.0])
        cotangent = mg.Tensor(np.ones(out.shape).view(Written))
        return written_by(lambda: out.backward(cotangent))

    assert 0 < run(400) <= 4.2 * run(100)


def test_the_backward_of_an_assignment_copies_the_gradient_of_the_whole_once():
    """So a loop of n costs n copies, as in PyTorch: the gradient before the write is zero where it wrote."""
    n = 50
    buffer, _ = written_forward(ASSIGNMENTS["x[i] = v"], n)
    cotangent = mg.Tensor(np.ones((n, 4)).view(Written))
    part, whole = 8 * 4, 8 * 4 * n
    assert written_by(lambda: buffer.backward(cotangent)) <= n * (whole + 3 * part)
