"""Writes docs/operations.md: every operation and layer, its tier, where it is defined, and what is tested of it.

    python -m tests.operations.page

Everything in it is derived: from the registries of primitives and kernels, from the calls and cases of the tests, and
from the results that runs on other devices have left in files. `test_page` holds the page in step.
"""

from __future__ import annotations

import functools
import inspect
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import minigrad as mg
from minigrad import nn
from minigrad.kernels.registry import kernels
from minigrad.ops.primitive import Primitive
from tests.operations import coverage, exceptions
from tests.operations.inventory import Operation, operations, primitives

ROOT = Path(mg.__file__).parent.parent
PAGE = ROOT / "docs" / "operations.md"
# What `on_device` has left: {"date": ..., "device": ..., "operations": {name: derivatives compared}, "failed": {...}}.
STAND_IN = ROOT / "tests" / "standin" / "operations.json"
GPU = ROOT / "benchmarks" / "gpu_check.json"
WITHOUT_GRADIENT = set().union(*exceptions.WITHOUT_GRADIENT.values())
DEVICES = {"cpu": "NumPy", "cuda": "CuPy"}


# ------------------------------------------------------------------------------------------------- what is derived


def called(function: Any) -> Iterator[Any]:
    """The functions of minigrad that a function's code names."""
    function = inspect.unwrap(function)
    for name in function.__code__.co_names if inspect.isfunction(function) else ():
        found = function.__globals__.get(name)
        if inspect.isfunction(found) and found.__module__.startswith(mg.__name__):
            yield found


def kernels_of(function: Any) -> list[str]:
    """The kernels that stand in for a function, or for a composite that it calls, with the library each is for."""
    seen, todo, names = set(), [function], set()
    while todo:
        each = todo.pop()
        if each.__name__ in kernels:
            names.add(each.__name__)
        elif each not in seen:
            seen.add(each)
            todo += called(each)
    return sorted({f"{kernel.name} ({DEVICES[kernel.device]})" for name in names for kernel in kernels[name]})


@functools.cache
def results(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.exists() else None


def on_device(path: Path, name: str) -> str:
    found = results(path)
    if found is None:
        return "not run"
    order = found["operations"].get(name)
    return "no" if order is None else f"{tested(order)}, {found['date']}" if path == GPU else tested(order)


def tested(order: int) -> str:
    """How many derivatives are compared, beside the value."""
    return {-1: "no", 0: "value"}.get(order, str(order))


# ----------------------------------------------------------------------------------------------------- what is shown


def link(module: str) -> str:
    path = f"{module.replace('.', '/')}.py"
    if not (ROOT / path).exists():
        path = f"{module.replace('.', '/')}/__init__.py"
    return f"[{path}](../{path})"


def subject(module: str) -> str:
    """The first sentence of a module's docstring."""
    text = " ".join((sys.modules[module].__doc__ or "").split("\n\n")[0].split())
    return text.split(". ")[0].rstrip(".") + "."


def shown(operation: Operation) -> str:
    plain = {name.removeprefix("Tensor.") for name in operation.names if name.startswith("Tensor.")}
    own = operation.name.split(".")[-1]
    others = [name for name in operation.names if name.split(".")[-1] != own and not name.startswith("Tensor.")]
    others += [
        name for name in operation.names
        if name.startswith("Tensor.") and name.split(".")[-1] != own and name.split(".")[-1] not in others
    ]  # fmt: skip
    others += [name for name in operation.names if name.startswith("linalg.") and name not in (*others, operation.name)]
    method = " (and method)" if own in plain and not operation.name.startswith("Tensor.") else ""
    return f"`{operation.name}`{method}" + "".join(f", `{other}`" for other in others)


def tier(operation: Operation) -> str:
    fused = kernels_of(operation.function) if operation.tier == "composite" else []
    return operation.tier + (f" + kernel: {', '.join(fused)}" if fused else "")


def rows(family: list[Operation]) -> list[str]:
    lines = ["| operation | tier | PyTorch | certified | NumPy | stand-in | GPU |", "|---|---|---|---|---|---|---|"]
    for operation in sorted(family, key=lambda operation: operation.name.lower()):
        name = operation.name
        certified = coverage.certified().get(name, 0)
        cells = [
            shown(operation), tier(operation), tested(coverage.against_pytorch().get(name, -1)),
            str(certified) if certified else "none" if name in WITHOUT_GRADIENT else "exact",
            "no" if name == "Tensor.cuda" else "yes", on_device(STAND_IN, name), on_device(GPU, name),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def layers() -> list[str]:
    families: dict[str, list[str]] = {}
    for name in sorted(set(nn.__all__) - exceptions.NO_LAYERS):
        families.setdefault(getattr(nn, name).__module__, []).append(name)
    lines = []
    settings = coverage.layer_settings()
    for module in sorted(families):
        lines += [f"### {module.removeprefix('minigrad.nn.').removeprefix('layers.')}", ""]
        lines += [f"{subject(module)} {link(module)}", ""]
        lines += ["| layer | PyTorch | certified | settings compared |", "|---|---|---|---|"]
        for name in families[module]:
            order, count = coverage.layers_against_pytorch().get(name, -1), settings.get(name, 0)
            lines.append(f"| `nn.{name}` | {tested(order)} | {coverage.layers_certified()[name]} | {count} |")
        lines.append("")
    return lines


def reasons() -> list[str]:
    tables = {
        "Without a gradient, so that the value alone is compared": exceptions.WITHOUT_GRADIENT,
        "Fewer derivatives compared with PyTorch than two": exceptions.LESS_IN_PYTORCH,
        "Not certified": exceptions.NOT_CERTIFIED,
        "Layers not compared with PyTorch": exceptions.LAYERS_NOT_IN_PYTORCH,
    }
    lines = []
    for title, table in tables.items():
        lines += [f"**{title}**", ""]
        lines += [f"- {why}: {', '.join(f'`{name}`' for name in sorted(names))}." for why, names in table.items()]
        lines.append("")
    return lines


def device_line(title: str, path: Path) -> str:
    found = results(path)
    if found is None:
        return f"{title}: not run yet."
    failed = ", ".join(f"`{call}`" for call in found["failed"])
    where = f"{title}: {found['device']}, {found['date']}"
    return where + (f"; calls that do not hold there: {failed}." if failed else ".")


HEAD = """\
# Operations

Every public operation and layer: what it is made of, where it is defined, and what is tested of it. Written by
`python -m tests.operations.page` from the registries and the tests themselves; a test holds it in step.

| | |
|---|---|
| operations | {operations}: {primitive} are primitives, {composite} composites, {in_place} in-place forms, {plain} \
compute on arrays alone |
| registered primitives | {registered}, of them {with_rules} with a gradient |
| kernels | {kernels} |
| differentiable operations | {differentiable}: value and two derivatives of {compared} are compared with PyTorch, two \
derivatives of {certified} with certified numbers |
| layers | {layers}: value and first derivative of {layers_compared} are compared with PyTorch, in {settings} \
settings; two derivatives of all with certified numbers |

## How to read it

- **operation**: under its PyTorch name: `exp` is `minigrad.exp`, `F.` is `minigrad.nn.functional`, `linalg.` is
  `minigrad.linalg`, `Tensor.` a method alone. Other names of the same function follow.
- **tier**: a *primitive* is a function of arrays with its gradient written beside it. A *composite* is plain code over
  primitives, and has every gradient by that; a *kernel* computes a composite in one pass, and with kernels switched off
  nothing is lost but time. An *in place* form writes what the operation gives into the tensor. *plain* functions
  compute on arrays and give tensors without a history.
- **PyTorch**: how many derivatives are compared, beside the value, with the answers of PyTorch 2.13 in float64, to 100
  roundings of the largest number. The answers are committed; no test needs PyTorch.
- **certified**: how many derivatives are compared with numeric ones that know their own error (Richardson
  extrapolation, the noise of the values measured), to within that error, over drawn shapes, settings and memory
  layouts. *exact*: of a cast, which rounds, the gradient is compared exactly.
- **NumPy**: whether all this is tested there. **stand-in**: how many derivatives of the same calls hold on a strict
  imitation of CuPy, without a GPU, when `python -m tests.operations.on_device` last ran there; the suite runs on it too
  (`pytest --device=cuda`). **GPU**: on a real one, and when.
- {stand_in} {gpu}

## Left out, and why
"""


def counts() -> dict[str, Any]:
    found = operations()
    tiers = Counter(operation.tier for operation in found)
    made = [primitive for each in primitives().values() for primitive in each]
    names = [operation.name for operation in found if operation.name not in WITHOUT_GRADIENT]
    fused = sorted({f"{kernel.name} ({DEVICES[kernel.device]})" for each in kernels.values() for kernel in each})
    return {
        "operations": len(found), "primitive": tiers["primitive"], "composite": tiers["composite"],
        "in_place": tiers["in place"], "plain": tiers["plain"], "registered": len(made),
        "with_rules": sum(primitive.differentiable for primitive in made),
        "kernels": f"{len(fused)}: {', '.join(fused)}", "differentiable": len(names),
        "compared": sum(coverage.against_pytorch().get(name, -1) == 2 for name in names),
        "certified": sum(coverage.certified().get(name, 0) == 2 for name in names),
        "layers": len(coverage.layers_certified()), "layers_compared": len(coverage.layers_against_pytorch()),
        "settings": sum(coverage.layer_settings().values()), "stand_in": device_line("Stand-in", STAND_IN),
        "gpu": device_line("GPU", GPU),
    }  # fmt: skip


def page() -> str:
    lines = [HEAD.format(**counts()), *reasons()]
    families: dict[str, list[Operation]] = {}
    for operation in operations():
        families.setdefault(operation.module, []).append(operation)
    for package, title in (("minigrad.ops", "Operations on tensors"), ("minigrad.nn.functional", "nn.functional")):
        lines += [f"## {title}", ""]
        for module in sorted(each for each in families if each.startswith(package)):
            lines += [f"### {module.removeprefix(package + '.')}", ""]
            lines += [f"{subject(module)} {link(module)}", "", *rows(families[module]), ""]
    lines += ["## Layers", "", "Derivatives are those for the inputs and for every parameter.", "", *layers()]
    lines += ["## Primitives", "", "By the module that makes them.", ""]
    for module, each in sorted(primitives().items()):
        lines.append(f"- {link(module)}: {', '.join(map(_primitive, each))}")
    return "\n".join(lines) + "\n"


def _primitive(primitive: Primitive) -> str:
    return f"`{primitive.name}`" + ("" if primitive.differentiable else " (no gradient)")


if __name__ == "__main__":
    PAGE.write_text(page())
