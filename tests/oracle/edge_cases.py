"""Calls where rules are easily broken: infinities, nan, zeros of both signs, ties, integers, bools and empty tensors.

`make_edges.py` records what PyTorch answers in edges.npz: every output with its dtype, and in float64 the gradient of
the sum of the first output.
"""

import math

import numpy as np

INF, NAN = math.inf, math.nan
SPECIAL = np.array([NAN, INF, -INF, 0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 30.0, -30.0, 1e-8, -1e-8])
KINDS = {
    "float64": SPECIAL, "float32": SPECIAL.astype(np.float32), "float16": SPECIAL.astype(np.float16),
    "int64": np.arange(-2, 4), "int32": np.arange(-2, 4, dtype=np.int32), "uint8": np.arange(4, dtype=np.uint8),
    "bool": np.array([True, False]),
}  # fmt: skip
UNARY = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "erfc", "exp", "exp2",
    "expm1", "floor", "frac", "isfinite", "isinf", "isnan", "log", "log10", "log1p", "log2", "logical_not", "logit",
    "nan_to_num", "round", "rsqrt", "sigmoid", "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
)  # fmt: skip
BINARY = (
    "atan2", "fmod", "hypot", "isclose", "logaddexp", "logical_and", "logical_or", "logical_xor", "max",
    "min", "remainder", "xlogy", "eq", "ne", "equal", "allclose",
)  # fmt: skip
ROWS = {  # for reductions, scans and sorting along the last dimension
    "ties": np.array([[2.0, 1.0, 2.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0], [-1.0, 3.0, 3.0, -1.0, 3.0]]),
    "nan": np.array([[1.0, NAN, 3.0, NAN, 0.0], [NAN, 1.0, 0.0, 2.0, 5.0], [2.0, 1.0, 4.0, 5.0, NAN]]),
    "infinite": np.array([[-INF, -INF, 1.0, 2.0], [INF, 1.0, -INF, 0.0], [1.0, INF, 2.0, INF]]),
    "zeros": np.array([[0.0, 2.0, -0.0, 3.0], [1.0, 0.0, 2.0, 3.0], [4.0, 1.0, 2.0, 3.0]]),
    "none": np.zeros((3, 0)), "int32": np.array([[3, -1, 2], [2, 2, 2]], np.int32),
    "uint8": np.array([[3, 200, 2], [100, 200, 2]], np.uint8), "bool": np.array([[True, False, True]]),
    "0-d": np.array(3.0),
}  # fmt: skip
ALONG = {
    "amax": lambda m, x: m.amax(x, -1),
    "aminmax": lambda m, x: m.aminmax(x, dim=-1),
    "argmax": lambda m, x: m.argmax(x, -1),
    "count_nonzero": lambda m, x: m.count_nonzero(x, -1),
    "count_nonzero of all": lambda m, x: m.count_nonzero(x),
    "cummax": lambda m, x: m.cummax(x, -1),
    "cummin": lambda m, x: m.cummin(x, -1),
    "cumprod": lambda m, x: m.cumprod(x, -1),
    "cumsum": lambda m, x: m.cumsum(x, 0),
    "diff": lambda m, x: m.diff(x, 2),
    "logcumsumexp": lambda m, x: m.logcumsumexp(x, -1),
    "median": lambda m, x: m.median(x, -1)[0],
    "median of all": lambda m, x: m.median(x),
    "kthvalue": lambda m, x: m.kthvalue(x, 2, -1, True)[0],
    "nanmean": lambda m, x: m.nanmean(x, -1),
    "nansum": lambda m, x: m.nansum(x, -1),
    "prod": lambda m, x: m.prod(x, -1),
    "prod of all": lambda m, x: m.prod(x),
    "prod kept": lambda m, x: m.prod(x, 0, True, dtype=x.dtype),
    "sort": lambda m, x: m.sort(x, stable=True),
    "sort down": lambda m, x: m.sort(x, descending=True, stable=True),
    "std_mean": lambda m, x: m.std_mean(x, -1),
    "sum": lambda m, x: m.sum(x, -1),
    "topk": lambda m, x: m.topk(x, min(1, x.numel()))[0],
    "topk smallest": lambda m, x: m.topk(x, min(2, x.numel()), largest=False)[0],
    **{f"norm {p}": lambda m, x, p=p: m.norm(x, p, -1) for p in ("fro", 0, 0.5, 1, 3, INF, -INF, -1)},
}

CASES = {}  # name: function of the library and of tensors, and the arrays
for _name in UNARY:
    for _kind, _values in KINDS.items():
        CASES[f"{_name} of {_kind}"] = (lambda m, x, name=_name: getattr(m, name)(x), [_values])
for _name in BINARY:
    for _kind, _values in KINDS.items():
        if _kind not in ("float32", "int32"):
            _left, _right = _values.repeat(len(_values)), np.tile(_values, len(_values))
            if _right.dtype.kind != "f" and _name in ("fmod", "remainder"):
                _left, _right = _left[_right != 0], _right[_right != 0]
            CASES[f"{_name} of {_kind}"] = (lambda m, x, y, name=_name: getattr(m, name)(x, y), [_left, _right])
for _mode in (None, "trunc", "floor"):
    for _kind in ("float64", "int64"):
        _right = KINDS[_kind] if _kind == "float64" else np.array([-3, 2])
        CASES[f"div {_mode} of {_kind}"] = (
            lambda m, x, y, mode=_mode: m.div(x, y, rounding_mode=mode),
            [KINDS[_kind].repeat(len(_right)), np.tile(_right, len(KINDS[_kind]))],
        )
for _name, _function in ALONG.items():
    for _kind, _values in ROWS.items():
        if _name == "std_mean" and _kind not in ("ties", "nan"):
            continue  # PyTorch warns of too few elements, and has nan for an infinite mean
        CASES[f"{_name} of {_kind}"] = (_function, [_values])
CASES |= {
    "floor_divide": (
        lambda m, x, y: m.floor_divide(x.detach(), y.detach()), [SPECIAL.repeat(16), np.tile(SPECIAL, 16)]
    ),
    "cumsum in another dtype": (lambda m, x: m.cumsum(x, 0, dtype=m.float32), [np.arange(5)]),
    "cumsum of many halves": (lambda m, x: m.cumsum(x, 0)[-1], [np.ones(4096, np.float16)]),
    "cumprod of small integers": (lambda m, x: m.cumprod(x, 0), [np.arange(1, 9, dtype=np.uint8)]),
    "lerp of what is far apart": (lambda m, x, y: m.lerp(x, y, 1.0), [np.array([1e20]), np.array([1.0])]),
    "lerp to infinity": (lambda m, x, y: m.lerp(x, y, 0.25), [np.array([1.0]), np.array([INF])]),
    "logit of a limited argument": (lambda m, x: m.logit(x, 0.25), [np.array([-1.0, 0.0, 0.25, 0.5, 0.75, 1.0, 2.0])]),
    "nan_to_num of our own": (lambda m, x: m.nan_to_num(x, 1.0, 2.0, -3.0), [SPECIAL]),
    "isclose with nan": (lambda m, x, y: m.isclose(x, y, 0.1, 0.2, True), [SPECIAL.repeat(16), np.tile(SPECIAL, 16)]),
    "max of an integer and a number": (lambda m, x, y: m.max(x, y), [np.arange(4), np.array(1.5)]),
    "round to tenths": (lambda m, x: m.round(x, decimals=1), [np.array([0.25, 0.35, -0.04, 12.349, INF, NAN])]),
    "round to hundreds": (lambda m, x: m.round(x, decimals=-2), [np.array([50.0, 150.0, -250.0, 49.0])]),
    "addcmul of integers": (lambda m, x, y: m.addcmul(x, y, y, value=2), [np.arange(3), np.arange(3)]),
    "diff of bools": (lambda m, x: m.diff(x, prepend=x[:1]), [np.array([True, False, False])]),
    "diff beyond the end": (lambda m, x: m.diff(x, 5), [np.arange(3)]),
    "norm of a matrix": (lambda m, x: m.norm(x), [np.array([[3.0, 0.0], [0.0, 4.0]])]),
    "in place into an integer": (lambda m, x: (x * 1).floor_divide_(2).pow_(2).remainder_(3), [np.arange(-4, 5)]),
    "logic in place": (lambda m, x, y: (x * 1.0).logical_and_(y), [SPECIAL, SPECIAL[::-1].copy()]),
    "equal of two shapes": (lambda m, x, y: m.equal(x, y), [np.ones(2), np.ones(3)]),
    "equal of two dtypes": (lambda m, x, y: m.equal(x, y), [np.ones(2), np.ones(2, int)]),
}

# Where the gradient is another one by choice, or PyTorch's depends on how it searches:
OTHER_GRADIENTS = {
    "logaddexp of float64", "logcumsumexp of infinite",  # of two equal infinities, half each and not nan
    "xlogy of float64",  # of 0 * log(0), 0 and not nan
    "cumprod of nan", "cumprod of infinite",  # the product of the others, and not what a division leaves
    "kthvalue of ties", "kthvalue of infinite", "kthvalue of zeros", "topk of ties", "topk smallest of ties",
    "norm 0.5 of infinite",
}  # fmt: skip
OTHER_DTYPES = {"square of bool"}  # PyTorch: int64
