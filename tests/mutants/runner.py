"""Runs mutants through the checker and says what became of each."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice

from minigrad.testing.mutants.operators import OPERATORS, SOMEWHERE, Call, Operator
from minigrad.testing.mutants.runtime import Mutant, mutated
from tests.mutants.examples import Example, examples_of

TRIES = 30  # examples of a target before a mutant counts as survivor


@dataclass
class Fate:
    name: str
    operator: str
    fate: str  # "killed", "survived", "equivalent", "impossible" (it cannot be, or cannot differ), "not reached"
    verdict: str = ""
    case: str = ""
    why: str = ""


class Runner:
    def __init__(self, tries: int = TRIES, own: bool = False) -> None:
        """`own`: with the case of its own name alone, which is quick to draw."""
        self.tries, self.own = tries, own
        self.sound: dict[tuple[int, int, str, int, str, int], bool] = {}
        self.refused: set[str] = set()

    def run(self, mutant: Mutant) -> Fate:
        """Examples one after the other, until the checker objects to what it accepts of the right rule."""
        seen_calls = seen_changes = accepted = 0
        somewhere = not mutant.operator.somewhere
        errors: set[str] = set()
        for number, example in enumerate(self._examples(mutant)):
            order = 2 if mutant.operator.recorded else 1
            if order > example.order:
                continue
            with mutated(mutant.target, mutant.argument, mutant.operator) as seen:
                report = example.examined(order)
            seen_calls += seen.calls
            somewhere |= bool(seen.memory.get(SOMEWHERE))
            seen_changes += seen.changes
            accepted += bool(seen.changes) and report.ok
            if not seen.calls and not report.ok:
                errors.add(report.lines[0].partition(":")[2].strip())
            if not report.ok and seen.changes and self._is_sound(mutant, example, order, number):
                return Fate(mutant.name, mutant.operator.name, "killed", report.verdict.name, example.case)
        if not seen_calls and errors:
            return Fate(mutant.name, mutant.operator.name, "impossible", why=min(errors))
        if not seen_calls:
            return Fate(mutant.name, mutant.operator.name, "not reached", why="no example calls the rule")
        if not somewhere:
            return Fate(mutant.name, mutant.operator.name, "not reached", why="no example has such inputs")
        if not seen_changes:
            return Fate(mutant.name, mutant.operator.name, "equivalent", why=f"the same bits in {seen_calls} calls")
        if not accepted:
            why = "where it differs there is no derivative: the right rule is not accepted either"
            return Fate(mutant.name, mutant.operator.name, "impossible", why=why)
        return Fate(mutant.name, mutant.operator.name, "survived", why=f"{seen_changes} of {seen_calls} calls differed")

    def _examples(self, mutant: Mutant) -> Iterator[Example]:
        for example in islice(examples_of(mutant.target, self.own), self.tries):
            if mutant.operator.name == "nan at zero":
                yield from example.with_zeros()
            elif mutant.operator.needs == "several inputs":
                yield from example.repeated()
            else:
                yield example

    def _is_sound(self, mutant: Mutant, example: Example, order: int, number: int) -> bool:
        """Whether the right rule passes there, wrapped like the wrong one: only then an objection is a kill."""
        key = (id(mutant.target), mutant.argument, mutant.operator.needs, order, example.case, number)
        if key not in self.sound:
            control = Operator("control", "", _right, mutant.operator.needs, mutant.operator.recorded)
            with mutated(mutant.target, mutant.argument, control):
                report = example.examined(order)
            self.sound[key] = report.ok
            if not report.ok:
                self.refused.add(f"{example.case}: {report.verdict.name}: {' '.join(report.lines)[:160]}")
        return self.sound[key]


def _right(call: Call) -> object:
    return call.gradient


def summary(fates: Iterable[Fate], seconds: float, refused: Iterable[str] = ()) -> dict[str, object]:
    """For JSON: how many of each fate, the rate, and every mutant that was not killed."""
    fates = list(fates)
    count = Counter(fate.fate for fate in fates)
    real = len(fates) - count["equivalent"] - count["impossible"]
    return {
        "mutants": len(fates), "killed": count["killed"], "survived": count["survived"],
        "not reached": count["not reached"], "equivalent": count["equivalent"],
        "impossible": count["impossible"],
        "kill rate": count["killed"] / max(real, 1), "seconds": round(seconds, 1),
        "survivors": [asdict(fate) for fate in fates if fate.fate in ("survived", "not reached")],
        "equivalents": [asdict(fate) for fate in fates if fate.fate in ("equivalent", "impossible")],
        "refused examples": sorted(refused),
    }  # fmt: skip


def table(fates: Iterable[Fate]) -> str:
    """A line for every operator."""
    rows = {name: Counter[str]() for name in OPERATORS}
    verdicts = {name: Counter[str]() for name in OPERATORS}
    for fate in fates:
        rows[fate.operator][fate.fate] += 1
        verdicts[fate.operator][fate.verdict] += bool(fate.verdict)
    lines = [f"{'operator':40}{'mutants':>8}{'killed':>8}{'survived':>9}{'equivalent':>11}  verdicts"]
    for name, row in rows.items():
        if row:
            called = ", ".join(f"{verdict} {n}" for verdict, n in verdicts[name].most_common(3))
            left = row["survived"] + row["not reached"]
            lines.append(f"{name:40}{row.total():8}{row['killed']:8}{left:9}{row['equivalent']:11}  {called}")
    return "\n".join(lines)


def run_all(
    mutants: Iterable[Mutant], tell: Callable[[Fate], None] = lambda fate: None
) -> tuple[list[Fate], Runner, float]:
    runner, fates, start = Runner(), [], time.perf_counter()
    for mutant in mutants:
        fates.append(runner.run(mutant))
        tell(fates[-1])
    return fates, runner, time.perf_counter() - start
