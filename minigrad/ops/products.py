"""Matrix products: one primitive, and what is composed of it."""

from __future__ import annotations

import math
from typing import Any

from ..backends import Array
from .failure import DTypeError, ShapeError, check_tensors
from .primitive import Primitive
from .reduce import sum
from .shape import reshape, transpose, unsqueeze


def _product(x: Array, y: Array) -> Array:
    if x.ndim > 2 and y.ndim == 2 and x.size and y.size:  # one large product instead of many small ones
        return (x.reshape(-1, x.shape[-1]) @ y).reshape(*x.shape[:-1], y.shape[-1])
    return x @ y


def _rows(x: Any) -> Any:
    """A stack of matrices as one tall matrix: (..., n, k) -> (m, k)."""
    return reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


def _right_gradient(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    if len(y_shape) == 2 and len(x.shape) > 2:  # the sum over the stack is part of the product
        x, g = _rows(x), _rows(g)
    return transpose(x, -1, -2) @ g


_matmul = Primitive("matmul", _product).rules(
    x=lambda g, y: g @ transpose(y, -1, -2),
    y=_right_gradient,
)


def matmul(input: Any, other: Any) -> Any:
    """Matrix product over the last two dimensions; the others broadcast. PyTorch: `torch.matmul`.

    A 1-d argument is a row on the left and a column on the right, and its dimension is dropped from the result.
    Raises ShapeError (a ValueError and a RuntimeError) if the inner sizes differ or an argument is 0-d, and DTypeError
    (a TypeError and a RuntimeError) if one is no tensor.

    >>> import minigrad as mg
    >>> mg.matmul(mg.ones(5, 2, 3), mg.ones(3, 4)).shape
    (5, 2, 4)
    """
    try:
        scalar = input.ndim == 0 or other.ndim == 0
    except AttributeError:
        raise DTypeError(
            f"matmul of {type(input).__name__} and {type(other).__name__}: it takes tensors; use minigrad.tensor(...)"
        ) from None
    if scalar:
        raise ShapeError(f"matmul of {tuple(input.shape)} and {tuple(other.shape)}: both need at least one dimension")
    if input.ndim > 1 and other.ndim > 1:
        return _matmul(input, other)
    if input.ndim == 1 and other.ndim == 1:
        if input.shape != other.shape:
            raise ShapeError(f"matmul of {tuple(input.shape)} and {tuple(other.shape)}: two vectors need one length")
        return sum(input * other)
    if input.ndim == 1:
        out = _matmul(unsqueeze(input, 0), other)
        return reshape(out, (*out.shape[:-2], out.shape[-1]))
    out = _matmul(input, unsqueeze(other, 1))
    return reshape(out, out.shape[:-1])


def mm(input: Any, mat2: Any) -> Any:
    """Product of two matrices. PyTorch: `torch.mm`."""
    return _of_rank(2, "mm", input, mat2)


def bmm(input: Any, mat2: Any) -> Any:
    """Products of two stacks of matrices. PyTorch: `torch.bmm`."""
    return _of_rank(3, "bmm", input, mat2)


def _of_rank(rank: int, name: str, input: Any, other: Any) -> Any:
    check_tensors(name, input, other)
    if rank == 3 and input.ndim == other.ndim == 3 and input.shape[0] != other.shape[0]:
        raise ShapeError(
            f"bmm of {tuple(input.shape)} and {tuple(other.shape)}: stacks of {input.shape[0]} and {other.shape[0]} "
            f"matrices; they must be of one size"
        )
    if input.ndim != rank or other.ndim != rank:
        raise ShapeError(f"{name} of {tuple(input.shape)} and {tuple(other.shape)}: both need {rank} dimensions")
    return _matmul(input, other)


__all__ = ["bmm", "matmul", "mm"]
