"""Linear and bilinear maps."""

from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.functional("linear", lambda F, m, x, w, b: F.linear(x, w, b), (2, 2, 3), (4, 3), (4,))
CALLS.functional("linear of a vector", lambda F, m, x, w: F.linear(x, w), (3,), (4, 3))
CALLS.functional("bilinear", lambda F, m, x, y, w, b: F.bilinear(x, y, w, b), (2, 2, 3), (2, 2, 2), (4, 3, 2), (4,))
CALLS.functional("bilinear of vectors", lambda F, m, x, y, w: F.bilinear(x, y, w), (3,), (2,), (2, 3, 2))
