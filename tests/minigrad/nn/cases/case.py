"""What the cases of `minigrad.nn.functional` share."""

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
