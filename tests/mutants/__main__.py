"""`python -m tests.mutants [--jobs N] [--only NAME] [--part I/N] [--json FILE]`: what lives, a table, a line of totals.

With `--prove`, what lives is compared with the right rule on many draws, and the list of equivalents written anew; with
`--sample N`, the sample that every test run looks at.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import sys
from pathlib import Path

from minigrad.testing.mutants.runtime import Mutant, all_mutants, label
from tests.mutants import equivalents, sample
from tests.mutants.reasons import reason
from tests.mutants.runner import Clock, Fate, run_all, summary, table, totals


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes; one for every core by default")
    parser.add_argument("--only", default="", help="those with this in their name, such as 'mul[0]' or ': sign'")
    parser.add_argument("--part", default="0/1", help="i/n: every n-th from the i-th on, to share the work")
    parser.add_argument("--json", type=Path, help="where to write everything")
    parser.add_argument("--prove", action="store_true", help="prove what lives to be equivalent, and list it")
    parser.add_argument("--sample", type=int, help="draw so many of those that were killed for every test run")
    options = parser.parse_args()
    first, step = map(int, options.part.split("/"))
    mutants = [mutant for mutant in all_mutants() if options.only in mutant.name][first::step]
    clock = Clock()
    fates, refused = run_all(mutants, options.jobs, _tell)
    if options.json:  # in case that the proofs are cut short
        options.json.write_text(json.dumps(summary(fates, clock(), refused), indent=1) + "\n")
    if options.prove:
        living = {fate.name for fate in fates if fate.fate != "killed"}
        proven = _prove(mutants, living, options.jobs)
        for fate in fates:
            if fate.name in living:
                fate.fate = "equivalent" if fate.name in proven else "survived"
    if options.sample:
        sample.write(random.Random(0).sample([fate for fate in fates if fate.fate == "killed"], options.sample))
    found = summary(fates, clock(), refused)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(table(fates))
    print(totals(found))
    return 1 if found["survivors"] or found["listed as equivalent, but killed"] else 0


def _tell(fate: Fate) -> None:
    if fate.fate not in ("killed", "equivalent"):
        print(f"{fate.fate}: {fate.name} ({fate.why})", flush=True)


def _prove(mutants: list[Mutant], names: set[str], jobs: int) -> set[str]:
    """The names of those proven among the living, which are also written down."""
    living = [mutant for mutant in mutants if mutant.name in names]
    by_target: dict[str, list[str]] = {}
    for mutant in living:
        by_target.setdefault(label(mutant.target), []).append(mutant.name)
    proofs: dict[str, equivalents.Proof] = {}
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        for found in pool.imap_unordered(_prove_some, by_target.values()):
            proofs.update(found)
            for name, proof in found.items():
                if proof.counterexample or proof.draws < equivalents.DRAWS:
                    why = proof.counterexample or f"called in {proof.draws} draws only"
                    print(f"not proven equivalent: {name} ({why})", flush=True)
    enough = {name for name, proof in proofs.items() if proof.draws >= equivalents.DRAWS and not proof.counterexample}
    proven = [mutant for mutant in living if mutant.name in enough]
    equivalents.write(reason, {mutant.name for mutant in mutants}, proven)
    return enough


def _prove_some(names: list[str]) -> dict[str, equivalents.Proof]:
    mutants = [mutant for mutant in all_mutants() if mutant.name in set(names)]
    proofs = equivalents.prove(mutants[0].target, mutants)
    for proof in proofs.values():
        proof.memory.clear()
    return proofs


if __name__ == "__main__":
    sys.exit(main())
