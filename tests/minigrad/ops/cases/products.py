"""Matrix products."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    mutually_broadcastable_shapes,
)

import minigrad as mg
from tests.minigrad.ops.cases.case import (
    Case,
    real,
)  # fmt: skip

matmul_shapes = mutually_broadcastable_shapes(
    signature="(n?,k),(k,m?)->(n?,m?)", min_side=0, max_side=3, max_dims=2
).map(lambda s: s.input_shapes)

EQUATIONS = [
    ("ij,jk->ik", (2, 3), (3, 2)), ("bij,bjk->bik", (2, 1, 3), (2, 3, 2)), ("bij,bjk", (1, 2, 3), (2, 3, 2)),
    ("ij,ij->", (2, 3), (2, 3)), ("ij,kj->ikj", (2, 3), (2, 3)), ("i,j->ij", (2,), (3,)), ("ij->ji", (2, 3)),
    ("ii->i", (3, 3)), ("ii", (3, 3)), ("iji->j", (2, 3, 2)), ("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)),
    ("...i->...", (2, 3)), ("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)), ("i,i,i->i", (3,), (3,), (3,)),
    ("ij,jk->k", (2, 0), (0, 2)), ("ij,jk->ik", (0, 2), (2, 3)), ("bhld,bhsd->bhls", (2, 2, 3, 2), (2, 2, 1, 2)),
    (",i->i", (), (3,)), ("ij,j->i", (2, 3), (1,)), ("ji,jk->ik", (3, 2), (3, 4)), ("a,b,c->abc", (2,), (1,), (3,)),
    ("i...,i...->...", (2, 3), (2, 3)), ("aab,bc->ac", (2, 2, 3), (3, 2)),
]  # fmt: skip


@dataclass(frozen=True)
class EinsumCase(Case):
    """Equation and shapes depend on each other, so they are drawn together."""

    def draw(self, data):
        equation, *sizes = data.draw(st.sampled_from(EQUATIONS), label="equation and shapes")
        return lambda *tensors: mg.einsum(equation, *tensors), real(np.random.default_rng(len(equation)), sizes)


PRODUCTS = {
    "matmul": Case(mg.matmul, matmul_shapes | st.sampled_from([((2, 3), (4, 3, 2)), ((1, 2, 3), (2, 3, 2))])),
    "matmul of squares": Case(
        mg.matmul, st.sampled_from([((2, 2), (2, 2)), ((2, 3, 3), (2, 3, 3)), ((2, 2), (3, 2, 2))]), names=("matmul",)),
    "mm": Case(mg.mm, st.tuples(*[st.integers(0, 3)] * 3).map(lambda s: ((s[0], s[1]), (s[1], s[2])))),
    "bmm": Case(mg.bmm, st.tuples(*[st.integers(0, 3)] * 4).map(lambda s: ((s[3], s[0], s[1]), (s[3], s[1], s[2])))),
    "einsum": EinsumCase(mg.einsum),
}
