"""Where a wrong rule can show: examples of the declared cases, by the primitives and kernels whose rules they call.

A few examples of every case are drawn once. Beside each stands the same with an exact zero in every array, and with
one array in every place, for what is wrong there alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.graph import Node
from minigrad.ops.primitive import Primitive
from minigrad.testing.check import examine
from minigrad.testing.functions import TensorFunction
from minigrad.testing.mutants.runtime import Target
from minigrad.testing.verdicts import GradReport
from tests.minigrad.nn.cases import FUNCTIONAL
from tests.minigrad.ops.cases import CASES
from tests.minigrad.ops.cases.case import Case

DRAWN = 25  # times a case is drawn,
KEPT = 8  # of which so many stay, unlike one another
LARGEST = 200  # numbers in an example
SEED = 20


ALL: dict[str, Case] = {**CASES, **{f"F.{name}": case for name, case in FUNCTIONAL.items()}}


@dataclass(frozen=True)
class Example:
    case: str
    function: Callable[..., Any]
    arrays: tuple[Any, ...]
    order: int

    @property
    def size(self) -> int:
        return sum(array.size for array in self.arrays)

    def examined(self, order: int) -> GradReport:
        subject = TensorFunction(self.function, [mg.tensor(array) for array in self.arrays], params={})
        return examine(subject, order=order, probes=2, kinks="interval", layouts=True, seed=SEED)

    def with_zeros(self) -> Iterator[Example]:
        """One in each of the arrays in turn."""
        for i, array in enumerate(self.arrays):
            arrays = list(self.arrays)
            arrays[i] = array.copy()
            arrays[i].reshape(-1)[:1] = 0
            yield Example(f"{self.case}, {i} at 0", self.function, tuple(arrays), 1)

    def repeated(self) -> Iterator[Example]:
        """With one array in the places of two."""
        for i, j in combinations(range(len(self.arrays)), 2):
            if self.arrays[i].shape == self.arrays[j].shape and self.size:
                rest = [array for k, array in enumerate(self.arrays) if k != j]
                function = partial(_with_again, self.function, i, j)
                yield Example(f"{self.case}, {j} is {i}", function, tuple(rest), 1)


def _with_again(function: Callable[..., Any], i: int, j: int, *tensors: Any) -> Any:
    return function(*tensors[:j], tensors[i], *tensors[j:])


def drawn(name: str) -> list[Example]:
    case, found = ALL[name], []

    @settings(max_examples=DRAWN, derandomize=True, database=None, phases=[Phase.generate], deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def draw(data: Any) -> None:
        function, arrays = case.draw(data)
        found.append(Example(name, function, tuple(np.array(array) for array in arrays), case.order))

    draw()
    return [each for each in found if 0 < each.size <= LARGEST]


def _called_in(example: Example) -> set[Any]:
    """The primitives and kernels of the graph, and of that of its gradients."""
    tensors = [mg.tensor(array, requires_grad=True) for array in example.arrays]
    out = example.function(*tensors)
    outs = [each for each in (out if isinstance(out, tuple) else (out,)) if each.requires_grad]
    found = _walk(outs)
    if outs and example.order > 1:
        ones = [mg.ones_like(each).requires_grad_() for each in outs]
        gradients = mg.autograd.grad(outs, tensors, ones, create_graph=True, allow_unused=True)
        found |= _walk([each for each in gradients if each is not None and each.requires_grad])
    return found


def _walk(outs: list[Any]) -> set[Any]:
    found: set[Any] = set()
    stack, visited = [each.node for each in outs], set()
    while stack:
        node = stack.pop()
        if isinstance(node, Node) and id(node) not in visited:
            visited.add(id(node))
            found.add(node.op)
            stack.extend(node.edges)
    return found


@functools.cache
def _called_by(name: str) -> list[tuple[set[Any], Example]]:
    """Some examples of a case, with what they call: of those that call the same large ones and small ones in turns, so
    that the first few differ."""
    groups: dict[Any, list[Example]] = {}
    for example in sorted(drawn(name), key=lambda each: -each.size):
        groups.setdefault(frozenset(_called_in(example)), []).append(example)
    turns = []
    for called, group in groups.items():
        mixed = [each for pair in zip(group, reversed(group)) for each in pair][: len(group)]
        turns += [(turn, set(called), example) for turn, example in enumerate(mixed)]
    turns.sort(key=lambda entry: entry[0])
    return [(called, example) for _, called, example in turns[:KEPT]]


@functools.cache
def _by_target() -> dict[Any, list[tuple[int, int, Example]]]:
    """For every target: how often its case came before, how much else is in it, and the example."""
    found: dict[Any, list[tuple[int, int, Example]]] = {}
    for name in ALL:
        turns: dict[Any, int] = {}
        for called, example in _called_by(name):
            for target in called:
                turn = turns[target] = turns.get(target, -1) + 1
                found.setdefault(target, []).append((turn, len(called), example))
    for entries in found.values():
        entries.sort(key=lambda entry: (entry[0] // 2, entry[1]))
    return found


def examples_of(target: Target, own: bool = False) -> Iterator[Example]:
    """Those of its own case first; then (unless `own`) of all others that call it, those first in which there is little
    else."""
    if target.name == "cast":  # the cases are all of float64: another test casts these
        yield Example("cast", lambda x: x.to(mg.float64), (np.array([[0.5, -1.25, 2.0]], np.float32),), 1)
    names = [name for name in (target.name, f"F.{target.name}") if name in ALL]
    mine = [(called, example) for name in names for called, example in _called_by(name)]
    if isinstance(target, Primitive):  # itself, without what a case has around it: all memory is then the caller's
        fitting = [example for _, example in mine if len(example.arrays) == target.arity]
        yield from (Example(f"{each.case} itself", target, each.arrays, each.order) for each in fitting[:2])
    yield from (example for called, example in mine if target in called)
    if not own:
        yield from (example for _, _, example in _by_target().get(target, []) if example.case not in names)
