"""Every function of `minigrad.nn.functional`, with the inputs on which its derivatives are checked."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import minigrad as mg
from minigrad.nn import functional as F
from tests.minigrad.ops.cases import Case, dim_in, fixed, nonzero, one, shape

filled = array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4)
rows = st.tuples(array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=3), st.integers(1, 4)).map(
    lambda s: (*s[0][:-1], s[1])
)


def _softmax(function):
    return Case(function, st.tuples(filled), lambda size: st.fixed_dictionaries({"dim": dim_in(len(size))}))


# --------------------------------------------------------------------------------------------------- cross-entropy


@st.composite
def _logits(draw):
    """(C), (N, C) or (N, C, d): logits, and a weight per class."""
    classes, batch = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    size = draw(st.sampled_from([(classes,), (batch, classes), (batch, classes, 2)]))
    return size, (classes,)


def _ids(size, seed, ignored):
    """Class ids for logits of this size, the first of them kept, a third of the others ignored."""
    rng = np.random.default_rng(seed)
    classes, places = size[min(len(size) - 1, 1)], (*size[:1], *size[2:]) if len(size) > 1 else ()
    ids = np.asarray(rng.integers(0, classes, places))
    if ignored is not None:
        ids = np.where((rng.random(places) < 0.3) & (np.arange(ids.size).reshape(places) > 0), ignored, ids)
    return mg.Tensor(ids)


def _cross_entropy(input, weight=None, *, seed, ignored, **settings):
    if ignored is not None:
        settings["ignore_index"] = ignored
    return F.cross_entropy(input, _ids(input.shape, seed, ignored), weight, **settings)


cross_entropy_settings = fixed(
    seed=st.integers(0, 99), ignored=st.sampled_from([None, -100, 0]),
    reduction=st.sampled_from(["mean", "sum", "none"]), label_smoothing=st.sampled_from([0.0, 0.0, 0.1]),
)  # fmt: skip


def _keep_first(case_settings):
    """Ignoring class 0 could ignore every target of a mean; so it is not drawn for that."""
    return lambda *sizes: case_settings(*sizes).filter(lambda s: s["ignored"] != 0 or s["reduction"] != "mean")


# ------------------------------------------------------------------------------------------------------- attention


@st.composite
def _heads(draw):
    batch, heads, length, source = (draw(st.integers(1, 2)) for _ in range(4))
    width, value_width = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return (batch, heads, length + 1, width), (batch, heads, source + 1, width), (batch, heads, source + 1, value_width)


def _masked_attention(q, k, v, kind, seed):
    length, source = q.shape[-2], k.shape[-2]
    if kind == "causal":
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    rng = np.random.default_rng(seed)
    if kind == "bool mask":
        mask = rng.random((length, source)) < 0.6
        mask[0] = False  # a query that may look at nothing
    else:
        mask = rng.standard_normal((q.shape[0], 1, length, source))
    return F.scaled_dot_product_attention(q, k, v, mg.Tensor(mask))


def _seeded(function):
    """The same draw at each call."""

    def again(*tensors, seed, **settings):
        mg.manual_seed(seed)
        return function(*tensors, **settings)

    return again


FUNCTIONAL = {
    "relu": Case(F.relu, values=nonzero),
    "gelu": Case(F.gelu),
    "gelu of tanh": Case(F.gelu, settings=fixed(approximate=st.just("tanh")), names=("gelu",)),
    "silu": Case(F.silu),
    "softmax": _softmax(F.softmax),
    "log_softmax": _softmax(F.log_softmax),
    "cross_entropy": Case(_cross_entropy, _logits().map(lambda s: s[:1]), _keep_first(cross_entropy_settings)),
    "cross_entropy with weights": Case(
        lambda x, w, **settings: _cross_entropy(x, 1.5 + w * 0.5, **settings), _logits(),
        _keep_first(cross_entropy_settings), names=("cross_entropy",),
    ),
    "cross_entropy of rows": Case(
        _cross_entropy, st.tuples(st.tuples(st.integers(1, 4), st.integers(1, 5))), names=("cross_entropy",),
        settings=fixed(seed=st.integers(0, 99), ignored=st.sampled_from([None, -100])),
    ),
    "cross_entropy of a distribution": Case(
        lambda x, y, w, **settings: F.cross_entropy(x, F.softmax(y, 0), w, **settings),
        _logits().map(lambda s: (s[0], s[0], s[1])), names=("cross_entropy",),
        settings=fixed(reduction=st.sampled_from(["mean", "sum", "none"]), label_smoothing=st.sampled_from([0.0, 0.1])),
    ),
    "mse_loss": Case(
        F.mse_loss, filled.map(lambda s: (s, s)), fixed(reduction=st.sampled_from(["mean", "sum", "none"]))
    ),
    "layer_norm": Case(
        lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, eps=0.1), rows.map(lambda s: (s, s[-1:], s[-1:]))
    ),
    "layer_norm without bias": Case(
        lambda x, w: F.layer_norm(x, x.shape[-1:], w, eps=0.1), rows.map(lambda s: (s, s[-1:])), names=("layer_norm",)
    ),
    "layer_norm of two dims": Case(
        lambda x, w, b: F.layer_norm(x, x.shape[-2:], w, b, eps=0.1), names=("layer_norm",),
        shapes=st.sampled_from([((2, 3), (2, 3), (2, 3)), ((4, 2, 2), (2, 2), (2, 2))]),
    ),
    "layer_norm alone": Case(lambda x: F.layer_norm(x, x.shape[-1:], eps=0.1), st.tuples(rows), names=("layer_norm",)),
    "rms_norm": Case(lambda x, w: F.rms_norm(x, x.shape[-1:], w, eps=0.1), rows.map(lambda s: (s, s[-1:]))),
    "rms_norm alone": Case(lambda x: F.rms_norm(x, x.shape[-1:], eps=0.1), st.tuples(rows), names=("rms_norm",)),
    "linear": Case(
        F.linear, st.tuples(shape, st.integers(0, 3), st.integers(0, 3)).map(
            lambda s: ((*s[0], s[1]), (s[2], s[1]), (s[2],))),
    ),
    "linear without bias": Case(
        F.linear, st.tuples(shape, st.integers(0, 3), st.integers(0, 3)).map(
            lambda s: ((*s[0], s[1]), (s[2], s[1]))), names=("linear",),
    ),
    "embedding": Case(
        lambda w, seed, padding_idx: F.embedding(
            mg.Tensor(np.random.default_rng(seed).integers(0, len(w), (2, 3))), w, padding_idx),
        st.tuples(st.tuples(st.integers(1, 4), st.integers(0, 3))),
        fixed(seed=st.integers(0, 99), padding_idx=st.just(None)),
    ),
    "dropout": Case(
        _seeded(F.dropout), one,
        fixed(seed=st.integers(0, 99), p=st.sampled_from([0.0, 0.3, 0.5, 1.0]), training=st.booleans()),
    ),
    "scaled_dot_product_attention": Case(
        F.scaled_dot_product_attention, _heads(), fixed(scale=st.sampled_from([None, 0.3]))
    ),
    **{
        f"attention, {kind}": Case(
            lambda q, k, v, seed, kind=kind: _masked_attention(q, k, v, kind, seed), _heads(),
            fixed(seed=st.integers(0, 99)),
        )
        for kind in ("bool mask", "float mask", "causal")
    },
    "attention to a learned bias": Case(
        lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask), names=("scaled_dot_product_attention",),
        shapes=st.just(((1, 2, 3, 2), (1, 2, 4, 2), (1, 2, 4, 2), (2, 3, 4))),
    ),
    "attention with fewer key heads": Case(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True),
        names=("scaled_dot_product_attention",),
        shapes=st.sampled_from(
            [((2, 4, 3, 2), (2, 2, 3, 2), (2, 2, 3, 1)), ((1, 2, 2, 2), (1, 1, 4, 2), (1, 1, 4, 2))]
        ),
    ),
    "attention with dropout": Case(
        _seeded(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.4)), _heads(),
        fixed(seed=st.integers(0, 99)), names=("scaled_dot_product_attention",),
    ),
    "attention of one head": Case(
        F.scaled_dot_product_attention, names=("scaled_dot_product_attention",),
        shapes=st.sampled_from([((3, 2), (4, 2), (4, 2)), ((2, 3, 2), (2, 4, 2), (1, 4, 2))]),
    ),
}  # fmt: skip
