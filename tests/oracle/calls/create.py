"""New tensors, casts, and questions about dtypes and memory."""

import numpy as np

from tests.oracle.calls.family import Family

CALLS = Family()


def _types(m):
    return [getattr(m, name) for name in ("bool", "int32", "int64", "float16", "float32", "float64")]


CALLS.whole("filled", lambda m, x: (
    m.zeros(2, 3), m.ones((2,), dtype=m.int64), m.full((2, 2), 1.5), m.full((), True), m.eye(2, 3), m.eye(2),
    m.zeros_like(x), m.ones_like(x, dtype=m.int32), m.full_like(x, -2.5), m.full_like(m.zeros(2, dtype=m.int64), 3),
    m.empty(2, 0), m.empty_like(x[:0]),
), (2, 3))  # fmt: skip
CALLS.whole("ranges", lambda m, x: (
    m.arange(5), m.arange(2, 9, 3), m.arange(5, 0, -2), m.arange(0.0, 1.0, 0.25), m.arange(3, dtype=m.float64),
    m.linspace(-1, 2, 7, dtype=m.float64), m.linspace(3, 3, 1, dtype=m.float64), m.linspace(0, 1, 0),
    m.logspace(-1, 2, 4, dtype=m.float64), m.logspace(0, 3, 4, 2.0, dtype=m.float64),
), ())  # fmt: skip
CALLS.whole("triangles of indices", lambda m, x: (
    m.tril_indices(3, 4), m.tril_indices(3, 2, -1), m.triu_indices(3, 4, 1), m.triu_indices(2, 2, -5)), ())  # fmt: skip
CALLS.whole("new from old", lambda m, x: (
    x.new_zeros(2), x.new_ones((1, 2)), x.new_full((2,), 3), x.new_tensor([1, 2]), x.new_empty(0, 3),
    m.as_tensor(np.arange(3.0)), m.as_tensor([1, 2]), m.as_tensor(x.detach()),
), (2,))  # fmt: skip
CALLS.whole("dtypes of what is new", lambda m, x: m.tensor(np.array([
    [made.dtype == dtype for dtype in _types(m)] for made in (
        m.zeros(1), m.ones(1), m.full((1,), 2), m.full((1,), 2.0), m.full((1,), True), m.eye(1), m.arange(2),
        m.arange(2.0), m.linspace(0, 1, 2), x.new_zeros(1), m.zeros_like(x), m.as_tensor([True]), m.as_tensor([1]),
        m.as_tensor([1.0]), m.tril_indices(2, 2), m.as_tensor(np.float32(1)),
    )
])), ())  # fmt: skip
CALLS.whole("promotion", lambda m, x: m.tensor(np.array([
    [m.promote_types(a, b) == c for c in _types(m)] + [m.can_cast(a, b)] for a in _types(m) for b in _types(m)
])), ())  # fmt: skip
CALLS.whole("result_type", lambda m, x: m.tensor(np.array([
    [m.result_type(m.zeros(size, dtype=a), b) == c for c in _types(m)]
    for a in _types(m) for size in ((), (2,)) for b in (
        True, 2, 2.0, m.ones(2, dtype=m.int32), m.zeros((), dtype=m.float32)
    )
])), ())  # fmt: skip
CALLS.whole("questions", lambda m, x: m.tensor(np.array([
    m.numel(x), x.nelement(), x.element_size(), x.float().element_size(), x.stride(0), *x.T.stride(), m.is_tensor(x),
    m.is_tensor(2), m.is_floating_point(x), x.long().is_floating_point(), x.is_contiguous(), x.T.is_contiguous(),
])), (2, 3))  # fmt: skip
CALLS.whole("casts", lambda m, x: (
    x.half(), x.float(), x.double(), x.int(), x.long(), m.round(x).bool(), (x > 0).float(), x.type_as(m.ones(1)),
    x.to(m.int32), x.cpu().to(x.device), x.to("cpu", m.float32).to(x.device), x.to(m.ones(1, dtype=m.float16)),
), (2, 3))  # fmt: skip
CALLS.call("casts there and back", lambda m, x: (
    (x * x).float().double() + x.to(m.float32).to(m.float64) + x.half().type_as(x)
    + x.cpu().to(x.device) * x.double() * x.to(x)
).float().to(x.dtype) * m.tensor(0.5).to(m.float64), (2, 3))  # fmt: skip
