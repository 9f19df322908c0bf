"""The GPU path in every run of the suite: some of its tests once more, on the stand-in for CuPy.

All of them run so with `pytest --device=cuda`.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FAMILIES = "off and (reduce or arrange or scatter or indexing or linalg or pooling or loss or channel_norm or inplace)"


@pytest.mark.host("starts a run on the stand-in by itself")
@pytest.mark.parametrize(
    "tests, chosen, least",
    [
        ("tests/minigrad/backends/test_device.py", "test", 200),
        ("tests/minigrad/test_torch_values.py", FAMILIES, 300),
        ("tests/minigrad/nn/test_layers_against_pytorch.py", "values_and_gradients", 100),
    ],
)  # fmt: skip
def test_the_device_gives_the_same_results(tests, chosen, least):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--device=cuda", "-p", "no:cacheprovider", "-p", "no:xdist", tests, "-k",
         chosen],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    passed = re.search(r"(\d+) passed", run.stdout)
    assert passed and int(passed[1]) >= least, run.stdout[-500:]
