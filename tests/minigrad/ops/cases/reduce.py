"""Reductions."""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    array_shapes,
)

import minigrad as mg
from tests.minigrad.ops.cases.case import (
    Case,
    dim_in,
    dimensional,
    dims_in,
    fixed,
    nonempty,
    one,
    pair,
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


def _with_zeros(rng, sizes):
    """Some entries exactly 0."""
    return [rng.uniform(0.3, 2.0, size) * rng.choice([-1.0, 0.0, 1.0], size) for size in sizes]


def _apart(rng, sizes):
    """No two magnitudes nearer than 1/4, none below 1/2."""
    total = math.prod(sizes[0])
    return [(rng.permutation(np.arange(total) * 0.25 + 0.5) * rng.choice([-1.0, 1.0], total)).reshape(sizes[0])]


def _pairs(name):
    """Both of a pair of results."""

    def function(x, **settings):
        first, second = getattr(mg, name)(x, **settings)
        return first + 2.0 * second

    return function


several = st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3))
REDUCE = {
    "sum": _reduction("sum"),
    "sum of a square": Case(
        mg.sum, st.just(((3, 3),)), fixed(dim=st.sampled_from([0, 1, -1, -2]), keepdim=st.booleans()), names=("sum",)),
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
    "max of two": Case(lambda x, y: mg.max(x, y) + 2.0 * mg.min(x, other=y), pair, values=separated),
    "prod": Case(mg.prod, st.tuples(dimensional), lambda size: st.fixed_dictionaries(
        {"dim": st.none() | dim_in(len(size)), "keepdim": st.booleans()}), _with_zeros),
    "prod of many": Case(mg.prod, st.tuples(array_shapes(min_dims=1, max_dims=1, min_side=4, max_side=9)),
                         values=_with_zeros),
    "nansum": _reduction("nansum"),
    "nanmean": _reduction("nanmean", shapes=st.tuples(nonempty)),
    "var_mean": Case(_pairs("var_mean"), several, lambda size: st.fixed_dictionaries(
        {"dim": dims_in(len(size)), "correction": st.sampled_from([0, 1]), "keepdim": st.booleans()}), separated),
    "std_mean": Case(_pairs("std_mean"), several, lambda size: st.fixed_dictionaries(
        {"dim": dims_in(len(size)), "correction": st.sampled_from([0, 1]), "keepdim": st.booleans()}), separated),
    "aminmax": Case(_pairs("aminmax"), st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)),
                    lambda size: st.fixed_dictionaries({"dim": st.none() | dim_in(len(size)),
                                                        "keepdim": st.booleans()}), separated),
    "norm": Case(
        lambda x, p, dim, keepdim: mg.norm(x, p, dim, keepdim), several,
        lambda size: st.fixed_dictionaries({"p": st.sampled_from(["fro", 0.5, 1, 1.5, 2, 3, math.inf, -math.inf, -1]),
                                            "dim": dims_in(len(size)), "keepdim": st.booleans()}), _apart),
    "max of all": Case(mg.max, st.tuples(nonempty), values=separated),
    "min of all": Case(mg.min, st.tuples(nonempty), values=separated),
}  # fmt: skip
