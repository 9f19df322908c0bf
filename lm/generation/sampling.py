"""From logits to the next token: temperature, top-k, top-p, min-p, and a draw.

Pure functions of arrays (..., V) of logits over V tokens. A token that is ruled out has the logit -inf. Orders and
conventions are those of transformers' logits processors.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from minigrad.ops.random import Key

Logits: TypeAlias = np.ndarray[Any, np.dtype[np.floating[Any]]]
Tokens: TypeAlias = np.ndarray[Any, np.dtype[np.integer[Any]]]


def check_settings(
    temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, min_p: float | None = None
) -> None:
    """Raise ValueError for a setting that is out of its range."""
    if not 0 < temperature < np.inf:
        raise ValueError(f"temperature must be positive, got {temperature}; for the likeliest token choose greedy")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be at least 1, got {top_k}; None keeps every token")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p must be in (0, 1], got {top_p}; None keeps every token")
    if min_p is not None and not 0 <= min_p <= 1:
        raise ValueError(f"min_p must be in [0, 1], got {min_p}; None keeps every token")


def apply_temperature(logits: Logits, temperature: float) -> Logits:
    """Logits of sharper (below 1) or flatter (above 1) probabilities, shifted so that the largest is 0.

    The shift changes no probability, and keeps the smallest temperature from overflowing to +inf.
    """
    check_settings(temperature=temperature)
    with np.errstate(over="ignore"):  # to -inf: the probability is 0
        scaled: Logits = (logits - logits.max(axis=-1, keepdims=True)) / temperature
    return scaled


def apply_top_k(logits: Logits, k: int) -> Logits:
    """Rule out all but the `k` likeliest tokens, and those that tie with the last of them. Fan et al. (2018).

    >>> apply_top_k(np.array([1.0, 3.0, 2.0, 2.0]), 2)
    array([-inf,   3.,   2.,   2.])
    """
    check_settings(top_k=k)
    k = min(k, logits.shape[-1])
    threshold = np.partition(logits, -k, axis=-1)[..., -k, None]
    return np.where(logits < threshold, -np.inf, logits)


def apply_top_p(logits: Logits, p: float) -> Logits:
    """Rule out all but the fewest tokens whose probabilities add up to at least `p`. Holtzman et al. (2020).

    Of tokens that tie at the edge those with lower ids stay.

    >>> apply_top_p(np.log(np.array([0.5, 0.1, 0.4])), 0.8).round(2)
    array([-0.69,  -inf, -0.92])
    """
    check_settings(top_p=p)
    if p == 1:
        return logits
    order = np.argsort(-logits, axis=-1, kind="stable")
    mass = np.cumsum(probabilities(np.take_along_axis(logits, order, -1)), axis=-1)  # of a token and all likelier ones
    drop = np.zeros(logits.shape, bool)
    np.put_along_axis(drop, order[..., 1:], mass[..., :-1] >= p, -1)
    return np.where(drop, -np.inf, logits)


def apply_min_p(logits: Logits, p: float) -> Logits:
    """Rule out tokens less likely than `p` times the likeliest. Nguyen et al., "Turning up the heat" (2024).

    >>> apply_min_p(np.log(np.array([0.5, 0.1, 0.4])), 0.5).round(2)
    array([-0.69,  -inf, -0.92])
    """
    check_settings(min_p=p)
    likelihood = probabilities(logits)
    return np.where(likelihood < p * likelihood.max(axis=-1, keepdims=True), -np.inf, logits)


def filter_logits(
    logits: Logits,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> Logits:
    """The logits to draw from: temperature, then top-k, top-p and min-p, each of what those before it left."""
    logits = apply_temperature(logits, temperature)
    if top_k is not None:
        logits = apply_top_k(logits, top_k)
    if top_p is not None:
        logits = apply_top_p(logits, top_p)
    if min_p is not None:
        logits = apply_min_p(logits, min_p)
    return logits


def probabilities(logits: Logits) -> Logits:
    """The softmax over the last axis."""
    weights: Logits = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


def log_probabilities(logits: Logits) -> Logits:
    """The logarithm of the softmax over the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    out: Logits = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out


def greedy(logits: Logits) -> Tokens:
    """The likeliest token (...), the lowest id of those that tie."""
    return np.asarray(logits.argmax(axis=-1))


def draw(logits: Logits, key: Key) -> Tokens:
    """Tokens (...) drawn by their probabilities, a function of the logits and the key alone.

    Inverts the cumulative distribution at one uniform number per token drawn; a token of probability 0 never is.

    >>> draw(np.array([0.0, -np.inf, 0.0]), Key(seed=0, stream="sample", counter=7))
    array(2)
    """
    cumulative = np.cumsum(probabilities(logits.astype(np.float64)), axis=-1)
    uniform = key.uniform(logits.shape[:-1], np.float64) * cumulative[..., -1]
    return np.asarray((cumulative <= uniform[..., None]).sum(axis=-1))
