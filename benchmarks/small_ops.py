"""What an operation costs beside its arithmetic: a chain of 51 small ones, forward and backward.

    python -m benchmarks.small_ops [--seconds 10]

Everyone computes the same numbers from an 8 x 8 matrix, in a process of its own, in turns.
"""

from __future__ import annotations

import argparse
import statistics
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.side_by_side import Worker, machine

# mypy: disable-error-code="import-not-found, import-untyped, no-untyped-call"
LINKS = 17  # of three operations each
START = np.linspace(-1.0, 1.0, 64, dtype=np.float32).reshape(8, 8)


def chain(x: Any, tanh: Any) -> Any:
    """17 times a product, a sum and a tanh."""
    y = x
    for _ in range(LINKS):
        y = tanh(y * x + x)
    return y


class Minigrad:
    def __init__(self) -> None:
        import minigrad as mg

        self.x, self.tanh = mg.tensor(START, requires_grad=True), mg.tanh

    def run(self, count: int) -> float:
        for _ in range(count):
            self.x.grad = None
            chain(self.x, self.tanh).sum().backward()
        return float(np.abs(self.x.grad.numpy()).sum())


class PyTorch:
    def __init__(self) -> None:
        import torch

        torch.set_num_threads(1)
        self.x, self.tanh = torch.tensor(START, requires_grad=True), torch.tanh

    def run(self, count: int) -> float:
        for _ in range(count):
            self.x.grad = None
            chain(self.x, self.tanh).sum().backward()
        return float(self.x.grad.abs().sum())


class Autograd:
    def __init__(self) -> None:
        import autograd
        import autograd.numpy as anp

        self.gradient = autograd.grad(lambda x: anp.sum(chain(x, anp.tanh)))

    def run(self, count: int) -> float:
        for _ in range(count):
            found = self.gradient(START)
        return float(np.abs(found).sum())


PEERS = {"minigrad": (Minigrad, "numpy"), "PyTorch": (PyTorch, "torch"), "HIPS autograd": (Autograd, "autograd")}


def measure(seconds: float, count: int = 200) -> dict[str, tuple[list[float], float]]:
    """Of every peer: seconds of each chain, and the sum of the gradient's magnitudes."""
    names = [name for name, (_, package) in PEERS.items() if find_spec(package)]
    workers = {name: Worker(f"benchmarks.small_ops:{PEERS[name][0].__name__}") for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    try:
        sums = {name: worker.call("run", count)[0] for name, worker in workers.items()}
        while sum(sum(each) for each in times.values()) * count < seconds:
            for name in names:
                times[name].append(workers[name].call("run", count)[1] / count)
    finally:
        for worker in workers.values():
            worker.close()
    return {name: (times[name], sums[name]) for name in names}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args(arguments)
    print(f"{machine()}\n\n| | us/chain, median | fastest | minigrad's time over its, median | fastest | gradient |")
    print("|---|---|---|---|---|---|")
    found = measure(options.seconds)
    ours = found["minigrad"][0]
    for name, (times, total) in found.items():
        median, fastest = statistics.median(times), min(times)
        print(
            f"| {name} | {1e6 * median:.0f} | {1e6 * fastest:.0f} | {statistics.median(ours) / median:.2f} "
            f"| {min(ours) / fastest:.2f} | {total:.4f} |"
        )


if __name__ == "__main__":
    main()
