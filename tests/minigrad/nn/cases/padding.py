"""Padding."""

from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

from minigrad.nn import functional as F
from tests.minigrad.ops.cases.case import Case


def _some_dims(size):
    """Two numbers for each of some of the last dimensions, cutting off no more than there is."""
    return st.integers(0, len(size)).flatmap(lambda n: st.lists(st.integers(-1, 2), min_size=2 * n, max_size=2 * n))


PADDING = {
    "pad": Case(
        lambda x, pad, value: F.pad(x, pad, value=value), st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=2)),
        lambda size: st.fixed_dictionaries({"pad": _some_dims(size), "value": st.sampled_from([None, 0.0, 1.5])}),
    ),
    **{
        f"pad by {mode}": Case(
            lambda x, pad, mode=mode: F.pad(x, pad, mode),
            st.tuples(array_shapes(min_dims=2, max_dims=3, min_side=3, max_side=4)), names=("pad",),
            settings=lambda size: st.fixed_dictionaries(
                {"pad": st.lists(st.integers(-1, 2), min_size=2, max_size=2).filter(lambda p: sum(p) > -2)}
            ),
        )
        for mode in ("reflect", "replicate", "circular")
    },
}  # fmt: skip
