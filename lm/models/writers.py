"""What models that write have in common: `Decoder`, which goes on with a text, and `EncoderDecoder`, which answers one.

A family gives its layers, and how tokens pass through them; its configuration has `vocab_size`, `context_length` and
`cache_shape`, whatever else it calls them. Shapes: B sequences of S tokens that are read and T that are written, C
channels, a vocabulary of V.
"""

# Modules and functions of nn return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

import minigrad.nn.functional as F
from minigrad import Tensor, nn

from .cache import EncoderDecoderCache, KVCache
from .masks import padding_mask

ANY_LENGTH = 512  # tokens that a cache has room for where a model knows no longest text, and none is asked for


class _Writer(nn.Module):
    """The sizes, and room to remember what was written."""

    config: Any

    @property
    def vocab_size(self) -> int:
        """How many token ids there are."""
        return self.config.vocab_size

    @property
    def context_length(self) -> int | None:
        """How many tokens it can read at once, and how many write beside an encoder; None where there is no limit."""
        return self.config.context_length

    def _room(self, batch_size: int, capacity: int | None) -> KVCache:
        layers, heads, width = self.config.cache_shape
        capacity = (self.context_length or ANY_LENGTH) if capacity is None else capacity
        return KVCache.empty(layers, batch_size, heads, capacity, width, like=next(self.parameters()).data)


class Decoder(_Writer):
    """A model of the token that follows each one."""

    def new_cache(self, batch_size: int = 1, capacity: int | None = None) -> KVCache:
        """An empty cache for `batch_size` sequences of `capacity` tokens (a whole context), as the weights are."""
        return self._room(batch_size, capacity)

    def loss(self, ids: Tensor, targets: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """The mean cross-entropy of `targets` (B, T) given `ids` (B, T), in nats per token; -100 counts for nothing."""
        logits = self(ids, attention_mask=attention_mask)  # (B, T, V)
        return F.cross_entropy(logits.reshape(-1, self.vocab_size), targets.reshape(-1))


class EncoderDecoder(_Writer):
    """A model of what is written in answer to what is read. Its `loss` smooths the labels while it is trained."""

    label_smoothing: float = 0.0

    @abstractmethod
    def encode(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """What the encoder makes of the tokens that are read: ids (B, S) -> (B, S, C); the mask is 0 for padding."""

    @abstractmethod
    def cross(self, encoded: Tensor) -> list[tuple[Tensor, Tensor]]:
        """For each layer of the decoder the keys and values of the encoder's output, (B, H, S, D) each."""

    @abstractmethod
    def decode(
        self,
        decoder_ids: Tensor,
        cross: Sequence[tuple[Tensor, Tensor]],
        cross_mask: Tensor | None = None,
        cache: KVCache | None = None,
        logits_to_keep: int = 0,
        decoder_attention_mask: Tensor | None = None,
    ) -> Tensor:
        """The logits of the token that follows each one written: decoder_ids (B, T) -> (B, T, V)."""

    def new_cache(
        self, encoded: Tensor, attention_mask: Tensor | None = None, capacity: int | None = None
    ) -> EncoderDecoderCache:
        """A cache for writing up to `capacity` tokens (a whole context) after reading `encoded` (B, S, C)."""
        B, S, _ = encoded.shape
        return EncoderDecoderCache(self._room(B, capacity), self.cross(encoded), padding_mask(attention_mask, B, S))

    def step(self, decoder_ids: Tensor, cache: EncoderDecoderCache, logits_to_keep: int = 0) -> Tensor:
        """The logits after tokens (B, T) that continue what the cache holds, and are added to it: (B, T, V)."""
        return self.decode(decoder_ids, cache.cross, cache.mask, cache.own, logits_to_keep)

    def forward(
        self,
        ids: Tensor,
        decoder_ids: Tensor,
        attention_mask: Tensor | None = None,
        decoder_attention_mask: Tensor | None = None,
    ) -> Tensor:
        """The logits of the token that follows each one written: ids (B, S), decoder_ids (B, T) -> (B, T, V)."""
        encoded = self.encode(ids, attention_mask)  # (B, S, C)
        cross, padding = self.cross(encoded), padding_mask(attention_mask, *ids.shape)
        return self.decode(decoder_ids, cross, padding, decoder_attention_mask=decoder_attention_mask)  # (B, T, V)

    def shift_right(self, labels: Tensor) -> Tensor:
        """What the decoder reads to write `labels` (B, T): the start, then the labels but the last; -100 as padding."""
        ids = np.full_like(labels.data, self.config.decoder_start_token_id)
        ids[:, 1:] = np.where(labels.data[:, :-1] == -100, self.config.pad_token_id, labels.data[:, :-1])
        return Tensor(ids)

    def loss(self, ids: Tensor, labels: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """The mean cross-entropy of `labels` (B, T) given `ids` (B, S), in nats per token; -100 counts for nothing."""
        logits = self(ids, self.shift_right(labels), attention_mask)  # (B, T, V)
        smoothing = self.label_smoothing if self.training else 0.0
        return F.cross_entropy(logits.reshape(-1, self.vocab_size), labels.reshape(-1), label_smoothing=smoothing)


__all__ = ["Decoder", "EncoderDecoder"]
