"""Copies of a tensor: in memory of its own, in another dtype, on another device."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..backends import Array, backend_for, moved
from ..tensor import Tensor
from .dtypes import checked_dtype
from .primitive import Primitive

F = TypeVar("F", bound=Callable[..., Any])
HALF = np.dtype(np.float16)

cast = Primitive("cast", lambda x, *, dtype: x.astype(dtype)).rules(x=lambda g: g)  # the walk restores the dtype
clone = Primitive("clone", lambda x: x.copy()).rules(x=lambda g: g)


def to(
    input: Tensor, *targets: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False
) -> Tensor:
    """`input` as another dtype, on another device, or like another tensor; itself if nothing changes, or a copy of it
    with `copy`.

    PyTorch: `Tensor.to(dtype)`, `.to(device)`, `.to(device, dtype)`, `.to(other)`. `non_blocking` permits what is not
    done: a transfer has ended when it returns.

    >>> import minigrad as mg
    >>> mg.tensor([1, 2]).to(mg.float64).dtype
    dtype('float64')
    """
    for target in targets:
        if isinstance(target, Tensor):
            dtype, device = target.dtype, target.device
        elif isinstance(target, str) and target.partition(":")[0] in ("cpu", "cuda"):
            device = target
        else:
            dtype = target
    device = input.device if device is None else backend_for(device).device
    given = input
    if device != input.device:
        input = transfer(input, device=device, home=input.device)
    if dtype is not None and dtype != input.dtype:
        input = cast(input, dtype=checked_dtype(dtype))
    return clone(input) if copy and input is given else input


def _transfer(x: Array, *, device: str, home: str) -> Array:
    return moved(x, backend_for(device))


transfer: Primitive = Primitive("to", _transfer).rules(x=lambda g, device, home: transfer(g, device=home, home=device))


def halves_in_float32(function: F) -> F:
    """Let `function` compute in float32 what it is given in float16, and give a float16 result.

    For definitions whose intermediate values outgrow float16, where a square overflows from 256 on.
    """

    @functools.wraps(function)
    def widened(*args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        for value in given:
            if getattr(value, "dtype", None) is HALF:
                break
        else:
            return function(*args, **kwargs)
        out = function(*map(_widen, args), **{name: _widen(value) for name, value in kwargs.items()})
        floats = {value.dtype for value in given if hasattr(value, "dtype") and value.dtype.kind == "f"}
        return cast(out, dtype=HALF) if floats == {HALF} else out  # with others in it, the common dtype is theirs

    return widened  # type: ignore[return-value]


def _widen(value: Any) -> Any:
    return cast(value, dtype=np.dtype(np.float32)) if getattr(value, "dtype", None) is HALF else value


def cpu(input: Tensor) -> Tensor:
    """`input` in the memory of the CPU. PyTorch: `Tensor.cpu`."""
    return to(input, device="cpu")


def cuda(input: Tensor, device: Any = None, non_blocking: bool = False) -> Tensor:
    """`input` on the GPU. PyTorch: `Tensor.cuda`. Raises what the lack of one raises."""
    return to(input, device="cuda" if device is None else device)


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
