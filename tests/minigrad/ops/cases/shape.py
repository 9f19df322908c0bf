"""Rearranging."""

import math

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    array_shapes,
    broadcastable_shapes,
)

import minigrad as mg
from tests.minigrad.ops.cases.case import (
    Case,
    dim_in,
    dimensional,
    dims_in,
    fixed,
    one,
    shape,
    with_dim,
)  # fmt: skip


def _reshapes(size):
    total = math.prod(size)
    ways = [(total,), (1, total), (total, 1, 1), *([(-1,), (2, -1)] if total and total % 2 == 0 else [])]
    return st.sampled_from([*ways, *([()] if total == 1 else [])])


def _narrowed(size):
    def part(dim):
        return st.integers(0, size[dim]).flatmap(
            lambda start: st.fixed_dictionaries(
                {"dim": st.just(dim), "start": st.just(start), "length": st.integers(0, size[dim] - start)}
            )
        )

    return dim_in(len(size)).flatmap(part)


def _sections(size):
    def cut(dim):
        whole = st.integers(1, 3)
        parts = st.integers(0, size[dim]).map(lambda first: [first, size[dim] - first])
        return st.fixed_dictionaries({"dim": st.just(dim), "size": whole | parts})

    return dim_in(len(size)).flatmap(cut)


@st.composite
def joinable(draw):
    """Shapes that differ in one dimension at most."""
    size = draw(dimensional)
    axis = draw(st.integers(0, len(size) - 1))
    lengths = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    return tuple((*size[:axis], length, *size[axis + 1 :]) for length in lengths)


def _join_dim(*sizes):
    ndim = len(sizes[0])
    axes = [axis for axis in range(ndim) if len({size[axis] for size in sizes}) > 1] or range(ndim)
    return st.sampled_from([d for axis in axes for d in (axis, axis - ndim)]).map(lambda dim: {"dim": dim})


SHAPE = {
    "reshape": Case(lambda x, to: mg.reshape(x, to), one, lambda s: _reshapes(s).map(lambda to: {"to": to}),
                    names=("view",)),
    "permute": Case(lambda x, dims: mg.permute(x, dims), one, lambda size: st.permutations(
        range(len(size))).map(lambda p: {"dims": [d - len(size) if i % 2 else d for i, d in enumerate(p)]})),
    "transpose": Case(lambda x, a, b: mg.transpose(x, a, b), st.tuples(dimensional),
                      lambda s: st.fixed_dictionaries({"a": dim_in(len(s)), "b": dim_in(len(s))})),
    "T": Case(lambda x: x.T),
    "mT": Case(lambda x: x.mT, st.tuples(array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=3))),
    "expand": Case(lambda x, to: x.expand(to), one,
                   lambda s: broadcastable_shapes(s, min_side=0, max_side=3, max_dims=3).map(
                       lambda b: {"to": np.broadcast_shapes(s, b)})),
    "flatten": Case(lambda x, start, end: mg.flatten(x, start, end), st.tuples(dimensional), lambda s: st.integers(
        0, len(s) - 1).flatmap(lambda a: st.fixed_dictionaries(
            {"start": st.just(a), "end": st.integers(a, len(s) - 1) | st.just(-1)}))),
    "flatten of 0-d": Case(lambda x: mg.flatten(x), st.just(((),))),
    "squeeze": Case(mg.squeeze, one, lambda s: dims_in(len(s)).map(lambda d: {"dim": d}) if s else st.just({})),
    "unsqueeze": Case(mg.unsqueeze, one, lambda s: st.integers(-len(s) - 1, len(s)).map(lambda d: {"dim": d})),
    "narrow": Case(mg.narrow, st.tuples(dimensional), _narrowed),
    "split": Case(lambda x, dim, size: mg.split(x, size, dim), st.tuples(dimensional), _sections),
    "chunk": with_dim(lambda x, dim, n: mg.chunk(x, n, dim), n=st.integers(1, 4)),
    "unbind": Case(lambda x, dim: mg.unbind(x, dim) or (x,), st.tuples(dimensional),
                   lambda s: dim_in(len(s)).map(lambda d: {"dim": d})),
    "iteration": Case(lambda x: tuple(x) or (x,), st.tuples(dimensional)),
    "cat": Case(lambda *xs, dim: mg.cat(xs, dim), joinable(), _join_dim),
    "stack": Case(lambda *xs, dim: mg.stack(xs, dim),
                  shape.flatmap(lambda s: st.integers(1, 3).map(lambda n: (s,) * n)),
                  lambda *s: st.integers(-len(s[0]) - 1, len(s[0])).map(lambda d: {"dim": d})),
    **{name: Case(lambda x, diagonal, name=name: getattr(mg, name)(x, diagonal),
                  st.tuples(array_shapes(min_dims=2, max_dims=3, min_side=0, max_side=3)),
                  fixed(diagonal=st.integers(-2, 2))) for name in ("tril", "triu")},
}  # fmt: skip
