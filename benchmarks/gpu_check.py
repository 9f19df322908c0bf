"""Whether minigrad on this machine's GPU computes what it computes on the CPU. Needs numpy, cupy, pytest, hypothesis.

    python -m benchmarks.gpu_check [--out gpu.json] [--parts ...] [--tests PATH ...] [--steps 50] [--stand-in]

Four parts: the tests that hold operations and layers to PyTorch's recorded values, run with their tensors on the GPU;
the random numbers, which must be the same bits; two models trained from one seed on both devices; and what a train
step copies back to the host, which must be nothing. Everything seen goes to a JSON file, with names and versions. The
exit code is 0 if all is as it should be, 1 if anything is not, and 2 if there is no GPU to ask.

`--stand-in` asks the stand-in for CuPy in `tests/standin` instead: that tells whether this program runs, and nothing
about a GPU.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import itertools
import json
import platform
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
import minigrad.nn.functional as F
from lm.models.gpt2 import GPT2, GPT2Config
from minigrad import nn
from minigrad.backends import Backend, backend_for, cpu

ROOT = Path(__file__).parent.parent
TESTS = ["tests/minigrad/test_torch_values.py", "tests/minigrad/nn/test_layers_against_pytorch.py"]


# ------------------------------------------------------------------------------------------------- the machine


def machine(gpu: Backend, stand_in: bool) -> dict[str, Any]:
    """Names and versions of what was asked."""
    found = {
        "gpu": "none: the stand-in for CuPy",
        "python": platform.python_version(),
        "platform": platform.platform(),
        "numpy": np.__version__,
        "cupy": gpu.xp.__version__,
    }
    if not stand_in:
        runtime = gpu.xp.cuda.runtime
        properties = runtime.getDeviceProperties(runtime.getDevice())
        found |= {
            "gpu": properties["name"].decode(),
            "compute_capability": f"{properties['major']}.{properties['minor']}",
            "memory_bytes": int(properties["totalGlobalMem"]),
            "cuda_runtime": runtime.runtimeGetVersion(),  # 12040 is 12.4
            "cuda_driver": runtime.driverGetVersion(),
        }
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return found | {"commit": commit.stdout.strip() or None}


# ------------------------------------------------------------------------------------- what PyTorch's values say


def recorded_values(gpu: Backend, options: argparse.Namespace) -> dict[str, Any]:
    """The tests against recorded values, with their tensors made on the GPU."""
    device = "cuda" if options.stand_in else "cuda-real"
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--device={device}", *options.tests]
        command += ["-k", options.only] if options.only else []
        run = subprocess.run(
            [sys.executable, *command, f"--junitxml={report}"], cwd=ROOT, capture_output=True, text=True
        )
        cases = outcomes(report.read_text()) if report.exists() else {}
    failures = {name: reason for name, (outcome, reason) in cases.items() if outcome == "failed"}
    counts = Counter(outcome for outcome, _ in cases.values())
    found = {
        "passed": run.returncode == 0 and counts["passed"] > 0 and not failures,
        "command": " ".join(["python", *command]),
        "tests": {outcome: counts[outcome] for outcome in ("passed", "failed", "skipped")},
        "failures": failures,
    }
    return found if run.returncode in (0, 1) else {**found, "output": (run.stdout + run.stderr)[-4000:]}


def outcomes(report: str) -> dict[str, tuple[str, str]]:
    """Of a JUnit report: "passed", "failed" or "skipped" for each test, and why."""
    found = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        outcome, reason = "passed", ""
        for child in case:
            if child.tag in ("failure", "error", "skipped"):
                outcome = "skipped" if child.tag == "skipped" else "failed"
                reason = " ".join((child.get("message") or child.text or "").split())[:300]
        found[f"{case.get('classname')}::{case.get('name')}"] = outcome, reason
    return found


# ------------------------------------------------------------------------------------------- the random numbers


def random_numbers(gpu: Backend, options: argparse.Namespace) -> dict[str, Any]:
    """Bits, and what is made of them by exact arithmetic, are equal; normal numbers are so to the last places."""
    different: dict[str, str] = {}
    for key, counter, count in [((0, 0), 0, 1), ((1, 2**64 - 1), 3, 1001), ((2**63, 7), 2**64 - 1, 4096)]:
        words = gpu.to_host(gpu.random_bits(key, counter, count))
        if not np.array_equal(words, cpu.random_bits(key, counter, count)):
            different[f"{count} words of key {key}, draw {counter}"] = "other bits"
    for name, draw in DRAWS.items():
        with noting(different, name):
            ours, theirs = (drawn_on(device, draw) for device in ("cpu", "cuda"))
            apart = np.abs(ours - theirs).max()
            exact = 4 * np.finfo(ours.dtype).eps * np.abs(ours).max() if name.startswith("randn") else 0
            if ours.dtype != theirs.dtype or not apart <= exact:
                different[name] = f"{ours.dtype} and {theirs.dtype}, up to {apart} apart"
    return {"passed": not different, "different": different}


@contextlib.contextmanager
def noting(errors: dict[str, str], name: str) -> Iterator[None]:
    """What fails is noted under a name, and the rest goes on: an hour on a GPU should tell all there is to tell."""
    try:
        yield
    except Exception:
        errors[name] = traceback.format_exc()


DRAWS: dict[str, Callable[[], mg.Tensor]] = {
    "rand float16": lambda: mg.rand(1001, dtype=mg.float16),
    "rand float32": lambda: mg.rand(1001),
    "rand float64": lambda: mg.rand(1001, dtype=mg.float64),
    "randn float32": lambda: mg.randn(1001),
    "randn float64": lambda: mg.randn(1001, dtype=mg.float64),
    "randint": lambda: mg.randint(-5, 10**12, (1001,)),
    "randperm": lambda: mg.randperm(1001),
    "bernoulli": lambda: mg.bernoulli(mg.full((1001,), 0.3)).to(mg.int64),
    "dropout": lambda: F.dropout(mg.ones(1001), 0.3),
}


def drawn_on(device: str, draw: Callable[[], mg.Tensor]) -> Any:
    with on(device):
        mg.manual_seed(3)
        drawn = draw()
    assert drawn.device == device, f"drawn on {drawn.device}, not on {device}"
    return drawn.cpu().numpy()


@contextlib.contextmanager
def on(device: str) -> Iterator[None]:
    """New tensors are made there."""
    before = mg.get_default_device()
    mg.set_default_device(device)
    try:
        yield
    finally:
        mg.set_default_device(before)


# ------------------------------------------------------------------------------------------------- two trainings


class Training:
    """A model on a device, and the batches it learns from, which are the same everywhere."""

    def __init__(self, name: str, device: str, dtype: Any, steps: int) -> None:
        mg.manual_seed(0)
        with on(device):
            self.model, self.optimizer, batches = MODELS[name]()
            self.model.to(dtype)
            self.batches = [
                (mg.tensor(x, dtype=dtype if x.dtype.kind == "f" else None), mg.tensor(y))
                for x, y in (batches() for _ in range(steps))
            ]

    def step(self, number: int) -> Any:
        x, y = self.batches[number]
        loss = F.cross_entropy(self.model(x).reshape(y.numel(), -1), y.reshape(-1))
        loss.backward()
        mg.optim.clip_grad_norm_(list(self.model.parameters()), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()


def perceptron() -> tuple[nn.Module, Any, Callable[[], Any]]:
    """Vectors in classes: which of 8 directions one lies furthest in."""
    model = nn.Sequential(
        nn.Linear(16, 64), nn.GELU(), nn.Dropout(0.1), nn.Linear(64, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 8)
    )
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(16, 8))

    def batch() -> Any:
        x = rng.normal(size=(32, 16))
        return x, (x @ directions).argmax(1)

    return model, mg.optim.SGD(model.parameters(), lr=0.05, momentum=0.9), batch


def gpt() -> tuple[nn.Module, Any, Callable[[], Any]]:
    """Ids that go round in steps of one, two or three."""
    model = GPT2(GPT2Config(vocab_size=29, n_positions=32, n_embd=32, n_layer=2, n_head=2))
    rng = np.random.default_rng(0)

    def batch() -> Any:
        ids = (rng.integers(0, 29, (8, 1)) + rng.integers(1, 4, (8, 1)) * np.arange(33)) % 29
        return ids[:, :-1], ids[:, 1:]

    return model, mg.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.1), batch


MODELS = {"perceptron": perceptron, "gpt": gpt}


def trainings(gpu: Backend, options: argparse.Namespace) -> dict[str, Any]:
    """The losses of two models, in both precisions on both devices."""
    found: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for name in MODELS:
        curves, seconds = {}, {}
        with noting(errors, name):
            for device, dtype in itertools.product(("cpu", "cuda"), (mg.float32, mg.float64)):
                training = Training(name, device, dtype, options.steps)
                start = time.perf_counter()
                losses = [training.step(number) for number in range(options.steps)]
                curves[f"{device} {dtype}"] = [loss.item() for loss in losses]
                seconds[f"{device} {dtype}"] = time.perf_counter() - start
            found[name] = {**judged(curves), "losses": curves, "seconds": seconds}
    return {"passed": not errors and all(each["passed"] for each in found.values()), **found, "errors": errors}


def judged(curves: dict[str, list[float]]) -> dict[str, Any]:
    """Whether the devices agree. What float32 costs is measured, on the CPU, by its distance from float64; float64 is
    granted as much in its own unit of rounding. A device that rounds in another order may differ by some times that:
    fifty. Two ways of computing the same on a CPU differ by about one."""
    arrays = {name: np.array(losses) for name, losses in curves.items()}
    rounding = max(np.abs(arrays["cpu float32"] - arrays["cpu float64"]).max(), np.finfo(np.float32).eps)
    allowed = {
        "float32": 50.0 * rounding,
        "float64": 50.0 * rounding * np.finfo(np.float64).eps / np.finfo(np.float32).eps,
    }
    apart = {dtype: np.abs(arrays[f"cuda {dtype}"] - arrays[f"cpu {dtype}"]).max() for dtype in allowed}
    agree = {dtype: bool(apart[dtype] <= allowed[dtype]) for dtype in allowed}  # which a nan is not
    learned = bool(arrays["cuda float32"][-1] < arrays["cuda float32"][0])
    return {
        "passed": all(agree.values()) and learned,
        "learned": learned,
        "largest_difference": {dtype: float(value) for dtype, value in apart.items()},
        "allowed_difference": {dtype: float(value) for dtype, value in allowed.items()},
    }


# --------------------------------------------------------------------------------------------- copies to the host


def transfers(gpu: Backend, options: argparse.Namespace) -> dict[str, Any]:
    """A train step, once its states are there, waits for no value of the device. That a loss is read must be seen."""
    found: dict[str, list[str]] = {}
    errors: dict[str, str] = {}
    for name in MODELS:
        with noting(errors, name):
            training = Training(name, "cuda", mg.float32, 3)
            training.step(0)
            training.step(1)
            with copies_to_host(options.stand_in) as found[name]:
                training.step(2)
    loss = mg.ones(1, device="cuda").sum()
    with copies_to_host(options.stand_in) as seen:
        loss.item()
    passed = not errors and not any(found.values()) and len(seen) == 1
    counts = {name: dict(Counter(lines)) for name, lines in found.items()}
    return {"passed": passed, "in_a_step": counts, "when_read": seen, "errors": errors}


@contextlib.contextmanager
def copies_to_host(stand_in: bool = False) -> Iterator[list[str]]:
    """The lines of the project that had CuPy copy from the device, or wait for it, in the order they did."""
    seen: list[str] = []
    if stand_in:
        from tests.standin.syncs import syncs

        before = len(syncs)
        yield seen
        seen += syncs[before:]
        return
    from cupy._core import syncdetect

    def note() -> None:
        stack = traceback.extract_stack()[:-1]
        frame = next((each for each in reversed(stack) if each.filename.startswith(str(ROOT))), stack[-1])
        seen.append(f"{frame.filename.removeprefix(f'{ROOT}/')}:{frame.lineno} {frame.line}")

    told, syncdetect._declare_synchronize = syncdetect._declare_synchronize, note
    try:
        yield seen
    finally:
        syncdetect._declare_synchronize = told


# ---------------------------------------------------------------------------------------------------- the report

PARTS = {
    "recorded-values": recorded_values,
    "random-numbers": random_numbers,
    "trainings": trainings,
    "transfers": transfers,
}


def arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_check", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("gpu.json"), help="the JSON file to write (%(default)s)")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=[*PARTS], help="of the four, these")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="test files to run (those of recorded values)")
    parser.add_argument("--only", help="of the tests, those that match, as pytest's -k")
    parser.add_argument("--steps", type=int, default=50, help="of the trainings (%(default)s)")
    parser.add_argument("--stand-in", action="store_true", help="without a GPU: see whether this program runs")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> int:
    options = arguments(given)
    if options.stand_in:
        from tests.standin import namespace

        namespace.install()
    try:
        gpu = backend_for("cuda")
    except RuntimeError as error:
        print(f"no GPU to check: {error}", file=sys.stderr)
        return 2
    report: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(gpu, options.stand_in),
        "green": False,
        "parts": {},
    }
    for name in options.parts:
        print(f"{name} ...", flush=True)
        start = time.perf_counter()
        found: dict[str, Any] = {"passed": False}
        with noting(found, "error"):
            found = PARTS[name](gpu, options)
        report["parts"][name] = {**found, "seconds_in_all": time.perf_counter() - start}
        print(f"{name}: {'as it should be' if found['passed'] else 'NOT as it should be'}")
        options.out.write_text(json.dumps(report, indent=1) + "\n")  # after every part: the next may not return
    report["green"] = all(part["passed"] for part in report["parts"].values())
    options.out.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{'green' if report['green'] else 'RED'}: see {options.out}")
    return 0 if report["green"] else 1


if __name__ == "__main__":
    sys.exit(main())
