"""Activation functions, elementwise and over a dimension."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...ops import erf, exp, log, sigmoid, tanh, where
from ...ops.cast import halves_in_float32
from ...ops.composite import composite
from ...ops.reduce import axes_of, finite_max


@composite
def relu(input: Any) -> Any:
    """max(input, 0), with derivative 0 at 0. PyTorch: `F.relu`."""
    return where(input <= 0, 0, input)  # a nan stays a nan


@composite
@halves_in_float32
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


@composite
@halves_in_float32
@np.errstate(all="ignore")  # of infinities comes nan, as in PyTorch without a warning
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
@halves_in_float32
@np.errstate(all="ignore")
def log_softmax(input: Any, dim: int) -> Any:
    """The logarithm of `softmax`, without forming it. PyTorch: `F.log_softmax`."""
    axes = axes_of(input.ndim, dim)
    shifted = input - finite_max(input, axes)
    return shifted - log(exp(shifted).sum(axes, keepdims=True))


__all__ = ["gelu", "log_softmax", "relu", "silu", "softmax"]
