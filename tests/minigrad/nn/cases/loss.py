"""Losses."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import filled, reductions, two
from tests.minigrad.ops.cases.case import Case, fixed, separated


@st.composite
def _logits(draw):
    """(C), (N, C) or (N, C, d): logits, and a weight per class."""
    classes, batch = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    size = draw(st.sampled_from([(classes,), (batch, classes), (batch, classes, 2)]))
    return size, (classes,)


def _ids(size, seed, ignored):
    """Class ids for logits of this size, the first of them kept, a third of the others ignored."""
    rng = np.random.default_rng(seed)
    classes, places = size[min(len(size) - 1, 1)], (*size[:1], *size[2:]) if len(size) > 1 else ()
    ids = np.asarray(rng.integers(0, classes, places))
    if ignored is not None:
        ids = np.where((rng.random(places) < 0.3) & (np.arange(ids.size).reshape(places) > 0), ignored, ids)
    return mg.tensor(ids)


def _cross_entropy(input, weight=None, *, seed, ignored, **settings):
    if ignored is not None:
        settings["ignore_index"] = ignored
    return F.cross_entropy(input, _ids(input.shape, seed, ignored), weight, **settings)


cross_entropy_settings = fixed(
    seed=st.integers(0, 99), ignored=st.sampled_from([None, -100, 0]),
    reduction=st.sampled_from(["mean", "sum", "none"]), label_smoothing=st.sampled_from([0.0, 0.0, 0.1]),
)  # fmt: skip


def _keep_first(case_settings):
    """Ignoring class 0 could ignore every target of a mean; so it is not drawn for that."""
    return lambda *sizes: case_settings(*sizes).filter(lambda s: s["ignored"] != 0 or s["reduction"] != "mean")


LOSS = {
    "cross_entropy": Case(_cross_entropy, _logits().map(lambda s: s[:1]), _keep_first(cross_entropy_settings)),
    "cross_entropy with weights": Case(
        lambda x, w, **settings: _cross_entropy(x, 1.5 + w * 0.5, **settings), _logits(),
        _keep_first(cross_entropy_settings), names=("cross_entropy",),
    ),
    "cross_entropy of rows": Case(
        _cross_entropy, st.tuples(st.tuples(st.integers(1, 4), st.integers(1, 5))), names=("cross_entropy",),
        settings=fixed(seed=st.integers(0, 99), ignored=st.sampled_from([None, -100])),
    ),
    "cross_entropy of a distribution": Case(
        lambda x, y, w, **settings: F.cross_entropy(x, F.softmax(y, 0), w, **settings),
        _logits().map(lambda s: (s[0], s[0], s[1])), names=("cross_entropy",),
        settings=fixed(reduction=st.sampled_from(["mean", "sum", "none"]), label_smoothing=st.sampled_from([0.0, 0.1])),
    ),
    "nll_loss": Case(
        lambda x, w, seed, ignored, reduction: F.nll_loss(
            x, _ids(x.shape, seed, ignored), 1.5 + w * 0.5, -100 if ignored is None else ignored, reduction
        ),
        _logits(),
        _keep_first(fixed(seed=st.integers(0, 99), ignored=st.sampled_from([None, 0]), reduction=reductions)),
    ),
    "mse_loss": Case(F.mse_loss, two, fixed(reduction=reductions)),
    "l1_loss": Case(F.l1_loss, two, fixed(reduction=reductions), separated),
    "smooth_l1_loss": Case(
        F.smooth_l1_loss, two, fixed(reduction=reductions, beta=st.sampled_from([0.0, 0.7, 100.0])), separated
    ),
    "huber_loss": Case(F.huber_loss, two, fixed(reduction=reductions, delta=st.sampled_from([0.7, 100.0])), separated),
    **{
        f"{name} with weights": Case(
            lambda x, y, w, name=name, **settings: getattr(F, name)(x, y, weight=1.5 + 0.01 * w, **settings),
            filled.map(lambda size: (size,) * 3), fixed(reduction=reductions, **settings), separated, (name,),
        )
        for name, settings in (("mse_loss", {}), ("l1_loss", {}), ("huber_loss", {"delta": st.just(0.7)}))
    },
}  # fmt: skip
