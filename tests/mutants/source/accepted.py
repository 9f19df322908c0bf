"""The mutants that no test need notice, each with its reason: `accepted.toml`.

    [[mutant]]
    file = "shape.py"
    where = "squeeze"               # the function or the name around it
    was = "if axis < 0:"            # the changed lines, stripped
    now = "if axis <= 0:"
    fate = "equivalent"             # it does the same; "immaterial": nothing promised depends on it
    reason = "axis 0 was dealt with above"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.mutants.source.population import Mutant

FILE = Path(__file__).with_name("accepted.toml")
Key = tuple[str, str, str, str]


def key(mutant: Mutant) -> Key:
    return Path(mutant.file).name, mutant.where, *mutant.change()


def accepted() -> dict[Key, str]:
    """The fate of each."""
    return {(each["file"], each["where"], each["was"], each["now"]): each["fate"] for each in _entries()}


def _entries() -> Iterator[dict[str, str]]:
    for each in tomllib.loads(FILE.read_text()).get("mutant", []):
        if each.keys() != {"file", "where", "was", "now", "fate", "reason"}:
            raise ValueError(f"{FILE.name}: a mutant has file, where, was, now, fate and reason, got {sorted(each)}")
        if each["fate"] not in ("equivalent", "immaterial"):
            raise ValueError(f"{FILE.name}: the fate is equivalent or immaterial, got {each['fate']!r}")
        yield each
