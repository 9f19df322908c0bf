"""Puts a mutant into a running process: live functions get the changed code; what only an import can bring is told."""

from __future__ import annotations

import functools
import gc
import os
from collections import defaultdict
from collections.abc import Hashable, Iterator
from types import CodeType, FunctionType

from tests.mutants.source.population import OPERATIONS, ROOT, Mutant

OPTIMIZED = 1  # in the flags of a function's code, not in those of the body of a module or a class
Live = dict[Hashable, list[FunctionType]]


def live_functions() -> Live:
    """Every function made from a source file of the operations, by where its code stands."""
    files = set(map(str, OPERATIONS))
    found: Live = defaultdict(list)
    for each in gc.get_objects():
        if isinstance(each, FunctionType) and os.path.abspath(each.__code__.co_filename) in files:
            found[_place(each.__code__)].append(each)
    return found


def fate_at_once(mutant: Mutant) -> str:
    """ "equivalent" if it compiles to the same program, "no program" if it does not, "" if only running it can tell."""
    try:
        before, after = _codes(mutant)
    except (SyntaxError, ValueError):
        return "no program"
    return "equivalent" if _meaning(before) == _meaning(after) else ""


def swap(mutant: Mutant, live: Live) -> bool:
    """Change the live functions. False if that is not enough: the change is in what an import runs."""
    before, after = _codes(mutant)
    pairs = list(_changed(before, after))
    functions = [(function, new) for old, new in pairs for function in live.get(_place(old), ())]
    if not all(old.co_flags & OPTIMIZED for old, _ in pairs) or not functions:
        return False
    if any(len(function.__code__.co_freevars) != len(new.co_freevars) for function, new in functions):
        return False
    for function, new in functions:
        function.__code__ = new
    return True


def _codes(mutant: Mutant) -> tuple[CodeType, CodeType]:
    path = str(ROOT / mutant.file)
    return _compiled(mutant.module.code, path), compile(mutant.text(), path, "exec", dont_inherit=True)


@functools.cache
def _compiled(text: str, path: str) -> CodeType:
    return compile(text, path, "exec", dont_inherit=True)


def _changed(old: CodeType, new: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The innermost code objects that differ, and those between them and the module that hold them."""
    if _meaning(old) == _meaning(new):
        return
    inner_old, inner_new = _inner(old), _inner(new)
    own = _meaning(old, False) != _meaning(new, False) or len(inner_old) != len(inner_new)
    if own or old.co_flags & OPTIMIZED:
        yield old, new
    if not own:
        for pair in zip(inner_old, inner_new):
            yield from _changed(*pair)


def _inner(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _meaning(code: CodeType, deep: bool = True) -> Hashable:
    """All of a code object but where it stands."""
    constants = tuple(
        (_meaning(each) if deep else "code") if isinstance(each, CodeType) else (type(each).__name__, repr(each))
        for each in code.co_consts
    )
    return (
        code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_code,
        constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars, code.co_exceptiontable,
    )  # fmt: skip


def _place(code: CodeType) -> Hashable:
    return os.path.abspath(code.co_filename), code.co_qualname, code.co_firstlineno, tuple(code.co_positions())
