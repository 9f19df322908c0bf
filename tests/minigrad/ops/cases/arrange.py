"""Other shapes: moved and named dimensions, repeats, turns, windows, joins, cuts and diagonals."""

import math

from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    array_shapes,
    broadcastable_shapes,
    mutually_broadcastable_shapes,
)

import minigrad as mg
from tests.minigrad.ops.cases.case import (
    Case,
    dim_in,
    dimensional,
    fixed,
    one,
    shape,
)  # fmt: skip

matrices = array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=3)


def _settings(**draw):
    """Settings of which each may depend on the shape."""
    return lambda *sizes: st.fixed_dictionaries({name: strategy(*sizes) for name, strategy in draw.items()})


def _dim(size):
    return dim_in(len(size))


def _two_dims(size):
    return st.permutations(range(len(size))).flatmap(lambda p: st.sampled_from([p[:2], [p[0], p[1] - len(size)]]))


def _sizes_of_dim(size):
    ways = lambda n: [(n,), (1, n), (n, 1, 1), *([(-1, 2), (2, n // 2)] if n and n % 2 == 0 else [])]
    return _dim(size).flatmap(lambda dim: st.sampled_from(ways(size[dim])).map(lambda to: {"dim": dim, "sizes": to}))


def _moves(size):
    n = len(size)
    some = st.integers(0, n).flatmap(
        lambda count: st.tuples(st.permutations(range(n)), st.permutations(range(n))).map(
            lambda p: {"source": p[0][:count], "destination": [d - n for d in p[1][:count]]}
        )
    )
    return some | st.fixed_dictionaries({"source": _dim(size), "destination": _dim(size)}) if n else some


def _windows(size):
    return _dim(size).filter(lambda dim: size[dim]).flatmap(
        lambda dim: st.fixed_dictionaries({"dimension": st.just(dim), "size": st.integers(1, size[dim]),
                                           "step": st.integers(1, 3)}))  # fmt: skip


def _counts(size):
    return st.lists(st.integers(0, 2), min_size=len(size), max_size=len(size) + 1).map(tuple)


def _like(function):
    """A function of x in the shape of y, whose values do not matter."""
    return lambda x, y: function(x, y) + 0.0 * y


same_total = shape.flatmap(lambda s: st.sampled_from([(s, (math.prod(s),)), (s, (1, math.prod(s))), (s, s)]))
several = shape.flatmap(lambda s: st.integers(1, 3).map(lambda n: (s,) * n))
vectors = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda ns: tuple((n,) if n != 1 else () for n in ns))

ARRANGE = {
    "view_as": Case(_like(lambda x, y: x.contiguous().view_as(y)), same_total),
    "reshape_as": Case(_like(lambda x, y: x.reshape_as(y)), same_total),
    "expand_as": Case(_like(lambda x, y: x.expand_as(y)), shape.flatmap(
        lambda s: st.tuples(broadcastable_shapes(s, min_side=0, max_side=3, max_dims=len(s)).filter(
            lambda b: all(n in (1, m) for n, m in zip(b[::-1], s[::-1]))), st.just(s)))),
    "broadcast_to": Case(lambda x, size: mg.broadcast_to(x, (2, *size)), one, lambda s: st.just({"size": s})),
    "broadcast_tensors": Case(lambda *xs: mg.broadcast_tensors(*xs), mutually_broadcastable_shapes(
        num_shapes=3, min_side=0, max_side=3, max_dims=3).map(lambda s: s.input_shapes)),
    "unflatten": Case(mg.unflatten, st.tuples(dimensional), _sizes_of_dim),
    "movedim": Case(mg.movedim, one, _moves, names=("moveaxis",)),
    "swapdims": Case(mg.swapdims, st.tuples(dimensional), lambda s: st.fixed_dictionaries(
        {"dim0": _dim(s), "dim1": _dim(s)}), names=("swapaxes",)),
    "t": Case(mg.t, st.tuples(array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3)), names=("H",)),
    "mH": Case(lambda x: x.mH, st.tuples(matrices)),
    **{name: Case(lambda *xs, name=name: getattr(mg, name)(*xs), several)
       for name in ("atleast_1d", "atleast_2d", "atleast_3d")},
    "select": Case(mg.select, st.tuples(dimensional.filter(all)), lambda s: _dim(s).flatmap(
        lambda dim: st.integers(-s[dim], s[dim] - 1).map(lambda i: {"dim": dim, "index": i}))),
    "contiguous": Case(lambda x: x.mT.contiguous(), st.tuples(matrices)),
    "type_as": Case(lambda x: x.type_as(mg.ones(1, dtype=mg.float64))),
    # repeated, turned, shifted
    "repeat": Case(lambda x, repeats: x.repeat(*repeats) if repeats else x.repeat(()), one, _settings(repeats=_counts)),
    "tile": Case(lambda x, dims: mg.tile(x, dims), one, fixed(dims=st.lists(
        st.integers(0, 2), min_size=1, max_size=3).map(tuple))),
    "repeat_interleave": Case(mg.repeat_interleave, st.tuples(dimensional), lambda s: (st.none() | _dim(s)).flatmap(
        lambda dim: (st.integers(0, 3) | st.integers(0, 2).map(lambda n: mg.tensor(
            [(n + i) % 3 for i in range(math.prod(s) if dim is None else s[dim])], dtype=mg.int64)))
        .map(lambda repeats: {"repeats": repeats, "dim": dim}))),
    "meshgrid": Case(lambda *xs, indexing: mg.meshgrid(*xs, indexing=indexing), vectors,
                     fixed(indexing=st.sampled_from(["ij", "xy"]))),
    "flip": Case(lambda x, dims: mg.flip(x, dims), one,
                 lambda s: st.lists(st.integers(0, len(s) - 1), unique=True).map(lambda d: {"dims": d})
                 if s else st.just({"dims": []})),
    "fliplr": Case(mg.fliplr, st.tuples(matrices)),
    "flipud": Case(mg.flipud, st.tuples(dimensional)),
    "roll": Case(mg.roll, st.tuples(dimensional), lambda s: st.integers(-5, 5).flatmap(
        lambda n: st.sampled_from([{"shifts": n}, {"shifts": (n, 1), "dims": (0, -1)}, {"shifts": n, "dims": -1}]))),
    "rot90": Case(mg.rot90, st.tuples(matrices), _settings(k=lambda s: st.integers(-3, 5), dims=_two_dims)),
    "unfold": Case(lambda x, **settings: x.unfold(**settings), st.tuples(dimensional.filter(any)), _windows),
    "unfold with gaps": Case(lambda x: x.unfold(0, 1, 2), st.just(((2, 1, 3),)), names=("unfold",)),
    "diagonal below": Case(lambda x: mg.diagonal(x, -1), st.sampled_from([((3, 3),), ((3, 2),)]), names=("diagonal",)),
    # joins and cuts
    "hstack": Case(lambda *xs: mg.hstack(xs), several),
    "vstack": Case(lambda *xs: mg.vstack(xs), several),
    "dstack": Case(lambda *xs: mg.dstack(xs), several),
    "tensor_split": Case(lambda x, cuts, dim: mg.tensor_split(x, cuts, dim), st.tuples(dimensional), _settings(
        cuts=lambda s: st.integers(1, 4) | st.lists(st.integers(-4, 4), max_size=3), dim=_dim)),
    "hsplit": Case(lambda x: mg.hsplit(x, [1]), st.tuples(dimensional)),
    "vsplit": Case(lambda x: mg.vsplit(x, [1, 2]), st.tuples(matrices)),
    "dsplit": Case(lambda x: mg.dsplit(x, [-1]), st.tuples(array_shapes(min_dims=3, max_dims=4, min_side=0))),
    # diagonals
    "diagonal": Case(lambda x, offset, dims: mg.diagonal(x, offset, *dims), st.tuples(matrices), _settings(
        offset=lambda s: st.integers(-4, 4), dims=_two_dims)),
    "diag_embed": Case(lambda x, offset, dims: mg.diag_embed(x, offset, *dims), st.tuples(dimensional), _settings(
        offset=lambda s: st.integers(-2, 2), dims=lambda s: _two_dims((*s, 1)))),
    "diag": Case(mg.diag, st.tuples(array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=3)),
                 fixed(diagonal=st.integers(-4, 4))),
    "diagflat": Case(mg.diagflat, one, fixed(offset=st.integers(-2, 2))),
    "trace": Case(mg.trace, st.tuples(array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=3))),
}  # fmt: skip
