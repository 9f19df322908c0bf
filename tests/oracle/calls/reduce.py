"""Reductions."""


from tests.oracle.calls.family import Family

CALLS = Family()

CALLS.call("sum", lambda m, x: m.sum(x), (2, 3))
for _name, _dim in (("one", 1), ("last", -1), ("two", (0, 2))):
    CALLS.call(f"sum over {_name}", lambda m, x, dim=_dim: m.sum(x, dim), (2, 3, 2))
    CALLS.call(f"mean over {_name}", lambda m, x, dim=_dim: m.mean(x, dim, keepdim=True), (2, 3, 2))
    CALLS.call(f"var over {_name}", lambda m, x, dim=_dim: m.var(x, dim), (2, 3, 2))
    CALLS.call(f"std over {_name}", lambda m, x, dim=_dim: m.std(x, dim, correction=0, keepdim=True), (2, 3, 2))
    CALLS.call(f"amax over {_name}", lambda m, x, dim=_dim: m.amax(x, dim), (2, 3, 2))
    CALLS.call(f"amin over {_name}", lambda m, x, dim=_dim: m.amin(x, dim, keepdim=True), (2, 3, 2))
    CALLS.call(f"logsumexp over {_name}", lambda m, x, dim=_dim: m.logsumexp(x, dim), (2, 3, 2))
CALLS.call("mean", lambda m, x: x.mean(), (2, 3))
CALLS.call("var", lambda m, x: x.var(), (2, 3))
CALLS.call("ties of amax", lambda m, x: m.amax(m.floor(x), 0) * 1.0 + m.amax(x * 0.0, 0) * x[0], (4, 3))
CALLS.call("max", lambda m, x: m.max(x) + m.min(x) * 2.0, (2, 3))
CALLS.call("max over a dim", lambda m, x: m.max(x, 1).values * m.max(x, 1).indices, (2, 4))
CALLS.call("min over a dim", lambda m, x: m.min(x, -2, keepdim=True)[0] * 3.0, (2, 4))
CALLS.call("argmax", lambda m, x: x[m.argmax(x, 0), m.argmin(x, 0)], (3, 3))
