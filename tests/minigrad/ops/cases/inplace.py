"""In-place operations."""


from hypothesis import strategies as st

from tests.minigrad.ops.cases.case import (
    Case,
    inside,
    nonzero,
    positive,
    real,
    separated,
    shape,
)  # fmt: skip


def _in_place(name, *numbers, scale=1.5):
    """The method called on a fresh copy, and the copy used before and after."""

    def function(x, *others):
        target = x * scale
        before = target.sum() if name in ("add_", "sub_") else 0.0
        result = getattr(target, name)(*others, *numbers)
        assert result is target
        return target * 2.0 + before

    return function


def _augmented(x):
    target = y = x * 1.0
    y **= 2.0
    y %= 0.5
    y //= 2.0
    y += x
    assert y is target
    return y * x


def above_half(rng, sizes):
    """In (0.7, 0.9), and of a second array in (0.4, 0.5); steps of what rounds are elsewhere."""
    low_high = [(0.74, 0.84), (0.45, 0.49)]
    return [rng.uniform(*low_high[i], size) for i, size in enumerate(sizes)]


matrix = st.sampled_from([((2, 3),), ((4, 4),), ((0, 2),), ((2, 1, 3),)])
into = shape.flatmap(lambda s: st.tuples(st.just(s), st.sampled_from([s, (), (1,) * len(s), s[1:], (*s[:-1], 1)])
    .filter(lambda b: len(b) <= len(s))))  # fmt: skip
# Of the in-place forms that are made from operations: where they are smooth (1.5 times the values is changed).
UNARY = {
    **dict.fromkeys(("acosh_", "ceil_", "floor_", "frac_", "round_", "trunc_"), above_half),
    **dict.fromkeys(("log_", "log10_", "log1p_", "log2_", "rsqrt_", "sqrt_"), positive),
    **dict.fromkeys(("abs_", "reciprocal_", "relu_", "sign_"), nonzero),
    **dict.fromkeys(("asinh_", "atan_", "cos_", "cosh_", "erf_", "erfc_", "exp_", "exp2_", "expm1_", "nan_to_num_",
                     "neg_", "sigmoid_", "sin_", "sinh_", "square_", "tanh_"), real),
}  # fmt: skip
INSIDE = ("acos_", "asin_", "atanh_", "logit_", "tan_")
BINARY = {
    **dict.fromkeys(("atan2_", "hypot_"), nonzero),
    **dict.fromkeys(("pow_", "xlogy_"), positive),
    **dict.fromkeys(("clamp_max_", "clamp_min_"), separated),
    **dict.fromkeys(("floor_divide_", "fmod_", "remainder_"), above_half),
}
IN_PLACE = {
    **{name: Case(_in_place(name), values=values) for name, values in UNARY.items()},
    **{name: Case(_in_place(name, scale=1.0), values=inside) for name in INSIDE},
    **{name: Case(_in_place(name), into, values=values) for name, values in BINARY.items()},
    "lerp_": Case(_in_place("lerp_", 0.25), into),
    "addcmul_": Case(lambda x, y: (x * 1.5).addcmul_(y, y * 2.0, value=-0.5), into),
    "addcdiv_": Case(lambda x, y: (x * 1.5).addcdiv_(y, y * 2.0 + 1.0, value=-0.5), into, values=positive),
    "masked_fill_": Case(lambda x: (x * 1.5).masked_fill_(x > 0, -1.0) * x, values=nonzero),
    "cumsum_": Case(lambda x: (x * 1.5).cumsum_(-1), matrix),
    "cumprod_": Case(lambda x: (x * 1.5).cumprod_(-1), matrix),
    "tril_": Case(lambda x: (x * 1.5).tril_(-1), matrix, names=("triu_",)),
    "triu_": Case(lambda x: (x * 1.5).triu_(1), matrix),
    "augmented": Case(_augmented, values=above_half, names=("pow_", "remainder_", "floor_divide_")),
    **{name: Case(_in_place(name), into) for name in ("add_", "sub_", "mul_", "copy_")},
    "div_": Case(_in_place("div_"), into, values=nonzero),
    "add_ of alpha": Case(lambda x, y: (x * 1.0).add_(y, alpha=-0.5), into, names=("add_",)),
    "sub_ of alpha": Case(lambda x, y: (x * 1.0).sub_(y, alpha=3), into, names=("sub_",)),
    "mul_ by a number": Case(_in_place("mul_", 3.0), names=("mul_",)),
    "clamp_": Case(_in_place("clamp_", -0.5, 0.5), values=separated),
    "fill_": Case(_in_place("fill_", 2.0)),
    "zero_": Case(_in_place("zero_")),
}
