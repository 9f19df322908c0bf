"""What models that transformers made write, greedily and by beams: token for token what transformers writes."""

import pytest

import minigrad as mg
from lm.generation import GenerationConfig, generate, generate_batch, stream_batch
from lm.hub import load_pretrained
from tests.lm.hub.cases import FOLDERS, GENERATIVE, expected

NEW_TOKENS, EOS = 12, 1
WAYS = {  # as in tests/oracle/make_models.py
    "greedy": {},
    "greedy_penalties": {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 4},
    "greedy_words": {"bad_words_ids": ((5,), (7, 8)), "forced_eos_token_id": EOS},
    "beam": {"num_beams": 4},
    "beam_long": {"num_beams": 3, "length_penalty": 2.0, "early_stopping": True, "no_repeat_ngram_size": 3},
    "beam_short": {"num_beams": 2, "length_penalty": -0.5, "early_stopping": "never", "repetition_penalty": 1.2},
}


def rows(array):
    return [row[row >= 0].tolist() for row in array]


def settings_of(way):
    return GenerationConfig(max_new_tokens=NEW_TOKENS, eos_token_id=EOS, **WAYS[way])


@pytest.fixture(scope="module", params=GENERATIVE)
def case(request):
    arrays = expected(request.param)
    return load_pretrained(FOLDERS / request.param).model, arrays, rows(arrays["prompts"])


@pytest.mark.parametrize("way", WAYS)
def test_fifty_prompts_in_one_batch_are_answered_as_by_transformers(case, way):
    model, arrays, prompts = case
    assert len(prompts) == 50 and len({len(prompt) for prompt in prompts}) > 5
    texts = generate_batch(model, prompts, settings_of(way))
    assert texts == rows(arrays[f"generated/{way}"])
    assert len(set(map(tuple, texts))) > 10  # they are about something


@pytest.mark.parametrize("way", ["greedy", "beam"])
def test_a_prompt_alone_is_answered_as_by_transformers(case, way):
    model, arrays, prompts = case
    theirs = rows(arrays[f"generated/{way}"])
    for prompt, text in zip(prompts, theirs):
        assert generate_batch(model, [prompt], settings_of(way)) == [text]


def test_a_stream_is_what_the_batch_gives(case):
    model, arrays, prompts = case
    texts = [[] for _ in prompts]
    for tokens in stream_batch(model, prompts, settings_of("greedy")):
        for text, token in zip(texts, tokens, strict=True):
            text += [] if token is None else [token]
    assert texts == rows(arrays["generated/greedy"])
    alone = list(generate(model, prompts[0], NEW_TOKENS, greedy=True, stop_tokens=[EOS]))
    assert alone == texts[0]


def test_in_double_precision_the_texts_are_the_same(case):
    model, arrays, prompts = case
    double = type(model)(model.config).to(mg.float64)
    double.load_state_dict(model.state_dict())
    for way in ("greedy", "beam"):
        assert generate_batch(double, prompts, settings_of(way)) == rows(arrays[f"generated/{way}"])
