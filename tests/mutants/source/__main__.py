"""`python -m tests.mutants.source`: changes minigrad/ops line by line and says which changes no test notices.

    --sample N --seed S   so many mutants, drawn at random; all by default. Each has its lot from what it changes, so
                          that most of a sample stays when the code around it changes
    --kinds LIST          of "rule" (the rules for gradients), "other" and "words" (what an error says, in a `raise`);
                          by default not the last
    --only TEXT           those with this in "file:function"
    --part i/n            every n-th from the i-th on, to share the work
    --jobs N              processes at a time
    --tests N             the most tests to try on a mutant; no bound by default

Needs the extra `mutants`. Which tests run which line is measured first, in some minutes, and kept in `--reach FILE`.
What is known to be equivalent or immaterial stands in `accepted.toml`, each with its reason. Exits with 1 if another
mutant survives.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import hypothesis.extra.numpy  # noqa: F401  every process needs it, and forks of this one have it
import numpy  # noqa: F401

from tests.mutants.source.accepted import accepted, key
from tests.mutants.source.population import Mutant, all_mutants
from tests.mutants.source.reach import reach
from tests.mutants.source.session import Fate, cold, on_device, warm
from tests.mutants.source.swap import fate_at_once

FATES = ("killed", "survived", "immaterial", "equivalent", "no program", "broken")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants.source", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="rule,other")
    parser.add_argument("--only", default="")
    parser.add_argument("--part", default="0/1")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tests", type=int, default=10**6)
    parser.add_argument("--reach", type=Path, default=Path(".reach.json.gz"))
    parser.add_argument("--json", type=Path, help="where to write what became of each")
    options = parser.parse_args()

    population = list(all_mutants())
    print(f"{len(population)} mutants: {dict(Counter(mutant.kind for mutant in population))}", flush=True)
    mutants = [
        mutant
        for mutant in population
        if options.only in f"{mutant.file}:{mutant.where}" and mutant.kind in options.kinds.split(",")
    ]
    if options.sample is not None:
        mutants = drawn(mutants, options.sample, options.seed)
    first, step = map(int, options.part.split("/"))
    mutants = mutants[first::step]

    start = time.monotonic()
    fates = judged(mutants, options.reach, options.jobs, options.tests)
    records = [record(mutant, fate) for mutant, fate in zip(mutants, fates)]
    if options.json:
        options.json.write_text(json.dumps(records, indent=1) + "\n")
    for each in records:
        if each["fate"] in ("survived", "broken"):
            print("\n{fate}: {file}:{line} in {where} ({tests} tests) {by}".format_map(each))
            print("".join(f"  - {line}\n" for line in str(each["was"]).splitlines()), end="")
            print("".join(f"  + {line}\n" for line in str(each["now"]).splitlines()), end="")
    print(f"\n{table(records)}\n{time.monotonic() - start:.0f} s")
    return int(any(each["fate"] in ("survived", "broken") for each in records))


def drawn(mutants: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """So many of them: those with the lowest lots."""
    seen: Counter[str] = Counter()
    lots = []
    for mutant in mutants:
        name = repr((seed, *mutant.name()))
        seen[name] += 1  # the same change can be made in several places of a function
        lots.append(hashlib.blake2b(f"{name} {seen[name]}".encode()).digest())
    return [mutant for _, mutant in sorted(zip(lots, mutants), key=lambda pair: pair[0])[:size]]


def judged(mutants: Sequence[Mutant], kept: Path, jobs: int, most: int) -> list[Fate]:
    """The fate of each: from the warm process, and from cold ones where that cannot tell; last on another device."""
    fates = [Fate(fate_at_once(mutant)) for mutant in mutants]
    reached = reach(kept, jobs)
    few = min(most, 40)
    turns = [
        (warm, {""}, most), (cold, {"import"}, few), (cold, {"survived"}, most), (on_device, {"survived"}, few),
    ]  # fmt: skip
    for runner, undecided, bound in turns:
        numbers = [number for number, fate in enumerate(fates) if fate.fate in undecided]
        if not numbers:
            continue
        work = [(mutants[number], reached.chosen(mutants[number], bound)) for number in numbers]
        control, *found = runner([(None, work[0][1]), *work], reached.seconds, jobs)
        if control.fate != "survived":
            raise RuntimeError(f"the tests fail when nothing is changed: {control}")
        for number, fate, (_, tests) in zip(numbers, found, work):
            fate.tests = len(tests)
            fates[number] = fate
        print(f"{runner.__name__}: {dict(Counter(fate.fate for fate in found))}", flush=True)
    known = accepted()
    for mutant, fate in zip(mutants, fates):
        if fate.fate == "survived":
            fate.fate = known.get(key(mutant), "survived")
    return fates


def record(mutant: Mutant, fate: Fate) -> dict[str, object]:
    was, now = mutant.change()
    return {
        "file": mutant.file, "line": mutant.lines[0], "where": mutant.where, "kind": mutant.kind, "was": was,
        "now": now, **vars(fate),
    }  # fmt: skip


def table(records: Sequence[dict[str, object]]) -> str:
    """A line for every file, for the rules and for all: how many of each fate, and the share that was noticed."""
    files = sorted({str(each["file"]) for each in records})
    groups = {file: [each for each in records if each["file"] == file] for file in files}
    groups |= {"the rules": [each for each in records if each["kind"] == "rule"], "all": list(records)}
    lines = [f"{'':36}" + "".join(f"{name:>12}" for name in FATES) + f"{'kill rate':>12}"]
    for name, group in groups.items():
        count = Counter(each["fate"] for each in group)
        real = len(group) - count["equivalent"] - count["no program"]
        lines.append(
            f"{name:36}" + "".join(f"{count[fate]:12}" for fate in FATES) + f"{count['killed'] / max(real, 1):12.2%}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
