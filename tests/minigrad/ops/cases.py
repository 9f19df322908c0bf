"""Every differentiable operation of the public table, with the inputs on which its derivatives are checked.

A case draws shapes and settings, and says in which values the operation is smooth. `test_derivatives.py` checks the
cases, and that none is missing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    array_shapes,
    basic_indices,
    broadcastable_shapes,
    integer_array_indices,
    mutually_broadcastable_shapes,
)

import minigrad as mg

# ------------------------------------------------------------------------------------- values, by where it is smooth


def real(rng, sizes):
    return [rng.uniform(-2.0, 2.0, size) for size in sizes]


def positive(rng, sizes):
    return [rng.uniform(0.3, 3.0, size) for size in sizes]


def nonzero(rng, sizes):
    return [rng.uniform(0.3, 2.0, size) * rng.choice([-1.0, 1.0], size) for size in sizes]


def separated(rng, sizes):
    """No two entries of any of the arrays nearer than 1/4, none nearer to zero than 1/8."""
    total = sum(math.prod(size) for size in sizes)
    values = rng.permutation((np.arange(total) - total // 2) * 0.25 + 0.125)
    parts = np.split(values, np.cumsum([math.prod(size) for size in sizes])[:-1])
    return [part.reshape(size) for part, size in zip(parts, sizes)]


def fractional(rng, sizes):
    """At least 0.2 away from every integer."""
    return [rng.integers(-3, 3, size) + rng.uniform(0.2, 0.8, size) for size in sizes]


# ---------------------------------------------------------------------------------- shapes: 0-d, of size 0, of size 1

shape = array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
dimensional = array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3)
nonempty = array_shapes(min_dims=0, max_dims=3, min_side=1, max_side=3)
one = st.tuples(shape)
pair = mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=3).map(lambda s: s.input_shapes)


def dim_in(ndim):
    return st.integers(-ndim, ndim - 1)


def dims_in(ndim):
    """None, one dim or several, counted from either end."""
    if ndim == 0:
        return st.sampled_from([None, 0, -1])
    several = st.lists(st.integers(0, ndim - 1), min_size=1, max_size=ndim, unique=True)
    signed = several.flatmap(lambda axes: st.tuples(*[st.sampled_from([axis, axis - ndim]) for axis in axes]))
    return st.none() | dim_in(ndim) | signed


@dataclass(frozen=True)
class Case:
    function: Callable[..., Any]  # of tensors, and the drawn settings
    shapes: Any = one  # strategy of one shape per tensor
    settings: Any = None  # from the shapes, a strategy of keyword settings
    values: Callable[..., Any] = real
    names: tuple[str, ...] = ()  # public names it stands for, beside its own

    def draw(self, data):
        """A function of tensors alone, and the arrays to call it with."""
        sizes = data.draw(self.shapes, label="shapes")
        settings = data.draw(self.settings(*sizes), label="settings") if self.settings else {}
        rng = np.random.default_rng(data.draw(st.integers(0, 1000), label="seed"))
        return lambda *tensors: self.function(*tensors, **settings), self.values(rng, sizes)


def fixed(**settings):
    return lambda *_: st.fixed_dictionaries(settings)


# ------------------------------------------------------------------------------------------------------ elementwise

UNARY = {
    "neg": real, "exp": real, "log": positive, "sqrt": positive, "sin": real, "cos": real, "tanh": real, "erf": real,
    "abs": nonzero, "sign": nonzero, "sigmoid": real, "clone": real, "floor": fractional, "square": real,
    "reciprocal": nonzero, "rsqrt": positive,
}  # fmt: skip
BINARY = {
    "add": real, "sub": real, "mul": real, "div": nonzero, "pow": positive, "maximum": separated, "minimum": separated,
    "clamp_min": separated, "clamp_max": separated,
}  # fmt: skip


def _masked(input, other, seed):
    shapes = np.broadcast_shapes(input.shape, other.shape)
    return mg.Tensor(np.random.default_rng(seed).random(shapes) < 0.5)


ELEMENTWISE = {
    **{name: Case(getattr(mg, name), values=values) for name, values in UNARY.items()},
    **{name: Case(getattr(mg, name), pair, values=values) for name, values in BINARY.items()},
    "remainder": Case(
        lambda x, y: mg.remainder(x * 5.0, 7.0 + y * 0.01), pair,
        values=lambda rng, sizes: [rng.uniform(0.1, 0.9, sizes[0]), rng.uniform(-1, 1, sizes[1])],
    ),
    "pow of a whole number": Case(
        lambda x, exponent: x**exponent, settings=fixed(exponent=st.sampled_from([0, 1, 2, 3, 2.0])), names=("pow",)
    ),
    "pow of a number": Case(
        lambda x, exponent: x**exponent, settings=fixed(exponent=st.sampled_from([-1, 0.5, -2.5])), values=positive,
        names=("pow",),
    ),
    "number to the power": Case(lambda x, base: base**x, settings=fixed(base=st.sampled_from([2, 0.5, 1]))),
    "zero to the power": Case(lambda x: 0.0**x, values=positive, names=("pow",)),
    "operators with numbers": Case(lambda x: 2 - x * 3 + 1 / x - (x - 1) / 4 + 0.5 * x, values=nonzero),
    "clamp": Case(
        lambda x, low, high: mg.clamp(x, low, high), values=separated,
        settings=fixed(low=st.sampled_from([None, -0.5]), high=st.sampled_from([0.5, 0.0])),
    ),
    "where": Case(lambda x, y, seed: mg.where(_masked(x, y, seed), x, y), pair, fixed(seed=st.integers(0, 9))),
    "where with a number": Case(
        lambda x, seed: mg.where(_masked(x, x, seed), 2, x), one, fixed(seed=st.integers(0, 9))),
    "masked_fill": Case(lambda x, seed: x.masked_fill(_masked(x, x, seed), -1.5), one, fixed(seed=st.integers(0, 9))),
    "to": Case(lambda x: x.to(mg.float64) * 1.0, names=("double",)),
}  # fmt: skip

# ----------------------------------------------------------------------------------------------------------- reduce


def _reduction(name, values=real, shapes=one, **extra):
    function = lambda x, dim, keepdim, **more: getattr(mg, name)(x, dim, keepdim=keepdim, **more)
    settings = lambda size: st.fixed_dictionaries({"dim": dims_in(len(size)), "keepdim": st.booleans(), **extra})
    return Case(function, shapes, settings, values)


def _extreme(name):
    """Values along a dim; the indices have no gradient."""
    settings = lambda size: st.fixed_dictionaries({"dim": dim_in(len(size)), "keepdim": st.booleans()})
    sizes = st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    return Case(lambda x, dim, keepdim: getattr(mg, name)(x, dim, keepdim)[0], sizes, settings, separated)


several = st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=2, max_side=3))
REDUCE = {
    "sum": _reduction("sum"),
    "mean": _reduction("mean", shapes=st.tuples(nonempty)),
    "amax": _reduction("amax", separated, st.tuples(nonempty)),
    "amin": _reduction("amin", separated, st.tuples(nonempty)),
    "logsumexp": Case(
        mg.logsumexp, st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)),
        lambda size: st.fixed_dictionaries({"dim": dims_in(len(size)).filter(lambda d: d is not None),
                                            "keepdim": st.booleans()}),
    ),
    "var": _reduction("var", separated, several, correction=st.sampled_from([0, 1])),
    "std": _reduction("std", separated, several, correction=st.sampled_from([0, 1])),
    "max": _extreme("max"),
    "min": _extreme("min"),
    "max of all": Case(mg.max, st.tuples(nonempty), values=separated),
    "min of all": Case(mg.min, st.tuples(nonempty), values=separated),
}  # fmt: skip

# ------------------------------------------------------------------------------------------------------------ shape


def _with_dim(function, **extra):
    return Case(
        function, st.tuples(dimensional), lambda size: st.fixed_dictionaries({"dim": dim_in(len(size)), **extra})
    )


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
    "chunk": _with_dim(lambda x, dim, n: mg.chunk(x, n, dim), n=st.integers(1, 4)),
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

# ------------------------------------------------------------------------------------------------------------ index


@st.composite
def _mixed_index(draw, size):
    """One of everything: slices, ints, None, Ellipsis; integer arrays; a mask; arrays among slices."""
    kinds = [basic_indices(size, allow_newaxis=True, allow_ellipsis=True)]
    if size and all(size):
        kinds.append(integer_array_indices(size))
        first = st.lists(st.integers(-size[0], size[0] - 1), min_size=0, max_size=4)
        kinds.append(first)
        kinds.append(first.map(lambda rows: (mg.Tensor(np.asarray(rows, np.int64)), ...)))
        if len(size) > 1:
            kinds.append(first.map(lambda rows: (slice(None, None, 2), [row % size[1] for row in rows])))
            whole = (slice(None), 0)[: len(size) - 1]
            kinds.append(first.map(lambda rows: (None, [row % size[0] for row in rows], *whole)))
    kinds.append(st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).random(size) < 0.5))
    return {"index": draw(st.one_of(kinds))}


@st.composite
def _gathered(draw):
    """An input, and a shape no larger in any dimension but `dim`."""
    size = draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3))
    dim = draw(st.integers(0, len(size) - 1))
    inner = tuple(draw(st.integers(0, 4 if axis == dim else n)) for axis, n in enumerate(size))
    return size, inner, dim - draw(st.sampled_from([0, len(size)]))


def _places(seed, size, inner, dim):
    return mg.Tensor(np.random.default_rng(seed).integers(0, size[dim], inner))


@dataclass(frozen=True)
class ScatterCase(Case):
    """Shapes and index depend on each other, so they are drawn together."""

    with_source: bool = False

    def draw(self, data):
        size, inner, dim = data.draw(_gathered(), label="input, index, dim")
        seed = data.draw(st.integers(0, 99), label="seed")
        places = _places(seed, size, inner, dim)
        arrays = real(np.random.default_rng(seed), [size, inner] if self.with_source else [size])
        return lambda *tensors: self.function(tensors[0], dim, places, *tensors[1:]), arrays


def _read_and_written(x, y, index):
    target = x * 1.0
    target[index] = y
    return target


INDEX = {
    "getitem": Case(lambda x, index: x[index], one, _mixed_index),
    "gather": ScatterCase(mg.gather),
    "scatter_add": ScatterCase(mg.scatter_add, with_source=True),
    "index_select": _with_dim(
        lambda x, dim, seed: mg.index_select(x, dim, mg.Tensor(
            np.random.default_rng(seed).integers(0, max(x.shape[dim], 1), 4 if x.shape[dim] else 0))),
        seed=st.integers(0, 99)),
    "index_put": Case(lambda x, y: mg.index_put(x, (slice(None), [0, 2]), y),
                      st.sampled_from([((2, 3), ()), ((2, 3), (2, 2)), ((2, 4), (2,)), ((0, 3), (1, 1))])),
    "assignment": Case(lambda x, y: _read_and_written(x, y, slice(0, 2)),
                       st.sampled_from([((3, 2), ()), ((3, 2), (2, 2)), ((2,), (1,)), ((2, 0), (0,))])),
}  # fmt: skip

# ----------------------------------------------------------------------------------------------------------- linalg

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


LINALG = {
    "matmul": Case(mg.matmul, matmul_shapes),
    "mm": Case(mg.mm, st.tuples(*[st.integers(0, 3)] * 3).map(lambda s: ((s[0], s[1]), (s[1], s[2])))),
    "bmm": Case(mg.bmm, st.tuples(*[st.integers(0, 3)] * 4).map(lambda s: ((s[3], s[0], s[1]), (s[3], s[1], s[2])))),
    "einsum": EinsumCase(mg.einsum),
}

# ---------------------------------------------------------------------------------------------------------- in place


def _in_place(name, *numbers):
    """The method called on a fresh copy, and the copy used before and after."""

    def function(x, *others):
        target = x * 1.5
        before = target.sum() if name in ("add_", "sub_") else 0.0
        result = getattr(target, name)(*others, *numbers)
        assert result is target
        return target * 2.0 + before

    return function


into = shape.flatmap(lambda s: st.tuples(st.just(s), st.sampled_from([s, (), (1,) * len(s), s[1:], (*s[:-1], 1)])
    .filter(lambda b: len(b) <= len(s))))  # fmt: skip
IN_PLACE = {
    **{name: Case(_in_place(name), into) for name in ("add_", "sub_", "mul_", "copy_")},
    "div_": Case(_in_place("div_"), into, values=nonzero),
    "add_ of alpha": Case(lambda x, y: (x * 1.0).add_(y, alpha=-0.5), into, names=("add_",)),
    "sub_ of alpha": Case(lambda x, y: (x * 1.0).sub_(y, alpha=3), into, names=("sub_",)),
    "mul_ by a number": Case(_in_place("mul_", 3.0), names=("mul_",)),
    "clamp_": Case(_in_place("clamp_", -0.5, 0.5), values=separated),
    "fill_": Case(_in_place("fill_", 2.0)),
    "zero_": Case(_in_place("zero_")),
}

CASES = {**ELEMENTWISE, **REDUCE, **SHAPE, **INDEX, **LINALG, **IN_PLACE}
