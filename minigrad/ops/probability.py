"""Probabilities from scores, and their logarithms: composed, and never overflowing."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cast import cast, halves_in_float32
from .composite import composite
from .elementwise import where
from .reduce import axes_of, finite_max
from .transcendental import exp, log


def softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """exp(input) divided by its sum along `dim`; never overflows. PyTorch: `torch.softmax`, `F.softmax`.

    With `dtype`, `input` is converted to it first. Where every entry is -inf (all masked) the result is 0, with
    gradient 0, where PyTorch gives nan.

    >>> import minigrad as mg
    >>> mg.softmax(mg.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    return _softmax(_as_dtype(input, dtype), dim)


@np.errstate(all="ignore")  # of infinities comes nan, as in PyTorch without a warning
@composite
@halves_in_float32
def _softmax(input: Any, dim: int) -> Any:
    axes = axes_of(input.ndim, dim)
    exponentials = exp(input - finite_max(input, axes))
    total = exponentials.sum(axes, keepdims=True)
    return exponentials / where(total == 0, 1.0, total)


def log_softmax(input: Any, dim: int, dtype: Any = None) -> Any:
    """The logarithm of `softmax`, without forming it. PyTorch: `torch.log_softmax`,
    `F.log_softmax`."""
    return _log_softmax(_as_dtype(input, dtype), dim)


@np.errstate(all="ignore")  # of infinities comes nan, as in PyTorch without a warning
@composite
@halves_in_float32
def _log_softmax(input: Any, dim: int) -> Any:
    axes = axes_of(input.ndim, dim)
    shifted = input - finite_max(input, axes)
    return shifted - log(exp(shifted).sum(axes, keepdims=True))


def _as_dtype(input: Any, dtype: Any) -> Any:
    if dtype is None and input.dtype.kind != "f":
        dtype = np.float32  # first: differences of unsigned integers wrap around, and bools have none
    return input if dtype is None or input.dtype == dtype else cast(input, dtype=np.dtype(dtype))


__all__ = ["log_softmax", "softmax"]
