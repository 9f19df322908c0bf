"""Comparisons, logic and bits: truth as float64."""

import numpy as np

from tests.oracle.calls.family import Family

CALLS = Family()

INF, NAN = float("inf"), float("nan")
A = np.array([[-2, 0, 3], [5, 0, -1]])
B = np.array([[3, 0, 3]])
SPECIAL = np.array([[0.0, -0.0, 1.5, INF, -INF, NAN], [1.0, NAN, 1.5 + 1e-6, INF, INF, NAN]])

for _name in ("eq", "ne", "lt", "le", "gt", "ge", "greater", "greater_equal", "less", "less_equal", "not_equal"):
    CALLS.whole(_name, lambda m, x, n=_name: (
        getattr(m, n)(m.tensor(A), m.tensor(B)), getattr(m.tensor(SPECIAL[0]), n)(m.tensor(SPECIAL[1])),
        getattr(m, n)(m.round(x), 1), getattr(x, n)(-0.5),
    ), (2, 3))  # fmt: skip
for _name in ("logical_and", "logical_or", "logical_xor"):
    CALLS.whole(_name, lambda m, x, n=_name: (
        getattr(m, n)(m.tensor(A), m.tensor(B)), getattr(m.tensor(SPECIAL[0]), n)(m.tensor(SPECIAL[1])),
        getattr(x.detach() * 1.0, n + "_")(m.round(x) > 0), getattr(m.tensor(A > 0), n + "_")(m.tensor(B)),
    ), (2, 3))  # fmt: skip
CALLS.whole("logical_not", lambda m, x: (
    m.logical_not(m.tensor(A)), m.tensor(SPECIAL).logical_not(), (x > 0).logical_not_(),
    m.round(x.detach()).logical_not_(),
), (2, 3))  # fmt: skip
for _name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    CALLS.whole(_name, lambda m, x, n=_name: (
        getattr(m, n)(m.tensor(A), m.tensor(B)), getattr(m.tensor(A), n)(6), getattr(x > 0, n)(x < 1),
        getattr(m.tensor(A), n + "_")(m.tensor(B)), getattr(x > 0, n + "_")(x < 1),
    ), (2, 3))  # fmt: skip
CALLS.whole("operators on bits", lambda m, x: (
    m.tensor(A) & 6, 6 | m.tensor(A), m.tensor(A) ^ m.tensor(B), ~(x > 0), (x > 0) & (x < 1)), (2, 3))  # fmt: skip
CALLS.whole("bitwise_not", lambda m, x: (m.bitwise_not(m.tensor(A)), (x > 0).bitwise_not()), (2, 3))
for _name in ("isnan", "isinf", "isfinite"):
    CALLS.whole(_name, lambda m, x, n=_name: (
        getattr(m, n)(m.tensor(SPECIAL)), getattr(m.tensor(A), n)(), getattr(m, n)(x)), (2, 3))  # fmt: skip
for _name, _settings in (("isclose", {}), ("isclose equal_nan", {"equal_nan": True}), ("isclose rtol", {"rtol": 1e-7}),
                         ("isclose atol", {"rtol": 0.0, "atol": 0.5})):  # fmt: skip
    CALLS.whole(_name, lambda m, x, s=_settings: (
        m.isclose(m.tensor(SPECIAL[0]), m.tensor(SPECIAL[1]), **s), x.isclose(x + 0.4, **s)), (2, 3))  # fmt: skip
CALLS.whole("allclose", lambda m, x: m.tensor(np.array([
    m.allclose(x, x + 1e-9), x.allclose(x + 1e-3), m.allclose(x, x + 0.1, rtol=0.0, atol=0.2),
    m.allclose(m.tensor(SPECIAL), m.tensor(SPECIAL)), m.allclose(m.tensor(SPECIAL), m.tensor(SPECIAL), equal_nan=True),
])), (2, 3))  # fmt: skip
CALLS.whole("equal", lambda m, x: m.tensor(np.array([
    m.equal(x, x * 1.0), x.equal(x + 1e-9), m.equal(x, x[:1]), m.equal(m.tensor(SPECIAL), m.tensor(SPECIAL))
])), (2, 3))  # fmt: skip
for _name in ("any", "all"):
    CALLS.whole(_name, lambda m, x, n=_name: (
        getattr(m, n)(x > 0), getattr(x > -3, n)(), getattr(m, n)(x > 0.5, 1), getattr(m.tensor(A), n)(0, True),
        getattr(m, n)(m.tensor(SPECIAL), dim=-1), getattr(m, n)(x > 5, (0, 1)), getattr(m, n)(x[:0] > 0, 0),
    ), (3, 4))  # fmt: skip
