"""The graph of recorded operations and the walk that differentiates it.

A `Node` stands for one recorded operation. Its edges point to where the operation's inputs came from: another
node, or a leaf tensor. `backward` visits nodes in the reverse of the order they were recorded, hands each the
cotangent of its output, and adds what comes back to the cotangents of its inputs. Nothing here knows what a Tensor
is: a leaf is anything with `shape` and `dtype`, a cotangent anything that adds.

Hooks (`hooks.py`) show nodes and the walk to whoever watches; tracers, profilers and teaching tools are built on them.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from .backends import Array, backend_of
from .copying import NotPickled
from .hooks import backward_hooks as backward_hooks
from .hooks import backward_watchers, forward_watchers
from .writes import clock, last_write, writes_so_far

Leaf: TypeAlias = Any  # a tensor that was not computed: `shape`, `dtype`
Value: TypeAlias = Any  # a raw array in a plain backward, a recorded tensor when the backward itself is recorded


class Operation(Protocol):
    """What a node needs of the operation it records."""

    @property
    def name(self) -> str:
        """What messages call it."""

    def vjp(
        self, node: Node, cotangent: Value, edges: Sequence[Node | Leaf | None], recorder: Recorder | None
    ) -> Iterable[tuple[int, Value]]:
        """For every edge that is not None: its number, and the gradient that flows along it."""


class Recorder(Protocol):
    """How a backward that is itself recorded turns stored arrays back into tensors of the graph."""

    def tensor(self, data: Array, source: Node | Leaf | None) -> Value:
        """The tensor whose value is `data` and whose history is `source`."""

    def cast(self, value: Value, dtype: Any) -> Value:
        """`value` in another dtype, recorded."""


# --------------------------------------------------------------------------------------------------- nodes


class Node(NotPickled):
    """One recorded operation: what it was, where its inputs came from, and what its vjp needs of them."""

    _instead = "A graph is neither kept in a file nor copied: compute it again"

    __slots__ = (
        "__weakref__",
        "dtype",  # of its output
        "edges",  # per array argument: a Node, a leaf, or None where no gradient is wanted
        "hooks",  # functions of the output's cotangent, or None
        "module",  # path of the module that was running, such as "blocks.3.attn"
        "op",
        "plan",  # which stored value is which: the operation's own affair
        "retained_by",  # a weak reference to the tensor that keeps this node's gradient, or None
        "saved",  # arrays and shapes the vjp reads; `freed` once it has run
        "seq",  # position in the order of recording
        "settings",  # the operation's keyword settings
        "shape",  # of its output
    )

    def __init__(
        self, op: Operation, edges: tuple[Node | Leaf | None, ...], saved: tuple[Any, ...], plan: Any,
        settings: dict[str, Any], out: Array, module: str,
    ) -> None:  # fmt: skip
        self.op = op
        self.edges = edges
        self.saved = saved
        self.plan = plan
        self.settings = settings
        self.shape = out.shape
        self.dtype = out.dtype
        self.module = module
        self.seq = next(clock)
        self.hooks: list[Callable[[Value], Value | None]] | None = None
        self.retained_by: Callable[[], Leaf | None] | None = None
        if forward_watchers:
            for watcher in forward_watchers:
                if watcher.record:
                    watcher.record(self)

    def __repr__(self) -> str:
        where = f" in {self.module}" if self.module else ""
        return f"<{self.op.name} -> {tuple(self.shape)} {self.dtype}{where}>"


class Absent(tuple[Any, ...]):
    """Stands in for saved values that are not there. A backward asks it to bring them back."""

    def restore(self, node: Node) -> tuple[Any, ...]:
        raise NotImplementedError

    def held(self) -> Sequence[Array]:
        """The arrays that are kept instead."""
        return ()


class _Freed(Absent):
    """Values that a backward has consumed."""

    def restore(self, node: Node) -> tuple[Any, ...]:
        raise RuntimeError(
            f"backward through {describe(node)} a second time: what it saved was freed by the first backward. "
            f"Pass retain_graph=True to the first one, or compute the value again"
        )


freed = _Freed()


class Restored(tuple[Any, ...]):
    """Saved values that were computed again, and the time they are of: what was written before it does not matter."""

    time: int


# ------------------------------------------------------------------------------------------------- the walk


class Partial:
    """A gradient that is zero except at `index`, such as that of `x[index]`: n of them cost what they touch, not n
    whole arrays."""

    __slots__ = ("base", "dtype", "index", "part", "shape", "write")

    def __init__(
        self, shape: tuple[int, ...], index: Any, part: Array, write: Callable[[Array, Any, Array], None]
    ) -> None:
        self.shape = shape
        self.dtype = part.dtype
        self.index = index
        self.part = part
        self.write = write  # adds the part into an array, in place
        self.base = None

    def add_to(self, whole: Array) -> Array:
        if isinstance(whole, np.generic):  # what NumPy makes of 0-d arithmetic cannot be written into
            whole = np.asarray(whole)
        self.write(whole, self.index, self.part)
        return whole

    def whole(self) -> Array:
        return self.add_to(np.zeros(self.shape, self.dtype, like=self.part))


class Parts:
    """The cotangents of a node with several outputs, by the number of the output. Each output is a node of its own,
    which passes its cotangent on as the only part; different parts add up to what the several outputs have."""

    __slots__ = ("base", "dtype", "parts", "shape")

    def __init__(self, shape: tuple[Any, ...], parts: dict[int, Value]) -> None:
        self.shape = shape  # those of the outputs
        self.parts = parts
        self.dtype = None
        self.base = None

    def __add__(self, other: Parts) -> Parts:
        return Parts(self.shape, {**self.parts, **other.parts})


class _Cotangent:
    """A gradient being summed, and whether its memory is ours to add into."""

    __slots__ = ("owned", "value")

    def __init__(self, value: Value, owned: bool) -> None:
        self.value = value
        self.owned = owned


@np.errstate(all="ignore")  # a gradient that is infinite or nan is a value like others
def backward(
    roots: Sequence[tuple[Node | Leaf, Value]],
    *,
    wanted: Sequence[Node | Leaf] | None = None,
    retain_graph: bool = False,
    recorder: Recorder | None = None,
) -> dict[Node | Leaf, Value]:
    """Differentiate: from the cotangents of `roots` to the gradients of the leaves, or of what is `wanted`.

    The walk is iterative and visits nodes by falling sequence number, so it is deterministic, every consumer of
    a value has been visited before the value's own node, and a chain may be as long as memory allows. With a
    `recorder` the walk computes on tensors and so is itself differentiable.

    Returned arrays share memory with nothing else; with a recorder, tensors may be returned for several.
    """
    targets = None if wanted is None else set(wanted)
    reachable = None if targets is None else _leading_to(targets, [root for root, _ in roots])
    pending: dict[Node | Leaf, _Cotangent] = {}
    heap: list[tuple[int, Node]] = []  # of (-seq, node)
    results: dict[Node | Leaf, Value] = {}

    def add(source: Node | None, target: Node | Leaf, gradient: Value, owned: bool) -> None:
        sum_so_far = pending.get(target)
        # What came before has the shape and the dtype of the target, which a leaf takes longer to tell.
        like = target if sum_so_far is None else sum_so_far.value
        if gradient.shape != like.shape:
            gradient, owned = unbroadcast(gradient, target.shape), True
        if gradient.__class__ is Partial and (backward_watchers or gradient.dtype != target.dtype):
            gradient = gradient.whole()
        if gradient.dtype is not like.dtype and gradient.dtype != target.dtype:
            gradient, owned = _cast(gradient, target.dtype, recorder), True
        if backward_watchers and source is not None and gradient.__class__ is not Parts:
            owned = False  # a hook may keep what it sees
            for hooks in backward_watchers:
                if hooks.accumulate:
                    hooks.accumulate(source, target, gradient)
        if gradient.__class__ is Partial:
            if sum_so_far is not None and sum_so_far.owned:
                sum_so_far.value = gradient.add_to(sum_so_far.value)
                return
            gradient = gradient.whole()
        if sum_so_far is None:
            pending[target] = _Cotangent(gradient, owned)
            if target.__class__ is Node:
                heapq.heappush(heap, (-target.seq, target))
        elif sum_so_far.owned and recorder is None:
            sum_so_far.value += gradient
        else:
            sum_so_far.value = sum_so_far.value + gradient
            sum_so_far.owned = True

    for root, cotangent in roots:
        if reachable is None or root in reachable:
            add(None, root, cotangent, owned=False)

    while heap:
        node = heapq.heappop(heap)[1]
        incoming = pending.pop(node)
        cotangent = incoming.value
        if node.hooks:
            cotangent = _run_hooks(node.hooks, incoming)
        if node.retained_by is not None:
            results[node] = cotangent if recorder else cotangent.copy()
        if isinstance(cotangent, np.generic):  # what NumPy makes of 0-d arithmetic; rules may count on an array
            cotangent = np.asarray(cotangent)
        edges = node.edges
        if reachable is not None and targets is not None:
            if node in targets:
                results[node] = cotangent if incoming.owned or recorder else cotangent.copy()
            edges = tuple(edge if edge is not None and edge in reachable else None for edge in edges)
            if not any(edge is not None for edge in edges):
                continue
        kept = node.saved
        try:
            if isinstance(kept, Absent):
                node.saved = kept.restore(node)
            if writes_so_far:
                _check_unwritten(node)
            for hooks in backward_watchers:
                if hooks.begin:
                    hooks.begin(node, cotangent)
            for i, gradient in node.op.vjp(node, cotangent, edges, recorder):
                # A view or the cotangent itself may be seen by others too; anything else was made just now.
                add(
                    node,
                    edges[i],
                    gradient,
                    owned=gradient is not cotangent and recorder is None and gradient.base is None,
                )
        except Exception as error:
            error.add_note(f"in the backward of {describe(node)}")
            for hooks in backward_watchers:
                if hooks.failed:
                    hooks.failed(node, error)
            raise
        for hooks in backward_watchers:
            if hooks.end:
                hooks.end(node)
        if retain_graph:
            node.saved = kept
        else:
            for value in node.saved:
                if value.__class__ is not tuple:
                    node.saved = freed  # shapes alone may stay: as in PyTorch, what saved no array can be walked again
                    break
        del cotangent, incoming

    for leaf, gradient in pending.items():
        value = _run_hooks(leaf.hooks, gradient) if leaf.hooks else gradient.value
        results[leaf] = value if gradient.owned or recorder else value.copy()
    return results


def _run_hooks(hooks: Iterable[Callable[[Value], Value | None]], gradient: _Cotangent) -> Value:
    gradient.owned = False  # a hook may have kept what it saw
    for hook in tuple(hooks):
        changed = hook(gradient.value)
        if changed is not None:
            gradient.value = changed
    return gradient.value


def _leading_to(targets: set[Node | Leaf], roots: Iterable[Node | Leaf]) -> set[Node | Leaf]:
    """Everything below `roots` from which a target can be reached, the targets included."""
    seen: set[Node | Leaf] = set()
    stack = list(roots)
    while stack:
        source = stack.pop()
        if source in seen:
            continue
        seen.add(source)
        if source.__class__ is Node:
            stack.extend(edge for edge in source.edges if edge is not None and edge not in seen)
    reachable = targets & seen
    for node in sorted((source for source in seen if source.__class__ is Node), key=lambda node: node.seq):
        if any(edge is not None and edge in reachable for edge in node.edges):
            reachable.add(node)
    return reachable


def unbroadcast(gradient: Value, shape: tuple[int, ...]) -> Value:
    """Sum a gradient over the dimensions in which an input of the given shape was broadcast."""
    lead = len(gradient.shape) - len(shape)
    axes = tuple(
        axis for axis, size in enumerate(gradient.shape) if axis < lead or (shape[axis - lead] == 1 and size != 1)
    )
    if lead < 0 or any(
        size != 1 and size != shape[axis - lead] for axis, size in enumerate(gradient.shape) if axis not in axes
    ):
        raise RuntimeError(
            f"a gradient of shape {tuple(gradient.shape)} cannot belong to an input of shape {tuple(shape)}"
        )
    if isinstance(gradient, np.generic) or not hasattr(gradient, "node"):
        return backend_of(gradient).sum(gradient, axes, True).reshape(shape)
    return gradient.sum(axis=axes, keepdims=True).reshape(shape)


def _cast(gradient: Value, dtype: Any, recorder: Recorder | None) -> Value:
    return gradient.astype(dtype) if recorder is None else recorder.cast(gradient, dtype)


def _check_unwritten(node: Node) -> None:
    since = node.saved.time if isinstance(node.saved, Restored) else node.seq
    settings = (s if isinstance(s, (tuple, list)) else (s,) for s in node.settings.values())  # an index, say
    for value in itertools.chain(node.saved, *settings):
        if not hasattr(value, "strides"):
            continue  # a shape, a number, or a dtype (whose `base` is itself)
        written = last_write(value)
        if written is not None and written.time > since:
            raise RuntimeError(
                f"backward through {describe(node)}: an array of shape {tuple(value.shape)} that it saved was changed "
                f"in place by {written.by} afterwards. Use the out-of-place form (x = x + 1 rather than x += 1), or "
                f"make the change after backward()"
            )


def describe(node: Node) -> str:
    """What a message calls a node: its operation, output and module."""
    where = f" in module {node.module!r}" if node.module else ""
    return f"{node.op.name} (output of shape {tuple(node.shape)}){where}"
