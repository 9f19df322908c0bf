"""Text token by token: read what there is, choose the next token, repeat. The choice is made in `sampling.py`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Protocol

from minigrad import Tensor, nn, no_grad

from . import sampling
from .batches import choose, row_key, stream_batch
from .processors import process
from .prompts import token_ids
from .reading import last_logits
from .settings import GenerationConfig
from .text_reader import TextReader


class Cache(Protocol):
    """What a model remembers of the tokens it has read: `length` of them."""

    length: int

    def clear(self) -> None: ...


class LanguageModel(Protocol):
    """What `generate` needs of a model."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def context_length(self) -> Any: ...

    def modules(self) -> Iterator[nn.Module]: ...

    def new_cache(self) -> Any: ...

    def __call__(self, ids: Tensor, cache: Any, logits_to_keep: int) -> Any: ...


def generate(
    model: LanguageModel,
    ids: Any,
    max_new_tokens: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    repetition_penalty: float = 1.0,
    no_repeat_ngram_size: int = 0,
    greedy: bool = False,
    seed: int = 0,
    stop_tokens: Collection[int] = (),
) -> Iterator[int]:
    """The tokens that follow `ids`, one by one as the model chooses them; `list(generate(...))` waits for all.

    Args:
        ids: the prompt, at least one token id: a list, or a 1-d array or tensor.
        max_new_tokens: how many to generate at most.
        temperature, top_k, top_p, min_p: see `sampling`; applied in this order. By default the model's own
            distribution.
        repetition_penalty, no_repeat_ngram_size: see `processors`; applied before these.
        greedy: always the likeliest token; temperature, top_k, top_p, min_p and seed then mean nothing.
        seed: which text is drawn. A draw depends on the seed and on the token's position alone, so within a context
            text that goes on from its own output is the text that never stopped.
        stop_tokens: ids that end the text; the one that does is not part of it.

    Each token costs one position of work, thanks to the model's cache. Where text outgrows the model's context, the
    model reads the last half of a context anew and goes on from there. It sees what came before no more, and pays
    for half a context once per half a context. The model is in evaluation mode while it computes, and as it was
    whenever the caller has control.

    Raises ValueError at once for an empty prompt, ids outside the vocabulary and settings out of range; TypeError for
    ids that are no integers; FloatingPointError while generating for logits that are not finite.

    >>> import minigrad as mg
    >>> from lm.models import GPT2, GPT2Config
    >>> model = GPT2(GPT2Config(vocab_size=10, n_positions=8, n_embd=4, n_layer=1, n_head=1))
    >>> len(list(generate(model, [1, 2, 3], 20)))
    20
    """
    tokens = token_ids("prompt", ids, model.vocab_size)
    if not tokens:
        raise ValueError(
            "generate needs a prompt of at least one token, got none; start from the end-of-text token, say"
        )
    if max_new_tokens < 0:
        raise ValueError(f"max_new_tokens must not be negative, got {max_new_tokens}")
    sampling.check_settings(temperature, top_k, top_p, min_p)
    settings = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=not greedy,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        min_p=min_p,
        repetition_penalty=repetition_penalty,
        no_repeat_ngram_size=no_repeat_ngram_size,
        eos_token_id=tuple(token_ids("stop_tokens", list(stop_tokens), model.vocab_size)),
    )
    if hasattr(model, "encode"):  # what it writes answers the prompt, and there is no context to outgrow
        return (token for [token] in stream_batch(model, [tokens], settings, seed=seed) if token is not None)

    @no_grad()
    def walk() -> Iterator[int]:
        reader = TextReader(model)
        unread = tokens[-model.context_length :]
        for written in range(max_new_tokens):
            logits = reader.read(unread)  # (1, 1, V)
            scores = process(last_logits(logits, len(tokens)), [tokens], written, settings)  # (1, V)
            [token] = choose(scores, settings, [row_key(seed, 0, len(tokens))])
            if token in settings.ends:
                return
            tokens.append(token)
            yield token
            if reader.cache.length < model.context_length:
                unread = [token]
            else:
                reader.cache.clear()
                unread = tokens[-max(1, model.context_length // 2) :]

    return walk()


__all__ = ["LanguageModel", "generate"]
