"""Pooling."""

import numpy as np
from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import functional as F
from tests.minigrad.ops.cases.case import Case, fixed, positive, separated
from tests.minigrad.ops.cases.windows import per_dim


@st.composite
def _pooled(draw):
    n = draw(st.integers(1, 3))
    size = draw(per_dim(n, 3, 5 if n < 3 else 4))
    return ((*draw(st.sampled_from([(), (1,), (2,)])), 2 if n < 3 else 1, *size),)


def _of_rank(name):
    """The function of `n` dimensions."""
    return lambda x, n, **settings: getattr(F, f"{name}{n}d")(x, **settings)


def _settings(**more):
    def drawn(size):
        ranks = [n for n in (1, 2, 3) if len(size) in (n + 1, n + 2) and min(size[-n:]) >= 3]
        return st.sampled_from(ranks).flatmap(
            lambda n: st.fixed_dictionaries({"n": st.just(n), **{name: each(n) for name, each in more.items()}})
        )

    return drawn


_kernel = lambda n: st.integers(2, 3) | per_dim(n, 2, 3)
_stride = lambda n: st.none() | per_dim(n, 1, 3)
_padding = lambda n: st.integers(0, 1) | per_dim(n, 0, 1)
_either = lambda n: st.booleans()
_parts = lambda n: st.integers(1, 5) | per_dim(n, 1, 4) | st.just((None,) * n)


def _named(name):
    return tuple(f"{name}{n}d" for n in (1, 2, 3))


def _unpool(x, n, seed):
    shape = x.shape
    lead, places = shape[: len(shape) - n], int(np.prod(shape[len(shape) - n :]))
    rng = np.random.default_rng(seed)
    ids = np.array([rng.permutation(places * 2**n)[:places] for _ in range(int(np.prod(lead)))])
    return getattr(F, f"max_unpool{n}d")(x, mg.tensor(ids.reshape(shape)), 2)


def _magnitudes(rng, sizes):
    return [10.0 + x for x in separated(rng, sizes)]


POOLING = {
    "max_pool": Case(
        _of_rank("max_pool"), _pooled(),
        _settings(kernel_size=_kernel, stride=_stride, padding=_padding, ceil_mode=_either), separated,
        names=_named("max_pool"),
    ),
    "max_pool, dilated": Case(
        _of_rank("max_pool"), _pooled(),
        _settings(kernel_size=lambda n: st.just(2), stride=_stride, dilation=lambda n: per_dim(n, 1, 2)), separated,
    ),
    "avg_pool": Case(
        _of_rank("avg_pool"), _pooled(),
        _settings(kernel_size=_kernel, stride=_stride, padding=_padding, ceil_mode=_either, count_include_pad=_either),
        names=_named("avg_pool"),
    ),
    "avg_pool by a divisor": Case(
        lambda x: F.avg_pool2d(x, 2, padding=1, divisor_override=3), st.just(((2, 3, 4),)),
    ),
    "lp_pool": Case(
        _of_rank("lp_pool"), _pooled(),
        _settings(norm_type=lambda n: st.sampled_from([1.0, 2.0, 3.0]), kernel_size=_kernel, ceil_mode=_either),
        positive, names=_named("lp_pool"),
    ),
    "lp_pool of an infinite norm": Case(
        lambda x, norm_type: F.lp_pool2d(x, norm_type, 2), st.just(((2, 4, 4),)),
        fixed(norm_type=st.sampled_from([np.inf, -np.inf])), _magnitudes,
    ),
    "adaptive_max_pool": Case(
        _of_rank("adaptive_max_pool"), _pooled(), _settings(output_size=_parts), separated,
        names=_named("adaptive_max_pool"),
    ),
    "adaptive_avg_pool": Case(
        _of_rank("adaptive_avg_pool"), _pooled(), _settings(output_size=_parts), names=_named("adaptive_avg_pool"),
    ),
    "max_unpool": Case(_unpool, _pooled(), _settings(seed=lambda n: st.integers(0, 9)), names=_named("max_unpool")),
}  # fmt: skip
