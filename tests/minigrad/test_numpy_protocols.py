"""NumPy's ufuncs and functions on tensors: the values are NumPy's, and the derivatives are right.

Each entry of the tables is called once on float64 arrays, by NumPy itself, and on tensors of them.
"""

import io

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import numpy_functions, ufuncs
from minigrad.testing import check_grads

beside_arrays = pytest.mark.host("NumPy's arrays stand beside tensors, or share their memory")
BESIDE_ARRAYS = {"where-1", "take_along_axis-0", "repeat-1", "concatenate-1"}  # of CASES
RNG = np.random.default_rng(0)


def spread(*shape):
    """Values that differ by more than the steps of the differences, of both signs, none a whole number."""
    size = int(np.prod(shape))
    return (RNG.permutation(size) - size / 2 + 0.3).reshape(shape) / 4


V, W = spread(5), spread(5)
X, Y = spread(3, 4), spread(3, 4)
S = spread(4, 4) + 4.0 * np.eye(4)
SPD = S @ S.T
B = RNG.uniform(0.2, 0.8, (3, 4))
ONE = 1.2 + B
WEIGHTS = np.array([1.0, 2.0, 0.5, 3.0])
MASK = np.array([[True, False, True, False]] * 3)

UNARY = {
    **dict.fromkeys(
        (np.negative, np.positive, np.conjugate, np.absolute, np.fabs, np.square, np.exp, np.exp2, np.expm1, np.sin,
         np.cos, np.arctan, np.sinh, np.cosh, np.tanh, np.arcsinh, np.deg2rad, np.radians, np.rad2deg, np.degrees,
         np.sign, np.floor, np.ceil, np.trunc, np.rint),
        X,
    ),
    **dict.fromkeys((np.tan, np.arcsin, np.arccos, np.arctanh, np.sqrt, np.log, np.log2, np.log10, np.log1p,
                     np.reciprocal), B),
    np.arccosh: ONE,
}  # fmt: skip
BINARY = {
    **dict.fromkeys((np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.arctan2, np.hypot,
                     np.logaddexp), (X, Y + 0.07)),
    **dict.fromkeys((np.floor_divide, np.remainder, np.fmod), (X * 4 + 0.1, ONE + 0.05)),
    np.power: (B, Y), np.matmul: (X, Y.T),
}  # fmt: skip
TRUTH = {
    **dict.fromkeys((np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal), (X, X.T.copy().T)),
    **dict.fromkeys((np.isnan, np.isinf, np.isfinite), (np.array([1.0, np.nan, np.inf, -np.inf]),)),
    **dict.fromkeys((np.logical_and, np.logical_or, np.logical_xor), (np.round(X), MASK)),
    np.logical_not: (np.round(X),),
    **dict.fromkeys((np.bitwise_and, np.bitwise_or, np.bitwise_xor), (MASK, ~MASK)), np.invert: (MASK,),
}  # fmt: skip


def test_every_ufunc_of_the_table_is_checked():
    assert UNARY.keys() | BINARY.keys() | TRUTH.keys() == ufuncs.UFUNCS.keys()


@pytest.mark.parametrize("ufunc", UNARY, ids=lambda f: f.__name__)
def test_ufuncs_of_one(ufunc):
    array = UNARY[ufunc]
    out = ufunc(mg.Tensor(array))
    assert type(out) is mg.Tensor
    np.testing.assert_allclose(out.data, ufunc(array), rtol=1e-15)
    check_grads(ufunc, array, order=2, probes=1)


@beside_arrays
@pytest.mark.parametrize("ufunc", BINARY, ids=lambda f: f.__name__)
def test_ufuncs_of_two(ufunc):
    x, y = BINARY[ufunc]
    expected = ufunc(x, y)
    for pair in ((mg.Tensor(x), mg.Tensor(y)), (mg.Tensor(x), y), (x, mg.Tensor(y))):
        out = ufunc(*pair)
        assert type(out) is mg.Tensor
        np.testing.assert_allclose(out.data, expected, rtol=1e-15, atol=1e-15)
    check_grads(ufunc, x, y, order=2, probes=1)
    check_grads(lambda t: ufunc(x, t), y, order=2, probes=1)
    check_grads(lambda t: ufunc(t, y), x, order=2, probes=1)


@pytest.mark.parametrize("ufunc", TRUTH, ids=lambda f: f.__name__)
def test_ufuncs_that_tell(ufunc):
    arrays = TRUTH[ufunc]
    out = ufunc(*map(mg.Tensor, arrays))
    assert type(out) is mg.Tensor and not out.requires_grad
    np.testing.assert_array_equal(out.data, ufunc(*arrays))


# ---------------------------------------------------------------------------------------------- methods of ufuncs


@pytest.mark.parametrize("ufunc", ufuncs.REDUCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "settings", [{}, {"axis": 1}, {"axis": -1, "keepdims": True}, {"axis": (0, 1)}, {"axis": None}], ids=str
)
def test_reductions(ufunc, settings):
    if ufunc is np.logaddexp and settings.get("axis") == (0, 1):
        settings = {"axis": None}  # NumPy's does not take two
    out = ufunc.reduce(mg.Tensor(X), **settings)
    np.testing.assert_allclose(out.data, ufunc.reduce(X, **settings), rtol=1e-13)
    if out.dtype != bool:
        check_grads(lambda t: ufunc.reduce(t, **settings), X, order=2, probes=1)


@pytest.mark.parametrize("ufunc", ufuncs.SCANS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("axis", [0, -1])
def test_accumulations(ufunc, axis):
    np.testing.assert_allclose(ufunc.accumulate(mg.Tensor(X), axis).data, ufunc.accumulate(X, axis), rtol=1e-13)
    check_grads(lambda t: ufunc.accumulate(t, axis=axis), X, order=2, probes=1)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.arctan2], ids=lambda f: f.__name__)
def test_outer(ufunc):
    np.testing.assert_allclose(ufunc.outer(mg.Tensor(V), X).data, ufunc.outer(V, X), rtol=1e-15)
    check_grads(ufunc.outer, V, Y + 0.07, order=2, probes=1)


REFUSED_UFUNCS = {
    "no counterpart": (lambda x: np.cbrt(x), "np.cbrt of a Tensor has no counterpart"),
    "how to leave": (lambda x: np.cbrt(x), r"x\.detach\(\)\.numpy\(\)"),
    "two results": (lambda x: np.modf(x), "np.modf"),
    "at": (lambda x: np.add.at(x, [0], 1.0), "np.add.at of a Tensor cannot be recorded"),
    "at, of an array": (lambda x: np.add.at(np.ones(2), [0], x), "np.add.at of a Tensor cannot"),
    "reduceat": (lambda x: np.add.reduceat(x, [0, 1]), "np.add.reduceat"),
    "a reduction": (lambda x: np.hypot.reduce(x), "np.hypot.reduce of a Tensor has no counterpart"),
    "initial": (lambda x: np.add.reduce(x, initial=3.0), "np.add.reduce of a Tensor takes no initial="),
    "an accumulation": (lambda x: np.hypot.accumulate(x), "np.hypot.accumulate"),
    "axes": (lambda x: np.matmul(x, x, axes=[(0,), (0,), ()]), "np.matmul of a Tensor takes no axes="),
    "where alone": (lambda x: np.exp(x, where=[True, False]), r"np\.where\(mask, np\.exp"),
    "no axis": (lambda x: np.add.reduce(x, axis=()), r"takes no axis=\(\)"),
    "a dtype": (lambda x: np.exp(x, dtype=np.int64), "np.exp gives float32 here"),
    "objects": (lambda x: np.add(x, np.array([None, None])), r"cannot hold"),
    "text": (lambda x: np.add(x, "a"), "cannot hold text"),
    "masked": (lambda x: np.add(x, np.ma.masked_array([1.0, 2.0], [True, False])), "Tensor"),
}


@pytest.mark.parametrize("name", REFUSED_UFUNCS)
def test_what_has_no_counterpart_is_refused_by_name(name):
    call, word = REFUSED_UFUNCS[name]
    with pytest.raises(TypeError, match=word):
        call(mg.tensor([1.0, 2.0], requires_grad=True))


# --------------------------------------------------------------------------------------- what ufuncs may be told


def test_dtype_is_that_of_the_computation():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    out = np.exp(x, dtype=np.float64)
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out.data, np.exp(np.array([1.0, 2.0])))
    out.sum().backward()
    assert x.grad.dtype == np.float32
    assert np.add.reduce(mg.tensor([1, 2]), dtype=np.float32).dtype == np.float32


@beside_arrays
def test_dtypes_follow_minigrad():
    assert np.exp(mg.tensor([1, 2])).dtype == np.float32
    assert np.add(mg.tensor([1, 2]), mg.tensor([0.5])).dtype == np.float32
    assert (np.array([1.0]) * mg.tensor([2.0])).dtype == np.float64
    assert (np.float64(3.0) * mg.tensor([2.0])).dtype == np.float32  # a number is weak
    assert np.add([1.0, 2.0], mg.tensor([1.0, 2.0])).dtype == np.float32


def test_order_and_casting_have_no_say():
    np.testing.assert_array_equal(np.add(mg.ones(2), 1.0, order="F", subok=False, casting="same_kind").data, [2, 2])


@beside_arrays
@pytest.mark.parametrize("as_array", [True, False])
def test_out_is_written_to(as_array):
    memory = np.zeros(3, np.float32)
    out = memory if as_array else mg.from_numpy(memory)
    assert np.multiply(mg.ones(3), 2.0, out=out) is out
    assert memory.tolist() == [2.0] * 3
    assert np.multiply(mg.ones(3), 5.0, out=out, where=[True, False, True]) is out
    assert memory.tolist() == [5.0, 2.0, 5.0]
    assert np.sum(mg.ones(2, 3), axis=0, out=out) is out and memory.tolist() == [2.0] * 3
    memory[...] = 1.0
    np.add.reduce(mg.ones(2, 3), axis=0, out=out)
    assert memory.tolist() == [2.0] * 3
    np.copyto(out, mg.tensor([1.0, 2.0, 3.0]), where=mg.tensor([True, False, True]))
    assert memory.tolist() == [1.0, 2.0, 3.0]


@beside_arrays
@pytest.mark.parametrize("out", [lambda: mg.zeros(2), lambda: np.zeros(2, np.float32)])
def test_out_is_refused_where_it_would_have_to_be_recorded(out):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    for call in (lambda: np.exp(x, out=out()), lambda: np.add(out(), x, out=out()), lambda: np.sum(x, 0, None, out()),
                 lambda: np.copyto(out(), x)):  # fmt: skip
        with pytest.raises(RuntimeError, match=r"out= cannot be recorded"):
            call()
    with mg.no_grad():
        assert np.exp(x, out=out()).tolist() == np.exp(np.array([1.0, 2.0], np.float32)).tolist()


def test_out_must_fit():
    with pytest.raises(ValueError, match=r"shape \(2,\), the array to hold it \(3,\)"):
        np.exp(mg.ones(2), out=np.zeros(3, np.float32))
    with pytest.raises(TypeError, match="float32 cannot be kept in an array of dtype int64"):
        np.exp(mg.ones(2), out=np.zeros(2, np.int64))
    with pytest.raises(TypeError, match="dtype float32 cannot be kept in a tensor of dtype int64"):
        np.exp(mg.ones(2), out=mg.zeros(2, dtype=mg.int64))


@beside_arrays
def test_what_is_written_through_out_is_noticed():
    w = mg.ones(2, requires_grad=True)
    memory = np.ones(2, np.float32)
    y = w * mg.from_numpy(memory)
    np.add(mg.ones(2), 1.0, out=memory)
    with pytest.raises(RuntimeError, match=r"changed in place by np\.add"):
        y.sum().backward()


@beside_arrays
def test_an_array_is_changed_in_place_by_a_tensor_that_needs_no_gradient():
    array = alias = np.ones(2, np.float32)
    array += mg.tensor([1.0, 2.0])
    assert array is alias and array.tolist() == [2.0, 3.0]
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    w.sum().backward()
    w.data -= 0.5 * w.grad  # what users of PyTorch write
    assert type(w.data) is np.ndarray and w.tolist() == [0.5, 1.5]
    with pytest.raises(RuntimeError, match="out= cannot be recorded"):
        array += w


@beside_arrays
def test_operators_between_arrays_and_tensors_record():
    x = mg.tensor([1.0, 2.0], dtype=mg.float64, requires_grad=True)
    a = np.array([3.0, 4.0])
    for out in (a + x, a - x, a * x, a / x, a**x, a @ x, a % x, np.float64(2.0) * x, x + a, x @ a):
        assert type(out) is mg.Tensor and out.requires_grad
    assert type(a < x) is mg.Tensor and (a < x).tolist() == [False, False]
    assert (a == x).tolist() == [False, False] and type(a == x) is mg.Tensor


# ------------------------------------------------------------------------------------------------------ functions

# From the function to calls: the arrays that become tensors, and the call on them.
CALLS = {
    np.sum: [([X], lambda x: np.sum(x)), ([X], lambda x: np.sum(x, axis=0, keepdims=True)),
             ([X], lambda x: np.sum(x, (0, 1))), ([X], lambda x: np.sum(a=x, axis=-1))],
    np.prod: [([X], lambda x: np.prod(x, axis=1)), ([X], lambda x: np.prod(x, axis=(0, 1), keepdims=True))],
    np.mean: [([X], lambda x: np.mean(x, 1)), ([X], lambda x: np.mean(x, dtype=np.float64))],
    np.nansum: [([X], lambda x: np.nansum(x, axis=0))],
    np.nanmean: [([X], lambda x: np.nanmean(x, axis=0, keepdims=True))],
    np.max: [([X], lambda x: np.max(x, axis=0)), ([X], lambda x: np.max(x))],
    np.min: [([X], lambda x: np.min(x, axis=(0, 1), keepdims=True))],
    np.amax: [([X], lambda x: np.amax(x, 1))], np.amin: [([X], lambda x: np.amin(x, axis=0))],
    np.around: [([X * 10], lambda x: np.around(x))],
    np.any: [([MASK], lambda x: np.any(x, axis=1))], np.all: [([MASK], lambda x: np.all(x, axis=0, keepdims=True))],
    np.argmax: [([X], lambda x: np.argmax(x)), ([X], lambda x: np.argmax(x, axis=1, keepdims=True))],
    np.argmin: [([X], lambda x: np.argmin(x, 0))],
    np.var: [([X], lambda x: np.var(x)), ([X], lambda x: np.var(x, axis=1, ddof=1, keepdims=True))],
    np.std: [([X], lambda x: np.std(x, 0)), ([X], lambda x: np.std(x, ddof=2))],
    np.ptp: [([X], lambda x: np.ptp(x, axis=0)), ([X], lambda x: np.ptp(x, keepdims=True)),
             ([X], lambda x: np.ptp(x, 1, keepdims=True))],
    np.median: [([X], lambda x: np.median(x)), ([X], lambda x: np.median(x, axis=0, keepdims=True)),
                ([X], lambda x: np.median(x, axis=1)), ([X[None]], lambda x: np.median(x, axis=(0, 2)))],
    np.average: [([X], lambda x: np.average(x, axis=0)), ([X, ONE], lambda x, w: np.average(x, 1, w)),
                 ([X, WEIGHTS], lambda x, w: np.average(x, axis=1, weights=w)),
                 ([X, ONE], lambda x, w: np.average(x, weights=w)),
                 ([X, ONE], lambda x, w: np.average(x, 1, w, keepdims=True))],
    np.count_nonzero: [([np.round(X)], lambda x: np.count_nonzero(x, axis=0))],
    np.cumsum: [([X], lambda x: np.cumsum(x)), ([X], lambda x: np.cumsum(x, axis=0, dtype=np.float64))],
    np.cumprod: [([X], lambda x: np.cumprod(x)), ([X], lambda x: np.cumprod(x, 1))],
    np.diff: [([X], lambda x: np.diff(x)), ([X, Y], lambda x, y: np.diff(x, 2, axis=0, prepend=y))],
    np.sort: [([X], lambda x: np.sort(x)), ([X], lambda x: np.sort(x, axis=0, kind="stable")),
              ([X], lambda x: np.sort(x, axis=None)), ([X], lambda x: np.sort(x, 0, None, None, stable=True))],
    np.argsort: [([X], lambda x: np.argsort(x)), ([X], lambda x: np.argsort(x, axis=None)),
                 ([np.round(X)], lambda x: np.argsort(x, 0, "stable")),
                 ([np.round(X)], lambda x: np.argsort(x, stable=True))],
    np.unique: [([np.round(X)], lambda x: np.unique(x)),
                ([np.round(V)], lambda x: np.unique(x, return_inverse=True, return_counts=True))],
    np.searchsorted: [([np.sort(V), W], lambda x, y: np.searchsorted(x, y, side="right")),
                      ([V, W], lambda x, y: np.searchsorted(x, y, sorter=np.argsort(V)))],
    np.isin: [([np.round(X), np.round(V)], lambda x, y: np.isin(x, y, invert=True)),
              ([np.round(9 * np.sin(np.arange(90.0))), np.round(9 * np.cos(np.arange(40.0)))], np.isin)],
    np.bincount: [([np.array([0, 2, 2])], lambda x: np.bincount(x, minlength=4))],
    np.where: [([MASK, X, Y], lambda c, x, y: np.where(c, x, y)), ([X], lambda x: np.where(MASK, x, 0.0)),
               ([MASK], lambda c: np.where(c)), ([np.round(X), X], lambda c, x: np.where(c, x, 1.0))],
    np.clip: [([X], lambda x: np.clip(x, -0.9, 0.9)), ([X, Y], lambda x, y: np.clip(x, y - 0.4, None)),
              ([X], lambda x: np.clip(x, a_max=0.1, a_min=None)),
              ([X], lambda x: np.clip(x, a_min=-0.3, a_max=None)),
              ([X], lambda x: np.clip(x, min=-0.3)), ([X], lambda x: np.clip(x, max=0.1))],
    np.nonzero: [([np.round(X)], lambda x: np.nonzero(x))],
    np.flatnonzero: [([np.round(X)], lambda x: np.flatnonzero(x))],
    np.argwhere: [([np.round(X)], lambda x: np.argwhere(x))],
    np.nan_to_num: [([X], lambda x: np.nan_to_num(x, nan=3.0)),
                    ([np.array([np.nan, np.inf, -np.inf])], lambda x: np.nan_to_num(x, nan=1.0, posinf=2.0)),
                    ([np.array([np.nan, np.inf, -np.inf])], lambda x: np.nan_to_num(x, True, 1.0, 2.0, 3.0)),
                    ([np.array([np.nan, np.inf, -np.inf])], lambda x: np.nan_to_num(x, neginf=-4.0))],
    np.isclose: [([X, X + 1e-9], lambda x, y: np.isclose(x, y)), ([X], lambda x: np.isclose(x, 0.25, atol=0.1))],
    np.allclose: [([X, X + 1e-9], lambda x, y: np.allclose(x, y)), ([X], lambda x: np.allclose(x, 1))],
    np.array_equal: [([X, X.copy()], lambda x, y: np.array_equal(x, y)), ([X, V], lambda x, y: np.array_equal(x, y))],
    np.take: [([X], lambda x: np.take(x, [0, 3, 3], axis=1)), ([X], lambda x: np.take(x, np.array([[0, -1]])))],
    np.take_along_axis: [([X], lambda x: np.take_along_axis(x, np.array([[0, 3], [1, 1], [2, 0]]), axis=1))],
    np.round: [([X * 10], lambda x: np.round(x)), ([X], lambda x: np.round(x, decimals=1))],
    np.reshape: [([X], lambda x: np.reshape(x, (2, -1))), ([X], lambda x: np.reshape(x, -1))],
    np.ravel: [([X], lambda x: np.ravel(x))],
    np.transpose: [([X], lambda x: np.transpose(x)), ([X[None]], lambda x: np.transpose(x, (2, 0, 1)))],
    np.swapaxes: [([X[None]], lambda x: np.swapaxes(x, 0, 2))],
    np.moveaxis: [([X[None]], lambda x: np.moveaxis(x, 0, -1))],
    np.squeeze: [([X[None]], lambda x: np.squeeze(x)), ([X[None]], lambda x: np.squeeze(x, axis=0))],
    np.expand_dims: [([X], lambda x: np.expand_dims(x, 1)), ([X], lambda x: np.expand_dims(x, (0, -1)))],
    np.broadcast_to: [([V], lambda x: np.broadcast_to(x, (2, 5)))],
    np.broadcast_arrays: [([V, V[:, None]], lambda x, y: tuple(np.broadcast_arrays(x, y)))],
    np.atleast_1d: [([V], lambda x: np.atleast_1d(x))], np.atleast_2d: [([V], lambda x: np.atleast_2d(x))],
    np.atleast_3d: [([V], lambda x: np.atleast_3d(x)), ([X], lambda x: np.atleast_3d(x))],
    np.copy: [([X], lambda x: np.copy(x)),
              ([X], lambda x: np.copy(x, order="F", subok=True))],
    np.shape: [([X], lambda x: np.shape(x))],
    np.ndim: [([X], lambda x: np.ndim(x))], np.size: [([X], lambda x: np.size(x)), ([X], lambda x: np.size(x, 1))],
    np.flip: [([X], lambda x: np.flip(x)), ([X], lambda x: np.flip(x, axis=0))],
    np.fliplr: [([X], lambda x: np.fliplr(x))], np.flipud: [([X], lambda x: np.flipud(x))],
    np.roll: [([X], lambda x: np.roll(x, 2)), ([X], lambda x: np.roll(x, 1, axis=(0, 1)))],
    np.rot90: [([X], lambda x: np.rot90(x)), ([X], lambda x: np.rot90(x, k=3, axes=(1, 0)))],
    np.tile: [([V], lambda x: np.tile(x, 2)), ([X], lambda x: np.tile(x, (2, 1, 3)))],
    np.repeat: [([X], lambda x: np.repeat(x, 2)), ([X], lambda x: np.repeat(x, np.array([1, 0, 2]), axis=0))],
    np.concatenate: [([X, Y], lambda x, y: np.concatenate([x, y])), ([X], lambda x: np.concatenate((x, Y), axis=1)),
                     ([X, V], lambda x, y: np.concatenate([x, y], axis=None))],
    np.stack: [([X, Y], lambda x, y: np.stack([x, y], axis=1))],
    np.vstack: [([X, Y], lambda x, y: np.vstack((x, y)))], np.hstack: [([X, Y], lambda x, y: np.hstack([x, y]))],
    np.dstack: [([X, Y], lambda x, y: np.dstack([x, y]))],
    np.column_stack: [([V, W], lambda x, y: np.column_stack([x, y]))],
    np.append: [([X, V], lambda x, y: np.append(x, y)), ([X, Y], lambda x, y: np.append(x, y, axis=0))],
    np.split: [([X], lambda x: tuple(np.split(x, 2, axis=1))), ([V], lambda x: tuple(np.split(x, [1, 3])))],
    np.array_split: [([V], lambda x: tuple(np.array_split(x, 3)))],
    np.hsplit: [([X], lambda x: tuple(np.hsplit(x, 2)))], np.vsplit: [([X], lambda x: tuple(np.vsplit(x, 3)))],
    np.dsplit: [([X[None]], lambda x: tuple(np.dsplit(x, 2)))],
    np.meshgrid: [([V, W], lambda x, y: tuple(np.meshgrid(x, y))),
                  ([V, W], lambda x, y: tuple(np.meshgrid(x, y, indexing="ij")))],
    np.diag: [([V], lambda x: np.diag(x, k=1)), ([X], lambda x: np.diag(x))],
    np.tril: [([X], lambda x: np.tril(x, -1))], np.triu: [([X], lambda x: np.triu(x, k=1))],
    np.diagonal: [([X], lambda x: np.diagonal(x, 1)), ([X[None]], lambda x: np.diagonal(x, axis1=1, axis2=2))],
    np.trace: [([X], lambda x: np.trace(x)), ([X[None]], lambda x: np.trace(x, 1, 1, 2))],
    np.dot: [([V, W], lambda x, y: np.dot(x, y)), ([X, Y.T], lambda x, y: np.dot(x, y)),
             ([X, S[None]], lambda x, y: np.dot(x, y)), ([X], lambda x: np.dot(x, 3.0))],
    np.inner: [([X, Y], lambda x, y: np.inner(x, y))], np.vdot: [([X, Y], lambda x, y: np.vdot(x, y))],
    np.outer: [([X, V], lambda x, y: np.outer(x, y))],
    np.einsum: [([X, Y], lambda x, y: np.einsum("ij,kj->ik", x, y, optimize=True)),
                ([S], lambda x: np.einsum("ii", x))],
    np.tensordot: [([X, Y], lambda x, y: np.tensordot(x, y)), ([X, Y], lambda x, y: np.tensordot(x, y, (1, 1))),
                   ([X, S], lambda x, y: np.tensordot(x, y, axes=([1], [0])))],
    np.kron: [([X, V[None]], lambda x, y: np.kron(x, y))],
    np.cross: [([X[:, :3], Y[:, :3]], lambda x, y: np.cross(x, y)), ([X, Y], lambda x, y: np.cross(x, y, axis=0))],
    np.linalg.inv: [([S], lambda x: np.linalg.inv(x))], np.linalg.det: [([S], lambda x: np.linalg.det(x))],
    np.linalg.slogdet: [([S], lambda x: tuple(np.linalg.slogdet(x)))],
    np.linalg.norm: [([V], lambda x: np.linalg.norm(x)), ([X], lambda x: np.linalg.norm(x, axis=1, keepdims=True)),
                     ([X], lambda x: np.linalg.norm(x, 1)), ([X], lambda x: np.linalg.norm(x, ord=3, axis=0))],
    np.linalg.cholesky: [([SPD], lambda x: np.linalg.cholesky(x @ np.swapaxes(x, 0, 1)))],
    np.linalg.solve: [([S, V[:4]], lambda a, b: np.linalg.solve(a, b)),
                      ([S, S + 1.0], lambda a, b: np.linalg.solve(a, b)),
                      ([S[:1, :1], V[:1]], lambda a, b: np.linalg.solve(a, b))],
    np.linalg.matrix_power: [([S], lambda x: np.linalg.matrix_power(x, 3))],
    np.linalg.multi_dot: [([X, S, V[:4]], lambda x, y, z: np.linalg.multi_dot([x, y, z]))],
    np.zeros_like: [([X], lambda x: np.zeros_like(x, dtype=np.float32))],
    np.ones_like: [([X], lambda x: np.ones_like(x))],
    np.full_like: [([X], lambda x: np.full_like(x, 3.0))], np.empty_like: [([X], lambda x: np.empty_like(x) * 0.0)],
    np.real: [([X], lambda x: np.real(x))], np.iscomplexobj: [([X], lambda x: np.iscomplexobj(x))],
    np.isrealobj: [([X], lambda x: np.isrealobj(x))],
    np.array2string: [([V], lambda x: np.array2string(x))], np.array_repr: [([V], lambda x: np.array_repr(x))],
    np.array_str: [([V], lambda x: np.array_str(x))],
    np.shares_memory: [([X, X], lambda x, y: np.shares_memory(x, y)), ([X, Y], lambda x, y: np.shares_memory(x, y))],
    np.may_share_memory: [([X, Y], lambda x, y: np.may_share_memory(x, y))],
}  # fmt: skip
ELSEWHERE = {np.save, np.savez, np.savez_compressed, np.savetxt, np.copyto}  # in tests of their own
CASES = {f"{function.__name__}-{n}": case for function, cases in CALLS.items() for n, case in enumerate(cases)}


def test_every_function_of_the_table_is_checked():
    assert CALLS.keys() | ELSEWHERE == numpy_functions.DIRECT.keys() | numpy_functions.ADAPTED.keys()
    assert not CALLS.keys() & ELSEWHERE and not numpy_functions.DIRECT.keys() & numpy_functions.ADAPTED.keys()


@pytest.mark.parametrize("name", CASES)
def test_values_are_numpys(name):
    arrays, call = CASES[name]
    out, expected = call(*map(mg.Tensor, arrays)), call(*arrays)
    assert isinstance(out, tuple) == isinstance(expected, tuple)
    for ours, theirs in zip(*((x if isinstance(x, tuple) else (x,)) for x in (out, expected)), strict=True):
        if isinstance(theirs, (str, bool, int)):
            assert ours == theirs and type(ours) is type(theirs)
            continue
        assert type(ours) is mg.Tensor and ours.shape == theirs.shape and ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours.data, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=beside_arrays if name in BESIDE_ARRAYS else ()) for name, (arrays, call) in CASES.items()
    if all(array.dtype == np.float64 and np.isfinite(array).all() and (array % 1).any() for array in arrays)
    and isinstance(call(*map(mg.Tensor, arrays)), (mg.Tensor, tuple))
    and getattr(call(*map(mg.Tensor, arrays)), "dtype", np.dtype(float)).kind == "f"
    and not name.startswith(("shape", "round-1"))
])  # fmt: skip
def test_derivatives_of_functions(name):
    arrays, call = CASES[name]
    check_grads(call, *arrays, order=2, probes=1)


REFUSED = {
    "no counterpart": (lambda x: np.fft.fft(x), r"np\.fft\.fft of a Tensor has no counterpart"),
    "how to leave": (lambda x: np.quantile(x, 0.5), r"np.quantile of a Tensor.*x\.detach\(\)\.numpy\(\)"),
    "of linalg": (lambda x: np.linalg.svd(x), r"np\.linalg\.svd of a Tensor"),
    "an argument": (lambda x: np.sum(x, where=[True, False]), "np.sum of a Tensor takes no where="),
    "an adapted argument": (lambda x: np.var(x, where=[True, False]), "np.var of a Tensor .* 'where'"),
    "an order": (lambda x: np.reshape(x, (2, 1), order="F"), "np.reshape of a Tensor .* 'order'"),
    "no axis": (lambda x: np.sum(x, axis=()), r"np.sum of a Tensor takes no axis=\(\)"),
    "lists of letters": (lambda x: np.einsum(x, [0], x, [0], []), "np.einsum of a Tensor takes its letters in one"),
    "masked": (lambda x: np.concatenate([x, np.ma.masked_array([1.0], [True])]), "concatenate"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_functions_without_a_counterpart_are_refused_by_name(name):
    call, word = REFUSED[name]
    with pytest.raises(TypeError, match=word):
        call(mg.tensor([1.0, 2.0], requires_grad=True))


def test_median_of_a_nan_is_nan():
    assert np.isnan(np.median(mg.tensor([1.0, float("nan"), 2.0])).item())


def test_arrays_are_not_split_unevenly():
    with pytest.raises(ValueError, match="5 elements along axis 0 do not divide into 2 parts"):
        np.split(mg.Tensor(V), 2)


@beside_arrays
def test_functions_that_write_values_take_tensors_outside_of_a_graph(tmp_path):
    for save, name in ((np.save, "a.npy"), (np.savetxt, "a.txt")):
        save(tmp_path / name, mg.tensor([1.0, 2.0]))
        with pytest.raises(RuntimeError, match=r"detach\(\)"):
            save(tmp_path / name, mg.ones(2, requires_grad=True))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", allow_pickle=False), np.array([1, 2], np.float32))
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "a.txt"), [1.0, 2.0])
    for save in (np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, a=mg.tensor([3.0]))
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            assert arrays["a"].tolist() == [3.0]


@beside_arrays
def test_gradients_flow_through_a_program_in_numpy():
    """Nothing in it knows of tensors."""

    def loss(w, x):
        hidden = np.tanh(np.dot(x, w) - np.mean(x, axis=1, keepdims=True))
        scores = np.concatenate([hidden, np.ones((len(x), 1))], axis=1)
        return np.sum(np.square(scores)) / len(x) + np.linalg.norm(w)

    check_grads(lambda w: loss(w, X), S, order=2, probes=1)
    np.testing.assert_allclose(loss(mg.Tensor(S), X).item(), loss(S, X), rtol=1e-14)


# --------------------------------------------------------------------------------------------------- __array__


@beside_arrays
def test_an_array_of_a_tensor_shares_its_memory():
    x = mg.tensor([1.0, 2.0])
    assert np.asarray(x) is x.data or np.shares_memory(np.asarray(x), x.data)
    assert np.shares_memory(np.asarray(x, copy=False), x.data)
    assert not np.shares_memory(np.array(x), x.data) and not np.shares_memory(np.asarray(x, copy=True), x.data)
    assert np.asarray(x, dtype=np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, dtype=np.float64, copy=False)


@beside_arrays
@pytest.mark.parametrize("convert", [np.asarray, np.array, lambda x: np.array([x, x]), lambda x: x.numpy()])
def test_no_array_is_made_of_a_tensor_that_requires_grad(convert):
    for x in (mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True) * 2):
        with pytest.raises(RuntimeError, match=r"\.detach\(\)"):
            convert(x)
    x = mg.ones(2, requires_grad=True)
    assert np.shares_memory(x.numpy(force=True), x.data)


@beside_arrays
def test_an_array_of_tensors_is_one_of_numbers():
    two = np.array([mg.tensor(1.0), mg.tensor(2.0)])
    assert two.dtype == np.float32 and two.tolist() == [1.0, 2.0]
    assert np.array([mg.ones(2), mg.zeros(2)]).tolist() == [[1.0, 1.0], [0.0, 0.0]]


def test_a_product_of_lists_goes_into_the_tensor_given_for_it():
    out = mg.tensor(0.0)
    assert np.dot([1.0, 2.0], [3.0, 4.0], out=out) is out and out.item() == 11.0


@pytest.mark.parametrize("call", [
    lambda x: np.average(x, axis=0, weights=[1.0, 2.0, 0.1]), lambda x: np.isin(x, [0.1, 2.0]),
    lambda x: np.append(x, [0.1, 2.0]), lambda x: np.append([0.1, 2.0], x), lambda x: np.append(x, 0.1),
    lambda x: np.array_equal(x, [[0.1, 2.0]] * 3), lambda x: np.allclose(x, [[0.1, 2.0]] * 3),
    lambda x: np.repeat(x, [1, 0, 2], axis=0), lambda x: np.dot(x, [0.1, 2.0]), lambda x: np.outer([0.1, 2.0], x),
    lambda x: np.inner(x, [0.1, 2.0]), lambda x: np.kron(x, [0.1, 2.0]), lambda x: np.searchsorted([0.1, 2.0], x),
    lambda x: np.searchsorted(x[0], [0.1, 2.0]),
    lambda x: np.array_equal([[0.1, 2.0]] * 3, x), lambda x: np.allclose([[0.1, 2.0]] * 3, x),
    lambda x: np.isin([0.1, 5.0], x), lambda x: np.dot([0.1, 2.0], x.T), lambda x: np.kron([0.1, 2.0], x),
    lambda x: np.bincount((x[0] > 1) * 1, weights=[0.1, 2.0]),
    lambda x: np.linalg.solve([[0.1, 2.0], [2.0, 1.0]], x[0]),
    lambda x: np.searchsorted(x[0], [[0.1, 5.0]]),
    lambda x: np.diff(x, prepend=0.1), lambda x: np.diff(x, axis=0, append=0.1),
])  # fmt: skip
def test_lists_and_numbers_stand_for_arrays_where_numpy_takes_them(call):
    array = np.array([[0.1, 2.0]] * 3)
    x = mg.tensor(array)
    default = mg.get_default_device()
    mg.set_default_device("cpu")  # lists go to where the tensor is, and not to where new tensors are made
    try:
        result = call(x)
    finally:
        mg.set_default_device(default)
    np.testing.assert_array_equal(result.cpu() if isinstance(result, mg.Tensor) else result, call(array))


@pytest.mark.host("an array in host memory is no mask on a device")
@pytest.mark.parametrize("where", [True, False, [True, False, True], [[True], [False]], np.array([[False], [True]])])
@pytest.mark.parametrize("source", [7.0, [7.0, 8.0, 9.0], np.array([[7.0], [8.0]])])
@pytest.mark.parametrize("as_array", [False, True])
def test_copyto_writes_where_it_is_told_to(as_array, source, where):
    expected, values = np.zeros((2, 3)), np.array(source)
    np.copyto(expected, values, where=where)
    target = np.zeros((2, 3)) if as_array else mg.zeros(2, 3, dtype=mg.float64)
    for given in (mg.tensor(values),) if as_array else (mg.tensor(values), values, source):
        assert np.copyto(target, given, where=where) is None
        np.testing.assert_array_equal(target if as_array else target.data, expected)


def test_what_is_refused_is_named_as_it_was_called():
    with pytest.raises(TypeError, match=r"^np.std of a Tensor takes no axis=\(\)"):
        np.std(mg.ones(2), axis=())


@pytest.mark.parametrize("other", [1.0, np.float64(1), np.float32(1), [1.0, 1.0]])
def test_closeness_to_what_is_no_tensor(other):
    assert np.allclose(mg.ones(2), other) and np.allclose(other, mg.ones(2))
    assert np.isclose(other, mg.tensor([1.0, 2.0])).tolist() == [True, False]


@pytest.mark.parametrize(
    "shift, axis",
    [([1, 2], 1), ((1, 2), (1,)), (np.int64(1), 0), (1, (0, 1)), ([1, 2], None), (np.array([1, 2]), (0, 1)), ((), ())],
)
def test_roll_takes_shifts_and_axes_as_numpy_does(shift, axis):
    array = np.arange(6.0).reshape(2, 3)
    x = mg.tensor(array, requires_grad=True)
    rolled = np.roll(x, shift, axis)
    np.testing.assert_array_equal(rolled.detach().numpy(), np.roll(array, shift, axis))
    (rolled * rolled.detach()).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), array)


def test_the_power_of_0_is_the_identity_whatever_the_matrix_holds():
    x = mg.tensor([[np.inf, 0.0], [np.nan, 1.0]], requires_grad=True)
    power = mg.linalg.matrix_power(x, 0)
    assert power.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    power.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]
