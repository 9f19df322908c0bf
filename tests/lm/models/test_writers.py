"""What decoders, and encoders with their decoders, have in common; the rest of it is tried with each family."""

import numpy as np
import pytest

import minigrad as mg
from lm.models import GPT2, T5, GPT2Config, Llama, LlamaConfig, T5Config, Transformer, TransformerConfig, writers
from tests.lm.models.shape_comments import check_shape_comments

B, S, T, V = 3, 4, 5, 11
MODELS = {
    "gpt2": (GPT2, GPT2Config(V, n_positions=7, n_embd=8, n_layer=2, n_head=2)),
    "llama": (Llama, LlamaConfig(V, 8, 12, 2, 4, num_key_value_heads=2, head_dim=6, max_position_embeddings=7)),
    "t5": (T5, T5Config(V, d_model=8, d_kv=3, d_ff=12, num_layers=1, num_decoder_layers=2, num_heads=2)),
    "transformer": (Transformer, TransformerConfig(V, d_model=8, d_ff=12, num_layers=2, num_heads=2, max_positions=7)),
}
READ, WRITTEN = (mg.tensor(np.random.default_rng(0).integers(0, V, (B, n))) for n in (S, T))


def new_cache(model, **settings):
    given = (model.encode(READ),) if hasattr(model, "encode") else (B,)
    with mg.no_grad():
        cache = model.new_cache(*given, **settings)
    return cache, getattr(cache, "own", cache)


@pytest.mark.parametrize("name", MODELS)
def test_a_cache_has_the_shape_and_the_type_of_what_it_is_filled_with(name):
    kind, config = MODELS[name]
    model = kind(config).to(mg.float64)
    cache, own = new_cache(model)
    assert model.vocab_size == V and model.context_length == (None if name == "t5" else 7)
    assert own.capacity == (writers.ANY_LENGTH if name == "t5" else 7) and own.keys.dtype == np.float64
    with mg.no_grad():
        (model.step if hasattr(model, "encode") else model)(WRITTEN, cache)
    assert cache.length == T and np.abs(own.keys[:, :, :, :T]).min(axis=(3, 4)).all()
    assert own.keys.shape[:3] == own.values.shape[:3] == (2, B, 2)
    assert new_cache(model, capacity=5)[1].capacity == 5


@pytest.mark.parametrize("name", MODELS)
def test_the_loss_is_that_of_the_labels_that_count(name):
    kind, config = MODELS[name]
    model = kind(config).to(mg.float64).eval()
    labels = WRITTEN.numpy().copy()
    labels[0, 1:3] = -100
    if hasattr(model, "encode"):
        read = np.concatenate([np.zeros((B, 1), int), labels[:, :-1]], axis=1)
        logits, given = model(READ, mg.tensor(np.where(read == -100, 0, read))), READ
    else:
        logits, given = model(WRITTEN), WRITTEN
    losses = -mg.nn.functional.log_softmax(logits, -1).detach().numpy()  # (B, T, V)
    expected = np.take_along_axis(losses, np.maximum(labels, 0)[..., None], -1)[labels != -100].mean()
    assert model.loss(given, mg.tensor(labels)).item() == pytest.approx(expected)


def test_comments_give_the_shape_of_every_intermediate():
    def run():
        for kind, config in MODELS.values():
            kind(config).loss(READ if issubclass(kind, writers.EncoderDecoder) else WRITTEN, WRITTEN)

    check_shape_comments(writers, {"B": B, "S": S, "T": T, "C": 8, "V": V}, run, at_least=4, cached=False)


def test_padding_starts_as_nothing():
    model = Llama(LlamaConfig(V, 8, 12, 1, 2, pad_token_id=4))
    assert not model.embed_tokens.weight.detach().numpy()[4].any()
    assert model.embed_tokens.weight.detach().numpy()[3].all()
