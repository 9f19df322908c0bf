"""Convolution, its transpose, and windows as columns."""

import numpy as np
from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.ops.cases.case import Case
from tests.minigrad.ops.cases.windows import per_dim


@st.composite
def _convolved(draw, transposed=False):
    """Input, weight and bias that go together; dilation up to 2 fits."""
    n = draw(st.sampled_from([1, 2, 2, 3]))
    groups, channels, filters = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = draw(per_dim(n, 1, 3 if n == 1 else 2))
    size = tuple((0 if transposed else 2 * (k - 1)) + 1 + draw(st.integers(0, 2)) for k in kernel)
    lead = draw(st.sampled_from([(), (1,), (2,), (0,)]))
    first, second = (groups * channels, filters) if transposed else (groups * filters, channels)
    return (*lead, groups * channels, *size), (first, second, *kernel), (groups * filters,)


def _convolve(x, w, b=None, **settings):
    n = w.ndim - 2
    return getattr(F, f"conv{n}d")(x, w, b, groups=x.shape[-n - 1] // w.shape[1], **settings)


def _transposed(x, w, b, **settings):
    n = w.ndim - 2
    return getattr(F, f"conv_transpose{n}d")(x, w, b, groups=b.shape[0] // w.shape[1], **settings)


def _settings(padding, **more):
    def drawn(*sizes):
        n = len(sizes[1]) - 2
        steps = {"dilation": st.integers(1, 2) | per_dim(n, 1, 2)}
        free = {"stride": st.integers(1, 2) | per_dim(n, 1, 3), "padding": padding(n)}
        return st.fixed_dictionaries({**steps, **free, **{name: each(n) for name, each in more.items()}})

    return drawn


_same = lambda *sizes: st.fixed_dictionaries({"padding": st.just("same"), "dilation": st.integers(1, 2)})


@st.composite
def _unfolded(draw):
    kernel = draw(per_dim(2, 1, 2))
    return ((*draw(st.sampled_from([(), (2,)])), 2, *(2 * k - 1 + draw(st.integers(0, 2)) for k in kernel)),)


def _unfold(x, **settings):
    kernel = tuple(min(2, (length + 1) // 2) for length in x.shape[-2:])
    return F.unfold(x, kernel, **settings)


def _fold(x, padding, dilation, stride):
    """Columns of as many windows as a kernel of (1, 2) has in a height and width of 4 and 5."""
    rows, columns = ((4 + 2 * padding - 1) // stride + 1, (5 + 2 * padding - dilation - 1) // stride + 1)
    return F.fold(x[..., : rows * columns], (4, 5), (1, 2), dilation, padding, stride)


_window_settings = lambda *sizes: st.fixed_dictionaries(
    {"padding": st.integers(0, 1), "dilation": st.integers(1, 2), "stride": st.integers(1, 2)}
)

CONVOLUTION = {
    "convolution": Case(
        _convolve, _convolved(), _settings(lambda n: st.integers(0, 1) | per_dim(n, 0, 2) | st.just("valid")),
        names=("conv1d", "conv2d", "conv3d"),
    ),
    "convolution of the same size": Case(_convolve, _convolved().map(lambda s: s[:2]), _same),
    "transposed convolution": Case(
        _transposed, _convolved(transposed=True).filter(lambda s: min(s[0][1 - len(s[1]) + 1 :], default=1) > 0),
        _settings(lambda n: st.just(0), output_padding=lambda n: st.just(0)),
        names=("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    ),
    "transposed convolution with padding": Case(
        lambda x, w, b: F.conv_transpose2d(x, w, b, (2, 3), (1, 2), (1, 0), dilation=(1, 2)),
        st.sampled_from([((2, 3, 2, 3), (3, 2, 3, 2), (2,)), ((3, 3, 2), (3, 1, 2, 3), (1,))]),
    ),
    "unfold": Case(_unfold, _unfolded(), _window_settings),
    "fold": Case(_fold, st.sampled_from([((4, 42),), ((2, 2, 42),)]), _window_settings),
}  # fmt: skip
assert np.prod((6, 7)) == 42  # the windows of a (1, 2) kernel with padding 1
