"""Models that read a batch of texts side by side, token by token: one interface for decoders and encoder-decoders.

Texts of different lengths are padded, decoders' on the left, so that all go on at the same place. The padding is never
looked at, and does not count in positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from minigrad import Tensor, nn, no_grad
from minigrad.backends import Array, backend_of

from .sampling import Logits

Ids = NDArray[np.int64]


class Reader(Protocol):
    """A model in the middle of a batch of texts."""

    texts: list[list[int]]  # what stands in front of the next token: the prompts, or what starts a decoder

    def start(self) -> Logits:
        """Read the prompts: the logits (B, V) of the token after each."""

    def read(self, tokens: Ids) -> Logits:
        """Read one more token (B,) of each text: the logits (B, V) of the next."""

    def reorder(self, rows: Ids) -> None:
        """Let text i go on from text `rows[i]`."""


class DecoderReader:
    """Reads with a model that only decodes, such as GPT-2 or Llama."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], room: int) -> None:
        self.model, self.texts = model, [list(prompt) for prompt in prompts]
        self.modules, self.place = list(model.modules()), place_of(model)
        self.lengths = np.array([len(prompt) for prompt in prompts])  # (B,)
        self.longest = int(self.lengths.max())
        self.read_so_far = self.longest
        self.mask = np.ones((len(prompts), self.longest + room), np.int64)
        self.ids = np.zeros((len(prompts), self.longest), np.int64)
        for row, prompt in enumerate(prompts):
            start = self.longest - len(prompt)
            self.ids[row, start:], self.mask[row, :start] = prompt, 0
        self.padded = bool((self.lengths < self.longest).any())
        self.cache = model.new_cache(len(prompts), self.longest + room)

    def start(self) -> Logits:
        positions = np.maximum(self.mask[:, : self.longest].cumsum(axis=1) - 1, 0)  # (B, longest)
        return self._logits(self.ids, positions)

    def read(self, tokens: Ids) -> Logits:
        positions = self.lengths[:, None]  # (B, 1)
        self.lengths = self.lengths + 1
        self.read_so_far += 1
        return self._logits(tokens[:, None], positions)

    def reorder(self, rows: Ids) -> None:
        self.cache.reorder(rows)
        self.mask, self.lengths = self.mask[rows], self.lengths[rows]

    def _logits(self, ids: Ids, positions: Ids) -> Logits:
        padding = {}
        if self.padded:
            padding = {
                "attention_mask": tensor_at(self.place, self.mask[:, : self.read_so_far]),
                "position_ids": tensor_at(self.place, positions),
            }
        with evaluating(self.modules), no_grad():
            return last_logits(self.model(tensor_at(self.place, ids), self.cache, 1, **padding), self.read_so_far)


class EncoderDecoderReader:
    """Reads with a model that encodes the prompts and then decodes, such as T5."""

    def __init__(self, model: Any, prompts: Sequence[Sequence[int]], room: int, start: int) -> None:
        self.model, self.texts = model, [[start] for _ in prompts]
        self.modules, self.place = list(model.modules()), place_of(model)
        longest = max(map(len, prompts))
        ids, mask = np.zeros((len(prompts), longest), np.int64), np.zeros((len(prompts), longest), np.int64)
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)], mask[row, : len(prompt)] = prompt, 1
        seen = tensor_at(self.place, mask)
        with evaluating(self.modules), no_grad():
            encoded = model.encode(tensor_at(self.place, ids), seen)  # (B, longest, C)
            self.cache = model.new_cache(encoded, seen, room + 1)

    def start(self) -> Logits:
        return self.read(np.array([text[-1] for text in self.texts]))

    def read(self, tokens: Ids) -> Logits:
        with evaluating(self.modules), no_grad():
            logits = self.model.step(tensor_at(self.place, tokens[:, None]), self.cache, 1)
        return last_logits(logits, self.cache.length)

    def reorder(self, rows: Ids) -> None:
        self.cache.reorder(rows)


@contextmanager
def evaluating(modules: Iterable[nn.Module]) -> Iterator[None]:
    """Evaluation mode inside the block; afterwards each of these modules is in the mode it was in."""
    training = [module for module in modules if module.training]
    for module in training:
        module.training = False
    try:
        yield
    finally:
        for module in training:
            module.training = True


def place_of(model: Any) -> Array:
    """An array where the model's weights are."""
    place: Array = next(iter(model.parameters())).data
    return place


def tensor_at(place: Array, values: Ids) -> Tensor:
    """Numbers as a tensor on the device of `place`."""
    return Tensor(backend_of(place).asarray(values))


def last_logits(logits: Tensor, position: int) -> Logits:
    """The last logits of each text, (B, T, V) -> (B, V), on the host in float64."""
    last = logits.data[:, -1]
    scores: Logits = backend_of(last).to_host(last).astype(np.float64)
    if not np.isfinite(scores).all():
        raise FloatingPointError(
            f"generate: the logits for position {position} are not finite; the weights may have diverged in training, "
            f"or the activations overflow {last.dtype}"
        )
    return scores


__all__ = [
    "DecoderReader", "EncoderDecoderReader", "Reader", "evaluating", "last_logits", "place_of", "tensor_at",
]  # fmt: skip
