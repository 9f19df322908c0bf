"""In-place operations."""


from tests.oracle.calls.family import ABOVE_ONE, INSIDE, POSITIVE, REAL, Family

CALLS = Family()

def _in_place(m, x, y):
    z = x * 1.0
    z.add_(y, alpha=2)
    z.mul_(y)
    z.sub_(x).div_(3.0)
    z[0] = y[1] * x[0]
    z[:, 1].sum()
    z.clamp_(-1.5, 1.5)
    return z


CALLS.call("in place", _in_place, (2, 3), (2, 3))
CALLS.call("filled in place", lambda m, x: (x * 1.0).fill_(2.0) + (x * 2.0).zero_() + (x * 3.0).copy_(x[0]), (2, 3))


def _in_place_of(name, *numbers, scale=1.5):
    return lambda m, x, *others: getattr(x * scale, name)(*others, *numbers) * x


_UNARY = {
    POSITIVE: ("ceil_", "floor_", "frac_", "log_", "log10_", "log1p_", "log2_", "round_", "rsqrt_", "sqrt_", "trunc_"),
    REAL: ("abs_", "atan_", "cos_", "cosh_", "erf_", "erfc_", "exp_", "exp2_", "expm1_", "nan_to_num_", "neg_",
           "reciprocal_", "relu_", "sigmoid_", "sign_", "sin_", "sinh_", "square_", "tanh_"),
}  # fmt: skip
for _values, _names in _UNARY.items():
    for _name in _names:
        CALLS.call(_name, _in_place_of(_name), (2, 3), values=_values)
for _name in ("acos_", "asin_", "logit_", "tan_"):
    CALLS.call(_name, _in_place_of(_name, scale=1.0), (2, 3), values=INSIDE)
for _name in ("atan2_", "clamp_max_", "clamp_min_", "fmod_", "hypot_", "pow_", "remainder_", "xlogy_"):
    CALLS.call(_name, _in_place_of(_name), (2, 3), (2, 3), values=POSITIVE)
CALLS.call("lerp_", _in_place_of("lerp_", 0.25), (2, 3), (3,))
CALLS.call("addcmul_", lambda m, x, y: (x * 1.5).addcmul_(y, x, value=-0.5), (2, 3), (3,))
CALLS.call("addcdiv_", lambda m, x, y: (x * 1.5).addcdiv_(y, x, value=-0.5), (2, 3), (3,), values=POSITIVE)
CALLS.call("masked_fill_", lambda m, x: (x * 1.5).masked_fill_(x > 0.5, -1.0) * x, (2, 3))
CALLS.call("tril_", lambda m, x: (x * 1.5).tril_(-1) + (x * 2.0).triu_(1), (3, 3))
CALLS.call("cumsum_", lambda m, x: (x * 1.5).cumsum_(1) + (x * 2.0).cumprod_(0), (3, 3))
CALLS.call("div_ rounded", lambda m, x: (x * 4.0).div_(0.7, rounding_mode="trunc") * x, (3, 3))
# Of these PyTorch has no gradient.
for _name, _values in (("asinh_", REAL), ("acosh_", ABOVE_ONE), ("atanh_", INSIDE)):
    CALLS.call(_name, lambda m, x, name=_name: getattr(x.detach() * 1.0, name)() * x, (2, 3), values=_values)
CALLS.call("floor_divide_", lambda m, x, y: (x.detach() * 4.0).floor_divide_(y.detach()) * x, (2, 3), (2, 3))
