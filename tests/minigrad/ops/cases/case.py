"""What a case is, and the shapes and values that cases draw."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import (
    array_shapes,
    mutually_broadcastable_shapes,
)

# Few of a case, for each is looked at long; and a search for what explains a failure would name lines of the checker.
points = settings(
    max_examples=max(2, settings().max_examples // 6),
    phases=[phase for phase in settings().phases if phase is not Phase.explain],
)

# ------------------------------------------------------------------------------------- values, by where it is smooth


def real(rng, sizes):
    return [rng.uniform(-2.0, 2.0, size) for size in sizes]


def positive(rng, sizes):
    return [rng.uniform(0.3, 3.0, size) for size in sizes]


def nonzero(rng, sizes):
    return [rng.uniform(0.3, 2.0, size) * rng.choice([-1.0, 1.0], size) for size in sizes]


def unit(rng, sizes):
    """Strictly between -1 and 1."""
    return [rng.uniform(-0.8, 0.8, size) for size in sizes]


def inside(rng, sizes):
    """Strictly between 0 and 1."""
    return [rng.uniform(0.15, 0.85, size) for size in sizes]


def above_one(rng, sizes):
    return [rng.uniform(1.3, 3.0, size) for size in sizes]


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
    order: int = 2  # how many derivatives are checked; one where the second is zero, or not a function

    def draw(self, data):
        """A function of tensors alone, and the arrays to call it with."""
        sizes = data.draw(self.shapes, label="shapes")
        settings = data.draw(self.settings(*sizes), label="settings") if self.settings else {}
        rng = np.random.default_rng(data.draw(st.integers(0, 1000), label="seed"))
        return lambda *tensors: self.function(*tensors, **settings), self.values(rng, sizes)


def fixed(**settings):
    return lambda *_: st.fixed_dictionaries(settings)


def with_dim(function, **extra):
    return Case(
        function, st.tuples(dimensional), lambda size: st.fixed_dictionaries({"dim": dim_in(len(size)), **extra})
    )
