"""Where to watch: the forward of every operation, the recording of every node, and the backward of every node.

Tracers, profilers and checkpointing are built on these and on nothing else. A watcher is a tuple of functions in one of
two lists; whoever computes asks only whether its list is empty, so nobody watching costs nothing measurable. Watchers
see every thread.

    with forward_hooks(end=lambda op, args, settings, outputs: print(op.name, outputs[0].shape)):
        model(x)

Also here: the handle that registering any hook returns, and what the switches of the whole process have in common.
"""

from __future__ import annotations

import bisect
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from .backends.locks import lock_for

if TYPE_CHECKING:
    from .graph import Leaf, Node, Operation, Value


class ForwardHooks(NamedTuple):
    """Functions called as operations on tensors compute. What they raise, the operation raises."""

    begin: Callable[[Operation], None] | None = None  # before the operation computes
    # After it: with its arguments (arrays, or tensors for an `autograd.Function`), its settings, and its outputs; also
    # if it raised, with no outputs.
    end: Callable[[Operation, Sequence[Any], Mapping[str, Any], Sequence[Any]], None] | None = None
    record: Callable[[Node], None] | None = None  # when a node has been made, in a forward or a recorded backward


class BackwardHooks(NamedTuple):
    """Functions called as the walk visits nodes."""

    begin: Callable[[Node, Value], None] | None = None  # before a node's vjp, with the output's cotangent
    end: Callable[[Node], None] | None = None  # after it
    accumulate: Callable[[Node, Node | Leaf, Value], None] | None = None  # per gradient: from, to, what
    failed: Callable[[Node, Exception], None] | None = None  # instead of `end`, when the node's backward raised


forward_watchers: list[ForwardHooks] = []
backward_watchers: list[BackwardHooks] = []


@contextmanager
def forward_hooks(
    begin: Callable[[Operation], None] | None = None,
    end: Callable[[Operation, Sequence[Any], Mapping[str, Any], Sequence[Any]], None] | None = None,
    record: Callable[[Node], None] | None = None,
) -> Iterator[None]:
    """Watch every operation that runs inside the block."""
    with watching(forward_watchers, ForwardHooks(begin, end, record)):
        yield


@contextmanager
def backward_hooks(
    begin: Callable[[Node, Value], None] | None = None,
    end: Callable[[Node], None] | None = None,
    accumulate: Callable[[Node, Node | Leaf, Value], None] | None = None,
    failed: Callable[[Node, Exception], None] | None = None,
) -> Iterator[None]:
    """Watch every backward that runs inside the block."""
    with watching(backward_watchers, BackwardHooks(begin, end, accumulate, failed)):
        yield


@contextmanager
def watching(watchers: list[Any], hooks: ForwardHooks | BackwardHooks) -> Iterator[None]:
    handle = add(watchers, hooks)
    try:
        yield
    finally:
        handle.remove()


def watched(
    op: Operation, function: Callable[..., Any], args: Sequence[Any], settings: Mapping[str, Any],
    outputs_of: Callable[[Any], Sequence[Any]] = lambda result: (result,),
) -> Any:  # fmt: skip
    """`function(*args, **settings)` before the eyes of the watchers. Called only if there are any."""
    for hooks in tuple(forward_watchers):
        if hooks.begin:
            hooks.begin(op)
    outputs: Sequence[Any] = ()
    try:
        result = function(*args, **settings)
        outputs = outputs_of(result)
    finally:
        for hooks in tuple(forward_watchers):
            if hooks.end:
                hooks.end(op, args, settings, outputs)
    return result


class Switch:
    """A setting of the whole process: changed at once and, as a context manager, until the block ends.

    Blocks of several threads may overlap. The newest decides, and when all have ended holds what held before the first.
    A subclass says what is set, and has a list of its own for the blocks that are open.
    """

    open_blocks: list[Switch]

    def __init__(self, value: Any) -> None:
        with _switching:
            self._number = next(_switched)
            self._before = self._get()
            self._set(value)

    def _get(self) -> Any:
        raise NotImplementedError

    def _set(self, value: Any) -> None:
        raise NotImplementedError

    def __enter__(self) -> None:
        with _switching:  # in the order in which they set: another thread may come in between
            bisect.insort(self.open_blocks, self, key=lambda block: block._number)

    def __exit__(self, *_: object) -> None:
        with _switching:
            position = next(i for i, block in enumerate(self.open_blocks) if block is self)
            del self.open_blocks[position]
            if position < len(self.open_blocks):  # a newer one is open, and will bring back what this one found
                self.open_blocks[position]._before = self._before
            else:
                self._set(self._before)


_switching = lock_for(sys.modules[__name__], "_switching")
_switched = itertools.count()


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook away, and so does the end of a `with` block.

    PyTorch: `torch.utils.hooks.RemovableHandle`.
    """

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        self._hooks = hooks
        self._hook = hook

    def remove(self) -> None:
        for position, hook in enumerate(self._hooks):
            if hook is self._hook:
                del self._hooks[position]
                return

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def add(hooks: list[Any], hook: Any) -> RemovableHandle:
    """Append a hook to a list; the handle that removes it."""
    hooks.append(hook)
    return RemovableHandle(hooks, hook)
