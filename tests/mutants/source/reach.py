"""Which tests run which line of minigrad/ops, and how long each takes: measured by coverage, and kept in a file."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import coverage
import pytest

from tests.mutants.source.population import OPERATIONS, ROOT, Mutant

TESTS = ["tests/minigrad", "tests/operations", "tests/test_layout.py"]  # the last runs the examples of docstrings

READERS = ("tests/minigrad/ops/test_primitives.py",)  # these read what an import made, and run no line that made it

OPTIONS = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore::pytest.PytestAssertRewriteWarning"]


@dataclass
class Reach:
    seconds: dict[str, float]  # of each test that passes
    tests: dict[str, dict[int, set[str]]]  # by file and line

    def chosen(self, mutant: Mutant, most: int) -> list[str]:
        """The tests that run the changed lines, or else any line of that file: first those named after the function,
        then the readers and a quick one of each test function, and so on."""
        lines = self.tests.get(mutant.file, {})
        found = set().union(*(lines.get(line, ()) for line in mutant.lines)) or set().union(*lines.values())
        names = [name.strip("_") for name in mutant.where.split(".")]
        named = re.compile("|".join(rf"(?<![a-z]){re.escape(name)}(?![a-z])" for name in names))
        own = [test for test in found if named.search(test.partition("::")[2])]
        readers = [test for test in self.seconds if test.startswith(READERS)]
        return list(dict.fromkeys([*self._spread(own)[: most // 2], *readers, *self._spread(found)]))[:most]

    def _spread(self, tests: Iterable[str]) -> list[str]:
        functions = defaultdict(list)
        for test in sorted(tests, key=lambda test: (self.seconds[test], test)):
            functions[test.partition("[")[0]].append(test)
        return [test for turn in zip_longest(*functions.values()) for test in turn if test]


def reach(file: Path, jobs: int) -> Reach:
    """From `file`, and measured again for the test files that are not as they were then."""
    kept = json.loads(gzip.decompress(file.read_bytes())) if file.exists() else {}
    digests = _digests()
    stale = [name for name in digests if kept.get(name, {}).get("digest") != digests[name]]
    if stale:
        measured = _measured(stale, jobs)
        kept = {name: kept[name] for name in digests if name not in stale}
        kept |= {name: {"digest": digests[name], **measured.get(name, {"tests": {}})} for name in stale}
        file.write_bytes(gzip.compress(json.dumps(kept).encode()))
    seconds: dict[str, float] = {}
    tests: dict[str, dict[int, set[str]]] = {_relative(path): defaultdict(set) for path in OPERATIONS}
    for each in kept.values():
        for test, (duration, places) in each["tests"].items():
            seconds[test] = duration
            for name, lines in places.items():
                for line in lines:
                    tests[name][line].add(test)
    return Reach(seconds, tests)


def _digests() -> dict[str, str]:
    """Of each test file, with the operations and all that tests share."""
    under = [ROOT / name for name in TESTS]
    paths = [path for each in under for path in ([each] if each.is_file() else sorted(each.rglob("*.py")))]
    shared = hashlib.sha256()
    for path in (*OPERATIONS, *paths):
        if not path.name.startswith("test_"):
            shared.update(path.read_bytes())
    return {
        _relative(path): hashlib.sha256(shared.digest() + path.read_bytes()).hexdigest()
        for path in paths
        if path.name.startswith("test_")
    }


def _relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


class _Measure:
    """A pytest plugin: forks once a part, each of which runs its share of the tests under coverage."""

    def __init__(self, jobs: int, folder: Path) -> None:
        self.jobs, self.folder = jobs, folder
        self.seconds: dict[str, float] = defaultdict(float)
        self.failed: set[str] = set()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        # By turns of whole files, since a module's fixtures are shared.
        files = list(dict.fromkeys(item.path for item in session.items))
        children = []
        for part in range(self.jobs):
            child = os.fork()
            if not child:
                mine = set(files[part :: self.jobs])
                try:
                    self._run(session, [item for item in session.items if item.path in mine], part)
                finally:
                    os._exit(1)
            children.append(child)
        for child in children:
            if os.waitpid(child, 0)[1]:
                raise RuntimeError("the measurement of which tests run which line failed")
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if not report.passed:
            self.failed.add(report.nodeid)

    def _run(self, session: pytest.Session, items: Sequence[pytest.Item], part: int) -> None:
        watcher = coverage.Coverage(data_file=None, include=[str(path) for path in OPERATIONS])
        watcher.start()
        for item, following in zip_longest(items, items[1:]):
            watcher.switch_context(item.nodeid)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        watcher.stop()
        data = watcher.get_data()
        places: dict[str, dict[str, list[int]]] = defaultdict(dict)
        for path in OPERATIONS:
            for line, tests in data.contexts_by_lineno(str(path)).items():
                for test in tests:
                    places[test].setdefault(_relative(path), []).append(line)
        found: dict[str, Any] = defaultdict(lambda: {"tests": {}})
        readers = {test for test in self.seconds if test.startswith(READERS)}
        for test in (places.keys() | readers) - self.failed - {""}:
            found[test.partition("::")[0]]["tests"][test] = round(self.seconds[test], 4), places[test]
        (self.folder / f"{part}.json").write_text(json.dumps(found))
        os._exit(0)


def _measured(files: Sequence[str], jobs: int) -> dict[str, Any]:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if not child:
            try:
                os._exit(pytest.main([*OPTIONS, *files], plugins=[_Measure(jobs, Path(folder))]))
            finally:
                os._exit(99)
        if status := os.waitpid(child, 0)[1]:
            raise RuntimeError(f"the tests could not be measured: {status}")
        found: dict[str, Any] = {}
        for path in sorted(Path(folder).glob("*.json")):
            found |= json.loads(path.read_text())
    took = time.monotonic() - start
    print(f"which tests of {len(files)} files run which line: measured in {took:.0f} s", file=sys.stderr)
    return found
