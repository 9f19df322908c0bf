"""Runs mutants through the checker and says what became of each."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

from minigrad.testing.mutants.call import MODULE, OPERATORS, SOMEWHERE, Call, Operator
from minigrad.testing.mutants.runtime import Mutant, all_mutants, label, mutated
from tests.mutants.equivalents import LISTED
from tests.mutants.examples import Example, Within, cases_of, examples_of

TRIES = 20  # examples of a target before a mutant counts as survivor,
LISTED_TRIES = 6  # or what is listed as equivalent is taken to be that


@dataclass
class Fate:
    """fate: "killed"; "equivalent", if it was proven to be and nothing killed it; "survived"; "not reached", if no
    example calls the rule, or has inputs for which it is wrong; verdict and case: of what killed it."""

    name: str
    operator: str
    fate: str
    verdict: str = ""
    case: str = ""
    example: str = ""
    why: str = ""


class Runner:
    def __init__(self, tries: int = TRIES) -> None:
        self.tries = tries
        self.sound: dict[tuple[int, int, str, int, str, int], bool] = {}
        self.refused: set[str] = set()

    def run(self, mutant: Mutant, first: str = "") -> Fate:
        """Examples one after the other, those of the case `first` before others, until the checker objects to what it
        accepts of the right rule."""
        calls = changes = 0
        operator, somewhere = mutant.operator, not mutant.operator.somewhere
        order = 2 if operator.recorded else 1
        for number, example in enumerate(self._examples(mutant, first)):
            if order > example.order:
                continue
            with mutated(mutant.target, mutant.argument, operator) as seen:
                if isinstance(example.function, Within):
                    seen.memory[MODULE] = example.function
                report = example.examined(order)
            calls, changes = calls + seen.calls, changes + seen.changes
            somewhere |= bool(seen.memory.get(SOMEWHERE))
            if not report.ok and seen.changes and self._is_sound(mutant, example, order, number):
                return Fate(mutant.name, operator.name, "killed", report.verdict.name, example.case, example.name)
        why = f"{changes} of {calls} calls differed"
        if mutant.name in LISTED:
            return Fate(mutant.name, operator.name, "equivalent", why=LISTED[mutant.name])
        if not calls or not somewhere:
            why = "no example has such inputs" if calls else "no example calls the rule"
            return Fate(mutant.name, operator.name, "not reached", why=why)
        return Fate(mutant.name, operator.name, "survived", why=why)

    def _examples(self, mutant: Mutant, first: str) -> Iterator[Example]:
        tries = min(self.tries, LISTED_TRIES) if mutant.name in LISTED else self.tries
        for example in islice(examples_of(mutant.target, first), tries):
            yield from example.of_kind(mutant.operator.kind)

    def _is_sound(self, mutant: Mutant, example: Example, order: int, number: int) -> bool:
        """Whether the right rule passes there, wrapped like the wrong one: only then an objection is a kill."""
        operator = mutant.operator
        key = (id(mutant.target), mutant.argument, operator.needs, order, example.name, number)
        if key not in self.sound:
            control = Operator("control", "", _right, operator.needs, operator.recorded)
            with mutated(mutant.target, mutant.argument, control):
                report = example.examined(order)
            self.sound[key] = report.ok
            if not report.ok:
                self.refused.add(f"{example.name}: {report.verdict.name}: {' '.join(report.lines)[:160]}")
        return self.sound[key]


def _right(call: Call) -> object:
    return call.gradient


def run_all(
    mutants: Sequence[Mutant], jobs: int = 1, tell: Callable[[Fate], None] = lambda fate: None
) -> tuple[list[Fate], set[str]]:
    """The fates, and the examples at which the checker does not accept the right rule; by so many processes, each of
    which takes one target after the other."""
    by_target: dict[str, list[str]] = {}
    for mutant in mutants:
        by_target.setdefault(label(mutant.target), []).append(mutant.name)
    fates: list[Fate] = []
    refused: set[str] = set()
    cases_of(mutants[0].target)  # draws all examples, for all processes
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for found, not_accepted in pool.imap_unordered(_run_some, by_target.values()):
            for fate in found:
                tell(fate)
            fates += found
            refused |= not_accepted
    return fates, refused


def _run_some(names: list[str]) -> tuple[list[Fate], set[str]]:
    runner, wanted = Runner(), set(names)
    return [runner.run(mutant) for mutant in all_mutants() if mutant.name in wanted], runner.refused


# ----------------------------------------------------------------------------------------------------------- tables


def summary(fates: Iterable[Fate], seconds: float, refused: Iterable[str] = ()) -> dict[str, object]:
    """For JSON: how many of each fate, the rate, and every mutant that was not killed."""
    fates = list(fates)
    count = Counter(fate.fate for fate in fates)
    return {
        "mutants": len(fates), "killed": count["killed"], "survived": count["survived"],
        "not reached": count["not reached"], "equivalent": count["equivalent"],
        "kill rate": count["killed"] / max(len(fates) - count["equivalent"], 1), "seconds": round(seconds, 1),
        "listed as equivalent, but killed": [f.name for f in fates if f.fate == "killed" and f.name in LISTED],
        "survivors": [asdict(fate) for fate in fates if fate.fate in ("survived", "not reached")],
        "refused examples": sorted(refused),
        "fates": [asdict(fate) for fate in fates],
    }  # fmt: skip


def totals(found: dict[str, object]) -> str:
    """One line."""
    return ", ".join(f"{value} {key}" for key, value in found.items() if isinstance(value, int)) + (
        f"; {100 * float(str(found['kill rate'])):.2f}% of those that are not equivalent killed; {found['seconds']} s"
    )


def table(fates: Iterable[Fate]) -> str:
    """A line for every operator."""
    rows = {name: Counter[str]() for name in OPERATORS}
    verdicts = {name: Counter[str]() for name in OPERATORS}
    for fate in fates:
        rows[fate.operator][fate.fate] += 1
        if fate.verdict:
            verdicts[fate.operator][fate.verdict] += 1
    lines = [f"{'operator':40}{'mutants':>8}{'killed':>8}{'living':>8}{'equivalent':>12}  verdicts"]
    for name, row in rows.items():
        if row:
            called = ", ".join(f"{verdict} {n}" for verdict, n in verdicts[name].most_common(3))
            living = row["survived"] + row["not reached"]
            lines.append(f"{name:40}{row.total():8}{row['killed']:8}{living:8}{row['equivalent']:12}  {called}")
    return "\n".join(lines)


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def __call__(self) -> float:
        return time.perf_counter() - self.start
