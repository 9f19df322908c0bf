"""Dropout."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import seeded
from tests.minigrad.ops.cases.case import Case, fixed, one

NOISE = {
    "dropout": Case(
        seeded(F.dropout), one,
        fixed(seed=st.integers(0, 99), p=st.sampled_from([0.0, 0.3, 0.5, 1.0]), training=st.booleans()),
    ),
}  # fmt: skip
