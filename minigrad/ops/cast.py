"""Copies of a tensor: in memory of its own, in another dtype, on another device."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array, backend_for, backend_of
from ..tensor import Tensor
from .primitive import Primitive

cast = Primitive("cast", lambda x, *, dtype: x.astype(dtype)).rules(x=lambda g: g)  # the walk restores the dtype
clone = Primitive("clone", lambda x: x.copy()).rules(x=lambda g: g)


def to(input: Tensor, *targets: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`input` as another dtype, on another device, or like another tensor; itself if nothing changes.

    PyTorch: `Tensor.to(dtype)`, `.to(device)`, `.to(device, dtype)`, `.to(other)`.

    >>> import minigrad as mg
    >>> mg.tensor([1, 2]).to(mg.float64).dtype
    dtype('float64')
    """
    for target in targets:
        if isinstance(target, Tensor):
            dtype, device = target.dtype, target.device
        elif isinstance(target, str) and target.split(":")[0] in ("cpu", "cuda"):
            device = target
        else:
            dtype = target
    device = input.device if device is None else str(device).split(":")[0]
    if device != input.device:
        input = transfer(input, device=device, home=input.device)
    if dtype is not None and np.dtype(dtype) != input.dtype:
        input = cast(input, dtype=np.dtype(dtype))
    return input


def _transfer(x: Array, *, device: str, home: str) -> Array:
    return backend_for(device).asarray(backend_of(x).to_host(x))


transfer: Primitive = Primitive("to", _transfer).rules(x=lambda g, device, home: transfer(g, device=home, home=device))


def float_(input: Tensor) -> Tensor:
    """`input` as float32. PyTorch: `Tensor.float`."""
    return to(input, np.float32)


def double(input: Tensor) -> Tensor:
    """`input` as float64. PyTorch: `Tensor.double`."""
    return to(input, np.float64)


def half(input: Tensor) -> Tensor:
    """`input` as float16. PyTorch: `Tensor.half`."""
    return to(input, np.float16)


def long(input: Tensor) -> Tensor:
    """`input` as int64. PyTorch: `Tensor.long`."""
    return to(input, np.int64)


def int_(input: Tensor) -> Tensor:
    """`input` as int32. PyTorch: `Tensor.int`."""
    return to(input, np.int32)


def bool_(input: Tensor) -> Tensor:
    """`input` as bool: whether each element is nonzero. PyTorch: `Tensor.bool`."""
    return to(input, np.bool_)

__all__ = ["clone"]
