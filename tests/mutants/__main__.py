"""`python -m tests.mutants [--sample N --seed S --only NAME --json FILE]`: a table, and the mutants that live."""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

from minigrad.testing.mutants.runtime import all_mutants
from tests.mutants.runner import run_all, summary, table


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, help="so many, drawn at random; all by default")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--only", default="", help="those with this in their name, such as 'mul[0]' or ': sign'")
    parser.add_argument("--part", default="0/1", help="i/n: every n-th from the i-th on, to share the work")
    parser.add_argument("--json", type=Path, help="where to write everything")
    options = parser.parse_args()
    mutants = [mutant for mutant in all_mutants() if options.only in mutant.name]
    if options.sample is not None and options.sample < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.sample)
    first, step = map(int, options.part.split("/"))
    mutants = mutants[first::step]
    fates, runner, seconds = run_all(
        mutants, lambda fate: None if fate.fate in ("killed", "equivalent", "impossible") else print(fate, flush=True)
    )
    found = summary(fates, seconds, runner.refused)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    print(table(fates))
    print({key: value for key, value in found.items() if not isinstance(value, list)})
    return 1 if found["survivors"] else 0


if __name__ == "__main__":
    sys.exit(main())
