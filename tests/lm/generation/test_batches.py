"""Several prompts at once: what each is answered does not depend on the others, and beams find the likeliest text."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from lm.generation import GenerationConfig, generate, generate_batch, stream_batch
from lm.generation.beams import largest
from lm.models import GPT2, T5, GPT2Config, Llama, LlamaConfig, T5Config, Transformer, TransformerConfig

V = 7
CONFIGS = {
    "gpt2": (GPT2, GPT2Config(vocab_size=V, n_positions=16, n_embd=8, n_layer=2, n_head=2)),
    "llama": (
        Llama,
        LlamaConfig(V, 8, 8, 2, 4, num_key_value_heads=2, max_position_embeddings=16),
    ),
    "t5": (T5, T5Config(vocab_size=V, d_model=8, d_kv=3, d_ff=8, num_layers=2, num_heads=2)),
    "transformer": (
        Transformer,
        TransformerConfig(vocab_size=V, d_model=8, d_ff=8, num_layers=2, num_heads=2, max_positions=16),
    ),
}
PROMPTS = [[3, 4, 5, 2, 6], [2], [6, 5, 3], [4, 4]]


@pytest.fixture(scope="module", params=CONFIGS)
def model(request):
    mg.manual_seed(4)
    kind, config = CONFIGS[request.param]
    model = kind(config).to(mg.float64)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            mg.nn.init.normal_(parameter, std=0.6)
    return model  # in training mode, with dropout


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"do_sample": True, "temperature": 1.5, "top_k": 0},
        {"num_beams": 3},
        {"num_beams": 4, "early_stopping": True, "length_penalty": 0.3},
        {"repetition_penalty": 1.5, "no_repeat_ngram_size": 2},
    ],
)
def test_an_answer_does_not_depend_on_the_rest_of_the_batch(model, settings):
    config = GenerationConfig(max_new_tokens=8, eos_token_id=2, **settings)
    together = generate_batch(model, PROMPTS, config)
    assert len(set(map(tuple, together))) > 1
    if not config.do_sample:
        assert together == [generate_batch(model, [prompt], config)[0] for prompt in PROMPTS]
    assert together[:2] == generate_batch(model, PROMPTS[:2], config)
    assert all(module.training for module in model.modules())


def test_greedy_is_the_likeliest_token_of_a_fresh_pass_each_time(model):
    prompt = PROMPTS[0]
    start = [] if not hasattr(model, "encode") else [0]
    text = []
    model.eval()
    with mg.no_grad():
        for _ in range(6):
            if start:
                logits = model(mg.tensor([prompt]), mg.tensor([start + text]))
            else:
                logits = model(mg.tensor([prompt + text]))
            text.append(int(logits.numpy()[0, -1].argmax()))
    model.train()
    assert generate_batch(model, [prompt], GenerationConfig(max_new_tokens=6)) == [text]
    assert list(generate(model, prompt, 6, greedy=True)) == text


def likelihood(model, prompt, text):
    """The log-probability of `text` after, or as the answer to, `prompt`."""
    with mg.no_grad():
        if hasattr(model, "encode"):
            logits = model(mg.tensor([prompt]), mg.tensor([[0, *text[:-1]]])).numpy()[0]
        else:
            logits = model(mg.tensor([[*prompt, *text[:-1]]])).numpy()[0, len(prompt) - 1 :]
    logits = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return logits[np.arange(len(text)), text].sum()


@pytest.mark.parametrize("penalty", [0.0, 1.0, 2.0])
def test_enough_beams_find_the_best_text_of_all(model, penalty):
    end, length, prompt = 1, 3, PROMPTS[2]
    whole = [
        text
        for size in range(1, length + 1)
        for text in itertools.product(range(V), repeat=size)
        if end not in text[:-1] and (text[-1] == end or size == length)
    ]
    model.eval()
    scores = {text: likelihood(model, prompt, text) / len(text) ** penalty for text in whole}
    model.train()
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:4]
    config = GenerationConfig(
        max_new_tokens=length, eos_token_id=end, num_beams=V**length, num_return_sequences=4, length_penalty=penalty,
        early_stopping="never",
    )  # fmt: skip
    found = generate_batch(model, [prompt], config)
    assert found == [[token for token in text if token != end] for text in best]


def test_a_stream_gives_every_text_its_token_until_it_ends(model):
    config = GenerationConfig(max_new_tokens=9, eos_token_id=(1, 2))
    texts = generate_batch(model, PROMPTS, config)
    steps = list(stream_batch(model, PROMPTS, config))
    for number, text in enumerate(texts):
        column = [step[number] for step in steps]
        assert column == text + [None] * (len(steps) - len(text))


def test_several_texts_of_a_prompt_stand_together(model):
    config = GenerationConfig(max_new_tokens=5, do_sample=True, num_return_sequences=3, top_k=0, temperature=2.0)
    texts = generate_batch(model, PROMPTS[:2], config, seed=5)
    assert len(texts) == 6 and len(set(map(tuple, texts))) > 3
    assert texts == generate_batch(model, PROMPTS[:2], config, seed=5)
    assert texts != generate_batch(model, PROMPTS[:2], config, seed=6)


def test_one_prompt_is_drawn_as_by_generate(model):
    config = GenerationConfig(max_new_tokens=6, do_sample=True, top_k=4, top_p=0.9, min_p=0.05, temperature=1.3)
    alone = list(generate(model, PROMPTS[0], 6, top_k=4, top_p=0.9, min_p=0.05, temperature=1.3, seed=3))
    assert generate_batch(model, PROMPTS[:1], config, seed=3) == [alone]


def test_no_new_tokens_are_none(model):
    for beams in (1, 2):
        assert generate_batch(model, PROMPTS, GenerationConfig(max_new_tokens=0, num_beams=beams)) == [[]] * 4


@pytest.mark.parametrize(
    ("prompts", "error", "problem"),
    [
        ([], ValueError, "empty batch"),
        ([[1], []], ValueError, "prompt 1 is empty"),
        ([[1], [2, V]], ValueError, f"prompt 1: token id {V} is outside the model's vocabulary of {V}"),
        ([[1], [-1]], ValueError, "token id -1"),
        ([[0.5]], TypeError, "integer token ids"),
        ([[[1]]], ValueError, "one sequence of token ids"),
    ],
)
def test_prompts_that_are_none_are_refused_at_once(model, prompts, error, problem):
    for way in (generate_batch, stream_batch):
        with pytest.raises(error, match=problem):
            way(model, prompts, GenerationConfig(max_new_tokens=2))


def test_a_prompt_too_long_is_refused_at_once():
    model = GPT2(CONFIGS["gpt2"][1])
    with pytest.raises(ValueError, match=r"prompt 1 has 10 tokens, .* = 7; together they are more than .* of 16"):
        generate_batch(model, [[1], [2] * 10], GenerationConfig(max_new_tokens=7))
    assert len(generate_batch(model, [[2] * 10], GenerationConfig(max_new_tokens=6))[0]) == 6


def test_beams_are_no_stream(model):
    with pytest.raises(ValueError, match="no beams"):
        stream_batch(model, PROMPTS, GenerationConfig(num_beams=2))


def test_logits_that_are_not_finite_are_refused():
    model = GPT2(CONFIGS["gpt2"][1])
    model.ln_f.weight.data[0] = np.nan
    with pytest.raises(FloatingPointError, match="position 2"):
        generate_batch(model, [[1, 2]], GenerationConfig(max_new_tokens=2))


def test_each_token_costs_one_position():
    model, lengths = GPT2(CONFIGS["gpt2"][1]), []
    model.register_forward_pre_hook(lambda _module, args: lengths.append(args[0].shape))
    generate_batch(model, PROMPTS, GenerationConfig(max_new_tokens=3))
    generate_batch(model, PROMPTS, GenerationConfig(max_new_tokens=3, num_beams=2))
    assert lengths == [(4, 5), (4, 1), (4, 1), (4, 5), (8, 1), (8, 1)]


def test_the_largest_come_first_and_of_equals_the_earlier():
    values = np.array([[1.0, 5.0, 5.0, 2.0, 5.0], [0.0, -np.inf, 3.0, 1.0, 2.0]])
    np.testing.assert_array_equal(largest(values, 3), [[1, 2, 4], [2, 4, 3]])
    np.testing.assert_array_equal(largest(values, 9)[1], [2, 4, 3, 0, 1])


@pytest.mark.parametrize("name", ["gpt2", "transformer"])
def test_a_context_is_used_to_its_last_token_and_no_further(name):
    """An encoder and its decoder have one each; a decoder alone reads and writes in the same."""
    kind, config = CONFIGS[name]
    model, apart = kind(config), name == "transformer"
    much = "one of them is" if apart else "together they are"
    for prompt, new in [([3] * 16, 16), ([3] * 3, 16)] if apart else [([3] * 6, 10)]:
        assert len(generate_batch(model, [prompt], GenerationConfig(max_new_tokens=new))[0]) == new
    for prompt, new in [([3] * 17, 1), ([3], 17)] + ([] if apart else [([3] * 7, 10)]):
        with pytest.raises(ValueError, match=f"max_new_tokens = {new}; {much} more than the model's context of 16"):
            generate_batch(model, [prompt], GenerationConfig(max_new_tokens=new))
