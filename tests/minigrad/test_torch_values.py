"""Values, gradients, second derivatives and dtypes against PyTorch's, recorded by `tests/oracle/make_ops.py`."""

import contextlib
import json

import numpy as np
import pytest

import minigrad as mg
from tests.oracle import make_ops
from tests.oracle.calls import FAMILIES

RECORDED = {family: np.load(make_ops.recorded(family)) for family in FAMILIES}
CALLS = [(family, name) for family, calls in FAMILIES.items() for name in calls]
MODES = ("off", "force") if hasattr(mg, "kernels") else ("off",)

# Both compute the same sums of at most some 50 products in different orders, and functions within a few units in the
# last place: 100 roundings of the largest number.
ROUNDING = 100 * np.finfo(np.float64).eps


# On a GPU, which of several values written to one place stays is not defined.
WRITTEN_TWICE = ("x[[-1, 0, 1]] = tensor", "x[slice(None, None, None), [[2, 0], [0, 1]]] = tensor")


def case(family, name, mode):
    host = [pytest.mark.host("of several values written to one place, the last stays")] if name in WRITTEN_TWICE else []
    return pytest.param(family, name, mode, marks=host)


@pytest.mark.parametrize(
    "family, name, mode",
    [case(family, name, mode) for family, name in CALLS for mode in MODES[: 1 + name.startswith("F.")]],
)
def test_values_and_gradients_are_those_of_pytorch(family, name, mode):
    with mg.kernels.mode(mode) if hasattr(mg, "kernels") else contextlib.nullcontext():
        ours = make_ops.answers(mg, *FAMILIES[family][name])
    expected = RECORDED[family][name]
    assert ours.shape == expected.shape
    np.testing.assert_allclose(ours, expected, rtol=0, atol=ROUNDING * np.abs(expected).max(initial=1.0))


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_recorded_is_left_out(family):
    assert set(RECORDED[family].files) == set(FAMILIES[family])


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


@pytest.mark.parametrize("family", FAMILIES)
def test_the_recorded_answers_are_those_of_the_installed_pytorch(family):
    pytest.importorskip("torch")
    for name, again in make_ops.record(family).items():
        bound = ROUNDING * np.abs(again).max(initial=1.0)
        np.testing.assert_allclose(again, RECORDED[family][name], rtol=0, atol=bound, err_msg=name)


def test_the_recorded_dtypes_are_those_of_the_installed_pytorch():
    torch = pytest.importorskip("torch")
    assert make_ops.dtypes(torch) == json.loads((make_ops.FOLDER / "dtypes.json").read_text())
