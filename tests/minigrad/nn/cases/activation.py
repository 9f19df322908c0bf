"""Activation functions that are smooth, and those over a dimension."""

from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import away_from, filled, seeded
from tests.minigrad.ops.cases.case import Case, dim_in, fixed


def _softmax(function):
    dtypes = st.sampled_from([None, mg.float64])
    return Case(
        function, st.tuples(filled), lambda size: st.fixed_dictionaries({"dim": dim_in(len(size)), "dtype": dtypes})
    )


ACTIVATION = {
    "gelu": Case(F.gelu),
    "gelu of tanh": Case(F.gelu, settings=fixed(approximate=st.just("tanh")), names=("gelu",)),
    **{
        function.__name__: Case(function)
        for function in (F.silu, F.softplus, F.logsigmoid, F.mish, F.softsign, F.tanhshrink)
    },
    "softplus in part": Case(
        F.softplus, settings=fixed(beta=st.just(2.0), threshold=st.just(3.0)), values=away_from(1.5),
        names=("softplus",),
    ),
    "softmax": _softmax(F.softmax),
    "log_softmax": _softmax(F.log_softmax),
    "softmin": _softmax(F.softmin),
    "gumbel_softmax": Case(
        seeded(F.gumbel_softmax), st.tuples(filled),
        lambda size: st.fixed_dictionaries(
            {"seed": st.integers(0, 99), "dim": dim_in(len(size)), "tau": st.sampled_from([0.7, 2.0])}
        ),
    ),
    "glu": Case(
        F.glu, st.tuples(filled).map(lambda s: ((2 * s[0][0], *s[0][1:]),)),
        lambda size: st.fixed_dictionaries({"dim": st.sampled_from([0, -len(size)])}),
    ),
}  # fmt: skip
