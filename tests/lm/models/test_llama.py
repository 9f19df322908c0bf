"""Llama beyond what the exchange with transformers proves: its rotation, its cache, its masks, and what it refuses."""

import dataclasses
import math

import numpy as np
import pytest

import minigrad as mg
from lm.models import Llama, LlamaConfig, Qwen2Config, Rope, llama
from minigrad.nn.positions import rotate
from tests.lm.models.shape_comments import check_shape_comments

TINY = LlamaConfig(
    vocab_size=13, hidden_size=12, intermediate_size=10, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, head_dim=6, max_position_embeddings=8,
)  # fmt: skip
RNG = np.random.default_rng(0)
IDS = mg.tensor(RNG.integers(0, 13, (3, 7)))


def make(config=TINY):
    mg.manual_seed(1)
    model = Llama(config).to(mg.float64)
    for parameter in model.parameters():
        mg.nn.init.normal_(parameter, std=0.3)
    return model


def test_scores_of_rotated_vectors_depend_on_their_distance_alone():
    q, k = mg.tensor(RNG.normal(size=6)), mg.tensor(RNG.normal(size=6))

    def score(i, j):
        angles = [mg.tensor(position * Rope().frequencies(6)[None].astype(np.float64)) for position in (i, j)]
        a, b = (rotate(x.reshape(1, 1, 1, 6), each.cos(), each.sin()) for x, each in zip((q, k), angles))
        return (a * b).sum().item()

    assert score(9, 4) == pytest.approx(score(5, 0), rel=1e-12)
    assert score(0, 0) == pytest.approx((q * k).sum().item(), rel=1e-12)
    assert abs(score(9, 4) - score(9, 5)) > 1e-3


def test_linear_scaling_divides_and_llama3_leaves_fast_pairs_alone():
    plain = Rope(rope_theta=500000.0).frequencies(64)
    np.testing.assert_array_equal(Rope(500000.0, "linear", 4.0).frequencies(64), plain / np.float32(4))
    scaled = Rope(500000.0, "llama3", 8.0, 1.0, 4.0, 8192).frequencies(64)
    turns = 8192 * plain / (2 * math.pi)
    assert (scaled[turns > 4] == plain[turns > 4]).all() and (turns > 4).sum() > 5
    np.testing.assert_allclose(scaled[turns < 1], plain[turns < 1] / 8, rtol=1e-6)
    between = (turns >= 1) & (turns <= 4)
    assert between.any() and (scaled[between] < plain[between]).all() and (scaled[between] > plain[between] / 8).all()


@pytest.mark.parametrize("chunks", [[7], [1] * 7, [3, 4], [1, 5, 1]])
def test_cached_logits_equal_uncached_at_every_position(chunks):
    model = make()
    with mg.no_grad():
        cache = model.new_cache(3)
        parts = [model(part, cache) for part in IDS.split(chunks, dim=1)]
        np.testing.assert_allclose(mg.cat(parts, dim=1).numpy(), model(IDS).numpy(), rtol=1e-11, atol=1e-12)
    assert cache.keys.shape == (2, 3, 2, 8, 6)  # the heads of keys, not of queries


def test_padding_on_the_left_changes_nothing_where_positions_say_so():
    model = make()
    ids = np.concatenate([np.full((3, 2), 4), IDS.numpy()[:, :5]], axis=1)
    mask = np.concatenate([np.zeros((3, 2), np.int64), np.ones((3, 5), np.int64)], axis=1)
    positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
    logits = model(mg.tensor(ids), attention_mask=mg.tensor(mask), position_ids=mg.tensor(positions))
    np.testing.assert_allclose(
        logits[:, 2:].detach().numpy(), model(IDS[:, :5]).detach().numpy(), rtol=1e-11, atol=1e-12
    )


def test_comments_give_the_shape_of_every_intermediate():
    def run():
        model = make(dataclasses.replace(TINY, num_key_value_heads=4))  # `rotate` says H of queries and of keys
        model.loss(IDS, IDS)
        with mg.no_grad():
            cache = model.new_cache(batch_size=3)
            model(IDS[:, :2], cache, position_ids=mg.tensor([[0, 1]]).expand(3, 2))
            model(IDS[:, 2:5], cache, logits_to_keep=3)

    sizes = {"B": 3, "C": 12, "H": 4, "HD": 24, "G": 4, "D": 6, "R": 3, "I": 10, "V": 13}
    check_shape_comments(llama, sizes, run, at_least=15)


def test_initialisation_is_normal_with_the_deviation_of_the_configuration():
    mg.manual_seed(0)
    config = LlamaConfig(
        vocab_size=400, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        initializer_range=0.05, attention_bias=True,
    )  # fmt: skip
    for name, parameter in Llama(config).named_parameters():
        values = parameter.detach().numpy()
        if parameter.ndim == 2:
            assert abs(values.std() / 0.05 - 1) < 4 / math.sqrt(2 * values.size), name
        else:
            assert (values == (0 if name.endswith("bias") else 1)).all(), name


def test_halves_rotate_by_exact_angles():
    model = Llama(dataclasses.replace(TINY, max_position_embeddings=4096)).half()
    cos, _ = model.rotation(None, 4000, 1)
    exact = np.cos(4000 * Rope().frequencies(6).astype(np.float64))
    np.testing.assert_allclose(cos.numpy()[0], exact, atol=1e-3)


@pytest.mark.parametrize(
    ("field", "value"),
    [("vocab_size", 0), ("num_key_value_heads", 3), ("head_dim", 5), ("attention_dropout", 1.0), ("hidden_act", "x")],
)
def test_a_bad_field_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(TINY, **{field: value})


def test_channels_that_do_not_divide_into_heads_are_refused():
    with pytest.raises(ValueError, match="hidden_size = 12 is not divisible by num_attention_heads = 5"):
        dataclasses.replace(TINY, head_dim=None, num_attention_heads=5, num_key_value_heads=None)


def test_a_context_too_long_is_refused():
    with pytest.raises(ValueError, match="max_position_embeddings = 8 tokens, got 9"):
        make()(mg.zeros(1, 9, dtype=mg.int64))


@pytest.mark.parametrize("wrong", [{"attention_bias": False}, {"mlp_bias": True}])
def test_a_qwen2_has_its_own_biases_and_no_others(wrong):
    with pytest.raises(ValueError, match="use LlamaConfig"):
        Qwen2Config(**wrong)
