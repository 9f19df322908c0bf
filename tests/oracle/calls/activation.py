"""Activation functions that are smooth, and those over a dimension."""

from tests.oracle.calls.family import Family

CALLS = Family()

for _name in ("silu", "softplus", "logsigmoid", "mish", "softsign", "tanhshrink"):
    CALLS.functional(_name, lambda F, m, x, name=_name: getattr(F, name)(x), (2, 3))
    CALLS.functional(f"{_name} far out", lambda F, m, x, name=_name: getattr(F, name)(x * 200.0), (9,))
CALLS.functional("gelu", lambda F, m, x: F.gelu(x), (2, 3))
CALLS.functional("gelu of tanh", lambda F, m, x: F.gelu(x, approximate="tanh"), (2, 3))
CALLS.functional("softplus in part", lambda F, m, x: F.softplus(x, 3.0, threshold=2.0), (3, 5))
CALLS.functional("softmax", lambda F, m, x: F.softmax(x, 1), (2, 3))
CALLS.functional("softmax over the first dim", lambda F, m, x: F.softmax(x * 400.0, dim=0), (2, 3))
CALLS.functional("softmax in another dtype", lambda F, m, x: F.softmax(x.float(), 1, dtype=m.float64), (2, 3))
CALLS.functional("log_softmax", lambda F, m, x: F.log_softmax(x * 400.0, -1), (2, 3))
CALLS.functional("log_softmax in another dtype", lambda F, m, x: F.log_softmax(x.float(), 1, dtype=m.float64), (2, 3))
CALLS.functional("softmin", lambda F, m, x: F.softmin(x, 0), (3, 3))
CALLS.functional("softmin in another dtype", lambda F, m, x: F.softmin(x.float(), 0, dtype=m.float64), (3, 3))
CALLS.functional("glu", lambda F, m, x: F.glu(x) * F.glu(x * 2.0, -1), (3, 4))
CALLS.functional("glu over the first dim", lambda F, m, x: F.glu(x, dim=0), (4, 3))
CALLS.functional("silu in place", lambda F, m, x: F.silu(x * 2.0, inplace=True) * F.mish(x * 1.0, True), (3, 4))
CALLS.functional("gated at zero", lambda F, m, x: F.softplus(x * 0.0) + F.logsigmoid(x * 0.0), (3,))
