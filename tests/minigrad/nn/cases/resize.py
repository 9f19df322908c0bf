"""Resizing."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.ops.cases.case import Case, fixed
from tests.minigrad.ops.cases.windows import per_dim


@st.composite
def _resized(draw):
    n = draw(st.integers(1, 3))
    return ((draw(st.integers(1, 2)), draw(st.integers(1, 2)), *draw(per_dim(n, 1, 4 if n < 3 else 2))),)


def _ways(size):
    n = len(size) - 2
    by = st.fixed_dictionaries({"size": st.integers(1, 5) | per_dim(n, 1, 5)}) | st.fixed_dictionaries(
        {
            "scale_factor": st.sampled_from([2, 1.5, 1.0]) | st.tuples(*[st.sampled_from([1.0, 2.5])] * n),
            "recompute_scale_factor": st.sampled_from([None, True, False]),
        }
    )
    smooth = [("linear",), ("bilinear", "bicubic"), ("trilinear",)][n - 1]
    modes = st.fixed_dictionaries({"mode": st.sampled_from(["nearest", "nearest-exact", "area"])}) | (
        st.fixed_dictionaries({"mode": st.sampled_from(smooth), "align_corners": st.sampled_from([None, True, False])})
    )
    return st.tuples(by, modes).map(lambda parts: {**parts[0], **parts[1]})


RESIZE = {
    "interpolate": Case(F.interpolate, _resized(), _ways),
    "pixel_shuffle": Case(
        F.pixel_shuffle, st.sampled_from([((8, 2, 3),), ((2, 4, 1, 2),)]), fixed(upscale_factor=st.integers(1, 2))
    ),
    "pixel_unshuffle": Case(
        F.pixel_unshuffle, st.sampled_from([((2, 2, 4),), ((2, 1, 4, 6),)]), fixed(downscale_factor=st.integers(1, 2))
    ),
}  # fmt: skip
