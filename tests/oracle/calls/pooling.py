"""Pooling."""

from tests.oracle.calls.family import POSITIVE, Family

CALLS = Family()


def _both(found):
    """Values and indices in one tensor."""
    values, indices = found
    return values + 3.0 * indices.to(values.dtype)


CALLS.functional("max_pool1d", lambda F, m, x: _both(F.max_pool1d(x, 3, 2, 1, return_indices=True)), (2, 2, 6))
CALLS.functional("max_pool2d", lambda F, m, x: F.max_pool2d(x, (2, 3), padding=(0, 1)), (2, 2, 4, 5))
CALLS.functional(
    "max_pool2d, every setting",
    lambda F, m, x: _both(F.max_pool2d(x, 2, (2, 1), 1, (1, 2), ceil_mode=True, return_indices=True)), (2, 4, 5),
)  # fmt: skip
CALLS.functional(
    "max_pool3d", lambda F, m, x: _both(F.max_pool3d(x, 2, ceil_mode=True, return_indices=True)), (1, 2, 3, 4, 2)
)
CALLS.functional("avg_pool1d", lambda F, m, x: F.avg_pool1d(x, 3, 2, 1), (2, 2, 6))
CALLS.functional("avg_pool1d, inside", lambda F, m, x: F.avg_pool1d(x, 3, 2, 1, True, False), (2, 6))
CALLS.functional("avg_pool2d", lambda F, m, x: F.avg_pool2d(x, (3, 2), 2, (1, 0), ceil_mode=True), (2, 2, 4, 5))
CALLS.functional("avg_pool2d, divided", lambda F, m, x: F.avg_pool2d(x, 2, 1, 1, divisor_override=3), (2, 3, 4))
CALLS.functional(
    "avg_pool3d", lambda F, m, x: F.avg_pool3d(x, 2, 2, 1, ceil_mode=True, count_include_pad=False), (1, 2, 3, 2, 3)
)
for _norm in (1.0, 2.0, 3):
    CALLS.functional(f"lp_pool1d, {_norm}", lambda F, m, x, p=_norm: F.lp_pool1d(x, p, 2), (2, 2, 5), values=POSITIVE)
    CALLS.functional(
        f"lp_pool2d, {_norm}", lambda F, m, x, p=_norm: F.lp_pool2d(x, p, 2, 1, True), (2, 3, 3), values=POSITIVE
    )
    CALLS.functional(
        f"lp_pool3d, {_norm}", lambda F, m, x, p=_norm: F.lp_pool3d(x, p, 2), (2, 2, 3, 2), values=POSITIVE
    )
CALLS.functional("lp_pool2d, largest", lambda F, m, x: F.lp_pool2d(x, float("inf"), 2), (2, 4, 5))
CALLS.functional("lp_pool2d, smallest", lambda F, m, x: F.lp_pool2d(x, -float("inf"), 2), (2, 4, 5))
CALLS.functional(
    "adaptive_max_pool1d", lambda F, m, x: _both(F.adaptive_max_pool1d(x, 3, return_indices=True)), (2, 2, 7)
)
CALLS.functional(
    "adaptive_max_pool2d", lambda F, m, x: _both(F.adaptive_max_pool2d(x, (2, None), return_indices=True)), (2, 5, 4)
)
CALLS.functional(
    "adaptive_max_pool3d", lambda F, m, x: _both(F.adaptive_max_pool3d(x, (2, 1, 3), True)), (1, 2, 3, 2, 4)
)
CALLS.functional("adaptive_avg_pool1d", lambda F, m, x: F.adaptive_avg_pool1d(x, 5), (2, 2, 3))
CALLS.functional("adaptive_avg_pool2d", lambda F, m, x: F.adaptive_avg_pool2d(x, (2, 3)), (1, 2, 4, 5))
CALLS.functional("adaptive_avg_pool2d, one", lambda F, m, x: F.adaptive_avg_pool2d(x, (None, 1)), (2, 4, 5))
CALLS.functional("adaptive_avg_pool3d", lambda F, m, x: F.adaptive_avg_pool3d(x, 2), (2, 3, 2, 4))
for _n, _size in ((1, (1, 2, 5)), (2, (1, 2, 4, 5)), (3, (1, 1, 2, 3, 4))):
    CALLS.functional(
        f"max_unpool{_n}d",
        lambda F, m, x, n=_n: getattr(F, f"max_unpool{n}d")(
            *getattr(F, f"max_pool{n}d")(x, 2, return_indices=True), 2, output_size=tuple(x.shape)
        ),
        _size,
    )
