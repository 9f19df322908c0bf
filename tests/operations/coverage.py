"""How many derivatives of every operation are tested, found by running the tests' own calls and watching them.

Two kinds of test count: the calls that `test_torch_values` compares with PyTorch's recorded answers, and the cases
whose derivatives are compared with certified numeric ones. An operation counts as compared with PyTorch where a call
makes it directly (what another operation does inside itself does not count) and, for a derivative, where its result is
part of the graph; as certified where a case names it.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import minigrad as mg
from tests.minigrad.nn.cases import FUNCTIONAL
from tests.minigrad.nn.test_layer_derivatives import DIFFERENTIATED, OWN
from tests.minigrad.ops.cases import CASES
from tests.operations.inventory import by_name
from tests.oracle import layer_cases, small_layer_cases
from tests.oracle.calls import FAMILIES

Orders = dict[str, int]  # by operation: 0 for its value alone, then how many derivatives


class Watch:
    """Notes which operations are called directly inside `watching`, and whether their results are in a graph."""

    def __init__(self) -> None:
        self.depth = 0
        self.seen: dict[str, bool] = {}  # by public name: whether a result required grad
        self.differentiates = False  # whether `autograd` was asked for: such a call shows one derivative less

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            if self.depth:
                return function(*args, **kwargs)
            self.depth += 1
            try:
                result = function(*args, **kwargs)
            finally:
                self.depth -= 1
            self.seen[name] = self.seen.get(name, False) or _in_graph(result)
            return result

        return watched


def _in_graph(result: Any) -> bool:
    if isinstance(result, (tuple, list)):
        return any(map(_in_graph, result))
    return isinstance(result, mg.Tensor) and result.requires_grad


class Library:
    """minigrad, or a namespace of it, whose functions are watched."""

    def __init__(self, watch: Watch, module: Any = mg, prefix: str = "") -> None:
        self._watch, self._module, self._prefix = watch, module, prefix

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if name == "autograd":
            self._watch.differentiates = True
        if isinstance(value, ModuleType):
            return Library(self._watch, value, {"functional": "F.", "linalg": "linalg."}.get(name, ""))
        return self._watch.wrap(self._prefix + name, value) if self._prefix + name in by_name() else value


@contextmanager
def methods_watched(watch: Watch) -> Iterator[None]:
    """Tensor's methods, properties and operators are watched inside."""
    before: dict[str, Any] = {}
    for public in by_name():
        name = public.removeprefix("Tensor.")
        if public.startswith("Tensor."):
            before[name] = mg.Tensor.__dict__[name]
            found = before[name]
            if isinstance(found, property):
                setattr(mg.Tensor, name, property(watch.wrap(public, found.fget)))
            else:
                setattr(mg.Tensor, name, watch.wrap(public, found))
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(mg.Tensor, name, value)


def shown_by(function: Callable[..., Any], arrays: list[Any]) -> Orders:
    """Of every operation in a call: how many derivatives are compared. Two, or one if it shows the first as a value."""
    watch = Watch()
    with methods_watched(watch):
        function(Library(watch), *(mg.tensor(array, requires_grad=True) for array in arrays))
    order = 1 if watch.differentiates else 2
    orders: Orders = {}
    for public, in_graph in watch.seen.items():
        name = by_name()[public]
        orders[name] = max(orders.get(name, 0), order if in_graph else 0)
    return orders


@functools.cache
def against_pytorch() -> Orders:
    """Of every operation in the recorded calls."""
    orders: Orders = {}
    for calls in FAMILIES.values():
        for function, arrays in calls.values():
            for name, order in shown_by(function, arrays).items():
                orders[name] = max(orders.get(name, 0), order)
    return orders


@functools.cache
def certified() -> Orders:
    """Of every operation that a case names."""
    names = by_name()
    orders: Orders = {}
    for cases, places in ((CASES, ("{}", "Tensor.{}", "Tensor.__{}__")), (FUNCTIONAL, ("F.{}",))):
        for title, case in cases.items():
            for public in (place.format(name) for name in (title, *case.names) for place in places):
                if public in names:
                    orders[names[public]] = max(orders.get(names[public], 0), case.order)
    return orders


@functools.cache
def layers_against_pytorch() -> Orders:
    """Of every layer in the recorded cases, which have its gradients for inputs and parameters."""
    every = {**layer_cases.files, **small_layer_cases.files}
    return {case.layer: 1 for cases in every.values() for case in cases}


@functools.cache
def layers_certified() -> Orders:
    return dict.fromkeys([*(case.layer for _, case in DIFFERENTIATED), *OWN], 2)


def layer_settings() -> Orders:
    """In how many settings each layer is compared with PyTorch."""
    every = {**layer_cases.files, **small_layer_cases.files}
    return dict(Counter(case.layer for cases in every.values() for case in cases))
