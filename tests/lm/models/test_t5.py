"""T5 beyond what the exchange with transformers proves: distances, the cache, and what it refuses."""

import dataclasses
import math

import numpy as np
import pytest

import minigrad as mg
from lm.models import T5, T5Config, t5
from lm.models.t5 import relative_buckets
from tests.lm.models.shape_comments import check_shape_comments

TINY = T5Config(
    vocab_size=11, d_model=8, d_kv=3, d_ff=12, num_layers=2, num_decoder_layers=3, num_heads=2, dropout_rate=0.0,
    relative_attention_num_buckets=8, relative_attention_max_distance=6,
)  # fmt: skip
V11 = dataclasses.replace(TINY, feed_forward_proj="gated-gelu", tie_word_embeddings=False)
RNG = np.random.default_rng(0)
IDS = mg.tensor(RNG.integers(2, 11, (3, 7)))
LABELS = mg.tensor(RNG.integers(2, 11, (3, 5)))
MASK = mg.tensor(np.arange(7)[None] < np.array([[7], [4], [2]]))


def make(config=TINY):
    mg.manual_seed(1)
    model = T5(config).to(mg.float64)
    for parameter in model.parameters():
        mg.nn.init.normal_(parameter, std=0.4)
    return model


def test_buckets_are_exact_when_near_and_logarithmic_beyond():
    distances = -np.arange(0, 200)
    one_way = relative_buckets(distances, False, 32, 128)
    np.testing.assert_array_equal(one_way[:16], np.arange(16))
    assert (np.diff(one_way) >= 0).all() and one_way[127] == 31 and (one_way[128:] == 31).all()
    for distance in (20, 40, 90):
        expected = 16 + int(math.log(distance / 16) / math.log(128 / 16) * 16)
        assert one_way[distance] == expected
    assert (relative_buckets(np.arange(1, 9), False, 32, 128) == 0).all()  # what comes later is not seen anyway
    both = relative_buckets(np.arange(-200, 201), True, 32, 128)
    np.testing.assert_array_equal(both[201:] - 16, both[:200][::-1])
    assert both[200] == 0 and both.max() == 31


@pytest.mark.parametrize("chunks", [[5], [1] * 5, [2, 3], [1, 3, 1]])
@pytest.mark.parametrize("config", [TINY, V11], ids=["v1.0", "v1.1"])
def test_cached_logits_equal_uncached_at_every_position(config, chunks):
    model = make(config)
    with mg.no_grad():
        decoder_ids = model.shift_right(LABELS)
        cache = model.new_cache(model.encode(IDS, MASK), MASK, capacity=6)
        parts = [model.step(part, cache) for part in decoder_ids.split(chunks, dim=1)]
        expected = model(IDS, decoder_ids, MASK).numpy()
        np.testing.assert_allclose(mg.cat(parts, dim=1).numpy(), expected, rtol=1e-11, atol=1e-12)
        with pytest.raises(ValueError, match="room for 6 tokens, got 2 after 5"):
            model.step(decoder_ids[:, :2], cache)


def test_the_keys_of_what_was_read_are_made_once():
    model, calls = make(), []
    for layer in model.decoder.blocks:
        layer.cross_attention.k.register_forward_hook(lambda *_: calls.append(1))
    with mg.no_grad():
        cache = model.new_cache(model.encode(IDS, MASK), MASK, capacity=4)
        for _ in range(4):
            model.step(LABELS[:, :1], cache)
    assert len(calls) == 3  # once per layer


def test_padding_changes_nothing():
    model, padded = make(), IDS.numpy().copy()
    padded[~MASK.numpy()] = 7
    one, other = (model(mg.tensor(ids), LABELS, MASK).detach().numpy() for ids in (IDS.numpy(), padded))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(one[1:2], model(IDS[1:2, :4], LABELS[1:2]).detach().numpy(), rtol=1e-11, atol=1e-12)
    mask = mg.tensor(np.arange(5)[None] < np.array([[5], [3], [4]]))
    masked = model(IDS, LABELS, MASK, mask).detach().numpy()
    np.testing.assert_array_equal(masked[1, :3], one[1, :3])


def test_no_token_written_sees_those_after_it():
    model = make()
    before = model(IDS, LABELS).detach().numpy()
    for position in range(5):
        ids = LABELS.numpy().copy()
        ids[:, position] = 2 + (ids[:, position] - 1) % 9
        after = model(IDS, mg.tensor(ids)).detach().numpy()
        np.testing.assert_array_equal(after[:, :position], before[:, :position])
        assert (np.abs(after[:, position:] - before[:, position:]).max(axis=(0, 2)) > 1e-9).all()


def test_labels_shift_to_the_right_behind_the_start():
    labels = mg.tensor([[5, 6, 1], [7, 1, -100]])
    model = T5(dataclasses.replace(TINY, decoder_start_token_id=3, pad_token_id=0))
    np.testing.assert_array_equal(model.shift_right(labels).numpy(), [[3, 5, 6], [3, 7, 1]])
    long = mg.tensor([[7, -100, -100]])
    np.testing.assert_array_equal(model.shift_right(long).numpy(), [[3, 7, 0]])
    assert labels.numpy()[1, 2] == -100


@pytest.mark.parametrize("config", [TINY, V11], ids=["v1.0", "v1.1"])
def test_initialisation_keeps_the_variance(config):
    mg.manual_seed(0)
    config = dataclasses.replace(config, vocab_size=300, d_model=64, d_kv=16, d_ff=96, num_heads=4)
    deviations = {"q": (64 * 16) ** -0.5, "o": (4 * 16) ** -0.5, "wo": 96**-0.5, "shared": 1.0}
    for name, parameter in T5(config).named_parameters():
        values, module = parameter.detach().numpy(), name.split(".")[-2]
        if parameter.ndim == 1:
            assert (values == 1).all(), name
        elif values.size > 500:
            assert abs(values.std() / deviations.get(module, 64**-0.5) - 1) < 5 / math.sqrt(2 * values.size), name


@pytest.mark.parametrize("config", [TINY, V11], ids=["v1.0", "v1.1"])
def test_the_initial_loss_is_not_far_from_that_of_a_uniform_guess(config):
    mg.manual_seed(0)
    model = T5(dataclasses.replace(config, vocab_size=65, d_model=64, d_kv=16, d_ff=96, num_heads=4))
    ids = mg.tensor(RNG.integers(2, 65, (8, 20)))
    assert abs(model.loss(ids, ids).item() - math.log(65)) < 1.0


def test_comments_give_the_shape_of_every_intermediate():
    def run():
        for config in (TINY, V11):
            model, ids, mask = make(config), IDS[:, :5], MASK[:, :5]  # as many are read as are written
            model.loss(ids, LABELS, mask)
            with mg.no_grad():
                cache = model.new_cache(model.encode(ids, mask), mask, 5)
                model.step(LABELS, cache, logits_to_keep=5)

    sizes = {"B": 3, "S": 5, "T": 5, "C": 8, "H": 2, "D": 3, "HD": 6, "I": 12, "V": 11}
    check_shape_comments(t5, sizes, run, at_least=20, cached=False)


@pytest.mark.parametrize(
    ("field", "value"),
    [("vocab_size", 0), ("num_heads", -1), ("dropout_rate", 1.0), ("feed_forward_proj", "gated-mish"),
     ("layer_norm_epsilon", 0.0), ("relative_attention_num_buckets", 7), ("num_decoder_layers", 0)],
)  # fmt: skip
def test_a_bad_field_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(TINY, **{field: value})
