"""Normalization."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.nn.cases.case import rows
from tests.minigrad.ops.cases.case import Case, fixed

NORMALIZATION = {
    "layer_norm": Case(
        lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, eps=0.1), rows.map(lambda s: (s, s[-1:], s[-1:]))
    ),
    "layer_norm without bias": Case(
        lambda x, w: F.layer_norm(x, x.shape[-1:], w, eps=0.1), rows.map(lambda s: (s, s[-1:])), names=("layer_norm",)
    ),
    "layer_norm of two dims": Case(
        lambda x, w, b: F.layer_norm(x, x.shape[-2:], w, b, eps=0.1), names=("layer_norm",),
        shapes=st.sampled_from([((2, 3), (2, 3), (2, 3)), ((4, 2, 2), (2, 2), (2, 2)), ((2, 1, 3), (1, 3), (1, 3))]),
    ),
    "layer_norm alone": Case(lambda x: F.layer_norm(x, x.shape[-1:], eps=0.1), st.tuples(rows), names=("layer_norm",)),
    "rms_norm": Case(lambda x, w: F.rms_norm(x, x.shape[-1:], w, eps=0.1), rows.map(lambda s: (s, s[-1:]))),
    "rms_norm alone": Case(lambda x: F.rms_norm(x, x.shape[-1:], eps=0.1), st.tuples(rows), names=("rms_norm",)),
    "local_response_norm": Case(
        lambda x, **s: F.local_response_norm(x, **s), st.tuples(st.sampled_from([(2, 3, 2), (1, 4, 2, 2), (2, 3, 0)])),
        fixed(size=st.integers(1, 5), alpha=st.just(0.5), beta=st.sampled_from([0.75, 2.0]), k=st.just(1.5)),
    ),
}  # fmt: skip
