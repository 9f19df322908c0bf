"""From nothing to the end of a first train step, in a new process: importing minigrad and importing PyTorch.

    python -m benchmarks.cold_start [--rounds 5]

The step is that of `train_step`'s smallest model. Processes run one after another, in turns.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec

from benchmarks.side_by_side import machine

PEERS = {"minigrad": "numpy", "PyTorch": "torch"}  # and the package each needs


def seconds(peer: str) -> float:
    """Of a process that imports, makes the model and takes one step."""
    program = f"from benchmarks.train_step import PEERS; PEERS[{peer!r}][0]('tiny').run(1)"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - start


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args(arguments).rounds
    names = [name for name, package in PEERS.items() if find_spec(package)]
    times: dict[str, list[float]] = {name: [] for name in names}
    for round in range(rounds + 1):
        for name in names:
            took = seconds(name)
            if round:  # the first one brings files into memory
                times[name].append(took)
    print(f"{machine()}\n\n| | seconds, median | fastest | minigrad's time over its, median | fastest |")
    print("|---|---|---|---|---|")
    ours = times["minigrad"]
    for name in names:
        median, fastest = statistics.median(times[name]), min(times[name])
        ratios = f"{statistics.median(ours) / median:.2f} | {min(ours) / fastest:.2f}"
        print(f"| {name} | {median:.2f} | {fastest:.2f} | {ratios} |")


if __name__ == "__main__":
    main()
