"""Reading a text token by token: replayed or not, the logits are those of the model, to the last bit."""

from functools import partial

import numpy as np
import pytest

import minigrad as mg
from lm.generation import generate, text_reader
from lm.generation.text_reader import TextReader
from lm.models import GPT2, GPT2Config
from lm.models.llama import Llama, LlamaConfig
from lm.models.lora import LoRAConfig, add_lora
from lm.models.qwen2 import Qwen2, Qwen2Config
from minigrad import nn
from minigrad.hooks import forward_hooks

pytestmark = pytest.mark.host("recordings are of arrays in host memory")
CONTEXT, TOKENS = 12, [3, 1, 4, 1, 5, 9, 2, 6, 5]
SIZES = {"vocab_size": 13, "n_positions": CONTEXT, "n_embd": 8, "n_layer": 2, "n_head": 2}
LLAMA = {
    "vocab_size": 13, "hidden_size": 8, "intermediate_size": 12, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": CONTEXT,
}  # fmt: skip


def with_lora():
    model = GPT2(GPT2Config(**SIZES))
    add_lora(model, LoRAConfig(r=2, target_modules=("c_attn", "c_fc")))
    return model


FAMILIES = {
    "gpt2": lambda: GPT2(GPT2Config(**SIZES)),
    "gpt2 without biases": lambda: GPT2(GPT2Config(**SIZES, bias=False, activation_function="relu")),
    "gpt2 in float64": lambda: GPT2(GPT2Config(**SIZES)).double(),
    "gpt2 with lora": with_lora,
    "llama": lambda: Llama(LlamaConfig(**LLAMA)),
    "llama with shared keys": lambda: Llama(LlamaConfig(**LLAMA, num_key_value_heads=2, tie_word_embeddings=True)),
    "llama in float64": lambda: Llama(LlamaConfig(**LLAMA)).double(),
    "qwen2": lambda: Qwen2(Qwen2Config(**LLAMA, num_key_value_heads=1)),
}


def made(name="gpt2"):
    """In training mode, with dropout, and weights so large that logits differ."""
    mg.manual_seed(3)
    model = FAMILIES[name]()
    for parameter in model.parameters():
        mg.nn.init.normal_(parameter, std=0.4)
    return model


def expected(model, tokens, cache):
    training = model.training
    with mg.no_grad():
        logits = model.eval()(mg.tensor([tokens]), cache, 1).numpy()
    model.train(training)
    return logits


@pytest.fixture(autouse=True)
def without_gradients():
    with mg.no_grad():
        yield


@pytest.mark.parametrize("name", FAMILIES)
def test_logits_are_those_of_the_model_at_every_position(name):
    model = made(name)
    reader, cache = TextReader(model), model.new_cache()
    for text in (TOKENS, TOKENS[::-1]):  # the second after the context was outgrown, say
        np.testing.assert_array_equal(reader.read(text[:2]).numpy(), expected(model, text[:2], cache))
        for token in text[2:]:
            np.testing.assert_array_equal(reader.read([token]).numpy(), expected(model, [token], cache))
            assert reader.cache.length == cache.length
        reader.cache.clear()
        cache.clear()
    assert reader.confirmed and reader.recordable and model.training


def calls_of(model, monkeypatch):
    """How often the model itself runs."""
    calls = []
    forward = type(model).forward
    monkeypatch.setattr(type(model), "forward", lambda *args, **kw: calls.append(1) or forward(*args, **kw))
    return calls


def test_two_tokens_are_recorded_and_the_others_replayed(monkeypatch):
    model = made()
    calls = calls_of(model, monkeypatch)
    assert len(list(generate(model, TOKENS[:3], 8))) == 8
    assert len(calls) == 3  # the prompt, and two tokens


def walk(model, change, at=5):
    """The logits after every token, where `change` is called before the one at `at`; and those of the model."""
    reader, cache, there, here = TextReader(model), model.new_cache(), [], []
    for number, token in enumerate(TOKENS):
        if number == at:
            assert reader.confirmed
            change(model)
        there.append(reader.read([token]).numpy().copy())
        here.append(expected(model, [token], cache))
    np.testing.assert_array_equal(there, here)
    return reader


def changed_in_place(model):
    model.h[0].attn.c_attn.weight.data[...] *= 2


def another_array(model):
    model.h[0].attn.c_attn.weight.data = model.h[0].attn.c_attn.weight.data * 2


def another_layer(model):
    model.h[0].mlp.c_fc = nn.Linear(8, 32)


def another_weight(model):
    model.h[0].mlp.c_fc.weight = nn.Parameter(mg.ones(32, 8))


def another_setting(model):
    model.ln_f.eps = 0.3


def another_bias(model):
    model.h[1].attn.c_proj.bias = None


def fewer_layers(model):
    model.h = nn.ModuleList([model.h[0]])


def more_layers(model):
    model.train()
    model.h[0].mlp = nn.Sequential(model.h[0].mlp, nn.Dropout(0.5))  # which is off where text is generated


def lora(model):
    add_lora(model, LoRAConfig(r=2, target_modules=("c_attn", "c_fc")))
    for parameter in model.parameters():
        mg.nn.init.normal_(parameter, std=0.4)


CHANGES = [changed_in_place, another_array, another_layer, another_weight, another_setting, another_bias, lora]
CHANGES += [fewer_layers, more_layers]


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_in_the_model_counts_from_then_on(change):
    assert walk(made(), change).confirmed


def test_hooks_of_layers_are_called_from_then_on():
    model, seen = made(), []

    def hook(module, args, out):
        seen.append(1)
        return out * 2

    reader = walk(model, lambda model: model.h[1].mlp.register_forward_hook(hook))
    assert len(seen) == 2 * (len(TOKENS) - 5) and not reader.recordable


def test_watchers_see_the_model_run():
    model, reader, names = made(), None, []
    reader = TextReader(model)
    for token in TOKENS[:4]:
        reader.read([token])
    assert reader.confirmed
    with forward_hooks(end=lambda op, *_: names.append(op.name)):
        reader.read([TOKENS[4]])
    assert names.count("extend") == 2 and "layer_norm" in names
    assert reader.confirmed  # and afterwards it goes on as before
    reader.read([TOKENS[5]])
    assert names.count("extend") == 2


class Fickle(nn.Module):
    """Does one thing for some tokens and another for others, which no recording can know."""

    def forward(self, x):
        return x * 2 if x.numpy().max() > 0.5 else x


def test_layers_that_may_do_something_else_for_every_token_are_not_recorded():
    model = made()
    model.h[0].mlp = nn.Sequential(model.h[0].mlp, Fickle())
    assert not walk(model, lambda model: None, at=99).recordable


def mine():
    class Mine(GPT2):
        def forward(self, ids, *args, **kwargs):
            return super().forward(ids, *args, **kwargs) * (1.0 + int(ids.numpy()[0, 0] % 2))

    mg.manual_seed(3)
    return Mine(GPT2Config(**SIZES))


def almost_ours():
    model = made()
    model.h[0].mlp = nn.Sequential(model.h[0].mlp)
    model.h[0].mlp.__class__ = type("Fickle", (nn.Sequential,), {"__module__": "lmodels.fickle"})
    return model


def fickle(x):
    return x * 5.0 if x.numpy().max() > 0.5 else x * 0.5


def an_own_forward():
    model = made()
    forward = model.h[0].mlp.forward
    model.h[0].mlp.forward = lambda x: fickle(forward(x))
    return model


def an_own_function():
    model = made()
    model.h[0].mlp.activation = fickle
    return model


def a_part_of_a_function():
    model = made()
    model.h[0].mlp.activation = partial(fickle)
    return model


def an_own_method():
    model = made("llama")
    rotation = model.rotation
    model.rotation = lambda *args: tuple(fickle(each) for each in rotation(*args))
    return model


FOREIGN = [mine, almost_ours, an_own_forward, an_own_function, a_part_of_a_function, an_own_method]


@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_someone_else_wrote_is_not_recorded(foreign):
    assert not walk(foreign(), lambda model: None, at=99).recordable


def test_a_model_of_another_kind_reads_its_tokens_as_ever():
    inner = made()

    class Other(nn.Module):
        vocab_size, context_length = inner.vocab_size, CONTEXT

        def __init__(self):
            super().__init__()
            self.inner = inner

        def new_cache(self):
            return inner.new_cache()

        def forward(self, ids, cache, logits_to_keep):
            return self.inner(ids, cache, logits_to_keep)

    assert not walk(Other(), lambda model: None, at=99).recordable


def test_the_use_of_kernels_may_change():
    model = made()
    reader = TextReader(model)
    for token in TOKENS[:5]:
        reader.read([token])
    cache = model.new_cache()
    cache.keys[...], cache.values[...], cache.length = reader.cache.keys, reader.cache.values, reader.cache.length
    with mg.kernels.mode("off"):
        np.testing.assert_array_equal(reader.read([7]).numpy(), expected(model, [7], cache))


def test_a_change_while_a_token_is_recorded_counts(monkeypatch):
    model, real, changed = made(), text_reader.record, []

    def record(function, known):
        found = real(function, known)
        if len(changed) < 2:
            changed.append(1)
            model.ln_f.eps = 0.1 * len(changed)  # as another thread might
        return found

    monkeypatch.setattr(text_reader, "record", record)
    reader, cache = TextReader(model), model.new_cache()
    reader.read([3])
    reader.read([3])
    cache.keys[...], cache.values[...], cache.length = reader.cache.keys, reader.cache.values, 2
    for token in TOKENS:
        np.testing.assert_array_equal(reader.read([token]).numpy(), expected(model, [token], cache))
    assert reader.confirmed and len(changed) == 2


def test_after_a_token_that_failed_what_was_recorded_before_it_does_not_count(monkeypatch):
    model, real = made(), text_reader.record
    reader, cache = TextReader(model), model.new_cache()
    for token in TOKENS[:4]:
        reader.read([token])
    cache.keys[...], cache.values[...], cache.length = reader.cache.keys, reader.cache.values, reader.cache.length
    assert reader.confirmed
    model.ln_f.eps = 0.3

    def interrupted(function, known):
        raise KeyboardInterrupt

    monkeypatch.setattr(text_reader, "record", interrupted)
    with pytest.raises(KeyboardInterrupt):
        reader.read([TOKENS[4]])
    monkeypatch.setattr(text_reader, "record", real)
    for token in TOKENS[4:]:
        np.testing.assert_array_equal(reader.read([token]).numpy(), expected(model, [token], cache))


def test_where_something_changes_all_the_time_nothing_is_recorded_for_long(monkeypatch):
    model, real, recorded = made(), text_reader.record, []
    monkeypatch.setattr(text_reader, "record", lambda *args: recorded.append(1) or real(*args))
    reader, other = TextReader(model), nn.Identity()
    for number in range(CONTEXT):
        other.note = number
        reader.read([1])
    assert len(recorded) == text_reader.IN_VAIN and not reader.recordable


def test_where_an_operation_cannot_be_recorded_the_model_runs_as_ever():
    with mg.kernels.mode("off"):  # the definition of softmax looks for the largest score outside of any operation
        reader = walk(made(), lambda model: None, at=99)
    assert not reader.recordable and reader.cache.length == len(TOKENS)


def test_where_operations_depend_on_the_position_the_model_runs_as_ever(monkeypatch):
    model = made()
    forward = type(model.ln_f).forward

    reader = TextReader(model)

    def shifted(self, x):
        return forward(self, x) + 0.1 * reader.cache.length

    monkeypatch.setattr(type(model.ln_f), "forward", shifted)
    calls = calls_of(model, monkeypatch)
    for token in TOKENS:
        reader.read([token])
    assert len(calls) == len(TOKENS) > text_reader.IN_VAIN and not reader.recordable and not reader.confirmed


def test_what_a_token_raises_comes_through():
    reader = TextReader(made())
    for _ in range(CONTEXT):
        reader.read([1])
    with pytest.raises(ValueError, match="reads at most n_positions = 12 tokens, got 1 after 12"):
        reader.read([1])
    reader.cache.clear()
    for token in (13, -1):
        with pytest.raises(IndexError, match=f"id {token} is out of range for 13 rows"):
            reader.read([token])
    assert reader.cache.length == 0 and reader.confirmed
