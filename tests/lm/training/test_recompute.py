"""Layers that compute again what they forgot: the same numbers, and less memory."""

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from lm.models import GPT2, T5, GPT2Config, T5Config, Transformer, TransformerConfig
from lm.training import loop
from lm.training.loop import train
from lm.training.recompute import checkpoint_blocks
from lm.training.run import start_run
from lm.training.state import run_settings
from tests.lm.training.tiny import timeless_log, tiny_config, weights

IDS = np.random.default_rng(0).integers(1, 11, (3, 6))
MODELS = {
    "gpt2": (lambda: GPT2(GPT2Config(11, 6, 8, 3, 2)), 3, {"targets": IDS}),
    "t5": (lambda: T5(T5Config(11, 8, 4, 16, 2, num_heads=2)), 4, {"labels": IDS}),
    "transformer": (lambda: Transformer(TransformerConfig(11, 8, 16, 2, 2)), 4, {"labels": IDS}),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_loss_and_every_gradient_are_the_same_bits(name):
    make, layers, labels = MODELS[name]
    found = []
    for forgets in (False, True):
        mg.manual_seed(0)
        model = make()
        assert not forgets or checkpoint_blocks(model) == layers
        loss = model.loss(ids=mg.tensor(IDS), **{name: mg.tensor(value) for name, value in labels.items()})
        before = mg.rand(1).item()
        loss.backward()
        found.append([loss.item(), before, mg.rand(1).item(), *(p.grad.numpy() for p in model.parameters())])
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_a_forward_leaves_in_memory_hardly_grows_with_the_layers():
    def held(layers, forgets):
        model = GPT2(GPT2Config(11, 64, 32, layers, 2))
        if forgets:
            checkpoint_blocks(model)
        ids = mg.tensor(np.ones((4, 64), np.int64))
        tracemalloc.start()
        loss = model.loss(ids, ids)
        size = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        del loss
        return size

    kept, forgotten = (held(8, forgets) - held(2, forgets) for forgets in (False, True))
    assert forgotten < 0.2 * kept


def test_a_run_that_forgets_is_the_run_that_does_not(tmp_path):
    found = []
    for forgets in (False, True):
        folder = tmp_path / str(forgets)
        folder.mkdir()
        config = tiny_config(folder, "--training.gradient_checkpointing", str(forgets).lower())
        with start_run(folder / "run", config) as run:
            train(run)
        found.append((weights(folder / "run"), timeless_log(folder / "run"), run_settings(config)))
    assert found[0] == found[1]


def test_a_run_asked_to_forget_does(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(loop, "checkpoint_blocks", asked.append)
    for forgets in ("false", "true"):
        config = tiny_config(tmp_path, "--max_steps", "1", "--training.gradient_checkpointing", forgets)
        with start_run(tmp_path / forgets, config) as run:
            model = train(run)
    assert asked == [model]


def test_asked_twice_a_layer_is_computed_twice_and_no_more():
    model = GPT2(GPT2Config(11, 6, 8, 1, 2))
    calls = []
    model.h[0].mlp.c_fc.register_forward_hook(lambda *_: calls.append(1))
    for _ in range(2):
        assert checkpoint_blocks(model) == 1
    model.loss(mg.tensor(IDS), mg.tensor(IDS)).backward()
    assert len(calls) == 2
