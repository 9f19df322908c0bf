"""NumPy's ufuncs on tensors: `np.exp(x)`, `np.add(array, x)`, `array * x`, `np.add.reduce(x)`; the result is a Tensor.

Each is the operation of minigrad's beside it in the tables, recorded like any other, and its dtype follows
minigrad's rules: integers become float32 where PyTorch's do. What has no entry raises, and no value is ever detached
silently. NumPy's functions that are no ufuncs are in `numpy_functions.py`.

Source: NumPy enhancement proposal 13, https://numpy.org/neps/nep-0013-ufunc-overrides.html
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import is_array_class
from ..tensor import Tensor
from ..writes import log_write
from . import elementwise, inplace, logic, products, reduce, rounding, scan, transcendental
from .cast import cast, clone
from .creation import tensor
from .dtypes import can_hold, checked_dtype
from .failure import DTypeError, ShapeError
from .shape import reshape

UFUNCS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: elementwise.add, np.subtract: elementwise.sub, np.multiply: elementwise.mul,
    np.divide: elementwise.true_divide, np.floor_divide: rounding.floor_divide, np.remainder: rounding.remainder,
    np.fmod: rounding.fmod, np.power: elementwise.pow, np.matmul: products.matmul,
    np.negative: elementwise.neg, np.positive: clone, np.conjugate: clone, np.absolute: elementwise.abs,
    np.fabs: elementwise.abs, np.sign: elementwise.sign, np.square: elementwise.square,
    np.reciprocal: elementwise.reciprocal, np.sqrt: transcendental.sqrt,
    np.exp: transcendental.exp, np.exp2: transcendental.exp2, np.expm1: transcendental.expm1,
    np.log: transcendental.log, np.log2: transcendental.log2, np.log10: transcendental.log10,
    np.log1p: transcendental.log1p, np.logaddexp: elementwise.logaddexp, np.hypot: transcendental.hypot,
    np.sin: transcendental.sin, np.cos: transcendental.cos, np.tan: transcendental.tan,
    np.arcsin: transcendental.asin, np.arccos: transcendental.acos, np.arctan: transcendental.atan,
    np.arctan2: transcendental.atan2, np.sinh: transcendental.sinh, np.cosh: transcendental.cosh,
    np.tanh: transcendental.tanh, np.arcsinh: transcendental.asinh, np.arccosh: transcendental.acosh,
    np.arctanh: transcendental.atanh,
    np.deg2rad: lambda x: x * (math.pi / 180), np.radians: lambda x: x * (math.pi / 180),
    np.rad2deg: lambda x: x * (180 / math.pi), np.degrees: lambda x: x * (180 / math.pi),
    np.maximum: elementwise.maximum, np.minimum: elementwise.minimum,
    np.floor: rounding.floor, np.ceil: rounding.ceil, np.trunc: rounding.trunc, np.rint: rounding.round,
    np.equal: logic.eq, np.not_equal: logic.ne, np.less: logic.lt, np.less_equal: logic.le, np.greater: logic.gt,
    np.greater_equal: logic.ge, np.isnan: logic.isnan, np.isinf: logic.isinf, np.isfinite: logic.isfinite,
    np.logical_and: logic.logical_and, np.logical_or: logic.logical_or, np.logical_xor: logic.logical_xor,
    np.logical_not: logic.logical_not, np.bitwise_and: logic.bitwise_and, np.bitwise_or: logic.bitwise_or,
    np.bitwise_xor: logic.bitwise_xor, np.invert: logic.bitwise_not,
}  # fmt: skip


def product(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """`prod` over several dimensions too."""
    if not isinstance(dim, tuple):
        return reduce.prod(input, dim, keepdim)
    for axis in reversed(reduce.axes_of(input.ndim, dim)):
        input = reduce.prod(input, axis, keepdim)
    return input


REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: reduce.sum, np.multiply: product, np.maximum: reduce.amax, np.minimum: reduce.amin,
    np.logaddexp: reduce.logsumexp, np.logical_and: reduce.all, np.logical_or: reduce.any,
}  # fmt: skip
SCANS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: scan.cumsum, np.multiply: scan.cumprod, np.logaddexp: scan.logcumsumexp,
    np.maximum: lambda x, dim: scan.cummax(x, dim).values, np.minimum: lambda x, dim: scan.cummin(x, dim).values,
}  # fmt: skip


def array_ufunc(self: Tensor, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (None,), **settings: Any) -> Any:
    """What NumPy calls instead of a ufunc, or of one of its methods, if an argument or `out` is a Tensor."""
    for each in (*inputs, *out):
        if each.__class__ not in _COMMON and not _is_known(each):
            return NotImplemented  # an array of some other library's, which may know what to do
    call = _METHODS.get(method)
    if call is None:
        raise TypeError(refusal(f"np.{ufunc.__name__}.{method}", "cannot be recorded"))
    where = settings.pop("where", True)
    if where is not True and out[0] is None:
        raise TypeError(
            f"np.{ufunc.__name__} with where= but without out= leaves some elements unset; use np.where(mask, "
            f"np.{ufunc.__name__}(...), other)"
        )
    dtype = settings.pop("dtype", None)
    operands = [_operand(each, dtype) for each in inputs]
    result = call(ufunc, *operands, **{name: value for name, value in settings.items() if name not in _LAYOUT})
    if dtype is not None and result.dtype != dtype:
        raise DTypeError(f"np.{ufunc.__name__} gives {result.dtype} here, not the dtype={np.dtype(dtype)} asked for")
    return result if out[0] is None else write_out(f"np.{ufunc.__name__}", out[0], result, where)


_COMMON = frozenset((Tensor, np.ndarray, int, float, type(None)))
_LAYOUT = ("order", "subok", "casting")  # how NumPy would make a new array: without effect on the values of a tensor


def _apply(ufunc: np.ufunc, *operands: Any, **settings: Any) -> Any:
    operation = UFUNCS.get(ufunc)
    name = f"np.{ufunc.__name__}"
    if operation is None:
        raise TypeError(refusal(name, "has no counterpart in minigrad"))
    if settings:
        raise TypeError(refusal(name, f"takes no {', '.join(f'{each}=' for each in settings)}"))
    return operation(*operands)


def _reduce(ufunc: np.ufunc, array: Any, axis: Any = 0, keepdims: bool = False, **settings: Any) -> Any:
    operation = REDUCTIONS.get(ufunc)
    name = f"np.{ufunc.__name__}.reduce"
    if operation is None:
        raise TypeError(refusal(name, "has no counterpart in minigrad"))
    if settings:
        raise TypeError(refusal(name, f"takes no {', '.join(f'{each}=' for each in settings)}"))
    return operation(array, checked_axis(name, axis), keepdims)


def _accumulate(ufunc: np.ufunc, array: Any, axis: int = 0) -> Any:
    operation = SCANS.get(ufunc)
    if operation is None:
        raise TypeError(refusal(f"np.{ufunc.__name__}.accumulate", "has no counterpart in minigrad"))
    return operation(array, axis)


def _outer(ufunc: np.ufunc, x: Any, y: Any, **settings: Any) -> Any:
    x, y = (each if hasattr(each, "dtype") else tensor(each) for each in (x, y))
    return _apply(ufunc, reshape(x, (*x.shape, *[1] * y.ndim)), y, **settings)


_METHODS: dict[str, Callable[..., Any]] = {
    "__call__": _apply, "reduce": _reduce, "accumulate": _accumulate, "outer": _outer,
}  # fmt: skip


# ------------------------------------------------------------------------------------ what NumPy's functions share


def checked_axis(name: str, axis: Any) -> Any:
    """`axis` as `dim`. The empty tuple is refused: none of the dimensions for NumPy, and all of them for PyTorch."""
    if isinstance(axis, tuple) and not axis:
        raise TypeError(refusal(name, "takes no axis=()"))
    return axis


def write_out(name: str, out: Any, result: Tensor, where: Any = True) -> Any:
    """Write a result into the Tensor or array given as `out`, where `where` is true. Returns `out`.

    Raises RuntimeError if the result is part of a graph: as in PyTorch, `out=` is not recorded.
    """
    if result.requires_grad:
        raise RuntimeError(
            f"{name}: out= cannot be recorded, and an argument requires grad. Leave it out, or call the function under "
            f"minigrad.no_grad() or on x.detach()"
        )
    if where is not True:
        result = elementwise.where(_operand(where), result, out)
    if isinstance(out, Tensor):
        return inplace.write(out, name, result)
    if out.shape != result.shape:
        raise ShapeError(f"{name}: the result has shape {result.shape}, the array to hold it {out.shape}")
    if not np.can_cast(result.dtype, out.dtype, "same_kind"):
        raise DTypeError(f"{name}: a result of dtype {result.dtype} cannot be kept in an array of dtype {out.dtype}")
    out[...] = result.data
    log_write(out, name)
    return out


def _is_known(value: Any) -> bool:
    """Whether a value is one that operations take: not an array of a library that has its own idea of ufuncs."""
    kind = type(value)
    return issubclass(kind, Tensor | np.generic) or is_array_class(kind) or not hasattr(kind, "__array_ufunc__")


def _operand(value: Any, dtype: Any = None) -> Any:
    """A value an operation takes: lists become tensors, and everything of another dtype than asked for is converted."""
    if not isinstance(value, (Tensor, bool, int, float)) and not can_hold(getattr(value, "dtype", None)):
        value = tensor(value)
    if dtype is None or not hasattr(value, "dtype") or value.dtype == dtype:
        return value
    return cast(value, dtype=checked_dtype(dtype))


def refusal(name: str, why: str) -> str:
    return (
        f"{name} of a Tensor {why}. Use minigrad's operations; or leave the graph, and call it on x.detach().numpy(): "
        f"the result has no gradient"
    )
