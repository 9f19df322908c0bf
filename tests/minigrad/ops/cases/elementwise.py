"""Elementwise operations."""


import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import minigrad as mg
from tests.minigrad.ops.cases.case import (
    Case,
    fixed,
    fractional,
    inside,
    nonzero,
    one,
    pair,
    positive,
    real,
    separated,
)  # fmt: skip

UNARY = {
    "neg": real, "abs": nonzero, "sign": nonzero, "clone": real, "square": real, "reciprocal": nonzero,
    "relu": nonzero, "nan_to_num": real, "logit": inside,
}  # fmt: skip
BINARY = {
    "add": real, "sub": real, "mul": real, "div": nonzero, "true_divide": nonzero, "pow": positive,
    "maximum": separated, "minimum": separated, "clamp_min": separated, "clamp_max": separated, "logaddexp": real,
    "xlogy": positive,
}  # fmt: skip
ALIASES = {
    "abs": ("absolute",), "neg": ("negative",), "mul": ("multiply",), "sub": ("subtract",), "div": ("divide",),
    "clamp": ("clip",),
}  # fmt: skip
three = mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3, max_dims=3).map(lambda s: s.input_shapes)


def _masked(input, other, seed):
    shapes = np.broadcast_shapes(input.shape, other.shape)
    return mg.tensor(np.random.default_rng(seed).random(shapes) < 0.5)


ELEMENTWISE = {
    **{name: Case(getattr(mg, name), values=values, names=ALIASES.get(name, ())) for name, values in UNARY.items()},
    **{name: Case(getattr(mg, name), pair, values=values, names=ALIASES.get(name, ()))
       for name, values in BINARY.items()},
    "lerp": Case(mg.lerp, three, values=lambda rng, sizes: [*real(rng, sizes[:2]), *fractional(rng, sizes[2:])]),
    "lerp by a number": Case(lambda x, y, weight: mg.lerp(x, y, weight), pair,
                             fixed(weight=st.sampled_from([0.25, 0.5, 2]))),
    "addcmul": Case(mg.addcmul, three, fixed(value=st.sampled_from([1, -0.5]))),
    "addcdiv": Case(mg.addcdiv, three, fixed(value=st.sampled_from([1, -0.5])), values=nonzero),
    "logit with eps": Case(lambda x, eps: mg.logit(x, eps), one, fixed(eps=st.sampled_from([0.05, -1.0])), inside),
    "pow of a whole number": Case(
        lambda x, exponent: x**exponent, settings=fixed(exponent=st.sampled_from([0, 1, 2, 3, 2.0])), names=("pow",)
    ),
    "pow of a number": Case(
        lambda x, exponent: x**exponent, settings=fixed(exponent=st.sampled_from([-1, 0.5, -2.5])), values=positive,
        names=("pow",),
    ),
    "number to the power": Case(lambda x, base: base**x, settings=fixed(base=st.sampled_from([2, 0.5, 1]))),
    "zero to the power": Case(lambda x: 0.0**x, values=positive, names=("pow",)),
    "operators with numbers": Case(lambda x: 2 - x * 3 + 1 / x - (x - 1) / 4 + 0.5 * x, values=nonzero),
    "clamp": Case(
        lambda x, low, high: mg.clamp(x, low, high), values=separated,
        settings=fixed(low=st.sampled_from([None, -0.5]), high=st.sampled_from([0.5, 0.0])), names=ALIASES["clamp"],
    ),
    "where": Case(lambda x, y, seed: mg.where(_masked(x, y, seed), x, y), pair, fixed(seed=st.integers(0, 9))),
    "where one is positive": Case(lambda x, y: mg.where(x > 0.0, x, y), st.sampled_from([((2, 3),) * 2, ((4,),) * 2]),
                                  values=nonzero, names=("where",)),
    "where with a number": Case(
        lambda x, seed: mg.where(_masked(x, x, seed), 2, x), one, fixed(seed=st.integers(0, 9))),
    "masked_fill": Case(lambda x, seed: x.masked_fill(_masked(x, x, seed), -1.5), one, fixed(seed=st.integers(0, 9))),
    "to": Case(lambda x: x.to(mg.float64) * 1.0, names=("double",)),
}  # fmt: skip
