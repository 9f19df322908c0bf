"""GPT-2 against transformers' (gpt2_expected.npz, written by make_gpt2_expected.py), and against its own cache."""

import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from lm.models import GPT2, GPT2Config, gpt2
from tests.lm.models.shape_comments import check_shape_comments

EXPECTED = np.load(Path(__file__).with_name("gpt2_expected.npz"))
TINY = GPT2Config(
    vocab_size=13, n_positions=6, n_embd=8, n_layer=2, n_head=2, embd_pdrop=0.0, attn_pdrop=0.0, resid_pdrop=0.0
)
IDS, TARGETS = mg.tensor(EXPECTED["ids"]), mg.tensor(EXPECTED["targets"])


def make(config=TINY):
    """The model whose outputs are known, in float64; without biases if the configuration has none."""
    model = GPT2(config).to(mg.float64)
    weights = {name: EXPECTED[f"weights/{name}"] for name, _ in model.named_parameters()}
    model.load_state_dict(weights)
    return model


# --------------------------------------------------------------------------------------- against transformers


@pytest.mark.parametrize("variant", ["bias", "plain"])
def test_logits_loss_and_gradients_equal_those_of_transformers(variant):
    model = make(dataclasses.replace(TINY, bias=variant == "bias"))
    np.testing.assert_allclose(model(IDS).detach().numpy(), EXPECTED[f"{variant}/logits"], rtol=1e-11, atol=1e-12)
    loss = model.loss(IDS, TARGETS)
    assert loss.item() == pytest.approx(EXPECTED[f"{variant}/loss"].item(), rel=1e-13)
    loss.backward()
    for name, parameter in model.named_parameters():
        expected = EXPECTED[f"{variant}/grads/{name}"]
        np.testing.assert_allclose(parameter.grad.numpy(), expected, rtol=1e-9, atol=1e-13, err_msg=name)


def test_weights_have_the_names_of_hugging_face():
    theirs = {name.removeprefix("weights/") for name in EXPECTED if name.startswith("weights/")}
    assert set(GPT2(TINY).state_dict()) == theirs
    without_biases = GPT2(dataclasses.replace(TINY, bias=False))
    assert set(without_biases.state_dict()) == {name for name in theirs if not name.endswith("bias")}


# -------------------------------------------------------------------------------------------------- the model


def test_the_tied_weight_gets_the_gradient_of_both_its_uses():
    model, made = make(), {}
    model.wte.register_forward_hook(lambda _module, _args, out: made.update(embedded=out))
    model.ln_f.register_forward_hook(lambda _module, _args, out: made.update(normed=out))
    logits = model(IDS)
    for tensor in (made["embedded"], logits):
        tensor.retain_grad()
    logits.square().mean().backward()
    as_projection = np.einsum("btv,btc->vc", logits.grad.numpy(), made["normed"].detach().numpy())
    as_embedding = np.zeros_like(as_projection)
    np.add.at(as_embedding, IDS.numpy(), made["embedded"].grad.numpy())
    assert np.abs(as_projection).max() > 1e-2 and np.abs(as_embedding).max() > 1e-2
    np.testing.assert_allclose(model.wte.weight.grad.numpy(), as_projection + as_embedding, rtol=1e-10, atol=1e-14)


def test_no_token_sees_those_after_it():
    model = make()
    before = model(IDS).detach().numpy()
    for position in range(IDS.shape[1]):
        ids = IDS.numpy().copy()
        ids[:, position] = (ids[:, position] + 1) % TINY.vocab_size
        after = model(mg.tensor(ids)).detach().numpy()
        np.testing.assert_array_equal(after[:, :position], before[:, :position])
        assert (np.abs(after[:, position:] - before[:, position:]).max(axis=(0, 2)) > 1e-6).all()


def test_a_sequence_does_not_see_the_others_of_its_batch():
    model = make()
    together = model(IDS).detach().numpy()
    for row in range(len(IDS)):
        np.testing.assert_allclose(model(IDS[row : row + 1]).detach().numpy()[0], together[row], rtol=1e-12)


def test_initialisation_is_gpt2s():
    mg.manual_seed(0)
    config = GPT2Config(vocab_size=400, n_positions=200, n_embd=64, n_layer=3, n_head=4)
    for name, parameter in GPT2(config).named_parameters():
        values = parameter.detach().numpy()
        if name.endswith("bias"):
            assert (values == 0).all(), name
        elif ".ln_" in name or name.startswith("ln_f"):
            assert (values == 1).all(), name
        else:
            std = 0.02 / math.sqrt(2 * 3) if "c_proj" in name else 0.02
            assert abs(values.std() / std - 1) < 4 / math.sqrt(2 * values.size), name
            assert abs(values.mean()) < 4 * std / math.sqrt(values.size), name


def test_initial_weights_are_a_function_of_the_seed():
    def weights(seed):
        mg.manual_seed(seed)
        return GPT2(TINY).wte.weight.detach().numpy()

    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).all()


def test_the_initial_loss_is_that_of_a_uniform_guess():
    mg.manual_seed(0)
    model = GPT2(GPT2Config(vocab_size=65, n_positions=64, n_embd=128, n_layer=4, n_head=4)).eval()
    ids = np.random.default_rng(0).integers(65, size=(4, 64))
    targets = np.random.default_rng(1).integers(65, size=(4, 64))
    with mg.no_grad():
        assert abs(model.loss(mg.tensor(ids), mg.tensor(targets)).item() - math.log(65)) < 0.05


def test_dropout_acts_in_training_alone_and_in_each_of_its_three_places():
    for name in ("embd_pdrop", "attn_pdrop", "resid_pdrop"):
        model = make(dataclasses.replace(TINY, **{name: 0.5}))
        dropped = model(IDS).detach().numpy()
        assert np.abs(dropped - EXPECTED["bias/logits"]).max() > 1e-3, name
        kept = model.eval()(IDS).detach().numpy()
        np.testing.assert_allclose(kept, EXPECTED["bias/logits"], rtol=1e-11, atol=1e-12)


def test_comments_give_the_shape_of_every_intermediate():
    def run():
        model = make()
        model.loss(IDS, TARGETS)
        with mg.no_grad():
            cache = model.new_cache(batch_size=3)
            model(IDS[:, :2], cache, position_ids=mg.tensor([[0, 1]]).expand(3, 2))
            model(IDS[:, 2:5], cache, logits_to_keep=3)

    check_shape_comments(gpt2, {"B": 3, "C": 8, "H": 2, "D": 4, "I": 32, "V": 13}, run, at_least=15)


# -------------------------------------------------------------------------------------------------- the cache


@pytest.mark.parametrize("chunks", [[6], [1] * 6, [3, 3], [2, 1, 3], [1, 5], [5, 1]])
def test_cached_logits_equal_uncached_at_every_position(chunks):
    model = make()
    with mg.no_grad():
        cache = model.new_cache(batch_size=3)
        parts = [model(part, cache) for part in IDS.split(chunks, dim=1)]
    assert cache.length == 6
    np.testing.assert_allclose(mg.cat(parts, dim=1).numpy(), EXPECTED["bias/logits"], rtol=1e-11, atol=1e-12)


def test_a_cleared_cache_is_as_new():
    model = make()
    with mg.no_grad():
        cache = model.new_cache(batch_size=3)
        model((IDS + 1) % 13, cache)
        cache.clear()
        np.testing.assert_allclose(model(IDS, cache).numpy(), EXPECTED["bias/logits"], rtol=1e-11, atol=1e-12)


def test_a_failed_call_leaves_the_cache_as_it_was():
    model = make()
    with mg.no_grad():
        cache = model.new_cache(batch_size=3)
        model(IDS[:, :3], cache)
        with pytest.raises(IndexError):
            model(IDS[:, 3:5] + 100, cache)
        with pytest.raises(ValueError, match="n_positions"):
            model(IDS[:, :4], cache)
        rest = model(IDS[:, 3:], cache)
    np.testing.assert_allclose(rest.numpy(), EXPECTED["bias/logits"][:, 3:], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kept", [1, 2, 6])
def test_logits_to_keep_gives_the_last_ones(kept):
    logits = make()(IDS, logits_to_keep=kept)
    np.testing.assert_allclose(logits.detach().numpy(), EXPECTED["bias/logits"][:, -kept:], rtol=1e-11, atol=1e-12)


def test_a_cache_has_the_dtype_of_the_weights():
    assert make().new_cache().keys.dtype == np.float64
    assert GPT2(TINY).new_cache().values.dtype == np.float32


# -------------------------------------------------------------------------------------------------- bad input


def test_a_context_too_long_is_refused():
    model = GPT2(TINY)
    with pytest.raises(ValueError, match="n_positions = 6 tokens, got 7"):
        model(mg.zeros(1, 7, dtype=mg.int64))
    with mg.no_grad():
        cache = model.new_cache()
        model(mg.zeros(1, 4, dtype=mg.int64), cache)
        with pytest.raises(ValueError, match="got 3 after 4 in the cache"):
            model(mg.zeros(1, 3, dtype=mg.int64), cache)


def test_a_cache_while_gradients_are_recorded_is_refused():
    model = GPT2(TINY)
    with pytest.raises(RuntimeError, match="no_grad"):
        model(IDS, model.new_cache(3))


def test_ids_that_are_no_batch_of_sequences_are_refused():
    with pytest.raises(ValueError, match=re.escape("(batch, tokens), got (4,)")):
        GPT2(TINY)(mg.tensor([1, 2, 3, 4]))


def test_ids_outside_the_vocabulary_are_refused():
    with pytest.raises(IndexError, match=r"13.*wte"):
        GPT2(TINY)(mg.tensor([[1, 13]]))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(name, bad) for name in ("vocab_size", "n_positions", "n_embd", "n_layer", "n_head") for bad in (0, -1, 1.5)],
        *[(name, bad) for name in ("embd_pdrop", "attn_pdrop", "resid_pdrop") for bad in (-0.1, 1.0, math.nan)],
        ("layer_norm_epsilon", 0.0), ("layer_norm_epsilon", math.inf), ("n_head", 3),
    ],
)  # fmt: skip
def test_a_bad_field_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(TINY, **{field: value})
