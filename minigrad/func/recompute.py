"""Checkpointing: what a stretch of a computation saves for its backward is dropped and computed again when needed.

The stretch is recorded as any other code, so gradients of every order take the usual way; only the saved arrays of its
nodes are gone. The first node to need its own runs the function once more and takes what its twin saved, and so do the
others. Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import nullcontext
from contextvars import Context, copy_context
from typing import Any

from .. import grad_mode
from ..backends import Array
from ..backends.locks import lock_for
from ..graph import Absent, Node, Restored, describe
from ..hooks import forward_hooks
from ..nested import fill, leaves
from ..ops import default_generator
from ..tensor import Tensor
from ..writes import clock, last_write


def checkpoint(
    function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None, preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:  # fmt: skip
    """`function(*args, **kwargs)`, which saves nothing for backward but its arguments and is run again there.

    PyTorch: `torch.utils.checkpoint.checkpoint`, of which this is the form without reentrance; `use_reentrant` changes
    nothing. The second run draws what the first drew (dropout), unless `preserve_rng_state` is False, and afterwards
    the default generator stands where it stood. Gradients of any order, any arguments and outputs, modules and
    checkpoints inside are fine. What the function changes beside its outputs, such as running averages, it changes
    twice.

    In backward, raises RuntimeError if the second run does not repeat the operations of the first, or if a tensor it
    reads was changed in place since.

    >>> import minigrad as mg
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> y = mg.func.checkpoint(lambda x: (x * x).exp(), x)
    >>> y.backward()
    >>> x.grad.item() == 4.0 * y.item()
    True
    """
    if not grad_mode.is_grad_enabled():
        return function(*args, **kwargs)
    stretch = _Stretch(function, args, kwargs, preserve_rng_state)
    result, nodes = _recording(function, args, kwargs)
    stretch.made = [(node.op, node.shape) for node in nodes]
    for number, node in enumerate(nodes):
        if isinstance(node.saved, _Dropped) or any(value.__class__ is not tuple for value in node.saved):
            node.saved = _Dropped(stretch, number)
    return result


class _Stretch:
    """One checkpointed call: all it takes to run it again. It holds no node, for nodes hold it."""

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], preserve_rng_state: bool
    ) -> None:
        self.function = function
        self.arguments = fill((args, kwargs), (_stand_in(each) for each in leaves((args, kwargs))))
        self.began = next(clock)
        self.generator = default_generator.get_state() if preserve_rng_state else None
        self.context: Context = copy_context()  # grad mode, and the module that runs
        self.made: list[tuple[Any, tuple[int, ...]]] = []  # operation and shape of each node
        self.values: list[Restored | Absent | None] = []  # of each node, until it takes them
        self.lock = lock_for(self, "lock")

    def take(self, number: int, node: Node) -> tuple[Any, ...]:
        """The saved values of a node; afterwards they are its own."""
        with self.lock:
            if not self.values or self.values[number] is None:
                self._run_again(node)
            values, self.values[number] = self.values[number], None
        assert values is not None
        return values.restore(node) if isinstance(values, Absent) else values

    def _run_again(self, asking: Node) -> None:
        again = next(clock)
        args, kwargs = fill(self.arguments, (_stand_in(each) for each in leaves(self.arguments)))
        try:
            _, twins = self.context.copy().run(self._record_again, args, kwargs)
        except Exception as error:
            error.add_note(
                f"checkpoint ran the function again, for the backward of {describe(asking)}; it must not change its "
                f"arguments in place"
            )
            raise
        read = [edge for twin in twins for edge in twin.edges] + leaves(self.arguments)
        self._check_unwritten([each for each in read if isinstance(each, Tensor)], again, asking)
        made = [(twin.op, twin.shape) for twin in twins]
        if len(made) != len(self.made) or any(_differ(a, b) for a, b in zip(made, self.made)):
            raise RuntimeError(
                f"checkpoint: the function did not repeat itself when it was run again for the backward of "
                f"{describe(asking)}: {_difference(self.made, made)}. Does it depend on something that has changed, "
                f"such as a flag, a generator of its own, or train() and eval()?"
            )
        self.values = [_restored(twin) for twin in twins]

    def _record_again(self, args: Any, kwargs: Any) -> tuple[Any, list[Node]]:
        with nullcontext() if self.generator is None else default_generator.replaying(self.generator):
            return _recording(self.function, args, kwargs)

    def _check_unwritten(self, tensors: list[Tensor], again: int, asking: Node) -> None:
        """Between the first run and this one, which began at the time `again`."""
        for tensor in tensors:
            written = last_write(tensor.data)
            if written is not None and self.began < written.time < again:
                raise RuntimeError(
                    f"checkpoint cannot repeat the computation of {describe(asking)}: an array of shape "
                    f"{tensor.shape} that it reads was changed in place by {written.by} afterwards. Make the change "
                    f"after backward()"
                )


class _Dropped(Absent):
    """Saved values that their stretch can compute again."""

    stretch: _Stretch
    number: int

    def __new__(cls, stretch: _Stretch, number: int) -> _Dropped:
        self = super().__new__(cls)
        self.stretch, self.number = stretch, number
        return self

    def restore(self, node: Node) -> tuple[Any, ...]:
        return self.stretch.take(self.number, node)

    def held(self) -> list[Array]:
        return [each.data for each in leaves(self.stretch.arguments) if isinstance(each, Tensor)]


def _recording(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, list[Node]]:
    """The result, and the nodes that were made on the way by this thread."""
    nodes: list[Node] = []
    thread = threading.get_ident()
    with forward_hooks(record=lambda node: nodes.append(node) if threading.get_ident() == thread else None):
        return function(*args, **kwargs), nodes


def _stand_in(value: Any) -> Any:
    """A tensor of the same memory without history."""
    return Tensor(value.data, value.requires_grad) if isinstance(value, Tensor) else value


def _restored(twin: Node) -> Restored | Absent:
    if isinstance(twin.saved, Absent):
        return twin.saved
    values = Restored(twin.saved)
    values.time = twin.seq
    return values


def _differ(a: tuple[Any, tuple[int, ...]], b: tuple[Any, tuple[int, ...]]) -> bool:
    return a[0].name != b[0].name or a[1] != b[1]


def _difference(first: list[tuple[Any, tuple[int, ...]]], second: list[tuple[Any, tuple[int, ...]]]) -> str:
    for number, (a, b) in enumerate(zip(first, second)):
        if _differ(a, b):
            return (
                f"operation {number} was {a[0].name} with output of shape {tuple(a[1])}, now it is {b[0].name} with "
                f"{tuple(b[1])}"
            )
    return f"there were {len(first)} operations, now there are {len(second)}"
