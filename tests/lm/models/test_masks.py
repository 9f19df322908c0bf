"""Masks and checks that all families share."""

import re

import numpy as np
import pytest

import minigrad as mg
from lm.models import GPT2, T5, Bert, BertConfig, GPT2Config, KVCache, Llama, LlamaConfig, T5Config
from lm.models.masks import causal_mask, padding_mask

LIKE = np.zeros(0)


@pytest.mark.host("the values of a mask on a device are not looked at")
def test_a_mask_without_padding_is_none():
    assert padding_mask(None, 2, 3) is None
    assert padding_mask(mg.ones(2, 3, dtype=mg.int64), 2, 3) is None


@pytest.mark.parametrize("kind", [np.int64, np.int32, bool])
def test_padding_is_seen_by_nobody(kind):
    mask = padding_mask(np.array([[0, 1, 1], [1, 1, 0]], kind), 2, 3)
    np.testing.assert_array_equal(mask.numpy(), [[[[False, True, True]]], [[[True, True, False]]]])


def test_each_token_sees_itself_and_what_came_before_but_no_padding():
    padding = padding_mask(np.array([[0, 1, 1, 1]]), 1, 4)
    np.testing.assert_array_equal(
        causal_mask(2, 2, padding, LIKE).numpy(), [[[[False, True, True, False], [False, True, True, True]]]]
    )
    np.testing.assert_array_equal(causal_mask(2, 1, None, LIKE).numpy(), [[True, True, False], [True, True, True]])


def test_a_fresh_start_and_a_last_token_need_no_mask():
    assert causal_mask(5, 0, None, LIKE) is None and causal_mask(1, 7, None, LIKE) is None


GPT = GPT2(GPT2Config(vocab_size=7, n_positions=8, n_embd=4, n_layer=1, n_head=1)).eval()
MODELS = {
    "gpt2": GPT,
    "llama": Llama(LlamaConfig(7, 4, 4, 1, 1, max_position_embeddings=8)),
    "bert": Bert(BertConfig(7, 4, 1, 1, 4, max_position_embeddings=8)),
}
T5_MODEL = T5(T5Config(vocab_size=7, d_model=4, d_kv=2, d_ff=4, num_layers=1, num_heads=1))


def call(name, ids, mask=None):
    ids, mask = mg.tensor(ids), None if mask is None else mg.tensor(mask)
    return T5_MODEL(ids, ids, mask) if name == "t5" else MODELS[name](ids, attention_mask=mask)


@pytest.mark.host("the values of a mask on a device are not looked at")
@pytest.mark.parametrize("name", [*MODELS, "t5"])
def test_a_sequence_that_is_all_padding_is_refused(name):
    with pytest.raises(ValueError, match="sequence 1 is all zeros, so all padding"):
        call(name, [[1, 2], [3, 4]], [[1, 1], [0, 0]])


@pytest.mark.parametrize("name", [*MODELS, "t5"])
def test_a_mask_of_another_shape_is_refused(name):
    with pytest.raises(ValueError, match=re.escape("(2, 2), those in the cache included; it is (2, 3)")):
        call(name, [[1, 2], [3, 4]], [[1, 1, 1], [1, 1, 0]])


@pytest.mark.parametrize("name", [*MODELS, "t5"])
def test_a_mask_of_floats_is_refused(name):
    with pytest.raises(TypeError, match="1 for a token and 0 for padding, got float32"):
        call(name, [[1, 2], [3, 4]], [[0.0, -1e9], [0.0, 0.0]])


@pytest.mark.parametrize("name", [*MODELS, "t5"])
def test_an_empty_batch_is_refused(name):
    for shape in ((0, 3), (2, 0)):
        with pytest.raises(ValueError, match="empty batch"):
            call(name, np.zeros(shape, np.int64))


@pytest.mark.parametrize("name", [*MODELS, "t5"])
def test_ids_beyond_the_vocabulary_are_refused(name):
    with pytest.raises(IndexError, match="7"):
        call(name, [[1, 7]])


def test_a_cache_that_is_full_is_refused():
    with mg.no_grad():
        cache = GPT.new_cache(1, capacity=3)
        GPT(mg.tensor([[1, 2]]), cache)
        with pytest.raises(ValueError, match="room for 3 tokens, got 2 after 2"):
            GPT(mg.tensor([[1, 2]]), cache)


def test_a_reordered_cache_goes_on_from_the_chosen_rows():
    ids = mg.tensor([[1, 2, 3], [4, 5, 6], [2, 2, 2]])
    for rows in ([2, 0, 0], [1, 2], [0, 0, 1, 1, 2]):
        with mg.no_grad():
            cache = GPT.new_cache(3)
            GPT(ids, cache)
            cache.reorder(rows)
            logits = GPT(mg.tensor([[3]] * len(rows)), cache).numpy()
            whole = np.concatenate([ids.numpy()[rows], np.full((len(rows), 1), 3)], axis=1)
            np.testing.assert_allclose(logits[:, 0], GPT(mg.tensor(whole)).numpy()[:, -1], rtol=1e-5, atol=1e-6)


def test_an_empty_cache_is_like_what_it_is_made_like():
    cache = KVCache.empty(2, 3, 4, 5, 6, like=np.zeros(1, np.float64))
    assert cache.keys.shape == (2, 3, 4, 5, 6) and cache.values.dtype == np.float64 and cache.capacity == 5
