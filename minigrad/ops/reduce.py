"""Reductions: sums, products, extremes, truth. What is composed of them is in `statistics`.

`dim` is an int, a tuple of ints, or None for all; negative ones count from the end. Where PyTorch accepts NumPy's
spellings `axis` and `keepdims`, they are accepted here too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..backends import Array, backend_of
from ..tensor import Tensor
from .cast import cast, clone
from .dtypes import checked_dtype
from .elementwise import maximum, minimum, where
from .failure import check_tensors
from .index import dim_of, gather, no_such_dim, raw, whole
from .primitive import Primitive
from .shape import expand, reshape, transpose
from .transcendental import exp, log


def axes_of(ndim: int, dim: Any) -> tuple[int, ...]:
    """`dim` as a sorted tuple of non-negative ints; None means all, and so does an empty tuple, as in PyTorch."""
    if dim is None or (isinstance(dim, (tuple, list)) and not dim):
        return tuple(range(ndim))
    axes = []
    for axis in dim if isinstance(dim, (tuple, list)) else (dim,):
        if axis.__class__ is not int:
            axis = whole("dim", axis)
        if not -ndim <= axis < ndim and not (ndim == 0 and axis in (0, -1)):
            raise IndexError(no_such_dim(ndim, axis))
        axes.append(axis % (ndim or 1))
    if len(set(axes)) != len(axes):
        raise ValueError(f"dim {dim} names a dimension twice")
    return tuple(sorted(axes)) if ndim else ()


def chosen(dim: Any, keepdim: bool, axis: Any, keepdims: bool | None) -> tuple[Any, bool]:
    return (dim if axis is None else axis), (keepdim if keepdims is None else keepdims)


def _restore(value: Any, axes: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """A reduced value with the reduced dimensions back, at size 1."""
    return reshape(value, tuple(1 if axis in axes else size for axis, size in enumerate(shape)))


_sum = Primitive("sum", lambda x, *, axes, keepdims: backend_of(x).sum(x, axes, keepdims)).rules(
    x=lambda g, x_shape, axes: expand(_restore(g, axes, x_shape), x_shape),
)


def _share_among_ties(g: Any, out: Any, x: Any, axes: tuple[int, ...]) -> Any:
    ties = cast(x == _restore(out, axes, x.shape), dtype=g.dtype)
    return _restore(g, axes, x.shape) * ties / _sum(ties, axes=axes, keepdims=True)


_amax = Primitive("amax", lambda x, *, axes, keepdims: np.max(x, axis=axes, keepdims=keepdims)).rules(
    x=_share_among_ties
)
_amin = Primitive("amin", lambda x, *, axes, keepdims: np.min(x, axis=axes, keepdims=keepdims)).rules(
    x=_share_among_ties
)


def sum(
    input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, axis: Any = None,
    keepdims: bool | None = None,
) -> Any:  # fmt: skip
    """The sum over `dim`; integers and bools add up in int64. PyTorch: `torch.sum`.

    >>> import minigrad as mg
    >>> mg.sum(mg.ones(2, 3), dim=1)
    tensor([3., 3.])
    """
    if input.__class__ is not Tensor:
        check_tensors("sum", input)
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    if dtype is not None or input.dtype.kind == "u":
        input = cast(input, dtype=checked_dtype(np.int64 if dtype is None else dtype))
    out = _sum(input, axes=axes_of(input.ndim, dim), keepdims=keepdim)
    return out if dtype is None or out.dtype == dtype else cast(out, dtype=checked_dtype(dtype))


def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """`sum` with 0 in place of nan. PyTorch: `torch.nansum`."""
    return sum(where(input != input, 0, input), dim, keepdim, dtype=dtype)


def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product of all, or along `dim`; integers and bools multiply in int64. PyTorch: `torch.prod`.

    A tree of products, so that gradients of any order are right at zeros too.

    >>> import minigrad as mg
    >>> mg.prod(mg.tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1)
    tensor([ 2., 12.])
    """
    if dtype is None and input.dtype.kind != "f":
        dtype = np.int64
    x = input if dtype is None else cast(input, dtype=checked_dtype(dtype))
    axes = axes_of(input.ndim, dim)
    x = transpose(x, 0, axes[0]) if dim is not None and axes else reshape(x, -1)
    rest = backend_of(raw(x)).xp.ones((), x.dtype)  # what was left over where the number of factors was odd
    while x.shape[0] > 1:
        half, odd = divmod(x.shape[0], 2)
        if odd:
            rest = x[-1:] * rest
        x = x[:half] * x[half : 2 * half]
    out = x * rest if x.shape[0] else _sum(x, axes=(0,), keepdims=True) + rest
    out = transpose(out, 0, axes[0]) if dim is not None and axes else out
    return reshape(out, tuple(1 if i in axes else n for i, n in enumerate(input.shape) if keepdim or i not in axes))


def count_nonzero(input: Any, dim: Any = None) -> Any:
    """The number of elements over `dim` that are not 0. PyTorch: `torch.count_nonzero`."""
    return sum(input != 0, dim)


def amax(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Any:
    """The largest value over `dim`; ties share the gradient evenly. PyTorch: `torch.amax`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    return _amax(input, axes=axes_of(input.ndim, dim), keepdims=keepdim)


def amin(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Any:
    """The smallest value over `dim`; ties share the gradient evenly. PyTorch: `torch.amin`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    return _amin(input, axes=axes_of(input.ndim, dim), keepdims=keepdim)


class Extremes(NamedTuple):
    """What `aminmax` returns."""

    min: Any
    max: Any


def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> Extremes:
    """The smallest and the largest value, of all or along `dim`; as `amin` and `amax`. PyTorch: `torch.aminmax`."""
    return Extremes(amin(input, dim, keepdim), amax(input, dim, keepdim))


class Selected(NamedTuple):
    """What choosing along a dimension returns: the elements, and where they stand."""

    values: Any
    indices: Any


def max(
    input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None, axis: Any = None,
    keepdims: bool | None = None,
) -> Any:  # fmt: skip
    """The largest value of all, or (values, indices) along `dim`; of two tensors, `maximum`. PyTorch: `torch.max`.

    Along a dimension the gradient goes to the element named by `indices` alone.

    >>> import minigrad as mg
    >>> mg.max(mg.tensor([[1.0, 3.0], [4.0, 2.0]]), dim=1).indices
    tensor([1, 0])
    """
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    other = dim if isinstance(dim, Tensor) else other
    if other is not None:
        return maximum(input, other)
    return amax(input) if dim is None else _along(input, argmax(input, dim, keepdim=True), dim, keepdim)


def min(
    input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None, axis: Any = None,
    keepdims: bool | None = None,
) -> Any:  # fmt: skip
    """The smallest value of all, or (values, indices) along `dim`; of two tensors, `minimum`. PyTorch: `torch.min`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    other = dim if isinstance(dim, Tensor) else other
    if other is not None:
        return minimum(input, other)
    return amin(input) if dim is None else _along(input, argmin(input, dim, keepdim=True), dim, keepdim)


def _along(input: Any, indices: Any, dim: int, keepdim: bool) -> Selected:
    values = gather(input, dim, indices) if input.ndim else clone(input)
    if not keepdim and input.ndim:
        shape = tuple(size for axis, size in enumerate(values.shape) if axis != dim % input.ndim)
        values, indices = reshape(values, shape), reshape(indices, shape)
    return Selected(values, indices)


_argmax = Primitive("argmax", lambda x, *, axis, keepdims: np.argmax(x, axis=axis, keepdims=keepdims))
_argmin = Primitive("argmin", lambda x, *, axis, keepdims: np.argmin(x, axis=axis, keepdims=keepdims))


def argmax(
    input: Any, dim: int | None = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None
) -> Any:
    """The position of the largest value, the first of equals. PyTorch: `torch.argmax`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    return _argmax(input, axis=_axis_of(input.ndim, dim), keepdims=keepdim)


def argmin(
    input: Any, dim: int | None = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None
) -> Any:
    """The position of the smallest value, the first of equals. PyTorch: `torch.argmin`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    return _argmin(input, axis=_axis_of(input.ndim, dim), keepdims=keepdim)


def _axis_of(ndim: int, dim: int | None) -> int | None:
    """The one axis to look along, None for all elements in a row: a number's dimension 0 is that too."""
    axis = None if dim is None else dim_of(ndim or 1, dim)
    return axis if ndim else None


_any = Primitive("any", lambda x, *, axes, keepdims: np.any(x, axis=axes, keepdims=keepdims))
_all = Primitive("all", lambda x, *, axes, keepdims: np.all(x, axis=axes, keepdims=keepdims))


def any(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Any:
    """Whether any element is nonzero; over no dimensions with `dim=()`. PyTorch: `torch.any`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    return _any(input, axes=() if dim == () else axes_of(input.ndim, dim), keepdims=keepdim)


def all(input: Any, dim: Any = None, keepdim: bool = False, *, axis: Any = None, keepdims: bool | None = None) -> Any:
    """Whether all elements are nonzero; over no dimensions with `dim=()`. PyTorch: `torch.all`."""
    dim, keepdim = chosen(dim, keepdim, axis, keepdims)
    return _all(input, axes=() if dim == () else axes_of(input.ndim, dim), keepdims=keepdim)


@np.errstate(all="ignore")
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """log(sum(exp(input))) without overflow. PyTorch: `torch.logsumexp`."""
    if input.dtype.kind != "f":
        input = cast(input, dtype=np.dtype(np.float32))  # differences of unsigned integers wrap around
    axes = axes_of(input.ndim, dim)
    largest = finite_max(input, axes)
    total = log(_sum(exp(input - largest), axes=axes, keepdims=True)) + largest
    return total if keepdim else reshape(total, tuple(s for axis, s in enumerate(input.shape) if axis not in axes))


def finite_max(input: Any, axes: tuple[int, ...]) -> Array:
    """The largest value along `axes`, kept as dimensions of size 1 and outside the graph; 0 where it is infinite.

    The shift that keeps exponentials in range. What is computed with it does not depend on it, so it has no gradient.
    """
    data = raw(input)
    if 0 in data.shape:
        return np.zeros([1 if axis in axes else size for axis, size in enumerate(data.shape)], data.dtype, like=data)
    largest = np.max(data, axis=axes, keepdims=True)
    return np.where(np.isfinite(largest), largest, np.zeros_like(largest))


__all__ = [
    "all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "logsumexp", "max", "min", "nansum",
    "prod", "sum",
]  # fmt: skip
