"""Scans."""

from tests.oracle.calls.family import Family

CALLS = Family()

for _name in ("cumsum", "cumprod", "logcumsumexp"):
    for _dim, _size in ((0, (7,)), (-1, (2, 8)), (1, (2, 9, 2))):
        CALLS.call(f"{_name} of {len(_size)} dims", lambda m, x, name=_name, dim=_dim: getattr(m, name)(x, dim), _size)
CALLS.call("cumprod with zeros", lambda m, x: m.cumprod(x * (x.detach().abs() > 0.7), 1), (3, 7))
for _name in ("cummax", "cummin"):
    CALLS.call(_name, lambda m, x, name=_name: getattr(m, name)(x, 1).values * getattr(m, name)(x, -1)[1], (2, 9))
    CALLS.call(f"ties of {_name}", lambda m, x, name=_name: getattr(m, name)(x.detach().round() + x * 0.0, 0)[0], (9,))
CALLS.call("diff", lambda m, x: m.diff(x * x, 2, 0), (5, 2))
CALLS.call("diff of what is joined", lambda m, x, y: m.diff(x, prepend=y, append=x * y), (2, 3), (2, 1))
