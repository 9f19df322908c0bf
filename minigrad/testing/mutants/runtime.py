"""minigrad with one wrong rule: `all_mutants` says which there are, `mutated` puts one in force for a block.

The rule of one argument of one primitive, or the backward of one fused kernel, is wrapped by an operator. What the
wrapper sees tells whether the operator changed anything at all: a mutant that never does is no mutant.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np

from ... import ops
from ...autograd import grad
from ...graph import unbroadcast
from ...kernels.registry import FusedKernel, kernels
from ...ops.creation import ones_like
from ...ops.elementwise import zero_gradient
from ...ops.index import index_put_here
from ...ops.primitive import Primitive, Rule
from ...tensor import Tensor
from . import circumstances as circumstances  # they enter their operators into the table
from . import operators as operators
from .call import AXES, KEYS, NUMBERS, OPERATORS, SIGNED, Call, Operator

Array: TypeAlias = Any
Target: TypeAlias = Primitive | FusedKernel
SETTINGS = {"settings": SIGNED, "axes": AXES, "numbers": NUMBERS, "eps": ("eps",), "keys": KEYS}  # what needs which
EACH = -1  # the argument of the one rule that a primitive of any number of arrays has


@dataclass
class Seen:
    """What became of the rule: how often it ran, how often it gave something else than the right one."""

    calls: int = 0
    changes: int = 0
    memory: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mutant:
    target: Target
    argument: int  # its number among the arrays
    operator: Operator

    @property
    def name(self) -> str:
        kind = "kernel " if isinstance(self.target, FusedKernel) else ""
        return f"{kind}{label(self.target)}[{argument_name(self.target, self.argument)}]: {self.operator.name}"


@functools.cache
def label(target: Target) -> str:
    """Its name; that of its variable, with the module, where two primitives have one name."""
    if isinstance(target, FusedKernel):
        return target.name
    twins = [(variable, each) for variable, each in _primitives() if each.name == target.name]
    return target.name if len(twins) == 1 else next(variable for variable, each in twins if each is target)


def argument_name(target: Target, argument: int) -> str:
    return "each" if argument == EACH else str(argument)


def _primitives() -> list[tuple[str, Primitive]]:
    found: dict[int, tuple[str, Primitive]] = {}
    for module in (value for value in vars(ops).values() if isinstance(value, ModuleType)):
        for variable, each in vars(module).items():
            if isinstance(each, Primitive) and each.differentiable:
                found.setdefault(id(each), (f"{module.__name__.rpartition('.')[2]}.{variable}", each))
    return [(variable, each) for variable, each in found.values() if each.name != "to"]  # to a second device


def targets() -> list[Target]:
    """Every differentiable primitive but the device transfer, and every kernel for NumPy."""
    hosts = [kernel for known in kernels.values() for kernel in known if kernel.device == "cpu"]
    return [*(each for _, each in _primitives()), *hosts]


def arguments(target: Target) -> list[int]:
    """The arguments that a target has gradients for."""
    if isinstance(target, FusedKernel):
        return list(range(len(target.arrays)))
    return [EACH] if target._each is not None else sorted(target._rules)


def applicable(target: Target, argument: int, operator: Operator) -> bool:
    """Whether an operator can make a difference: not where what it spoils does not exist."""
    needs = operator.needs
    if needs in SETTINGS:
        return not set(SETTINGS[needs]).isdisjoint(_settings(target, argument))
    if isinstance(target, FusedKernel):
        several = needs not in ("other", "several inputs") or len(target.arrays) > 1
        return several and needs != "broadcasting" and not operator.recorded  # that is the composite's
    if argument != EACH and target._rules[argument].function is zero_gradient and not operator.of_zero:
        return False
    if needs == "broadcasting":
        return len(target._rules) > 1 or target.name == "expand"
    if argument == EACH:
        return needs == "nothing"
    if needs in ("inputs", "several inputs") and target is index_put_here and argument == 0:
        return False  # written over by then
    if needs == "other":
        return len(target._rules) > 1
    if needs == "several inputs":
        return target.arity is not None and target.arity > 1
    return needs != "read" or any(kind != "shape" for kind, _ in target._rules[argument].reads)


def _settings(target: Target, argument: int) -> tuple[str, ...]:
    """What a rule, or a kernel, is told besides arrays."""
    if isinstance(target, FusedKernel):
        names = list(inspect.signature(target.forward).parameters)
        return tuple(name for i, name in enumerate(names) if i not in target.arrays)
    rule = target._each if argument == EACH else target._rules[argument]
    assert rule is not None
    return rule.settings


def all_mutants() -> list[Mutant]:
    """Every target, argument and operator that go together."""
    return [
        Mutant(target, argument, operator)
        for target in targets()
        for argument in arguments(target)
        for operator in OPERATORS.values()
        if applicable(target, argument, operator)
    ]


@contextmanager
def mutated(target: Target, argument: int, operator: Operator) -> Iterator[Seen]:
    """Let the rule of one argument be wrong inside the block."""
    seen = Seen()
    if isinstance(target, FusedKernel):
        known = kernels[target.composite]
        place = next(i for i, each in enumerate(known) if each.forward is target.forward)  # it may be wrong already
        before = known[place]
        known[place] = _wrong_kernel(before, argument, operator, seen)
        try:
            yield seen
        finally:
            known[place] = before
        return
    rules, each, plans = dict(target._rules), target._each, dict(target._plans)
    if argument == EACH:
        assert each is not None
        target._each = each._replace(function=_wrong_each(each.function, operator, seen))
    else:
        other = next((rule for number, rule in rules.items() if number != argument), None)
        target._rules[argument] = _wrong_rule(target, argument, rules[argument], other, operator, seen)
    target._plans.clear()
    try:
        yield seen
    finally:
        target._rules.update(rules)
        target._each = each
        target._plans.clear()
        target._plans.update(plans)


# ------------------------------------------------------------------------------------------------------- wrapping


def _wrong_rule(
    target: Primitive, argument: int, rule: Rule, other: Rule | None, operator: Operator, seen: Seen
) -> Rule:
    """A rule that also reads what the operator needs."""
    extra: list[tuple[str, int]] = [("shape", argument)]
    arrays = {"inputs": [argument], "several inputs": list(range(target.arity or 0))}.get(operator.needs, [])
    extra += [("value", number) for number in arrays]
    borrowed = other if operator.needs == "other" else None
    reads = (*rule.reads, *extra, *(borrowed.reads if borrowed else ()))
    own, upto = len(rule.reads), len(rule.reads) + len(extra)
    position = arrays.index(argument) if arrays else 0
    every = (*rule.settings, *(borrowed.settings if borrowed else ()))

    def wrong(cotangent: Any, *values: Any, **settings: Any) -> Any:
        mine = {name: settings[name] for name in rule.settings}
        theirs = {name: settings[name] for name in (borrowed.settings if borrowed else ())}

        def again(read: tuple[Any, ...]) -> Any:
            return _own(rule.function(cotangent, *read, **mine))

        def otherwise(settings: dict[str, Any]) -> Any:
            return _own(rule.function(cotangent, *values[:own], **{name: settings[name] for name in mine}))

        def swapped() -> Any:
            assert borrowed is not None
            return _own(borrowed.function(cotangent, *values[upto:], **theirs))

        right = rule.function(cotangent, *values[:own], **mine)
        call = Call(
            cotangent, right, values[own], position, values[:own], again, values[own + 1 : upto],
            swapped if borrowed else None, mine, otherwise, seen.memory,
        )  # fmt: skip
        return _spoiled(call, operator, seen)

    return Rule(wrong, reads, tuple(dict.fromkeys(every)))


def _wrong_each(function: Callable[..., Any], operator: Operator, seen: Seen) -> Callable[..., Any]:
    def wrong(cotangent: Any, number: int, **settings: Any) -> Any:
        gradient = function(cotangent, number, **settings)
        call = Call(
            cotangent, gradient, gradient.shape, number, (), lambda _: gradient, settings=settings,
            otherwise=lambda other: _own(function(cotangent, number, **other)), memory=seen.memory,
        )  # fmt: skip
        return _spoiled(call, operator, seen)

    return wrong


def _wrong_kernel(kernel: FusedKernel, argument: int, operator: Operator, seen: Seen) -> FusedKernel:
    names = list(inspect.signature(kernel.forward).parameters)

    def wrong(cotangent: Any, wanted: Any, stored: tuple[Any, ...], *arguments: Any) -> Sequence[Any]:
        gradients = list(kernel.backward(cotangent, wanted, stored, *arguments))
        if not wanted[argument] or gradients[argument] is None:
            return gradients
        inputs = tuple(arguments[position] for position in kernel.arrays)
        others = [each for i, each in enumerate(gradients) if i != argument and each is not None]

        def again(read: tuple[Any, ...]) -> Any:
            changed = list(arguments)
            for position, array in zip(kernel.arrays, read):
                changed[position] = array
            return kernel.backward(cotangent, wanted, read[len(inputs) :], *changed)[argument]

        def otherwise(settings: dict[str, Any]) -> Any:
            changed = [settings.get(name, value) for name, value in zip(names, arguments)]
            return kernel.backward(cotangent, wanted, kernel.forward(*changed)[1], *changed)[argument]

        settings = {name: value for i, (name, value) in enumerate(zip(names, arguments)) if i not in kernel.arrays}
        call = Call(
            cotangent, gradients[argument], inputs[argument].shape, argument, (*inputs, *stored), again, inputs,
            (lambda: np.array(others[0])) if others else None, settings, otherwise, seen.memory,
        )  # fmt: skip
        if operator.needs != "other" or others:
            gradients[argument] = _spoiled(call, operator, seen)
        return gradients

    return replace(kernel, backward=wrong)


def _own(gradient: Any) -> Any:
    """Dense, in memory of its own; a tensor as it is."""
    if isinstance(gradient, Tensor):
        return gradient
    return np.array(gradient.whole() if hasattr(gradient, "whole") else gradient)


def _spoiled(call: Call, operator: Operator, seen: Seen) -> Any:
    if isinstance(call.cotangent, Tensor) is not operator.recorded:
        return call.gradient
    wrong, differs, _ = attempt(call, operator, rounding=32)
    seen.calls += 1
    seen.changes += differs
    return wrong


def attempt(call: Call, operator: Operator, rounding: float = 0.0) -> tuple[Any, bool, list[tuple[Array, Array]]]:
    """What the wrong rule returns; whether that is another gradient, or it did something to memory; and the arrays it
    might have written to, with what was in them."""
    right = call.gradient
    if operator.recorded:
        wrong = operator.spoil(call)
        return wrong, not _differentiate_the_same(right, wrong, (call.cotangent, *call.read)), []
    call.gradient = _own(right)
    expected = call.gradient.copy()
    watched = [
        (each, each.copy()) for each in (call.cotangent, *call.inputs, *call.read) if isinstance(each, np.ndarray)
    ]
    kept = call.memory.get("last")
    wrong = operator.spoil(call)
    wrong = _own(wrong) if hasattr(wrong, "whole") else wrong
    call.memory["last"] = wrong
    untouched = all(np.array_equal(each, before, equal_nan=True) for each, before in watched)
    alone = not any(isinstance(wrong, np.ndarray) and np.shares_memory(wrong, each)
                    for each in (*(each for each, _ in watched), kept) if isinstance(each, np.ndarray))  # fmt: skip
    return wrong, not (untouched and alone and _arrive_the_same(expected, wrong, call.shape, rounding)), watched


def _differentiate_the_same(right: Tensor, wrong: Tensor, sources: Sequence[Any]) -> bool:
    """Whether two recorded gradients have the same derivatives: those of `abs` do not depend on its input."""
    tensors = [each for each in sources if isinstance(each, Tensor) and each.requires_grad]
    both = [
        grad(each, tensors, ones_like(each), retain_graph=True, allow_unused=True)
        if tensors and each.requires_grad else [None] * len(tensors) for each in (right, wrong)
    ]  # fmt: skip
    for source, one, other in zip(tensors, *both):
        first, second = (np.zeros(source.shape) if each is None else np.asarray(each.data) for each in (one, other))
        if not np.array_equal(first, second):
            return False
    return True


def _arrive_the_same(expected: Array, wrong: Any, shape: tuple[int, ...], rounding: float) -> bool:
    """Whether the argument gets the same numbers; but for so many roundings, if it gets a sum in another order."""
    if wrong is None:
        return False
    wrong = np.asarray(wrong)
    if wrong.shape == expected.shape and np.array_equal(wrong, expected, equal_nan=True):
        return True  # in whatever order they lie in memory, and would be added up
    rounding *= 0.0 if wrong.shape == expected.shape == shape else float(np.finfo(expected.dtype).eps)
    try:
        one, other = (each if each.shape == shape else unbroadcast(each, shape) for each in (expected, wrong))
    except (ValueError, IndexError, TypeError, RuntimeError):
        return False
    if one.shape != other.shape:
        return False
    size = float(np.abs(expected).sum()) if rounding else 0.0
    return np.allclose(other.astype(one.dtype), one, rtol=0, atol=rounding * size, equal_nan=True)
