"""What changes scores before a token is chosen: penalties, bans and forced tokens, in transformers' order.

Scores (rows, V) are logits, or log-probabilities in a beam search; `texts` are the tokens of each row so far, the
prompt included. A token that is ruled out has the score -inf. The filters of sampling are in `sampling.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .sampling import Logits
from .settings import GenerationConfig

Texts = Sequence[Sequence[int]]


def penalize_repetition(scores: Logits, texts: Texts, penalty: float) -> Logits:
    """Make tokens that a text has already less likely, each once. Keskar et al., "CTRL" (2019).

    >>> penalize_repetition(np.array([[2.0, -1.0, 3.0]]), [[0, 1, 1]], 2.0)
    array([[ 1., -2.,  3.]])
    """
    scores = scores.copy()
    for row, text in zip(scores, texts):
        ids = np.unique(np.asarray(text, np.intp))
        row[ids] = np.where(row[ids] < 0, row[ids] * penalty, row[ids] / penalty)
    return scores


def ban_repeated_ngrams(scores: Logits, texts: Texts, size: int) -> Logits:
    """Rule out what would be the second occurrence of some `size` tokens in a row. Paulus et al. (2017).

    >>> ban_repeated_ngrams(np.zeros((1, 4)), [[1, 2, 3, 1]], 2)
    array([[  0.,   0., -inf,   0.]])
    """
    scores = scores.copy()
    for row, text in zip(scores, texts):
        tokens = np.asarray(text, np.intp)
        if len(tokens) >= size:
            runs = np.lib.stride_tricks.sliding_window_view(tokens, size)  # (places, size)
            same = (runs[:, :-1] == tokens[len(tokens) - size + 1 :]).all(axis=1)
            row[runs[same, -1]] = -np.inf
    return scores


def ban_words(scores: Logits, texts: Texts, words: Sequence[Sequence[int]]) -> Logits:
    """Rule out the last token of each of `words` where the text ends in those before it.

    >>> ban_words(np.zeros((2, 4)), [[0, 1], [0, 2]], [[3], [1, 2]])
    array([[  0.,   0., -inf, -inf],
           [  0.,   0.,   0., -inf]])
    """
    scores = scores.copy()
    for row, text in zip(scores, texts):
        for *before, last in words:
            if not before or list(text[-len(before) :]) == before:
                row[last] = -np.inf
    return scores


def ban_end(scores: Logits, ends: Sequence[int]) -> Logits:
    """Rule out the end of the text."""
    scores = scores.copy()
    scores[:, list(ends)] = -np.inf
    return scores


def force(scores: Logits, token: int) -> Logits:
    """Rule out every token but one."""
    forced = np.full_like(scores, -np.inf)
    forced[:, token] = 0.0
    return forced


def process(scores: Logits, texts: Texts, written: int, settings: GenerationConfig) -> Logits:
    """The scores to choose from, of texts of which `written` tokens are new."""
    ends = settings.ends
    if settings.repetition_penalty != 1:
        scores = penalize_repetition(scores, texts, settings.repetition_penalty)
    if settings.no_repeat_ngram_size:
        scores = ban_repeated_ngrams(scores, texts, settings.no_repeat_ngram_size)
    if settings.bad_words_ids:
        scores = ban_words(
            scores, texts, [words for words in settings.bad_words_ids if words not in {(e,) for e in ends}]
        )
    if ends and settings.min_length:
        short = np.array([len(text) < settings.min_length for text in texts])
        scores = np.where(short[:, None], ban_end(scores, ends), scores)
    if ends and written < settings.min_new_tokens:
        scores = ban_end(scores, ends)
    if settings.forced_bos_token_id is not None and written == 0:
        scores = force(scores, settings.forced_bos_token_id)
    if settings.forced_eos_token_id is not None and written == settings.max_new_tokens - 1:
        scores = force(scores, settings.forced_eos_token_id)
    if not (scores.max(axis=1) > -np.inf).all():
        raise ValueError("generate: every token is ruled out; loosen no_repeat_ngram_size, bad_words_ids or the like")
    return scores


__all__ = ["ban_end", "ban_repeated_ngrams", "ban_words", "force", "penalize_repetition", "process"]
