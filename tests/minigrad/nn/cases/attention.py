"""Attention."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import seeded
from tests.minigrad.ops.cases.case import Case, fixed


@st.composite
def _heads(draw):
    batch, heads, length, source = (draw(st.integers(1, 2)) for _ in range(4))
    width, value_width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (batch, heads, length + 1, width), (batch, heads, source + 1, width), (batch, heads, source + 1, value_width)


def _masked_attention(q, k, v, kind, seed):
    length, source = q.shape[-2], k.shape[-2]
    if kind == "causal":
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    rng = np.random.default_rng(seed)
    if kind == "bool mask":
        mask = rng.random((length, source)) < 0.6
        mask[0] = False  # a query that may look at nothing
    else:
        mask = rng.standard_normal((q.shape[0], 1, length, source))
    return F.scaled_dot_product_attention(q, k, v, mg.tensor(mask))


ATTENTION = {
    "scaled_dot_product_attention": Case(
        F.scaled_dot_product_attention, _heads(), fixed(scale=st.sampled_from([None, 0.3]))
    ),
    **{
        f"attention, {kind}": Case(
            lambda q, k, v, seed, kind=kind: _masked_attention(q, k, v, kind, seed), _heads(),
            fixed(seed=st.integers(0, 99)),
        )
        for kind in ("bool mask", "float mask", "causal")
    },
    "attention to a learned bias": Case(
        lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask), names=("scaled_dot_product_attention",),
        shapes=st.just(((1, 2, 3, 2), (1, 2, 4, 2), (1, 2, 4, 2), (2, 3, 4))),
    ),
    "attention with fewer key heads": Case(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True),
        names=("scaled_dot_product_attention",),
        shapes=st.sampled_from(
            [((2, 4, 3, 2), (2, 2, 3, 2), (2, 2, 3, 1)), ((1, 2, 2, 2), (1, 1, 4, 2), (1, 1, 4, 2))]
        ),
    ),
    "attention with dropout": Case(
        seeded(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.4)), _heads(),
        fixed(seed=st.integers(0, 99)), names=("scaled_dot_product_attention",),
    ),
    "attention of one head": Case(
        F.scaled_dot_product_attention, names=("scaled_dot_product_attention",),
        shapes=st.sampled_from([((3, 2), (4, 2), (4, 2)), ((2, 3, 2), (2, 4, 2), (1, 4, 2))]),
    ),
}  # fmt: skip
