"""Multi-head attention as a layer: projections, heads and masks around scaled dot-product attention.

The function itself is `minigrad.nn.functional.scaled_dot_product_attention`. Mind that masks here mean the opposite:
as in PyTorch, True in a layer's mask hides a position, True in the function's mask lets it take part.
"""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..ops import ShapeError, where
from ..ops.failure import in_module
from ..tensor import Tensor
from . import functional as F
from . import init
from .layers import Linear
from .module import Module
from .parameter import empty_parameter


class MultiheadAttention(Module):
    """Attention in `num_heads` subspaces, with projections in and out. PyTorch: `torch.nn.MultiheadAttention`.

    Parameters have PyTorch's names and shapes: `in_proj_weight` (3 * embed_dim, embed_dim), or `q_proj_weight`,
    `k_proj_weight`, `v_proj_weight` where `kdim` or `vdim` differ; `in_proj_bias` (3 * embed_dim); `out_proj`.

    Args:
        embed_dim: features of query and output; a multiple of `num_heads`.
        dropout: the probability of dropping an attention weight in training.
        kdim, vdim: features of key and value; `embed_dim` by default.
        batch_first: whether tensors are (batch, length, features) rather than (length, batch, features).

    Source: Vaswani et al., "Attention is all you need" (2017).

    >>> import minigrad as mg
    >>> attention = mg.nn.MultiheadAttention(8, 2, batch_first=True)
    >>> x = mg.zeros(4, 5, 8)
    >>> out, weights = attention(x, x, x)
    >>> out.shape, weights.shape
    ((4, 5, 8), (4, 5, 5))
    """

    def __init__(
        self, embed_dim: int, num_heads: int, dropout: float = 0.0, bias: bool = True, add_bias_kv: bool = False,
        add_zero_attn: bool = False, kdim: int | None = None, vdim: int | None = None, batch_first: bool = False,
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if embed_dim <= 0 or num_heads <= 0 or embed_dim % num_heads:
            raise ValueError(f"MultiheadAttention: embed_dim {embed_dim} is not a multiple of num_heads {num_heads}")
        if not 0.0 <= dropout <= 1.0:
            raise ValueError(f"MultiheadAttention: dropout must be in [0, 1], got {dropout}")
        if add_bias_kv or add_zero_attn:
            raise NotImplementedError("MultiheadAttention: add_bias_kv and add_zero_attn are not supported")
        self.embed_dim = embed_dim
        self.num_heads = num_heads
        self.head_dim = embed_dim // num_heads
        self.dropout = dropout
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.batch_first = batch_first
        packed = self.kdim == embed_dim and self.vdim == embed_dim
        self.in_proj_weight = empty_parameter(3 * embed_dim, embed_dim, dtype=dtype, device=device) if packed else None
        self.q_proj_weight = None if packed else empty_parameter(embed_dim, embed_dim, dtype=dtype, device=device)
        self.k_proj_weight = None if packed else empty_parameter(embed_dim, self.kdim, dtype=dtype, device=device)
        self.v_proj_weight = None if packed else empty_parameter(embed_dim, self.vdim, dtype=dtype, device=device)
        self.in_proj_bias = empty_parameter(3 * embed_dim, dtype=dtype, device=device) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype, device=device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew: Xavier uniform going in, biases 0."""
        self.out_proj.reset_parameters()
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                init.xavier_uniform_(weight)
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                init.zeros_(bias)

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        """The attended values, (L, N, embed_dim), and the attention weights if they are needed.

        Args:
            query: (L, N, embed_dim), or (N, L, embed_dim) with `batch_first`, or (L, embed_dim).
            key, value: (S, N, kdim) and (S, N, vdim), or batch first, or without N, as the query is.
            key_padding_mask: (N, S) or (S); bool with True for keys to ignore, or additive.
            need_weights: return the weights too, which takes more time and memory. They are (N, L, S), averaged over
                heads, or (N, num_heads, L, S) with `average_attn_weights=False`; dropout has been applied to them.
            attn_mask: (L, S) or (N * num_heads, L, S); bool with True for pairs to ignore, or additive.
            is_causal: query i sees keys 0..i only, on top of any mask. (In PyTorch it is a hint that needs a mask.)

        A query that may look at nothing attends with weights 0, where PyTorch gives nan. Raises ShapeError (a
        ValueError and RuntimeError) if shapes do not fit.
        """
        self._check_shapes(query, key, value)
        batched, batch_dim = query.ndim == 3, 0 if self.batch_first else 1
        q, k, v = self._project(query, key, value)
        if not batched:
            q, k, v = q.unsqueeze(batch_dim), k.unsqueeze(batch_dim), v.unsqueeze(batch_dim)
        q, k, v = self._split_heads(q), self._split_heads(k), self._split_heads(v)  # (N, H, L or S, D)
        mask = self._merge_masks(attn_mask, key_padding_mask, is_causal, q, k.shape[2])
        weights = None
        if need_weights:
            weights = self._weights(q, k, mask, is_causal)  # (N, H, L, S)
            out = weights @ v  # (N, H, L, D)
            if average_attn_weights:
                weights = weights.mean(1)  # (N, L, S)
            weights = weights if batched else weights.squeeze(0)
        else:
            dropout = self.dropout if self.training else 0.0
            out = F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal and mask is None)
        out = out.permute(0, 2, 1, 3) if self.batch_first else out.permute(2, 0, 1, 3)
        out = out.reshape(*out.shape[:2], self.embed_dim)
        return self.out_proj(out if batched else out.squeeze(batch_dim)), weights

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        weight, bias, width = self.in_proj_weight, self.in_proj_bias, self.embed_dim
        if weight is not None and query is key and key is value:
            q, k, v = F.linear(query, weight, bias).chunk(3, -1)
            return q, k, v
        weights: tuple[Tensor | None, ...] = (self.q_proj_weight, self.k_proj_weight, self.v_proj_weight)
        if weight is not None:
            weights = weight[:width], weight[width : 2 * width], weight[2 * width :]
        biases = (None, None, None) if bias is None else (bias[:width], bias[width : 2 * width], bias[2 * width :])
        q, k, v = (F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases))
        return q, k, v

    def _split_heads(self, x: Tensor) -> Tensor:
        x = x.reshape(*x.shape[:2], self.num_heads, self.head_dim)  # (N, L, H, D) or (L, N, H, D)
        return x.permute(0, 2, 1, 3) if self.batch_first else x.permute(1, 2, 0, 3)

    def _weights(self, q: Tensor, k: Tensor, mask: Tensor | None, is_causal: bool) -> Tensor:
        scores = (q * (1.0 / math.sqrt(self.head_dim))) @ k.mT  # (N, H, L, S)
        if mask is None and is_causal:
            mask = ~_hidden_by_causality(q, k.shape[2])
        if mask is not None:
            scores = where(mask, scores, -math.inf) if mask.dtype.kind == "b" else scores + mask
        return F.dropout(F.softmax(scores, -1), self.dropout, self.training)

    def _merge_masks(
        self, attn_mask: Tensor | None, key_padding_mask: Tensor | None, is_causal: bool, q: Tensor, source: int
    ) -> Tensor | None:
        """One mask for scores (N, H, L, S): bool with True for what takes part, or additive. None if none is given."""
        batch, heads, length = q.shape[:3]
        masks = []  # True hides
        if attn_mask is not None:
            if attn_mask.shape == (batch * heads, length, source):
                attn_mask = attn_mask.reshape(batch, heads, length, source)
            elif attn_mask.shape != (length, source):
                raise ShapeError(
                    f"MultiheadAttention: attn_mask of shape {attn_mask.shape} must be {(length, source)}, (L, S), or "
                    f"{(batch * heads, length, source)}, (N * num_heads, L, S){in_module()}"
                )
            masks.append(attn_mask)
        if key_padding_mask is not None:
            if key_padding_mask.shape != (batch, source) and (batch, key_padding_mask.shape) != (1, (source,)):
                raise ShapeError(
                    f"MultiheadAttention: key_padding_mask of shape {key_padding_mask.shape} must be "
                    f"{(batch, source)}, (N, S){in_module()}"
                )
            masks.append(key_padding_mask.reshape(batch, 1, 1, source))
        if not masks:
            return None
        if is_causal:
            masks.append(_hidden_by_causality(q, source))
        merged: Tensor | None = None
        if all(mask.dtype.kind == "b" for mask in masks):
            for mask in masks:
                merged = mask if merged is None else merged | mask
            assert merged is not None
            return ~merged
        for mask in masks:
            if mask.dtype.kind == "b":
                mask = where(mask, -math.inf, 0.0)
            elif mask.dtype.kind != "f":
                raise TypeError(
                    f"MultiheadAttention: a mask must be bool or floating-point, not {mask.dtype}{in_module()}"
                )
            mask = mask.to(q.dtype)
            merged = mask if merged is None else merged + mask
        return merged

    def _check_shapes(self, query: Tensor, key: Tensor, value: Tensor) -> None:
        shapes = [tuple(x.shape) for x in (query, key, value)]
        wanted = [self.embed_dim, self.kdim, self.vdim]
        same_ndim = len({len(shape) for shape in shapes}) == 1 and len(shapes[0]) in (2, 3)
        batch_dim = 0 if self.batch_first else 1
        same_batch = same_ndim and (len(shapes[0]) == 2 or shapes[0][batch_dim] == shapes[1][batch_dim])
        if same_batch and [shape[-1] for shape in shapes] == wanted and shapes[1][:-1] == shapes[2][:-1]:
            return
        swapped = ""
        if same_ndim and len(shapes[0]) == 3 and shapes[0][1 - batch_dim] == shapes[1][1 - batch_dim]:
            swapped = f" (is batch_first={not self.batch_first} meant? they share size {shapes[0][1 - batch_dim]})"
        layout = "(N, L, features)" if self.batch_first else "(L, N, features)"
        raise ShapeError(
            f"MultiheadAttention: query {shapes[0]}, key {shapes[1]} and value {shapes[2]} must be "
            f"{layout} with {wanted[0]}, {wanted[1]} and {wanted[2]} features (or all without N), of one N, key and "
            f"value of one length{swapped}{in_module()}"
        )

    def extra_repr(self) -> str:
        return f"embed_dim={self.embed_dim}, num_heads={self.num_heads}, batch_first={self.batch_first}"


def _hidden_by_causality(q: Tensor, source: int) -> Tensor:
    """(L, S), True where key s lies behind query l."""
    return Tensor(np.arange(source, like=q.data) > np.arange(q.shape[2], like=q.data)[:, None])
