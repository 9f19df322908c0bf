"""Elementwise operations."""


from tests.oracle.calls.family import INSIDE, POSITIVE, Family

CALLS = Family()

for _name in ("neg", "abs", "sign", "square", "clone", "relu", "nan_to_num"):
    CALLS.call(_name, lambda m, x, name=_name: getattr(m, name)(x), (2, 3))
for _name in ("reciprocal",):
    CALLS.call(_name, lambda m, x, name=_name: getattr(m, name)(x), (2, 3), values=POSITIVE)
for _name in ("add", "sub", "mul", "div", "maximum", "minimum", "logaddexp", "true_divide"):
    CALLS.call(_name, lambda m, x, y, name=_name: getattr(m, name)(x, y), (2, 3), (2, 1))
CALLS.call("pow", lambda m, x, y: m.pow(x, y), (2, 3), (3,), values=POSITIVE)
CALLS.call("pow of numbers", lambda m, x: x**3 + x**2 - x**1 + x**0, (2, 3))
CALLS.call("number to the power", lambda m, x: 2**x, (2, 3))
CALLS.call("scalars", lambda m, x: 2 - x * 3 + 1 / x - (x - 1) / 4 + x % 0.7, (2, 3))
CALLS.call("clamp", lambda m, x: m.clamp(x, -0.5, 1.0), (2, 3))
CALLS.call("clamp at the edges", lambda m, x: m.clamp(x * 0.0 + 1.0, -1.0, 1.0) * x, (2, 3))
CALLS.call("clamp by tensors", lambda m, x, a, b: m.clamp(x, a, b), (2, 3), (3,), (2, 1))
for _name in ("clamp_min", "clamp_max"):
    CALLS.call(_name, lambda m, x, y, name=_name: getattr(m, name)(x, y) + 2.0 * getattr(x, name)(0.25), (2, 3), (3,))
CALLS.call("ties of maximum", lambda m, x: m.maximum(x, x * 1.0) + 2.0 * m.minimum(x * 1.0, x), (2, 3))
CALLS.call("where", lambda m, x, y: m.where(x > 0, x, y), (2, 3), (3,))
CALLS.call("masked_fill", lambda m, x: x.masked_fill(x > 0.5, -1.0), (2, 3))
CALLS.call("lerp", lambda m, x, y, w: m.lerp(x, y, w), (2, 3), (2, 1), (3,))
CALLS.call("lerp by a number", lambda m, x, y: m.lerp(x, y, 0.25) + 2.0 * m.lerp(x, y, 0.75), (2, 3), (2, 3))
CALLS.call("addcmul", lambda m, x, y, z: m.addcmul(x, y, z, value=-0.5) + m.addcmul(x, y, z), (2, 3), (2, 1), (3,))
CALLS.call("addcdiv", lambda m, x, y, z: m.addcdiv(x, y, z, value=-0.5) + m.addcdiv(x, y, z), (2, 3), (2, 1), (3,),
           values=POSITIVE)
CALLS.call("xlogy", lambda m, x, y: m.xlogy(x, y), (2, 3), (2, 1), values=POSITIVE)
CALLS.call("logit", lambda m, x: m.logit(x) + m.logit(x, 0.25), (2, 3), values=INSIDE)
CALLS.call("max of two", lambda m, x, y: m.max(x, y) - 2.0 * m.min(x, other=y), (2, 3), (3,))
CALLS.call("comparisons", lambda m, x, y: ((x > y).to(x.dtype) + (x <= 0).to(x.dtype)) * x, (2, 3), (3,))
CALLS.call("ties of logaddexp", lambda m, x, y: m.logaddexp(x - x.detach(), y - y.detach()), (4,), (4,))
