"""Llama: a decoder-only Transformer with rotary positions, RMSNorm, SwiGLU, and key and value heads shared by queries.

Sources: Touvron et al., "LLaMA" (2023); rotary positions: Su et al., "RoFormer" (2021); SwiGLU: Shazeer, "GLU variants
improve Transformer" (2020); grouped heads: Ainslie et al., "GQA" (2023). Weights carry Hugging Face's names, and their
layout: a rotation turns feature i of a head together with feature i + D / 2 (Meta's files pair 2i with 2i + 1).

Shapes: B sequences of T tokens, C = hidden_size channels in H = num_attention_heads query heads of D = head_dim, which
G = num_key_value_heads key and value heads serve, H / G consecutive ones each; R = D / 2 pairs that rotate, I =
intermediate_size, a vocabulary of V, and S = the tokens attended to (T, and those in the cache).
"""

# Modules and functions of nn return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

import minigrad.nn.functional as F
from minigrad import Tensor, nn
from minigrad.backends import Array, backend_of, moved
from minigrad.nn.positions import rotate

from .activations import ACTIVATIONS, check_activation
from .cache import KVCache
from .checks import check_decoder_input, require_counts, require_probabilities
from .initial import initialize
from .masks import causal_mask, padding_mask
from .writers import Decoder


@dataclass(frozen=True)
class Rope:
    """Rotary positions: how fast each pair of features turns, under the names of config.json's `rope_parameters`.

    Pair i turns by rope_theta ** (-2i / D) per token. "linear" divides all of these by `factor`; "llama3" only those
    so slow that they make less than `low_freq_factor` turns in `original_max_position_embeddings` tokens, leaves
    alone those that make more than `high_freq_factor`, and blends between. Raises ValueError naming a bad field.
    """

    rope_theta: float = 10000.0
    rope_type: Literal["default", "linear", "llama3"] = "default"
    factor: float | None = None
    low_freq_factor: float | None = None
    high_freq_factor: float | None = None
    original_max_position_embeddings: int | None = None

    def __post_init__(self) -> None:
        if self.rope_type not in ROPE_SETTINGS:
            raise ValueError(f"Rope: rope_type {self.rope_type!r} is not supported; {', '.join(ROPE_SETTINGS)} are")
        for name in ("rope_theta", *ROPE_SETTINGS[self.rope_type]):
            value = getattr(self, name)
            if not (isinstance(value, (int, float)) and 0 < value < math.inf):
                raise ValueError(f"Rope: {name} of a {self.rope_type} rope must be a positive number, got {value!r}")
        if self.rope_type == "llama3" and not self.low_freq_factor < self.high_freq_factor:  # type: ignore[operator]
            raise ValueError("Rope: low_freq_factor must be below high_freq_factor")

    def frequencies(self, head_dim: int) -> Array:
        """(R,) float32: by how many radians each pair turns from a token to the next. Steps and dtype are those that
        the published models were trained with."""
        exponents = np.arange(0, head_dim, 2, dtype=np.float32) / np.float32(head_dim)
        frequencies = (1.0 / np.power(np.float64(self.rope_theta), exponents).astype(np.float32)).astype(np.float32)
        if self.rope_type == "default":
            return frequencies
        assert self.factor is not None
        factor = np.float32(self.factor)
        if self.rope_type == "linear":
            return frequencies / factor
        assert self.original_max_position_embeddings and self.low_freq_factor and self.high_freq_factor
        length, low, high = self.original_max_position_embeddings, self.low_freq_factor, self.high_freq_factor
        wavelength = np.float32(2 * math.pi) / frequencies  # in tokens
        blend = (np.float32(length) / wavelength - np.float32(low)) / np.float32(high - low)
        between = (1 - blend) * frequencies / factor + blend * frequencies
        slow = np.where(wavelength > length / low, frequencies / factor, between)
        return np.where(wavelength < length / high, frequencies, slow)


ROPE_SETTINGS: dict[str, tuple[str, ...]] = {  # what each type needs beside rope_theta
    "default": (),
    "linear": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"),
}


@dataclass(frozen=True)
class LlamaConfig:
    """The shape of a Llama under the names of Hugging Face's config.json; the defaults are the first 7B model's.

    `num_key_value_heads` None means as many as query heads, `head_dim` None hidden_size / num_attention_heads.
    Raises ValueError naming a bad field.
    """

    vocab_size: int = 32000
    hidden_size: int = 4096
    intermediate_size: int = 11008
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    hidden_act: str = "silu"
    max_position_embeddings: int = 2048  # the longest context it was made for
    rms_norm_eps: float = 1e-6
    rope: Rope = field(default_factory=Rope)
    tie_word_embeddings: bool = False  # whether the output projection is the token embedding
    attention_bias: bool = False
    mlp_bias: bool = False
    attention_dropout: float = 0.0
    initializer_range: float = 0.02
    pad_token_id: int | None = None  # its embedding is not trained

    def __post_init__(self) -> None:
        require_counts(
            self, "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
            "num_key_value_heads", "head_dim", "max_position_embeddings",
        )  # fmt: skip
        require_probabilities(self, "attention_dropout")
        check_activation("LlamaConfig: hidden_act", self.hidden_act)
        if self.head_dim is None and self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"LlamaConfig: hidden_size = {self.hidden_size} is not divisible by num_attention_heads = "
                f"{self.num_attention_heads}: every head gets an equal share of the channels; or set head_dim"
            )
        if self.num_attention_heads % self.groups:
            raise ValueError(
                f"LlamaConfig: num_attention_heads = {self.num_attention_heads} is not divisible by "
                f"num_key_value_heads = {self.groups}: every key head serves equally many query heads"
            )
        if self.width % 2:
            raise ValueError(f"LlamaConfig: head_dim = {self.width} must be even: features rotate in pairs")

    @property
    def groups(self) -> int:
        """How many key and value heads there are."""
        return self.num_attention_heads if self.num_key_value_heads is None else self.num_key_value_heads

    @property
    def width(self) -> int:
        """Features of a head."""
        return self.hidden_size // self.num_attention_heads if self.head_dim is None else self.head_dim

    @property
    def output_bias(self) -> bool:
        """Whether the projection of the heads' output has a bias."""
        return self.attention_bias

    @property
    def context_length(self) -> int:
        """The longest context."""
        return self.max_position_embeddings

    @property
    def cache_shape(self) -> tuple[int, int, int]:
        """Layers, heads and features of a head that a cache holds."""
        return self.num_hidden_layers, self.groups, self.width


class Attention(nn.Module):
    """Causal self-attention with rotary positions. `layer` is its place in the cache."""

    def __init__(self, config: LlamaConfig, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.head_dim = config.width
        self.attention_dropout = config.attention_dropout
        C, queries, keys = config.hidden_size, config.num_attention_heads * config.width, config.groups * config.width
        self.q_proj = nn.Linear(C, queries, bias=config.attention_bias)
        self.k_proj = nn.Linear(C, keys, bias=config.attention_bias)
        self.v_proj = nn.Linear(C, keys, bias=config.attention_bias)
        self.o_proj = nn.Linear(queries, C, bias=config.output_bias)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None = None, cache: KVCache | None = None
    ) -> Tensor:
        B, T, _ = x.shape
        q = self.q_proj(x).reshape(B, T, -1, self.head_dim).transpose(1, 2)  # (B, H, T, D)
        k = self.k_proj(x).reshape(B, T, -1, self.head_dim).transpose(1, 2)  # (B, G, T, D)
        v = self.v_proj(x).reshape(B, T, -1, self.head_dim).transpose(1, 2)  # (B, G, T, D)
        q = rotate(q, cos, sin)  # (B, H, T, D)
        k = rotate(k, cos, sin)  # (B, G, T, D)
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)  # (B, G, S, D) each
        dropout_p = self.attention_dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout_p, is_causal=mask is None and T > 1, enable_gqa=True
        )  # (B, H, T, D)
        y = y.transpose(1, 2).reshape(B, T, -1)  # (B, T, HD): the heads side by side
        return self.o_proj(y)  # (B, T, C)


class MLP(nn.Module):
    """SwiGLU on each token alone: one projection, gated by the silu of another."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[config.hidden_act]
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=config.mlp_bias)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=config.mlp_bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.gate_proj(x)) * self.up_proj(x)  # (B, T, I)
        return self.down_proj(x)  # (B, T, C)


class Block(nn.Module):
    """One layer: attention, then the MLP, each adding to the residual stream what it makes of its normed input."""

    def __init__(self, config: LlamaConfig, layer: int) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(
        self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None = None, cache: KVCache | None = None
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask, cache)  # (B, T, C)
        return x + self.mlp(self.post_attention_layernorm(x))  # (B, T, C)


class Llama(Decoder):
    """A Llama language model with fresh weights, drawn from the generator `minigrad.manual_seed` seeds.

    >>> import minigrad as mg
    >>> config = LlamaConfig(vocab_size=10, hidden_size=8, intermediate_size=12, num_hidden_layers=2,
    ...                      num_attention_heads=4, num_key_value_heads=2)
    >>> Llama(config)(mg.tensor([[1, 2, 3]])).shape
    (1, 3, 10)
    """

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id)
        self.layers = nn.ModuleList([Block(config, layer) for layer in range(config.num_hidden_layers)])
        self.norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        if not config.tie_word_embeddings:
            self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.frequencies = Tensor(config.rope.frequencies(config.width))  # (R,), in float32 whatever the weights are
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Matrices normal with deviation `initializer_range`, padding's embedding and biases 0, norms the identity."""
        initialize(self, lambda _, matrix: nn.init.normal_(matrix, std=self.config.initializer_range))

    def rotation(self, position_ids: Tensor | None, past: int, length: int) -> tuple[Tensor, Tensor]:
        """Cosines and sines of the angles of `length` tokens after `past` others, or of those at `position_ids`."""
        weight = self.embed_tokens.weight.data
        dtype = np.promote_types(weight.dtype, np.float32)  # the angles of halves would be far off
        frequencies = Tensor(moved(self.frequencies.data, backend_of(weight))).to(dtype)  # (R,)
        if position_ids is None:
            positions = Tensor(np.arange(past, past + length, like=weight)[:, None])  # (T, 1)
        else:
            positions = position_ids[:, None, :, None]  # (B, 1, T, 1): the same for every head
        angles = positions.to(dtype) * frequencies
        return angles.cos().to(weight.dtype), angles.sin().to(weight.dtype)

    def forward(
        self,
        ids: Tensor,
        cache: KVCache | None = None,
        logits_to_keep: int = 0,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> Tensor:
        """The logits of the token that follows each one: ids (B, T) -> (B, T, V).

        Args and errors are those of `GPT2.forward`, with max_position_embeddings as the longest context.
        """
        longest = self.config.max_position_embeddings
        B, T, past = check_decoder_input(type(self).__name__, ids, cache, "max_position_embeddings", longest)
        mask = causal_mask(T, past, padding_mask(attention_mask, B, past + T), like=self.embed_tokens.weight.data)
        cos, sin = self.rotation(position_ids, past, T)
        x = self.embed_tokens(ids)  # (B, T, C)
        for block in self.layers:
            x = block(x, cos, sin, mask, cache)  # (B, T, C)
        if cache is not None:
            cache.length = past + T
        if logits_to_keep:
            x = x[:, -logits_to_keep:]  # (B, logits_to_keep, C)
        head = self.embed_tokens if self.config.tie_word_embeddings else self.lm_head
        return F.linear(self.norm(x), head.weight)  # (B, T, V), of the T that are kept
