"""Runs mutants against the tests chosen for each, until the first failure, every mutant in a process of its own.

`warm`: a process that has collected all the tests forks for each mutant and swaps the changed code in; quick, but what
is computed at import stays as it was. `cold`: a process that has imported neither the library nor the tests forks, and
imports the changed file. What lives in a warm process lives only if it lives in a cold one.
"""

from __future__ import annotations

import importlib.machinery
import json
import math
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import hypothesis
import pytest

from tests.mutants.source.population import ROOT, Mutant
from tests.mutants.source.reach import OPTIONS, TESTS
from tests.mutants.source.swap import live_functions, swap

DEVICE_TESTS = "tests/minigrad/backends/test_device.py"
MEMORY = 6 << 30  # bytes a mutant may ask for
TOO_LONG = (signal.SIGPROF, signal.SIGALRM)
Work = tuple[Mutant | None, Sequence[str]]  # None: nothing changed, as a control


@dataclass
class Fate:
    fate: str  # "killed", "survived", "broken": the runner failed, "import": only an import brings this change
    by: str = ""  # the test that failed, or how the process ended
    seconds: float = 0.0
    tests: int = 0  # so many were chosen


def warm(work: Sequence[Work], seconds: dict[str, float], jobs: int) -> list[Fate]:
    """What becomes of each, with live functions changed; in a process of its own, so that this one stays cold."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        try:
            loop = _Warm(work, seconds, jobs)
            pytest.main([*OPTIONS, *TESTS], plugins=[loop])
            with open(writer, "w") as file:
                json.dump([vars(fate) for fate in loop.fates], file)
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    os.close(writer)
    with open(reader) as file:
        found = [Fate(**each) for each in json.loads(file.read() or "[]")]
    os.waitpid(child, 0)
    if len(found) != len(work):
        raise RuntimeError("the tests could not be run")
    return found


def cold(work: Sequence[Work], seconds: dict[str, float], jobs: int, *options: str) -> list[Fate]:
    """What becomes of each, with the changed file imported."""

    def run(mutant: Mutant | None, tests: Sequence[str], writer: int) -> None:
        if mutant is not None:
            _import_as(str(ROOT / mutant.file), mutant.text())
        files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
        _limit(120 + 3 * len(files))
        code = pytest.main([*OPTIONS, *options, "-x", *files], plugins=[_Chosen(tests, seconds, writer)])
        _tell(writer, "survived" if code == 0 else "broken", f"pytest's exit code {int(code)}")

    return _forked(work, run, jobs)


def on_device(work: Sequence[Work], seconds: dict[str, float], jobs: int) -> list[Fate]:
    """Likewise on the stand-in for a GPU, with the tests for devices: on the host, much of what concerns them is
    never run, or does the right thing by chance."""
    return cold(work, seconds, jobs, "--device=cuda", DEVICE_TESTS)


class _Warm:
    def __init__(self, work: Sequence[Work], seconds: dict[str, float], jobs: int) -> None:
        self.work, self.seconds, self.jobs = work, seconds, jobs
        self.fates: list[Fate] = []

    def pytest_sessionstart(self) -> None:
        _quick_failures()

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        live = live_functions()

        def run(mutant: Mutant | None, tests: Sequence[str], writer: int) -> None:
            if mutant is not None and not swap(mutant, live):
                _tell(writer, "import")
            session.config.pluginmanager.register(_Stop(self.seconds, writer))
            chosen = [items[test] for test in tests]
            for item, following in zip_longest(chosen, chosen[1:]):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            _tell(writer, "survived")

        self.fates = _forked(self.work, run, self.jobs)
        return True


class _Stop:
    """Ends the process at the first test that fails or takes far too long."""

    def __init__(self, seconds: dict[str, float], writer: int) -> None:
        self.seconds, self.writer = seconds, writer

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        _limit(math.ceil(15 + 10 * self.seconds.get(nodeid, 0.0)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            _tell(self.writer, "killed", report.nodeid)


class _Chosen(_Stop):
    """And runs the chosen tests alone, in their order."""

    def __init__(self, tests: Sequence[str], seconds: dict[str, float], writer: int) -> None:
        super().__init__(seconds, writer)
        self.tests = {test: number for number, test in enumerate(tests)}

    def pytest_sessionstart(self) -> None:
        _quick_failures()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            _tell(self.writer, "killed", f"{report.nodeid} cannot be imported")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self.tests or item.nodeid.startswith(DEVICE_TESTS)]
        items[:] = sorted(chosen, key=lambda item: self.tests.get(item.nodeid, -1))


def _limit(seconds: int) -> None:
    """End this process after so much time on a processor: on a busy machine much more passes. But one that waits uses
    none."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(20 * seconds)


def _quick_failures() -> None:
    """hypothesis need not look for the smallest example."""
    settings, phase = hypothesis.settings, hypothesis.Phase
    settings.register_profile(
        "mutants", settings.default, phases=[phase.explicit, phase.generate], report_multiple_bugs=False
    )
    settings.load_profile("mutants")


def _import_as(path: str, text: str) -> None:
    """From now on an import of the file at `path` finds `text`."""
    usual: Callable[..., Any] = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: Any, name: str) -> Any:
        return compile(text, path, "exec", dont_inherit=True) if loader.path == path else usual(loader, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def _tell(writer: int, fate: str, by: str = "") -> None:
    os.write(writer, json.dumps([fate, by]).encode())
    os._exit(0)


def _forked(work: Sequence[Work], run: Callable[[Mutant | None, Sequence[str], int], None], jobs: int) -> list[Fate]:
    """`run` in a process for each, `jobs` of them at a time; it tells its fate through a pipe, or is killed."""
    fates: dict[int, Fate] = {}
    running: dict[int, tuple[int, int, float]] = {}

    def reap() -> None:
        child, status = os.wait()
        number, reader, start = running.pop(child)
        with open(reader, "rb") as file:
            told = file.read()
        ended = "took too long" if os.WTERMSIG(status) in TOO_LONG else f"the process ended with {status}"
        fate, by = json.loads(told) if told else ("killed", ended)
        fates[number] = Fate(fate, by, round(time.monotonic() - start, 2))
        mutant = work[number][0]
        if fate == "survived" and mutant is not None:
            print(f"lives so far: {mutant.file}:{mutant.lines[0]}: {mutant.change()[1]}", file=sys.stderr, flush=True)
        if len(fates) % 100 == 0:
            print(f"{len(fates)} of {len(work)}", file=sys.stderr, flush=True)

    for number, (mutant, tests) in enumerate(work):
        while len(running) >= jobs:
            reap()
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            try:
                null = os.open(os.devnull, os.O_RDWR)
                os.dup2(null, 1)
                os.dup2(null, 2)
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                run(mutant, tests, writer)
            except BaseException as error:
                _tell(writer, "broken", repr(error))  # of this runner: what a test raises is its failure
            finally:
                os._exit(1)
        os.close(writer)
        running[child] = number, reader, time.monotonic()
    while running:
        reap()
    return [fates[number] for number in range(len(fates))]
