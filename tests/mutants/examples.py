"""Where a wrong rule can show: examples of the declared cases, by the primitives and kernels whose rules they call.

A few examples of every case are drawn once. Beside each stands the same with an exact zero in every array, and with
one array in every place, for what is wrong there alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.graph import Node
from minigrad.kernels.registry import FusedKernel
from minigrad.testing.check import examine
from minigrad.testing.mutants.runtime import Target
from minigrad.testing.tensors import TensorFunction
from minigrad.testing.verdicts import GradReport
from tests.minigrad.nn.cases import FUNCTIONAL
from tests.minigrad.ops.cases import CASES
from tests.minigrad.ops.cases.case import Case

DRAWN = 10  # examples of a case
LARGEST = 200  # numbers in an example
SEED = 20


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

    def with_zeros(self) -> Example:
        arrays = [array.copy() for array in self.arrays]
        for array in arrays:
            array.reshape(-1)[:1] = 0
        return Example(f"{self.case}, at 0", self.function, tuple(arrays), 1)

    def repeated(self) -> Iterator[Example]:
        if len(self.arrays) > 1 and len({array.shape for array in self.arrays}) == 1 and self.size:
            count = len(self.arrays)
            function = self.function
            yield Example(f"{self.case}, one array", lambda x: function(*[x] * count), self.arrays[:1], 1)


def drawn(name: str, case: Case) -> list[Example]:
    found: list[Example] = []

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


def _own() -> list[Example]:
    """What the cases leave to other tests."""
    narrow = np.array([[0.5, -1.25, 2.0]], np.float32)
    return [Example("cast", lambda x: x.to(mg.float64), (narrow,), 1)]


@functools.cache
def _by_target() -> dict[Any, list[tuple[int, Example]]]:
    found: dict[Any, list[tuple[int, Example]]] = {}
    examples = _own() + [
        each for name, case in {**CASES, **FUNCTIONAL}.items() if "batch_norm" not in name
        for each in drawn(name, case)
    ]  # fmt: skip
    for example in examples:
        called = _called_in(example)
        for target in called:
            found.setdefault(target, []).append((len(called), example))
    return found


def examples_of(target: Target) -> list[Example]:
    """Those with little else in them first: its own case, then others in turns."""
    known = _by_target().get(target, [])
    own = target.composite.lstrip("_") if isinstance(target, FusedKernel) else target.name
    turns: dict[str, int] = {}
    ranked = []
    for others, example in known:
        turn = turns[example.case] = turns.get(example.case, -1) + 1
        ranked.append((turn // 3, example.case != own, others, turn, example))
    ranked.sort(key=lambda entry: entry[:4])
    return [entry[-1] for entry in ranked]
