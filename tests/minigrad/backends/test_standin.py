"""The stand-in for CuPy refuses what CuPy refuses, and what CuPy would do silently or leave undefined."""

import numpy as np
import pytest

from tests.standin import namespace
from tests.standin.syncs import ROOT, syncs

CUPY = namespace.modules()["cupy"]


def in_the_library(source):
    """The value of an expression, evaluated as if a file of the library had it."""
    names = {"np": np, "cupy": CUPY, "x": CUPY.arange(6.0).reshape(2, 3), "i": CUPY.array([0, 0]), "h": np.ones((2, 3))}
    names["t"] = CUPY.broadcast_to(CUPY.zeros(1), (3,))
    return eval(compile(source, f"{ROOT}/minigrad/probe.py", "eval"), names)  # noqa: S307 - of this file


@pytest.mark.parametrize(
    "source, error",
    [
        ("np.asarray(x)", TypeError), ("x + h", TypeError), ("h + x", TypeError), ("np.add(x, h)", TypeError),
        ("x + [1.0, 2.0, 3.0]", TypeError), ("np.where(x > 0, h, x)", TypeError), ("np.stack([x, h])", TypeError),
        ("x[[0, 1]]", TypeError), ("x[np.array([0])]", TypeError), ("x.__setitem__(0, h[0])", TypeError),
        ("cupy.array([1.0, 2.0])", TypeError), ("cupy.asarray(h)", TypeError),  # not from the backend's asarray
        ("x[i + 2]", IndexError), ("x.__setitem__(i, x)", IndexError), ("t.__setitem__(0, 1.0)", RuntimeError),
        ("np.max(x, initial=0.0)", TypeError), ("np.sum(x, where=x > 0)", TypeError), ("x.max(initial=0)", TypeError),
        ("np.take(x, i, mode='clip')", TypeError), ("np.vecdot(x, x)", TypeError), ("cupy.errstate", AttributeError),
        ("np.ones(2, like=x)", TypeError), ("np.eye(2, like=x)", TypeError), ("np.exp(x, where=x > 0)", TypeError),
        ("np.argsort(x, kind='quicksort')", ValueError), ("np.repeat(x, i)", ValueError),
        ("cupy.multiply.at(x, i, x)", TypeError), ("cupy.add.at(i.astype(np.int8), i, i)", TypeError),
        ("np.bitwise_and(x, x)", TypeError), ("x.flags.writeable", AttributeError),
        ("cupy.lib.nothing", AttributeError),
        ("{x[0, 0]}", TypeError),
    ],
)  # fmt: skip
def test_it_refuses(source, error):
    with pytest.raises(error):
        in_the_library(source)


@pytest.mark.parametrize(
    "source",
    ["float(x[0, 0])", "bool(x[0, 0] > 1)", "int(x[0, 0])", "x[0, 0].item()", "x.get()", "x.tolist()", "np.nonzero(x)",
     "x[x > 2]", "x.__setitem__(x > 2, 0.0)", "np.unique(x)", "np.bincount(i)", "'%s' % x"],
)  # fmt: skip
def test_it_counts_what_waits(source):
    syncs.clear()
    in_the_library(source)
    assert len(syncs) == 1 and "minigrad/probe.py" in syncs[0]


@pytest.mark.parametrize(
    "source", ["x.sum()", "x.max()", "np.sum(x)", "x[0, 0]", "x[0, 0] + 1.0", "np.linalg.det(x[:, :2])"]
)
def test_results_of_no_dimensions_stay_arrays(source):
    syncs.clear()
    assert type(in_the_library(source)) is CUPY.ndarray and syncs == []


def test_a_number_of_float64_on_the_device_widens_float32():
    assert in_the_library("(x.astype(np.float32) * x.sum()).dtype") == np.float64
    assert in_the_library("(x.astype(np.float32) * 2.0).dtype") == np.float32


def test_linear_algebra_does_not_look_whether_it_worked():
    assert in_the_library("np.linalg.inv(cupy.zeros((2, 2)))").shape == (2, 2)


def test_a_test_may_look_without_being_counted():
    syncs.clear()
    x = CUPY.arange(3)
    np.testing.assert_array_equal(np.asarray(x) + np.ones(3), [1.0, 2.0, 3.0])
    assert float(x[1]) == 1.0 and syncs == []


def test_views_share_memory_and_copies_do_not():
    x = CUPY.zeros((2, 3))
    for view in (x[0], x.T, x.reshape(6), x[:, ::2], x.view()):
        assert view.base is x
    empty = CUPY.zeros((0, 2))
    assert empty[:, 1:].base is empty and empty.T.base is empty and empty.copy().base is None
    for copy in (x + 1, x.copy(), x[CUPY.array([0])], x.T.reshape(6), x.astype(np.float32)):
        assert copy.base is None
