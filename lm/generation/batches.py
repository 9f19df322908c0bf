"""Texts for several prompts at once, of any generative model: greedy, drawn, or by beam search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad.ops.random import Key

from . import sampling
from .beams import beam_search
from .processors import process
from .prompts import token_ids
from .reading import DecoderReader, EncoderDecoderReader, Reader
from .settings import GenerationConfig


def generate_batch(
    model: Any, prompts: Sequence[Any], settings: GenerationConfig | None = None, *, seed: int = 0
) -> list[list[int]]:
    """The tokens that follow each prompt, or that answer it if the model has an encoder; without what ends them.

    Args:
        model: a GPT2, Llama, T5 or another with their methods.
        prompts: token ids, a sequence for each text; lengths may differ.
        settings: see `GenerationConfig`; with `num_return_sequences` n, texts n * i to n * i + n - 1 are prompt i's.
        seed: which texts are drawn with `do_sample`. Text i depends on the seed, on i and on prompt i alone.

    Raises ValueError for no prompt, an empty one, ids outside the vocabulary, and for a prompt that with its new
    tokens is longer than the model's context; FloatingPointError for logits that are not finite.

    >>> import minigrad as mg
    >>> from lm.models import GPT2, GPT2Config
    >>> model = GPT2(GPT2Config(vocab_size=10, n_positions=32, n_embd=4, n_layer=1, n_head=1))
    >>> [len(text) for text in generate_batch(model, [[1, 2, 3], [4]], GenerationConfig(max_new_tokens=5, num_beams=2))]
    [5, 5]
    """
    settings = settings or GenerationConfig()
    if settings.num_beams > 1:
        reader = _reader(model, prompts, settings)
        if not settings.max_new_tokens:
            return [[] for _ in range(len(prompts) * settings.num_return_sequences)]
        found = beam_search(reader, settings)
        return [
            _without_end(tokens, settings) for texts in found for _, tokens in texts[: settings.num_return_sequences]
        ]
    repeated = [prompt for prompt in prompts for _ in range(settings.num_return_sequences)]
    texts: list[list[int]] = [[] for _ in repeated]
    for tokens in _stream(_reader(model, repeated, settings), settings, seed):
        for text, token in zip(texts, tokens):
            if token is not None:
                text.append(token)
    return texts


def stream_batch(
    model: Any, prompts: Sequence[Any], settings: GenerationConfig | None = None, *, seed: int = 0
) -> Iterator[list[int | None]]:
    """As `generate_batch`, without beams: the next token of every text as soon as it is chosen, None where one ended.

    Raises at once what `generate_batch` raises, and ValueError for a beam search, which knows its text at the end.
    """
    settings = settings or GenerationConfig()
    if settings.num_beams > 1 or settings.num_return_sequences > 1:
        raise ValueError("stream_batch: one text per prompt, and no beams: a beam search knows its text at the end")
    return _stream(_reader(model, prompts, settings), settings, seed)


def choose(scores: sampling.Logits, settings: GenerationConfig, keys: Sequence[Key]) -> list[int]:
    """A token for every row of processed scores (B, V): the likeliest, or one drawn by the row's key."""
    if not settings.do_sample:
        return [int(token) for token in sampling.greedy(scores)]
    scores = sampling.filter_logits(
        scores,
        temperature=settings.temperature,
        top_k=settings.top_k or None,
        top_p=settings.top_p,
        min_p=settings.min_p,
    )
    return [int(sampling.draw(row, key)) for row, key in zip(scores, keys)]


def row_key(seed: int, row: int, position: int) -> Key:
    """The key of a draw: of the token at `position` of text `row`."""
    return Key(seed, "sample" if row == 0 else f"sample/{row}", position)


def _stream(reader: Reader, settings: GenerationConfig, seed: int) -> Iterator[list[int | None]]:
    texts, ends = [list(text) for text in reader.texts], settings.ends
    running = [True for _ in texts]
    logits = None
    for written in range(settings.max_new_tokens):
        logits = reader.start() if logits is None else reader.read(np.array([text[-1] for text in texts]))
        scores = process(logits, texts, written, settings)
        tokens = choose(scores, settings, [row_key(seed, row, len(text)) for row, text in enumerate(texts)])
        running = [runs and token not in ends for runs, token in zip(running, tokens)]
        for text, token in zip(texts, tokens):
            text.append(token)  # also where it ended: what follows is thrown away
        if not any(running):
            return
        yield [token if runs else None for token, runs in zip(tokens, running)]


def _reader(model: Any, prompts: Sequence[Any], settings: GenerationConfig) -> Reader:
    """The model, ready to read these prompts and write `max_new_tokens`; raises for what it cannot read."""
    ids = [token_ids(f"prompt {number}", prompt, model.vocab_size) for number, prompt in enumerate(prompts)]
    if not ids:
        raise ValueError("generate needs at least one prompt, got an empty batch")
    for number, prompt in enumerate(ids):
        if not prompt:
            raise ValueError(f"generate: prompt {number} is empty; start from the end-of-text token, say")
        longest, new = model.context_length, settings.max_new_tokens
        together = not hasattr(model, "encode")  # else what is read and what is written have each a context
        if longest is not None and (len(prompt) + new if together else max(len(prompt), new)) > longest:
            raise ValueError(
                f"generate: prompt {number} has {len(prompt)} tokens, max_new_tokens = {new}; "
                f"{'together they are' if together else 'one of them is'} more than the model's context of {longest}"
            )
    token_ids("settings: eos_token_id", list(settings.ends), model.vocab_size)
    if not hasattr(model, "encode"):
        return DecoderReader(model, ids, settings.max_new_tokens)
    start = settings.decoder_start_token_id
    if start is None:
        start = model.config.decoder_start_token_id
    return EncoderDecoderReader(model, ids, settings.max_new_tokens, start)


def _without_end(tokens: list[int], settings: GenerationConfig) -> list[int]:
    return tokens[:-1] if tokens and tokens[-1] in settings.ends else tokens


__all__ = ["choose", "generate_batch", "row_key", "stream_batch"]
