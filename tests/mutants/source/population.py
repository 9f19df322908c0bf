"""The mutants of a source file: one small change each, by mutmut's operators.

mutmut itself leaves out whatever stands outside functions or is decorated: the gradient rules in lambdas and the
composites. So its operators are applied here to all of a file but what can never matter (`_skipped`, `_is_text`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

ROOT = Path(__file__).parents[3]
OPERATIONS = sorted((ROOT / "minigrad" / "ops").glob("*.py"))
CHECKED_FOR_ALL = {"len", "isinstance"}  # mutmut's: any other argument is a TypeError at once


@dataclass(eq=False)
class Mutant:
    file: str  # relative to the root
    lines: range
    where: str  # the function or the assigned name around it
    kind: str  # "rule": part of the rule for a gradient; "words": of a raise, what an error says; "other"
    module: cst.Module = field(repr=False)
    node: cst.CSTNode = field(repr=False)
    replacement: cst.CSTNode = field(repr=False)

    def text(self) -> str:
        """The whole file, changed."""
        changed = self.module.deep_replace(self.node, self.replacement)
        assert isinstance(changed, cst.Module)
        return changed.code

    def name(self) -> tuple[str, str, str, str]:
        """Quickly told, but two places of a function may share it."""
        return self.file, self.where, *map(self.module.code_for_node, (self.node, self.replacement))

    def change(self) -> tuple[str, str]:
        """The lines that differ, as they were and as they are."""
        lines = [text.splitlines() for text in (self.module.code, self.text())]
        shorter = min(map(len, lines))
        start = next((i for i, (was, now) in enumerate(zip(*lines)) if was != now), shorter)
        end = next((i for i, (was, now) in enumerate(zip(*map(reversed, lines))) if was != now), shorter)
        end = min(end, shorter - start)
        was, now = ("\n".join(line.strip() for line in each[start : len(each) - end]) for each in lines)
        return was, now


class _Visitor(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file
        self.module: cst.Module
        self.found: list[Mutant] = []
        self.around: list[cst.CSTNode] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.Module):
            self.module = node
        if _skipped(node, self.around):
            return False
        if not _is_text(node):
            for kind, operator in mutation_operators:
                if isinstance(node, kind):
                    self.found += (self._mutant(node, replacement) for replacement in operator(node))
        self.around.append(node)
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if self.around and self.around[-1] is original_node:
            self.around.pop()

    def _mutant(self, node: cst.CSTNode, replacement: cst.CSTNode) -> Mutant:
        nodes = (node, *reversed(self.around))  # an operator has no position of its own
        position = next(filter(None, (self.get_metadata(PositionProvider, each, None) for each in nodes)))
        where = ".".join(filter(None, map(_name, self.around))) or "the module"
        around = (*self.around, node)
        kind = "words" if any(isinstance(each, cst.Raise) for each in around) else "other"
        kind = "rule" if any(map(_is_rule, around)) else kind
        lines = range(position.start.line, position.end.line + 1)
        return Mutant(self.file, lines, where, kind, self.module, node, replacement)


def _skipped(node: cst.CSTNode, around: list[cst.CSTNode]) -> bool:
    """What does not run: annotations, docstrings, what only a type checker reads; and `__all__`, which a test holds."""
    match node:
        case cst.Annotation() | cst.Import() | cst.ImportFrom():
            return True
        case cst.If(test=cst.Name("TYPE_CHECKING")):
            return True
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name("__all__"))]):
            return True
        case cst.Assign(value=cst.Call(func=cst.Name("TypeVar"))):
            return True
        case cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString()):
            return True
        case cst.Call(func=cst.Name(name)):
            return name in CHECKED_FOR_ALL
        case cst.Decorator(decorator=cst.Name("overload")):
            return True
    return False


def _is_text(node: cst.CSTNode) -> bool:
    """Whether it is a sentence for people, whose wording is free. A string without a blank is a name."""
    return isinstance(node, cst.SimpleString) and " " in node.value


def _name(node: cst.CSTNode) -> str:
    match node:
        case cst.FunctionDef(name=cst.Name(name)) | cst.ClassDef(name=cst.Name(name)):
            return name
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name)), *_]) | cst.AnnAssign(target=cst.Name(name)):
            return name
    return ""


def _is_rule(node: cst.CSTNode) -> bool:
    """A rule's first parameter is the cotangent, named g."""
    if not isinstance(node, (cst.Lambda, cst.FunctionDef)):
        return False
    names = [parameter.name.value for parameter in node.params.params]
    return names[:1] == ["g"]


def mutants_of(file: str, text: str) -> list[Mutant]:
    visitor = _Visitor(file)
    MetadataWrapper(cst.parse_module(text)).visit(visitor)
    return visitor.found


def all_mutants() -> Iterator[Mutant]:
    for path in OPERATIONS:
        yield from mutants_of(str(path.relative_to(ROOT)), path.read_text())
