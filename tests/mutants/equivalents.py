"""Mutants that are none: the wrong rule gives what the right one does, for every input there can be.

`equivalents.json` lists them by the reason. Each entry was proven by `python -m tests.mutants --prove`: on `DRAWS`
inputs of the cases that call the rule, in all layouts, some in float32, some with equal entries or one array in two
places, every call of the rule gave the same numbers (0.0 and -0.0 are one) and left memory as the right one does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import count, cycle
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.testing.layouts import LAYOUTS, laid_out
from minigrad.testing.mutants.call import MODULE, Call, Kind, Operator
from minigrad.testing.mutants.runtime import Mutant, Target, attempt, mutated
from tests.minigrad.ops.cases.case import Case
from tests.mutants.examples import ALL, Example, Within, cases_of, drawn_from, extra_examples

DRAWS = 10_000
ROUND = 40  # shapes and settings of a case before it is another's turn,
AGAIN = 30  # and values for each of them, where these do not depend on each other
MOST = 8  # times as many draws are tried, as not all of them call the rule
KINDS: tuple[Kind, ...] = ("", "", "float32", "tied entries", "", "tied inputs", "repeated")
FILE = Path(__file__).with_suffix(".json")


def listed() -> dict[str, str]:
    """The reason of every mutant in the list."""
    groups = json.loads(FILE.read_text())["equivalents"] if FILE.exists() else {}
    return {name: reason for reason, names in groups.items() for name in names}


LISTED = listed()


@dataclass
class Proof:
    """In how many draws the rule was called, and the first, if any, in which it gave something else."""

    draws: int = 0
    counterexample: str = ""
    latest: int = -1  # the number of the last of these draws
    memory: dict[Any, Any] = field(default_factory=lambda: {MODULE: Within(mg.exp).eval()})


def prove(
    target: Target, mutants: Sequence[Mutant], draws: int = DRAWS, start: int = 0, cases: Sequence[str] = ()
) -> dict[str, Proof]:
    """Compare all these mutants of one target with the right rule, on so many draws. Every draw is a call of a case, of
    those that call the rule or of those given, and a backward through it; of the second order, if one of the mutants
    is."""
    proofs = {mutant.name: Proof() for mutant in mutants}
    groups: dict[tuple[int, str, bool], list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault((mutant.argument, mutant.operator.needs, mutant.operator.recorded), []).append(mutant)
    now: list[Any] = []  # the number of the draw, and the example

    def fewest() -> int:
        """Draws of the proof that has fewest, but for the refuted ones."""
        return min((proof.draws for proof in proofs.values() if not proof.counterexample), default=draws)

    def beside(group: list[Mutant]) -> Operator:
        """An operator that tries all of a group, and does nothing."""

        def spoil(call: Call) -> Any:
            gradient, memory = call.gradient, call.memory
            for mutant in group:
                proof = proofs[mutant.name]
                if proof.counterexample:
                    continue
                if proof.latest != now[0]:
                    proof.draws, proof.latest = proof.draws + 1, now[0]
                call.gradient = gradient if mutant.operator.recorded else np.array(gradient)
                call.memory = proof.memory
                try:
                    _, differs, watched = attempt(call, mutant.operator)
                except Exception:  # whatever the wrong rule may raise where the right one does not
                    differs, watched = True, []
                for array, before in watched:
                    if array.flags.writeable:
                        array[...] = before
                if differs and not proof.counterexample:
                    proof.counterexample = now[1].name
            call.memory = memory
            return gradient

        return Operator("beside", "", spoil, group[0].operator.needs, group[0].operator.recorded)

    rng = np.random.default_rng(start)
    second = any(mutant.operator.recorded for mutant in mutants)
    with ExitStack() as stack:
        # What a rule reads is seen before others read more beside it.
        for (argument, _, _), group in sorted(groups.items(), key=lambda entry: entry[0][1] != "read"):
            stack.enter_context(mutated(target, argument, beside(group)))
        every = _draws(target, list(cases) or cases_of(target), start, fewest)
        for number, example in enumerate(every):
            if fewest() >= draws or number > MOST * draws:
                break
            now[:] = [number, example]
            _differentiate(example, rng, second)
    return proofs


def _draws(target: Target, cases: list[str], start: int, fewest: Callable[[], int]) -> Iterator[Example]:
    """Of the cases in turns, after the first of which only those go on that call the rule often; a part of them made
    into others."""
    kinds, rng = cycle(KINDS), np.random.default_rng(start)
    yield from extra_examples(target)
    for turn in count(start):
        gains: dict[str, float] = {}
        for name in cases:
            before, made = fewest(), 0
            for example in drawn_from(name, ROUND, turn):
                for _, kind in zip(range(AGAIN if type(ALL[name]) is Case else 1), kinds):
                    some = list(example.of_kind(kind))[:2] or [example]
                    yield from some
                    made += len(some)
                    if type(ALL[name]) is Case:
                        values = ALL[name].values(rng, [array.shape for array in example.arrays])
                        example = replace(example, arrays=tuple(map(np.array, values)))
            gains[name] = (fewest() - before) / max(made, 1)
        cases = [name for name in cases if gains[name] >= max(gains.values()) / 2]
        if not cases:
            yield from extra_examples(target)


def _differentiate(example: Example, rng: np.random.Generator, second: bool) -> None:
    layout = LAYOUTS[rng.integers(len(LAYOUTS))]
    try:
        with np.errstate(all="ignore"):
            tensors = [mg.Tensor(laid_out(array, layout), True) for array in example.arrays]
            out = example.function(*tensors)
            outs = [each for each in (out if isinstance(out, tuple) else (out,)) if each.requires_grad]
            cotangents = [laid_out(np.asarray(rng.standard_normal(each.shape), each.dtype), layout) for each in outs]
            mg.autograd.grad(outs, tensors, list(map(mg.Tensor, cotangents)), allow_unused=True, retain_graph=True)
            if second and example.order > 1:
                mg.autograd.grad(
                    outs, tensors, [mg.Tensor(each, True) for each in cotangents], allow_unused=True, create_graph=True
                )
    except (ValueError, ArithmeticError, RuntimeError):  # equal entries may be outside the domain
        return


def write(reasons: Callable[[Mutant], str], looked_at: Collection[str], proven: Sequence[Mutant]) -> None:
    """The list anew, for the mutants looked at; what it says of others stays."""
    groups: dict[str, list[str]] = {}
    for name, why in LISTED.items():
        if name not in looked_at:
            groups.setdefault(why, []).append(name)
    for mutant in proven:
        groups.setdefault(reasons(mutant), []).append(mutant.name)
    FILE.write_text(json.dumps({"draws": DRAWS, "equivalents": groups}, indent=1) + "\n")
