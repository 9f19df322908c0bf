"""Which functions of the array module, and which methods of arrays, a source file uses, and with which keywords.

Found in the text, so that what no test happens to run is found too. Only names are followed, never values: a method is
listed under "array." whenever NumPy's arrays have one of its name, whatever it is called on.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

MODULES = {"numpy": "np", "cupy": "cupy", "cupyx": "cupyx"}  # what their names are shortened to
EXPIRED = {"itemset", "newbyteorder", "ptp"}  # which NumPy 2.0 still lists, to say that they are gone
ARRAY_NAMES = {name for name in dir(np.ndarray) if not name.startswith("_")} - EXPIRED


class Use(NamedTuple):
    """One place in a file that names a function, a class or an attribute."""

    line: int
    name: str  # "np.linalg.solve", "xp.zeros" of whatever backend, "cupy.asarray", "array.astype", "array.flags.fnc"
    positional: int | None = None  # how many arguments, None if it is not called or they are not listed one by one
    keywords: tuple[str, ...] | None = None  # None if it is not called

    @property
    def called(self) -> bool:
        return self.keywords is not None


def uses(text: str) -> list[Use]:
    """All of a file, in the order of the lines."""
    tree = ast.parse(text)
    known = dict(_imported(tree))
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    found: list[Use] = []
    for node in ast.walk(tree):
        call = calls.get(id(node))
        arguments = (_positional(call), _keywords(call)) if call else (None, None)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("getattr", "partial")) and node.args:
            path = _path(node.args[0], known)
            if path and ast.unparse(node.func) == "getattr":
                found.append(Use(node.lineno, f"{path}.?"))  # a name that is known only when it runs
            elif path:
                found.append(Use(node.lineno, path, None, _keywords(node)))
        elif isinstance(node, (ast.Attribute, ast.Name)):
            path = _path(node, known)
            if "." in path and id(node) not in inner:
                found.append(Use(node.lineno, path, *arguments))
            elif isinstance(node, ast.Attribute) and not path:
                found += _of_array(node, arguments)
    return sorted(found, key=lambda use: (use.line, use.name))


def _of_array(node: ast.Attribute, arguments: Any) -> Iterator[Use]:
    """An attribute of something that may be an array."""
    if isinstance(node.value, ast.Attribute) and node.value.attr == "flags":
        yield Use(node.lineno, f"array.flags.{node.attr}")
    elif node.attr in ARRAY_NAMES:
        yield Use(node.lineno, f"array.{node.attr}", *arguments)


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """What array modules, and things of them, are called in a file: "np" -> "np", "cp" -> "cupy"; "xp" by agreement."""
    yield "xp", "xp"
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                if first in MODULES:
                    yield (alias.asname, _module(alias.name)) if alias.asname else (first, MODULES[first])
        elif isinstance(node, ast.ImportFrom) and not node.level and _module(node.module):
            for alias in node.names:
                yield alias.asname or alias.name, f"{_module(node.module)}.{alias.name}"


def _module(name: str | None) -> str:
    """The short name of an array module or a part of it, "" for others."""
    first, *rest = (name or "").split(".")
    return ".".join([MODULES[first], *rest]) if first in MODULES else ""


def _path(node: ast.AST, known: dict[str, str]) -> str:
    """ "np.linalg.solve" for a chain that starts at an array module, "" for others."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Call):
        return "xp" if ast.unparse(node.func).rpartition(".")[2].lstrip("_") == "xp" else ""  # xp(x), _xp(device)
    if not isinstance(node, ast.Attribute):
        return ""
    before = _path(node.value, known)
    return f"{before}.{node.attr}" if before else "xp" if node.attr == "xp" else ""


def _positional(call: ast.Call) -> int | None:
    return None if any(isinstance(arg, ast.Starred) for arg in call.args) else len(call.args)


def _keywords(call: ast.Call) -> tuple[str, ...]:
    return tuple(keyword.arg for keyword in call.keywords if keyword.arg)
