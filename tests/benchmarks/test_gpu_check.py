"""The check that is run on machines with a GPU: what it asks, run against the stand-in for CuPy, and that it turns red
when an answer is wrong. A process of its own each time, for the stand-in takes CuPy's place in the one it is put in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import gpu_check

ROOT = Path(__file__).parents[2]
NO_GPU = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}


def run(*arguments, before=""):
    """`python -m benchmarks.gpu_check` with some lines run before it."""
    code = f"import sys\nfrom benchmarks import gpu_check\n{before}\nsys.exit(gpu_check.main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, env=NO_GPU, capture_output=True, text=True
    )


def test_without_a_gpu_it_says_so(tmp_path):
    checked = run("--out", tmp_path / "gpu.json")
    assert checked.returncode == 2
    assert checked.stderr.startswith("no GPU to check: device 'cuda'"), checked.stderr
    assert not (tmp_path / "gpu.json").exists()


def test_the_stand_in_answers_all_as_it_should(tmp_path):
    path = tmp_path / "gpu.json"
    checked = run("--stand-in", "--out", path, "--steps", 4, "--only", "scan or embedding")
    assert checked.returncode == 0, checked.stdout + checked.stderr + path.read_text()
    report = json.loads(path.read_text())
    assert report["green"] and all(part["passed"] for part in report["parts"].values())
    assert report["parts"].keys() == gpu_check.PARTS.keys()
    assert {"gpu", "cupy", "numpy", "python", "commit"} <= report["machine"].keys()
    assert report["date"].startswith("20")
    tests = report["parts"]["recorded-values"]["tests"]
    assert tests["passed"] > 20 and tests["failed"] == 0
    for name in gpu_check.MODELS:
        losses = report["parts"]["trainings"][name]["losses"]
        assert losses.keys() == {f"{device} {dtype}" for device in ("cpu", "cuda") for dtype in ("float32", "float64")}
        assert all(len(curve) == 4 for curve in losses.values())
        assert report["parts"]["transfers"]["in_a_step"][name] == {}


SLIGHTLY_WRONG = """
from tests.standin.namespace import Ufunc
right = Ufunc.__call__
Ufunc.__call__ = lambda self, *x, **kw: right(self, *x, **kw) * 1.0001 if self.name == "exp" else right(self, *x, **kw)
"""
OTHER_BITS = "from minigrad.backends import philox\nphilox.ROUNDS = 9"
LOOKS = """
mg = gpu_check.mg
mg.optim.clip_grad_norm_ = lambda parameters, most: parameters[0].grad.sum().item()
"""


@pytest.mark.parametrize(
    "part, before",
    [("trainings", SLIGHTLY_WRONG), ("recorded-values", ""), ("random-numbers", OTHER_BITS), ("transfers", LOOKS)],
)
def test_a_wrong_answer_makes_it_red(part, before, tmp_path):
    path = tmp_path / "gpu.json"
    wrong = ["--tests", "tests/there_is_no_such_file.py"] if part == "recorded-values" else []
    checked = run("--stand-in", "--out", path, "--steps", 4, "--parts", part, *wrong, before=before)
    report = json.loads(path.read_text())
    assert not report["green"] and not report["parts"][part]["passed"]
    assert "error" not in report["parts"][part] and not report["parts"][part].get("errors"), path.read_text()
    assert checked.returncode == 1 and "RED" in checked.stdout


def test_failures_are_named_with_their_reasons():
    report = """<testsuites><testsuite>
      <testcase classname="tests.a" name="one"/>
      <testcase classname="tests.a" name="two"><failure message="Error: 1 != 2&#10;more">...</failure></testcase>
      <testcase classname="tests.a" name="three"><skipped message="about host memory"/></testcase>
      <testcase classname="tests.b" name="four"><error>it broke</error></testcase>
    </testsuite></testsuites>"""
    assert gpu_check.outcomes(report) == {
        "tests.a::one": ("passed", ""),
        "tests.a::two": ("failed", "Error: 1 != 2 more"),
        "tests.a::three": ("skipped", "about host memory"),
        "tests.b::four": ("failed", "it broke"),
    }


def curves(**changed):
    single, double = [3.0, 2.0, 1.0000005], [3.0, 2.0, 1.0]
    alike = {"cpu float32": single, "cpu float64": double, "cuda float32": single, "cuda float64": double}
    return {**alike, **{name.replace("_", " "): losses for name, losses in changed.items()}}


def test_curves_may_differ_by_rounding_alone():
    verdict = gpu_check.judged(curves(cuda_float32=[3.0, 2.0, 1.000001]))
    assert verdict["passed"]
    assert verdict["allowed_difference"]["float32"] == pytest.approx(50 * 5e-7, rel=1e-3)
    assert verdict["allowed_difference"]["float64"] == pytest.approx(50 * 5e-7 * 2.0**-29, rel=1e-3)


@pytest.mark.parametrize(
    "changed",
    [
        {"cuda_float32": [3.0, 2.0, 1.0001]},
        {"cuda_float64": [3.0, 2.0, 1.0000001]},
        {"cuda_float64": [3.0, 2.0, float("nan")]},
        {name: [2.0, 2.0, 2.0] for name in ("cpu_float32", "cpu_float64", "cuda_float32", "cuda_float64")},
    ],
)
def test_curves_that_differ_by_more_or_do_not_fall_are_red(changed):
    assert not gpu_check.judged(curves(**changed))["passed"]


def test_waiting_for_the_device_is_seen_in_cupy_itself():
    """In the place where the installed CuPy notes it; there is no GPU to wait for, and it notes that before it asks."""
    code = """
import cupy
from benchmarks import gpu_check
with gpu_check.copies_to_host() as seen:
    try:
        cupy.cuda.Device(0).synchronize()
    except cupy.cuda.runtime.CUDARuntimeError:
        pass
print(len(seen))
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=NO_GPU, capture_output=True, text=True)
    if "No module named 'cupy'" in run.stderr:
        pytest.skip("CuPy is not installed")
    assert run.stdout.strip() == "1", run.stderr
