"""Writing along a dimension by index, on a copy and in place; and reading by position and by mask."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import minigrad as mg
from tests.minigrad.ops.cases.case import Case, dim_in, nonzero, one, separated, shape
from tests.minigrad.ops.cases.index import ScatterCase, gathered

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


@dataclass(frozen=True)
class UniqueCase(Case):
    """Shapes, and an index along a dimension that names no place twice."""

    def draw(self, data):
        size, inner, dim = data.draw(gathered(), label="input, index, dim")
        axis = dim % len(size)
        inner = (*inner[:axis], min(inner[axis], size[axis]), *inner[axis + 1 :])
        rng = np.random.default_rng(data.draw(st.integers(0, 99), label="seed"))
        order = np.argsort(rng.random((*inner[:axis], size[axis], *inner[axis + 1 :])), axis=axis)
        places = mg.tensor(order[(slice(None),) * axis + (slice(inner[axis]),)])
        arrays = self.values(rng, [size, inner])
        return lambda x, src: self.function(x, dim, places, src), arrays


@dataclass(frozen=True)
class SliceCase(Case):
    """An input, a dimension, a vector of positions, and a source with that many slices."""

    repeated: bool = True

    def draw(self, data):
        size = data.draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3), label="input")
        dim = data.draw(dim_in(len(size)), label="dim")
        rng = np.random.default_rng(data.draw(st.integers(0, 99), label="seed"))
        count = data.draw(st.integers(0, 4 if self.repeated else size[dim]), label="slices")
        places = rng.integers(0, size[dim], count) if self.repeated else rng.permutation(size[dim])[:count]
        axis = dim % len(size)
        source = (*size[:axis], count, *size[axis + 1 :])
        return lambda x, src: self.function(x, dim, mg.tensor(places), src), self.values(rng, [size, source])


@dataclass(frozen=True)
class ReduceCase(ScatterCase):
    """One of the reductions, with the input taking part or not."""

    values = staticmethod(separated)

    def draw(self, data):
        reduce = data.draw(st.sampled_from(REDUCTIONS), label="reduce")
        include = data.draw(st.booleans(), label="include_self")
        case = ScatterCase(
            lambda *args: self.function(*args, reduce, include_self=include), with_source=True,
            values=nonzero if reduce == "prod" else separated,
        )  # fmt: skip
        return case.draw(data)


def _in_place(name, **settings):
    """The method called on a copy, and what was read from the copy before."""

    def function(x, *others):
        target = x * 1.5
        before = target.sum()
        result = getattr(target, name)(*others, **settings)
        assert result is target
        return target * 2.0 + before

    return function


def _reduced_in_place(x, dim, places, src, reduce, include_self):
    target = x * 1.5
    return target.scatter_reduce_(dim, places, src * 1.5, reduce, include_self=include_self) * 2.0


def _mask(x, seed):
    return mg.tensor(np.random.default_rng(seed).random(x.shape) < 0.5)


def _positions(seed, low, high, size):
    return mg.tensor(np.random.default_rng(seed).integers(low, high, size))


def _taken(x, dim, size, seed):
    return mg.take_along_dim(x, _positions(seed, 0, x.shape[dim], size), dim)


def _masked(function):
    def call(x, y, seed):
        return function(x, _mask(x, seed), y)

    return call


seeded = lambda *_: st.fixed_dictionaries({"seed": st.integers(0, 99)})
with_long_source = shape.flatmap(lambda s: st.tuples(st.just(s), st.just((int(np.prod(s)) + 1,))))

SCATTERING = {
    "scatter_add": ScatterCase(mg.scatter_add, with_source=True),
    "scatter": UniqueCase(mg.scatter),
    "scatter of a number": ScatterCase(lambda x, dim, places: mg.scatter(x, dim, places, 2.5), names=("scatter",)),
    "scatter with add": ScatterCase(lambda *args: mg.scatter(*args, reduce="add"), with_source=True),
    "scatter with multiply": ScatterCase(
        lambda *args: mg.scatter(*args, reduce="multiply"), values=nonzero, with_source=True),
    "scatter_reduce": ReduceCase(mg.scatter_reduce),
    "index_add": SliceCase(lambda *args: mg.index_add(*args, alpha=-2)),
    "index_copy": SliceCase(mg.index_copy, repeated=False),
    "index_fill": SliceCase(lambda x, dim, places, src: mg.index_fill(x, dim, places, 3) + src.sum()),
    "index_fill with a tensor": SliceCase(lambda x, dim, places, src: mg.index_fill(x, dim, places, src.sum())),
    "masked_scatter": Case(_masked(mg.masked_scatter), with_long_source, seeded),
    "masked_select": Case(lambda x, seed: mg.masked_select(x, _mask(x, seed)), one, seeded),
    "take": Case(lambda x, seed: mg.take(x, _positions(seed, -x.numel(), x.numel(), (2, 2))),
                 st.tuples(array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)), seeded),
    "take_along_dim": Case(_taken, st.sampled_from([((2, 3),), ((2, 1),)]), lambda s: st.fixed_dictionaries(
        {"dim": st.just(0), "size": st.sampled_from([(4, 3), (1, 1), (2, 3)]), "seed": st.integers(0, 99)})),
    "take_along_dim of all": Case(lambda x, seed: mg.take_along_dim(x, _positions(seed, 0, 6, (4,))),
                                  st.just(((2, 3),)), seeded),
    "index_put with accumulate": Case(
        lambda x, y, seed: mg.index_put(x, (_positions(seed, -3, 3, (2, 2)),), y, True),
        st.sampled_from([((3,), ()), ((3,), (2, 2)), ((3, 2), (2, 1, 2)), ((3, 2), (1, 1, 1, 2))]), seeded),
    # in place
    "scatter_": UniqueCase(_in_place("scatter_")),
    "scatter_add_": ScatterCase(_in_place("scatter_add_"), with_source=True),
    "scatter_reduce_": ReduceCase(_reduced_in_place),
    "index_add_": SliceCase(_in_place("index_add_")),
    "index_copy_": SliceCase(_in_place("index_copy_"), repeated=False),
    "index_fill_": SliceCase(lambda x, dim, places, src: _in_place("index_fill_")(x, dim, places, src.sum())),
    "index_put_": Case(lambda x, y: _in_place("index_put_")(x, (mg.tensor([0, 2]),), y),
                       st.sampled_from([((3, 2), ()), ((3, 2), (2, 2)), ((3,), (2,)), ((3, 0), (1, 0))])),
    "masked_fill_": Case(lambda x, y, seed: _in_place("masked_fill_")(x, _mask(x, seed), y),
                         shape.map(lambda s: (s, ())), seeded),
    "masked_scatter_": Case(_masked(_in_place("masked_scatter_")), with_long_source, seeded),
}  # fmt: skip
