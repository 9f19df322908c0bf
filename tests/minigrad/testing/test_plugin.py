"""The pytest plugin, in runs of its own: what it writes and prints, and that a run without it does not notice it."""

import json
import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = """
import numpy as np, pytest
import minigrad as mg
from minigrad.testing import check_grads, check_vjp_pair, gradtest, tensors

@gradtest(x=tensors((2,)), probes=1, layouts=False)
def test_tanh(x):
    return x.tanh()

def test_points():
    assert test_tanh.tally.points == EXPECTED

def test_sin():
    check_vjp_pair(np.sin, lambda g, x: g * np.cos(x), np.ones(3))

def test_wrong():
    check_vjp_pair(np.cos, lambda g, x: g * np.sin(x), np.ones(3))
"""
PLAIN = """
import sys
def test_nothing_of_it_was_imported():
    assert "pytest_minigrad" in sys.modules
    assert not {"numpy", "minigrad", "minigrad.testing"} & set(sys.modules)
"""


def run(folder, text, *arguments, expected=0):
    """The output of a run of pytest with the plugin, on one test file in a folder of its own."""
    (folder / "test_example.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "pytest_minigrad", "-p", "no:cacheprovider", "-q", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == expected, done.stdout + done.stderr
    return done.stdout


def test_a_run_without_its_options_imports_nothing_for_it_and_prints_nothing(tmp_path):
    output = run(tmp_path, PLAIN, "-v")
    assert "gradients" not in output
    assert list(tmp_path.glob("gradients*")) == []


@pytest.mark.parametrize("parallel", [False, True])
def test_the_report_has_every_check_of_the_run(tmp_path, parallel):
    arguments = ["-p", "xdist", "-n", "2"] if parallel else ["-v"]
    deselected = ["--deselect", "test_example.py::test_points"] if parallel else []
    text = EXAMPLE.replace("EXPECTED", "25")
    output = run(
        tmp_path, text, "--grad-report=out/here", "--grad-profile=quick", *arguments, *deselected, expected=1
    )
    if not parallel:
        assert "profile quick (25 points)" in output.split("collected")[0]
        assert "gradients: oracles " in output.split("collected")[0]
    rows = {row["op"]: row for row in json.loads((tmp_path / "out/here/gradients.json").read_text())}
    assert {op: row["verdict"] for op, row in rows.items()} == {
        "tanh": "CORRECT", "sin": "CORRECT", "cos": "WRONG_FORMULA"
    }  # fmt: skip
    assert rows["tanh"]["test"] == "test_example.py::test_tanh"
    assert rows["tanh"]["points"] == 25
    assert rows["sin"]["probes"] == 4
    assert 0 < rows["sin"]["worst"] <= 1 < rows["cos"]["worst"]
    assert 0 < rows["sin"]["resolution"] < 1e-9
    assert "looks like a wrong sign" in rows["cos"]["report"]["lines"]
    table = (tmp_path / "out/here/gradients.md").read_text().splitlines()
    assert table[2] == "27 points in 3 tests."
    assert table[4] == "| op | verdict | points | worst error / bound | resolution | inconclusive probes |"
    assert [line.split(" | ")[0] for line in table[6:]] == ["| cos", "| sin", "| tanh"]
    assert table[7].endswith("| 0 of 4 |")
    assert sorted(path.name for path in (tmp_path / "out/here").iterdir()) == ["gradients.json", "gradients.md"]


def test_a_profile_says_how_many_points_are_drawn(tmp_path):
    run(tmp_path, EXAMPLE.replace("EXPECTED", "200").replace("def test_wrong", "def wrong"), "--grad-profile=ci")
    assert list(tmp_path.glob("gradients*")) == []


def test_without_hypothesis_a_profile_is_said_to_be_missing(tmp_path):
    (tmp_path / "hypothesis.py").write_text("raise ImportError\n")
    output = run(tmp_path, "def test_nothing(): pass\n", "--grad-profile=deep", "-v")
    assert "profile deep not loaded: it needs hypothesis" in output


def test_it_is_installed_as_a_plugin():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["options.entry_points"]["pytest11"].split() == ["minigrad", "=", "pytest_minigrad"]
    assert setup["options"]["py_modules"] == "pytest_minigrad"
