"""The Transformer of 2017 against the layers of `minigrad.nn`, which are held against PyTorch's, and its own cache."""

import dataclasses
import math

import numpy as np
import pytest

import minigrad as mg
from lm.models import Transformer, TransformerConfig, transformer
from minigrad import nn
from tests.lm.models.shape_comments import check_shape_comments

TINY = TransformerConfig(vocab_size=11, d_model=8, d_ff=12, num_layers=2, num_heads=2, max_positions=9, dropout=0.0)
RNG = np.random.default_rng(0)
IDS = mg.tensor(RNG.integers(2, 11, (3, 6)))
LABELS = mg.tensor(RNG.integers(2, 11, (3, 5)))
MASK = mg.tensor(np.arange(6)[None] < np.array([[6], [4], [2]]))


def make(config=TINY):
    mg.manual_seed(1)
    model = Transformer(config).to(mg.float64)
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, std=0.5)
    return model


def weights_of_attention(attention, name):
    packed = {
        f"{name}.in_proj_{kind}": mg.cat([getattr(layer, kind) for layer in (attention.q, attention.k, attention.v)])
        for kind in ("weight", "bias")
    }
    return packed | {f"{name}.out_proj.{kind}": getattr(attention.o, kind) for kind in ("weight", "bias")}


def reference(layer, kind):
    """The layer of `minigrad.nn` with the same weights."""
    out = kind(8, 2, 12, 0.0, batch_first=True, dtype=mg.float64)
    attentions = {"attention": "self_attn", "cross_attention": "multihead_attn"}
    names = {"attention_norm": "norm1", "cross_norm": "norm2", "feed_forward_norm": "norm3"}
    if kind is nn.TransformerEncoderLayer:
        names = {"attention_norm": "norm1", "feed_forward_norm": "norm2"}
        del attentions["cross_attention"]
    state = {}
    for ours, theirs in attentions.items():
        state |= weights_of_attention(getattr(layer, ours), theirs)
    modules = {theirs: getattr(layer, ours) for ours, theirs in names.items()}
    modules |= {"linear1": layer.feed_forward.wi, "linear2": layer.feed_forward.wo}
    state |= {
        f"{name}.{kind}": getattr(module, kind) for name, module in modules.items() for kind in ("weight", "bias")
    }
    out.load_state_dict({name: value.detach() for name, value in state.items()})
    return out


def test_it_is_the_layers_of_nn_between_scaled_embeddings_and_their_transpose():
    model = make()
    padding = mg.tensor(~MASK.numpy())

    def embed(ids):
        return nn.SinusoidalPositions(9, 8, batch_first=True, dtype=mg.float64)(model.shared(ids) * math.sqrt(8))

    x = embed(IDS)
    for layer in model.encoder:
        x = reference(layer, nn.TransformerEncoderLayer)(x, src_key_padding_mask=padding)
    decoder_ids = model.shift_right(LABELS)
    y = embed(decoder_ids)
    causal = mg.tensor(~np.tri(5, dtype=bool))
    for layer in model.decoder:
        y = reference(layer, nn.TransformerDecoderLayer)(y, x, tgt_mask=causal, memory_key_padding_mask=padding)
    expected = (y @ model.shared.weight.T).detach().numpy()
    np.testing.assert_allclose(model(IDS, decoder_ids, MASK).detach().numpy(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("chunks", [[5], [1] * 5, [2, 3], [1, 3, 1]])
def test_cached_logits_equal_uncached_at_every_position(chunks):
    model = make()
    with mg.no_grad():
        decoder_ids = model.shift_right(LABELS)
        cache = model.new_cache(model.encode(IDS, MASK), MASK)
        parts = [model.step(part, cache) for part in decoder_ids.split(chunks, dim=1)]
        np.testing.assert_allclose(
            mg.cat(parts, dim=1).numpy(), model(IDS, decoder_ids, MASK).numpy(), rtol=1e-11, atol=1e-12
        )
    assert cache.length == 5


def test_padding_changes_nothing():
    model = make()
    ids = IDS.numpy().copy()
    ids[~MASK.numpy()] = 7
    changed = model(mg.tensor(ids), LABELS, MASK).detach().numpy()
    np.testing.assert_array_equal(changed, model(IDS, LABELS, MASK).detach().numpy())
    alone = model(IDS[2:, :2], LABELS[2:]).detach().numpy()
    np.testing.assert_allclose(changed[2:], alone, rtol=1e-11, atol=1e-12)


def test_comments_give_the_shape_of_every_intermediate():
    def run():
        model, ids, mask = make(), IDS[:, :5], MASK[:, :5]  # as many are read as are written
        model.loss(ids, LABELS, mask)
        with mg.no_grad():
            cache = model.new_cache(model.encode(ids, mask), mask)
            model.step(LABELS, cache, logits_to_keep=5)

    sizes = {"B": 3, "S": 5, "T": 5, "C": 8, "H": 2, "D": 4, "I": 12, "V": 11}
    check_shape_comments(transformer, sizes, run, at_least=18, cached=False)


def test_labels_are_smoothed_in_training_alone():
    model = make()
    logits = model(IDS, model.shift_right(LABELS)).detach()
    losses = mg.nn.functional.log_softmax(logits, -1).numpy()
    right = -np.take_along_axis(losses, LABELS.numpy()[..., None], -1).mean()
    assert model.loss(IDS, LABELS).item() == pytest.approx(0.9 * right - 0.1 * losses.mean())
    assert model.eval().loss(IDS, LABELS).item() == pytest.approx(right)


def test_dropout_acts_in_training_alone():
    model = make(dataclasses.replace(TINY, dropout=0.5))
    dropped = model(IDS, LABELS).detach().numpy()
    kept = model.eval()(IDS, LABELS).detach().numpy()
    assert np.abs(dropped - kept).max() > 0.1
    np.testing.assert_allclose(kept, make()(IDS, LABELS).detach().numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("field", "value"),
    [("vocab_size", 0), ("num_heads", 3), ("dropout", 1.0), ("label_smoothing", -0.1), ("d_model", 2.0)],
)
def test_a_bad_field_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(TINY, **{field: value})


def test_a_text_too_long_is_refused():
    with pytest.raises(ValueError, match="positions 0 to 9"):
        make().encode(mg.zeros(1, 10, dtype=mg.int64))
    with pytest.raises(ValueError, match="max_positions = 9 tokens, got 10"):
        make()(IDS, mg.zeros(3, 10, dtype=mg.int64))
