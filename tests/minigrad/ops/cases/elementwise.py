"""Elementwise operations."""


import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from tests.minigrad.ops.cases.case import (
    Case,
    fixed,
    fractional,
    nonzero,
    one,
    pair,
    positive,
    real,
    separated,
)  # fmt: skip

UNARY = {
    "neg": real, "exp": real, "log": positive, "sqrt": positive, "sin": real, "cos": real, "tanh": real, "erf": real,
    "abs": nonzero, "sign": nonzero, "sigmoid": real, "clone": real, "floor": fractional, "square": real,
    "reciprocal": nonzero, "rsqrt": positive,
}  # fmt: skip
BINARY = {
    "add": real, "sub": real, "mul": real, "div": nonzero, "pow": positive, "maximum": separated, "minimum": separated,
    "clamp_min": separated, "clamp_max": separated,
}  # fmt: skip


def _masked(input, other, seed):
    shapes = np.broadcast_shapes(input.shape, other.shape)
    return mg.Tensor(np.random.default_rng(seed).random(shapes) < 0.5)


ELEMENTWISE = {
    **{name: Case(getattr(mg, name), values=values) for name, values in UNARY.items()},
    **{name: Case(getattr(mg, name), pair, values=values) for name, values in BINARY.items()},
    "remainder": Case(
        lambda x, y: mg.remainder(x * 5.0, 7.0 + y * 0.01), pair,
        values=lambda rng, sizes: [rng.uniform(0.1, 0.9, sizes[0]), rng.uniform(-1, 1, sizes[1])],
    ),
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
        settings=fixed(low=st.sampled_from([None, -0.5]), high=st.sampled_from([0.5, 0.0])),
    ),
    "where": Case(lambda x, y, seed: mg.where(_masked(x, y, seed), x, y), pair, fixed(seed=st.integers(0, 9))),
    "where with a number": Case(
        lambda x, seed: mg.where(_masked(x, x, seed), 2, x), one, fixed(seed=st.integers(0, 9))),
    "masked_fill": Case(lambda x, seed: x.masked_fill(_masked(x, x, seed), -1.5), one, fixed(seed=st.integers(0, 9))),
    "to": Case(lambda x: x.to(mg.float64) * 1.0, names=("double",)),
}  # fmt: skip
