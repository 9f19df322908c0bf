"""How our public functions, methods and layers are called, and where that differs from PyTorch's recorded way."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import minigrad as mg
from minigrad.nn import init
from minigrad.ops.methods import METHODS, PROPERTIES, _parameters
from tests.operations.exceptions import NO_LAYERS
from tests.operations.inventory import SAME_AS, public

# Of PyTorch's arguments: which no function here has. They say where a result goes and how it lies in memory, or are
# kept for programs written before `reduction`.
LEFT_OUT = {"out", "layout", "pin_memory", "memory_format", "size_average", "reduce", "_stacklevel", "generator"}
EMPTY = inspect.Parameter.empty


def functions() -> dict[str, Any]:
    """What is compared, by name."""
    found = {name: function for name, function in public().items() if not name.startswith("Tensor.__")}
    found = {name: f for name, f in found.items() if name.removeprefix("Tensor.") not in PROPERTIES}
    found |= {f"Tensor.{name}": METHODS[name] for name in SAME_AS if name in METHODS}
    found |= {f"nn.{name}": getattr(mg.nn, name) for name in mg.nn.__all__ if name not in NO_LAYERS}
    found |= {f"init.{name}": f for name, f in vars(init).items() if inspect.isfunction(f) and name[0] != "_"
              and f.__module__ == init.__name__}  # fmt: skip
    return found | {f"func.{name}": getattr(mg.func, name) for name in mg.func.__all__}


def names() -> list[str]:
    return sorted(functions())


Parameter = tuple[str, str, str]  # name, kind (positional, "*" or keyword), default as text, "" if none


def ours(name: str) -> list[Parameter]:
    function = functions()[name]
    layer = name.startswith("nn.")
    parameters = list(inspect.signature(function).parameters.values()) if layer else _parameters(function)
    if name.startswith("Tensor."):
        parameters = parameters[1:]
    kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**",
             inspect.Parameter.KEYWORD_ONLY: "keyword"}  # fmt: skip
    return [
        (p.name, kinds.get(p.kind, "positional"), "" if p.default is EMPTY else _text(repr(p.default)))
        for p in parameters
    ]


def theirs(signature: str) -> list[Parameter]:
    function = ast.parse(f"def f{signature}: ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(positional) - len(given.defaults)) + [ast.unparse(d) for d in given.defaults]
    found = [(arg.arg, "positional", default or "") for arg, default in zip(positional, defaults)]
    if given.vararg:
        found.append((given.vararg.arg, "*", ""))
    found += [(a.arg, "keyword", ast.unparse(d) if d else "") for a, d in zip(given.kwonlyargs, given.kw_defaults)]
    if given.kwarg:
        found.append((given.kwarg.arg, "**", ""))
    return [(name, kind, _text(default)) for name, kind, default in found]


def _text(default: str) -> str:
    """A default in one spelling: numbers as floats, and one for a list of the same, as which it is understood."""
    try:
        value = ast.literal_eval(default)
    except (ValueError, SyntaxError):
        return default
    if isinstance(value, (list, tuple)):
        value = (None if not value else value[0]) if len(set(value)) < 2 else tuple(value)
    return repr(float(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else repr(value)


def differences(name: str, signatures: list[str]) -> list[str]:
    """In what our way to call it is not the nearest of PyTorch's."""
    return min((_differences(ours(name), theirs(each)) for each in signatures), key=len)


def _differences(mine: list[Parameter], wanted: list[Parameter]) -> list[str]:
    mine_by_name = {parameter[0]: parameter for parameter in mine}
    wanted = [parameter for parameter in wanted if parameter[0] not in LEFT_OUT or parameter[0] in mine_by_name]
    many = any(kind == "*" for _, kind, _ in mine)  # given by position one by one, or by name all at once
    found = []
    for name, kind, default in wanted:
        if name not in mine_by_name:
            found.append(f"lacks {name}")
            continue
        _, our_kind, our_default = mine_by_name[name]
        if many and our_kind == "keyword" and not default:
            continue
        if our_default != default:
            found.append(f"{name}={our_default or 'required'}, not {default or 'required'}")
        if kind == "positional" and our_kind != "positional":
            found.append(f"{name} by keyword alone")
    order = [p[0] for p in mine if p[1] == "positional"]
    expected = [p[0] for p in wanted if p[1] == "positional" and p[0] in order]
    if [name for name in order if name in expected] != expected:
        found.append(f"order ({', '.join(order)}), not ({', '.join(expected)})")
    known = {parameter[0] for parameter in wanted}
    positions = [name for name in order if name not in known]
    if positions and order.index(positions[0]) < len(expected):
        found.append(f"{positions[0]} stands before what PyTorch has there")
    required = [p[0] for p in mine if p[1] in ("positional", "keyword") and not p[2] and p[0] not in known]
    return found + [f"requires {name}" for name in required]
