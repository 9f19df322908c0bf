"""Normalization by channel."""

from hypothesis import strategies as st

from minigrad.nn import functional as F
from tests.minigrad.ops.cases.case import Case, fixed

# (N, C, ...), with more than one value per channel of the batch, or of an instance
_batches = st.sampled_from([(2, 3), (4, 1), (2, 2, 3), (1, 2, 2), (2, 1, 2, 2), (1, 3, 1, 2, 2), (2, 2, 0), (3, 0)])
_instances = st.sampled_from([(1, 3, 2), (2, 2, 3), (2, 1, 2, 2), (1, 2, 1, 2, 2), (2, 0, 3), (0, 2, 3)])


def _affine(size):
    return size, (size[1],), (size[1],)


def _running(size):
    return (*_affine(size), (size[1],), (size[1],))


CHANNEL_NORM = {
    "batch_norm": Case(
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True, eps=0.1), _batches.map(_affine)
    ),
    "batch_norm in evaluation": Case(
        lambda x, w, b, mean, var: F.batch_norm(x, mean, var * var, w, b, eps=0.1), _batches.map(_running),
        names=("batch_norm",),
    ),
    "instance_norm": Case(lambda x, w, b: F.instance_norm(x, None, None, w, b, eps=0.1), _instances.map(_affine)),
    "instance_norm in evaluation": Case(
        lambda x, w, b, mean, var: F.instance_norm(x, mean, var * var, w, b, use_input_stats=False, eps=0.1),
        _instances.map(_running), names=("instance_norm",),
    ),
    "group_norm": Case(
        lambda x, w, b, groups: F.group_norm(x, groups, w, b, eps=0.1),
        st.sampled_from([(2, 4), (3, 2), (1, 6, 2), (2, 4, 1, 2), (2, 2, 0)]).map(_affine),
        fixed(groups=st.sampled_from([1, 2])),
    ),
}  # fmt: skip
