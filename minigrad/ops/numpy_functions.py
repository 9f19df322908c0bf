"""NumPy's functions on tensors: `np.sum(x, axis=0)`, `np.concatenate([x, array])`, `np.linalg.norm(x)`.

One table from each function to what computes it here, with NumPy's argument names and meaning where they differ from
PyTorch's: `np.var` divides by n, `np.median` of an even number is between two, `np.max` along an axis gives values
alone. Everything is recorded; what has no entry raises, and no value is ever detached silently.

Source: NumPy enhancement proposal 18, https://numpy.org/neps/nep-0018-array-function-protocol.html
"""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backends import backend_of, is_array_class
from ..tensor import Tensor
from . import (
    contraction,
    conversion,
    creation,
    diagonals,
    elementwise,
    index,
    interchange,
    join,
    linalg,
    logic,
    ordering,
    products,
    rearrange,
    reduce,
    rounding,
    scan,
    search,
    shape,
    statistics,
)
from .cast import cast, clone
from .dtypes import result_dtype
from .failure import ShapeError
from .ufuncs import checked_axis, product, refusal, write_out

# Taken as they are: the arguments after the first go by name, `axis` as `dim` and `keepdims` as `keepdim`.
DIRECT: dict[Callable[..., Any], Callable[..., Any]] = {
    np.sum: reduce.sum, np.prod: product, np.mean: statistics.mean, np.nansum: reduce.nansum,
    np.nanmean: statistics.nanmean, np.max: reduce.amax, np.min: reduce.amin, np.amax: reduce.amax,
    np.amin: reduce.amin, np.any: reduce.any, np.all: reduce.all, np.argmax: reduce.argmax, np.argmin: reduce.argmin,
    np.fliplr: rearrange.fliplr, np.flipud: rearrange.flipud, np.argwhere: search.argwhere,
    np.squeeze: shape.squeeze, np.round: rounding.round, np.around: rounding.round,
    np.linalg.inv: linalg.inv, np.linalg.det: linalg.det, np.linalg.slogdet: linalg.slogdet,
    np.linalg.norm: linalg.norm, np.linalg.cholesky: linalg.cholesky,
    np.zeros_like: creation.zeros_like, np.ones_like: creation.ones_like,
}  # fmt: skip
RENAMED = {"axis": "dim", "keepdims": "keepdim"}


# ------------------------------------------------------------------------------------------------ of several lines


def _flat_if(axis: Any, a: Any) -> tuple[Any, int]:
    """What NumPy works on if `axis` is None: all elements in a row."""
    return (shape.reshape(a, -1), 0) if axis is None else (a, axis)


def _along(operation: Callable[..., Any], default: int | None) -> Callable[..., Any]:
    """An operation along one dimension, or on all elements in a row."""
    return lambda a, axis=default: operation(*_flat_if(axis, a))


def _cumulative(operation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, axis=None, dtype=None: operation(*_flat_if(axis, a), dtype=dtype)


def _spread(name: str, operation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, axis=None, ddof=0, keepdims=False: operation(
        a, checked_axis(name, axis), correction=ddof, keepdim=keepdims
    )


def _edge(a: Any, axis: int, value: Any) -> Any:
    """What `np.diff` puts before or after `a`: a number stands for one in every row."""
    if value is None or np.ndim(value):
        return value
    axis = index.dim_of(a.ndim, axis)
    sizes = tuple(1 if each == axis else size for each, size in enumerate(a.shape))
    return shape.broadcast_to(creation.as_tensor(value, dtype=a.dtype, device=a.device), sizes)


def _ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    axis = checked_axis("np.ptp", axis)
    return reduce.amax(a, axis, keepdims) - reduce.amin(a, axis, keepdims)


def _median(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """The middle value, or the mean of the middle two; nan if one is."""
    axes = reduce.axes_of(a.ndim, checked_axis("np.median", axis))
    kept = tuple(each for each in range(a.ndim) if each not in axes)
    rows = shape.reshape(shape.permute(a, *kept, *axes), (*(a.shape[each] for each in kept), -1))
    ordered = ordering.sort(rows, -1).values  # a nan comes last
    size = ordered.shape[-1]
    low, high, last = (shape.select(ordered, -1, place) for place in ((size - 1) // 2, size // 2, size - 1))
    middle = elementwise.where(last != last, last, (low + high) / 2)
    sizes = [1 if each in axes else n for each, n in enumerate(a.shape) if keepdims or each in kept]
    return shape.reshape(middle, sizes)


def _average(a: Any, axis: Any = None, weights: Any = None, keepdims: bool = False) -> Any:
    if weights is None:
        return statistics.mean(a, axis, keepdims)
    if weights.shape != a.shape:
        if not isinstance(axis, int) or weights.ndim != 1:
            raise ShapeError(f"np.average: weights of shape {weights.shape} for {a.shape} along axis {axis}")
        weights = shape.reshape(weights, [-1 if each == axis % a.ndim else 1 for each in range(a.ndim)])
    total = reduce.sum(shape.broadcast_to(weights, a.shape), axis, keepdims)
    return reduce.sum(a * weights, axis, keepdims) / total


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return clone(a) if low is None and high is None else elementwise.clamp(a, low, high)


def _where(condition: Any, *choices: Any) -> Any:
    if not choices:
        return search.nonzero(condition, as_tuple=True)
    return elementwise.where(condition != 0, *choices)


def _dot(a: Any, b: Any) -> Any:
    if not np.ndim(a) or not np.ndim(b):
        return a * b
    return products.matmul(a, b) if b.ndim < 3 else contraction.tensordot(a, b, ([-1], [-2]))


def _solve(a: Any, b: Any) -> Any:
    """As `linalg.solve`; the right side is one vector if it has one dimension, and matrices otherwise."""
    if b.ndim != 1:
        return linalg.solve(a, b)
    return shape.squeeze(linalg.solve(a, shape.unsqueeze(b, -1)), -1)


def _unique(
    ar: Any, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False,
    axis: int | None = None,
) -> Any:  # fmt: skip
    if return_index:
        raise TypeError(refusal("np.unique", "gives no return_index"))
    return search.unique(ar, return_inverse=return_inverse, return_counts=return_counts, dim=axis)


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    size = ary.shape[axis]
    if isinstance(indices_or_sections, int) and size % indices_or_sections:
        raise ShapeError(f"np.split: {size} elements along axis {axis} do not divide into {indices_or_sections} parts")
    return list(join.tensor_split(ary, indices_or_sections, axis))


def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:  # one after the other along the same axis, that of the flat array
        return rearrange.roll(a, operator.index(np.sum(shift)), None)
    pairs = [(operator.index(by), operator.index(along)) for by, along in np.broadcast(shift, axis)]
    if not pairs:
        return clone(a)
    for by, along in pairs:
        a = rearrange.roll(a, by, along)
    return a


def _expand_dims(a: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    for each in reduce.axes_of(a.ndim + len(axes), axes) if axes else ():
        a = shape.unsqueeze(a, each)
    return a


def _einsum(subscripts: str, *operands: Any, optimize: Any = False) -> Any:
    if not isinstance(subscripts, str):
        raise TypeError(refusal("np.einsum", "takes its letters in one string"))
    return contraction.einsum(subscripts, *operands)


def _close(operation: Callable[..., Any]) -> Callable[..., Any]:
    def compare(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
        dtype = result_dtype((a, b))
        home = next(each.device for each in (a, b) if isinstance(each, Tensor))
        a, b = (each if isinstance(each, Tensor) else creation.as_tensor(each, device=home) for each in (a, b))
        a, b = cast(a, dtype=dtype), cast(b, dtype=dtype)
        return operation(a, b, rtol, atol, equal_nan)

    return compare


def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    home = next(each.device for each in (arr, values) if isinstance(each, Tensor))
    parts = (each if isinstance(each, Tensor) else np.asarray(each) for each in (arr, values))
    return _joined([creation.as_tensor(each, device=home) for each in parts], axis, None)


def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    src = creation.as_tensor(src, device=dst.device) if isinstance(dst, Tensor) else src
    write_out("np.copyto", dst, shape.broadcast_to(src, dst.shape), where)


def _on_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that writes or tells what the values are, and computes nothing: on arrays, which `numpy` gives only
    for tensors outside of a graph."""

    def read(*args: Any, **kwargs: Any) -> Any:
        out = [interchange.numpy(each) if isinstance(each, Tensor) else each for each in (*args, *kwargs.values())]
        return function(*out[: len(args)], **dict(zip(kwargs, out[len(args) :])))

    return read


# ------------------------------------------------------------------------------------------------------- the table

# With NumPy's names for the arguments, in NumPy's order.
ADAPTED: dict[Callable[..., Any], Callable[..., Any]] = {
    # statistics and order
    np.var: _spread("np.var", statistics.var), np.std: _spread("np.std", statistics.std), np.ptp: _ptp,
    np.median: _median,
    np.average: _average, np.count_nonzero: lambda a, axis=None: reduce.count_nonzero(a, axis),
    np.cumsum: _cumulative(scan.cumsum), np.cumprod: _cumulative(scan.cumprod),
    np.diff: lambda a, n=1, axis=-1, prepend=None, append=None: scan.diff(
        a, n, axis, _edge(a, axis, prepend), _edge(a, axis, append)
    ),
    np.sort: lambda a, axis=-1, kind=None, order=None, *, stable=None: ordering.sort(
        *_flat_if(axis, a)
    ).values,
    np.argsort: lambda a, axis=-1, kind=None, order=None, *, stable=None: ordering.argsort(
        *_flat_if(axis, a)
    ),
    np.unique: _unique,
    np.searchsorted: lambda a, v, side="left", sorter=None: search.searchsorted(a, v, side=side, sorter=sorter),
    np.isin: lambda element, test_elements, assume_unique=False, invert=False: search.isin(
        element, test_elements, assume_unique=assume_unique, invert=invert
    ),
    np.bincount: search.bincount,
    # choice
    np.where: _where, np.clip: _clip, np.nonzero: lambda a: search.nonzero(a, as_tuple=True),
    np.flatnonzero: lambda a: search.nonzero(shape.reshape(a, -1), as_tuple=True)[0],
    np.nan_to_num: lambda x, copy=True, nan=0.0, posinf=None, neginf=None: elementwise.nan_to_num(
        x, nan, posinf, neginf
    ),
    np.isclose: _close(logic.isclose), np.allclose: _close(logic.allclose),
    np.array_equal: lambda a1, a2: logic.equal(a1, a2),
    np.take: lambda a, indices, axis=None: (
        shape.reshape(a, -1)[indices] if axis is None else a[(slice(None),) * index.dim_of(a.ndim, axis) + (indices,)]
    ),
    np.take_along_axis: lambda arr, indices, axis=-1: index.take_along_dim(arr, indices, axis),
    # shape
    np.reshape: lambda a, shape: a.reshape(shape), np.ravel: lambda a: shape.reshape(a, -1),
    np.transpose: lambda a, axes=None: shape.permute(a, *(reversed(range(a.ndim)) if axes is None else axes)),
    np.swapaxes: lambda a, axis1, axis2: shape.transpose(a, axis1, axis2),
    np.moveaxis: lambda a, source, destination: shape.movedim(a, source, destination), np.expand_dims: _expand_dims,
    np.broadcast_to: lambda array, shape: array.broadcast_to(shape),
    np.broadcast_arrays: lambda *args: shape.broadcast_tensors(*args),
    np.atleast_1d: lambda *arys: shape.atleast_1d(*arys), np.atleast_2d: lambda *arys: shape.atleast_2d(*arys),
    np.atleast_3d: lambda *arys: shape.atleast_3d(*arys), np.copy: lambda a, order="K", subok=False: clone(a),
    np.shape: lambda a: a.shape, np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: conversion.numel(a) if axis is None else conversion.size(a, axis),
    np.flip: lambda m, axis=None: rearrange.flip(m, reduce.axes_of(m.ndim, axis)), np.roll: _roll,
    np.rot90: lambda m, k=1, axes=(0, 1): rearrange.rot90(m, k, axes), np.tile: lambda A, reps: rearrange.tile(A, reps),
    np.repeat: lambda a, repeats, axis=None: rearrange.repeat_interleave(a, repeats, axis),
    # joined and split
    np.concatenate: lambda arrays, axis=0, dtype=None: _joined(arrays, axis, dtype),
    np.stack: lambda arrays, axis=0: shape.stack(arrays, axis), np.vstack: lambda tup: join.vstack(tup),
    np.hstack: lambda tup: join.hstack(tup), np.dstack: lambda tup: join.dstack(tup),
    np.column_stack: lambda tup: shape.cat([each if each.ndim > 1 else shape.reshape(each, -1, 1) for each in tup], 1),
    np.append: _append,
    np.split: _split, np.array_split: lambda ary, indices_or_sections, axis=0: list(
        join.tensor_split(ary, indices_or_sections, axis)
    ),
    np.hsplit: lambda ary, indices_or_sections: list(join.hsplit(ary, indices_or_sections)),
    np.vsplit: lambda ary, indices_or_sections: list(join.vsplit(ary, indices_or_sections)),
    np.dsplit: lambda ary, indices_or_sections: list(join.dsplit(ary, indices_or_sections)),
    np.meshgrid: lambda *xi, indexing="xy": rearrange.meshgrid(*xi, indexing=indexing),
    # diagonals
    np.diag: lambda v, k=0: diagonals.diag(v, k), np.tril: lambda m, k=0: diagonals.tril(m, k),
    np.triu: lambda m, k=0: diagonals.triu(m, k),
    np.diagonal: lambda a, offset=0, axis1=0, axis2=1: diagonals.diagonal(a, offset, axis1, axis2),
    np.trace: lambda a, offset=0, axis1=0, axis2=1: reduce.sum(diagonals.diagonal(a, offset, axis1, axis2), -1),
    # products and linear algebra
    np.dot: _dot, np.inner: lambda a, b: products.inner(a, b), np.einsum: _einsum,
    np.vdot: lambda a, b: products.vdot(shape.reshape(a, -1), shape.reshape(b, -1)),
    np.outer: lambda a, b: products.outer(shape.reshape(a, -1), shape.reshape(b, -1)),
    np.tensordot: lambda a, b, axes=2: contraction.tensordot(a, b, _pair(axes)),
    np.kron: lambda a, b: contraction.kron(a, b), np.cross: lambda a, b, axis=-1: products.cross(a, b, axis),
    np.linalg.solve: _solve, np.linalg.matrix_power: lambda a, n: linalg.matrix_power(a, n),
    np.linalg.multi_dot: lambda arrays: linalg.multi_dot(arrays),
    # new ones
    np.empty_like: lambda prototype, dtype=None: creation.empty_like(prototype, dtype=dtype),
    np.full_like: lambda a, fill_value, dtype=None: creation.full_like(a, fill_value, dtype=dtype),
    # memory, and what only reads
    np.copyto: _copyto,
    np.real: lambda val: val, np.iscomplexobj: lambda x: False, np.isrealobj: lambda x: True,
    **{function: _on_values(function) for function in (
        np.save, np.savez, np.savez_compressed, np.savetxt, np.array2string, np.array_repr, np.array_str,
        np.shares_memory, np.may_share_memory,
    )},
}  # fmt: skip


# The arguments in which NumPy takes a list for an array, where the operation does not; in others, such as `axis`, a
# tuple means several.
VALUES = {"a", "a1", "a2", "b", "element", "repeats", "test_elements", "v", "weights"}


def _joined(arrays: Sequence[Any], axis: int | None, dtype: Any) -> Any:
    parts = [each if dtype is None else cast(each, dtype=np.dtype(dtype)) for each in arrays]
    return shape.cat([shape.reshape(each, -1) for each in parts] if axis is None else parts, axis or 0)


def _pair(axes: Any) -> Any:
    """The dimensions of `np.tensordot`, each of which may be a single one."""
    return axes if isinstance(axes, int) else tuple([each] if isinstance(each, int) else list(each) for each in axes)


# ------------------------------------------------------------------------------------------------------ the protocol


def array_function(
    self: Tensor, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """What NumPy calls instead of a function of its own if an argument is a Tensor."""
    if not all(issubclass(each, Tensor) or is_array_class(each) for each in types):
        return NotImplemented  # an array of some other library's, which may know what to do
    name = f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"
    operation = DIRECT.get(function) or ADAPTED.get(function)
    if operation is None:
        raise TypeError(refusal(name, "has no counterpart in minigrad"))
    given = [*args, *kwargs.values()]
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    try:
        bound = _signature(function if function in DIRECT else operation).bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(refusal(name, f"is computed without some of its arguments: {error}")) from None
    if function in DIRECT:
        out = bound.arguments.pop("out", out)
        first, *rest = bound.arguments.items()
        settings = {RENAMED.get(each, each): value for each, value in rest}
        unknown = settings.keys() - _parameters(operation)
        if unknown:
            raise TypeError(refusal(name, f"takes no {', '.join(f'{each}=' for each in sorted(unknown))}"))
        checked_axis(name, settings.get("dim"))
        result = operation(_tensors(first[1]), **settings)
    else:
        for each in VALUES & bound.arguments.keys():
            bound.arguments[each] = _beside(bound.arguments[each], given)
        result = operation(*map(_tensors, bound.args), **{key: _tensors(each) for key, each in bound.kwargs.items()})
    return result if out is None else write_out(name, out[0] if isinstance(out, tuple) else out, result)


_signature = functools.cache(inspect.signature)


@functools.cache
def _parameters(operation: Any) -> frozenset[str]:
    return frozenset(inspect.signature(operation).parameters)


def _beside(value: Any, arguments: Sequence[Any]) -> Any:
    """A list of Python numbers as NumPy reads it, on the device of the tensor among the arguments."""
    if isinstance(value, (list, tuple)) and not _holds_arrays(value):
        home = next(each.device for each in arguments if isinstance(each, Tensor))
        return creation.as_tensor(np.asarray(value), device=home)
    return value


def _holds_arrays(values: Sequence[Any]) -> bool:
    return any(hasattr(each, "dtype") for each in values)


def _tensors(value: Any) -> Any:
    """A value with tensors in the place of arrays, on the devices where these lie; also in lists."""
    if is_array_class(type(value)):
        return creation.as_tensor(value, device=backend_of(value).device)
    if isinstance(value, (list, tuple)) and _holds_arrays(value):
        return [_tensors(each) for each in value]
    return value
