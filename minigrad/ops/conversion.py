"""What a tensor is to Python: its length and size, its truth, and the numbers it becomes.

Whatever gives a number waits for the device. Numbers carry no history: here a value leaves the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor
from .failure import DTypeError
from .index import dim_of

# ------------------------------------------------------------------------------------------------------- sizes


def dim(input: Tensor) -> int:
    """The number of dimensions. PyTorch: `Tensor.dim`."""
    return input.ndim


def size(input: Tensor, dim: int | None = None) -> Any:
    """The shape, or its entry at `dim`. PyTorch: `Tensor.size`. Raises IndexError for a dimension that is not there."""
    if dim is None:
        return input.shape
    if isinstance(dim, (bool, np.bool_)) or not hasattr(dim, "__index__"):
        raise TypeError(f"size takes an int, got {type(dim).__name__}")
    return input.shape[dim_of(input.ndim, dim)]


def numel(input: Tensor) -> int:
    """The number of elements. PyTorch: `torch.numel`."""
    return int(input.data.size)


def _length(input: Tensor) -> int:
    if not input.shape:
        raise TypeError("len() of a 0-d tensor")
    return input.shape[0]


# ----------------------------------------------------------------------------------------------------- numbers


def item(input: Tensor) -> Any:
    """The only element, as a Python number. PyTorch: `Tensor.item`. Waits for the device."""
    if input.data.size != 1:
        raise RuntimeError(
            f"item() of a tensor with {input.data.size} elements, shape {input.shape}; it needs exactly one"
        )
    return input.data.item()


def tolist(input: Tensor) -> Any:
    """The values as nested Python lists (a number for a 0-d tensor). PyTorch: `Tensor.tolist`."""
    return input.data.tolist()


def _number(kind: type) -> Callable[[Tensor], Any]:
    def convert(input: Tensor) -> Any:
        if input.data.size != 1:
            raise ValueError(
                f"{kind.__name__}() of a tensor with {input.data.size} elements, shape {input.shape}; it needs one"
            )
        return kind(input.data.item())

    return convert


def _index(input: Tensor) -> int:
    if input.dtype.kind not in "iub" or input.data.size != 1:
        raise TypeError(
            f"only an integer tensor of one element can be an index, this one is {input.dtype} of shape {input.shape}"
        )
    return int(input.data.item())


def _truth(input: Tensor) -> bool:
    if input.data.size != 1:
        raise RuntimeError(
            f"the truth of a tensor with {input.data.size} elements, shape {input.shape}, is ambiguous; use .any() or "
            f".all()"
        )
    return bool(input.data.item())


def _contains(input: Tensor, element: Any) -> bool:
    if not isinstance(element, (bool, int, float, np.generic, Tensor)):
        raise DTypeError(f"a tensor contains numbers, it was asked for {type(element).__name__}")
    return bool((input == element).data.any())


METHODS: dict[str, Callable[..., Any]] = {
    "dim": dim, "ndimension": dim, "size": size, "numel": numel, "nelement": numel, "item": item, "tolist": tolist,
}  # fmt: skip
PROTOCOL: dict[str, Callable[..., Any]] = {
    "__len__": _length, "__float__": _number(float), "__int__": _number(int), "__complex__": _number(complex),
    "__index__": _index, "__bool__": _truth, "__contains__": _contains,
}  # fmt: skip

__all__ = ["numel"]
