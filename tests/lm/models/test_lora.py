"""Adapters: they change nothing at first, are all that is trained, and leave nothing behind when merged."""

import math

import numpy as np
import pytest

import minigrad as mg
from lm.hub import load_pretrained, save_pretrained
from lm.models.lora import LoRAConfig, LoRALinear, adapters_of, add_lora, lora_state_dict, merge_lora
from minigrad import nn, optim
from tests.lm.hub.cases import FOLDERS

TARGETS = {
    "gpt2": ["attn.c_attn", "c_fc"], "llama-grouped-llama3": ["q_proj", "v_proj"], "bert": ["query", "value"],
    "t5": ["attention.q", "wo"],
}  # fmt: skip
IDS = mg.tensor(np.random.default_rng(0).integers(3, 29, (3, 6)))


def load(name):
    return load_pretrained(FOLDERS / name).model.to(mg.float64)


def logits(name, model):
    out = model(IDS, IDS) if name == "t5" else model(IDS)
    return (out[0] if isinstance(out, tuple) else out).detach().numpy()


def perturb(model):
    mg.manual_seed(2)
    for _, adapter in adapters_of(model):
        nn.init.normal_(adapter.lora_B, std=0.3)


@pytest.mark.parametrize("name", TARGETS)
def test_a_fresh_adapter_changes_nothing_and_is_all_that_is_trained(name):
    model = load(name)
    before, names = logits(name, model), set(model.state_dict())
    trained = add_lora(model, LoRAConfig(r=3, target_modules=TARGETS[name]))
    np.testing.assert_array_equal(logits(name, model), before)
    assert set(map(id, trained)) == {id(p) for p in model.parameters() if p.requires_grad}
    assert set(model.state_dict()) - names == set(lora_state_dict(model)) and names <= set(model.state_dict())
    assert len(trained) == 2 * len(list(adapters_of(model))) >= 8


@pytest.mark.parametrize("name", TARGETS)
def test_merged_adapters_compute_the_same_and_leave_no_trace(name):
    model = load(name)
    before, names = logits(name, model), list(model.state_dict())
    add_lora(model, LoRAConfig(r=3, lora_alpha=5, target_modules=TARGETS[name]))
    perturb(model)
    adapted = logits(name, model)
    assert np.abs(adapted - before).max() > 1e-2
    merge_lora(model)
    np.testing.assert_allclose(logits(name, model), adapted, rtol=1e-9, atol=1e-11)
    assert list(model.state_dict()) == names and not list(adapters_of(model))
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert not any(type(module) is LoRALinear for module in model.modules())


def test_the_layer_is_w_plus_the_scaled_product():
    mg.manual_seed(0)
    linear = nn.Linear(6, 4, dtype=mg.float64)
    layer = LoRALinear(linear, LoRAConfig(r=2, lora_alpha=3))
    nn.init.normal_(layer.lora_B)
    x = mg.tensor(np.random.default_rng(0).normal(size=(5, 6)))
    weight = linear.weight + layer.lora_B @ layer.lora_A * 1.5
    expected = (x @ weight.T + linear.bias).detach().numpy()
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-12)
    assert layer.lora_A.dtype == np.float64 and layer.lora_A.detach().numpy().std() > 0.1
    assert np.abs(layer.lora_A.detach().numpy()).max() <= 1 / math.sqrt(6)


def test_training_moves_the_adapters_alone():
    mg.manual_seed(0)
    model = load("gpt2").train()
    frozen = {name: value.numpy().copy() for name, value in model.state_dict().items()}
    optimizer = optim.AdamW(add_lora(model, LoRAConfig(target_modules=["c_attn", "c_proj"])), lr=0.02)
    losses = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = model.loss(IDS[:, :-1], IDS[:, 1:])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.5
    for name, value in frozen.items():
        np.testing.assert_array_equal(model.state_dict()[name].numpy(), value)
        assert model.get_parameter(name).grad is None


def test_what_was_trained_is_small_and_comes_back(tmp_path):
    config = LoRAConfig(r=2, target_modules=["c_attn"])
    model = load("gpt2")
    add_lora(model, config)
    perturb(model)
    mg.save_file(lora_state_dict(model), tmp_path / "adapter.safetensors")
    again = load("gpt2")
    add_lora(again, config)
    found = again.load_state_dict(mg.load_file(tmp_path / "adapter.safetensors"), strict=False)
    assert not found.unexpected_keys
    np.testing.assert_array_equal(logits("gpt2", again), logits("gpt2", model))


def test_a_merged_model_is_written_for_transformers(tmp_path):
    model = load("gpt2")
    add_lora(model, LoRAConfig(target_modules=["c_attn"]))
    perturb(model)
    merge_lora(model)
    save_pretrained(model, None, tmp_path)
    read = load_pretrained(tmp_path).model
    np.testing.assert_allclose(logits("gpt2", read), logits("gpt2", model), rtol=0, atol=1e-12)


def test_adapters_that_are_not_merged_are_refused_by_the_hub(tmp_path):
    model = load("gpt2")
    add_lora(model, LoRAConfig(target_modules=["c_attn"]))
    with pytest.raises(ValueError, match="merge_lora"):
        save_pretrained(model, None, tmp_path / "out")


def test_dropout_acts_on_the_adapter_alone_and_in_training_alone():
    mg.manual_seed(0)
    layer = LoRALinear(nn.Linear(6, 4), LoRAConfig(r=2, lora_dropout=0.9))
    x = mg.ones(3, 6)
    plain = layer(x).detach().numpy()  # lora_B is 0
    nn.init.ones_(layer.lora_B)
    assert (layer(x).detach().numpy() != layer(x).detach().numpy()).any()
    layer.eval()
    np.testing.assert_array_equal(layer(x).detach().numpy(), layer(x).detach().numpy())
    nn.init.zeros_(layer.lora_B)
    np.testing.assert_array_equal(layer.train()(x).detach().numpy(), plain)


def test_a_name_that_fits_nothing_is_named_with_what_there_is():
    with pytest.raises(ValueError, match="no linear layer is called 'q_proj'; there are: c_attn, c_fc, c_proj"):
        add_lora(load("gpt2"))


def test_adapters_are_added_once():
    model = load("gpt2")
    add_lora(model, LoRAConfig(target_modules=["c_attn"]))
    with pytest.raises(ValueError, match="adapters already"):
        add_lora(model, LoRAConfig(target_modules=["c_fc"]))


def test_part_of_a_name_is_not_enough():
    with pytest.raises(ValueError, match="'attn'"):
        add_lora(load("gpt2"), LoRAConfig(target_modules=["attn"]))


@pytest.mark.parametrize(
    ("field", "value"),
    [("r", 0), ("r", 2.0), ("lora_alpha", 0), ("lora_dropout", 1.0), ("target_modules", ()), ("target_modules", "q")],
)
def test_a_bad_field_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        LoRAConfig(**{field: value})
