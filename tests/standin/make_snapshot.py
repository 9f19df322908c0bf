"""Writes `snapshot.json`: what the installed CuPy has and how it may be called. Needs the CuPy wheel, but no GPU.

Run as `python -m tests.standin.make_snapshot [FILE]`. Beside signatures it records which ufunc methods take which
dtypes, which no signature tells: each is called on an array that stands on host memory. CuPy checks what it is given
before it looks for a device, so a refusal says that the dtype is not served, a missing driver that it would have been.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np

NAMESPACES = ("cupy", "cupy.linalg", "cupy.lib.stride_tricks", "cupyx", "cupyx.scipy.special")
DTYPES = "?bBhHiIlLqQefdFD"  # NumPy's characters of the dtypes that methods of ufuncs are tried with
METHODS = ("at", "reduce", "accumulate", "reduceat")  # beside `outer`, which every ufunc has for all of its types
PATH = Path(__file__).with_name("snapshot.json")


def snapshot() -> dict[str, Any]:
    """The installed CuPy: its version, the signature of every public name, and what its ufuncs can do.

    Raises RuntimeError where there is a GPU, which would run kernels on host memory.
    """
    import cupy

    if cupy.cuda.is_available():
        raise RuntimeError("a snapshot needs CuPy without a GPU: hide it with CUDA_VISIBLE_DEVICES=-1")

    found = {f"{space}.{name}": thing for space in NAMESPACES for name, thing in public(importlib.import_module(space))}
    found |= {f"cupy.ndarray.{name}": thing for name, thing in public(cupy.ndarray)}
    found |= {f"cupy.ndarray.flags.{name}": thing for name, thing in public(cupy._core.flags.Flags)}
    found |= {f"cupy.ufunc.{name}": thing for name, thing in public(cupy.ufunc)}
    ufuncs = {name: thing for name, thing in found.items() if isinstance(thing, cupy.ufunc)}
    return {
        "version": cupy.__version__,
        "signatures": {name: signature(thing) for name, thing in sorted(found.items())},
        "ufuncs": {name: abilities(thing) for name, thing in sorted(ufuncs.items())},
    }


def public(owner: Any) -> list[tuple[str, Any]]:
    """Names and things of a module or class, leaving out modules and what `__future__` puts there."""
    things = [(name, inspect.getattr_static(owner, name)) for name in dir(owner) if not name.startswith("_")]
    return [(name, thing) for name, thing in things if not isinstance(thing, (types.ModuleType, type(annotations)))]


# --------------------------------------------------------------------------------------------- signatures


def signature(thing: Any) -> str | None:
    """As "(a, axis=None)", always what `def f(a, axis=None): ...` would take; "property" or "value" for what is not
    called; None where CuPy does not say."""
    import cupy

    if isinstance(thing, cupy.ufunc):
        ins = ["x"] if thing.nin == 1 else [f"x{i + 1}" for i in range(thing.nin)]
        outs = (
            ["out=None", "*"]
            if thing.nout == 1
            else [*(f"out{i + 1}=None" for i in range(thing.nout)), "*", "out=None"]
        )
        return parsable([*ins, "/", *outs, f"casting={thing._default_casting!r}", "dtype=None"])
    if inspect.isgetsetdescriptor(thing) or isinstance(thing, property):
        return "property"
    if isinstance(thing, (staticmethod, classmethod)):
        thing = thing.__func__
    if not callable(thing):
        return "value"
    try:
        return parsable([plain(p) for p in marked(inspect.signature(thing))])
    except ValueError:
        return from_docstring(thing)


def marked(sig: inspect.Signature) -> list[inspect.Parameter | str]:
    """The parameters with the "/" and "*" that part them."""
    out: list[inspect.Parameter | str] = []
    for p in sig.parameters.values():
        kinds = [q.kind for q in out if isinstance(q, inspect.Parameter)]
        if kinds and kinds[-1] is p.POSITIONAL_ONLY and p.kind is not p.POSITIONAL_ONLY:
            out.append("/")
        if p.kind is p.KEYWORD_ONLY and not {p.VAR_POSITIONAL, p.KEYWORD_ONLY} & {*kinds}:
            out.append("*")
        out.append(p)
    if out and isinstance(out[-1], inspect.Parameter) and out[-1].kind is inspect.Parameter.POSITIONAL_ONLY:
        out.append("/")
    return out


def plain(p: inspect.Parameter | str) -> str:
    """Without annotation, and with a default that can be read back."""
    if isinstance(p, str):
        return p
    stars = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    if p.default is p.empty:
        return stars + p.name
    return f"{p.name}={p.default.__name__ if isinstance(p.default, type) else repr(p.default)}"


def from_docstring(thing: Any) -> str | None:
    """Compiled functions open their docstring with the signature: "sum(self, int axis=None) -> ndarray"."""
    first = (getattr(thing, "__doc__", None) or "").split("\n")[0]
    name = getattr(thing, "__name__", "")
    if not name or f"{name}(" not in first:
        return None
    inside = first.split(f"{name}(", 1)[1].split(" -> ")[0].rpartition(")")[0]
    words = [part.partition("=") for part in split_commas(inside)]
    return parsable([name.split()[-1] + equals + default for name, equals, default in words])


def split_commas(text: str) -> list[str]:
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [part.strip() for part in parts if part.strip()]


def parsable(parameters: list[str]) -> str:
    text = f"({', '.join(parameters)})"
    ast.parse(f"def f{text}: ...")  # a signature that cannot be read back is of no use to anyone
    return text


# ------------------------------------------------------------------------------------------------- ufuncs


def abilities(ufunc: Any) -> dict[str, Any]:
    """Its loops, and per method the characters of the dtypes it serves; a method that serves none is left out."""
    served = {method: "".join(char for char in DTYPES if serves(ufunc, method, char)) for method in METHODS}
    return {
        "types": " ".join(ufunc.types),
        **{method: dtypes for method, dtypes in served.items() if dtypes},
    }


def serves(ufunc: Any, method: str, char: str) -> bool:
    """Whether a method takes an array of the dtype."""
    from cupy_backends.cuda.api.runtime import CUDARuntimeError

    x, index = standing_on_host(char), standing_on_host("l")
    args = {"at": (x, index, x), "reduceat": (x, index)}.get(method, (x,))
    try:
        getattr(ufunc, method)(*args)
    except CUDARuntimeError:
        return True  # all was well up to the launch
    except (TypeError, NotImplementedError):
        return False
    raise AssertionError("no kernel runs without a GPU")


def standing_on_host(char: str) -> Any:
    """A CuPy array of three elements whose memory is NumPy's: whoever launches a kernel on it fails."""
    import cupy

    host = np.zeros(3, char)
    memory = cupy.cuda.UnownedMemory(host.ctypes.data, host.nbytes, host, device_id=0)
    return cupy.ndarray(3, char, memptr=cupy.cuda.MemoryPointer(memory, 0))


# --------------------------------------------------------------------------------------------------- file


def text(found: dict[str, Any]) -> str:
    """JSON with one line a name, so that a new release shows as the lines that changed."""
    parts = [f'"version": {json.dumps(found["version"])}']
    for key in ("signatures", "ufuncs"):
        lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in found[key].items())
        parts.append(f'"{key}": {{\n{lines}\n}}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    Path(sys.argv[1] if sys.argv[1:] else PATH).write_text(text(snapshot()))
