"""Tables of vectors, read by ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ops import ShapeError, where
from ...ops.failure import in_module
from ...ops.index import getitem
from ...tensor import Tensor


def embedding(input: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """The rows of `weight` (num_embeddings, dim) that `input` names: (...) gives (..., dim). PyTorch: `F.embedding`.

    The row `padding_idx` (negative: from the end) gets no gradient. Raises TypeError for ids that are not integers,
    IndexError for one out of range, ValueError for such a `padding_idx`, ShapeError for a `weight` that is not 2-d.
    """
    if weight.ndim != 2:
        raise ShapeError(
            f"embedding: weight must be (num_embeddings, dim), it has shape {tuple(weight.shape)}{in_module()}"
        )
    if padding_idx is not None and not -weight.shape[0] <= padding_idx < weight.shape[0]:
        raise ValueError(
            f"embedding: padding_idx {padding_idx} is out of range for {weight.shape[0]} rows{in_module()}"
        )
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


__all__ = ["embedding"]
