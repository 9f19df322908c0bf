"""What a computation costs: time and bytes per operation and per module, forward and backward; what a graph keeps.

    with mg.profiler.profile() as prof:
        loss = model(x).sum()
        loss.backward()
    print(prof.table(sort_by="time"))
    prof.export_chrome_trace("trace.json")

Built on the hooks alone: nothing of it runs outside the block.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from . import grad_mode
from .backends import Array
from .graph import Absent, Leaf, Node, Operation, Value
from .hooks import backward_hooks, forward_hooks
from .io import atomic_write
from .tensor import Tensor
from .writes import owner_of


@dataclass
class Event:
    """One operation that ran: what, where, when (seconds since the profile began) and what it made."""

    name: str
    module: str
    phase: str  # "forward" or "backward"
    start: float
    end: float = 0.0
    inside: float = 0.0  # seconds that belong to operations it called
    bytes: int = 0  # of arrays it made: results in forward, gradients in backward; a view makes none
    shape: tuple[Any, ...] = ()  # of the output
    thread: int = 0

    @property
    def seconds(self) -> float:
        """Its own time: without what it called."""
        return self.end - self.start - self.inside


@dataclass
class Row:
    """The events of one operation or module, added up."""

    name: str
    calls: int = 0  # in forward
    forward: float = 0.0  # seconds
    backward: float = 0.0
    forward_bytes: int = 0
    backward_bytes: int = 0

    @property
    def time(self) -> float:
        return self.forward + self.backward

    @property
    def bytes(self) -> int:
        return self.forward_bytes + self.backward_bytes


_COLUMNS: dict[str, tuple[str, Callable[[Row, float], str]]] = {  # by what it is sorted by
    "name": ("", lambda row, _: row.name),
    "calls": ("calls", lambda row, _: str(row.calls)),
    "forward": ("forward ms", lambda row, _: f"{1e3 * row.forward:.3f}"),
    "backward": ("backward ms", lambda row, _: f"{1e3 * row.backward:.3f}"),
    "time": ("total ms", lambda row, _: f"{1e3 * row.time:.3f}"),
    "share": ("%", lambda row, total: f"{100 * row.time / total if total else 0:.1f}"),
    "forward_bytes": ("forward bytes", lambda row, _: f"{row.forward_bytes:,}"),
    "backward_bytes": ("backward bytes", lambda row, _: f"{row.backward_bytes:,}"),
}
_SORTED_BY = ("name", "calls", "forward", "backward", "time", "forward_bytes", "backward_bytes", "bytes")


class profile:
    """Watch every operation and every backward in a block, of all threads. PyTorch: `torch.profiler.profile`.

    On a device that runs behind, times are those of asking for the work.

    >>> import minigrad as mg
    >>> with mg.profiler.profile() as prof:
    ...     x = mg.ones(3, requires_grad=True)
    ...     (x * x).sum().backward()
    >>> [(event.name, event.phase) for event in prof.events]
    [('mul', 'forward'), ('sum', 'forward'), ('sum', 'backward'), ('mul', 'backward')]
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._running: dict[int, list[Event]] = {}  # per thread, the outermost first
        self._watching = ExitStack()
        self._began = time.perf_counter()

    def __enter__(self) -> profile:
        self._began = time.perf_counter()
        self._watching.enter_context(forward_hooks(self._begin_forward, self._end_forward))
        self._watching.enter_context(
            backward_hooks(self._begin_backward, self._end_backward, self._accumulate, self._failed)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._watching.close()

    def rows(self, by: str = "op") -> list[Row]:
        """The events added up by operation or, `by="module"`, by module; in the order of their first appearance."""
        if by not in ("op", "module"):
            raise ValueError(f"a profile is added up by 'op' or 'module', got {by!r}")
        rows: dict[str, Row] = {}
        for event in self.events:
            name = event.name if by == "op" else event.module
            row = rows.setdefault(name, Row(name))
            if event.phase == "forward":
                row.calls += 1
                row.forward += event.seconds
                row.forward_bytes += event.bytes
            else:
                row.backward += event.seconds
                row.backward_bytes += event.bytes
        return list(rows.values())

    def table(self, sort_by: str = "time", by: str = "op", row_limit: int | None = None) -> str:
        """The rows as text, the largest first (names in alphabetical order).

        Args:
            sort_by: "name", "calls", "forward", "backward", "time", "forward_bytes", "backward_bytes" or "bytes".
            by: "op" or "module".
            row_limit: show no more rows than that.
        """
        if sort_by not in _SORTED_BY:
            raise ValueError(f"a profile is sorted by one of {', '.join(_SORTED_BY)}, got {sort_by!r}")
        rows = sorted(self.rows(by), key=lambda row: getattr(row, sort_by), reverse=sort_by != "name")
        total = Row("total")
        for row in rows:
            for name in ("calls", "forward", "backward", "forward_bytes", "backward_bytes"):
                setattr(total, name, getattr(total, name) + getattr(row, name))
        shown = [*rows[:row_limit], total]
        return _aligned(
            [[by, *(heading for heading, _ in _COLUMNS.values() if heading)]]
            + [[text(row, total.time) for _, text in _COLUMNS.values()] for row in shown]
        )

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write the events as JSON for chrome://tracing or https://ui.perfetto.dev. PyTorch: the same name."""
        process = os.getpid()
        events = [
            {
                "name": event.name, "cat": event.phase, "ph": "X", "ts": 1e6 * event.start,
                "dur": 1e6 * (event.end - event.start), "pid": process, "tid": event.thread,
                "args": {"module": event.module, "bytes": event.bytes, "shape": list(event.shape)},
            }
            for event in self.events
        ]  # fmt: skip
        text = json.dumps({"traceEvents": events, "displayTimeUnit": "ms"})
        atomic_write(path, text.encode())

    # ------------------------------------------------------------------------------------------- the hooks

    def _begin(self, event: Event) -> None:
        event.thread = threading.get_ident()
        self.events.append(event)
        self._running.setdefault(event.thread, []).append(event)
        event.start = time.perf_counter() - self._began

    def _end(self) -> Event | None:
        now = time.perf_counter() - self._began
        running = self._running.get(threading.get_ident())
        if not running:  # it began before the block
            return None
        event = running.pop()
        event.end = now
        if running:
            running[-1].inside += event.end - event.start
        return event

    def _begin_forward(self, op: Operation) -> None:
        self._begin(Event(op.name, grad_mode.state.get().module, "forward", 0.0))

    def _end_forward(
        self, op: Operation, args: Sequence[Any], settings: Mapping[str, Any], outputs: Sequence[Any]
    ) -> None:
        event = self._end()
        if event is not None and outputs:
            event.bytes = sum(_new_bytes(out, args) for out in outputs)
            event.shape = tuple(getattr(outputs[0], "shape", ()))

    def _begin_backward(self, node: Node, cotangent: Value) -> None:
        self._begin(Event(node.op.name, node.module, "backward", 0.0, shape=tuple(node.shape)))

    def _accumulate(self, source: Node, target: Node | Leaf, gradient: Value) -> None:
        running = self._running.get(threading.get_ident())
        if running:
            running[-1].bytes += int(gradient.dtype.itemsize * math.prod(gradient.shape))

    def _end_backward(self, node: Node) -> None:
        self._end()

    def _failed(self, node: Node, error: Exception) -> None:
        self._end()


@dataclass
class SavedBytes:
    """What a graph keeps for its backward, in bytes."""

    total: int = 0
    by_op: dict[str, int] = field(default_factory=dict)
    by_module: dict[str, int] = field(default_factory=dict)

    def table(self, by: str = "op") -> str:
        """The largest first."""
        if by not in ("op", "module"):
            raise ValueError(f"saved bytes are added up by 'op' or 'module', got {by!r}")
        found = self.by_op if by == "op" else self.by_module
        ordered = sorted(found.items(), key=lambda item: -item[1])
        return _aligned(
            [[by, "saved bytes"], *([name, f"{size:,}"] for name, size in [*ordered, ("total", self.total)])]
        )


def saved_bytes(*tensors: Tensor) -> SavedBytes:
    """The memory that the graph of these tensors keeps for backward, by the operation and module that saved it first.

    Memory counts once however often it is saved, and whole even if a part is saved; that of leaves, such as
    parameters, does not count: it would be there anyway.

    >>> import minigrad as mg
    >>> x = mg.ones(1000, requires_grad=True)
    >>> mg.profiler.saved_bytes(x.exp().tanh().sum()).by_op
    {'exp': 4000, 'tanh': 4000}
    """
    nodes: set[Node] = set()
    counted: set[int] = set()
    stack: list[Node | Leaf | None] = [tensor.node or tensor for tensor in tensors]
    while stack:
        source = stack.pop()
        if isinstance(source, Node) and source not in nodes:
            nodes.add(source)
            stack.extend(source.edges)
        elif isinstance(source, Tensor):
            counted.add(id(owner_of(source.data)))
    report = SavedBytes()
    for node in sorted(nodes, key=lambda node: node.seq):
        for value in node.saved.held() if isinstance(node.saved, Absent) else node.saved:
            owner = owner_of(value) if hasattr(value, "base") else None
            if owner is None or id(owner) in counted:
                continue
            counted.add(id(owner))
            size = int(owner.nbytes)
            report.total += size
            report.by_op[node.op.name] = report.by_op.get(node.op.name, 0) + size
            report.by_module[node.module] = report.by_module.get(node.module, 0) + size
    return report


def _new_bytes(out: Any, args: Sequence[Any]) -> int:
    """The size of an array, unless it shows memory of an argument."""
    array = out.data if isinstance(out, Tensor) else out
    if not hasattr(array, "nbytes"):
        return 0
    owner = owner_of(array) if hasattr(array, "base") else array
    sources: list[Array] = [arg.data if isinstance(arg, Tensor) else arg for arg in args]
    return 0 if any(hasattr(source, "base") and owner_of(source) is owner for source in sources) else int(array.nbytes)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join(
        "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths)))
        for row in rows
    )
