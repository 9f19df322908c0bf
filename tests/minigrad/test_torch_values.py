"""Values, gradients, second derivatives and dtypes against PyTorch's, recorded by `tests/oracle/make_ops.py`."""

import contextlib
import json

import numpy as np
import pytest

import minigrad as mg
from tests.oracle import make_ops
from tests.oracle.op_cases import CASES

RECORDED = np.load(make_ops.FOLDER / "ops.npz")
MODES = ("off", "force") if hasattr(mg, "kernels") else ("off",)

# Both compute the same sums of at most some 50 products in different orders, and functions within a few units in the
# last place: 100 roundings of the largest number.
ROUNDING = 100 * np.finfo(np.float64).eps


@pytest.mark.parametrize("name, mode", [(name, mode) for name in CASES for mode in MODES[: 1 + name.startswith("F.")]])
def test_values_and_gradients_are_those_of_pytorch(name, mode):
    with mg.kernels.mode(mode) if hasattr(mg, "kernels") else contextlib.nullcontext():
        ours = make_ops.answers(mg, *CASES[name])
    expected = RECORDED[name]
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=0, atol=ROUNDING * np.abs(expected).max(initial=1.0))


def test_nothing_recorded_is_left_out():
    assert set(RECORDED.files) == set(CASES)


def test_dtypes_of_results_are_those_of_pytorch():
    """Wherever PyTorch gives a result; it refuses some bools and numbers that NumPy computes with."""
    expected = json.loads((make_ops.FOLDER / "dtypes.json").read_text())
    ours = make_ops.dtypes(mg)
    assert set(ours) == set(expected)
    different = {key: (ours[key], dtype) for key, dtype in expected.items() if dtype not in (ours[key], "error")}
    assert different == {
        "pow bool True": ("int8", "bool"),
        "pow bool 0-d True": ("int8", "bool"),
    }  # bools are no powers


def test_the_recorded_answers_are_those_of_the_installed_pytorch():
    pytest.importorskip("torch")
    numbers, dtypes = make_ops.record()
    for name, again in numbers.items():
        bound = ROUNDING * np.abs(again).max(initial=1.0)
        np.testing.assert_allclose(again, RECORDED[name], rtol=0, atol=bound, err_msg=name)
    assert dtypes == json.loads((make_ops.FOLDER / "dtypes.json").read_text())
