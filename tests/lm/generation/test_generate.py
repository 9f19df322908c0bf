"""Generation: a walk over a model's own predictions, and what it refuses."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from lm.generation import generate, sampling
from lm.models import GPT2, GPT2Config
from minigrad.ops.random import Key

CONFIG = GPT2Config(
    vocab_size=13, n_positions=8, n_embd=8, n_layer=2, n_head=2, embd_pdrop=0.5, attn_pdrop=0.5, resid_pdrop=0.5
)
PROMPT = [1, 5, 2]


@pytest.fixture
def model():
    """With weights so large that its distributions are far from uniform."""
    mg.manual_seed(3)
    model = GPT2(CONFIG).to(mg.float64)
    for parameter in model.parameters():
        mg.nn.init.normal_(parameter, std=0.4)
    return model


def next_logits(model, tokens):
    """Without a cache, in evaluation mode."""
    training = model.training
    with mg.no_grad():
        logits = model.eval()(mg.tensor([tokens])).numpy()[0, -1]
    model.train(training)
    return logits


def reference(model, tokens, count, choose):
    """The tokens that follow, each from the logits of a fresh pass over all that came before."""
    tokens = list(tokens)
    for _ in range(count):
        tokens.append(int(choose(next_logits(model, tokens), len(tokens))))
    return tokens[-count:]


def test_greedy_follows_the_likeliest_token(model):
    expected = reference(model, PROMPT, 5, lambda logits, _: logits.argmax())
    assert list(generate(model, PROMPT, 5, greedy=True)) == expected


def test_draws_are_keyed_by_seed_and_position(model):
    def choose(logits, position):
        kept = sampling.filter_logits(logits, temperature=1.5, top_k=6, top_p=0.9)
        return sampling.draw(kept, Key(7, "sample", position))

    expected = reference(model, PROMPT, 5, choose)
    assert list(generate(model, PROMPT, 5, temperature=1.5, top_k=6, top_p=0.9, seed=7)) == expected


def test_the_seed_decides_the_text(model):
    texts = {seed: list(generate(model, PROMPT, 20, seed=seed)) for seed in range(4)}
    assert list(generate(model, PROMPT, 20, seed=2)) == texts[2]
    assert len(set(map(tuple, texts.values()))) == 4


def test_each_setting_has_its_effect(model):
    plain = list(generate(model, PROMPT, 30))
    greedy = list(generate(model, PROMPT, 30, greedy=True))
    assert plain != greedy
    assert list(generate(model, PROMPT, 30, top_k=1)) == greedy
    assert list(generate(model, PROMPT, 30, top_p=1e-6)) == greedy
    assert list(generate(model, PROMPT, 30, temperature=1e-6)) == greedy
    assert list(generate(model, PROMPT, 30, temperature=100.0)) != plain


def test_text_continued_from_its_output_is_the_text_that_never_stopped(model):
    text = list(generate(model, PROMPT, 5, seed=1))
    assert list(generate(model, PROMPT + text[:2], 3, seed=1)) == text[2:]


def test_text_past_the_context_goes_on_from_its_last_half(model):
    tokens = list(PROMPT)
    expected, start = [], 0
    for _ in range(20):
        expected.append(int(next_logits(model, tokens[start:]).argmax()))
        tokens.append(expected[-1])
        if len(tokens) - start > CONFIG.n_positions:
            start = len(tokens) - CONFIG.n_positions // 2
    assert list(generate(model, PROMPT, 20, greedy=True)) == expected


def test_a_prompt_longer_than_the_context_counts_with_its_end(model):
    prompt = list(range(13)) * 2
    [token] = generate(model, prompt, 1, greedy=True)
    assert token == next_logits(model, prompt[-CONFIG.n_positions :]).argmax()


def test_a_context_of_one_token_is_enough():
    model = GPT2(GPT2Config(vocab_size=5, n_positions=1, n_embd=4, n_layer=1, n_head=1))
    assert len(list(generate(model, [1, 2], 4))) == 4


def test_a_stop_token_ends_the_text_and_is_no_part_of_it(model):
    text = list(generate(model, PROMPT, 20, seed=5))
    stop = text[4]
    assert list(generate(model, PROMPT, 20, seed=5, stop_tokens=[stop])) == text[: text.index(stop)]


def test_tokens_come_as_they_are_made(model):
    calls = []
    model.register_forward_hook(lambda *_: calls.append(1))
    stream = generate(model, PROMPT, 1000)
    assert not calls
    assert len(list(itertools.islice(stream, 3))) == 3 and len(calls) == 3


def test_each_token_costs_one_position(model):
    lengths = []
    model.register_forward_pre_hook(lambda _module, args: lengths.append(args[0].shape[1]))
    list(generate(model, PROMPT, 14))
    assert lengths == [3, 1, 1, 1, 1, 1, 4, 1, 1, 1, 1, 4, 1, 1]


def test_the_model_computes_in_evaluation_mode_and_is_left_as_it_was(model):
    model.h[0].eval()
    before = [module.training for module in model.modules()]
    during = []
    model.h[1].mlp.register_forward_hook(lambda module, *_: during.append(module.training))
    stream = generate(model, PROMPT, 5, greedy=True)
    next(stream)
    assert [module.training for module in model.modules()] == before  # while the caller has control
    list(stream)
    assert [module.training for module in model.modules()] == before
    assert during == [False] * 5


def test_the_mode_is_restored_after_a_failure(model):
    model.ln_f.weight.data[0] = np.nan
    with pytest.raises(FloatingPointError):
        list(generate(model, PROMPT, 5))
    assert all(module.training for module in model.modules())


def test_nothing_is_recorded_and_the_callers_grad_mode_stays(model):
    recorded = []
    model.register_forward_hook(lambda _module, _args, out: recorded.append(out.requires_grad))
    for _ in generate(model, PROMPT, 3):
        assert mg.is_grad_enabled()
    assert recorded == [False] * 3


@pytest.mark.parametrize("prompt", [tuple(PROMPT), np.array(PROMPT, np.int32), mg.tensor(PROMPT), iter(PROMPT)])
def test_a_prompt_is_any_sequence_of_ids(model, prompt):
    assert list(generate(model, prompt, 3, seed=1)) == list(generate(model, PROMPT, 3, seed=1))


def test_the_prompt_is_left_alone(model):
    prompt = list(PROMPT)
    list(generate(model, prompt, 3))
    assert prompt == PROMPT


def test_no_tokens_may_be_asked_for(model):
    assert list(generate(model, PROMPT, 0)) == []


# -------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"ids": []}, ValueError, "prompt of at least one token"),
        ({"ids": [1, 13]}, ValueError, "prompt: token id 13 is outside the model's vocabulary of 13"),
        ({"ids": [-1]}, ValueError, "token id -1"),
        ({"ids": [[1, 2]]}, ValueError, "one sequence"),
        ({"ids": [1.0]}, TypeError, "integer token ids"),
        ({"ids": "text"}, TypeError, "encode text"),
        ({"max_new_tokens": -1}, ValueError, "max_new_tokens"),
        ({"temperature": 0.0}, ValueError, "temperature"),
        ({"top_k": 0}, ValueError, "top_k"),
        ({"top_p": 0.0}, ValueError, "top_p"),
        ({"top_p": 1.5}, ValueError, "top_p"),
        ({"stop_tokens": [50256]}, ValueError, "stop_tokens: token id 50256"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_computed(model, arguments, error, message):
    arguments = {"ids": PROMPT, "max_new_tokens": 5, **arguments}
    with pytest.raises(error, match=message):
        generate(model, **arguments)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_refused(model, bad):
    model.ln_f.bias.data[0] = bad
    with pytest.raises(FloatingPointError, match="position 3 are not finite"):
        list(generate(model, PROMPT, 5, greedy=True))
