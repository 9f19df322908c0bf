"""Anomaly detection: what fails in a backward is traced to the line of the forward that recorded it.

Every node remembers where it was made; an error in its backward says so, and nan in a gradient is an error. What nodes
save is guarded against changes that go around minigrad, through a NumPy array of the same memory: results of operations
are read-only until the backward has used them, and everything saved is compared with a checksum before it is used.
"""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..graph import Leaf, Node, Operation, Value, describe
from ..hooks import BackwardHooks, ForwardHooks, RemovableHandle, Switch, add, backward_watchers, forward_watchers
from .where import made_at, remember


class set_detect_anomaly(Switch):
    """Switch anomaly detection on or off for the whole process, at once; as a context manager until the block ends.

    PyTorch: `torch.autograd.set_detect_anomaly`. For debugging: it keeps the lines that recorded every node and reads
    all that is saved, so a step takes several times as long.
    """

    open_blocks: list[Switch] = []

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        super().__init__((bool(mode), bool(check_nan)))

    def _get(self) -> tuple[bool, bool]:
        return _detector.on, _detector.check_nan

    def _set(self, value: tuple[bool, bool]) -> None:
        _detector.switch(*value)


@contextmanager
def detect_anomaly(check_nan: bool = True) -> Iterator[None]:
    """Within the block, errors and nan of a backward name the line of the forward. PyTorch: `autograd.detect_anomaly`.

    With `check_nan`, a gradient with nan raises RuntimeError. A saved array that was changed through NumPy raises
    RuntimeError too, or NumPy's ValueError at the assignment if it is the result of an operation.

    >>> import minigrad as mg
    >>> x = mg.tensor(0.0, requires_grad=True)
    >>> with mg.autograd.detect_anomaly(), np.errstate(all="ignore"):
    ...     y = x.sqrt() * 0.0
    ...     try:
    ...         y.backward()
    ...     except RuntimeError as error:
    ...         print(error)
    the backward of sqrt (output of shape ()) gave nan, in 1 of 1 elements of the gradient of an input of shape ()
    """
    with set_detect_anomaly(True, check_nan):
        yield


class _Detector:
    """The watchers, and what they know of the graphs that are alive."""

    def __init__(self) -> None:
        self.on = False
        self.check_nan = True
        self._handles: list[RemovableHandle] = []
        self._results: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()  # of operations, by id
        self._checksums: weakref.WeakKeyDictionary[Node, list[int | None]] = weakref.WeakKeyDictionary()
        self._unlock: weakref.WeakKeyDictionary[Node, weakref.finalize[Any, Any]] = weakref.WeakKeyDictionary()
        self._locked: dict[int, tuple[Any, int]] = {}  # by id: the array, and how many nodes want it unchanged

    def switch(self, on: bool, check_nan: bool) -> None:
        self.check_nan = check_nan
        if on and not self.on:
            self._handles = [
                add(forward_watchers, ForwardHooks(end=self._computed, record=self._recorded)),
                add(backward_watchers, BackwardHooks(self._begin, self._end, self._accumulate, self._failed)),
            ]
        elif not on:
            for handle in self._handles:
                handle.remove()
            for unlock in list(self._unlock.values()):
                unlock()
            self._checksums.clear()
        self.on = on

    def _computed(
        self, op: Operation, args: Sequence[Any], settings: Mapping[str, Any], outputs: Sequence[Any]
    ) -> None:
        for out in outputs:
            if isinstance(out, np.ndarray):
                self._results[id(out)] = out

    def _recorded(self, node: Node) -> None:
        remember(node)
        self._checksums[node] = [_checksum(value) if isinstance(value, np.ndarray) else None for value in node.saved]
        # A leaf's own array stays writable: between this forward and its backward others may rightly use it.
        saved: list[Any] = [value for value in node.saved if isinstance(value, np.ndarray)]
        results = [array for array in saved if id(array) in self._results]
        guarded = [array for array in results if array.flags.writeable or id(array) in self._locked]
        if guarded:
            for array in guarded:
                self._locked[id(array)] = array, self._locked.get(id(array), (array, 0))[1] + 1
                array.flags.writeable = False
            self._unlock[node] = weakref.finalize(node, self._release, guarded)
            self._unlock[node].atexit = False

    def _release(self, arrays: list[Any]) -> None:
        for array in arrays:
            _, count = self._locked.pop(id(array))
            if count > 1:
                self._locked[id(array)] = array, count - 1
            else:
                array.flags.writeable = True

    def _begin(self, node: Node, cotangent: Value) -> None:
        for array, checksum in zip(node.saved, self._checksums.get(node, ())):
            if checksum is not None and _checksum(array) != checksum:
                raise RuntimeError(
                    f"backward through {describe(node)}: an array of shape {array.shape} that it saved was changed "
                    f"afterwards, not by an operation of minigrad but through a NumPy array that shares its memory"
                )

    def _end(self, node: Node) -> None:
        unlock = self._unlock.pop(node, None)
        if unlock is not None:
            unlock()

    def _accumulate(self, source: Node, target: Node | Leaf, gradient: Value) -> None:
        array = gradient if not hasattr(gradient, "node") else gradient.data
        count = int(np.isnan(array).sum()) if self.check_nan and array.dtype.kind == "f" else 0
        if count:
            raise RuntimeError(
                f"the backward of {describe(source)} gave nan, in {count} of {array.size} elements of the gradient of "
                f"an input of shape {tuple(array.shape)}"
            )

    def _failed(self, node: Node, error: Exception) -> None:
        trace = made_at(node)
        if trace:
            error.add_note(f"{node.op.name}{trace}")


def _checksum(array: Any) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)


_detector = _Detector()
