"""Writing along a dimension by index, on a copy and in place: `scatter`, `index_add` and their kin.

Of places named twice, `scatter` and `index_copy` keep one value, and which is not defined; what adds or reduces takes
all of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array, backend_of
from ..tensor import Tensor
from .cast import cast, clone
from .elementwise import masked_fill, where
from .failure import DTypeError, ShapeError, in_module
from .index import along, dim_of, getitem, index_put, places_along, put, raw, slices_named
from .inplace import _before, write
from .primitive import Primitive
from .shape import broadcast_tensors, reshape


def _along(name: str, input: Any, dim: int, index: Any, src: Any) -> tuple[tuple[Array, ...], Any]:
    """The places that `index` names along `dim`, and the part of `src` that goes there."""
    dim, index = places_along(name, input, dim, index)
    if not isinstance(src, Tensor):
        return along(input.shape, dim, index), src
    if src.ndim != index.ndim or any(size > limit for size, limit in zip(index.shape, src.shape)):
        raise ShapeError(
            f"{name}: index of shape {index.shape} reaches beyond src of shape {tuple(src.shape)}{in_module()}"
        )
    if src.dtype != input.dtype:
        raise DTypeError(f"{name} of {src.dtype} into {input.dtype}: convert with .to({input.dtype}){in_module()}")
    part = src if src.shape == index.shape else getitem(src, tuple(slice(size) for size in index.shape))
    return along(input.shape, dim, index), part


def _with_a_dimension(function: Any, input: Any, dim: int, index: Any, src: Any, *settings: Any) -> Any:
    """A scatter into a 0-d tensor, by a 0-d index or both: they count as one element along dim 0."""
    src = reshape(src, 1) if isinstance(src, Tensor) and src.ndim == 0 else src
    return reshape(function(reshape(input, -1), dim, reshape(index, -1), src, *settings), tuple(input.shape))


def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: float | None = None, reduce: str | None = None
) -> Any:
    """`input` with the values of `src` (a tensor or a number), or the number `value`, at the places `index` names along
    `dim`. PyTorch: `torch.scatter`.

    `reduce` is None, "add" or "multiply" (`scatter_reduce` knows more). Raises TypeError for both or neither of `src`
    and `value`.

    >>> import minigrad as mg
    >>> mg.zeros(2, 3).scatter(1, mg.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    if (src is None) == (value is None):
        raise TypeError("scatter takes src or value: one of them")
    src = value if src is None else src
    if input.ndim + raw(index).ndim < 2:
        return _with_a_dimension(lambda *args: scatter(*args, reduce=reduce), input, dim, index, src)
    if reduce is None:
        places, part = _along("scatter", input, dim, index, src)
        return index_put(input, places, part)
    if reduce not in ("add", "multiply"):
        raise ValueError(f"scatter: reduce is 'add' or 'multiply', got {reduce!r}")
    if not isinstance(src, Tensor):
        src = Tensor(backend_of(raw(input)).xp.full(index.shape, src, input.dtype))
    return scatter_reduce(input, dim, index, src, "sum" if reduce == "add" else "prod")


def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """`input` plus the values of `src` at the places `index` names along `dim`. PyTorch: `torch.scatter_add`."""
    if input.ndim + raw(index).ndim < 2:
        return _with_a_dimension(scatter_add, input, dim, index, src)
    places, part = _along("scatter_add", input, dim, index, src)
    return input + put(part, shape=tuple(input.shape), index=places)


# ------------------------------------------------------------------------------------------------- reductions


def _reduced(x: Array, src: Array, *, index: tuple[Array, ...], by: str) -> Array:
    out = x.copy()
    backend_of(x).scatter_by(by, out, index, src)
    return out


def _multiplied(x: Any, src: Any, index: tuple[Array, ...]) -> Any:
    return _scatter_by(x, src, index=index, by="multiply")


def _gradient_of_x(g: Any, out: Any, x: Any, src: Any, index: tuple[Array, ...], by: str) -> Any:
    if by == "multiply":
        return g * _multiplied(np.ones_like(raw(x)), src, index)  # the product of the others
    return where(x == out, g / _ties(out, x, src, index), 0.0)


def _gradient_of_src(g: Any, out: Any, x: Any, src: Any, index: tuple[Array, ...], by: str) -> Any:
    if by != "multiply":
        return where(src == getitem(out, index), getitem(g / _ties(out, x, src, index), index), 0.0)
    zero = src == 0.0
    zeros = getitem(put(cast(zero, dtype=g.dtype), shape=tuple(x.shape), index=index), index)
    nonzero = where(zero, 1.0, src)
    others = getitem(_multiplied(x, nonzero, index), index) / nonzero  # but for zeros: what a lone zero multiplies
    alone = zeros == cast(zero, dtype=g.dtype)  # no zero among the others
    return where(alone, getitem(g, index) * others, 0.0)


def _ties(out: Any, x: Any, src: Any, index: tuple[Array, ...]) -> Any:
    """How many share in each result: ties of `amax` and `amin` get equal parts of the gradient."""
    own = cast(x == out, dtype=out.dtype)
    theirs = cast(src == getitem(out, index), dtype=out.dtype)
    total = own + put(theirs, shape=tuple(out.shape), index=index)
    return where(total == 0.0, 1.0, total)


_scatter_by: Primitive = Primitive("scatter_reduce", _reduced).rules(x=_gradient_of_x, src=_gradient_of_src)
_NEUTRAL = {"sum": 0, "prod": 1, "mean": 0}
_UFUNC = {"prod": "multiply", "amax": "maximum", "amin": "minimum"}


def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """The "sum", "prod", "mean", "amax" or "amin" of all values of `src` that `index` sends to a place along `dim`.
    PyTorch: `torch.scatter_reduce`.

    The value in `input` takes part unless `include_self` is False; where nothing is sent, it stays.

    >>> import minigrad as mg
    >>> groups = mg.tensor([0, 0, 2])
    >>> mg.zeros(3).scatter_reduce(0, groups, mg.tensor([1.0, 3.0, -5.0]), "amin", include_self=False)
    tensor([ 1.,  0., -5.])
    """
    if reduce not in (*_NEUTRAL, *_UFUNC):
        raise ValueError(f"scatter_reduce: reduce is 'sum', 'prod', 'mean', 'amax' or 'amin', got {reduce!r}")
    if input.ndim + raw(index).ndim < 2:
        function = lambda *args: scatter_reduce(*args, include_self=include_self)
        return _with_a_dimension(function, input, dim, index, src, reduce)
    places, part = _along("scatter_reduce", input, dim, index, src)
    shape = tuple(input.shape)
    start = input
    if not include_self:
        touched = index_put(Tensor(np.zeros(shape, np.bool_, like=raw(input))), places, True)
        start = where(touched, _neutral(reduce, input.dtype), input)
    if reduce in _UFUNC:
        return _scatter_by(start, part, index=places, by=_UFUNC[reduce])
    total = start + put(part, shape=shape, index=places)
    if reduce == "sum":
        return total
    ones = backend_of(raw(input)).xp.ones(part.shape, input.dtype)
    count = put(ones, shape=shape, index=places) + (1 if include_self else 0)
    count = np.maximum(count, np.ones_like(count))
    return total // Tensor(count) if input.dtype.kind != "f" else total / Tensor(count)


def _neutral(reduce: str, dtype: Any) -> Any:
    """What changes no result: 0 for sums, 1 for products, the last resort of a maximum or a minimum."""
    if reduce in _NEUTRAL:
        return _NEUTRAL[reduce]
    if dtype.kind == "b":
        return reduce == "amin"
    if dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    limits = np.iinfo(dtype)
    return int(limits.min if reduce == "amax" else limits.max)


# ------------------------------------------------------------------------------------------------ whole slices


def _slices(name: str, input: Any, dim: int, index: Any, source: Any) -> tuple[tuple[Any, ...], Any]:
    dim, places = slices_named(name, input, dim, index)
    expected = (*input.shape[:dim], places.size, *input.shape[dim + 1 :])
    if tuple(source.shape) != expected:
        raise ShapeError(f"{name}: source has shape {tuple(source.shape)}, but {places.size} slices {expected}")
    if source.dtype != input.dtype:
        raise DTypeError(f"{name} of {source.dtype} into {input.dtype}: convert with .to({input.dtype})")
    return (slice(None),) * dim + (places,), source


def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """`input` plus `alpha` times the slices of `source`, at the slices `index` names along `dim`. PyTorch:
    `torch.index_add`.

    >>> import minigrad as mg
    >>> mg.zeros(3).index_add(0, mg.tensor([0, 0, 2]), mg.ones(3))
    tensor([2., 0., 1.])
    """
    if input.ndim == 0:
        return reshape(index_add(reshape(input, 1), dim, index, reshape(source, -1), alpha=alpha), ())
    places, source = _slices("index_add", input, dim, index, source)
    if not isinstance(alpha, (int, float)):
        raise DTypeError(f"index_add: alpha must be a number, got {type(alpha).__name__}{in_module()}")
    return input + put(source if alpha == 1 else source * alpha, shape=tuple(input.shape), index=places)


def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """`input` with the slices of `source` at those `index` names along `dim`. PyTorch: `torch.index_copy`."""
    if input.ndim == 0:
        return reshape(index_copy(reshape(input, 1), dim, index, reshape(source, -1)), ())
    places, source = _slices("index_copy", input, dim, index, source)
    return index_put(input, places, source)


def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """`input` with a number, or a 0-d tensor, in all slices `index` names along `dim`. PyTorch: `torch.index_fill`."""
    if input.ndim == 0:
        return reshape(index_fill(reshape(input, 1), dim, index, value), ())
    if isinstance(value, Tensor) and value.ndim:
        raise ShapeError(f"index_fill takes a number or a 0-d tensor, got shape {value.shape}")
    index = raw(index)
    size = input.shape[dim_of(input.ndim, dim)]
    dim, places = slices_named("index_fill", input, dim, np.where(index < 0, index + size, index))
    named = np.zeros(size, np.bool_, like=places)
    named[places] = True
    return masked_fill(input, Tensor(named.reshape(size, *[1] * (input.ndim - 1 - dim))), value)


def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """`input` with the elements of `source`, one after the other, where `mask` is true; input and mask broadcast.
    PyTorch: `torch.masked_scatter`."""
    if mask.dtype.kind != "b":
        raise TypeError(f"masked_scatter needs a mask of bools, got {mask.dtype}")
    if source.dtype != input.dtype:
        raise DTypeError(f"masked_scatter of {source.dtype} into {input.dtype}: convert with .to({input.dtype})")
    input, mask = broadcast_tensors(input, mask)
    chosen, size = raw(mask), source.data.size
    if backend_of(chosen).checks_values and int(np.count_nonzero(chosen)) > size:
        count = int(np.count_nonzero(chosen))
        raise ShapeError(f"masked_scatter: the mask has {count} true places, source only {size} elements")
    if not size:
        return clone(input)
    places = np.maximum(np.cumsum(chosen) - 1, 0).reshape(chosen.shape)
    return where(chosen, getitem(reshape(source, -1), np.minimum(places, size - 1)), input)


# ---------------------------------------------------------------------------------------------------- in place


def scatter_(
    input: Tensor, dim: int, index: Any, src: Any = None, *, value: float | None = None, reduce: str | None = None
) -> Tensor:
    """`scatter` in place. PyTorch: `Tensor.scatter_`."""
    target = _before(input, src) if reduce else input
    return write(input, "scatter_", scatter(target, dim, index, src, value=value, reduce=reduce))


def scatter_add_(input: Tensor, dim: int, index: Any, src: Any) -> Tensor:
    """`scatter_add` in place. PyTorch: `Tensor.scatter_add_`."""
    return write(input, "scatter_add_", scatter_add(input, dim, index, src))


def scatter_reduce_(
    input: Tensor, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Tensor:
    """`scatter_reduce` in place. PyTorch: `Tensor.scatter_reduce_`."""
    result = scatter_reduce(_before(input, src), dim, index, src, reduce, include_self=include_self)
    return write(input, "scatter_reduce_", result)


def index_add_(input: Tensor, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Tensor:
    """`index_add` in place. PyTorch: `Tensor.index_add_`."""
    return write(input, "index_add_", index_add(input, dim, index, source, alpha=alpha))


def index_copy_(input: Tensor, dim: int, index: Any, source: Any) -> Tensor:
    """`index_copy` in place. PyTorch: `Tensor.index_copy_`."""
    return write(input, "index_copy_", index_copy(input, dim, index, source))


def index_fill_(input: Tensor, dim: int, index: Any, value: Any) -> Tensor:
    """`index_fill` in place. PyTorch: `Tensor.index_fill_`."""
    return write(input, "index_fill_", index_fill(input, dim, index, value))


def index_put_(input: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """`index_put` in place. PyTorch: `Tensor.index_put_`."""
    return write(input, "index_put_", index_put(input, indices, values, accumulate))


def masked_fill_(input: Tensor, mask: Any, value: Any) -> Tensor:
    """`masked_fill` in place. PyTorch: `Tensor.masked_fill_`."""
    return write(input, "masked_fill_", masked_fill(input, mask, value))


def masked_scatter_(input: Tensor, mask: Any, source: Any) -> Tensor:
    """`masked_scatter` in place. PyTorch: `Tensor.masked_scatter_`."""
    return write(input, "masked_scatter_", masked_scatter(input, mask, source))


__all__ = [
    "index_add", "index_copy", "index_fill", "masked_scatter", "scatter", "scatter_add", "scatter_reduce",
]  # fmt: skip
IN_PLACE = {
    function.__name__: function
    for function in (
        index_add_, index_copy_, index_fill_, index_put_, masked_fill_, masked_scatter_, scatter_, scatter_add_,
        scatter_reduce_,
    )
}  # fmt: skip
