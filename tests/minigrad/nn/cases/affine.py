"""Linear and bilinear maps."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.ops.cases.case import Case, shape

AFFINE = {
    "linear": Case(
        F.linear, st.tuples(shape, st.integers(0, 3), st.integers(0, 3)).map(
            lambda s: ((*s[0], s[1]), (s[2], s[1]), (s[2],))),
    ),
    "linear without bias": Case(
        F.linear, st.tuples(shape, st.integers(0, 3), st.integers(0, 3)).map(
            lambda s: ((*s[0], s[1]), (s[2], s[1]))), names=("linear",),
    ),
    "bilinear": Case(
        F.bilinear, st.tuples(shape, *[st.integers(0, 3)] * 3).map(
            lambda s: ((*s[0], s[1]), (*s[0], s[2]), (s[3], s[1], s[2]), (s[3],))),
    ),
}  # fmt: skip
