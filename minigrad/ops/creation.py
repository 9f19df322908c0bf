"""New tensors from sizes and numbers. PyTorch's names; no gradient comes from here."""

from __future__ import annotations

from numbers import Integral, Number
from operator import index
from typing import Any

import numpy as np

from ..backends import backend_for
from ..tensor import Tensor
from .dtypes import checked_dtype
from .failure import ShapeError


def _xp(device: Any) -> Any:
    return backend_for("cpu" if device is None else device).xp


def _real(dtype: Any) -> Any:
    return np.float32 if dtype is None else checked_dtype(dtype)


def _new(data: Any, requires_grad: bool) -> Tensor:
    checked_dtype(data.dtype)
    return Tensor(data).requires_grad_() if requires_grad else Tensor(data)


def sizes_of(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """The sizes of `zeros(2, 3)` and of `zeros((2, 3))`: they mean the same."""
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    return tuple(index(size) for size in sizes)


def _extents(name: str, sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """The sizes of a new tensor. Raises ShapeError for a negative one."""
    extents = sizes_of(sizes)
    if extents and min(extents) < 0:
        raise ShapeError(f"{name} of size {extents}: a size cannot be negative")
    return extents


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Every element `fill_value`; the dtype follows from it. PyTorch: `torch.full`."""
    if not isinstance(fill_value, (Number, np.generic, Tensor)):
        raise TypeError(f"full needs a number to fill with, got {type(fill_value).__name__}")
    if dtype is None:
        kinds = {bool: np.bool_, np.bool_: np.bool_}
        dtype = kinds.get(type(fill_value), np.int64 if isinstance(fill_value, Integral) else np.float32)
    return _new(_xp(device).full(_extents("full", (size,)), fill_value, dtype=checked_dtype(dtype)), requires_grad)


def zeros(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros. PyTorch: `torch.zeros`.

    >>> import minigrad as mg
    >>> mg.zeros(2)
    tensor([0., 0.])
    """
    return _new(_xp(device).zeros(_extents("zeros", size), dtype=_real(dtype)), requires_grad)


def ones(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones. PyTorch: `torch.ones`."""
    return _new(_xp(device).ones(_extents("ones", size), dtype=_real(dtype)), requires_grad)


def empty(*size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory. PyTorch: `torch.empty`."""
    return _new(_xp(device).empty(_extents("empty", size), dtype=_real(dtype)), requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape, dtype and device of `input`. PyTorch: `torch.zeros_like`."""
    return _new(np.zeros_like(input.data, dtype=dtype), requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape, dtype and device of `input`. PyTorch: `torch.ones_like`."""
    return _new(np.ones_like(input.data, dtype=dtype), requires_grad)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Numbers from `start` (0 if only one is given) up to but without `end`. PyTorch: `torch.arange`.

    For an integer dtype all three are cut to integers first. Raises ValueError for a step of 0 or away from `end`.
    """
    if end is None:
        start, end = 0, start
    if dtype is None:
        dtype = np.int64 if all(isinstance(value, Integral) for value in (start, end, step)) else np.float32
    exact: Any = checked_dtype(dtype)
    if exact.kind == "f":
        exact = np.float64  # in float32 the error of the step would add up
    else:
        start, end, step = int(start), int(end), int(step)
    if step == 0 or (end - start) * step < 0:
        raise ValueError(f"arange from {start} never comes to {end} in steps of {step}")
    return _new(_xp(device).arange(start, end, step, dtype=exact).astype(dtype), requires_grad)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` evenly spaced numbers from `start` to `end`, both included. PyTorch: `torch.linspace`."""
    return _new(_xp(device).linspace(start, end, steps, dtype=_real(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere. PyTorch: `torch.eye`."""
    return _new(_xp(device).eye(*_extents("eye", (n, n if m is None else m)), dtype=_real(dtype)), requires_grad)


__all__ = ["arange", "empty", "eye", "full", "linspace", "ones", "ones_like", "zeros", "zeros_like"]
