"""Rounding, and the divisions that round."""

from tests.oracle.calls.family import Family

CALLS = Family()

for _name in ("floor", "ceil", "trunc", "round", "frac"):
    CALLS.call(_name, lambda m, x, name=_name: getattr(m, name)(x * 3.0) * x, (2, 5))
CALLS.call("round to decimals", lambda m, x: (m.round(x, decimals=2) + m.round(x * 50.0, decimals=-1)) * x, (2, 5))
for _name in ("remainder", "fmod"):
    CALLS.call(_name, lambda m, x, y, name=_name: getattr(m, name)(x * 4.0, y), (4, 3), (4, 1))
for _mode in ("trunc", "floor"):
    CALLS.call(f"{_mode} of a quotient", lambda m, x, y, mode=_mode: m.div(x * 4.0, y, rounding_mode=mode) * x,
               (4, 3), (4, 1))  # fmt: skip
CALLS.call("floor_divide", lambda m, x: m.floor_divide(x.detach(), m.ones_like(x) * 0.7) * x, (2, 3))
