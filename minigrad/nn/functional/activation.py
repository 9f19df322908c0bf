"""Activation functions that are smooth, and those over a dimension. Those with kinks are in `piecewise`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...backends import backend_of
from ...ops import ShapeError, abs, default_generator, erfc, logaddexp, sigmoid, softmax, tanh, where
from ...ops.cast import cast, halves_in_float32
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.index import dim_of
from ...ops.reduce import argmax
from ...ops.shape import chunk
from .inplace import takes_inplace

# ------------------------------------------------------------------------------------------------- elementwise


@np.errstate(all="ignore")
@composite
@halves_in_float32
def gelu(input: Any, approximate: str = "none") -> Any:
    """`input` times the normal distribution function of `input`. PyTorch: `F.gelu`.

    `approximate="tanh"` is the form GPT-2 uses. Source: Hendrycks and Gimpel, "Gaussian error linear units" (2016).
    Raises ValueError for another form.
    """
    if approximate == "none":
        return input * 0.5 * erfc(input * -math.sqrt(0.5))  # 1 + erf(input sqrt(0.5)), which would cancel far left of 0
    if approximate == "tanh":
        return input * 0.5 * (1.0 + tanh(math.sqrt(2.0 / math.pi) * (input + 0.044715 * (input * input * input))))
    raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")


@takes_inplace
@composite
def silu(input: Any, inplace: bool = False) -> Any:
    """`input` times its sigmoid. PyTorch: `F.silu`."""
    return input * sigmoid(input)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta * input)) / beta, and `input` where `beta * input` is above `threshold`. PyTorch: `F.softplus`.

    Never overflows; its derivative, the sigmoid, keeps its digits on both sides.

    >>> import minigrad as mg
    >>> mg.nn.functional.softplus(mg.tensor([0.0, 100.0]))
    tensor([  0.6931, 100.0000])
    """
    scaled = input * beta
    return where(scaled > threshold, input, logaddexp(scaled, 0.0) / beta)


def logsigmoid(input: Any) -> Any:
    """log(sigmoid(input)), without overflow. PyTorch: `F.logsigmoid`."""
    return -logaddexp(-input, 0.0)


@takes_inplace
def mish(input: Any, inplace: bool = False) -> Any:
    """`input` times tanh(softplus(input)). PyTorch: `F.mish`.

    Source: Misra, "Mish: a self regularized non-monotonic activation function" (2019).
    """
    return input * tanh(logaddexp(input, 0.0))


def softsign(input: Any) -> Any:
    """`input` / (1 + |input|). PyTorch: `F.softsign`."""
    return input / (1.0 + abs(input))


def tanhshrink(input: Any) -> Any:
    """`input` - tanh(input). PyTorch: `F.tanhshrink`."""
    return input - tanh(input)


# ------------------------------------------------------------------------------------------- over a dimension


def softmin(input: Any, dim: int, dtype: Any = None) -> Any:
    """`softmax` of `-input`: the smallest entry weighs most. PyTorch: `F.softmin`."""
    return softmax(-input, dim, dtype)


def gumbel_softmax(logits: Any, tau: float = 1.0, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """A draw from the categorical distribution of `logits` along `dim`, softened so that it has a gradient.

    PyTorch: `F.gumbel_softmax`. Gumbel noise is added and the softmax taken at temperature `tau`. With `hard` the
    value is one-hot, and the gradient that of the soft one. `eps` does nothing, as in PyTorch. The draw is a function
    of the default generator's seed and counter. Source: Jang, Gu and Poole, "Categorical reparameterization with
    Gumbel-Softmax" (2017).

    >>> import minigrad as mg
    >>> mg.nn.functional.gumbel_softmax(mg.zeros(5, 3), hard=True).sum(1)
    tensor([1., 1., 1., 1., 1.])
    """
    uniform = default_generator.key("gumbel").uniform(tuple(logits.shape), np.float64, backend_of(logits.data))
    uniform = np.maximum(uniform, 2.0**-54)  # in (0, 1): both logarithms are finite
    gumbel = -np.log(-np.log(uniform))
    soft = softmax((logits + gumbel.astype(logits.dtype)) / tau, dim)
    if not hard:
        return soft
    places = np.arange(soft.shape[dim], like=logits.data).reshape(-1, *(1,) * (soft.ndim - 1 - dim_of(soft.ndim, dim)))
    chosen = cast(argmax(soft, dim, keepdim=True) == places, dtype=soft.dtype)
    return chosen - soft.detach() + soft


def glu(input: Any, dim: int = -1) -> Any:
    """The first half of `input` along `dim`, times the sigmoid of the second. PyTorch: `F.glu`.

    Source: Dauphin et al., "Language modeling with gated convolutional networks" (2017). Raises ShapeError for a
    dimension of odd size.
    """
    size = input.shape[dim_of(input.ndim, dim)]  # IndexError for a 0-d input
    if size % 2:
        raise ShapeError(
            f"glu: dimension {dim} has the odd size {size} and cannot be halved: input of shape {tuple(input.shape)}"
            f"{in_module()}"
        )
    first, gate = chunk(input, 2, dim) if size else (input, input)
    return first * sigmoid(gate)


__all__ = [
    "gelu", "glu", "gumbel_softmax", "logsigmoid", "mish", "silu", "softmin", "softplus", "softsign", "tanhshrink",
]  # fmt: skip
