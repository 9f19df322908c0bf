"""Sorting, and what is chosen by rank."""

from hypothesis import strategies as st

import minigrad as mg
from tests.minigrad.ops.cases.case import Case, dim_in, dimensional, nonempty, separated


def _values(name, **extra):
    return Case(lambda x, **settings: getattr(mg, name)(x, **settings).values, st.tuples(dimensional),
                lambda size: st.fixed_dictionaries({"dim": dim_in(len(size)), **extra}), separated)  # fmt: skip


def _ranked(name, lowest):
    """Of a rank that the dimension has."""

    def settings(size):
        dims = [dim for dim in range(-len(size), len(size)) if size[dim] >= lowest]
        return st.sampled_from(dims).flatmap(
            lambda dim: st.fixed_dictionaries({"dim": st.just(dim), "k": st.integers(lowest, size[dim])})
        )

    sizes = dimensional.filter(lambda size: max(size) >= lowest)
    return Case(lambda x, **chosen: getattr(mg, name)(x, **chosen).values, st.tuples(sizes), settings, separated)


filled = st.tuples(nonempty.filter(len))
ORDERING = {
    "sort": _values("sort", descending=st.booleans()),
    "reading by argsort": Case(lambda x: x[mg.argsort(x)], st.tuples(st.tuples(st.integers(0, 5))), values=separated),
    "topk": _ranked("topk", 0),
    "kthvalue": _ranked("kthvalue", 1),
    "median": Case(
        lambda x, dim, keepdim: mg.median(x, dim, keepdim).values, filled,
        lambda size: st.fixed_dictionaries({"dim": dim_in(len(size)), "keepdim": st.booleans()}), separated),
    "median of all": Case(mg.median, st.tuples(nonempty), values=separated),
}  # fmt: skip
