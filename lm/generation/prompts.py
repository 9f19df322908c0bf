"""Prompts as lists of token ids, checked against the vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.backends import backend_of


def token_ids(name: str, ids: Any, vocab_size: int) -> list[int]:
    """The ids of a list, or of a 1-d array or Tensor, as a list.

    Raises ValueError naming `name` for another shape and for an id outside the vocabulary, TypeError for other dtypes.
    """
    array = ids.data if isinstance(ids, Tensor) else np.asarray(ids if hasattr(ids, "dtype") else list(ids))
    if array.ndim != 1:
        raise ValueError(f"{name} must be one sequence of token ids, got shape {array.shape}")
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{name} must be integer token ids, got {array.dtype}; encode text with the model's tokenizer")
    tokens: list[int] = backend_of(array).to_host(array).tolist()
    for token in tokens:
        if not 0 <= token < vocab_size:
            raise ValueError(
                f"{name}: token id {token} is outside the model's vocabulary of {vocab_size}; was the text encoded "
                f"with another tokenizer?"
            )
    return tokens


__all__ = ["token_ids"]
