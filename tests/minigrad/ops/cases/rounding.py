"""Rounding, and the divisions that round, away from their steps."""

from hypothesis import strategies as st

import minigrad as mg
from tests.minigrad.ops.cases.case import Case, fixed, fractional, pair


def _quotients(rng, sizes):
    """Between two whole numbers, whatever is divided by whatever."""
    return [rng.uniform(0.1, 0.9, sizes[0]), rng.uniform(-1, 1, sizes[1])]


def _divided(name, **settings):
    """(1 to 4) / (7 and a little), and below zero."""
    return Case(lambda x, y: getattr(mg, name)(x * 5.0 - 2.5 * settings.get("down", 0), 7.0 + y * 0.01), pair,
                values=_quotients)  # fmt: skip


ROUNDING = {
    **{name: Case(getattr(mg, name), values=fractional) for name in ("floor", "ceil", "trunc", "frac")},
    "round": Case(lambda x: mg.round(x + 0.5), values=fractional),
    "round to decimals": Case(lambda x, decimals: mg.round(x * 0.1**decimals + 0.5 * 0.1**decimals, decimals=decimals),
                              settings=fixed(decimals=st.sampled_from([1, 2, -1])), values=fractional),
    "remainder": _divided("remainder"),
    "fmod": _divided("fmod"),
    "floor_divide": Case(lambda x, y: mg.floor_divide(x * 5.0, 7.0 + y * 0.01) * x, pair, values=_quotients),
    "rounded quotient": Case(
        lambda x, y, mode: mg.div(x * 5.0 - 9.0, 7.0 + y * 0.01, rounding_mode=mode) * x, pair,
        fixed(mode=st.sampled_from(["trunc", "floor"])), _quotients, names=("div",),
    ),
}  # fmt: skip
