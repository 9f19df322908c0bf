"""Distances and angles between vectors."""

from tests.oracle.calls.family import Family, differentiated_once

CALLS = Family()

for _p in (1.0, 2.0, 3.0, float("inf")):
    CALLS.functional(f"normalize by the {_p}-norm", lambda F, m, x, p=_p: F.normalize(x, p), (3, 4))
    CALLS.functional(
        f"pairwise_distance by the {_p}-norm", lambda F, m, x, y, p=_p: F.pairwise_distance(x, y, p), (3, 4), (3, 4)
    )
CALLS.functional(
    "normalize of zeros", lambda F, m, x: differentiated_once(m, lambda x: F.normalize(x, dim=0), x * 0.0), (3, 2)
)
CALLS.functional("normalize over dims", lambda F, m, x: F.normalize(x, dim=-1) + F.normalize(x, dim=(0, 1)), (3, 2))
CALLS.functional("normalize by a large eps", lambda F, m, x: F.normalize(x, eps=2.0), (4, 3))
CALLS.functional(
    "pairwise_distance kept", lambda F, m, x, y: F.pairwise_distance(x, y, eps=0.1, keepdim=True), (2, 3, 4), (4,)
)
CALLS.functional("cosine_similarity", lambda F, m, x, y: F.cosine_similarity(x, y), (2, 3, 2), (2, 3, 2))
CALLS.functional("cosine_similarity broadcast", lambda F, m, x, y: F.cosine_similarity(x, y, dim=-1), (2, 3, 4), (3, 1))
CALLS.functional("cosine_similarity of fewer dims", lambda F, m, x, y: F.cosine_similarity(x, y, 1), (2, 3), (3,))
CALLS.functional(
    "cosine_similarity of short vectors", lambda F, m, x, y: F.cosine_similarity(x, y, eps=2.5), (3, 3), (3, 3)
)
