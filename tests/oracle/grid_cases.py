"""Which values the parameters of each function take in the grid of calls (`grid.py`): the first is the usual one.

A dimension or a size is also out of range, negative, a word; a tensor has no elements, no dimensions, another dtype.
What PyTorch refuses, we refuse.
"""

import math

from tests.oracle.grid import OMIT, Dtype, Sheet, Tensor


def ts(text):
    return [Tensor(each) for each in text.split()]


def pairs(text):
    """Tensors of several parameters that go together: "a|b c|d"."""
    return [tuple(map(Tensor, each.split("|"))) for each in text.split()]


ANY = ts("f64:2,3 f32:2,3 f16:2,3 i64:2,3 i32:3 u8:2,3 b:2,3 f64: f32: i64: f64:0,3 f64:1,1 f64:2,3,2")
MANY = ts("f64:2,3 f32:2,3 f16:2,3 i64:2,3 i32:3 u8:2,3 b:2,3 f64: f64:3 f64:0,3 f64:2,0 f64:1,1 f64:2,3,2")
SHAPES = ts("f64:2,3 i64:2,3 b:2,3 f64: f64:3 f64:0,3 f64:2,3,2 f64:1,2,1,3")
DIM = [1, 0, -1, -2, 2, -3, -4, 3]
DIMS = [OMIT, None, 0, 1, -1, -2, 2, -3, 3, (0, 1), (-1,), [1, 0], (0, 2), (0, 0), (0, -1)]
FLAG = [OMIT, True, False]
DTYPE = [OMIT, None, *map(Dtype, ("float64", "float32", "float16", "int64", "int32", "uint8", "bool"))]
REAL_DTYPE = [OMIT, None, *map(Dtype, ("float64", "float32", "float16"))]
NUMBERS = [2, 2.5, True, -1, 0, 0.5]
SIZE = [(2, 3), [2, 3], (3, 2), (6,), (-1,), (2, -1), (-1, -1), (4,), (), (1, 6), (-2, 3), (0,), 6]
OFFSET = [OMIT, 0, 1, -1, 2, -3]
INDEX = ts("3:2,2 2:1,3 3:3 3: 2:0,3 2:2,3 9:2,2 f64:2,2 b:2,3 3:2,3 i32:2,2")

UNARY = (
    "abs absolute acos acosh arccos arcsin arctan asin asinh atan atanh bitwise_not ceil cos cosh erf erfc exp exp2 "
    "expm1 floor frac isfinite isinf isnan log log10 log1p log2 logical_not neg negative reciprocal relu rsqrt "
    "sigmoid "
    "sign sin sinh sqrt square tan tanh trunc numel is_floating_point argwhere fliplr flipud t det logdet slogdet "
    "inverse trace clone round logit nan_to_num Tensor.dim Tensor.size Tensor.item Tensor.tolist "
    "Tensor.element_size Tensor.stride Tensor.half Tensor.float Tensor.double Tensor.int Tensor.long Tensor.bool "
    "Tensor.contiguous Tensor.is_contiguous Tensor.nelement Tensor.ndimension Tensor.__len__ Tensor.__bool__ "
    "Tensor.__float__ Tensor.__int__ Tensor.__index__ Tensor.__neg__ Tensor.__invert__ Tensor.__abs__ "
    "Tensor.abs_ Tensor.acos_ Tensor.ceil_ Tensor.cos_ Tensor.erf_ Tensor.exp_ Tensor.exp2_ Tensor.floor_ "
    "Tensor.frac_ "
    "Tensor.log_ Tensor.logical_not_ Tensor.neg_ Tensor.reciprocal_ Tensor.relu_ Tensor.round_ Tensor.rsqrt_ "
    "Tensor.sigmoid_ Tensor.sign_ Tensor.sqrt_ Tensor.square_ Tensor.tanh_ Tensor.trunc_ Tensor.zero_ "
    "atleast_1d atleast_2d atleast_3d nonzero Tensor.logit_ Tensor.nan_to_num_ "
    "linalg.det linalg.slogdet linalg.inv"
)
BINARY = (
    "add arctan2 atan2 bitwise_and bitwise_or bitwise_xor div divide eq floor_divide fmod ge greater greater_equal "
    "gt hypot inner kron le less less_equal logaddexp logical_and logical_or logical_xor lt matmul maximum "
    "minimum mul multiply ne not_equal pow remainder sub subtract true_divide xlogy clamp_min clamp_max result_type "
    "equal isin allclose isclose dot outer mm mv bmm vdot "
    "Tensor.__add__ Tensor.__radd__ Tensor.__sub__ Tensor.__rsub__ Tensor.__mul__ Tensor.__truediv__ "
    "Tensor.__rtruediv__ Tensor.__floordiv__ Tensor.__rfloordiv__ Tensor.__mod__ Tensor.__rmod__ Tensor.__pow__ "
    "Tensor.__rpow__ Tensor.__and__ Tensor.__or__ Tensor.__xor__ Tensor.__lt__ Tensor.__ge__ Tensor.__eq__ "
    "Tensor.__ne__ Tensor.__contains__ Tensor.expand_as Tensor.view_as Tensor.reshape_as Tensor.type_as Tensor.copy_ "
    "Tensor.add_ Tensor.sub_ Tensor.mul_ Tensor.div_ Tensor.pow_ Tensor.fmod_ Tensor.remainder_ Tensor.atan2_ "
    "Tensor.logical_and_ Tensor.bitwise_xor_ Tensor.floor_divide_ Tensor.hypot_ Tensor.clamp_min_ Tensor.xlogy_ "
    "max min broadcast_tensors cdist"
)
BOTH = pairs(
    "f64:2,3|f64:2,3 f64:2,3|f64:3 f64:2,1|f64:3 f64:2,3|f64: f64:|f64:2,3 f64:3|f64:3 f64:2,3|f64:3,2 f64:2,3|f64:4 "
    "f64:0,3|f64:3 f64:2,2,3|f64:2,3,2 f64:2|f64:3 f64:1|f64:3 f64:|f64: f64:3,3|f64:3,3 f64:2,3|i64:3 i64:2,3|f64:3 "
    "f32:3|f64:3 f32:3|i64:3 f16:3|f32:3 f16:3|f16:3 i64:3|+i64:3 i32:3|+i64:3 u8:3|+u8:3 u8:3|+i32:3 "
    "b:3|b:3 b:3|+i64:3 i64:3|f64: f32:3|f64: i32:3|+i64: u8:3|+i8:3 f32:|f64:3 +i64:2,3|+i64:3,2 f32:2,3|f32:3,2"
) + [(x, n) for x in ts("f64:2,3 f32:3 i64:3 b:3 u8:3 f16:3 i32:") for n in NUMBERS]  # fmt: skip

SHEETS = [
    Sheet(UNARY, {"input": ANY + ts("f64:2,2 f32:2,2 +f64:3,3 f64:4 f64:2,3,3 i64:1 f64:1 f64:3,4,2,2")}),
    Sheet(BINARY, {"input, other": BOTH}),
    Sheet("add sub Tensor.add_ Tensor.sub_", {"input, other": BOTH[:3] + BOTH[20:24]}, {"alpha": [OMIT, 2, 0.5, 1]}),
    Sheet("div Tensor.div_", {"input, other": BOTH}, {"rounding_mode": ["floor", "trunc", None, "up"]}),
    Sheet("isclose allclose", {
        "input, other": BOTH[:12], "rtol": [OMIT, 0.5, 0.0, -1.0], "atol": [OMIT, 0.5, 0.0, -1.0], "equal_nan": FLAG,
    }),
    Sheet("logit Tensor.logit_", {"input": MANY, "eps": [OMIT, None, 0.1]}),
    Sheet("nan_to_num", {"input": MANY, "nan": [OMIT, 1.0], "posinf": [OMIT, 2.0], "neginf": [OMIT, 3.0]}),
    Sheet("round", {"input": MANY}, {"decimals": [OMIT, 1, -1, 0, 2]}),
    Sheet("clamp clip Tensor.clamp_", {
        "input": MANY, "min": [*ts("f64:2,3 f64:3"), OMIT, None, 0, -0.5, 1],
        "max": [*ts("+f64:2,3 f64:3"), OMIT, None, 1, 0.5, *ts("i64:")],
    }),
    Sheet("where", {
        "condition": ts("b:2,3 b:3 b: i64:2,3"),
        "input, other": [*BOTH[:6], *BOTH[14:24], (1.0, 2.0), (1, 2), (1, 2.5), (True, False)],
    }, unnamed=3),
    Sheet("masked_fill Tensor.masked_fill_", {
        "input": MANY, "mask": ts("b:2,3 b:3 b: b:2,1 b:4 i64:2,3"), "value": [0.5, 2, True, *ts("f64: i64: f64:1")],
    }),
    Sheet("masked_select", {"input": MANY, "mask": ts("b:2,3 b:3 b: b:2,1 b:4 i64:2,3")}),
    Sheet("masked_scatter Tensor.masked_scatter_", {
        "input": MANY, "mask": ts("b:2,3 b:3 b: b:2,1 b:4 i64:2,3"),
          "source": ts("f64:6 f64:2,3 f64:3 f32:6 i64:6 f64:0"),
    }),
    Sheet("lerp Tensor.lerp_", {
        "input": MANY, "end": ts("f64:2,3 f64:3 f64: f32:2,3 f64:4"), "weight": [0.5, 0.2, 2,
          *ts("f64:2,3 f64: f64:4")],
    }),
    Sheet("addcmul addcdiv Tensor.addcmul_ Tensor.addcdiv_", {
        "input": MANY, "tensor1, tensor2": BOTH[:3] + BOTH[14:20],
    }, {"value": [OMIT, 2, 0.5, 1]}),
    # ------------------------------------------------------------------------------------------------- reductions
    Sheet("sum mean nansum nanmean", {"input": MANY, "dim": DIMS, "keepdim": FLAG}, {"dtype": DTYPE}),
    Sheet("prod", {"input": MANY, "dim": DIM, "keepdim": FLAG}, {"dtype": DTYPE}),
    Sheet("prod", {"input": MANY}, {"dtype": DTYPE}),
    Sheet("amax amin any all", {"input": MANY, "dim": DIMS, "keepdim": FLAG}),
    Sheet("max min", {"input": MANY, "dim": [OMIT, *DIM], "keepdim": FLAG}),
    Sheet("argmax argmin", {"input": MANY, "dim": [OMIT, None, *DIM], "keepdim": FLAG}),
    Sheet("median", {"input": ts("f64:2,3 f32:3 f64:5 f64:2,5,2 f64: i64:2,3 u8:3"), "dim": [OMIT, *DIM],
          "keepdim": FLAG}),
    Sheet("kthvalue", {"input": ts("f64:2,3 f32:3 f64:5 f64:2,5,2 f64: u8:2,3"), "k": [2, 1, 0, 3, 4, -1],
                       "dim": [OMIT, *DIM], "keepdim": FLAG}),
    Sheet("count_nonzero", {"input": MANY, "dim": DIMS}),
    Sheet("logsumexp", {"input": MANY, "dim": DIMS[2:], "keepdim": FLAG}),
    Sheet("softmax log_softmax", {"input": MANY, "dim": DIM}, {"dtype": REAL_DTYPE}),
    Sheet("aminmax", {"input": MANY}, {"dim": [OMIT, *DIM], "keepdim": FLAG}),
    Sheet("var std var_mean std_mean", {"input": MANY, "dim": DIMS}, {
        "correction": [0, OMIT, 1, 0.5], "keepdim": FLAG,
    }),
    Sheet("var std var_mean std_mean", {"input": MANY, "dim": DIMS[2:], "unbiased": [False, True], "keepdim": FLAG}),
    Sheet("norm", {"input": MANY, "p": [OMIT, 2, 1, 0, math.inf, -math.inf, 3, "fro"], "dim": DIMS, "keepdim": FLAG},
          {"dtype": REAL_DTYPE}),
    Sheet("linalg.vector_norm linalg.norm", {
        "input": MANY, "ord": [OMIT, 2, 1, 0, math.inf, -math.inf, 3, 0.5], "dim": [OMIT, *DIMS[1:]], "keepdim": FLAG,
    }, {"dtype": REAL_DTYPE}),
    Sheet("linalg.matrix_norm", {
        "input": MANY + ts("f64:2,2,3 f64:0,0"), "ord": [OMIT, "fro", 1, -1, math.inf, -math.inf],
        "dim": [OMIT, (0, 1), (1, 0), (-1, -2), (0, 0), (0, 2)], "keepdim": FLAG,
    }, {"dtype": REAL_DTYPE}),
    # What has a dtype of its own to compute in, each with every other argument.
    Sheet("sum prod mean nansum nanmean cumsum cumprod", {
        "input": ts("f32:2,3 f16:2,3 i64:2,3 f32: f32:0,3"), "dim": DIM}, {"dtype": [Dtype("float64")]}),
    Sheet("linalg.vector_norm", {"input": ts("f32:2,3 f16:2,3 f32: f32:0,3"), "ord": [2, 1, 0, math.inf, -math.inf, 3],
                                 "dim": [OMIT, 0, -1, (0, 1)], "keepdim": FLAG}, {"dtype": [Dtype("float64")]}),
    Sheet("linalg.matrix_norm linalg.norm", {
        "input": ts("f32:2,3 f16:2,3 f32:2,3,4"), "ord": [1, "fro", -1, math.inf, -math.inf],
        "dim": [(0, 1), (1, 0), (-1, -2)], "keepdim": FLAG}, {"dtype": [Dtype("float64")]}),
    Sheet("norm", {"input": ts("f32:2,3 f16:2,3"), "p": [1, 2, 0, math.inf, 3], "dim": [0, None, (0, 1)],
                   "keepdim": FLAG}, {"dtype": [Dtype("float64")]}),
    Sheet("softmax log_softmax", {"input": ts("f32:2,3 f16:2,3 f32:"), "dim": [0, -1]}, {"dtype": [Dtype("float64")]}),
    Sheet("linalg.cholesky", {"input": ts("f64:2,3 f64:3 i64:2,2 +f64:1,1 f32:1,1 f64:4,1,1")}, {"upper": FLAG}),
    Sheet("cdist", {"x1, x2": pairs("f64:2,3|f64:4,3 f64:5,2,3|f64:5,4,3 f64:2,3|f64:4,2 f64:3|f64:4,3 "
             "f64:2,0|f64:3,0 "
                                    "f64:0,3|f64:2,3 f32:2,3|f32:2,3 f64:1,2,3|f64:5,4,3"),
                    "p": [OMIT, 1.0, 0.0, math.inf, 3.0]}),
    # ----------------------------------------------------------------------------------------------- scans, order
    Sheet("cumsum cumprod Tensor.cumsum_ Tensor.cumprod_", {"input": MANY, "dim": DIM}, {"dtype": DTYPE}),
    Sheet("logcumsumexp cummax cummin", {"input": MANY, "dim": DIM}),
    Sheet("diff", {
        "input": MANY, "n": [OMIT, 1, 2, 0, 5, -1], "dim": [OMIT, *DIM],
        "prepend": [OMIT, *ts("f64:2,1 f64:1,3 f64:2,3 f64:3 i64:2,3")], "append": [OMIT, *ts("f64:2,1 f64:2,3")],
    }),
    Sheet("sort argsort", {"input": ts("f64:2,3 f32:3 i32:2,3 f64:2,3,2 f64: f64:0,3"), "dim": [OMIT, *DIM],
                           "descending": FLAG}),
    Sheet("sort argsort", {"input": ts("f64:2,3 i64:2,3 u8:2,3 b:2,3")}, {"stable": [True], "dim": DIM,
          "descending": FLAG}),
    Sheet("topk", {"input": ts("f64:2,3 f32:3 f64:2,5,2 f64: f64:3,0"), "k": [2, 1, 0, 3, 4, -1],
                   "dim": [OMIT, *DIM], "largest": FLAG, "sorted": [OMIT, True]}),
    Sheet("unique", {"input": MANY, "sorted": [OMIT, True], "return_inverse": FLAG, "return_counts": FLAG,
                     "dim": [OMIT, None, 0, 1, -1, 3]}),
    Sheet("bincount", {"input": ts("3:4 3:0 i32:3 f64:3 3:2,2 u8:3 +i64:3"), "weights": [OMIT, None,
          *ts("f64:4 f32:4 f16:4 i64:4 f64:3")],
                       "minlength": [OMIT, 0, 5, 2, -1]}),
    Sheet("searchsorted",
          {"sorted_sequence, input": pairs("9:1|9:3 9:1|9:2,3 9:1|f64: 9:2,1|9:2,3 9:1|i32:3 9:2,1|9:3 9:|9:3")},
          {"out_int32": FLAG, "right": FLAG, "side": [OMIT, "left", "right", "middle"]}),
    Sheet("bucketize", {"input, boundaries": pairs("9:3|9:1 9:2,3|9:1 f64:|9:1 9:3|9:2,1 i32:3|9:1")},
          {"out_int32": FLAG, "right": FLAG}),
    Sheet("isin", {"elements, test_elements": BOTH[:4] + BOTH[18:24]}, {"assume_unique": [OMIT, False],
          "invert": FLAG}),
    Sheet("nonzero", {"input": MANY}, {"as_tuple": FLAG}),
    # ---------------------------------------------------------------------------------------------------- shapes
    Sheet("reshape Tensor.view broadcast_to Tensor.expand Tensor.repeat tile Tensor.reshape Tensor.tile", {
        "input": SHAPES, "size": SIZE}, unnamed=2),
    Sheet("Tensor.view Tensor.expand Tensor.repeat Tensor.reshape Tensor.permute Tensor.tile Tensor.flip",
          {"input": SHAPES, "a": [2, 0, 1, -1, 3], "b": [3, 1, 0, 2, -1]}, unnamed=3),
    Sheet("permute flip Tensor.permute Tensor.flip", {"input": SHAPES, "dims": [(1, 0), (0, 1), (-1, 0), (0,), (0,
          0), (1, 0, 2), (-1, 0, 1), (), (0, 2)]}),
    Sheet("transpose swapdims", {"input": SHAPES, "dim0": DIM, "dim1": [0, *DIM]}),
    Sheet("swapaxes", {"input": SHAPES, "axis0": DIM, "axis1": [0, *DIM]}),
    Sheet("flatten", {"input": SHAPES, "start_dim": [OMIT, *DIM], "end_dim": [OMIT, *DIM]}),
    Sheet("squeeze", {"input": ts("f64:2,1,3 f64:1,1 f64: f64:2,3 f64:0,1 f64:1"), "dim": [OMIT, *DIM, (0, 1), (1,
          2), (0, -1), (0, 0)]}),
    Sheet("unsqueeze unbind", {"input": SHAPES, "dim": DIM}),
    Sheet("unbind", {"input": SHAPES, "dim": [OMIT]}),
    Sheet("select", {"input": SHAPES, "dim": DIM, "index": [0, 1, -1, 2, -2, -3, 5]}),
    Sheet("narrow", {"input": SHAPES, "dim": DIM, "start": [0, 1, -1, 2, 3, -3, 5], "length": [1, 0, 2, 3, -1]}),
    Sheet("split", {"tensor": SHAPES + ts("f64:5"), "split_size_or_sections": [1, 2, [1, 1], [1, 2], [2, 3], 0, -1,
          9, []], "dim": [OMIT, *DIM]}, unnamed=2),
    Sheet("chunk", {"input": SHAPES + ts("f64:5"), "chunks": [2, 1, 3, 9, 0, -1], "dim": [OMIT, *DIM]}),
    Sheet("tensor_split", {"input": SHAPES + ts("f64:5"), "indices_or_sections": [2, 1, 3, 9, 0, (1,), (1, 2), [2,
          1], (-1,), (9,), ()], "dim": [OMIT, *DIM]}, unnamed=2),
    Sheet("hsplit vsplit dsplit", {"input": SHAPES + ts("f64:4 f64:4,4,4"), "indices_or_sections": [2, 1, 3, 0, (1,),
          (1, 2), -2]}, unnamed=2),
    Sheet("unflatten", {"input": ts("f64:2,6 f64:6 f64:2,6,4 i64:2,6 f64:2,0"), "dim": DIM, "sizes": [(2, 3), (-1,
          2), (6,), (4, -1), (-1, -1), (), [3, 2], (0, -1), (2, 2)]}),
    Sheet("movedim moveaxis", {"input": ts("f64:2,3,4 f64:2,3 f64: f64:3"), "source, destination": [
        (0, 1), (0, -1), (-1, 0), (0, 0), ((0, 1), (1, 0)), ((0, 1), (-1, -2)), ((0, 0), (0, 1)), ((0, 1), (0, 0)),
          ((0,), (0, 1)), (3, 0), (0, 3), ((), ())]}),
    Sheet("cat stack hstack vstack dstack", {"tensors": [
        [*ts("f64:2,3 f64:2,3")], tuple(ts("f64:2,3 f64:2,3")), ts("f64:3 f64:3"), ts("f64: f64:"),
          ts("f64:2,3 f64:1,3"), ts("f64:2,3 f64:2,1"),
        ts("f64:2,3 f32:2,3"), ts("i64:2,3 f32:2,3"), ts("u8:3 b:3"), ts("f64:2,3"), ts("f64:2,3 f64:0,3"),
          ts("f64:2,3 f64:3"), [], ts("f64:2,3,2 f64:2,3,2 f64:2,3,1"), ts("f64:0 f64:3"),
    ]}),
    Sheet("cat stack", {"tensors": [ts("f64:2,3 f64:2,3"), ts("f64:3 f64:3"), ts("f64:2,1 f64:2,3"),
          ts("f64:2,3,2 f64:2,3,2"), ts("i64:1,3 f32:2,3"), ts("f64: f64:"),
    ], "dim": [OMIT, *DIM]}),
    Sheet("atleast_1d atleast_2d atleast_3d broadcast_tensors meshgrid",
          {"a, b": pairs("f64:|f64:3 f64:2|f64:3 f64:2,3|f64:3 f64:2,1|f64:1,3 f64:2|f64:2 f32:|i64:2 f64:2|f64:0 "
             "f64:|f64:")}, unnamed=2),
    Sheet("meshgrid", {"a, b": pairs("f64:2|f64:3 f64:2|f64: f64:0|f64:2 f32:2|f32:3 f64:2,2|f64:2")},
          {"indexing": ["ij", "xy", "yx"]}, unnamed=2),
    Sheet("meshgrid", {"tensors": [ts("f64:2 f64:3"), ts("f64:2"), ts("f64:2 f64:3 f64:4"), []]}, {"indexing": ["ij",
          "xy"]}),
    # ------------------------------------------------------------------------------------------------- arrangement
    Sheet("repeat_interleave", {"input": SHAPES, "repeats": [2, 0, 1, -1, *ts("3:3 3:2 3:1 3: f64:3 3:2,2")],
          "dim": [1, 0, None, OMIT, -1, -2, 2]}),
    Sheet("repeat_interleave", {"repeats": ts("3:3 3:0 3:2,2 f64:3")}),
    Sheet("roll", {"input": SHAPES, "shifts": [1, 2, -1, 0, 7, (1,), (1, 2), (1, -1)], "dims": [OMIT, 0, 1, -1, (0,
          1), (0,), (1, 0), (0, 0), 2, ()]}),
    Sheet("rot90", {"input": SHAPES, "k": [OMIT, 1, 2, 3, 4, 0, -1, 5], "dims": [OMIT, (0, 1), (1, 0), [0, -1], (0,
          0), (0,), (0, 2)]}),
    Sheet("Tensor.unfold", {"input": ts("f64:5 f64:2,5 f64:2,5,2 f64: i64:5"), "dimension": [0, 1, -1, 2, -2],
          "size": [2, 1, 3, 5, 6, 0], "step": [1, 2, 3, 0, -1, 9]}),
    # --------------------------------------------------------------------------------------------------- diagonals
    Sheet("tril triu diagonal diag_embed Tensor.tril_ Tensor.triu_", {"input": MANY + ts("f64:3,4 f64:4,3"),
          "diagonal": OFFSET}, unnamed=2),
    Sheet("diag", {"input": SHAPES, "diagonal": OFFSET}),
    Sheet("diagflat", {"input": SHAPES, "offset": OFFSET}),
    Sheet("diagonal", {"input": SHAPES + ts("f64:3,4,2"), "offset": OFFSET, "dim1": [OMIT, *DIM], "dim2": [OMIT,
          *DIM]}),
    Sheet("diag_embed", {"input": SHAPES, "offset": OFFSET, "dim1": [OMIT, *DIM], "dim2": [OMIT, *DIM]}),
    Sheet("tril_indices triu_indices", {"row": [3, 0, 1, 2], "col": [4, 3, 0, 2], "offset": OFFSET}, {"dtype": [OMIT,
          *map(Dtype, ("int32", "int64"))]}),
    # ------------------------------------------------------------------------------------------------ index, scatter
    Sheet("gather", {"input": SHAPES, "dim": DIM, "index": INDEX}),
    Sheet("index_select", {"input": SHAPES, "dim": DIM, "index": ts("2:3 2: 2:1 2:0 2:2,2 9:2 f64:2 i32:2 b:2")}),
    Sheet("take", {"input": SHAPES, "index": ts("2:3 2: 2:2,2 9:2 f64:2 2:0")}),
    Sheet("take_along_dim", {"input": SHAPES, "indices": INDEX, "dim": [OMIT, None, *DIM]}),
    Sheet("scatter scatter_add Tensor.scatter_ Tensor.scatter_add_", {"input": SHAPES, "dim": DIM,
          "index": ts("3:1,3 2:2,1 2:1,1 2:2 2: 9:1,2 2:0,3 f64:1,2"),
          "src": ts("f64:2,3 f64:1,3 f64:3 f64: f32:2,3 i64:2,3 f64:1,1 b:2,3")}),
    Sheet("scatter Tensor.scatter_", {"input": SHAPES, "dim": DIM, "index": ts("3:1,3 2:2,1 2:1,1 2: 2:2 9:2,2")},
          {"value": [2.0, 1, 0.5], "reduce": [OMIT, "add", "multiply", "mean"]}),
    Sheet("scatter_reduce Tensor.scatter_reduce_", {"input": SHAPES + ts("f32:2,3 u8:2,3 f64:3"), "dim": DIM,
          "index": ts("2:2,3 2:2,2 2:1,1 2:2 2: 9:1,2"),
          "src": ts("f64:2,3 i64:2,3 b:2,3 f64:2 f64: f32:2,3 u8:2,3 f64:1,1"), "reduce": ["sum", "prod", "mean",
          "amax", "amin", "max"]}, {"include_self": FLAG}),
    Sheet("index_add Tensor.index_add_", {"input": SHAPES, "dim": DIM, "index": ts("2:3 2: 2:1 2:2 9:3 f64:3 i32:3"),
          "source": ts("f64:2,3 f64:2,1 f64:1,3 f64:2,2 f64:3 f64: f32:2,3 i64:2,3 b:2,3")}, {"alpha": [OMIT, 2, 0.5,
          1]}),
    Sheet("index_copy Tensor.index_copy_", {"input": SHAPES, "dim": DIM, "index": ts("3:3 2: 2:1 2:2 9:3 f64:3"),
          "source": ts("f64:2,3 f64:2,1 f64:1,3 f64:2,2 f64:3 f64: f32:2,3 i64:2,3 b:2,3")}),
    Sheet("index_fill Tensor.index_fill_", {"input": SHAPES, "dim": DIM, "index": ts("2:3 2: 2:1 9:3 f64:2 i32:2"),
          "value": [2.0, 1, True, *ts("f64: i64: f64:1")]}),
    Sheet("index_put Tensor.index_put_", {"input": SHAPES, "indices": [tuple(ts("2:2")), tuple(ts("2:2 3:2")),
          tuple(ts("b:2,3")), tuple(ts("9:2")), tuple(ts("2:1 3:2"))],
          "values": ts("f64: f64:1 f64:3 f64:2 f64:2,3 f64:4 f32:"), "accumulate": [True, OMIT, False]}),
    # ------------------------------------------------------------------------------------------------------ products
    Sheet("addmm", {"input": ts("f64:2,2 f64:2 f64: f64:3 f32:2,2 i64:2,2 f64:1,2,2"),
          "mat1, mat2": pairs("f64:2,3|f64:3,2 f64:2,3|f64:2,3 i64:2,3|i64:3,2 f64:3|f64:3,2 f64:2,0|f64:0,2")},
          {"beta": [OMIT, 0, 2, 0.5], "alpha": [OMIT, 0, 2, 0.5]}),
    Sheet("addmv", {"input": ts("f64:2 f64: f64:1 f64:3 f32:2 i64:2"),
          "mat, vec": pairs("f64:2,3|f64:3 f64:2,3|f64:2 i64:2,3|i64:3 f64:2,3|f64:3,1")}, {"beta": [OMIT, 0, 2, 0.5],
          "alpha": [OMIT, 0, 2, 0.5]}),
    Sheet("addr", {"input": ts("f64:2,3 f64:3 f64: f64:1,3 f64:4 i64:2,3"),
          "vec1, vec2": pairs("f64:2|f64:3 f64:2|f64:2 i64:2|i64:3 f64:2,1|f64:3")}, {"beta": [OMIT, 0, 2, 0.5],
          "alpha": [OMIT, 0, 2, 0.5]}),
    Sheet("baddbmm addbmm", {"input": ts("f64:2,2,2 f64:2,2 f64:2 f64: f64:3 i64:2,2,2"),
          "batch1, batch2": pairs("f64:2,2,3|f64:2,3,2 f64:2,2,3|f64:3,3,2 i64:2,2,3|i64:2,3,2 f64:2,3|f64:3,2")},
          {"beta": [OMIT, 0, 2, 0.5], "alpha": [OMIT, 0, 2, 0.5]}),
    Sheet("cross linalg.cross",
          {"input, other": pairs("f64:2,3|f64:2,3 f64:3|f64:3 f64:3,3|f64:3,3 f64:3,2|f64:3,2 f64:2,2|f64:2,2 "
             "f64:2,3|f64:1,3 f32:2,3|f32:2,3 i64:2,3|i64:2,3 f64:2,3|f64:3")}, {"dim": [OMIT, -1, 1, 0, 2, -2]}),
    Sheet("linalg.vecdot", {"x, y": BOTH[:18]}, {"dim": [OMIT, -1, 0, 1, 2]}),
    Sheet("tensordot",
          {"a, b": pairs("f64:2,3|f64:3,2 f64:2,3|f64:2,3 f64:2,3,4|f64:3,4,2 f64:3|f64:3 f64:|f64: i64:2,3|i64:3,2 "
             "f64:2,3|f64:4,2"), "dims": [1, OMIT, 2, 0, 3, -1, ([0], [0]), ([1], [0]), ([0, 1], [0, 1]), ([1, 0],
          [0, 1]), ([-1], [-2]), ([0], [0, 1]), ([5], [0])]}),
    Sheet("einsum", {"equation": ["ij,jk->ik", "ij,jk", "ij,jk->", "ij,jk->ki", "...j,jk->...k", "ij,kl->ijkl",
          "ij,jk->z", "ij", "ii,jk", "ij,jk->iik", "i j , j k -> i k", "ij,jk->ijk", "ab,bc->ca", "i,jk",
          "ij,ij->ij", "ij,ij", "ij,ik->jk"],
          "a, b": pairs("f64:2,3|f64:3,2 f64:2,3|f64:2,3 f64:3,3|f64:3,3 i64:2,3|i64:3,4 f64:1,3|f64:3,2 "
             "f64:2,1|f64:3,2 f64:2,3|f64:3")}, unnamed=3),
    Sheet("einsum", {"equation": ["ij->ji", "ij->i", "ij->", "ij", "ji", "ii->i", "ii", "...->...", "i...->...i",
          "ij->jk", "i->i", "...i", "...", "ij->ij"], "a": ts("f64:2,3 f64:2,2 f64:3 f64:2,3,2 f64:3,2,2 "
                "f64:2,2,3 i64:2,2 f64:")}, unnamed=2),
    Sheet("einsum", {"equation, a": [
        (equation, Tensor(f"f64:{size}")) for equation, sizes in {
            "ii->i": "2,2 3,3", "ii": "2,2 3,3", "iji->ij": "2,3,2", "iji": "2,3,2", "ijj->i": "2,3,3",
            "iij->ji": "2,2,3", "iii": "2,2,2", "iijj->ij": "2,2,3,3", "...ii->...i": "3,2,2", "jiji->ij": "3,2,3,2",
        }.items() for size in sizes.split()
    ]}, unnamed=2),
    Sheet("matrix_power linalg.matrix_power",
          {"input": ts("f64:2,2 f64:3,3 f64:2,3 f64:2,3,3 f32:2,2 f64:3 f64:0,0"), "n": [2, 0, 1, 3, 5, 8, -1, -2]}),
    Sheet("linalg.solve",
          {"A, B": pairs("f64:2,2|f64:2 f64:2,2|f64:2,3 f64:3,2,2|f64:3,2 f64:3,2,2|f64:2,3 f64:2,2|f64:3 "
             "f64:2,3|f64:2 f64:2,2|f64:3,2 f32:2,2|f32:2 i64:2,2|i64:2 f64:3,2,2|f64:1,2,2 f64:2,2|f64:3,2,2")},
          {"left": FLAG}),
    Sheet("linalg.multi_dot", {"tensors": [ts("f64:2,3 f64:3,4"), ts("f64:2,3 f64:3,4 f64:4,2"),
          ts("f64:3 f64:3,4 f64:4"), ts("f64:3 f64:3"), ts("f64:2,3 f64:3"), ts("f64:3 f64:3,4"), ts("f64:2,3"),
          ts("f64:2,3 f64:2,3"), ts("f64:1,9 f64:9,1 f64:1,9 f64:9,1"), ts("f64:3 f64:3,3,3"),
          ts("f64:2,3 f64:3,3 f64:2,2")]}),
    # ------------------------------------------------------------------------------------------------------ creation
    Sheet("zeros ones", {"size": [(2, 3), [2], (), (0, 2), (-1,), (2, -1)]}, {"dtype": DTYPE, "requires_grad": FLAG},
          unnamed=0),
    Sheet("zeros ones", {"a": [2, 0, -1], "b": [3, OMIT, 0]}, {"dtype": DTYPE}, unnamed=2),
    Sheet("full", {"size": [(2, 3), [2], (), (0, 2), (-1,)], "fill_value": [1.5, 2, True, -1]}, {"dtype": DTYPE,
          "requires_grad": FLAG}),
    Sheet("zeros_like ones_like", {"input": MANY}, {"dtype": DTYPE, "requires_grad": FLAG}),
    Sheet("full_like", {"input": MANY, "fill_value": [1.5, 2, True, -1]}, {"dtype": DTYPE, "requires_grad": FLAG}),
    Sheet("eye", {"n": [3, 0, 1, -1], "m": [OMIT, 2, 3, 5, 0, -1]}, {"dtype": DTYPE, "requires_grad": FLAG}),
    Sheet("arange", {"start": [0, 2, 1.5, -1], "end": [5, 5.5, 3, 0, -2], "step": [OMIT, 1, 2, 0.5, -1, 0]},
          {"dtype": [OMIT, *map(Dtype, ("float64", "float32", "int64", "int32"))], "requires_grad": FLAG}, unnamed=2),
    Sheet("arange", {"end": [5, 2.5, 0, -1]}, {"dtype": DTYPE[:6], "requires_grad": FLAG}),
    Sheet("linspace", {"start": [0, 1.5, -1], "end": [3, 0.5, -1], "steps": [5, 1, 0, 2, -1]}, {"dtype": REAL_DTYPE,
          "requires_grad": FLAG}),
    Sheet("logspace", {"start": [0, 1.5, -1], "end": [1, 0.5, -1], "steps": [5, 1, 0, 2, -1], "base": [OMIT, 2.0,
          3]}, {"dtype": REAL_DTYPE, "requires_grad": FLAG}),
    Sheet("tensor", {"data": [1, 1.5, True, [1, 2], [1.5, 2], [[1, 2], [3, 4]], [], [[1], [2, 3]], [True, 2], "a",
          None, [[]], [1, [2]]]}, {"dtype": DTYPE, "requires_grad": FLAG}),
    Sheet("as_tensor", {"data": [1, 1.5, [1, 2], [1.5, 2], *ts("f64:2,3 i64:3"), "a"]}, {"dtype": DTYPE}),
    Sheet("Tensor.new_zeros Tensor.new_ones", {"input": ts("f64:2 f32:2 i64:2 b:2"), "size": [(2, 3), (), [2], (0,),
          (-1,)]}, {"dtype": DTYPE, "requires_grad": FLAG}),
    Sheet("Tensor.new_full", {"input": ts("f64:2 f32:2 i64:2 b:2"), "size": [(2, 3), (), [2], (0,), (-1,)],
          "fill_value": [2, 1, True]}, {"dtype": DTYPE, "requires_grad": FLAG}),
    Sheet("Tensor.new_tensor", {"input": ts("f64:2 f32:2 i64:2 b:2"), "data": [[1, 2], 3, 1.5, [[1.5]], True]},
          {"dtype": DTYPE, "requires_grad": FLAG}),
    Sheet("Tensor.fill_", {"input": MANY, "value": [2, 1.5, True, *ts("f64: i64:")]}),
    Sheet("Tensor.to", {"input": MANY, "target": DTYPE[2:] + ts("f32:2 i64:3")}, {"copy": FLAG}, unnamed=2),
    Sheet("Tensor.stride Tensor.size", {"input": MANY, "dim": DIM}),
    Sheet("promote_types can_cast", {"a": DTYPE[2:], "b": DTYPE[2:]}, unnamed=2),
]  # fmt: skip
NAMES = sorted({name for sheet in SHEETS for name in sheet.names.split()})
