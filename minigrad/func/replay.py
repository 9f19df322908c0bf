"""The operations of a computation, recorded once and computed again without the Python code around them.

Where arrays are small, finding the operations costs more than computing them, and a loop that takes the same ones every
time need not look for them every time. A recording knows the function of each operation, and where its arguments came
from: from an earlier operation, or from something that is there before and after, such as a weight or the memory of an
input, and is read anew at every replay. An array from elsewhere was made by code that a replay does not run, so there
is no recording of what uses one. Numbers and shapes, which may come from such code too, are what two recordings are
compared by (`==`): only what two runs agree on should be replayed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import grad_mode
from ..backends import Array
from ..graph import Operation
from ..hooks import forward_hooks
from ..kernels import FusedKernel
from ..tensor import Tensor
from ..writes import clock, last_write

_PLAIN = (bool, int, float, str, type(None), type(Ellipsis), np.dtype, np.generic)


class NotRecordable(RuntimeError):
    """What was computed is more than operations on what is known."""


class _Step(NamedTuple):
    """One operation."""

    function: Callable[..., Any]
    arguments: list[Any]  # those that are always the same; the others are put in before each call
    results: tuple[tuple[int, int], ...]  # the others: their place, and the number of the result that goes there
    settings: dict[str, Any]
    numbers: range  # of its own results
    fused: bool  # a kernel's function returns what it stored beside its one result


class Recording:
    """What `record` found. Two are equal if they are of the same operations on the same things."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._pattern: list[Any] = []  # what two recordings are compared by
        self._values: list[Any] = []
        self._last = -1  # the number of the result

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recording) and (self._pattern, self._last) == (other._pattern, other._last)

    def __len__(self) -> int:
        return len(self._steps)

    @np.errstate(all="ignore")
    def replay(self) -> Array:
        """The result, computed anew by the recorded operations. Not for two threads at once."""
        values = self._values
        for function, arguments, results, settings, numbers, fused in self._steps:
            for place, number in results:
                arguments[place] = values[number]
            out = function(*arguments, **settings)
            if fused:
                values[numbers[0]] = out[0]
            elif len(numbers) == 1:
                values[numbers[0]] = out
            else:
                values[numbers[0] : numbers[-1] + 1] = out
        return values[self._last]


class _Recorder:
    """Notes the operations of one thread."""

    def __init__(self, known: Iterable[Any]) -> None:
        arrays = (thing.data if isinstance(thing, Tensor) else thing for thing in known)
        self.known = {id(thing): thing for thing in arrays}
        self.recording = Recording()
        self.numbers: dict[int, int] = {}  # of the results so far, by id
        self.kept: list[Any] = []  # the results, so that no two have the same id
        self.problem: str | None = None
        self.thread = threading.get_ident()

    def end(
        self, op: Operation, args: Sequence[Any], settings: Mapping[str, Any], outputs: Sequence[Any]
    ) -> None:
        if threading.get_ident() != self.thread or self.problem or not outputs:  # without outputs, it raised
            return
        try:
            self._note(op, args, settings, outputs)
        except NotRecordable as problem:
            self.problem = f"{op.name}: {problem}"

    def _note(self, op: Any, args: Sequence[Any], settings: Mapping[str, Any], outputs: Sequence[Any]) -> None:
        first, arguments, results = len(self.kept), list(args), []
        pattern: list[Any] = [op]
        for place, arg in enumerate(args):
            number = self.numbers.get(id(arg))
            if number is None:
                pattern.append(self._same(arg))
            else:
                arguments[place] = None
                results.append((place, number))
        for name, value in settings.items():
            pattern.append((name, self._same(value)))
        for number, out in enumerate(outputs, first):
            if not isinstance(out, np.ndarray) or not out.ndim:
                raise NotRecordable("a result that is no array with dimensions in host memory")
            self.numbers[id(out)] = number
        self.kept.extend(outputs)
        step = _Step(
            op.forward, arguments, tuple(results), dict(settings), range(first, len(self.kept)),
            isinstance(op, FusedKernel),
        )  # fmt: skip
        self.recording._steps.append(step)
        self.recording._pattern.append((pattern, step.results, step.numbers))

    def _same(self, value: Any) -> Any:
        """What tells whether a value is the same in another recording."""
        if id(value) in self.known:
            return id(value)
        if isinstance(value, _PLAIN):
            return repr(value)  # nan is nan, and 1 is neither True nor 1.0
        if isinstance(value, (tuple, list)):
            return type(value), [self._same(each) for each in value]
        if isinstance(value, slice):
            return slice, repr(value)
        raise NotRecordable(f"an argument of type {type(value).__name__} that no operation made and nobody knows")


def record(function: Callable[[], Tensor], known: Iterable[Any]) -> tuple[Tensor, Recording]:
    """`function()`, and the operations it took.

    Args:
        function: computes without gradients, on arrays with dimensions in host memory. What it does beside its
            operations, a replay will not do: look at values and choose, or write into an array by NumPy.
        known: tensors, arrays, and whatever else operations are given, that a replay may read anew or write to.

    Raises NotRecordable, with the reason, if an operation is given an array or object that neither an earlier one made
    nor is known, and if the result is not that of an operation; RuntimeError while gradients are recorded.
    """
    if grad_mode.is_grad_enabled():
        raise RuntimeError("record: a replay has no gradients; call it in minigrad.no_grad()")
    recorder, began = _Recorder(known), next(clock)
    with forward_hooks(end=recorder.end):
        out = function()
    recording = recorder.recording
    if recorder.problem or not isinstance(out, Tensor) or id(out.data) not in recorder.numbers:
        raise NotRecordable(recorder.problem or "the result is not that of an operation")
    for array in (*recorder.kept, *recorder.known.values()):
        write = last_write(array) if isinstance(array, np.ndarray) else None
        if write is not None and write.time > began:
            raise NotRecordable(f"{write.by} changed an array in place, which a replay would not do")
    recording._last = recorder.numbers[id(out.data)]
    recording._values = [None] * len(recorder.kept)
    return out, recording
