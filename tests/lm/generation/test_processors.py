"""Logits processors against transformers' (processors.npz, written by tests/oracle/make_processors.py)."""

from pathlib import Path

import numpy as np
import pytest

from lm.generation import GenerationConfig, sampling
from lm.generation.processors import ban_repeated_ngrams, ban_words, penalize_repetition, process

with np.load(Path(__file__).with_name("processors.npz")) as arrays:
    EXPECTED = dict(arrays)
SCORES, TEXTS = EXPECTED["scores"], EXPECTED["texts"].tolist()
END, WRITTEN = 3, 3  # of the tokens of each text
ALONE = {
    "repetition_penalty": {"repetition_penalty": 1.7},
    "repetition_reward": {"repetition_penalty": 0.6},
    "no_repeat_1": {"no_repeat_ngram_size": 1},
    "no_repeat_2": {"no_repeat_ngram_size": 2},
    "no_repeat_3": {"no_repeat_ngram_size": 3},
    "bad_words": {"bad_words_ids": ((4,), (5, 6), (1, 2, 7), (END,))},
    "min_length": {"min_length": 9},
    "min_new_tokens": {"min_new_tokens": 4},
    "temperature": {"temperature": 0.6},
    "top_k": {"top_k": 4},
    "top_p": {"top_p": 0.7},
    "min_p": {"min_p": 0.2},
}
CHAINS = [
    {"repetition_penalty": 1.4, "no_repeat_ngram_size": 2, "min_new_tokens": 4, "temperature": 0.8, "top_k": 9},
    {"temperature": 1.8, "top_k": 12, "top_p": 0.9, "min_p": 0.15},
    {"repetition_penalty": 2.0, "bad_words_ids": ((4,), (5, 6)), "temperature": 0.5, "top_p": 0.6},
    {"no_repeat_ngram_size": 1, "top_k": 3, "min_p": 0.6},
]


def processed(settings):
    """As `generate_batch` has it, up to the draw; shifted to a maximum of 0, which a temperature does, too."""
    config = GenerationConfig(**{"top_k": 0, "do_sample": True, "eos_token_id": END, **settings})
    scores = process(SCORES, TEXTS, WRITTEN, config)
    return sampling.filter_logits(
        scores, temperature=config.temperature, top_k=config.top_k or None, top_p=config.top_p, min_p=config.min_p
    )


def shifted(scores):
    return scores - scores.max(axis=1, keepdims=True)


@pytest.mark.parametrize("name", ALONE)
def test_each_processor_is_transformers(name):
    expected = EXPECTED[f"alone/{name}"]
    assert (shifted(expected) != shifted(SCORES)).any()  # it did something
    np.testing.assert_allclose(shifted(processed(ALONE[name])), shifted(expected), rtol=0, atol=1e-12)


@pytest.mark.parametrize("number", range(len(CHAINS)))
def test_together_they_come_in_transformers_order(number):
    expected = EXPECTED[f"together/{number}"]
    np.testing.assert_allclose(shifted(processed(CHAINS[number])), shifted(expected), rtol=0, atol=1e-12)


def test_scores_that_are_given_are_left_alone():
    scores = SCORES.copy()
    for settings in ALONE.values():
        process(scores, TEXTS, WRITTEN, GenerationConfig(**{"eos_token_id": END, **settings}))
    np.testing.assert_array_equal(scores, SCORES)


def test_a_forced_token_is_the_only_one_at_its_place():
    config = GenerationConfig(max_new_tokens=4, forced_bos_token_id=6, forced_eos_token_id=END)
    for written, token in ((0, 6), (3, END)):
        scores = process(SCORES, TEXTS, written, config)
        assert (scores[:, token] == 0).all() and (np.isneginf(scores).sum(axis=1) == SCORES.shape[1] - 1).all()
    np.testing.assert_array_equal(process(SCORES, TEXTS, 1, config), SCORES)


def test_a_text_shorter_than_the_rule_is_free():
    np.testing.assert_array_equal(ban_repeated_ngrams(np.zeros((1, 3)), [[1]], 2), np.zeros((1, 3)))
    np.testing.assert_array_equal(ban_words(np.zeros((1, 3)), [[1]], [[0, 1, 2]]), np.zeros((1, 3)))


def test_a_repeated_token_is_penalized_once():
    np.testing.assert_array_equal(penalize_repetition(np.array([[4.0, 4.0]]), [[1, 1, 1]], 2.0), [[4.0, 2.0]])


def test_an_end_that_is_a_bad_word_can_still_come():
    config = GenerationConfig(bad_words_ids=((END,), (2,)), eos_token_id=END)
    scores = process(SCORES, TEXTS, 0, config)
    assert np.isfinite(scores[:, END]).all() and np.isneginf(scores[:, 2]).all()


def test_a_text_that_nothing_may_follow_is_refused():
    with pytest.raises(ValueError, match="every token is ruled out"):
        process(np.zeros((1, 2)), [[0, 1]], 0, GenerationConfig(no_repeat_ngram_size=1))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_new_tokens", -1), ("num_beams", 0), ("num_return_sequences", 2), ("early_stopping", "soon"),
        ("length_penalty", np.nan), ("repetition_penalty", 0.0), ("no_repeat_ngram_size", -1), ("temperature", 0.0),
        ("top_k", -1), ("top_p", 0.0), ("top_p", 1.1), ("min_p", -0.1), ("bad_words_ids", ((),)), ("min_length", -1),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_range_is_named(name, value):
    with pytest.raises(ValueError, match=name):
        GenerationConfig(**{name: value})


def test_beams_that_are_drawn_are_refused():
    with pytest.raises(ValueError, match="num_beams = 3 with do_sample"):
        GenerationConfig(num_beams=3, do_sample=True)
