"""Scans: the sum, product, or extreme of every prefix of a dimension; and differences, which undo sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .cast import cast, clone
from .dtypes import checked_dtype
from .elementwise import logaddexp
from .failure import DTypeError, ShapeError
from .index import along, dim_of, getitem
from .primitive import Primitive
from .reduce import Selected
from .shape import cat, reshape, stack, transpose


def _cumsum_forward(x: Array, *, axis: int) -> Array:
    if x.dtype == np.float16:
        return np.cumsum(x, axis=axis, dtype=np.float32).astype(np.float16)
    return np.cumsum(x, axis=axis, dtype=x.dtype)  # NumPy's own choice for small integers is a larger one


def _flip(x: Any, axis: int) -> Any:
    return x[(slice(None),) * axis + (slice(None, None, -1),)]


_cumsum: Primitive = Primitive("cumsum", _cumsum_forward).rules(
    x=lambda g, axis: _flip(_cumsum(_flip(g, axis), axis=axis), axis),
)


def _scan(combine: Callable[[Any, Any], Any], x: Any) -> Any:
    """x[0], combine(x[0], x[1]), ... along the first dimension, for an associative `combine`.

    Combines neighbours, scans the half as many results, and combines once more for every second place: 2n steps in
    2 log(n) calls. Source: Ladner and Fischer, "Parallel prefix computation" (1980).
    """
    n = x.shape[0]
    if n < 2:
        return x
    odd = _scan(combine, combine(x[0 : n - 1 : 2], x[1::2]))  # y[1], y[3], ...
    even = cat([x[:1], combine(odd[: (n - 1) // 2], x[2::2])])  # y[0], y[2], ...
    paired = reshape(stack([even[: n // 2], odd], 1), (n - n % 2, *x.shape[1:]))
    return cat([paired, even[n // 2 :]]) if n % 2 else paired


def _scan_along(combine: Callable[[Any, Any], Any], input: Any, dim: int) -> Any:
    if input.ndim == 0:
        dim_of(1, dim)
        return clone(input)
    dim = dim_of(input.ndim, dim)
    return transpose(_scan(combine, transpose(input, 0, dim)), 0, dim) * 1


def _summable(input: Any, dtype: Any) -> Any:
    """`input` in the dtype asked for; whole numbers add up and multiply in int64."""
    if dtype is None and input.dtype.kind != "f":
        dtype = np.int64
    return input if dtype is None or input.dtype == dtype else cast(input, dtype=checked_dtype(dtype))


def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The sum of each element and all before it along `dim`; integers and bools add up in int64. PyTorch:
    `torch.cumsum`.

    >>> import minigrad as mg
    >>> mg.cumsum(mg.tensor([1, 2, 3]), 0)
    tensor([1, 3, 6])
    """
    input = _summable(input, dtype)
    if input.ndim == 0:
        dim_of(1, dim)
        return clone(input)
    return _cumsum(input, axis=dim_of(input.ndim, dim))


def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """The product of each element and all before it along `dim`, with the right gradient at zeros too. PyTorch:
    `torch.cumprod`.

    >>> import minigrad as mg
    >>> mg.cumprod(mg.tensor([1, 2, 3, 4]), 0)
    tensor([ 1,  2,  6, 24])
    """
    return _scan_along(lambda x, y: x * y, _summable(input, dtype), dim)


def logcumsumexp(input: Any, dim: int) -> Any:
    """log(cumsum(exp(input))) along `dim`, without overflow. PyTorch: `torch.logcumsumexp`. Raises TypeError for
    integers."""
    if input.dtype.kind != "f":
        raise DTypeError(f"logcumsumexp needs a floating-point tensor, got {input.dtype}; convert it with .float()")
    return _scan_along(logaddexp, input, dim)


def cummax(input: Any, dim: int) -> Selected:
    """(values, indices) of the largest among each element and all before it along `dim`: the last of equals, and nan
    once there was one. PyTorch: `torch.cummax`.

    >>> import minigrad as mg
    >>> mg.cummax(mg.tensor([1, 3, 2, 4]), 0).values
    tensor([1, 3, 3, 4])
    """
    return _running(np.maximum, input, dim)


def cummin(input: Any, dim: int) -> Selected:
    """(values, indices) of the smallest among each element and all before it; see `cummax`. PyTorch: `torch.cummin`."""
    return _running(np.minimum, input, dim)


def _running(extreme: Callable[[Array, Array], Array], input: Any, dim: int) -> Selected:
    if input.ndim == 0:
        dim_of(1, dim)
        return Selected(clone(input), Tensor(np.zeros((), np.int64, like=input.data)))
    dim = dim_of(input.ndim, dim)
    x = np.moveaxis(input.data, dim, 0)
    place = np.arange(len(x), like=x).reshape(len(x), *[1] * (x.ndim - 1))
    reached = (x == _scan(extreme, x)) | (x != x)  # where the extreme is taken anew
    places = np.moveaxis(_scan(np.maximum, np.where(reached, place, 0)), 0, dim)
    return Selected(getitem(input, along(input.shape, dim, places)), Tensor(places))


def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along `dim`, `n` times over; of bools, whether they differ. PyTorch: `torch.diff`.

    `prepend` and `append` are joined to `input` first. Raises ValueError for a negative `n` or a 0-d tensor.

    >>> import minigrad as mg
    >>> mg.diff(mg.tensor([1, 4, 9]))
    tensor([3, 5])
    """
    if input.ndim == 0:
        raise ShapeError("diff needs a tensor of at least 1 dimension, got one of shape ()")
    if n < 0:
        raise ValueError(f"diff needs n of at least 0, got {n}")
    dim = dim_of(input.ndim, dim)
    if n == 0:
        return clone(input)
    parts = [part for part in (prepend, input, append) if part is not None]
    x = input if len(parts) == 1 else cat(parts, dim)
    lead = (slice(None),) * dim
    for _ in range(min(n, x.shape[dim])):
        later, earlier = x[(*lead, slice(1, None))], x[(*lead, slice(None, -1))]
        x = later != earlier if x.dtype.kind == "b" else later - earlier
    return x


__all__ = ["cummax", "cummin", "cumprod", "cumsum", "diff", "logcumsumexp"]
