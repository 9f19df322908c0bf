"""New tensors from sizes and numbers. PyTorch's names; no gradient comes from here."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from operator import index
from typing import Any

import numpy as np

from ..backends import backend_for, backend_of, cpu, get_default_device, moved
from ..tensor import HELD, KINDS, Tensor
from .dtypes import can_hold, checked_dtype, held_instead
from .failure import DTypeError, ShapeError


def _xp(device: Any) -> Any:
    return backend_for(device).xp


def _real(dtype: Any) -> Any:
    return np.float32 if dtype is None else checked_dtype(dtype)


def _new(data: Any, requires_grad: bool) -> Tensor:
    checked_dtype(data.dtype)
    return Tensor(data).requires_grad_() if requires_grad else Tensor(data)


def sizes_of(sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """The sizes of `zeros(2, 3)`, of `zeros((2, 3))` and of `zeros(size=(2, 3))`: they mean the same."""
    if named is not None:
        if sizes:
            raise TypeError(f"sizes are given by position, {sizes}, and by name, {named}")
        sizes = (named,)
    if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)):
        sizes = tuple(sizes[0])
    return tuple(index(size) for size in sizes)


def _extents(name: str, sizes: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """The sizes of a new tensor. Raises ShapeError for a negative one."""
    extents = sizes_of(sizes, named)
    if extents and min(extents) < 0:
        raise ShapeError(f"{name} of size {extents}: a size cannot be negative")
    return extents


def _check_filler(name: str, value: Any, dtype: Any = None) -> None:
    """Refuse what is no number, and for a `dtype` without them nan and infinity, of which NumPy makes some integer."""
    if not isinstance(value, (Real, np.bool_, Tensor)):
        raise DTypeError(f"{name} needs a number to fill with, got {type(value).__name__}")
    if isinstance(value, (float, np.floating)) and not math.isfinite(value) and checked_dtype(dtype).kind in "iu":
        raise RuntimeError(f"{name}: {checked_dtype(dtype)} cannot hold {value}")


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Every element `fill_value`; the dtype follows from it. PyTorch: `torch.full`."""
    if dtype is None:
        kinds = {bool: np.bool_, np.bool_: np.bool_, Tensor: getattr(fill_value, "dtype", None)}
        dtype = kinds.get(type(fill_value), np.int64 if isinstance(fill_value, Integral) else np.float32)
    _check_filler("full", fill_value, dtype)
    return _new(_xp(device).full(_extents("full", (size,)), fill_value, dtype=checked_dtype(dtype)), requires_grad)


def zeros(
    *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros. PyTorch: `torch.zeros`.

    >>> import minigrad as mg
    >>> mg.zeros(2)
    tensor([0., 0.])
    """
    return _new(_xp(device).zeros(_extents("zeros", sizes, size), dtype=_real(dtype)), requires_grad)


def ones(
    *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones. PyTorch: `torch.ones`."""
    return _new(_xp(device).ones(_extents("ones", sizes, size), dtype=_real(dtype)), requires_grad)


def empty(
    *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uninitialised memory. PyTorch: `torch.empty`."""
    return _new(_xp(device).empty(_extents("empty", sizes, size), dtype=_real(dtype)), requires_grad)


def zeros_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the shape, dtype and device of `input`. PyTorch: `torch.zeros_like`."""
    return full_like(input, 0, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of the shape, dtype and device of `input`. PyTorch: `torch.ones_like`."""
    return full_like(input, 1, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Every element `fill_value`, in the shape, dtype and device of `input`. PyTorch: `torch.full_like`."""
    if device is not None and device != input.device:
        return full(input.shape, fill_value, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)
    _check_filler("full_like", fill_value, dtype or input.dtype)
    return _new(np.full_like(input.data, fill_value, dtype=dtype), requires_grad)


def empty_like(input: Tensor, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Uninitialised memory of the shape, dtype and device of `input`. PyTorch: `torch.empty_like`."""
    if device is not None and device != input.device:
        return empty(input.shape, dtype=dtype or input.dtype, device=device, requires_grad=requires_grad)
    return _new(np.empty_like(input.data, dtype=dtype), requires_grad)


def arange(
    start: Any = None, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers from `start` (0 if only one is given) up to but without `end`. PyTorch: `torch.arange`.

    For an integer dtype all three are cut to integers first. Raises ValueError for a step of 0 or away from `end`.
    """
    if start is None or end is None:
        start, end = 0, start if end is None else end
    if end is None:
        raise TypeError("arange needs an end: arange(end) or arange(start, end)")
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


def _ends(name: str, start: Any, end: Any) -> tuple[float, float]:
    """Two numbers in double precision, in which the steps between them are computed then."""
    _check_filler(name, start)
    _check_filler(name, end)
    return float(start), float(end)


def linspace(
    start: float, end: float, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """`steps` evenly spaced numbers from `start` to `end`, both included. PyTorch: `torch.linspace`."""
    start, end = _ends("linspace", start, end)
    return _new(_xp(device).linspace(start, end, steps, dtype=_real(dtype)), requires_grad)


def logspace(
    start: float, end: float, steps: int, base: float = 10.0, *, dtype: Any = None, device: Any = None,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """`steps` powers of `base`, with evenly spaced exponents from `start` to `end`. PyTorch: `torch.logspace`."""
    start, end = _ends("logspace", start, end)
    powers = float(base) ** _xp(device).linspace(start, end, steps)
    return _new(powers.astype(_real(dtype)), requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones on the diagonal, zeros elsewhere. PyTorch: `torch.eye`."""
    return _new(_xp(device).eye(*_extents("eye", (n, n if m is None else m)), dtype=_real(dtype)), requires_grad)


# ----------------------------------------------------------------------------------------- from what is there


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor holding a copy of `data`. PyTorch: `torch.tensor`.

    Python floats become float32 and Python integers int64; NumPy's arrays and numbers, also in a list, keep their
    dtype. Without `device`, what lies on one stays there, and other data goes to the default device.

    Raises TypeError for data that is not a rectangular array of numbers (strings, objects, complex numbers), and
    RuntimeError for a gradient asked of integers.

    >>> import minigrad as mg
    >>> mg.tensor([[1, 2], [3, 4]]).dtype
    dtype('int64')
    """
    stays = isinstance(data, Tensor)
    if stays:
        data = data.detach().data
    home = backend_of(data)
    backend = home if device is None and (stays or home is not cpu) else backend_for(device)
    known = hasattr(data, "dtype")
    try:
        array = home.xp.array(data, dtype=dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise TypeError(_why_no_tensor(data, error)) from None
    if array.dtype.kind not in KINDS or array.dtype.itemsize > 8:
        raise TypeError(f"tensor() cannot hold {held_instead(data, array.dtype)}; {HELD}")
    if dtype is None and not known and array.dtype.kind == "f":
        array = array.astype(_floating_within(data))
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    array = moved(array, backend)
    return Tensor(array).requires_grad_() if requires_grad else Tensor(array)


def _why_no_tensor(data: Any, error: Exception) -> str:
    """What is wrong with nested lists that NumPy makes no array of."""
    level, depth = [data], 0
    while level and all(isinstance(row, (list, tuple)) for row in level):
        lengths = sorted({len(row) for row in level})
        if len(lengths) > 1:
            some = f"{lengths[0]} and {lengths[-1]}"
            return f"tensor() needs a rectangular list: at depth {depth} its rows have lengths {some}"
        level, depth = [item for row in level for item in row], depth + 1
    if any(isinstance(row, (list, tuple)) for row in level):
        return f"tensor() needs a rectangular list: at depth {depth} some items are numbers and some are lists"
    return f"tensor() needs numbers, of the range of their dtype: {error}"


def _floating_within(data: Any) -> np.dtype[Any]:
    """The common floating dtype of the arrays in nested lists; float32 where Python's numbers alone are floating."""
    found: set[np.dtype[Any]] = set()
    rows = [data]
    while rows:
        row = rows.pop()
        if hasattr(row, "dtype"):
            found.add(np.dtype(row.dtype))
        elif isinstance(row, (list, tuple)) and not set(map(type, row)) <= {float, int, bool}:
            rows.extend(row)
    floating = [dtype for dtype in found if dtype.kind == "f"]
    return np.result_type(*floating) if floating else np.dtype(np.float32)


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor: itself, or sharing its memory, where that is possible. PyTorch: `torch.as_tensor`."""
    if isinstance(data, Tensor):
        return data.to(dtype=dtype, device=device)
    home = backend_of(data)
    if isinstance(data, home.xp.ndarray) and can_hold(data.dtype):
        stays = device is not None or home is not cpu  # as in `tensor`
        return Tensor(data).to(dtype=dtype, device=device if stays else get_default_device())
    return tensor(data, dtype=dtype, device=device)


def is_tensor(obj: Any) -> bool:
    """Whether it is a Tensor. PyTorch: `torch.is_tensor`."""
    return isinstance(obj, Tensor)


def _settings_of(input: Tensor, dtype: Any, device: Any, requires_grad: bool) -> dict[str, Any]:
    return {"dtype": dtype or input.dtype, "device": device or input.device, "requires_grad": requires_grad}


def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A copy of `data` in the dtype and on the device of `input`. PyTorch: `Tensor.new_tensor`."""
    return tensor(data, **_settings_of(input, dtype, device, requires_grad))


def new_zeros(
    input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Zeros in the dtype and on the device of `input`. PyTorch: `Tensor.new_zeros`."""
    return zeros(*sizes, size=size, **_settings_of(input, dtype, device, requires_grad))


def new_ones(
    input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Ones in the dtype and on the device of `input`. PyTorch: `Tensor.new_ones`."""
    return ones(*sizes, size=size, **_settings_of(input, dtype, device, requires_grad))


def new_empty(
    input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Uninitialised memory in the dtype and on the device of `input`. PyTorch: `Tensor.new_empty`."""
    return empty(*sizes, size=size, **_settings_of(input, dtype, device, requires_grad))


def new_full(
    input: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Every element `fill_value`, in the dtype and on the device of `input`. PyTorch: `Tensor.new_full`."""
    return full(size, fill_value, **_settings_of(input, dtype, device, requires_grad))


__all__ = [
    "arange", "as_tensor", "empty", "empty_like", "eye", "full", "full_like", "is_tensor", "linspace", "logspace",
    "ones", "ones_like", "tensor", "zeros", "zeros_like",
]  # fmt: skip
NEW: dict[str, Callable[..., Any]] = {
    "new_empty": new_empty, "new_full": new_full, "new_ones": new_ones, "new_tensor": new_tensor,
    "new_zeros": new_zeros,
}  # methods alone  # fmt: skip
