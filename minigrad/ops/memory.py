"""How a tensor lies in memory: in which order, and at what distances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..tensor import Tensor
from .cast import clone, to
from .index import dim_of


def contiguous(input: Tensor) -> Tensor:
    """`input` with its elements in memory in order of their indices: itself if they are.

    PyTorch: `Tensor.contiguous`.
    """
    return input if is_contiguous(input) else clone(input)


def is_contiguous(input: Tensor) -> bool:
    """Whether the elements lie in memory in order of their indices. PyTorch: `Tensor.is_contiguous`."""
    return bool(input.data.flags.c_contiguous)


def stride(input: Tensor, dim: int | None = None) -> Any:
    """How many elements apart neighbours along each dimension lie, or along `dim`. PyTorch: `Tensor.stride`."""
    strides = tuple(step // input.data.itemsize for step in input.data.strides)
    return strides if dim is None else strides[dim_of(input.ndim, dim)]


def element_size(input: Tensor) -> int:
    """How many bytes an element takes. PyTorch: `Tensor.element_size`."""
    return int(input.data.itemsize)


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` in the dtype and on the device of `other`. PyTorch: `Tensor.type_as`."""
    return to(input, other)


METHODS: dict[str, Callable[..., Any]] = {
    "contiguous": contiguous, "element_size": element_size, "is_contiguous": is_contiguous,
    "stride": stride, "type_as": type_as,
}  # fmt: skip
PROPERTIES: dict[str, Callable[[Tensor], int]] = {
    "itemsize": lambda input: int(input.data.itemsize), "nbytes": lambda input: int(input.data.nbytes),
}  # fmt: skip
