"""Elementwise operations."""


from tests.oracle.calls.family import POSITIVE, Family

CALLS = Family()

for _name in ("neg", "exp", "sin", "cos", "tanh", "erf", "abs", "sign", "sigmoid", "floor", "square", "clone"):
    CALLS.call(_name, lambda m, x, name=_name: getattr(m, name)(x), (2, 3))
for _name in ("log", "sqrt", "rsqrt", "reciprocal"):
    CALLS.call(_name, lambda m, x, name=_name: getattr(m, name)(x), (2, 3), values=POSITIVE)
for _name in ("add", "sub", "mul", "div", "maximum", "minimum", "remainder"):
    CALLS.call(_name, lambda m, x, y, name=_name: getattr(m, name)(x, y), (2, 3), (2, 1))
CALLS.call("erf far out", lambda m, x: m.erf(x * 3.0), (12,))
CALLS.call("pow", lambda m, x, y: m.pow(x, y), (2, 3), (3,), values=POSITIVE)
CALLS.call("pow of numbers", lambda m, x: x**3 + x**2 - x**1 + x**0, (2, 3))
CALLS.call("number to the power", lambda m, x: 2**x, (2, 3))
CALLS.call("scalars", lambda m, x: 2 - x * 3 + 1 / x - (x - 1) / 4 + x % 0.7, (2, 3))
CALLS.call("clamp", lambda m, x: m.clamp(x, -0.5, 1.0), (2, 3))
CALLS.call("clamp at the edges", lambda m, x: m.clamp(x * 0.0 + 1.0, -1.0, 1.0) * x, (2, 3))
CALLS.call("clamp by tensors", lambda m, x, a, b: m.clamp(x, a, b), (2, 3), (3,), (2, 1))
CALLS.call("ties of maximum", lambda m, x: m.maximum(x, x * 1.0) + 2.0 * m.minimum(x * 1.0, x), (2, 3))
CALLS.call("where", lambda m, x, y: m.where(x > 0, x, y), (2, 3), (3,))
CALLS.call("masked_fill", lambda m, x: x.masked_fill(x > 0.5, -1.0), (2, 3))
CALLS.call("floor_divide", lambda m, x: m.floor_divide(x.detach(), m.ones_like(x) * 0.7) * x, (2, 3))
CALLS.call("comparisons", lambda m, x, y: ((x > y).to(x.dtype) + (x <= 0).to(x.dtype)) * x, (2, 3), (3,))
