"""Distances and angles between vectors."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import away_from, filled
from tests.minigrad.ops.cases.case import Case, dim_in, fixed, separated

_norms = st.sampled_from([1.0, 2.0, 3.0, float("inf")])
_vectors = st.sampled_from([((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((2, 1, 3), (4, 1))])

DISTANCE = {
    "normalize": Case(
        F.normalize, st.tuples(filled), lambda size: st.fixed_dictionaries({"p": _norms, "dim": dim_in(len(size))}),
        lambda rng, sizes: [array + 0.05 for array in separated(rng, sizes)],  # no two magnitudes are equal
    ),
    "normalize by a large eps": Case(
        F.normalize, st.tuples(filled), fixed(dim=st.just(0), eps=st.just(40.0)), away_from(0.0), names=("normalize",)
    ),
    "cosine_similarity": Case(
        F.cosine_similarity, _vectors, fixed(dim=st.just(-1)), away_from(0.0)
    ),
    "pairwise_distance": Case(
        F.pairwise_distance, _vectors, fixed(p=st.sampled_from([1.0, 2.0, 3.0]), keepdim=st.booleans()), separated
    ),
}  # fmt: skip
