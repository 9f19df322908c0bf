"""Losses."""

import numpy as np

from tests.oracle.calls.family import Family, ids

CALLS = Family()

CALLS.functional("mse_loss", lambda F, m, x, y: F.mse_loss(x, y), (2, 3), (2, 3))
CALLS.functional("mse_loss summed", lambda F, m, x, y: F.mse_loss(x, y, reduction="sum"), (2, 3), (2, 3))
for _reduction in ("mean", "sum", "none"):
    for _smoothing in (0.0, 0.1):
        _options = {"reduction": _reduction, "label_smoothing": _smoothing}
        _title = f"{_reduction}, smoothing {_smoothing}"
        CALLS.functional(
            f"cross_entropy, {_title}",
            lambda F, m, x, o=_options: F.cross_entropy(x, ids(m, 1, 0, 2), **o), (3, 4),
        )  # fmt: skip
        CALLS.functional(
            f"cross_entropy, weights, ignoring, {_title}",
            lambda F, m, x, w, o=_options: F.cross_entropy(
                x, ids(m, 1, 2, 0, 1), (w * w).detach(), ignore_index=2, **o
            ),
            (4, 3), (3,),
        )  # fmt: skip
        CALLS.functional(
            f"cross_entropy of a distribution, {_title}",
            lambda F, m, x, y, o=_options: F.cross_entropy(x, F.softmax(y, 1), **o), (2, 3, 2), (2, 3, 2),
        )  # fmt: skip
CALLS.functional(
    "cross_entropy of images",
    lambda F, m, x: F.cross_entropy(x, m.tensor(np.array([[1, -100], [0, 2]])), label_smoothing=0.2), (2, 3, 2),
)  # fmt: skip
CALLS.functional("cross_entropy of one", lambda F, m, x: F.cross_entropy(x, m.tensor(np.array(2))), (4,))
for _reduction in ("mean", "sum", "none"):
    for _name, _settings in (
        ("l1_loss", {}), ("mse_loss", {}), ("smooth_l1_loss", {"beta": 0.7}), ("huber_loss", {"delta": 0.7}),
    ):  # fmt: skip
        CALLS.functional(
            f"{_name}, {_reduction}",
            lambda F, m, x, y, n=_name, s=_settings, r=_reduction: getattr(F, n)(x, y, reduction=r, **s), (3, 4),
            (3, 4),
        )  # fmt: skip
        if _name != "smooth_l1_loss":
            CALLS.functional(
                f"{_name} with weights, {_reduction}",
                lambda F, m, x, y, w, n=_name, r=_reduction: getattr(F, n)(x, y, reduction=r, weight=w), (3, 4), (3, 4),
                (3, 4),
            )  # fmt: skip
    CALLS.functional(
        f"nll_loss, {_reduction}",
        lambda F, m, x, w, r=_reduction: F.nll_loss(x, ids(m, 1, 2, 0, 1), w.detach(), ignore_index=2, reduction=r),
        (4, 3), (3,),
    )  # fmt: skip
CALLS.functional("smooth_l1_loss without rounding", lambda F, m, x, y: F.smooth_l1_loss(x, y, beta=0.0), (3,), (3,))
CALLS.functional("nll_loss of images", lambda F, m, x: F.nll_loss(x, ids(m, [1, -100], [0, 2])), (2, 3, 2))
CALLS.functional("nll_loss of one", lambda F, m, x: F.nll_loss(x, ids(m, 2)[0]), (4,))
