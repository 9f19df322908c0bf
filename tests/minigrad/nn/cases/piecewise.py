"""Activation functions with kinks."""

import numpy as np
from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import away_from, seeded
from tests.minigrad.ops.cases.case import Case, fixed, shape

_zero = away_from(0.0)


def _slopes(size, numbers):
    """An input, and slopes for `prelu`: one, or one per channel."""
    return size, (size[1],) if len(size) > 1 and not numbers else (1,)


PIECEWISE = {
    "relu": Case(F.relu, values=_zero),
    "relu6": Case(F.relu6, values=away_from(0.0, 6.0, low=-2.0, high=8.0)),
    "leaky_relu": Case(F.leaky_relu, values=_zero, settings=fixed(negative_slope=st.sampled_from([0.01, 0.5, -1.0]))),
    "rrelu": Case(
        seeded(F.rrelu), values=_zero,
        settings=fixed(seed=st.integers(0, 99), lower=st.just(0.2), upper=st.just(0.6), training=st.booleans()),
    ),
    "prelu": Case(F.prelu, st.tuples(shape, st.booleans()).map(lambda s: _slopes(*s)), values=_zero),
    "elu": Case(F.elu, values=_zero, settings=fixed(alpha=st.sampled_from([1.0, 0.4]))),
    "selu": Case(F.selu, values=_zero),
    "celu": Case(F.celu, values=_zero, settings=fixed(alpha=st.sampled_from([1.0, 2.5]))),
    "threshold": Case(F.threshold, values=away_from(0.5), settings=fixed(threshold=st.just(0.5), value=st.just(9.0))),
    "hardtanh": Case(
        F.hardtanh, values=away_from(-1.0, 2.0), settings=fixed(min_val=st.just(-1.0), max_val=st.just(2.0))
    ),
    "hardsigmoid": Case(F.hardsigmoid, values=away_from(-3.0, 3.0)),
    "hardswish": Case(F.hardswish, values=away_from(-3.0, 3.0)),
    "softshrink": Case(F.softshrink, values=away_from(-0.5, 0.5, low=-1.0, high=1.0)),
    "hardshrink": Case(F.hardshrink, values=away_from(-0.5, 0.5, low=-1.0, high=1.0)),
    "elu far out": Case(F.elu, values=lambda rng, sizes: [np.full(size, -30.0) for size in sizes], names=("elu",)),
}  # fmt: skip
