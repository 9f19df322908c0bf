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

_zero = lambda x: x * (x.detach().abs() > 0.7)  # some factors 0: one in a row, or several
CALLS.call("prod", lambda m, x: m.prod(x) + m.prod(_zero(x)), (7,))
for _dim in (0, -1):
    CALLS.call(f"prod over {_dim}", lambda m, x, dim=_dim: m.prod(x, dim, keepdim=True) * x, (3, 5))
    CALLS.call(f"prod over {_dim} with zeros", lambda m, x, dim=_dim: m.prod(_zero(x), dim), (4, 5))
CALLS.call("nansum", lambda m, x: m.nansum(m.where(x > 0, x * x, float("nan")), 1), (3, 4))
CALLS.call("nanmean", lambda m, x: m.nanmean(m.where(x > 0, x * x, float("nan")), 1, keepdim=True), (3, 4))
CALLS.call("var_mean", lambda m, x: m.var_mean(x, 1)[0] * m.var_mean(x, 1)[1], (3, 4))
CALLS.call("std_mean", lambda m, x: m.std_mean(x, (0, 2))[0] * m.std_mean(x, (0, 2), correction=0)[1], (3, 4, 2))
CALLS.call("aminmax", lambda m, x: m.aminmax(x, dim=1).min * m.aminmax(x, dim=1).max + m.aminmax(x).max, (3, 4))
CALLS.call("norm of all", lambda m, x: m.norm(x) * m.norm(x, dim=1, keepdim=True), (3, 4))
for _p in (0, 0.5, 1, 1.5, 2, 3, float("inf"), -float("inf"), -1):
    CALLS.call(f"norm {_p}", lambda m, x, p=_p: m.norm(x, p, 1) * x[:, 0], (3, 4))
    CALLS.call(f"norm {_p} of two dims", lambda m, x, p=_p: m.norm(x, p, (0, -1), True) * x, (3, 2, 4))
CALLS.call("count_nonzero", lambda m, x: m.count_nonzero(m.round(x), 1) * x[:, 0], (3, 4))
