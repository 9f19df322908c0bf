"""How long it takes to find one wrong entry among a million, and in how many of so many seeds it is found.

    python -m benchmarks.wrong_entry [--seeds 100] [--only linear sine]

One entry of the gradient, another one for every seed, is wrong by a millionth of itself. Time is processor time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.side_by_side import machine
from minigrad.backends.numpy import keep_freed_memory
from minigrad.testing import GradientError, check_vjp_pair

WRONG_BY = 1e-6


class Case(NamedTuple):
    """A function of one array, and its backward."""

    shape: tuple[int, ...]
    forward: Callable[[Any], Any]
    vjp: Callable[[Any, Any], Any]


def linear(rng: np.random.Generator, size: int, rows: int = 8) -> Case:
    """A layer of so many units and inputs."""
    x = rng.standard_normal((rows, size)) / np.sqrt(size)
    return Case(
        (size, size),
        lambda weight: np.tanh(x @ weight),
        lambda g, weight: x.T @ (g * (1 - np.tanh(x @ weight) ** 2)),
    )


def sine(rng: np.random.Generator, size: int) -> Case:
    """A function of every entry alone."""
    return Case((size, size), np.sin, lambda g, x: g * np.cos(x))


CASES = {"linear": linear, "sine": sine}


def search(name: str, seed: int, size: int = 1000) -> tuple[bool, bool, float]:
    """Whether the wrong entry was found, whether it was named, and in how many seconds."""
    rng = np.random.default_rng(seed)
    case = CASES[name](rng, size)
    point = rng.standard_normal(case.shape)
    place = tuple(int(i) for i in rng.integers(size, size=2))

    def vjp(g: Any, x: Any) -> Any:
        gradient = case.vjp(g, x)
        gradient[place] *= 1 + WRONG_BY
        return gradient

    start = time.process_time()
    message = ""
    try:
        check_vjp_pair(case.forward, vjp, point, seed=seed)
    except GradientError as error:
        message = str(error)
    took = time.process_time() - start
    return message.startswith("WRONG_FORMULA"), f"[{place[0]}, {place[1]}]" in message, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    arguments = parser.parse_args()
    keep_freed_memory()
    print(machine())
    for name in arguments.only:
        found, named, times = zip(*(search(name, seed) for seed in range(arguments.seeds)))
        print(
            f"{name}: found {sum(found)} of {arguments.seeds}, named {sum(named)}; "
            f"{np.median(times):.2f} s (median), {max(times):.2f} s (longest)"
        )


if __name__ == "__main__":
    main()
