"""Counting from a configuration, held against models that were built and operations that were run."""

import dataclasses
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from lm.models import GPT2, GPT2Config
from lm.models.count import count_flops, count_memory, count_parameters, parameter_shapes

TINY = GPT2Config(vocab_size=65, n_positions=64, n_embd=128, n_layer=4, n_head=4, bias=False)
BATCH = 12


@pytest.mark.parametrize("bias", [True, False])
def test_shapes_are_those_of_the_model(bias):
    config = GPT2Config(vocab_size=17, n_positions=5, n_embd=12, n_layer=2, n_head=3, bias=bias)
    shapes = {name: parameter.shape for name, parameter in GPT2(config).named_parameters()}
    assert parameter_shapes(GPT2, config) == shapes
    assert list(parameter_shapes(GPT2, config)) == list(shapes)


def test_the_smallest_gpt2_has_124_439_808_parameters():
    table = count_parameters(GPT2, GPT2Config())
    assert sum(table.values()) == 124_439_808
    assert table["wte"] == 50257 * 768 and table["h.*.mlp.c_fc"] == 12 * (768 * 3072 + 3072)


def test_operations_are_those_that_torch_counts():
    expected = np.load(Path(__file__).with_name("gpt2_expected.npz"))["flops"]
    assert sum(count_flops(TINY, BATCH).values()) == expected


def test_operations_are_six_per_weight_and_token_and_attention():
    config = GPT2Config()
    weights = sum(math.prod(shape) for shape in parameter_shapes(GPT2, config).values() if len(shape) == 2)
    weights -= config.n_positions * config.n_embd
    per_token = 6 * weights + 12 * config.n_layer * config.n_embd * config.n_positions
    assert sum(count_flops(config, 2).values()) == 2 * config.n_positions * per_token


def test_parameter_memory_is_that_of_the_model():
    config = dataclasses.replace(TINY, bias=True)
    held = sum(parameter.data.nbytes for parameter in GPT2(config).parameters())
    memory = count_memory(config, BATCH)
    assert (memory["parameters"], memory["gradients"], memory["AdamW moments"]) == (held, held, 2 * held)
    assert count_memory(config, BATCH, itemsize=8)["parameters"] == 2 * held


@pytest.mark.host("counts what the kernels for NumPy keep")
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_activation_memory_is_what_a_forward_pass_leaves_behind(dropout):
    kernels = pytest.importorskip("minigrad.kernels")
    config = dataclasses.replace(TINY, embd_pdrop=dropout, attn_pdrop=dropout, resid_pdrop=dropout)
    model, ids = GPT2(config), mg.zeros(BATCH, config.n_positions, dtype=mg.int64)
    with kernels.mode("auto"):
        model.loss(ids, ids)  # what is allocated once is allocated now
        tracemalloc.start()
        loss = model.loss(ids, ids)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    counted = sum(size for what, size in count_memory(config, BATCH).items() if what.startswith("activations"))
    assert held == pytest.approx(counted, rel=0.005) and loss.requires_grad


@pytest.mark.parametrize("count", [count_flops, count_memory])
def test_a_batch_of_nothing_is_refused(count):
    with pytest.raises(ValueError, match="batch_size"):
        count(TINY, 0)
