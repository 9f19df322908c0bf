"""Sliding windows."""

import numpy as np
from hypothesis import strategies as st

from minigrad.ops.windows import overlap_add, pad, take, windows
from tests.minigrad.ops.cases.case import Case, dim_in, dimensional


def per_dim(n, least, most):
    return st.tuples(*[st.integers(least, most)] * n)


@st.composite
def _sliding(draw):
    """A shape, and windows that fit into its last dimensions."""
    n = draw(st.integers(1, 3))
    kernel, stride, dilation = draw(per_dim(n, 1, 3)), draw(per_dim(n, 1, 3)), draw(per_dim(n, 1, 2))
    if n == 3:
        kernel = tuple(min(k, 2) for k in kernel)
    size = tuple(d * (k - 1) + 1 + draw(st.integers(0, 3)) for k, d in zip(kernel, dilation))
    lead = draw(st.sampled_from([(), (2,), (1, 2), (0,)]))
    return {"size": (*lead, *size), "kernel": kernel, "stride": stride, "dilation": dilation}


def _counts(size, kernel, stride, dilation):
    return tuple(
        (length - d * (k - 1) - 1) // s + 1 for length, k, s, d in zip(size[-len(kernel) :], kernel, stride, dilation)
    )


class Sliding(Case):
    """A case whose windows and shape are drawn together."""

    def draw(self, data):
        drawn = data.draw(_sliding(), label="windows")
        size = drawn.pop("size")
        n = len(drawn["kernel"])
        if self.names == ("adjoint",):
            kernel = drawn.pop("kernel")
            drawn["size"] = size[-n:]
            size = (*size[:-n], *_counts(size, kernel, drawn["stride"], drawn["dilation"]), *kernel)
        rng = np.random.default_rng(data.draw(st.integers(0, 1000), label="seed"))
        return lambda x: self.function(x, **drawn), self.values(rng, (size,))


def _widths(low):
    return lambda size: st.fixed_dictionaries(
        {"widths": st.tuples(*[st.tuples(st.integers(low, 2), st.integers(low, 2))] * len(size))}
    )


_long = st.tuples(per_dim(1, 3, 4) | per_dim(2, 3, 4) | per_dim(3, 3, 3))

WINDOWS = {
    "windows": Sliding(windows),
    "overlap_add": Sliding(overlap_add, names=("adjoint",)),
    "padding with zeros": Case(lambda x, widths: pad(x, widths), _long, _widths(-1)),
    **{
        f"padding by {mode}": Case(lambda x, widths, mode=mode: pad(x, widths, mode), _long, _widths(0))
        for mode in ("reflect", "replicate", "circular")
    },
    "taking along a dim": Case(
        lambda x, dim, seed: take(x, dim % x.ndim, np.random.default_rng(seed).integers(0, x.shape[dim], 4)),
        st.tuples(dimensional.filter(lambda size: 0 not in size)),
        lambda size: st.fixed_dictionaries({"dim": dim_in(len(size)), "seed": st.integers(0, 9)}),
    ),
}  # fmt: skip
