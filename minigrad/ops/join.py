"""Joining and cutting by NumPy's names for directions: horizontal, vertical, in depth; and cuts into uneven parts."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from ..tensor import Tensor
from .failure import ShapeError
from .index import dim_of
from .shape import atleast_1d, atleast_2d, atleast_3d, cat, narrow


def hstack(tensors: Sequence[Any]) -> Any:
    """Joined along the second dimension, or the only one of vectors. PyTorch: `torch.hstack`."""
    tensors = [atleast_1d(tensor) for tensor in tensors]
    return cat(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


def vstack(tensors: Sequence[Any]) -> Any:
    """Joined along the first dimension, vectors as rows. PyTorch: `torch.vstack`."""
    return cat([atleast_2d(tensor) for tensor in tensors], 0)


def dstack(tensors: Sequence[Any]) -> Any:
    """Joined along the third dimension. PyTorch: `torch.dstack`."""
    return cat([atleast_3d(tensor) for tensor in tensors], 2)


def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Any, ...]:
    """Views of consecutive parts: a number of nearly equal ones, or cut before the given places. PyTorch:
    `torch.tensor_split`.

    >>> import minigrad as mg
    >>> [part.tolist() for part in mg.arange(7).tensor_split(3)]
    [[0, 1, 2], [3, 4], [5, 6]]
    """
    dim = dim_of(input.ndim, dim)
    size = input.shape[dim]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        sections = indices_or_sections
        if sections <= 0:
            raise ValueError(f"tensor_split needs a positive number of sections, got {sections}")
        parts = [size // sections + (i < size % sections) for i in range(sections)]
        ends = list(itertools.accumulate(parts))
        starts = [0, *ends[:-1]]
    else:
        cuts = [slice(cut).indices(size)[1] for cut in indices_or_sections]  # within the dimension, as in a slice
        starts, ends = [0, *cuts], [*cuts, size]
    return tuple(narrow(input, dim, start, max(end - start, 0)) for start, end in zip(starts, ends))


def hsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Views of parts along the second dimension, or the only one of a vector. PyTorch: `torch.hsplit`."""
    return _evenly("hsplit", input, indices_or_sections, 0 if input.ndim == 1 else 1, 1)


def vsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Views of parts along the first dimension. PyTorch: `torch.vsplit`."""
    return _evenly("vsplit", input, indices_or_sections, 0, 2)


def dsplit(input: Any, indices_or_sections: Any) -> tuple[Any, ...]:
    """Views of parts along the third dimension. PyTorch: `torch.dsplit`."""
    return _evenly("dsplit", input, indices_or_sections, 2, 3)


def _evenly(name: str, input: Any, cuts: Any, dim: int, ndim: int) -> tuple[Any, ...]:
    if input.ndim < ndim:
        raise ShapeError(f"{name} needs at least {ndim} dimensions, got shape {tuple(input.shape)}")
    if isinstance(cuts, int) and (cuts <= 0 or input.shape[dim] % cuts):
        raise ValueError(f"{name}: dimension {dim} of size {input.shape[dim]} cannot be cut into {cuts} equal parts")
    return tensor_split(input, cuts, dim)


__all__ = ["dsplit", "dstack", "hsplit", "hstack", "tensor_split", "vsplit", "vstack"]
