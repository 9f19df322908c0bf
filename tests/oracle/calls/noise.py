"""Dropout, where it is certain: of nothing, of everything, and in evaluation."""

from tests.oracle.calls.family import Family

CALLS = Family()

_SIZES = {"dropout": (2, 3), "alpha_dropout": (2, 3), "feature_alpha_dropout": (2, 3, 2), "dropout1d": (2, 3, 2),
          "dropout2d": (2, 3, 2, 2), "dropout3d": (2, 2, 1, 2, 2)}  # fmt: skip
for _name, _size in _SIZES.items():
    CALLS.functional(f"{_name} in evaluation", (
        lambda F, m, x, n=_name: getattr(F, n)(x * x, 0.7, training=False)), _size)  # fmt: skip
    CALLS.functional(f"{_name} of nothing", lambda F, m, x, n=_name: getattr(F, n)(x * x, 0.0, True), _size)
    if "alpha" not in _name:
        CALLS.functional(f"{_name} of everything", (
            lambda F, m, x, n=_name: getattr(F, n)(x * x, 1.0, training=True) + x * x), _size)  # fmt: skip
