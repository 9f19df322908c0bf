"""Which kernels there are, when one applies, and how it is recorded.

A kernel accelerates a composite and is never an operation of its own: it takes the composite's arguments and means the
same. Whether it applies is data (backend, dtypes, sizes, and a condition on the arguments), tested here; a kernel body
never falls back. A plain backward runs the kernel's own; a recorded one replays the composite on the node's inputs and
differentiates that, so a kernel has derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from .. import grad_mode
from ..autograd import grad
from ..backends import Array, backend_of
from ..graph import Leaf, Node, Recorder, Value
from ..hooks import Switch, forward_watchers, watched
from ..ops.composite import definitions, selectors
from ..ops.shape import reshape
from ..tensor import Tensor, check_view

Mode = Literal["off", "auto", "force"]


def _always(*_: Any) -> bool:
    return True


@dataclass(frozen=True)
class FusedKernel:
    """One kernel.

    forward: `(*arguments) -> (out, stored)`, on raw arrays; `stored` are the arrays its backward wants beside the
        arguments.
    backward: `(cotangent, wanted, stored, *arguments)` -> the gradients of the array arguments, in order;
        `wanted` says which are needed, the others may be None.
    arrays: the positions of the array arguments in the composite's signature.
    dtypes: what the arrays may be; all of one dtype.
    applies: a condition on the raw arguments, for settings the kernel does not know.
    pays_from: the size of the first array from which the kernel is faster; only `mode("auto")` asks.
    """

    composite: str
    forward: Callable[..., tuple[Array, tuple[Array, ...]]]
    backward: Callable[..., Sequence[Array | None]]
    arrays: tuple[int, ...]
    device: str = "cpu"
    dtypes: tuple[np.dtype[Any], ...] = (np.dtype(np.float32), np.dtype(np.float64))
    applies: Callable[..., bool] = _always
    pays_from: int = 0

    @property
    def name(self) -> str:
        return self.composite.lstrip("_")

    def fits(self, arguments: Sequence[Any]) -> bool:
        """Whether it is right for these raw arguments, fast or not."""
        first = arguments[self.arrays[0]]
        dtype, backend = first.dtype, backend_of(first)
        if dtype not in self.dtypes or backend.device != self.device:
            return False
        for position in self.arrays[1:]:
            array = arguments[position]
            if array is not None and (getattr(array, "dtype", None) is not dtype or backend_of(array) is not backend):
                return False
        return self.applies(*arguments)

    def run(self, arguments: list[Any]) -> Any:
        """The composite's result by this kernel; one node if a gradient is wanted."""
        raw = _raw(arguments)
        state = grad_mode.state.get()
        edges = tuple([_edge(arguments[position]) for position in self.arrays]) if state.grad_enabled else ()
        if forward_watchers:
            out, stored = watched(self, self.forward, raw, {}, lambda result: result[:1])
        else:
            out, stored = self.forward(*raw)
        for argument in arguments:
            if isinstance(argument, Tensor):
                break
        else:
            return out
        out = np.asarray(out) if isinstance(out, np.generic) else out
        if edges.count(None) == len(edges):
            return Tensor(out)
        saved = (*(raw[position] for position in self.arrays), *stored)
        for position in self.arrays:
            raw[position] = None
        return Tensor(out, True, Node(self, edges, saved, None, {"arguments": raw}, out, state.module))

    def vjp(
        self, node: Node, cotangent: Value, edges: Sequence[Node | Leaf | None], recorder: Recorder | None
    ) -> Iterator[tuple[int, Value]]:
        arguments = list(node.settings["arguments"])
        count = len(self.arrays)
        if recorder is not None:
            yield from self._replay(node, cotangent, edges, recorder, arguments)
            return
        for position, array in zip(self.arrays, node.saved[:count]):
            arguments[position] = array
        wanted = tuple(edge is not None for edge in edges)
        for number, gradient in enumerate(self.backward(cotangent, wanted, node.saved[count:], *arguments)):
            if wanted[number]:
                yield number, gradient

    def _replay(
        self,
        node: Node,
        cotangent: Value,
        edges: Sequence[Node | Leaf | None],
        recorder: Recorder,
        arguments: list[Any],
    ) -> Iterator[tuple[int, Value]]:
        inputs: dict[int, Tensor] = {}
        for number, position in enumerate(self.arrays):
            value, source = node.saved[number], node.edges[number]
            if value is not None:
                value = recorder.tensor(value, source)
                if source is not None:
                    # A view stands for the input, so that the walk below ends there even if one input made another.
                    inputs[number] = value = reshape(value, value.shape)
            arguments[position] = value
        with grad_mode.enable_grad():
            out = definitions[self.composite](*arguments)
        wanted = [number for number in inputs if edges[number] is not None]
        gradients = grad(out, [inputs[number] for number in wanted], cotangent, create_graph=True, allow_unused=True)
        for number, gradient in zip(wanted, gradients):
            if gradient is not None:
                yield number, gradient


def _raw(arguments: Sequence[Any]) -> list[Any]:
    """The arrays of tensors, beside what is none."""
    return [argument._data if isinstance(argument, Tensor) else argument for argument in arguments]


def _edge(argument: Any) -> Node | Leaf | None:
    if not isinstance(argument, Tensor):
        return None
    if argument.view_of is not None:
        check_view(argument)
    return (argument.node or argument) if argument.requires_grad else None


kernels: dict[str, list[FusedKernel]] = {}
_mode: Mode = "auto"


def current_mode() -> Mode:
    """Whether kernels are used."""
    return _mode


class mode(Switch):
    """Use kernels never ("off"), where they pay ("auto", the default), or wherever they apply ("force").

    A call switches at once and for the whole process; as a context manager it switches back at the end.

    >>> import minigrad as mg
    >>> with mg.kernels.mode("off"):
    ...     y = mg.nn.functional.relu(mg.ones(2))
    """

    open_blocks: list[Switch] = []

    def __init__(self, mode: Mode) -> None:
        if mode not in ("off", "auto", "force"):
            raise ValueError(f"kernel mode must be 'off', 'auto' or 'force', got {mode!r}")
        super().__init__(mode)

    def _get(self) -> Mode:
        return _mode

    def _set(self, value: Mode) -> None:
        global _mode
        _mode = value


def register(kernel: FusedKernel) -> FusedKernel:
    """Offer a kernel to its composite."""
    known = kernels.setdefault(kernel.composite, [])
    known.append(kernel)

    def select(arguments: list[Any]) -> FusedKernel | None:
        if _mode == "off":
            return None
        raw = _raw(arguments)
        if not hasattr(raw[kernel.arrays[0]], "dtype"):
            return None
        for candidate in known:
            if (_mode == "force" or raw[candidate.arrays[0]].size >= candidate.pays_from) and candidate.fits(raw):
                return candidate
        return None

    selectors[kernel.composite] = select
    return kernel
