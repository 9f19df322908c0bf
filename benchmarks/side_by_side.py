"""Runs peers in processes of their own, one at a time, in turns.

A peer is a class with `run(steps) -> None` and whatever else its benchmark calls; it lives in a worker process, so its
threads sleep while another peer is measured. Taking turns within one run is what makes ratios mean something on a
machine whose speed drifts.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lm.openblas import choose_kernels


class Worker:
    """A peer in its own process: `call(method, *arguments)` runs a method there and times it there."""

    def __init__(self, peer: str, **settings: Any) -> None:
        self.peer = peer
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.side_by_side", peer, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker of {self.peer} ended with code {self._process.wait()}")
        return json.loads(line)

    def call(self, method: str, *arguments: Any) -> tuple[Any, float]:
        """The method's result and the seconds it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([method, *arguments]) + "\n")
        self._process.stdin.flush()
        result, seconds = self._read()
        return result, seconds

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def in_turns(workers: Sequence[Worker], steps: int, block: int) -> dict[str, list[float]]:
    """Let every worker run `steps` steps in blocks, taking turns; seconds per step of each block."""
    seconds: dict[str, list[float]] = {worker.peer: [] for worker in workers}
    for done in range(0, steps, block):
        count = min(block, steps - done)
        for worker in workers if done // block % 2 == 0 else reversed(workers):
            seconds[worker.peer].append(worker.call("run", count)[1] / count)
    return seconds


def forget_peak() -> None:
    """From now on `peak` is of what comes. Does nothing where the system (other than Linux) has no word for it."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # proc(5): resets VmHWM


def peak() -> int:
    """The most memory that this process had in RAM, in bytes; and on Linux, what its children had beside it.

    The pages that a child shares now with another process, its parent say, are counted there, not here.
    """
    with contextlib.suppress(OSError):
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        own = _kilobytes("self", "status", "VmHWM")
        beside = (_kilobytes(pid, "status", "VmHWM") - _kilobytes(pid, "smaps_rollup", "Shared_") for pid in children)
        return (own + sum(beside)) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _kilobytes(pid: str, file: str, name: str) -> int:
    """The sum of the lines of a file in /proc that begin with a name."""
    lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(name))


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def machine() -> str:
    """One line on the machine and the versions, to stand beside a result."""
    packages = []
    for name in ("numpy", "torch"):
        try:
            packages.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            packages.append(f"{name} not installed")
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {', '.join(packages)}"


def _serve(peer: str, settings: str) -> None:
    choose_kernels()
    module, _, name = peer.partition(":")
    instance = getattr(import_module(module), name)(**json.loads(settings))
    print("null", flush=True)
    for line in sys.stdin:
        method, *arguments = json.loads(line)
        start = time.perf_counter()
        result = getattr(instance, method)(*arguments)
        print(json.dumps([result, time.perf_counter() - start]), flush=True)


if __name__ == "__main__":
    _serve(*sys.argv[1:])
