"""Where the first nan or inf comes from: the operation whose inputs were finite and whose result is not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from .. import grad_mode
from ..graph import Leaf, Node, Operation, Parts, Value, describe
from ..hooks import BackwardHooks, ForwardHooks, RemovableHandle, Switch, add, backward_watchers, forward_watchers
from ..tensor import Tensor
from .where import lines, made_at, remember, shown


class set_detect_nonfinite(Switch):
    """Switch the search on or off for the whole process, at once; as a context manager until the block ends.

    For debugging: every result is looked at, so operations take about twice as long.
    """

    open_blocks: list[Switch] = []

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))

    def _get(self) -> bool:
        return _detector.on

    def _set(self, value: bool) -> None:
        _detector.switch(value)


@contextmanager
def detect_nonfinite() -> Iterator[None]:
    """Within the block, the first operation that makes nan or inf out of finite inputs raises FloatingPointError.

    The error names the operation, shapes, module and line of the source, and how many elements are nan and inf; of a
    gradient, the operation whose backward made it. An operation that is given inf (a mask, say) may return it.

    >>> import minigrad as mg
    >>> x = mg.tensor([-1.0, 1.0])
    >>> with mg.debug.detect_nonfinite(), np.errstate(all="ignore"):
    ...     x.sqrt()
    Traceback (most recent call last):
        ...
    FloatingPointError: sqrt of (2,) float32 made 1 nan and 0 inf in 2 elements of its result of shape (2,) out of...
    """
    with set_detect_nonfinite(True):
        yield


class _Detector:
    def __init__(self) -> None:
        self.on = False
        self._handles: list[RemovableHandle] = []
        self._cotangents: dict[Node, Value] = {}  # of the nodes whose backward is running

    def switch(self, on: bool) -> None:
        if on and not self.on:
            self._handles = [
                add(forward_watchers, ForwardHooks(end=self._computed, record=remember)),
                add(backward_watchers, BackwardHooks(self._begin, self._end, self._accumulate, self._failed)),
            ]
        elif not on:
            for handle in self._handles:
                handle.remove()
        self.on = on

    def _computed(
        self, op: Operation, args: Sequence[Any], settings: Mapping[str, Any], outputs: Sequence[Any]
    ) -> None:
        for out in outputs:
            if not _finite(out) and _finite(args) and _finite(list(settings.values())):
                shapes = " and ".join(f"{tuple(arg.shape)} {arg.dtype}" for arg in args if hasattr(arg, "dtype"))
                module = grad_mode.state.get().module
                raise FloatingPointError(
                    f"{op.name} of {shapes} made {_count(out)} of its result of shape {tuple(out.shape)} out of finite "
                    f"inputs" + (f", in module {module!r}" if module else "") + f", at{shown(lines())}"
                )

    def _begin(self, node: Node, cotangent: Value) -> None:
        self._cotangents[node] = cotangent

    def _end(self, node: Node) -> None:
        del self._cotangents[node]

    def _failed(self, node: Node, error: Exception) -> None:
        self._cotangents.pop(node, None)

    def _accumulate(self, source: Node, target: Node | Leaf, gradient: Value) -> None:
        read = [self._cotangents.get(source), *source.saved, *source.settings.values()]
        if not _finite(gradient) and _finite(read):
            raise FloatingPointError(
                f"the backward of {describe(source)} made {_count(gradient)} of the gradient of an input of shape "
                f"{tuple(gradient.shape)} out of finite values{made_at(source)}"
            )


def _finite(value: Any) -> bool:
    """Whether there is no nan or inf in it; what holds no floating-point numbers has none."""
    if isinstance(value, Parts):
        return all(map(_finite, value.parts.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_finite, value))
    if isinstance(value, float):
        return math.isfinite(value)
    array = value.data if isinstance(value, Tensor) else value
    if getattr(getattr(array, "dtype", None), "kind", "") != "f":
        return True
    return bool(np.isfinite(array).all())


def _count(value: Any) -> str:
    array = value.data if isinstance(value, Tensor) else value
    return f"{int(np.isnan(array).sum())} nan and {int(np.isinf(array).sum())} inf in {array.size} elements"


_detector = _Detector()
