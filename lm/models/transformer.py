"""The Transformer of 2017: an encoder and a decoder, sinusoidal positions, layer norm after each sublayer's sum.

Source: Vaswani et al., "Attention is all you need" (2017). One matrix embeds what is read, embeds what is written, and
makes the logits; embeddings are scaled by the root of d_model. It was made for translation: `loss` smooths the labels.

Shapes: B sequences of S tokens that are read and T that are written, C = d_model channels in H = num_heads heads of D =
C / H, I = d_ff, a vocabulary of V. In `Attention`, K tokens are looked at.
"""

# Modules and functions of nn return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import minigrad.nn.functional as F
from minigrad import Tensor, nn

from .cache import KVCache
from .checks import check_decoder_input, check_ids, require_counts, require_probabilities
from .initial import initialize
from .masks import causal_mask, padding_mask
from .writers import EncoderDecoder


@dataclass(frozen=True)
class TransformerConfig:
    """The shape of a Transformer; the defaults are the paper's base model, with its vocabulary for English and German.

    Raises ValueError naming a bad field.
    """

    vocab_size: int = 37000
    d_model: int = 512
    d_ff: int = 2048
    num_layers: int = 6  # of the encoder, and of the decoder
    num_heads: int = 8
    max_positions: int = 512  # the longest text, read or written
    dropout: float = 0.1  # of the embeddings and of what each sublayer adds
    label_smoothing: float = 0.1
    pad_token_id: int = 0
    eos_token_id: int = 1
    decoder_start_token_id: int = 0

    def __post_init__(self) -> None:
        require_counts(self, "vocab_size", "d_model", "d_ff", "num_layers", "num_heads", "max_positions")
        require_probabilities(self, "dropout", "label_smoothing")
        if self.d_model % self.num_heads:
            raise ValueError(
                f"TransformerConfig: d_model = {self.d_model} is not divisible by num_heads = {self.num_heads}: every "
                f"head gets an equal share of the channels"
            )
        if self.d_model % 2:
            raise ValueError(
                f"TransformerConfig: d_model = {self.d_model} must be even: positions are sines and cosines"
            )

    @property
    def context_length(self) -> int:
        """The longest text, read or written."""
        return self.max_positions

    @property
    def cache_shape(self) -> tuple[int, int, int]:
        """Layers, heads and channels of a head that a cache holds."""
        return self.num_layers, self.num_heads, self.d_model // self.num_heads


class Attention(nn.Module):
    """Attention of tokens to keys and values that `look` made."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.num_heads
        self.q = nn.Linear(config.d_model, config.d_model)
        self.k = nn.Linear(config.d_model, config.d_model)
        self.v = nn.Linear(config.d_model, config.d_model)
        self.o = nn.Linear(config.d_model, config.d_model)

    def look(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of tokens (B, K, C) that are looked at."""
        B, K, _ = x.shape
        k = self.k(x).reshape(B, K, self.heads, -1).transpose(1, 2)  # (B, H, K, D)
        v = self.v(x).reshape(B, K, self.heads, -1).transpose(1, 2)  # (B, H, K, D)
        return k, v

    def forward(self, x: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, is_causal: bool = False) -> Tensor:
        B, T, C = x.shape
        q = self.q(x).reshape(B, T, self.heads, -1).transpose(1, 2)  # (B, H, T, D)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=is_causal)  # (B, H, T, D)
        y = y.transpose(1, 2).reshape(B, T, C)  # (B, T, C): the heads side by side
        return self.o(y)  # (B, T, C)


class FeedForward(nn.Module):
    """Two linear layers with a relu between, on each token alone."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.wi = nn.Linear(config.d_model, config.d_ff)
        self.wo = nn.Linear(config.d_ff, config.d_model)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.wi(x))  # (B, T, I)
        return self.wo(x)  # (B, T, C)


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward; after each, the sum with its input is normed."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention, self.attention_norm = Attention(config), nn.LayerNorm(config.d_model)
        self.feed_forward, self.feed_forward_norm = FeedForward(config), nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = self.attention_norm(x + self.dropout(self.attention(x, *self.attention.look(x), mask)))  # (B, S, C)
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))  # (B, S, C)


class DecoderLayer(nn.Module):
    """As an encoder's, causal, and with attention to what was read in between. `layer` is its place in the cache."""

    def __init__(self, config: TransformerConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.attention, self.attention_norm = Attention(config), nn.LayerNorm(config.d_model)
        self.cross_attention, self.cross_norm = Attention(config), nn.LayerNorm(config.d_model)
        self.feed_forward, self.feed_forward_norm = FeedForward(config), nn.LayerNorm(config.d_model)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None,
        cross: tuple[Tensor, Tensor],
        cross_mask: Tensor | None,
        cache: KVCache | None = None,
    ) -> Tensor:
        k, v = self.attention.look(x)
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)
        causal = mask is None and x.shape[1] > 1
        x = self.attention_norm(x + self.dropout(self.attention(x, k, v, mask, causal)))  # (B, T, C)
        x = self.cross_norm(x + self.dropout(self.cross_attention(x, *cross, cross_mask)))  # (B, T, C)
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))  # (B, T, C)


class Transformer(EncoderDecoder):
    """An encoder-decoder with fresh weights, drawn from the generator `minigrad.manual_seed` seeds.

    >>> import minigrad as mg
    >>> model = Transformer(TransformerConfig(vocab_size=10, d_model=8, d_ff=12, num_layers=2, num_heads=4))
    >>> model(mg.tensor([[5, 6, 7, 1]]), mg.tensor([[0, 8, 9]])).shape
    (1, 3, 10)
    """

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config, self.label_smoothing = config, config.label_smoothing
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.positions = nn.SinusoidalPositions(config.max_positions, config.d_model, batch_first=True)
        self.encoder = nn.ModuleList([EncoderLayer(config) for _ in range(config.num_layers)])
        self.decoder = nn.ModuleList([DecoderLayer(config, layer) for layer in range(config.num_layers)])
        self.dropout = nn.Dropout(config.dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Matrices uniform as Glorot and Bengio have it, embeddings normal with deviation d_model ** -0.5 (the root of
        d_model that scales them makes it 1), biases 0, norms the identity."""

        def draw(name: str, matrix: nn.Parameter) -> None:
            if name == "shared.weight":
                nn.init.normal_(matrix, std=self.config.d_model**-0.5)
            else:
                nn.init.xavier_uniform_(matrix)

        initialize(self, draw)

    def embed(self, ids: Tensor, past: int = 0) -> Tensor:
        """Tokens (B, T) that follow `past` others, as vectors with their positions: (B, T, C)."""
        x = self.shared(ids) * math.sqrt(self.config.d_model)  # (B, T, C)
        return self.dropout(self.positions(x, past))  # (B, T, C)

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """What the encoder makes of the tokens that are read: ids (B, S) -> (B, S, C); the mask is 0 for padding.

        Raises ShapeError for ids that are not (B, S), IndexError for one outside the vocabulary, and ValueError past
        max_positions and for a sequence that is all padding.
        """
        B, S = check_ids("Transformer", ids)
        mask = padding_mask(attention_mask, B, S)
        x = self.embed(ids)  # (B, S, C)
        for layer in self.encoder:
            x = layer(x, mask)  # (B, S, C)
        return x  # (B, S, C)

    def cross(self, encoded: Tensor) -> list[tuple[Tensor, Tensor]]:
        """For each layer of the decoder the keys and values of the encoder's output, (B, H, S, D) each."""
        attentions: list[Attention] = [layer.cross_attention for layer in self.decoder]  # type: ignore[attr-defined]
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
        longest = self.config.max_positions
        B, T, past = check_decoder_input("Transformer's decoder", decoder_ids, cache, "max_positions", longest)
        padding = padding_mask(decoder_attention_mask, B, past + T)
        mask = causal_mask(T, past, padding, like=self.shared.weight.data)
        x = self.embed(decoder_ids, past)  # (B, T, C)
        for layer, looked_at in zip(self.decoder, cross):
            x = layer(x, mask, looked_at, cross_mask, cache)  # (B, T, C)
        if cache is not None:
            cache.length = past + T
        if logits_to_keep:
            x = x[:, -logits_to_keep:]  # (B, logits_to_keep, C)
        return F.linear(x, self.shared.weight)  # (B, T, V)
