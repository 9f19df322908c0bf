"""At infinities, nan, signed zeros, ties, integers, bools and no elements: PyTorch's values, dtypes and gradients."""

import collections

import numpy as np
import pytest

import minigrad as mg
from tests.oracle import make_edges
from tests.oracle.edge_cases import CASES, OTHER_DTYPES, OTHER_GRADIENTS, UNARY

EXPECTED = collections.defaultdict(dict)
for _key, _part in np.load(make_edges.FILE).items():
    _name, _, _which = _key.rpartition("/")
    EXPECTED[_name][_which] = _part
ULPS = 8  # of libraries that both round to a few units in the last place, and gradients of several such steps
SIGNED_ZEROS = {*UNARY, "atan2", "fmod", "div trunc"}  # whose zeros have PyTorch's signs too


def undefined(out, shape):
    """Where an input of a shape, reduced wholly, along its last dimension or not at all, gave nan: that has no
    gradient."""
    nan = np.isnan(out)
    if shape and nan.shape == shape[:-1]:
        nan = nan[..., None]
    return np.broadcast_to(nan, shape) if nan.shape in ((), shape, (*shape[:-1], 1)) else np.zeros(shape, bool)


@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in OTHER_DTYPES])
def test_edges_are_those_of_pytorch(name):
    with np.errstate(all="ignore"):
        ours = make_edges.answers(mg, *CASES[name])
    assert set(ours) == set(EXPECTED[name]), "refused, or an output or a gradient is missing"
    for which, expected in EXPECTED[name].items():
        mine = ours[which]
        assert (mine.shape, mine.dtype) == (expected.shape, expected.dtype)
        if mine.dtype.kind != "f":
            np.testing.assert_array_equal(mine, expected)
            continue
        rounding = ULPS * np.finfo(mine.dtype).eps
        if which.startswith("gradient"):
            if name in OTHER_GRADIENTS:
                continue
            unclear = undefined(ours["out 0"], mine.shape)
            mine, expected = mine[~unclear], expected[~unclear]
        elif name.partition(" of ")[0] in SIGNED_ZEROS:
            np.testing.assert_array_equal(np.signbit(mine[mine == 0]), np.signbit(expected[mine == 0]))
        np.testing.assert_allclose(mine, expected, rtol=rounding, atol=rounding)


def test_the_recorded_edges_are_those_of_the_installed_pytorch():
    pytest.importorskip("torch")
    again = make_edges.record()
    recorded = np.load(make_edges.FILE)
    assert set(again) == set(recorded)
    for name, part in again.items():
        rounding = 4 * np.finfo(part.dtype).eps if part.dtype.kind == "f" else 0
        np.testing.assert_allclose(part, recorded[name], rtol=rounding, atol=rounding, err_msg=name)
