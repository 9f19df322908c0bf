"""Sorting, and what is chosen by rank."""

from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.call("sort", lambda m, x: m.sort(x).values * m.sort(x, 0, True).indices, (3, 4))
CALLS.call("stable sort", lambda m, x: m.sort(m.round(x) + x * 0.0, stable=True, dim=0).values * x
           + m.sort(m.round(x), stable=True, dim=0, descending=True).indices, (9, 2))  # fmt: skip
CALLS.call("argsort", lambda m, x: x[m.argsort(x, descending=True)] * x, (6,))
CALLS.call("topk", lambda m, x: m.topk(x, 2, 1).values * m.topk(x, 2, 1, largest=False).indices, (3, 4))
CALLS.call("kthvalue", lambda m, x: m.kthvalue(x, 2, 1, True).values * m.kthvalue(x, 3)[1].unsqueeze(1), (3, 4))
CALLS.call("median", lambda m, x: m.median(x, 1).values * m.median(x, 1).indices + m.median(x), (3, 4))
CALLS.call("median of all with ties", lambda m, x: m.median(m.round(x.detach()) + x * 0.0) * x, (9,))
