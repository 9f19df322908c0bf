"""Losses that ask for a margin. Values are drawn so that no margin is met exactly."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import filled, reductions, two
from tests.minigrad.ops.cases.case import Case, fixed, separated

_seed = st.integers(0, 99)
_rows = st.sampled_from([(4,), (3, 4), (1, 2)])


def _signs(shape, seed):
    return mg.tensor(np.random.default_rng(seed).choice([-1.0, 1.0], shape))


def _classes(input, seed):
    return mg.tensor(np.asarray(np.random.default_rng(seed).integers(0, input.shape[-1], input.shape[:-1])))


MARGIN = {
    "hinge_embedding_loss": Case(
        lambda x, seed, **s: F.hinge_embedding_loss(x, _signs(x.shape, seed), 0.5, **s), st.tuples(filled),
        fixed(seed=_seed, reduction=reductions), separated,
    ),
    "margin_ranking_loss": Case(
        lambda x, y, seed, **s: F.margin_ranking_loss(x, y, _signs(x.shape, seed), 0.6, **s), two,
        fixed(seed=_seed, reduction=reductions), separated,
    ),
    "triplet_margin_loss": Case(
        F.triplet_margin_loss, _rows.map(lambda size: (size,) * 3),
        fixed(margin=st.just(50.0), p=st.sampled_from([1.0, 2.0, 3.0]), reduction=reductions), separated,
    ),
    "cosine_embedding_loss": Case(
        lambda x, y, seed, **s: F.cosine_embedding_loss(x, y, _signs(x.shape[:-1], seed), **s),
        _rows.map(lambda size: (size, size)),
        fixed(seed=_seed, margin=st.sampled_from([-1.5, 1.5]), reduction=reductions), separated,
    ),
    "soft_margin_loss": Case(F.soft_margin_loss, two, fixed(reduction=reductions)),
    "multi_margin_loss": Case(
        lambda x, w, seed, p, **s: F.multi_margin_loss(x, _classes(x, seed), p, 0.6, w, **s),
        _rows.map(lambda size: (size, size[-1:])), fixed(seed=_seed, p=st.sampled_from([1, 2]), reduction=reductions),
        separated,
    ),
}  # fmt: skip
