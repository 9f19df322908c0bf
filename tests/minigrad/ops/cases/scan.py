"""Scans."""

from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import minigrad as mg
from tests.minigrad.ops.cases.case import Case, dim_in, nonzero, separated, with_dim


def _with_zeros(rng, sizes):
    return [rng.uniform(0.3, 2.0, size) * rng.choice([-1.0, 0.0, 1.0], size) for size in sizes]


def _along(function, values=nonzero):
    """Along a dimension long enough for several levels of the tree."""
    sizes = array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=9)
    return Case(function, st.tuples(sizes), lambda size: st.fixed_dictionaries({"dim": dim_in(len(size))}), values)


def _extreme(name):
    return _along(lambda x, dim: getattr(mg, name)(x, dim).values, separated)


joined = st.sampled_from([((4,), (2,)), ((3, 4), (3, 1)), ((2, 0), (2, 3)), ((1, 5), (1, 5))])
SCAN = {
    "cumsum": _along(mg.cumsum),
    "cumprod": _along(mg.cumprod, _with_zeros),
    "logcumsumexp": _along(mg.logcumsumexp),
    "cummax": _extreme("cummax"),
    "cummin": _extreme("cummin"),
    "diff": with_dim(mg.diff, n=st.integers(0, 3)),
    "diff of what is joined": Case(lambda x, y: mg.diff(x, prepend=y) * 2.0 + mg.diff(x, append=y), joined),
}  # fmt: skip
