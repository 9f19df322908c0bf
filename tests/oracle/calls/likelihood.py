"""Losses that are likelihoods."""

from tests.oracle.calls.family import INSIDE, POSITIVE, Family, differentiated_once

CALLS = Family()

REDUCTIONS = ("mean", "sum", "none")
for _reduction in REDUCTIONS:
    # PyTorch's second derivative has a 1e-12 in it that the first has not.
    CALLS.functional(
        f"binary_cross_entropy, {_reduction}",
        lambda F, m, x, y, w, r=_reduction: differentiated_once(
            m, lambda x: F.binary_cross_entropy(x, y.detach(), w.detach(), reduction=r), x
        ) + differentiated_once(m, lambda y: F.binary_cross_entropy(x.detach(), y, w.detach(), reduction=r), y) * w[0],
        (2, 3), (2, 3), (3,), values=INSIDE,
    )  # fmt: skip
    CALLS.functional(
        f"binary_cross_entropy_with_logits, {_reduction}",
        lambda F, m, x, y, w, p, r=_reduction: F.binary_cross_entropy_with_logits(
            x, y, w.detach(), reduction=r, pos_weight=p.detach()
        ),
        (2, 3), (2, 3), (3,), (3,),
    )  # fmt: skip
    CALLS.functional(
        f"multilabel_soft_margin_loss, {_reduction}",
        lambda F, m, x, y, w, r=_reduction: F.multilabel_soft_margin_loss(x, y, w, reduction=r), (2, 3), (2, 3), (3,),
    )  # fmt: skip
    CALLS.functional(
        f"gaussian_nll_loss, {_reduction}",
        lambda F, m, x, y, v, r=_reduction: F.gaussian_nll_loss(x, y, v, reduction=r), (2, 3), (2, 3), (2, 1),
        values=POSITIVE,
    )  # fmt: skip
    for _log in (True, False):
        CALLS.functional(
            f"poisson_nll_loss, {_reduction}, log_input {_log}",
            lambda F, m, x, y, r=_reduction, g=_log: F.poisson_nll_loss(x, y, g, full=True, reduction=r), (3, 4),
            (3, 4), values=POSITIVE,
        )  # fmt: skip
for _reduction in ("batchmean", *REDUCTIONS[1:]):
    for _log in (True, False):
        CALLS.functional(
            f"kl_div, {_reduction}, log_target {_log}",
            lambda F, m, x, y, r=_reduction, g=_log: F.kl_div(x, y, reduction=r, log_target=g), (3, 2), (3, 2),
            values=INSIDE,
        )  # fmt: skip
CALLS.functional(
    "kl_div of no probability",
    lambda F, m, x: differentiated_once(m, lambda x: F.kl_div(x, x.detach() * 0.0, reduction="sum"), x), (3,),
)  # fmt: skip
CALLS.functional("poisson_nll_loss alone", lambda F, m, x, y: F.poisson_nll_loss(x, y), (3,), (3,))
CALLS.functional(
    "multilabel_soft_margin_loss of one", lambda F, m, x, y: F.multilabel_soft_margin_loss(x, y), (3,), (3,)
)
CALLS.functional(
    "binary_cross_entropy_with_logits far out",
    lambda F, m, x, y: F.binary_cross_entropy_with_logits(x * 200.0, y, reduction="none"), (9,), (9,),
    values=(-1.0, 1.0),
)  # fmt: skip
CALLS.functional(
    "gaussian_nll_loss of small variances",
    lambda F, m, x, y, v: F.gaussian_nll_loss(x, y, v, full=True, eps=0.5), (2, 3), (2, 3), (2,), values=POSITIVE,
)  # fmt: skip
CALLS.functional("gaussian_nll_loss of one variance", lambda F, m, x, y: F.gaussian_nll_loss(x, y, 0.3), (4,), (4,))
