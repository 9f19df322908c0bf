"""What the README says is so."""

import re
import subprocess
import sys
from pathlib import Path

from lm.cli import COMMANDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.S | re.M)


def test_the_example_runs():
    (example,) = blocks("python")
    program = example + "\nprint(loss.item())\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.5  # y is a product of two standard normals: its variance is 1


def test_the_commands_exist():
    assert set(re.findall(r"^\| `lm (\w+)", README, re.M)) == set(COMMANDS)


def test_each_of_the_two_jobs_is_complete_in_itself():
    for last in ("lm train", "pytest -n auto"):
        (block,) = [block for block in blocks("sh") if block.rstrip().endswith(f".venv/bin/{last}")]
        assert block.startswith("python3 -m venv .venv\n.venv/bin/pip install '.[")


def test_every_file_it_points_to_is_there():
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).is_file(), path
