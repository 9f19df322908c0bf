"""Which tokens may look at which: masks for `F.scaled_dot_product_attention`, True where a query may look at a key.

B sequences of T new tokens, S = the tokens attended to. A mask that would be True everywhere is None.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ShapeError, Tensor
from minigrad.backends import Array, backend_of


def padding_mask(attention_mask: Any, batch: int, length: int) -> Tensor | None:
    """(B, 1, 1, S) of a mask (B, S) whose 0 or False is padding, which nothing may look at.

    Raises ShapeError for one of another shape, TypeError for one of floats, and ValueError where a whole sequence is
    padding: its mask is most likely upside down, and its output would mean nothing.

    >>> padding_mask(np.array([[0, 1, 1]]), 1, 3).shape
    (1, 1, 1, 3)
    """
    if attention_mask is None:
        return None
    mask: Array = attention_mask.data if isinstance(attention_mask, Tensor) else np.asarray(attention_mask)
    if mask.shape != (batch, length):
        raise ShapeError(
            f"attention_mask must be (batch, tokens attended to) = ({batch}, {length}), those in the cache included; "
            f"it is {mask.shape}"
        )
    if mask.dtype.kind not in "biu":
        raise TypeError(f"attention_mask must be integers or bools, 1 for a token and 0 for padding, got {mask.dtype}")
    seen = mask != 0
    if backend_of(seen).checks_values:
        if not seen.any(axis=1).all():
            row = int(np.argmin(seen.any(axis=1)))
            raise ValueError(
                f"attention_mask: sequence {row} is all zeros, so all padding; 1 marks the tokens (is it inverted?)"
            )
        if seen.all():
            return None
    return Tensor(seen[:, None, None, :])  # (B, 1, 1, S)


def causal_mask(length: int, past: int, padding: Tensor | None, like: Array) -> Tensor | None:
    """Of `length` tokens that follow `past` others: each looks at itself and all before it, where that is no padding.

    None for one token, which looks at all there is, and for a fresh start without padding, which is `is_causal=True`.

    >>> causal_mask(2, 1, None, np.zeros(0)).numpy()
    array([[ True,  True, False],
           [ True,  True,  True]])
    """
    if length == 1 or (past == 0 and padding is None):
        return padding
    mask = np.tri(length, past + length, past, dtype=bool, like=like)  # (T, S): row i sees 0 .. past + i
    return Tensor(mask) if padding is None else Tensor(padding.data & mask)  # (T, S), or (B, 1, T, S)


__all__ = ["causal_mask", "padding_mask"]
