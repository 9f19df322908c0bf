"""Tables of vectors, read by ids; and ids as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...backends import backend_of
from ...ops import ShapeError, where
from ...ops.failure import in_module
from ...ops.index import getitem
from ...tensor import Tensor


def embedding(
    input: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Any:  # fmt: skip
    """The rows of `weight` (num_embeddings, dim) that `input` names: (...) gives (..., dim). PyTorch: `F.embedding`.

    The row `padding_idx` (negative: from the end) gets no gradient. Raises TypeError for ids that are not integers,
    IndexError for one out of range, ValueError for such a `padding_idx`, ShapeError for a `weight` that is not 2-d,
    NotImplementedError for `max_norm` (which would change `weight` in passing), `scale_grad_by_freq` and `sparse`.
    """
    if max_norm is not None or scale_grad_by_freq or sparse:
        raise NotImplementedError("embedding: max_norm, scale_grad_by_freq and sparse are not supported")
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
    if backend_of(ids).checks_values and ids.size and not (int(ids.min()) >= 0 and int(ids.max()) < weight.shape[0]):
        worst = int(ids.min()) if int(ids.min()) < 0 else int(ids.max())
        raise IndexError(f"embedding: id {worst} is out of range for {weight.shape[0]} rows{in_module()}")
    rows = getitem(weight, ids)
    if padding_idx is None:
        return rows
    return where(np.expand_dims(ids == padding_idx % weight.shape[0], -1), rows.detach(), rows)


def one_hot(input: Any, num_classes: int = -1) -> Any:
    """A 1 where each id says, among zeros: integers (...) give int64 (..., num_classes). PyTorch: `F.one_hot`.

    `num_classes` -1 means one more than the largest id. Raises TypeError for ids that are not integers, IndexError for
    one out of range, ValueError if there is none to infer the number of classes from.

    >>> import minigrad as mg
    >>> mg.nn.functional.one_hot(mg.tensor([2, 0]))
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    ids = input.data if isinstance(input, Tensor) else np.asarray(input)
    if ids.dtype.kind not in "iu":
        raise TypeError(f"one_hot: ids must be integers, got {ids.dtype}; convert them with .long(){in_module()}")
    if not ids.size and num_classes <= 0:
        raise ValueError(f"one_hot of no ids, shape {ids.shape}, needs num_classes above 0{in_module()}")
    looks = ids.size and (num_classes == -1 or backend_of(ids).checks_values)
    smallest, largest = (int(ids.min()), int(ids.max())) if looks else (0, -1)
    if num_classes == -1:
        num_classes = largest + 1
    if smallest < 0 or largest >= num_classes:
        wrong = smallest if smallest < 0 else largest
        raise IndexError(f"one_hot: id {wrong} is out of range for {num_classes} classes{in_module()}")
    return Tensor((np.expand_dims(ids, -1) == np.arange(num_classes, like=ids)).astype(np.int64))


__all__ = ["embedding", "one_hot"]
