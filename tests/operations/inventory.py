"""Every public operation of minigrad, once: its names, where it is defined, and its tier.

Derived from the tables of the library alone; what is tested of each is in `coverage`, how it is shown in `page`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from minigrad import ops
from minigrad.nn import functional
from minigrad.ops import (
    conversion,
    creation,
    dtypes,
    failure,
    index,
    inplace,
    interchange,
    memory,
    random,
    scattering,
    search,
)
from minigrad.ops.methods import METHODS, OPERATORS, PROPERTIES
from minigrad.ops.primitive import Primitive

# What `ops.__all__` and `linalg.__all__` have beside operations.
NO_OPERATIONS = {
    "DTypeError", "DeviceError", "DivisionByZeroError", "Generator", "LinAlgError", "ShapeError", "default_generator",
}  # fmt: skip
# Methods that call a function with their arguments in another order, and properties that call one without any.
SAME_AS = {"where": "where", "split": "split", "H": "t"}
# Operators that are no entry of a table: Python asks for a number or an iterator in them.
OPERATOR_OF = {"__eq__": "eq", "__ne__": "ne", "__iter__": "unbind"}
# Modules whose functions compute on arrays alone: what they give has no history.
PLAIN = {module.__name__ for module in (conversion, creation, dtypes, interchange, memory, random, search)}

MODULES: dict[str, ModuleType] = {
    module.name: importlib.import_module(module.name)
    for package in (ops, functional)
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + ".")
}
IN_PLACE = {
    **{name: getattr(inplace, name) for name in inplace.__all__}, **inplace.IN_PLACE, **scattering.IN_PLACE,
    "__setitem__": inplace.setitem,
}  # fmt: skip


@dataclass(frozen=True)
class Operation:
    name: str  # `exp`, `F.gelu`, `linalg.inv`, `Tensor.add_`: its own name, in the first namespace that has it
    names: tuple[str, ...]  # all of them
    function: Callable[..., Any]
    module: str  # that defines it
    tier: str  # "primitive", "composite", "in place" or "plain"


def public() -> dict[str, Any]:
    """Every public name, with its namespace before it, and what it stands for."""
    found = {name: getattr(ops, name) for name in ops.__all__ if name not in NO_OPERATIONS}
    found |= {f"linalg.{name}": getattr(ops.linalg, name) for name in ops.linalg.__all__ if name not in NO_OPERATIONS}
    found |= {f"F.{name}": getattr(functional, name) for name in functional.__all__}
    found |= {f"Tensor.{name}": function for name, function in {**METHODS, **PROPERTIES}.items()}
    found |= {f"Tensor.{name}": found[same] for name, same in SAME_AS.items()}
    inner = {id(watched): function for function, watched in failure._known.items()}
    found = {name: inner.get(id(function), function) for name, function in found.items()}
    return found | {"Tensor.__getitem__": index.getitem, "Tensor.__setitem__": inplace.setitem}


@functools.cache
def primitives() -> dict[str, list[Primitive]]:
    """The registered primitives, each in the module whose text makes it (others may import it)."""
    found: dict[str, list[Primitive]] = {}
    for name, module in MODULES.items():
        text = "".join(inspect.getsource(module).split())
        for value in vars(module).values():
            known = [primitive for made in found.values() for primitive in made]
            if isinstance(value, Primitive) and f'Primitive("{value.name}"' in text and value not in known:
                found.setdefault(name, []).append(value)
    return found


def _own_name(function: Any) -> str:
    return str(function.name if isinstance(function, Primitive) else function.__name__)


def _module_of(function: Any, names: tuple[str, ...]) -> str:
    if function in IN_PLACE.values():
        return str((scattering if function in scattering.IN_PLACE.values() else inplace).__name__)
    if isinstance(function, Primitive):
        return next(module for module, made in primitives().items() if function in made)
    return str(inspect.unwrap(function).__module__)


def _tier_of(function: Any, module: str, made: set[str]) -> str:
    if function in IN_PLACE.values():
        return "in place"
    if module in PLAIN and _own_name(function) not in ("contiguous", "type_as"):
        return "plain"
    front = module.startswith(ops.__name__) and _own_name(function).rstrip("_") in made
    return "primitive" if isinstance(function, Primitive) or front else "composite"


@functools.cache
def operations() -> list[Operation]:
    """One for each function: those that go by several names are one operation."""
    named: dict[int, list[str]] = {}
    known = public()
    for name, function in known.items():
        named.setdefault(id(function), []).append(name)
    made = {primitive.name for each in primitives().values() for primitive in each}
    found = []
    for names in named.values():
        function = known[names[0]]
        own = [name for name in names if name.split(".")[-1].strip("_") == _own_name(function).strip("_")]
        module = _module_of(function, tuple(names))
        found.append(Operation((own or names)[0], tuple(names), function, module, _tier_of(function, module, made)))
    return found


@functools.cache
def by_name() -> dict[str, str]:
    """The operation that a public name stands for; operators too, as methods."""
    found = {name: operation.name for operation in operations() for name in operation.names}
    known = {id(operation.function): operation.name for operation in operations()}
    straight = {name: known[id(function)] for name, function in OPERATORS.items() if id(function) in known}
    swapped = {f"__r{name[2:]}": operation for name, operation in straight.items() if f"__r{name[2:]}" in OPERATORS}
    return found | {f"Tensor.{name}": each for name, each in {**straight, **swapped, **OPERATOR_OF}.items()}
