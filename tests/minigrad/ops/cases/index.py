"""Reading and writing by index."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    array_shapes,
    basic_indices,
    integer_array_indices,
)

import minigrad as mg
from tests.minigrad.ops.cases.case import (
    Case,
    fixed,
    one,
    with_dim,
)  # fmt: skip


@st.composite
def _mixed_index(draw, size):
    """One of everything: slices, ints, None, Ellipsis; integer arrays; a mask; arrays among slices."""
    kinds = [basic_indices(size, allow_newaxis=True, allow_ellipsis=True)]
    if size and all(size):
        kinds.append(integer_array_indices(size))
        first = st.lists(st.integers(-size[0], size[0] - 1), min_size=0, max_size=4)
        kinds.append(first)
        kinds.append(first.map(lambda rows: (mg.tensor(np.asarray(rows, np.int64)), ...)))
        if len(size) > 1:
            kinds.append(first.map(lambda rows: (slice(None, None, 2), [row % size[1] for row in rows])))
            whole = (slice(None), 0)[: len(size) - 1]
            kinds.append(first.map(lambda rows: (None, [row % size[0] for row in rows], *whole)))
    kinds.append(st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).random(size) < 0.5))
    return {"index": draw(st.one_of(kinds))}


@st.composite
def gathered(draw):
    """An input, and a shape no larger in any dimension but `dim`."""
    size = draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    dim = draw(st.integers(0, len(size) - 1))
    inner = tuple(draw(st.integers(0, 4 if axis == dim else n)) for axis, n in enumerate(size))
    return size, inner, dim - draw(st.sampled_from([0, len(size)]))


def _places(seed, size, inner, dim):
    return mg.tensor(np.random.default_rng(seed).integers(0, size[dim], inner))


@dataclass(frozen=True)
class ScatterCase(Case):
    """Shapes and index depend on each other, so they are drawn together."""

    with_source: bool = False

    def draw(self, data):
        size, inner, dim = data.draw(gathered(), label="input, index, dim")
        seed = data.draw(st.integers(0, 99), label="seed")
        places = _places(seed, size, inner, dim)
        arrays = self.values(np.random.default_rng(seed), [size, inner] if self.with_source else [size])
        return lambda *tensors: self.function(tensors[0], dim, places, *tensors[1:]), arrays


def _read_and_written(x, y, index):
    target = x * 1.0
    target[index] = y
    return target


def _written_twice(x, y):
    target = x * 1.0
    target[:1] = y
    target[1:] = y * 2.0
    return target * target


INDEX = {
    "getitem": Case(lambda x, index: x[index], one, _mixed_index),
    "gather": ScatterCase(mg.gather),
    "index_select": with_dim(
        lambda x, dim, seed: mg.index_select(x, dim, mg.tensor(
            np.random.default_rng(seed).integers(0, max(x.shape[dim], 1), 4 if x.shape[dim] else 0))),
        seed=st.integers(0, 99)),
    "index_put": Case(lambda x, y, columns: mg.index_put(x, (slice(None), columns), y),
                      st.sampled_from([((2, 3), ()), ((2, 3), (2, 2)), ((2, 4), (2,)), ((0, 3), (1, 1)), ((1, 3), ()),
                                       ((2, 3), (2, 1)), ((1, 3), (1, 2))]),
                      fixed(columns=st.sampled_from([[0, -1], [0, 1], [2, 1]]))),
    "setitem": Case(lambda x, y: _read_and_written(x, y, slice(0, 2)),
                       st.sampled_from([((3, 2), ()), ((3, 2), (2, 2)), ((2,), (1,)), ((2, 0), (0,))])),
    "setitem from the end": Case(
        lambda x, y: _read_and_written(x, y, (..., slice(-2, None))),
        st.sampled_from([((2, 3), ()), ((2, 3), (2, 1)), ((2,), (1,)), ((3, 1), (1,)), ((3, 1), (3, 1))]),
        names=("setitem",)),
    "index_put of a column": Case(lambda x, y: mg.index_put(x, (slice(None), [1]), y), st.just(((2, 3), (2, 1))),
                                  names=("index_put",)),
    "index_put of a number": Case(lambda x, y, where: mg.index_put(x, (mg.tensor(where),), y), st.just(((), ())),
                                  fixed(where=st.booleans()), names=("index_put",)),
    "setitem of a number": Case(lambda x, y, where: _read_and_written(x, y, mg.tensor(where)), st.just(((), ())),
                                fixed(where=st.booleans()), names=("setitem",)),
    "setitem of all": Case(lambda x, y: _read_and_written(x, y, ...), st.sampled_from([((), ()), ((2, 1), ())]),
                           names=("setitem",)),
    "setitem twice": Case(_written_twice, st.sampled_from([((2, 3), (1, 3)), ((2, 1), (1,))]), names=("setitem",)),
}  # fmt: skip
