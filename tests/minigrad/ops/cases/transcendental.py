"""Exponentials, logarithms, roots, trigonometry and their kin."""

import minigrad as mg
from tests.minigrad.ops.cases.case import Case, above_one, nonzero, pair, positive, real, unit

UNARY = {
    "exp": real, "exp2": real, "expm1": real, "log": positive, "log1p": positive, "log2": positive, "log10": positive,
    "sqrt": positive, "rsqrt": positive, "sin": real, "cos": real, "tan": unit, "asin": unit, "acos": unit,
    "atan": real, "sinh": real, "cosh": real, "tanh": real, "asinh": real, "acosh": above_one, "atanh": unit,
    "erf": real, "erfc": real, "sigmoid": real,
}  # fmt: skip
BINARY = {"atan2": nonzero, "hypot": nonzero}
ALIASES = {
    name: (f"arc{name[1:]}",) for name in ("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh")
}

TRANSCENDENTAL = {
    **{name: Case(getattr(mg, name), values=values, names=ALIASES.get(name, ())) for name, values in UNARY.items()},
    **{name: Case(getattr(mg, name), pair, values=values, names=ALIASES.get(name, ()))
       for name, values in BINARY.items()},
}  # fmt: skip
