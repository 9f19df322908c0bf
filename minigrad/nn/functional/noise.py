"""Elements dropped at random, by masks that a replay draws again."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import backend_of
from ...ops import DTypeError, default_generator
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.inplace import _before, write
from ...ops.random import Key
from ...tensor import Tensor


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> Any:
    """Each element set to 0 with probability `p`, the others divided by 1 - p. PyTorch: `F.dropout`.

    The mask is a function of the default generator's seed and counter, so a replay draws the same one.
    With `inplace` the result is written into `input`. Source: Srivastava et al., "Dropout" (2014). Raises ValueError
    for `p` outside [0, 1], and while training DTypeError (a TypeError) for integers.
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout: p must be in [0, 1], got {p}")
    if not training or p == 0.0:
        return input
    if input.dtype.kind != "f":
        raise DTypeError(f"dropout needs floating-point input, got {input.dtype}; use .float(){in_module()}")
    out = _dropout(_before(input) if inplace else input, p, default_generator.key("dropout"))
    return write(input, "dropout_", out) if inplace else out


@composite
def _dropout(input: Any, p: float, key: Key) -> Any:
    data = input.data if isinstance(input, Tensor) else input
    kept = key.bernoulli(tuple(input.shape), 1.0 - p, backend_of(data))
    return input * (kept * np.asarray(1.0 / (1.0 - p) if p < 1.0 else 0.0, input.dtype))


__all__ = ["dropout"]
