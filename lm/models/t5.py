"""T5: an encoder and a decoder, RMSNorm before each sublayer, no biases, and positions as a bias of the attention.

Source: Raffel et al., "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer" (2020); the
gated variant, v1.1: Shazeer, "GLU variants improve Transformer" (2020). Scores are not divided by the root of the
head's width: the initial weights of the queries are. Hugging Face's names of the weights: `lm/hub/families/t5.py`.

Shapes: B sequences of S tokens that are read and T that are written, C = d_model channels, H = num_heads heads of D =
d_kv, I = d_ff, a vocabulary of V. In `Attention`, K tokens are looked at.
"""

# Modules and functions of nn return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import minigrad.nn.functional as F
from minigrad import Tensor, nn, where
from minigrad.backends import Array, backend_of

from .activations import ACTIVATIONS, check_activation
from .cache import KVCache
from .checks import check_decoder_input, check_ids, require_counts, require_probabilities
from .masks import causal_mask, padding_mask
from .writers import EncoderDecoder


@dataclass(frozen=True)
class T5Config:
    """The shape of a T5 under the names of Hugging Face's config.json; the defaults are T5-small's (v1.0).

    v1.1 is `feed_forward_proj="gated-gelu"` and `tie_word_embeddings=False`; a tied head is scaled by d_model ** -0.5.
    Raises ValueError naming a bad field.
    """

    vocab_size: int = 32128
    d_model: int = 512
    d_kv: int = 64
    d_ff: int = 2048
    num_layers: int = 6
    num_decoder_layers: int | None = None  # None: as many as the encoder
    num_heads: int = 8
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    layer_norm_epsilon: float = 1e-6
    feed_forward_proj: str = "relu"
    tie_word_embeddings: bool = True
    initializer_factor: float = 1.0
    pad_token_id: int = 0
    eos_token_id: int = 1
    decoder_start_token_id: int = 0

    def __post_init__(self) -> None:
        require_counts(
            self, "vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads",
            "relative_attention_num_buckets", "relative_attention_max_distance",
        )  # fmt: skip
        require_probabilities(self, "dropout_rate")
        check_activation("T5Config: feed_forward_proj", self.activation)
        if not 0 < self.layer_norm_epsilon < math.inf:
            raise ValueError(f"T5Config: layer_norm_epsilon must be positive, got {self.layer_norm_epsilon!r}")
        if self.relative_attention_num_buckets < 4 or self.relative_attention_num_buckets % 2:
            buckets = self.relative_attention_num_buckets
            raise ValueError(f"T5Config: relative_attention_num_buckets must be even and at least 4, got {buckets}")

    @property
    def gated(self) -> bool:
        """Whether the feed-forward layers have a gate."""
        return self.feed_forward_proj.startswith("gated-")

    @property
    def activation(self) -> str:
        """The activation of the feed-forward layers; "gated-gelu" has always meant the approximate one."""
        name = self.feed_forward_proj.removeprefix("gated-")
        return "gelu_new" if self.feed_forward_proj == "gated-gelu" else name

    @property
    def decoder_layers(self) -> int:
        """How many layers the decoder has."""
        return self.num_layers if self.num_decoder_layers is None else self.num_decoder_layers

    @property
    def context_length(self) -> None:
        """There is no longest text: positions are distances."""
        return None

    @property
    def cache_shape(self) -> tuple[int, int, int]:
        """Layers, heads and channels of a head that a cache holds."""
        return self.decoder_layers, self.num_heads, self.d_kv


def relative_buckets(relative: Array, both: bool, buckets: int, longest: int) -> Array:
    """The bucket of each distance, key's position minus query's: exact when near, then logarithmically wider.

    Half of the buckets are for distances of their own, the others reach up to `longest`, and the last takes all beyond.
    With `both` directions each has half of the buckets; otherwise what comes later shares the bucket of distance 0.

    >>> relative_buckets(np.arange(-12, 1, 2), False, 8, 10)
    array([7, 7, 7, 5, 4, 2, 0])
    """
    first = np.zeros_like(relative)
    if both:
        buckets //= 2
        first = (relative > 0) * buckets
        distance = np.abs(relative)
    else:
        distance = np.maximum(-relative, 0)
    exact = buckets // 2
    logarithm = np.log(np.maximum(distance, exact) / exact) / math.log(longest / exact)
    wide = np.minimum(exact + (logarithm * (buckets - exact)).astype(np.int64), buckets - 1)
    bucket: Array = first + np.where(distance < exact, distance, wide)
    return bucket


class Attention(nn.Module):
    """Attention of tokens to keys and values that `look` made; the mask is bool, or a bias that is added."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.heads, self.dropout_rate = config.num_heads, config.dropout_rate
        inner = config.num_heads * config.d_kv
        self.q = nn.Linear(config.d_model, inner, bias=False)
        self.k = nn.Linear(config.d_model, inner, bias=False)
        self.v = nn.Linear(config.d_model, inner, bias=False)
        self.o = nn.Linear(inner, config.d_model, bias=False)

    def look(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of tokens (B, K, C) that are looked at."""
        B, K, _ = x.shape
        k = self.k(x).reshape(B, K, self.heads, -1).transpose(1, 2)  # (B, H, K, D)
        v = self.v(x).reshape(B, K, self.heads, -1).transpose(1, 2)  # (B, H, K, D)
        return k, v

    def forward(self, x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
        B, T, _ = x.shape
        q = self.q(x).reshape(B, T, self.heads, -1).transpose(1, 2)  # (B, H, T, D)
        dropout_p = self.dropout_rate if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout_p, scale=1.0)  # (B, H, T, D)
        y = y.transpose(1, 2).reshape(B, T, -1)  # (B, T, HD): the heads side by side
        return self.o(y)  # (B, T, C)


class FeedForward(nn.Module):
    """Two linear layers on each token alone; in v1.1 the first is gated by another."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[config.activation]
        self.gated = config.gated
        if config.gated:
            self.gate = nn.Linear(config.d_model, config.d_ff, bias=False)
            self.up = nn.Linear(config.d_model, config.d_ff, bias=False)
        else:
            self.wi = nn.Linear(config.d_model, config.d_ff, bias=False)
        self.dropout = nn.Dropout(config.dropout_rate)
        self.wo = nn.Linear(config.d_ff, config.d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.gated:
            x = self.activation(self.gate(x)) * self.up(x)  # (B, T, I)
        else:
            x = self.activation(self.wi(x))  # (B, T, I)
        return self.wo(self.dropout(x))  # (B, T, C)


class Block(nn.Module):
    """One layer: self-attention, in the decoder attention to the encoder, feed-forward; each adds to the stream."""

    def __init__(self, config: T5Config, decoder: bool, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.attention_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.attention = Attention(config)
        if decoder:
            self.cross_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
            self.cross_attention = Attention(config)
        self.feed_forward_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.feed_forward = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(
        self,
        x: Tensor,
        bias: Tensor,
        cross: tuple[Tensor, Tensor] | None = None,
        cross_mask: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        normed = self.attention_norm(x)  # (B, T, C)
        k, v = self.attention.look(normed)
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)
        x = x + self.dropout(self.attention(normed, k, v, bias))  # (B, T, C)
        if cross is not None:
            x = x + self.dropout(self.cross_attention(self.cross_norm(x), *cross, cross_mask))  # (B, T, C)
        return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))  # (B, T, C)


class Stack(nn.Module):
    """The layers of the encoder, or of the decoder, which share one table of biases for distances."""

    def __init__(self, config: T5Config, decoder: bool) -> None:
        super().__init__()
        self.config, self.decoder = config, decoder
        layers = config.decoder_layers if decoder else config.num_layers
        self.distances = nn.Embedding(config.relative_attention_num_buckets, config.num_heads)
        self.blocks = nn.ModuleList([Block(config, decoder, layer) for layer in range(layers)])
        self.norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.dropout = nn.Dropout(config.dropout_rate)

    def bias(self, length: int, past: int, mask: Tensor | None) -> Tensor:
        """(1, H, T, K), or (B, H, T, K): what is added to the scores of `length` queries after `past` others."""
        config = self.config
        relative = np.arange(past + length) - np.arange(past, past + length)[:, None]
        buckets = relative_buckets(
            relative, not self.decoder, config.relative_attention_num_buckets, config.relative_attention_max_distance
        )
        ids = Tensor(backend_of(self.distances.weight.data).asarray(buckets))
        bias = self.distances(ids).permute(2, 0, 1).unsqueeze(0)
        return bias if mask is None else where(mask, bias, -math.inf)

    def forward(
        self,
        x: Tensor,
        bias: Tensor,
        cross: Sequence[tuple[Tensor, Tensor]] = (),
        cross_mask: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        x = self.dropout(x)  # (B, T, C)
        for layer, block in enumerate(self.blocks):
            x = block(x, bias, cross[layer] if cross else None, cross_mask, cache)  # (B, T, C)
        return self.dropout(self.norm(x))  # (B, T, C)


class T5(EncoderDecoder):
    """A T5 with fresh weights, drawn from the generator `minigrad.manual_seed` seeds.

    >>> import minigrad as mg
    >>> model = T5(T5Config(vocab_size=10, d_model=8, d_kv=2, d_ff=12, num_layers=2, num_heads=4))
    >>> model(mg.tensor([[5, 6, 7, 1]]), mg.tensor([[0, 8, 9]])).shape
    (1, 3, 10)
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        self.config = config
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = Stack(config, decoder=False)
        self.decoder = Stack(config, decoder=True)
        if not config.tie_word_embeddings:
            self.lm_head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """T5's initialisation: matrices normal, with deviations that keep the variance; queries' smaller by the root
        of the head's width, in place of a division of the scores. Embeddings have deviation 1, norms are the identity.
        """
        config = self.config
        C, factor = config.d_model, config.initializer_factor
        deviations = {
            "shared": 1.0, "q": (C * config.d_kv) ** -0.5, "k": C**-0.5, "v": C**-0.5,
            "o": (config.num_heads * config.d_kv) ** -0.5, "wi": C**-0.5, "gate": C**-0.5, "up": C**-0.5,
            "wo": config.d_ff**-0.5, "distances": C**-0.5, "lm_head": C**-0.5,
        }  # fmt: skip
        for name, parameter in self.named_parameters():
            module = name.split(".")[-2]
            if module in deviations:
                nn.init.normal_(parameter, std=factor * deviations[module])
            else:
                nn.init.constant_(parameter, factor)

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """What the encoder makes of the tokens that are read: ids (B, S) -> (B, S, C); the mask is 0 for padding.

        Raises ShapeError for ids that are not (B, S), IndexError for one outside the vocabulary, and ValueError for a
        sequence that is all padding.
        """
        B, S = check_ids("T5", ids)
        bias = self.encoder.bias(S, 0, padding_mask(attention_mask, B, S))
        return self.encoder(self.shared(ids), bias)  # (B, S, C)

    def cross(self, encoded: Tensor) -> list[tuple[Tensor, Tensor]]:
        """For each layer of the decoder the keys and values of the encoder's output, (B, H, S, D) each."""
        attentions: list[Attention] = [block.cross_attention for block in self.decoder.blocks]  # type: ignore[attr-defined]
        return [attention.look(encoded) for attention in attentions]

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
        B, T, past = check_decoder_input("T5's decoder", decoder_ids, cache, "capacity", None)
        padding = padding_mask(decoder_attention_mask, B, past + T)
        mask = causal_mask(T, past, padding, like=self.shared.weight.data)
        if mask is None and T > 1:  # a fresh start: scaled_dot_product_attention takes a bias or is_causal, not both
            mask = Tensor(np.tri(T, dtype=bool, like=self.shared.weight.data))
        bias = self.decoder.bias(T, past, mask)
        x = self.decoder(self.shared(decoder_ids), bias, cross, cross_mask, cache)  # (B, T, C)
        if cache is not None:
            cache.length = past + T
        if logits_to_keep:
            x = x[:, -logits_to_keep:]  # (B, logits_to_keep, C)
        if self.config.tie_word_embeddings:
            return F.linear(x * self.config.d_model**-0.5, self.shared.weight)  # (B, T, V)
        return self.lm_head(x)  # (B, T, V)
