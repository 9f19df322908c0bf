"""Tables of vectors."""

import numpy as np

from tests.oracle.calls.family import Family, ids

CALLS = Family()

CALLS.functional("embedding", lambda F, m, w: F.embedding(m.tensor(np.array([[0, 3], [3, 1]])), w), (4, 3))
CALLS.functional(
    "embedding with padding",
    lambda F, m, w: F.embedding(m.tensor(np.array([[0, 3], [3, 1]])), w, padding_idx=-1),
    (4, 3),
)
CALLS.functional(
    "one_hot",
    lambda F, m, w: F.one_hot(ids(m, [0, 2], [1, 0])) * w + F.one_hot(ids(m, [0, 2], [1, 0]), 3) * w,
    (2, 2, 3),
)
