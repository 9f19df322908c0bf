"""NumPy's functions on tensors over a grid of their arguments: NumPy's own answers on arrays, and its refusals.

The machinery is that of `tests/oracle/grid.py`, with NumPy as both libraries: what it makes of arrays,
          and of tensors.
"""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import numpy_functions, ufuncs
from tests.oracle.grid import OMIT, REFUSALS, Dtype, Sheet, calls_of, outcome
from tests.oracle.grid_cases import pairs, ts

ANY = ts("f64:2,3 f64:3 f64: f64:2,3,2 i64:2,3 b:2,3 f64:1,3 f64:0,3 f64:4")
AXIS = [OMIT, 0, 1, -1, -2, 2, -3, 3]
AXES = [*AXIS, None, (0, 1), (-1,), (0, 0), (0, 2)]
FLAG = [OMIT, True, False]
INDEX = [[0, 1], [1, 1, 0], 0, -1, [[0], [1]], 5]
UNARY = " ".join(f.__name__ for f in ufuncs.UFUNCS if f.nin == 1)
BINARY = " ".join(f.__name__ for f in ufuncs.UFUNCS if f.nin == 2)
BOTH = pairs(
    "f64:2,3|f64:2,3 f64:2,3|f64:3 f64:3|f64:3 f64:2,3|f64: f64:|f64:3 f64:2,3|f64:3,2 f64:2,3|f64:4 f64:2,2|f64:2,2 "
    "i64:3|+i64:3 b:3|b:3 f64:0,3|f64:3 f64:4,2,3|f64:4,3,2 f64:2,3|f64:1,3 f64:3,3|f64:3,3 f64:|f64:"
)

SHEETS = [
    Sheet(UNARY, {"x": ANY}),
    Sheet(BINARY, {"x, y": [*BOTH, *((x, n) for x in ts("f64:2,3 i64:3") for n in (2, 1))]}),
    Sheet("sum prod mean nansum nanmean max min amax amin any all ptp median count_nonzero", {"a": ANY,
          "axis": AXES}),
    Sheet("sum prod mean max min any all ptp median", {"a": ANY, "axis": AXES}, {"keepdims": FLAG}),
    Sheet("argmax argmin", {"a": ANY, "axis": [*AXIS, None]}, {"keepdims": FLAG}),
    Sheet("var std", {"a": ANY, "axis": AXES}, {"ddof": [0, OMIT, 1], "keepdims": FLAG}),
    Sheet("average", {"a": ANY, "axis": AXIS, "weights": [OMIT, None, *ts("+f64:2,3 +f64:3 +f64:2 +f64:4")]},
          {"keepdims": FLAG}),
    Sheet("cumsum cumprod", {"a": ANY, "axis": [*AXIS, None], "dtype": [OMIT, None, Dtype("float64")]}),
    Sheet("diff", {"a": ANY, "n": [OMIT, 1, 2, 0, 5, -1], "axis": AXIS,
                   "prepend": [OMIT, 1.0, *ts("f64:2,1 f64:1,3 f64:2")], "append": [OMIT, 2.0,
          *ts("f64:2,1 f64:1,3")]}),
    Sheet("sort", {"a": ANY, "axis": [*AXIS, None], "kind": [OMIT, None, "stable"]}),
    Sheet("argsort", {"a": ANY, "axis": [*AXIS, None]}, {"kind": ["stable"]}),
    Sheet("unique", {"ar": ANY}, {"return_inverse": FLAG, "return_counts": FLAG, "axis": [OMIT, None, 0, 1, 3]}),
    Sheet("unique", {"ar": ANY, "return_index": [False], "return_inverse": FLAG, "return_counts": FLAG}),
    Sheet("searchsorted", {"a, v": pairs("9:1|9:3 9:1|9:2,2 9:1|f64: 9:2,2|9:2"), "side": [OMIT, "left", "right",
          "up"],
                           "sorter": [OMIT, *ts("1:1")]}),
    Sheet("isin", {"element, test_elements": BOTH, "assume_unique": [OMIT, False], "invert": FLAG}),
    Sheet("bincount", {"x": ts("3:4 3:0 f64:3 3:2,2"), "weights": [OMIT, *ts("f64:4 f64:3")], "minlength": [OMIT, 0,
          5]}),
    Sheet("where", {"condition": ts("b:2,3 b:3 i64:2,3 f64:2,3 b:"), "x, y": BOTH[:6]}),
    Sheet("where nonzero flatnonzero argwhere fliplr flipud ravel transpose squeeze atleast_1d atleast_2d atleast_3d "
          "copy shape ndim size flip zeros_like ones_like real iscomplexobj isrealobj rot90 diag tril triu trace "
          "diagonal linalg.det linalg.slogdet linalg.norm", {"a": ANY + ts("f64:2,2 f64:3,1")}),
    Sheet("clip", {"a": ANY, "min, max": [(-0.5, 0.5), (None, 1.0), (-1.0, None), (None, None),
          *pairs("f64:3|+f64:3")]}),
    Sheet("nan_to_num", {"x": ANY, "copy": [OMIT, True], "nan": [OMIT, 1.0], "posinf": [OMIT, 2.0]}),
    Sheet("isclose allclose", {"a, b": BOTH, "rtol": [OMIT, 0.5], "atol": [OMIT, 1.0], "equal_nan": FLAG}),
    Sheet("array_equal", {"a1, a2": BOTH + pairs("f64:2,3|f64:2,3")}),
    Sheet("take", {"a": ANY, "indices": INDEX, "axis": [0, None, *AXIS]}, unnamed=2),
    Sheet("take_along_axis", {"arr": ts("f64:2,3 f64:3 i64:2,3"), "indices": ts("2:2,3 2:2,1 2:1,3 2:2 f64:2,3"),
          "axis": [1, 0, -1, 2]}),
    Sheet("round around", {"a": ANY, "decimals": [OMIT, 1, -1, 0]}),
    Sheet("reshape broadcast_to", {"a": ANY, "shape": [(3, 2), (6,), -1, 6, (2, 2, 3), (-1, 2), (-1, -1), ()]},
          unnamed=2),
    Sheet("transpose", {"a": ANY, "axes": [OMIT, None, (1, 0), (0, 1), (2, 0, 1), (0, 0), (-1, 0)]}),
    Sheet("swapaxes", {"a": ANY, "axis1": [0, 1, -1, 2], "axis2": [1, 0, -1, 3]}),
    Sheet("moveaxis", {"a": ANY, "source": [0, 1, -1, (0, 1)], "destination": [1, 0, -1, (1, 0), 3]}),
    Sheet("squeeze", {"a": ts("f64:1,3 f64:1,1 f64:2,1,3 f64:2,3"), "axis": [OMIT, 0, -1, 1, (0, 1)]}),
    Sheet("expand_dims", {"a": ANY, "axis": [0, 1, -1, (0, 1), (0, -1), 5, (0, 0)]}),
    Sheet("broadcast_arrays", {"a, b": BOTH}),
    Sheet("flip", {"m": ANY, "axis": AXES}),
    Sheet("roll", {"a": ANY, "shift": [1, -1, 2, (1, 2), 0], "axis": [OMIT, None, 0, 1, -1, (0, 1), (1, 1), 3]}),
    Sheet("rot90", {"m": ANY, "k": [OMIT, 1, 2, 3, 0, -1], "axes": [OMIT, (1, 0), (0, 1), (0, 0), (0, 2)]}),
    Sheet("tile", {"A": ANY, "reps": [2, (2, 1), (1, 2, 3), 0, [2], ()]}, unnamed=2),
    Sheet("repeat", {"a": ANY, "repeats": [2, 0, 1, [1, 2], [1, 0, 2], [2]], "axis": [0, OMIT, None, 1, -1, 2]}),
    Sheet("concatenate stack", {"arrays": [ts("f64:2,3 f64:2,3"), ts("f64:3 f64:3"), ts("f64:2,3 f64:1,3"),
          ts("f64:2,3,2 f64:2,3,2"), ts("f64: f64:")], "axis": AXIS}),
    Sheet("concatenate", {"arrays": [ts("f64:2,3 f64:3"), ts("f64:2,3 f64:2,1")], "axis": [None, 1, 0]}),
    Sheet("vstack hstack dstack column_stack", {"tup": [ts("f64:2,3 f64:2,3"), ts("f64:3 f64:3"), ts("f64: f64:"),
          ts("f64:2,3 f64:1,3"), ts("f64:2,3,2 f64:2,3,2"), ts("f64:2,3 f64:2")]}),
    Sheet("append", {"arr, values": BOTH, "axis": [OMIT, None, 0, 1, -1]}),
    Sheet("split array_split", {"ary": ANY, "indices_or_sections": [1, 2, 3, [1], [1, 2], (0, 9), 4], "axis": AXIS},
          unnamed=2),
    Sheet("hsplit vsplit dsplit", {"ary": ANY, "indices_or_sections": [1, 2, 3, [1], 4]}),
    Sheet("meshgrid", {"a, b": pairs("f64:2|f64:3 f64:|f64:3 f64:0|f64:2")}, {"indexing": [OMIT, "xy", "ij", "yx"]}),
    Sheet("diag", {"v": ANY, "k": [OMIT, 0, 1, -1, 3]}), Sheet("tril triu",
          {"m": ts("f64:2,3 f64:3,3 i64:2,3 f64:2,3,2"), "k": [OMIT, 0, 1, -1, 3]}),
    Sheet("diagonal trace", {"a": ANY, "offset": [OMIT, 0, 1, -1], "axis1": [OMIT, 0, 1, -1, 2], "axis2": [OMIT, 1,
          0, -1, 2]}),
    Sheet("dot inner vdot outer kron matmul", {"a, b": [*BOTH,
          *pairs("f64:2,3|f64:4,3,2 f64:3|f64:4,3,2 f64:4,2,3|f64:3")]}),
    Sheet("einsum", {"subscripts": ["ij,jk->ik", "ij,jk", "ij,kl", "ij,jk->", "ij"],
          "a, b": pairs("f64:2,3|f64:3,2 f64:3,3|f64:3,3 f64:2,3|f64:2,3")}),
    Sheet("tensordot", {"a, b": pairs("f64:2,3|f64:3,2 f64:2,3|f64:2,3 f64:2,3,4|f64:3,4,2"), "axes": [1, OMIT, 2, 0,
          ([0], [0]), (1, 0), (0, 0), ([0, 1], [0, 1])]}),
    Sheet("cross", {"a, b": pairs("f64:2,3|f64:2,3 f64:3|f64:3 f64:3,2|f64:3,2 f64:3,3|f64:2,3")}, {"axis": [OMIT,
          -1, 0, 1, 2]}),
    Sheet("linalg.norm", {"x": ts("f64:2,3 f64:3 f64:2,3,2 f64:"), "ord": [OMIT, None, 1, "fro", np.inf, -np.inf, -1,
          3], "axis": [OMIT, None, 0, -1, (0, 1),
          (1, 0), 3], "keepdims": FLAG}),
    Sheet("linalg.solve",
          {"a, b": pairs("f64:2,2|f64:2 f64:2,2|f64:2,3 f64:3,2,2|f64:3,2,1 f64:2,2|f64:3 "
                          "f64:2,3|f64:2 f64:1,1|f64:1")}),
    Sheet("linalg.matrix_power", {"a": ts("f64:2,2 f64:3,3 f64:2,3 f64:2,3,3"), "n": [2, 0, 1, 3, -1]}),
    Sheet("linalg.inv", {"a": ts("f64:2,2 f64:2,3 f64:2,3,3 f64:3")}),
    Sheet("zeros_like ones_like", {"a": ANY}, {"dtype": [OMIT, *map(Dtype, ("float32", "int64", "bool"))]}),
    Sheet("full_like", {"a": ANY, "fill_value": [2, 1.5]}, {"dtype": [OMIT, *map(Dtype, ("float32", "int64"))]}),
]  # fmt: skip
NAMES = sorted({name for sheet in SHEETS for name in sheet.names.split()})
# Calls that NumPy refuses and we answer, as PyTorch does.
BEYOND = {
    "a number has one dimension": r"(all|any|flip|median|moveaxis|sort|swapaxes|nonzero|where)\(f64:(, .*)?\)",
    "halves of bools, and their signs": r"(around|round|positive|sign)\(b.*\)",
    "a mean of nothing is nan": r"average\(f64:0,3.*\)",
    "-1 keeps a size": r"broadcast_to\(.*-1.*\)",
    "what has another size than 1 is not squeezed": r"squeeze\(.*\)",
}  # fmt: skip
# Calls whose answer is another one than NumPy's, or that are refused.
OTHERWISE = {
    "means are of floats": r"(average|mean|nanmean|var|std|linalg\.norm)\([ib].*\)",
    "whole numbers and bools": r"(round|around|reciprocal|conjugate|square)\([ib].*\)",
    "bools are close if they are equal": r"(is|all)close\(b.*\)",
    "weights are as many as values": r"bincount\(3:0.*\)",
    "vectors of a cross product have three numbers": r"cross\((f64:3,2, .*|.*axis=0.*)\)",
    "bools are not divided by 0": r"(floor_divide|fmod|remainder)\(b.*\)",
    "nothing has no median, and bools one between them": r"median\((f64:0,3|b).*\)",
    "a triangle has two dimensions": r"tri[lu]\(f64:\d.*\)",
    "a number has no rows": r"(argsort|repeat|take|unique)\(f64:, .*\)",
    "no dimension is looked up where nothing is done": r"diff\(f64:1,3, 0, 2, .*\)",
    "the first places of values are not told": r"unique\(.*(, 1|return_index=True).*\)",
}  # fmt: skip


class Of:
    """NumPy, with arrays or tensors for what `grid.Tensor` says."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __getattr__(self, name):
        return getattr(np, name)


ARRAYS = Of(lambda values, requires_grad=False: np.array(values))
TENSORS = Of(mg.tensor)


def matches(table, call):
    return any(re.fullmatch(pattern, repr(call)) for pattern in table.values())


def parts(out):
    return [part for each in out for part in parts(each)] if isinstance(out, (tuple, list)) else [out]


def attempt(library, call):
    try:
        return parts(outcome(library, call)[0])
    except REFUSALS:
        return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_answers_and_refusals_are_those_of_numpy(name):
    with np.errstate(all="ignore"):
        for call in calls_of(name, SHEETS):
            theirs, ours = attempt(ARRAYS, call), attempt(TENSORS, call)
            if matches(OTHERWISE, call) or (theirs is None and matches(BEYOND, call)):
                continue
            assert (ours is None) == (theirs is None), call
            for mine, expected in zip(ours or (), theirs or (), strict=True):
                assert isinstance(mine, mg.Tensor) == isinstance(expected, np.ndarray | np.generic), call
                assert np.shape(mine) == np.shape(expected), call
                if isinstance(expected, np.ndarray) and ("f64" in repr(call) or expected.dtype.kind != "f"):
                    assert mine.dtype == expected.dtype, call
                numbers = mine.detach().cpu().numpy() if isinstance(mine, mg.Tensor) else mine
                half = getattr(expected, "dtype", None) == np.float16
                bound = 1e-12 if "f64" in repr(call) else 1e-3 if half else 1e-5
                np.testing.assert_allclose(numbers, expected, rtol=bound, atol=bound, err_msg=repr(call))


def test_every_function_with_values_of_its_own_is_in_the_grid():
    known = {f"{function.__module__}.{function.__name__}".removeprefix("numpy.") for function in (
        *numpy_functions.DIRECT, *numpy_functions.ADAPTED)}  # fmt: skip
    elsewhere = {
        "linalg.multi_dot", "linalg.cholesky", "empty_like", "copyto", "array2string", "array_repr", "array_str",
        "shares_memory", "may_share_memory", "save", "savez", "savez_compressed", "savetxt",
    }  # fmt: skip
    assert known - set(NAMES) == elsewhere
