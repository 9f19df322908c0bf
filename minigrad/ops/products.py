"""Matrix products: one primitive, and what is composed of it."""

from __future__ import annotations

import math
from typing import Any

from ..backends import Array
from .failure import DTypeError, ShapeError, check_tensors
from .index import dim_of, getitem
from .primitive import Primitive
from .reduce import sum
from .shape import expand, reshape, transpose, unsqueeze


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


def _of_one_dtype(arrays: Any) -> Any:
    """As PyTorch: a product does not convert, which would hide a slow one in float64."""
    first, second = arrays
    if first.dtype != second.dtype:
        if first.dtype.newbyteorder("=") == second.dtype.newbyteorder("="):
            return [array.astype(array.dtype.newbyteorder("=")) for array in arrays]
        raise TypeError(f"dtypes {first.dtype} and {second.dtype} differ; convert one of them, with .to(...)")
    return arrays


_matmul = Primitive("matmul", _product, promote=_of_one_dtype).rules(
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
        if input.dtype != other.dtype:
            return reshape(_matmul(unsqueeze(input, 0), unsqueeze(other, 1)), ())  # refused there
        return sum(input * other, dtype=None if input.dtype.kind == "f" else input.dtype)
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


def mv(input: Any, vec: Any) -> Any:
    """Product of a matrix and a vector. PyTorch: `torch.mv`."""
    if input.ndim != 2 or vec.ndim != 1:
        raise ShapeError(f"mv of {tuple(input.shape)} and {tuple(vec.shape)}: it takes a matrix and a vector")
    return matmul(input, vec)


def dot(input: Any, tensor: Any) -> Any:
    """Product of two vectors, a number. PyTorch: `torch.dot`."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise ShapeError(f"dot of {tuple(input.shape)} and {tuple(tensor.shape)}: it takes two vectors")
    return matmul(input, tensor)


def vdot(input: Any, other: Any) -> Any:
    """`dot`; for complex numbers PyTorch tells them apart. PyTorch: `torch.vdot`."""
    return dot(input, other)


def inner(input: Any, other: Any) -> Any:
    """Sums of products over the last dimension of both; with a number, the product. PyTorch: `torch.inner`.

    >>> import minigrad as mg
    >>> mg.inner(mg.ones(2, 3), mg.ones(4, 3)).shape
    (2, 4)
    """
    if input.ndim == 0 or other.ndim == 0:
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise ShapeError(
            f"inner of {tuple(input.shape)} and {tuple(other.shape)}: the last dimensions {input.shape[-1]} and "
            f"{other.shape[-1]} must be equal"
        )
    products = matmul(_rows(input), transpose(_rows(other), 0, 1))
    return reshape(products, (*input.shape[:-1], *other.shape[:-1]))


def outer(input: Any, vec2: Any) -> Any:
    """All products of an element of one vector and one of the other. PyTorch: `torch.outer`."""
    if input.ndim != 1 or vec2.ndim != 1:
        raise ShapeError(f"outer of {tuple(input.shape)} and {tuple(vec2.shape)}: it takes two vectors")
    return unsqueeze(input, 1) * vec2


def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """Cross products of vectors of three along `dim` (the first of size 3 if None); the other dimensions broadcast.
    PyTorch: `torch.cross`.

    >>> import minigrad as mg
    >>> mg.cross(mg.tensor([1, 0, 0]), mg.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    if input.ndim != other.ndim:
        raise ShapeError(f"cross needs as many dimensions in both, got {tuple(input.shape)} and {tuple(other.shape)}")
    if dim is None:
        dim = next((axis for axis, size in enumerate(input.shape) if size == 3), 0)
    dim = dim_of(input.ndim, dim)
    if input.shape[dim] != 3 or other.shape[dim] != 3:
        raise ShapeError(
            f"cross takes vectors of three along dim {dim}, got {tuple(input.shape)} and {tuple(other.shape)}"
        )
    whole = (slice(None),) * dim
    x, y = ([getitem(v, (*whole, [*range(i, 3), *range(i)])) for i in (1, 2)] for v in (input, other))
    return x[0] * y[1] - x[1] * y[0]  # (x2, x3, x1) (y3, y1, y2) - (x3, x1, x2) (y2, y3, y1)


def _plus(name: str, input: Any, product: Any, beta: Any, alpha: Any) -> Any:
    """`beta * input + alpha * product`, in the shape of the product; `input` is not looked at if beta is 0."""
    if len(input.shape) > len(product.shape):
        raise ShapeError(f"{name}: input of shape {tuple(input.shape)} does not expand to {tuple(product.shape)}")
    input = expand(input, tuple(product.shape))
    product = product if alpha == 1 else product * alpha
    if beta == 0:
        return product
    return (input if beta == 1 else input * beta) + product


def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """`beta * input + alpha * (mat1 @ mat2)` of matrices. PyTorch: `torch.addmm`."""
    return _plus("addmm", input, mm(mat1, mat2), beta, alpha)


def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """`beta * input + alpha * (mat @ vec)` of a matrix and a vector. PyTorch: `torch.addmv`."""
    return _plus("addmv", input, mv(mat, vec), beta, alpha)


def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """`beta * input + alpha * outer(vec1, vec2)`. PyTorch: `torch.addr`."""
    return _plus("addr", input, outer(vec1, vec2), beta, alpha)


def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """`beta * input + alpha * (batch1 @ batch2)` of stacks of matrices. PyTorch: `torch.baddbmm`."""
    return _plus("baddbmm", input, bmm(batch1, batch2), beta, alpha)


def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """`beta * input + alpha * sum(batch1 @ batch2)` over the stack. PyTorch: `torch.addbmm`."""
    return _plus("addbmm", input, sum(bmm(batch1, batch2), 0), beta, alpha)


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


__all__ = [
    "addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "cross", "dot", "inner", "matmul", "mm", "mv", "outer",
    "vdot",
]  # fmt: skip
