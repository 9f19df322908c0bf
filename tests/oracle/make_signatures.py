"""Records how PyTorch's functions, methods and layers of our public names are called, in signatures.json.

    python -m tests.oracle.make_signatures

From Python's own knowledge of a function where it has any, else from the schema that PyTorch's own argument parser is
made of (its documentation names some arguments otherwise). Several where it may be called in several ways. Made with
PyTorch 2.13.0.
"""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "signatures.json"
ROOTS = {"F": "", "linalg": "linalg_", "Tensor": "", "special": "special_"}  # what a schema's name begins with


def schemas(torch: Any, name: str) -> list[str]:
    """The signatures of what is written in C++. A schema's `self` is a function's `input`."""
    *prefix, last = name.split(".")
    start = ROOTS.get(prefix[0], "") if prefix else ""
    found = []
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{start}{last}"):
        if any(word in schema.overload_name for word in ("out", "name", "generator", "Dimname")):
            continue
        parts: list[str] = []
        for argument in schema.arguments:
            if argument.kwarg_only and "*" not in parts:
                parts.append("*")
            label = "input" if argument.name == "self" else argument.name
            parts.append(label + (f"={argument.default_value!r}" if argument.has_default_value() else ""))
        if parts[:1] == ["input"] and prefix == ["Tensor"]:
            parts = parts[1:]
        found.append(f"({', '.join(parts)})")
    return [each for each in dict.fromkeys(found) if parses(each)]


def parses(signature: str) -> bool:
    try:
        ast.parse(f"def f{signature}: ...")
    except SyntaxError:
        return False
    return True


def known(function: Any) -> list[str]:
    """The signature that Python knows, without annotations."""
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):
        return []
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    kinds = {p.kind for p in parameters}
    if {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds and len(parameters) == 2:
        return []  # a wrapper: its documentation says more
    text = str(inspect.Signature([p for p in parameters if p.name != "self"]))
    return [text] if parses(text) else []


def record(torch: Any, names: list[str]) -> dict[str, list[str]]:
    """By name: `exp`, `F.gelu`, `linalg.inv`, `Tensor.add_`, `nn.Linear`."""
    roots = {"F": torch.nn.functional, "linalg": torch.linalg, "Tensor": torch.Tensor, "nn": torch.nn,
             "init": torch.nn.init, "func": torch.func}  # fmt: skip
    found = {}
    for name in names:
        *prefix, last = name.split(".")
        function = getattr(roots[prefix[0]] if prefix else torch, last, None)
        if callable(function):
            found[name] = known(function) or schemas(torch, name)
    return {name: signatures for name, signatures in found.items() if signatures}


if __name__ == "__main__":
    import torch

    from tests.operations.signatures import names

    FILE.write_text(json.dumps(record(torch, names()), indent=0) + "\n")
