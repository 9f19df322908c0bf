"""Tables of vectors."""

import numpy as np

from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.functional("embedding", lambda F, m, w: F.embedding(m.tensor(np.array([[0, 3], [3, 1]])), w), (4, 3))
CALLS.functional(
    "embedding with padding",
    lambda F, m, w: F.embedding(m.tensor(np.array([[0, 3], [3, 1]])), w, padding_idx=-1),
    (4, 3),
)
