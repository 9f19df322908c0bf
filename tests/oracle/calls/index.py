"""Reading and writing by index."""

import numpy as np

from tests.oracle.calls.family import Family, ids

CALLS = Family()

CALLS.call("slices", lambda m, x: x[1:, ::2, None], (3, 4))
CALLS.call("ints", lambda m, x: x[1, -1] * x[0], (3, 4))
CALLS.call("integer index", lambda m, x: x[ids(m, 0, 2, 2)], (3, 4))
CALLS.call("two integer indices", lambda m, x: x[ids(m, 0, 2, 2), ids(m, 1, 1, -1)], (3, 4))
CALLS.call("index between slices", lambda m, x: x[:, ids(m, 0, 1, 0)], (2, 3, 2))
CALLS.call("index of rows and a slice", lambda m, x: x[ids(m, 1, 0), 1:], (2, 3, 2))
CALLS.call("mask", lambda m, x: x[x > 0], (3, 4))
CALLS.call("gather", lambda m, x: m.gather(x, 1, m.tensor(np.array([[0, 2, 2], [1, 1, 0]]))), (2, 3))
CALLS.call("scatter_add", lambda m, x, y: m.scatter_add(x, 0, m.tensor(np.array([[0, 2], [0, 1]])), y), (3, 3), (2, 2))
CALLS.call("index_select", lambda m, x: m.index_select(x, 1, ids(m, 2, 0, 2)), (2, 3))
CALLS.call("index_put", lambda m, x, y: m.index_put(x, (ids(m, 2, 0),), y), (3, 2), (2, 2))
