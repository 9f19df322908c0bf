"""Which dtype the result of an operation on several arrays has: PyTorch's rules, where NumPy's differ.

Python numbers are weak; so is a 0-d array beside arrays with dimensions; floating beats integer beats bool, and only
dtypes of the winning kind decide the width. So int64 + float32 is float32 here and in PyTorch (NumPy: float64).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import OTHER_KINDS

_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}
_SCALAR_DTYPE = {bool: np.dtype(np.bool_), int: np.dtype(np.int64), float: np.dtype(np.float32)}


def can_hold(dtype: Any) -> bool:
    """Whether an array of this dtype can be a tensor's as it is."""
    return isinstance(dtype, np.dtype) and dtype.kind in _RANK and dtype.itemsize <= 8 and dtype.isnative


def checked_dtype(dtype: Any) -> np.dtype[Any]:
    """`dtype` as NumPy's. Raises TypeError for one no tensor can have: of text, objects or complex numbers, say."""
    try:
        known: np.dtype[Any] = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{dtype!r} is no dtype") from None
    if not can_hold(known):
        raise TypeError(
            f"a tensor cannot be of dtype {known}; it holds bool, integers of up to 64 bits, float16, float32 and "
            f"float64"
        )
    return known


def held_instead(data: Any, dtype: np.dtype[Any]) -> str:
    """What data of a dtype that no tensor has is, in words."""
    if dtype.kind == "O" and not hasattr(data, "dtype"):
        rows = [data]
        while rows:
            row = rows.pop(0)
            if isinstance(row, (list, tuple)):
                rows.extend(row)
            elif not isinstance(row, (bool, int, float)):
                return "None" if row is None else f"a value of type {type(row).__name__}"
        return "integers beyond 64 bits"
    return OTHER_KINDS.get(dtype.kind, dtype.name)


def to_common_dtype(arrays: Sequence[Any]) -> Sequence[Any]:
    """The arrays, brought to one dtype if theirs differ. Python numbers stay as they are."""
    dtype = None
    for array in arrays:
        kind = array.__class__
        if kind is float:
            if dtype is not None and dtype.kind != "f":
                return _convert(arrays)
        elif kind is not int and kind is not bool:
            if dtype is None:
                dtype = array.dtype
            elif array.dtype is not dtype:
                return _convert(arrays)
    if dtype is not None and dtype.kind != "f" and arrays[0].__class__ is float:
        return _convert(arrays)
    return arrays


def to_float(arrays: Sequence[Any]) -> Sequence[Any]:
    """As `to_common_dtype`, with integers and bools becoming float32: for division, exp, sqrt, ..."""
    arrays = to_common_dtype(arrays)
    for array in arrays:
        if array.__class__ not in _SCALAR_DTYPE and array.dtype.kind != "f":
            return [a if a.__class__ in _SCALAR_DTYPE else a.astype(np.float32) for a in arrays]
    return arrays


def result_dtype(arrays: Sequence[Any]) -> np.dtype[Any]:
    """The common dtype of arrays and Python numbers."""
    tiers: list[list[np.dtype[Any]]] = [[], [], []]  # with dimensions, 0-d, Python numbers: from strong to weak
    for array in arrays:
        if array.__class__ in _SCALAR_DTYPE:
            tiers[2].append(_SCALAR_DTYPE[array.__class__])
        else:
            tiers[0 if array.ndim else 1].append(array.dtype)
    result: np.dtype[Any] | None = None
    for tier in tiers:
        if tier:
            rank = max(_RANK[dtype.kind] for dtype in tier)
            if result is None or rank > _RANK[result.kind]:
                result = np.result_type(*(dtype for dtype in tier if _RANK[dtype.kind] == rank))
    assert result is not None
    if result.itemsize > 8:  # wider than any tensor
        raise TypeError(f"a tensor cannot be of dtype {result}")
    return result


def _convert(arrays: Sequence[Any]) -> Sequence[Any]:
    if not all(array.__class__ in _SCALAR_DTYPE or hasattr(array, "dtype") for array in arrays):
        return arrays  # not numbers: the operation itself will say so
    arrays = [a.item() if isinstance(a, np.generic) else a for a in arrays]  # NumPy's scalars are numbers too
    dtype = result_dtype(arrays)
    return [a if a.__class__ in _SCALAR_DTYPE else a.astype(dtype, copy=False) for a in arrays]


# ----------------------------------------------------------------------------------------- questions about dtypes


def result_type(tensor: Any, other: Any) -> np.dtype[Any]:
    """The dtype of a sum of two tensors or numbers. PyTorch: `torch.result_type`.

    >>> import minigrad as mg
    >>> mg.result_type(mg.tensor([1]), 1.0)
    dtype('float32')
    """
    return result_dtype((tensor, other))


def promote_types(type1: Any, type2: Any) -> np.dtype[Any]:
    """The smallest dtype that a tensor of either can be brought to: floating beats integer. PyTorch:
    `torch.promote_types`."""
    return result_dtype([np.empty(1, type1), np.empty(1, type2)])


def can_cast(from_: Any, to: Any) -> bool:
    """Whether values keep their kind: bool to integer to floating, never back. PyTorch: `torch.can_cast`."""
    return _RANK[np.dtype(from_).kind] <= _RANK[np.dtype(to).kind]


def is_floating_point(input: Any) -> bool:
    """Whether the dtype is a floating-point one. PyTorch: `torch.is_floating_point`."""
    return bool(input.dtype.kind == "f")


__all__ = ["can_cast", "is_floating_point", "promote_types", "result_type"]
