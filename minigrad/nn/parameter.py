"""Parameter: a tensor that belongs to a module, and how layers make theirs."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np

from ..backends import Array, as_array, backend_for
from ..ops import ShapeError, as_tensor
from ..ops.failure import in_our_words
from ..tensor import Tensor
from . import init


class Parameter(Tensor):
    """A tensor that a module owns and an optimizer trains. PyTorch: `torch.nn.Parameter`.

    Shares the memory of `data`, a Tensor or an array. Raises RuntimeError if gradients are asked of integers.

    >>> import minigrad as mg
    >>> mg.nn.Parameter(mg.zeros(2)).requires_grad
    True
    """

    __slots__ = ()

    def __init__(self, data: Tensor | Array, requires_grad: bool = True) -> None:
        if not isinstance(data, Tensor) and not hasattr(data, "dtype"):
            raise TypeError(f"Parameter needs a Tensor or an array, got {type(data).__name__}")
        super().__init__(data.data if isinstance(data, Tensor) else as_array(as_tensor(data).data))
        self.requires_grad_(requires_grad)

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


def empty_parameter(*shape: int, dtype: Any = None, device: Any = None) -> Parameter:
    """A parameter of uninitialised memory, float32 on the CPU unless told otherwise."""
    if not all(isinstance(size, Integral) and size >= 0 for size in shape):
        raise ShapeError(f"no parameter can have shape {shape}: sizes are whole numbers, not below 0")
    xp, dtype = backend_for(device).xp, np.float32 if dtype is None else dtype
    try:  # what is skipped has one number in memory
        return Parameter(xp.broadcast_to(xp.zeros((), dtype), shape) if init.skipping.get() else xp.empty(shape, dtype))
    except (ValueError, OverflowError, MemoryError) as error:
        kind = MemoryError if isinstance(error, MemoryError) else ShapeError
        raise kind(f"a parameter of shape {shape}: {in_our_words(error)}") from None
