"""GPT-2: a decoder-only Transformer with learned positions, layer norm before each sublayer, and tied embeddings.

Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (2019). Weights carry the names of
Hugging Face's GPT-2 (`wte`, `wpe`, `h.0.attn.c_attn`, ...); matrices are stored (out, in), as `nn.Linear` has them, so
that Hugging Face's Conv1D matrices are the transposes of these. What a model costs is in `count.py`, how text is drawn
from it in `lm/generation`.

Shapes: B sequences of T tokens, C = n_embd channels in H = n_head heads of D = C / H, a vocabulary of V, and S = the
tokens attended to (T, and those in the cache).
"""

# Modules and functions of nn return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from dataclasses import dataclass

import minigrad.nn.functional as F
from minigrad import Tensor, nn

from .activations import ACTIVATIONS, check_activation
from .cache import KVCache
from .checks import check_decoder_input, require_counts, require_probabilities
from .initial import initialize
from .masks import causal_mask, padding_mask
from .writers import Decoder


@dataclass(frozen=True)
class GPT2Config:
    """The shape of a GPT-2 under the names of Hugging Face's config.json; the defaults are the 124M model's.

    `bias=False` leaves out the biases of every linear layer and layer norm. Raises ValueError naming a bad field.

    >>> GPT2Config(n_embd=100)
    Traceback (most recent call last):
        ...
    ValueError: GPT2Config: n_embd = 100 is not divisible by n_head = 12: every head gets an equal share of the channels
    """

    vocab_size: int = 50257
    n_positions: int = 1024  # tokens a position is learned for: the longest context
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None  # channels of the MLP's middle; None: 4 n_embd
    activation_function: str = "gelu_new"
    embd_pdrop: float = 0.1  # dropout of the embeddings,
    attn_pdrop: float = 0.1  # of the attention weights,
    resid_pdrop: float = 0.1  # and of what each sublayer adds to the residual stream
    layer_norm_epsilon: float = 1e-5
    bias: bool = True

    def __post_init__(self) -> None:
        require_counts(self, "vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner")
        require_probabilities(self, "embd_pdrop", "attn_pdrop", "resid_pdrop")
        check_activation("GPT2Config: activation_function", self.activation_function)
        if not 0 < self.layer_norm_epsilon < math.inf:
            raise ValueError(f"GPT2Config: layer_norm_epsilon must be positive, got {self.layer_norm_epsilon!r}")
        if self.n_embd % self.n_head:
            raise ValueError(
                f"GPT2Config: n_embd = {self.n_embd} is not divisible by n_head = {self.n_head}: every head gets an "
                f"equal share of the channels"
            )

    @property
    def inner(self) -> int:
        """Channels of the MLP's middle."""
        return 4 * self.n_embd if self.n_inner is None else self.n_inner

    @property
    def context_length(self) -> int:
        """The longest context."""
        return self.n_positions

    @property
    def cache_shape(self) -> tuple[int, int, int]:
        """Layers, heads and channels of a head that a cache holds."""
        return self.n_layer, self.n_head, self.n_embd // self.n_head


class Attention(nn.Module):
    """Causal self-attention: every token looks at itself and those before it. `layer` is its place in the cache."""

    def __init__(self, config: GPT2Config, layer: int) -> None:
        super().__init__()
        self.layer = layer
        self.n_head = config.n_head
        self.attn_pdrop = config.attn_pdrop
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.resid_dropout = nn.Dropout(config.resid_pdrop)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        B, T, C = x.shape
        qkv = self.c_attn(x)  # (B, T, 3C): one product for all three
        qkv = qkv.reshape(B, T, 3, self.n_head, C // self.n_head)  # (B, T, 3, H, D)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, T, D) each
        if cache is not None:
            k, v = cache.extend(self.layer, k, v)  # (B, H, S, D) each
        dropout_p = self.attn_pdrop if self.training else 0.0
        y = F.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, dropout_p=dropout_p, is_causal=mask is None and T > 1
        )  # (B, H, T, D)
        y = y.transpose(1, 2).reshape(B, T, C)  # (B, T, C): the heads side by side
        return self.resid_dropout(self.c_proj(y))  # (B, T, C)


class MLP(nn.Module):
    """Two linear layers with a gelu between, on each token alone; I = n_inner channels in the middle."""

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.activation = ACTIVATIONS[config.activation_function]
        self.c_fc = nn.Linear(config.n_embd, config.inner, bias=config.bias)
        self.c_proj = nn.Linear(config.inner, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.resid_pdrop)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.c_fc(x))  # (B, T, I)
        return self.dropout(self.c_proj(x))  # (B, T, C)


class Block(nn.Module):
    """One layer: attention, then the MLP, each adding to the residual stream what it makes of its normed input."""

    def __init__(self, config: GPT2Config, layer: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon, bias=config.bias)
        self.attn = Attention(config, layer)
        self.ln_2 = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, mask: Tensor | None = None, cache: KVCache | None = None) -> Tensor:
        x = x + self.attn(self.ln_1(x), mask, cache)  # (B, T, C)
        return x + self.mlp(self.ln_2(x))  # (B, T, C)


class GPT2(Decoder):
    """A GPT-2 language model with fresh weights, drawn from the generator `minigrad.manual_seed` seeds.

    >>> import minigrad as mg
    >>> model = GPT2(GPT2Config(vocab_size=10, n_positions=8, n_embd=4, n_layer=2, n_head=2))
    >>> model(mg.tensor([[1, 2, 3]])).shape
    (1, 3, 10)
    """

    def __init__(self, config: GPT2Config) -> None:
        super().__init__()
        self.config = config
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)  # also the output projection: the weights are tied
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.drop = nn.Dropout(config.embd_pdrop)
        self.h = nn.ModuleList([Block(config, layer) for layer in range(config.n_layer)])
        self.ln_f = nn.LayerNorm(config.n_embd, eps=config.layer_norm_epsilon, bias=config.bias)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """GPT-2's initialisation: matrices normal with deviation 0.02, biases 0, layer norms the identity.

        The 2 n_layer projections that add to the residual stream are scaled by 1 / sqrt(2 n_layer), so that the
        stream's variance does not grow with depth.
        """
        added = 1 / math.sqrt(2 * self.config.n_layer)
        initialize(self, lambda name, matrix: nn.init.normal_(matrix, std=0.02 * (added if "c_proj" in name else 1)))

    def forward(
        self,
        ids: Tensor,
        cache: KVCache | None = None,
        logits_to_keep: int = 0,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> Tensor:
        """The logits of the token that follows each one: ids (B, T) -> (B, T, V).

        Args:
            ids: the tokens; with a cache they continue what it holds, and are added to it.
            cache: of `new_cache`, in `minigrad.no_grad()`: no gradient flows through it.
            logits_to_keep: only the logits after the last so many tokens; 0 is all.
            attention_mask: (B, S), 0 for padding, those in the cache included; None: there is no padding.
            position_ids: (B, T), the position of each token; None: they follow one another.

        Raises ShapeError for ids that are not (B, T), IndexError for one outside the vocabulary, ValueError past
        n_positions and for a sequence that is all padding, and RuntimeError for a cache while gradients are recorded.
        """
        B, T, past = check_decoder_input("GPT2", ids, cache, "n_positions", self.config.n_positions)
        mask = causal_mask(T, past, padding_mask(attention_mask, B, past + T), like=self.wte.weight.data)
        if position_ids is None:
            positions = self.wpe.weight[past : past + T]  # (T, C)
        else:
            positions = self.wpe(position_ids)  # (B, T, C)
        x = self.drop(self.wte(ids) + positions)  # (B, T, C)
        for block in self.h:
            x = block(x, mask, cache)  # (B, T, C)
        if cache is not None:
            cache.length = past + T
        if logits_to_keep:
            x = x[:, -logits_to_keep:]  # (B, logits_to_keep, C)
        return F.linear(self.ln_f(x), self.wte.weight)  # (B, T, V), of the T that are kept
