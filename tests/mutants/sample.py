"""The sample of killed mutants that every test run looks at, with the case that each was killed by."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.runner import Fate

FILE = Path(__file__).with_suffix(".json")


def read() -> dict[str, str]:
    """The case by the name of the mutant."""
    cases: dict[str, str] = json.loads(FILE.read_text())
    return cases


def write(fates: Sequence[Fate]) -> None:
    FILE.write_text(json.dumps({fate.name: fate.case for fate in sorted(fates, key=lambda f: f.name)}, indent=1) + "\n")
