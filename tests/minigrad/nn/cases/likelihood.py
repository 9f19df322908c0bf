"""Losses that are likelihoods."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import between, filled, reductions, two
from tests.minigrad.ops.cases.case import Case, fixed

_reduced = fixed(reduction=reductions)
_inside = between(0.1, 0.9)
_weighted = filled.map(lambda size: (size, size, size[-1:]))

LIKELIHOOD = {
    "binary_cross_entropy": Case(F.binary_cross_entropy, _weighted, _reduced, _inside),
    "binary_cross_entropy_with_logits": Case(F.binary_cross_entropy_with_logits, _weighted, _reduced),
    "binary_cross_entropy_with_logits and a weight of the positive": Case(
        lambda x, y, w, **s: F.binary_cross_entropy_with_logits(x, y, pos_weight=w, **s), _weighted, _reduced,
        names=("binary_cross_entropy_with_logits",),
    ),
    "multilabel_soft_margin_loss": Case(F.multilabel_soft_margin_loss, _weighted, _reduced),
    "kl_div": Case(
        F.kl_div, two, fixed(reduction=st.sampled_from(["mean", "sum", "none", "batchmean"]), log_target=st.booleans()),
        _inside,
    ),
    "gaussian_nll_loss": Case(
        F.gaussian_nll_loss, filled.flatmap(
            lambda size: st.sampled_from([size, (*size[:-1], 1), size[:-1]]).map(lambda var: (size, size, var))
        ),
        fixed(reduction=reductions, full=st.booleans()), between(0.3, 3.0),
    ),
    "poisson_nll_loss": Case(
        F.poisson_nll_loss, two, fixed(reduction=reductions, full=st.booleans(), log_input=st.booleans()),
        between(1.1, 3.0),
    ),
}  # fmt: skip
