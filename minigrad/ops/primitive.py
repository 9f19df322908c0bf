"""What a primitive is: a function of arrays, and a rule for the gradient of each of its array arguments.

    exp = Primitive("exp", np.exp).rules(x=lambda g, out: g * out)
    mul = Primitive("mul", np.multiply).rules(x=lambda g, y: g * y, y=lambda g, x: g * x)

Positional arguments are arrays, keyword arguments are settings. A rule is a function of the cotangent `g` of the
output and of whatever else it names: an argument, the shape of one (`x_shape`), the output (`out`), or a setting. A
node saves what the rules of the wanted gradients name, and nothing else.

A rule is written once and serves twice. Given arrays, its operators and primitives just compute; given tensors, they
record. That is how gradients of gradients come about, to any order.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from ..backends import Array
from ..grad_mode import state
from ..graph import Leaf, Node, Recorder, Value
from ..hooks import forward_watchers, watched
from ..tensor import Tensor, check_view, mark_view
from .dtypes import to_common_dtype
from .failure import KEPT, add_place, check_numbers, explain, no_out


class Rule(NamedTuple):
    """The gradient of one argument: a function of the cotangent, of stored values, and of settings."""

    function: Callable[..., Value]
    reads: tuple[tuple[str, int], ...]  # ("value" or "shape", argument number), or ("out", 0)
    settings: tuple[str, ...]


class Plan(NamedTuple):
    """For one choice of wanted gradients: what to store, and which rule reads what of it."""

    stored: tuple[tuple[str, int], ...]
    rules: tuple[tuple[int, Callable[..., Value], tuple[int, ...], tuple[str, ...]], ...]


class Primitive:
    """A differentiable function of arrays. `view`: its output may share memory with its first argument.
    `promote`: bring the arguments to a common dtype first (`to_common_dtype`), or to a floating one (`to_float`).
    `names`: what PyTorch calls the arguments, for a call that names them. `alpha`: a call may scale the second."""

    def __init__(
        self, name: str, forward: Callable[..., Array], *, view: bool = False,
        promote: Callable[[Sequence[Any]], Sequence[Any]] | None = to_common_dtype,
        names: tuple[str, ...] = ("input", "other"), alpha: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.forward = forward
        self.view = view
        self.promote = promote
        self.arity = _arity(forward)
        self.names = names[: self.arity]
        self.alpha = alpha
        self.differentiable = False
        self._rules: dict[int, Rule] = {}
        self._each: Rule | None = None  # the one rule of a primitive that takes any number of arrays
        self._plans: dict[int, Plan] = {}  # by the numbers of the arguments that a gradient is wanted of, as bits

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def rules(self, **rules: Callable[..., Value]) -> Primitive:
        """Declare the gradient of each differentiable argument by its name; `each` serves a variadic one, with the
        argument's number `i`."""
        self.differentiable = True
        arguments = _positional_names(self.forward)
        for name, function in rules.items():
            rule = _read(function, arguments)
            if name == "each":
                self._each = rule
            else:
                self._rules[arguments.index(name)] = rule
        return self

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Compute; and record, if an argument is a tensor that requires grad. Given no tensor, return an array."""
        if (settings or len(args) != self.arity) and self.arity is not None:
            args, settings = self._in_order(args, settings), {}
        current = state.get()
        arrays: Any = []
        edges: list[Node | Leaf | None] = []
        wanted, tensors = 0, False  # the numbers of the arguments that a gradient is wanted of, as bits
        for number, arg in enumerate(args):
            if isinstance(arg, Tensor):
                tensors = True
                arrays.append(arg._data)
                if current.grad_enabled:
                    if arg.view_of is not None:
                        check_view(arg)
                    if arg._requires_grad:
                        wanted |= 1 << number
                        edges.append(arg.node or arg)
                        continue
            else:
                arrays.append(arg)
            edges.append(None)
        if not tensors:
            try:
                if args[0].__class__ is not np.ndarray:
                    check_numbers(args)
                return self.forward(*args, **settings)
            except KEPT as error:
                add_place(self.name, args, error)
                raise
            except Exception as error:
                raise explain(self.name, args, settings, error) from error
        try:
            if self.promote is not None:
                arrays = self.promote(arrays)
            if forward_watchers:
                out = watched(self, self.forward, arrays, settings)
            else:
                out = self.forward(*arrays, **settings)
        except KEPT as error:
            add_place(self.name, args, error)
            raise
        except Exception as error:
            raise explain(self.name, args, settings, error) from error
        if isinstance(out, np.generic):
            out = np.asarray(out)
        if not wanted or not self.differentiable or out.dtype.kind != "f":
            result = Tensor(out)
        else:
            plan = self._plans.get(wanted) or self._make_plan(wanted, len(args))
            saved = [
                arrays[number] if kind == "value" else np.shape(arrays[number]) if kind == "shape" else out
                for kind, number in plan.stored
            ]
            node = Node(self, tuple(edges), tuple(saved), plan, settings, out, current.module)
            result = Tensor(out, True, node)
        return mark_view(args[0], result) if self.view else result

    def _in_order(self, args: tuple[Any, ...], settings: dict[str, Any]) -> tuple[Any, ...]:
        """The arguments of a call that names some. Raises TypeError for one that is wrong: a ufunc would take the array
        that is one too many as the place to write to."""
        alpha = settings.pop("alpha", 1) if self.alpha else 1
        rest = self.names[len(args) :]
        if len(args) > len(self.names) or settings.keys() != set(rest):
            if "out" in settings:
                raise TypeError(f"{self.name}: {no_out(self.name)}")
            named = "".join(f", {name}=" for name in settings)
            raise TypeError(f"{self.name} takes ({', '.join(self.names)}), got {len(args)} by position{named}")
        args = (*args, *(settings[name] for name in rest))
        return args if alpha == 1 else (args[0], args[1] * alpha)

    def vjp(
        self, node: Node, cotangent: Value, edges: Sequence[Node | Leaf | None], recorder: Recorder | None
    ) -> Iterator[tuple[int, Value]]:
        plan: Plan = node.plan
        saved: Sequence[Any] = node.saved
        if recorder is not None:
            saved = [_recorded(node, value, *read, recorder) for value, read in zip(saved, plan.stored)]
        for number, function, positions, settings in plan.rules:
            if edges[number] is None:
                continue
            if settings:
                values = [saved[position] for position in positions]
                yield number, function(cotangent, *values, **{name: node.settings[name] for name in settings})
            elif len(positions) == 1:  # written out: most rules are of these two kinds, and most of a rule is its call
                yield number, function(cotangent, saved[positions[0]])
            else:
                yield number, function(cotangent, *[saved[position] for position in positions])

    def _make_plan(self, wanted: int, count: int) -> Plan:
        chosen = []
        for number in (number for number in range(count) if wanted >> number & 1):
            if self._each is not None:
                chosen.append(
                    (number, self._each._replace(function=partial(_with_number, self._each.function, number)))
                )
            elif number in self._rules:
                chosen.append((number, self._rules[number]))
            else:
                raise NotImplementedError(f"{self.name} has no gradient with respect to argument {number}")
        stored = tuple(dict.fromkeys(read for _, rule in chosen for read in rule.reads))
        plan = Plan(
            stored,
            tuple((n, rule.function, tuple(map(stored.index, rule.reads)), rule.settings) for n, rule in chosen),
        )
        if count <= 8:  # `cat` and `stack` take any number, and every number would leave a plan behind
            self._plans[wanted] = plan
        return plan


def _with_number(function: Callable[..., Value], number: int, cotangent: Value, **settings: Any) -> Value:
    return function(cotangent, number, **settings)


def _positional_names(forward: Callable[..., Any]) -> list[str]:
    if isinstance(forward, np.ufunc):
        return ["x", "y"][: forward.nin]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [name for name, parameter in inspect.signature(forward).parameters.items() if parameter.kind in kinds]


def _arity(forward: Callable[..., Any]) -> int | None:
    """How many arguments `forward` takes, if it takes exactly these and no settings."""
    if isinstance(forward, np.ufunc):
        return forward.nin
    parameters = inspect.signature(forward).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len(parameters) if all(parameter.kind in plain for parameter in parameters) else None


def _read(function: Callable[..., Value], arguments: list[str]) -> Rule:
    """What a rule asks for, from the names of its parameters."""
    reads: list[tuple[str, int]] = []
    settings: list[str] = []
    for name in list(inspect.signature(function).parameters)[1:]:
        if name == "out":
            reads.append(("out", 0))
        elif name in arguments:
            reads.append(("value", arguments.index(name)))
        elif name.removesuffix("_shape") in arguments:
            reads.append(("shape", arguments.index(name.removesuffix("_shape"))))
        elif name != "i":
            settings.append(name)
    return Rule(function, tuple(reads), tuple(settings))


def _recorded(node: Node, value: Any, kind: str, number: int, recorder: Recorder) -> Any:
    """A stored value as a tensor with its history, for a backward that is recorded."""
    if kind == "shape":
        return value
    if kind == "out":
        return recorder.tensor(value, node)
    source = node.edges[number]
    return value if source is None else recorder.tensor(value, source)
