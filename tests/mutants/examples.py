"""Where a wrong rule can show: examples of the declared cases, by the primitives and kernels whose rules they call.

A few examples of every case are drawn once. From each others are made for what shows in them alone: with an exact zero
or equal numbers in it, with one array in the places of two, in float32, inside a module.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, islice, permutations
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.graph import Node
from minigrad.kernels.registry import FusedKernel
from minigrad.ops.cast import cast
from minigrad.ops.index import _index_put, put
from minigrad.ops.primitive import Primitive
from minigrad.testing.check import check_module, examine
from minigrad.testing.functions import TensorFunction
from minigrad.testing.mutants.call import Kind
from minigrad.testing.mutants.runtime import Target
from minigrad.testing.verdicts import GradientError, GradReport
from tests.minigrad.nn.cases import FUNCTIONAL
from tests.minigrad.ops.cases import CASES
from tests.minigrad.ops.cases.case import Case

DRAWN = 40  # times a case is drawn,
KEPT = 10  # of which so many stay, unlike one another
LARGEST = 200  # numbers in an example
SEED = 20


ALL: dict[str, Case] = {**CASES, **{f"F.{name}": case for name, case in FUNCTIONAL.items()}}


class Within(mg.nn.Module):
    """A function as a module: nothing but its mode is new."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Any) -> Any:
        return self.function(*tensors)


@dataclass(frozen=True)
class Example:
    """A function of tensors and arrays to call it with. case: the one it is from; made: how it was made from that."""

    case: str
    function: Callable[..., Any]
    arrays: tuple[Any, ...]
    order: int
    made: str = ""

    @property
    def name(self) -> str:
        return f"{self.case}{self.made}"

    @property
    def size(self) -> int:
        return sum(array.size for array in self.arrays)

    def examined(self, order: int) -> GradReport:
        if isinstance(self.function, Within):
            try:
                return check_module(self.function, *map(mg.tensor, self.arrays), probes=2, seed=SEED)
            except GradientError as error:
                return error.report
        subject = TensorFunction(self.function, [mg.tensor(array) for array in self.arrays], params={})
        return examine(subject, order=order, probes=2, kinks="interval", layouts=True, seed=SEED)

    def of_kind(self, kind: Kind) -> Iterator[Example]:
        """Those of a kind that can be made from this one."""
        yield from {
            "": lambda: iter([self]), "zeros": self._with_zeros, "tied entries": self._with_tied_entries,
            "tied inputs": self._with_tied_inputs, "repeated": self._repeated, "float32": self._in_float32,
            "modules": self._within_a_module,
        }[kind]()  # fmt: skip

    def _with(self, i: int, place: int, value: Any, made: str) -> Example:
        arrays = [array.copy() for array in self.arrays]
        arrays[i].reshape(-1)[place] = value
        return replace(self, arrays=tuple(arrays), order=1, made=f"{self.made}, {made}")

    def _with_zeros(self) -> Iterator[Example]:
        """One in each of the arrays in turn."""
        for i, array in enumerate(self.arrays):
            if array.size:
                yield self._with(i, 0, 0, f"{i} at 0")

    def _with_tied_entries(self) -> Iterator[Example]:
        """The first two of each of the arrays, or the first and the last, are equal."""
        for i, array in enumerate(self.arrays):
            for place in {1, array.size - 1} if array.size > 1 else ():
                yield self._with(i, place, array.reshape(-1)[0], f"0 and {place} of {i} tied")

    def _with_tied_inputs(self) -> Iterator[Example]:
        """The first entries of two arrays are equal."""
        for i, j in permutations(range(len(self.arrays)), 2):
            if self.arrays[i].shape == self.arrays[j].shape and self.arrays[i].size:
                yield self._with(j, 0, self.arrays[i].reshape(-1)[0], f"{i} and {j} tied")
        yield from self._repeated()

    def _in_float32(self) -> Iterator[Example]:
        arrays = tuple(array.astype(np.float32) for array in self.arrays)
        yield replace(self, arrays=arrays, order=1, made=f"{self.made}, in float32")

    def _within_a_module(self) -> Iterator[Example]:
        yield replace(self, function=Within(self.function), order=1, made=f"{self.made}, in a module")

    def _repeated(self) -> Iterator[Example]:
        """With one array in the places of two."""
        for i, j in combinations(range(len(self.arrays)), 2):
            if self.arrays[i].shape == self.arrays[j].shape and self.size:
                rest = [array for k, array in enumerate(self.arrays) if k != j]
                function = partial(_with_again, self.function, i, j)
                yield replace(self, function=function, arrays=tuple(rest), order=1, made=f"{self.made}, {j} is {i}")


def _with_again(function: Callable[..., Any], i: int, j: int, *tensors: Any) -> Any:
    return function(*tensors[:j], tensors[i], *tensors[j:])


def drawn_from(name: str, times: int, start: int) -> list[Example]:
    """A case, so many times at most: always the same for one `start`."""
    case, found = ALL[name], []

    @seed(start)
    @settings(max_examples=times, database=None, phases=[Phase.generate], deadline=None,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def draw(data: Any) -> None:
        function, arrays = case.draw(data)
        found.append(Example(name, function, tuple(np.array(array) for array in arrays), case.order))

    draw()
    return found


def _called_in(example: Example) -> dict[Any, int]:
    """The primitives and kernels of the graph, at 1, and those of that of its gradients alone, at 2."""
    tensors = [mg.tensor(array, requires_grad=True) for array in example.arrays]
    out = example.function(*tensors)
    outs = [each for each in (out if isinstance(out, tuple) else (out,)) if each.requires_grad]
    found = dict.fromkeys(_walk(outs), 1)
    if outs and example.order > 1:
        ones = [mg.ones_like(each).requires_grad_() for each in outs]
        gradients = mg.autograd.grad(outs, tensors, ones, create_graph=True, allow_unused=True)
        second = _walk([each for each in gradients if each is not None and each.requires_grad])
        found = dict.fromkeys(second, 2) | found
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
def _called_by(name: str) -> list[tuple[dict[Any, int], Example]]:
    """Some examples of a case, with what they call: of those that call the same with arrays of the same kinds large and
    small ones in turns, so that the first few differ."""
    groups: dict[Any, list[Example]] = {}
    some = [each for each in drawn_from(name, DRAWN, 0) if 0 < each.size <= LARGEST]
    for example in sorted(some, key=lambda each: -each.size):
        spread = tuple(min(sum(side > 1 for side in array.shape), 2) for array in example.arrays)
        groups.setdefault((frozenset(_called_in(example).items()), spread), []).append(example)
    turns = []
    for (called, _), group in groups.items():
        mixed = [each for pair in zip(group, reversed(group)) for each in pair][: len(group)]
        turns += [(turn, dict(called), example) for turn, example in enumerate(mixed)]
    turns.sort(key=lambda entry: entry[0])
    return [(called, example) for _, called, example in turns[:KEPT]]


@functools.cache
def _by_target() -> dict[Any, list[tuple[tuple[int, int, int], Example]]]:
    """For every target its examples, those first of which the first derivative calls it; those of a case that did not
    come before; those in which there is little else."""
    found: dict[Any, list[tuple[tuple[int, int, int], Example]]] = {}
    for name in ALL:
        turns: dict[Any, int] = {}
        for called, example in _called_by(name):
            for target, order in called.items():
                turn = turns[target] = turns.get(target, -1) + 1
                found.setdefault(target, []).append(((order, turn // 2, len(called)), example))
    for entries in found.values():
        entries.sort(key=lambda entry: entry[0])
    return found


def examples_of(target: Target, first: str = "") -> Iterator[Example]:
    """Those of the case named, if one is; those of its own case; then of all others that call it, those before in which
    there is little else."""
    if first:
        yield from (example for example in _own_examples(target, [first.removesuffix(" itself")])
                    if example.case == first)  # fmt: skip
    yield from extra_examples(target)
    names = [name for name in (target.name, f"F.{target.name}") if name in ALL]
    yield from _own_examples(target, names)
    yield from (example for _, example in _by_target().get(target, []) if example.case not in names)


def extra_examples(target: Target) -> Iterator[Example]:
    """Of a cast: the cases are all of float64. Of the gradient of a read, which few call in their first derivative. Of
    dropout that goes on to draw. Of a write to a single number, which comes after too many others."""
    if target is put:
        for index, shape, part in ((1, (3,), ()), (slice(1), (2, 3), (1, 3)), ([0, 0, -1], (3, 2), (3, 2))):
            values = np.linspace(0.5, 2.0, int(np.prod(part))).reshape(part)
            yield Example("put", partial(put, shape=shape, index=(index,)), (values,), 2)
    if target is _index_put:
        yield from islice(_own_examples(target, ["index_put of a number"]), 2)
    if isinstance(target, FusedKernel) and target.name == "dropout":
        values = np.linspace(-1.0, 2.0, 12).reshape(3, 4)
        yield Example("dropout", lambda x: mg.nn.functional.dropout(x, 0.4), (values,), 1)
    if target is cast:
        for array in (np.array([[0.5, -1.25, 2.0], [0.75, 1.5, -0.5]]), np.array([[0.5, -1.25, 2.0]])):
            yield Example("cast", lambda x: x.to(mg.float64), (array.astype(np.float32),), 1)
            yield Example("cast", lambda x: cast(x, dtype=x.dtype), (array,), 2)


def cases_of(target: Target) -> list[str]:
    """The cases that call a target, those first in which there is little else."""
    return list(dict.fromkeys(example.case for _, example in _by_target().get(target, [])))


def _own_examples(target: Target, names: list[str]) -> Iterator[Example]:
    mine = [(called, example) for name in names if name in ALL for called, example in _called_by(name)]
    if isinstance(target, Primitive):  # itself, without what a case has around it: all memory is then the caller's
        fitting = [example for _, example in mine if len(example.arrays) == target.arity]
        yield from (Example(f"{each.case} itself", target, each.arrays, each.order) for each in fitting[:3])
    calling = [(called[target], example) for called, example in mine if target in called]
    yield from (example for _, example in sorted(calling, key=lambda entry: entry[0]))
