"""Exponentials, logarithms, roots, trigonometry and their kin."""

from tests.oracle.calls.family import ABOVE_ONE, POSITIVE, REAL, UNIT, Family

CALLS = Family()

VALUES = {
    POSITIVE: ("log", "log1p", "log2", "log10", "sqrt", "rsqrt"),
    UNIT: ("asin", "acos", "atanh", "tan"),
    ABOVE_ONE: ("acosh",),
    REAL: ("exp", "exp2", "expm1", "sin", "cos", "atan", "sinh", "cosh", "tanh", "asinh", "erf", "erfc", "sigmoid"),
}
for _values, _names in VALUES.items():
    for _name in _names:
        CALLS.call(_name, lambda m, x, name=_name: getattr(m, name)(x), (2, 3), values=_values)
for _name in ("atan2", "hypot"):
    CALLS.call(_name, lambda m, x, y, name=_name: getattr(m, name)(x, y), (2, 3), (2, 1))
CALLS.call("erf far out", lambda m, x: m.erf(x * 3.0), (12,))
CALLS.call("erfc far out", lambda m, x: m.erfc(x) * m.exp(x.detach() ** 2), (24,), values=(-1.0, 5.0))
