"""Products of vectors and matrices, norms, and `minigrad.linalg`."""

import math
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import minigrad as mg
from minigrad import linalg
from tests.minigrad.ops.cases.case import Case, dims_in, fixed, nonzero, one, real, separated, shape

side = st.integers(0, 3)
few = st.one_of(
    array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=3),
    array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=2),
)
scaled = fixed(beta=st.sampled_from([0, 1, -0.5]), alpha=st.sampled_from([1, 2]))
stacks = st.tuples(array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2), side).map(
    lambda drawn: (*drawn[0], drawn[1], drawn[1])
)


def _products(*templates):
    """Shapes by letters, each letter of one drawn size; `i` and `j` of the first may be 1, to be broadcast."""
    letters = sorted(set("".join(templates)))
    sizes = st.tuples(*[side] * len(letters)).map(lambda drawn: dict(zip(letters, drawn)))
    return sizes.map(lambda size: tuple(tuple(size[letter] for letter in template) for template in templates))


def regular(rng, sizes):
    """Matrices far from singular ones: their diagonal outweighs each row. Anything else as `real`."""
    return [each + 8.0 * np.eye(size[-1]) if _is_square(size) else each for size, each in zip(sizes, real(rng, sizes))]


def definite(rng, sizes):
    """Symmetric positive definite matrices."""
    return [each @ each.swapaxes(-1, -2) + np.eye(size[-1]) for size, each in zip(sizes, real(rng, sizes))]


def singular(rng, sizes):
    """Matrices with two or three equal rows: of rank n - 1 or n - 2."""
    found = real(rng, sizes)
    for each in found:
        each[..., : rng.integers(2, 4), :] = each[..., :1, :]
    return found


def powers(rng, sizes):
    """Magnitudes of which no two sums are equal; at most a dozen."""
    counts = [math.prod(size) for size in sizes]
    return [
        0.25 * 2.0 ** rng.permutation(count).reshape(size) * rng.choice([-1.0, 1.0], size)
        for count, size in zip(counts, sizes)
    ]


def _is_square(size):
    return len(size) > 1 and size[-1] == size[-2]


def _systems():
    matrix = stacks.filter(lambda s: s[-1] > 0)
    return matrix.flatmap(lambda s: st.sampled_from([
        (s, (s[-1],)), (s, (s[-1], 2)), (s, (*s[:-1], 1)), (s, s[:-1]), (s, (2, *[1] * (len(s) - 2), s[-1], 2)),
    ]))  # fmt: skip


@dataclass(frozen=True)
class ContractedCase(Case):
    """Shapes and the dimensions summed over depend on each other."""

    def draw(self, data):
        first, second, dims = data.draw(st.sampled_from([
            ((2, 3), (3, 2), 1), ((2, 3), (4,), 0), ((2, 3, 4), (3, 4, 2), 2), ((2, 3), (2, 3), ([0, 1], [0, 1])),
            ((2, 3, 1), (1, 2), ([-1, 0], [0, -1])), ((2, 0), (0, 3), 1), ((), (3,), 0), ((2, 3), (1, 2), ([1], [0])),
        ]), label="shapes, dims")  # fmt: skip
        return lambda x, y: mg.tensordot(x, y, dims), real(np.random.default_rng(0), [first, second])


def _orders(size):
    return st.sampled_from([0, 1, 2, 3, 1.5, -1, math.inf, -math.inf]).flatmap(
        lambda ord: st.fixed_dictionaries({"ord": st.just(ord), "dim": dims_in(len(size)), "keepdim": st.booleans()})
    )


LINALG = {
    "mv": Case(mg.mv, _products("ij", "j")),
    "dot": Case(mg.dot, _products("i", "i"), names=("vdot",)),
    "inner": Case(mg.inner, st.one_of(_products("aij", "bj"), _products("i", "i"), _products("", "ab"))),
    "outer": Case(mg.outer, _products("i", "j")),
    "addmm": Case(mg.addmm, st.one_of(_products("ij", "ik", "kj"), _products("j", "ik", "kj")), scaled),
    "addmv": Case(mg.addmv, st.one_of(_products("i", "ik", "k"), _products("", "ik", "k")), scaled),
    "addr": Case(mg.addr, _products("ij", "i", "j"), scaled),
    "baddbmm": Case(mg.baddbmm, st.one_of(_products("bij", "bik", "bkj"), _products("ij", "bik", "bkj")), scaled),
    "addbmm": Case(mg.addbmm, _products("ij", "bik", "bkj"), scaled),
    "tensordot": ContractedCase(mg.tensordot),
    "kron": Case(mg.kron, st.tuples(array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=2), shape)),
    "cross": Case(lambda x, y, dim: mg.cross(x, y, dim), st.sampled_from(
        [((3,), (3,)), ((2, 3), (2, 3)), ((3, 3), (1, 3)), ((2, 1, 3), (1, 3, 3)), ((0, 3), (1, 3))]),
        fixed(dim=st.just(-1))),
    "cross along the first dim of 3": Case(mg.cross, st.just(((2, 3, 3), (2, 3, 3)))),
    "cdist": Case(mg.cdist, st.one_of(_products("ik", "jk"), _products("bik", "jk")),
                  fixed(p=st.sampled_from([1.0, 2.0, 3.0])), values=separated),
    "linalg.cross": Case(lambda x, y: linalg.cross(x, y, dim=0), st.sampled_from([((3,), (3,)), ((3, 2), (3, 1))])),
    "linalg.vecdot": Case(linalg.vecdot, _products("ij", "ij"), fixed(dim=st.sampled_from([0, -1]))),
    "linalg.multi_dot": Case(lambda *xs: linalg.multi_dot(xs), st.one_of(
        _products("ij", "jk", "kl", "lm"), _products("j", "jk", "k"), _products("ij", "jk"))),
    "linalg.vector_norm": Case(linalg.vector_norm, st.tuples(few), _orders, values=powers),
    "linalg.vector_norm of nothing": Case(linalg.vector_norm, one, fixed(ord=st.sampled_from([0, 1, 2, 3])),
                                          values=nonzero),
    "linalg.matrix_norm": Case(linalg.matrix_norm, st.tuples(few), fixed(
            ord=st.sampled_from(["fro", 1, -1, math.inf, -math.inf]), dim=st.sampled_from([(-2, -1), (1, 0)]),
            keepdim=st.booleans()), values=powers),
    "linalg.norm": Case(linalg.norm, st.tuples(array_shapes(min_dims=1, max_dims=2, min_side=1, max_side=3)),
                        fixed(ord=st.sampled_from([None, 1, math.inf]), keepdim=st.booleans()), values=powers),
    "inv": Case(linalg.inv, st.tuples(stacks), values=regular, names=("linalg.inv", "inverse")),
    "inv of small numbers": Case(lambda x: linalg.inv(x * 0.25), st.tuples(stacks), values=regular, names=("inverse",)),
    "solve": Case(linalg.solve, _systems(), values=regular, names=("linalg.solve",)),
    "solve from the right": Case(lambda A, B: linalg.solve(A, B, left=False), st.tuples(side, side).map(
        lambda s: ((2, s[0], s[0]), (s[1], s[0]))).filter(lambda s: s[1] != s[0][:-1]), values=regular),
    "det": Case(linalg.det, st.tuples(stacks), values=regular, names=("linalg.det",)),
    "det of singular matrices": Case(linalg.det, st.sampled_from([((3, 3),), ((2, 3, 3),), ((4, 4),)]),
                                     values=singular),
    "slogdet": Case(lambda x: linalg.slogdet(x).logabsdet, st.tuples(stacks), values=regular,
                    names=("linalg.slogdet",)),
    "logdet": Case(mg.logdet, st.tuples(stacks), values=definite),
    "cholesky": Case(lambda x, upper: linalg.cholesky((x + x.mT) * 0.5, upper=upper), st.tuples(stacks),
                     fixed(upper=st.booleans()), values=definite, names=("linalg.cholesky",)),
    "matrix_power": Case(mg.matrix_power, st.tuples(stacks), fixed(n=st.integers(-2, 5)), values=regular,
                         names=("linalg.matrix_power",)),
}  # fmt: skip
