"""Reductions."""


from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    array_shapes,
)

import minigrad as mg
from tests.minigrad.ops.cases.case import (
    Case,
    dim_in,
    dims_in,
    nonempty,
    one,
    real,
    separated,
)  # fmt: skip


def _reduction(name, values=real, shapes=one, **extra):
    function = lambda x, dim, keepdim, **more: getattr(mg, name)(x, dim, keepdim=keepdim, **more)
    settings = lambda size: st.fixed_dictionaries({"dim": dims_in(len(size)), "keepdim": st.booleans(), **extra})
    return Case(function, shapes, settings, values)


def _extreme(name):
    """Values along a dim; the indices have no gradient."""
    settings = lambda size: st.fixed_dictionaries({"dim": dim_in(len(size)), "keepdim": st.booleans()})
    sizes = st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    return Case(lambda x, dim, keepdim: getattr(mg, name)(x, dim, keepdim)[0], sizes, settings, separated)


several = st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3))
REDUCE = {
    "sum": _reduction("sum"),
    "mean": _reduction("mean", shapes=st.tuples(nonempty)),
    "amax": _reduction("amax", separated, st.tuples(nonempty)),
    "amin": _reduction("amin", separated, st.tuples(nonempty)),
    "logsumexp": Case(
        mg.logsumexp, st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)),
        lambda size: st.fixed_dictionaries({"dim": dims_in(len(size)).filter(lambda d: d is not None),
                                            "keepdim": st.booleans()}),
    ),
    "var": _reduction("var", separated, several, correction=st.sampled_from([0, 1])),
    "std": _reduction("std", separated, several, correction=st.sampled_from([0, 1])),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "max of all": Case(mg.max, st.tuples(nonempty), values=separated),
    "min of all": Case(mg.min, st.tuples(nonempty), values=separated),
}  # fmt: skip
