"""Activation functions."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import filled
from tests.minigrad.ops.cases.case import Case, dim_in, fixed, nonzero


def _softmax(function):
    return Case(function, st.tuples(filled), lambda size: st.fixed_dictionaries({"dim": dim_in(len(size))}))


ACTIVATION = {
    "relu": Case(F.relu, values=nonzero),
    "gelu": Case(F.gelu),
    "gelu of tanh": Case(F.gelu, settings=fixed(approximate=st.just("tanh")), names=("gelu",)),
    "silu": Case(F.silu),
    "softmax": _softmax(F.softmax),
    "log_softmax": _softmax(F.log_softmax),
}  # fmt: skip
