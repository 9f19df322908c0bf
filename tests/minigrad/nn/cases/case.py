"""What the cases of `minigrad.nn.functional` share."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import minigrad as mg

filled = array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
rows = st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3), st.integers(1, 4)).map(
    lambda s: (*s[0][:-1], s[1])
)


def seeded(function):
    """The same draw at each call."""

    def again(*tensors, seed, **settings):
        mg.manual_seed(seed)
        return function(*tensors, **settings)

    return again


def away_from(*kinks, low=-4.0, high=4.0):
    """Values in [low, high], none nearer than 1/20 to any of these numbers."""

    def values(rng, sizes):
        arrays = [rng.uniform(low, high, size) for size in sizes]
        for array in arrays:
            for _ in range(100):
                near = np.any([np.abs(array - kink) < 0.05 for kink in kinks], axis=0)
                array[near] = rng.uniform(low, high, np.count_nonzero(near))
        return arrays

    return values


def between(low, high):
    return lambda rng, sizes: [rng.uniform(low, high, size) for size in sizes]


reductions = st.sampled_from(["mean", "sum", "none"])
two = filled.map(lambda size: (size, size))
