"""Losses that ask for a margin."""

import numpy as np

from tests.oracle.calls.family import POSITIVE, Family, differentiated_once, ids

CALLS = Family()


def signs(m, *values):
    return m.tensor(np.array(values, np.float64))


for _reduction in ("mean", "sum", "none"):
    CALLS.functional(
        f"hinge_embedding_loss, {_reduction}",
        lambda F, m, x, r=_reduction: F.hinge_embedding_loss(x, signs(m, [1, -1, 0], [-1, -1, 1]), 0.7, reduction=r),
        (2, 3),
    )  # fmt: skip
    CALLS.functional(
        f"margin_ranking_loss, {_reduction}",
        lambda F, m, x, y, r=_reduction: F.margin_ranking_loss(x, y, signs(m, 1, -1, 1, -1), 0.5, reduction=r),
        (4,), (4,),
    )  # fmt: skip
    for _swap in (False, True):
        CALLS.functional(
            f"triplet_margin_loss, {_reduction}, swap {_swap}",
            lambda F, m, a, p, n, r=_reduction, s=_swap: F.triplet_margin_loss(a, p, n, 2.0, swap=s, reduction=r),
            (4, 3), (4, 3), (4, 3),
        )  # fmt: skip
    CALLS.functional(
        f"cosine_embedding_loss, {_reduction}",
        lambda F, m, x, y, r=_reduction: F.cosine_embedding_loss(x, y, signs(m, 1, -1, -1, 0), -0.3, reduction=r),
        (4, 3), (4, 3),
    )  # fmt: skip
    CALLS.functional(
        f"soft_margin_loss, {_reduction}",
        lambda F, m, x, r=_reduction: F.soft_margin_loss(x, signs(m, [1, -1, 1], [-1, -1, 1]), reduction=r), (2, 3),
    )  # fmt: skip
    for _p in (1, 2):
        CALLS.functional(
            f"multi_margin_loss, {_reduction}, p {_p}",
            lambda F, m, x, w, r=_reduction, p=_p: differentiated_once(
                m, lambda x: F.multi_margin_loss(x, ids(m, 1, 0, 2), p, 0.7, w.detach(), reduction=r), x
            ) * w[0],
            (3, 4), (4,), values=POSITIVE,
        )  # fmt: skip
CALLS.functional("soft_margin_loss far out", lambda F, m, x: F.soft_margin_loss(x * 300.0, signs(m, 1, -1, 1)), (3,))
CALLS.functional("multi_margin_loss of one", lambda F, m, x: F.multi_margin_loss(x.detach(), ids(m, 2)[0]) * x, (4,))
CALLS.functional(
    "cosine_embedding_loss of one", lambda F, m, x, y: F.cosine_embedding_loss(x, y, signs(m, -1)[0]), (3,), (3,)
)
CALLS.functional(
    "triplet_margin_loss by the 1-norm", lambda F, m, a, p, n: F.triplet_margin_loss(a, p, n, 2.0, 1.0, eps=0.1), (3,),
    (3,), (3,),
)  # fmt: skip


def _at_the_margins(F, m, x):
    edge = x - x.detach() + m.tensor(np.array([0.5, 0.5]))
    there = signs(m, 1, -1)
    return (
        F.hinge_embedding_loss(edge, there, margin=0.5, reduction="none")
        + F.margin_ranking_loss(edge, edge.detach(), there, reduction="none")
        + F.smooth_l1_loss(edge, edge.detach() - 1.0, reduction="none")
        + F.huber_loss(edge, edge.detach() + 1.0, reduction="none")
        + F.l1_loss(edge, edge.detach(), reduction="none")
    )


CALLS.functional("losses at their margins", _at_the_margins, (2,))
