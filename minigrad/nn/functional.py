"""Functions of neural networks, each as its textbook definition over the operations of `minigrad.ops`.

None of them has a gradient of its own: it follows from the definition. Where a fused kernel is registered for one, it
gives the same numbers faster, and the definition is what it is checked against. Arguments and defaults are PyTorch's
(`torch.nn.functional`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backends import backend_of
from ..ops import ShapeError, default_generator, erf, exp, log, rsqrt, sigmoid, tanh, where
from ..ops.composite import composite
from ..ops.elementwise import cast
from ..ops.failure import in_module
from ..ops.index import along, getitem
from ..ops.random import Key
from ..ops.reduce import axes_of, finite_max
from ..ops.shape import expand, reshape, transpose, unsqueeze
from ..tensor import Tensor

# ------------------------------------------------------------------------------------------------ activations


@composite
def relu(input: Any) -> Any:
    """max(input, 0), with derivative 0 at 0. PyTorch: `F.relu`."""
    return where(input <= 0, 0, input)  # a nan stays a nan


@composite
def gelu(input: Any, approximate: str = "none") -> Any:
    """`input` times the normal distribution function of `input`. PyTorch: `F.gelu`.

    `approximate="tanh"` is the form GPT-2 uses. Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016).
    Raises ValueError for another form.
    """
    if approximate == "none":
        return input * 0.5 * (1.0 + erf(input * math.sqrt(0.5)))
    if approximate == "tanh":
        return input * 0.5 * (1.0 + tanh(math.sqrt(2.0 / math.pi) * (input + 0.044715 * (input * input * input))))
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


@composite
def silu(input: Any) -> Any:
    """`input` times its sigmoid. PyTorch: `F.silu`."""
    return input * sigmoid(input)


# ------------------------------------------------------------------------------------------- softmax and losses


@composite
def softmax(input: Any, dim: int) -> Any:
    """exp(input) divided by its sum along `dim`; never overflows. PyTorch: `F.softmax`.

    Where every entry is -inf (all masked) the result is 0, with gradient 0, where PyTorch gives nan.

    >>> import minigrad as mg
    >>> mg.nn.functional.softmax(mg.tensor([0.0, 0.0]), dim=0)
    tensor([0.5, 0.5])
    """
    axes = axes_of(input.ndim, dim)
    exponentials = exp(input - finite_max(input, axes))
    total = exponentials.sum(axes, keepdims=True)
    return exponentials / where(total == 0, 1.0, total)


@composite
def log_softmax(input: Any, dim: int) -> Any:
    """The logarithm of `softmax`, without forming it. PyTorch: `F.log_softmax`."""
    axes = axes_of(input.ndim, dim)
    shifted = input - finite_max(input, axes)
    return shifted - log(exp(shifted).sum(axes, keepdims=True))


def cross_entropy(
    input: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """The negative log-likelihood of `target` under softmax(`input`), in nats. PyTorch: `F.cross_entropy`.

    Args:
        input: logits, (C), (N, C) or (N, C, d1, ...), C classes.
        target: class ids (integers) of the shape of `input` without C, or class probabilities of its own shape.
        weight: a factor per class, (C).
        ignore_index: the class id that counts for nothing; with `reduction="mean"` not even in the denominator.
        reduction: "mean" (by the weights of the targets), "sum" or "none".
        label_smoothing: how much of the probability is spread evenly over the classes, in [0, 1].

    Raises ShapeError (a ValueError and RuntimeError) if the shapes do not fit, IndexError for a class id out of
    range, TypeError for float ids of the ids' shape, ValueError for another `reduction`.

    >>> import minigrad as mg
    >>> mg.nn.functional.cross_entropy(mg.zeros(1, 4), mg.tensor([2]))
    tensor(1.3863)
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"cross_entropy: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}")
    if input.ndim == 0:
        raise ShapeError("cross_entropy: input needs a dimension of classes, got a 0-d tensor")
    class_dim = 0 if input.ndim == 1 else 1
    classes = input.shape[class_dim]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise ShapeError(
            f"cross_entropy: weight has shape {tuple(weight.shape)}, input has {classes} classes{in_module()}"
        )
    if tuple(target.shape) == tuple(input.shape) and target.dtype.kind == "f":
        return _cross_entropy_of_distribution(input, target, weight, class_dim, reduction, label_smoothing)
    expected = (*input.shape[:class_dim], *input.shape[class_dim + 1 :])
    if tuple(target.shape) != expected:
        raise ShapeError(
            f"cross_entropy: input of shape {tuple(input.shape)} needs targets of shape {expected}, got "
            f"{tuple(target.shape)} (classes belong in dimension {class_dim} of the input){in_module()}"
        )
    if target.dtype.kind not in "iu":
        raise TypeError(
            f"cross_entropy: class ids must be integers, got {target.dtype}; convert them with .long(){in_module()}"
        )
    ids = target.data if isinstance(target, Tensor) else target
    wrong = (ids != ignore_index) & ((ids < 0) | (ids >= classes))
    if wrong.any():
        raise IndexError(
            f"cross_entropy: target {int(ids[wrong].reshape(-1)[0])} is out of range for {classes} classes{in_module()}"
        )
    return _cross_entropy_of_ids(input, ids, weight, class_dim, ignore_index, reduction, label_smoothing)


@composite
def _cross_entropy_of_ids(
    input: Any, ids: Any, weight: Any, class_dim: int, ignore_index: int, reduction: str, label_smoothing: float
) -> Any:
    kept = ids != ignore_index
    known = np.where(kept, ids, 0)
    log_probabilities = log_softmax(input, class_dim)
    picked = along(input.shape, class_dim, np.expand_dims(known, class_dim))
    factor = kept.astype(input.dtype) if weight is None else where(kept, getitem(weight, known), 0.0)
    likelihood = getitem(log_probabilities, picked).reshape(ids.shape)
    losses = -(where(kept, likelihood, 0.0) * factor)
    if label_smoothing > 0:
        spread = log_probabilities
        if weight is not None:
            spread = spread * weight.reshape(tuple(-1 if axis == class_dim else 1 for axis in range(input.ndim)))
        even = -where(kept, spread.sum(class_dim), 0.0)
        losses = (1.0 - label_smoothing) * losses + (label_smoothing / input.shape[class_dim]) * even
    if reduction == "none":
        return losses
    return losses.sum() / factor.sum() if reduction == "mean" else losses.sum()


def _cross_entropy_of_distribution(
    input: Any, target: Any, weight: Any, class_dim: int, reduction: str, label_smoothing: float
) -> Any:
    if label_smoothing > 0:
        target = target * (1.0 - label_smoothing) + label_smoothing / input.shape[class_dim]
    log_likelihood = log_softmax(input, class_dim) * target
    if weight is not None:
        log_likelihood = log_likelihood * weight.reshape(
            tuple(-1 if axis == class_dim else 1 for axis in range(input.ndim))
        )
    losses = -log_likelihood.sum(class_dim)
    if reduction == "none":
        return losses
    return losses.sum() / math.prod(losses.shape) if reduction == "mean" else losses.sum()


def mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """The squared difference, averaged, summed or elementwise. PyTorch: `F.mse_loss`."""
    if tuple(input.shape) != tuple(target.shape):
        raise ShapeError(
            f"mse_loss: input of shape {tuple(input.shape)} and target of shape {tuple(target.shape)} differ"
        )
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"mse_loss: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")
    difference = input - target
    squares = difference * difference
    return squares if reduction == "none" else squares.mean() if reduction == "mean" else squares.sum()


# ------------------------------------------------------------------------------------------------------- norms


def _check_normalized(name: str, input: Any, normalized_shape: Sequence[int], *affine: Any) -> tuple[int, ...]:
    shape = tuple(normalized_shape)
    if not shape or tuple(input.shape[-len(shape) :]) != shape:
        raise ShapeError(
            f"{name}: input of shape {tuple(input.shape)} does not end in normalized_shape {shape}{in_module()}"
        )
    for parameter in affine:
        if parameter is not None and tuple(parameter.shape) != shape:
            raise ShapeError(
                f"{name}: weight or bias of shape {tuple(parameter.shape)}, normalized_shape {shape}{in_module()}"
            )
    return tuple(range(-len(shape), 0))


@composite
def layer_norm(
    input: Any, normalized_shape: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Any:
    """Zero mean and unit variance over the last dimensions, then `weight` and `bias`. PyTorch: `F.layer_norm`.

    `normalized_shape` are the sizes of the dimensions that are normalized, and the shape of `weight` and `bias`. The
    variance is the biased one, with `eps` added. Source: Ba, Kiros and Hinton, "Layer normalization" (2016).
    Raises ShapeError (a ValueError and RuntimeError) if the shapes do not fit.

    >>> import minigrad as mg
    >>> mg.nn.functional.layer_norm(mg.tensor([1.0, 3.0]), [2])
    tensor([-1.,  1.])
    """
    dims = _check_normalized("layer_norm", input, normalized_shape, weight, bias)
    centred = input - input.mean(dims, keepdims=True)
    out = centred * rsqrt((centred * centred).mean(dims, keepdims=True) + eps)
    if weight is not None:
        out = out * weight
    return out if bias is None else out + bias


@composite
def rms_norm(input: Any, normalized_shape: Sequence[int], weight: Any = None, eps: float | None = None) -> Any:
    """Unit mean square over the last dimensions, then `weight`. PyTorch: `F.rms_norm`.

    `eps` defaults to the resolution of the dtype. Source: Zhang and Sennrich, "Root mean square layer normalization"
    (2019).
    """
    dims = _check_normalized("rms_norm", input, normalized_shape, weight)
    resolution = float(np.finfo(input.dtype).eps) if eps is None else eps
    out = input * rsqrt((input * input).mean(dims, keepdims=True) + resolution)
    return out if weight is None else out * weight


# ---------------------------------------------------------------------------------------------- layers' functions


@composite
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """`input @ weight.T + bias`: (..., in) by (out, in) gives (..., out). PyTorch: `F.linear`."""
    if weight.ndim != 2 or input.ndim == 0 or input.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"linear: input of shape {tuple(input.shape)} does not end in the {weight.shape[-1]} features that weight "
            f"of shape {tuple(weight.shape)} takes{in_module()}"
        )
    out = input @ transpose(weight, 0, 1)
    return out if bias is None else out + bias


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of `weight` (num_embeddings, dim) that `input` names: (...) gives (..., dim). PyTorch: `F.embedding`.

    The row `padding_idx` gets no gradient. Raises TypeError for ids that are not integers and IndexError for one out
    of range.
    """
    ids = input.data if isinstance(input, Tensor) else np.asarray(input)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"embedding: ids must be integers, got {ids.dtype}; convert them with .long(){in_module()}")
    if ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < weight.shape[0]):
        worst = int(ids.min()) if int(ids.min()) < 0 else int(ids.max())
        raise IndexError(f"embedding: id {worst} is out of range for {weight.shape[0]} rows{in_module()}")
    rows = getitem(weight, ids)
    if padding_idx is None:
        return rows
    return where(np.expand_dims(ids == padding_idx % weight.shape[0], -1), rows.detach(), rows)


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Each element set to 0 with probability `p`, the others divided by 1 - p. PyTorch: `F.dropout`.

    The mask is a function of the default generator's seed and counter, so a replay draws the same one.
    Source: Srivastava et al., "Dropout" (2014). Raises ValueError for `p` outside [0, 1].
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout: p must be in [0, 1], got {p}")
    if not training or p == 0.0:
        return input
    return _dropout(input, p, default_generator.key("dropout"))


@composite
def _dropout(input: Any, p: float, key: Key) -> Any:
    data = input.data if isinstance(input, Tensor) else input
    kept = key.bernoulli(tuple(input.shape), 1.0 - p, backend_of(data))
    return input * (kept * np.asarray(1.0 / (1.0 - p) if p < 1.0 else 0.0, input.dtype))


# ---------------------------------------------------------------------------------------------------- attention


def scaled_dot_product_attention(
    query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
    scale: float | None = None, enable_gqa: bool = False,
) -> Any:  # fmt: skip
    """softmax(query keyᵀ · scale + mask) value. PyTorch: `F.scaled_dot_product_attention`.

    Args:
        query: (..., H, L, E).
        key, value: (..., H, S, E) and (..., H, S, Ev); with `enable_gqa` they may have fewer heads, a divisor of H,
            each serving H / heads consecutive query heads.
        attn_mask: broadcastable to (..., H, L, S); bool (True takes part) or additive. A query that may look at
            nothing gives 0, with gradient 0.
        dropout_p: the probability of dropping an attention weight; applied whenever it is not 0.
        is_causal: query i sees keys 0..i only. Not together with `attn_mask`.
        scale: 1 / sqrt(E) by default.

    Source: Vaswani et al., "Attention is all you need" (2017). Raises ShapeError (a ValueError and RuntimeError) if
    the shapes do not fit, ValueError for both a mask and `is_causal`.
    """
    if (
        min(query.ndim, key.ndim, value.ndim) < 2
        or query.shape[-1] != key.shape[-1]
        or key.shape[-2] != value.shape[-2]
    ):
        raise ShapeError(
            f"scaled_dot_product_attention: query {tuple(query.shape)}, key {tuple(key.shape)} and value "
            f"{tuple(value.shape)} do not fit: (..., L, E), (..., S, E) and (..., S, Ev) do{in_module()}"
        )
    if is_causal and attn_mask is not None:
        raise ValueError("scaled_dot_product_attention: give attn_mask or is_causal, not both")
    if not 0.0 <= dropout_p <= 1.0:
        raise ValueError(f"scaled_dot_product_attention: dropout_p must be in [0, 1], got {dropout_p}")
    if attn_mask is not None and attn_mask.dtype.kind not in "bf":
        raise TypeError(
            f"scaled_dot_product_attention: attn_mask must be bool (True takes part) or floating (added), got "
            f"{attn_mask.dtype}{in_module()}"
        )
    if attn_mask is not None and attn_mask.dtype.kind == "f" and attn_mask.dtype != query.dtype:
        attn_mask = cast(attn_mask, dtype=query.dtype)
    if enable_gqa and min(query.ndim, key.ndim, value.ndim) < 3:
        raise ShapeError(
            f"scaled_dot_product_attention: enable_gqa needs a dimension of heads, (..., H, L, E); query has shape "
            f"{tuple(query.shape)}{in_module()}"
        )
    if enable_gqa:
        key, value = _repeat_heads(key, query.shape[-3]), _repeat_heads(value, query.shape[-3])
    scale = 1.0 / math.sqrt(query.shape[-1]) if scale is None else scale
    draw = default_generator.key("dropout") if dropout_p > 0.0 else None
    return _attention(query, key, value, attn_mask, dropout_p, draw, is_causal, scale)


@composite
def _attention(
    query: Any, key: Any, value: Any, mask: Any, dropout_p: float, draw: Key | None, is_causal: bool, scale: float
) -> Any:
    scores = (query * scale) @ transpose(key, -1, -2)  # (..., L, S)
    if is_causal:
        length, source = scores.shape[-2:]
        mask = np.arange(source) <= np.arange(length)[:, None]
    if mask is not None:
        scores = where(mask, scores, -math.inf) if mask.dtype.kind == "b" else scores + mask
    weights = softmax(scores, -1)
    if draw is not None:
        weights = _dropout(weights, dropout_p, draw)
    return weights @ value


def _repeat_heads(x: Any, heads: int) -> Any:
    """(..., G, S, E) to (..., heads, S, E): each head serves heads / G consecutive queries."""
    groups = x.shape[-3]
    if heads % groups:
        raise ShapeError(f"scaled_dot_product_attention: {heads} query heads are not a multiple of {groups} key heads")
    if groups == heads:
        return x
    x = unsqueeze(x, -3)  # (..., G, 1, S, E)
    x = expand(x, *x.shape[:-3], heads // groups, *x.shape[-2:])
    return reshape(x, *x.shape[:-4], heads, *x.shape[-2:])
