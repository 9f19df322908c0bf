"""Dropout."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import seeded
from tests.minigrad.ops.cases.case import Case, fixed, one

# In an order in which most draws drop something.
_settings = fixed(
    seed=st.integers(0, 99), p=st.sampled_from([0.3, 0.5, 0.0, 1.0]), training=st.sampled_from([True, False])
)


def _of_channels(function, *sizes):
    return Case(seeded(function), st.tuples(st.sampled_from(sizes)), _settings)


NOISE = {
    "dropout": Case(seeded(F.dropout), one, _settings),
    "dropout of a matrix": Case(
        seeded(F.dropout), st.sampled_from([((2, 3),), ((3, 1),), ((2, 2, 2),)]),
        fixed(seed=st.integers(0, 99), p=st.sampled_from([0.3, 0.5])), names=("dropout",)),
    "dropout1d": _of_channels(F.dropout1d, (4, 2), (2, 3, 2), (0, 2, 2)),
    "dropout2d": _of_channels(F.dropout2d, (2, 3, 2, 2), (1, 2, 0, 3)),
    "dropout3d": _of_channels(F.dropout3d, (3, 2, 1, 2), (2, 3, 2, 2, 1)),
    "alpha_dropout": Case(seeded(F.alpha_dropout), one, _settings),
    "feature_alpha_dropout": _of_channels(F.feature_alpha_dropout, (2, 3), (2, 3, 2), (1, 4, 2, 1)),
}  # fmt: skip
