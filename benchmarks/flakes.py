"""How often a right layer fails its gradient test by bad luck: runs of the ci profile with a fresh seed each.

    python -m benchmarks.flakes [--runs 1000] [--points 200] [--first 0] [--only NAME ...]

A run is one of the layers below, whose turn it is, at so many points as `pytest --grad-profile=ci` draws, drawn with a
seed of its own. Printed is every run that fails, with its seed, and in the end how many runs and points there were and
how many probes and points showed nothing.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import hypothesis

import minigrad as mg
import minigrad.nn.functional as F
from benchmarks.side_by_side import machine
from minigrad.testing import GradReport, axes_of, gradtest, like, tensors
from minigrad.testing.plugin import PROFILES
from minigrad.testing.verdicts import LISTENERS

SMALL: dict[str, Any] = {"ndim": (1, 3), "size": (1, 4)}
ALONG_AN_AXIS = {"x": tensors(**SMALL), "dim": axes_of("x")}

# Functions, or what makes modules, and what is drawn for them.
LAYERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "softmax": (lambda x, dim: x.softmax(dim), ALONG_AN_AXIS),
    "logsumexp": (lambda x, dim: x.logsumexp(dim), ALONG_AN_AXIS),
    "cumprod": (lambda x, dim: x.cumprod(dim), ALONG_AN_AXIS),
    "amax": (lambda x, dim: x.amax(dim), {"x": tensors(values="separated", **SMALL), "dim": axes_of("x")}),
    "amax of ties": (lambda x, dim: x.amax(dim), {"x": tensors(values="kinky", **SMALL), "dim": axes_of("x")}),
    "layer_norm": (lambda x: F.layer_norm(x, x.shape[-1:]), {"x": tensors(**SMALL)}),
    "relu at kinks": (F.relu, {"input": tensors(values="kinky", **SMALL)}),
    "gelu at extremes": (lambda x: F.gelu(x), {"x": tensors(values="extreme", **SMALL)}),
    "power": (lambda x, y: x**y, {"x": tensors(values="positive", **SMALL), "y": like("x", values="positive")}),
    "outer product": (lambda x, y: mg.outer(x, y), {"x": tensors(ndim=1), "y": tensors(ndim=1)}),
    "cosine similarity": (
        lambda x, y: F.cosine_similarity(x + 5, y + 5, dim=-1), {"x": tensors((2, 4)), "y": like("x")}
    ),
    "tanh in float32": (lambda x: x.tanh() * x, {"x": tensors((3, 2), dtype="float32")}),
    "attention, second order": (
        lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), {"x": tensors((2, 3, 4)), "order": 2}
    ),
    "batch norm": (lambda: mg.nn.BatchNorm1d(3), {"x": tensors((4, 3))}),
    "GRU cell": (lambda: mg.nn.GRUCell(2, 3), {"x": tensors((2, 2))}),
}  # fmt: skip
MODULES = ("batch norm", "GRU cell")


def failure(name: str, seed: int, points: int) -> str:
    """What one run raises, or nothing."""
    function, drawn = LAYERS[name]
    hypothesis.settings.register_profile("flakes", max_examples=points, database=None, print_blob=False)
    hypothesis.settings.load_profile("flakes")
    test = gradtest.module(function, **drawn) if name in MODULES else gradtest(**drawn)(function)
    try:
        hypothesis.seed(seed)(test.search)
        test()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--points", type=int, default=PROFILES["ci"]["max_examples"])
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--only", nargs="+", choices=list(LAYERS), default=list(LAYERS), metavar="NAME")
    arguments = parser.parse_args()
    print(machine())
    seen: Counter[str] = Counter()

    def heard(report: GradReport) -> None:
        seen["points"] += 1
        seen["points without an answer"] += report.verdict.name == "INCONCLUSIVE"
        seen["probes"] += len(report.probes)
        seen["probes without an answer"] += report.inconclusive

    LISTENERS.append(heard)
    failures, start = 0, time.perf_counter()
    for number in range(arguments.runs):
        name, seed = arguments.only[number % len(arguments.only)], arguments.first + number
        why = failure(name, seed, arguments.points)
        if why:
            failures += 1
            print(f"seed {seed}, {name}: {why}", flush=True)
    LISTENERS.remove(heard)
    what = ", ".join(f"{count} {key}" for key, count in seen.items())
    print(f"{arguments.runs} runs, {failures} failures; {what}; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
