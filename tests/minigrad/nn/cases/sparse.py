"""Tables of vectors."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import functional as F
from tests.minigrad.ops.cases.case import Case, fixed

SPARSE = {
    "embedding": Case(
        lambda w, seed, padding_idx: F.embedding(
            mg.tensor(np.random.default_rng(seed).integers(0, len(w), (2, 3))), w, padding_idx),
        st.tuples(st.tuples(st.integers(1, 4), st.integers(0, 3))),
        fixed(seed=st.integers(0, 99), padding_idx=st.just(None)),
    ),
}  # fmt: skip
