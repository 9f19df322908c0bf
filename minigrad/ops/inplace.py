"""In-place operations: compute out of place, then write the result into the tensor's own memory.

What the graph has saved of that memory is noted as overwritten (`log_write`), and a backward that would read it
raises. Views made before the write refuse to be used after it. So a wrong use raises, and never gives wrong numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import grad_mode, graph
from ..backends import as_array, backend_of, moved
from ..tensor import Tensor, check_view
from ..writes import is_writable, log_write
from . import diagonals, elementwise, logic, rounding, scan, transcendental
from .cast import clone
from .dtypes import can_cast
from .failure import DTypeError, ShapeError, check_held, in_our_words
from .index import assign, index_put, index_put_here, normalize_index, without_leading_ones
from .primitive import Primitive


def write(tensor: Tensor, name: str, result: Any) -> Tensor:
    """Make `result`, computed from `tensor`, the tensor's new value."""
    _check_writable(tensor, name, recorded=isinstance(result, Tensor) and result.requires_grad)
    data = result.data if isinstance(result, Tensor) else as_array(result)
    if data.shape != tensor.shape:
        raise ShapeError(f"{name}: the result has shape {data.shape}, the tensor to hold it {tensor.shape}")
    if not can_cast(data.dtype, tensor.dtype):
        raise DTypeError(
            f"{name}: a result of dtype {data.dtype} cannot be kept in a tensor of dtype {tensor.dtype}; convert "
            f"one of them, with .to(...)"
        )
    tensor.data[...] = data
    return _written(tensor, name, result)


def _check_writable(tensor: Tensor, name: str, recorded: bool) -> None:
    """Refuse what may not be overwritten; `recorded` says whether the new value has a history."""
    if grad_mode.is_grad_enabled():
        if tensor.requires_grad and tensor.node is None:
            raise RuntimeError(
                f"{name} would overwrite a leaf of shape {tensor.shape} that requires grad; wrap it in "
                f"minigrad.no_grad() if its history does not matter (a parameter update), or use the out-of-place "
                f"operation"
            )
        if tensor.view_of is not None and (recorded or tensor.view_of[0].requires_grad):
            raise RuntimeError(
                f"{name} on a view of a tensor that is part of a graph; write to the whole instead: base[index] = value"
            )
    if not is_writable(tensor.data):
        raise _read_only(name, tensor)


def _written(tensor: Tensor, name: str, result: Any) -> Tensor:
    """The tensor, whose memory holds the values of `result` by now, with the history of `result`."""
    log_write(tensor.data, name)
    if isinstance(result, Tensor) and result.requires_grad:
        before, tensor.node, tensor._requires_grad = tensor.node, result.node or _through(result), True
        if before is not None and before.retained_by is not None and before.retained_by() is tensor:
            tensor.node.retained_by, before.retained_by = before.retained_by, None
    return tensor


def _read_only(name: str, tensor: Tensor) -> Exception:
    return RuntimeError(
        f"{name} on a tensor of shape {tensor.shape} whose memory is read-only (an expanded tensor shows one value in "
        f"several places); call .clone() first"
    )


def _before(tensor: Tensor, *others: Any) -> Tensor:
    """The tensor as it is now, in memory of its own if it is in a graph with others: for an operation whose gradient
    reads what is overwritten."""
    in_graph = any(isinstance(each, Tensor) and each.requires_grad for each in (tensor, *others))
    if not (in_graph and grad_mode.is_grad_enabled()):
        return tensor
    return Tensor(tensor.data.copy(), tensor.requires_grad, tensor.node)


def _through(leaf: Tensor) -> graph.Node:
    """A node between a leaf and the tensor its value was copied into."""
    node: graph.Node = clone(leaf).node
    return node


def add_(input: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """`input += alpha * other`. PyTorch: `Tensor.add_`."""
    return write(input, "add_", elementwise.add(input, other if alpha == 1 else elementwise.mul(other, alpha)))


def sub_(input: Tensor, other: Any, *, alpha: float = 1) -> Tensor:
    """`input -= alpha * other`. PyTorch: `Tensor.sub_`."""
    return write(input, "sub_", elementwise.sub(input, other if alpha == 1 else elementwise.mul(other, alpha)))


def mul_(input: Tensor, other: Any) -> Tensor:
    """`input *= other`. PyTorch: `Tensor.mul_`."""
    changes_other = isinstance(other, Tensor) and other.requires_grad
    return write(input, "mul_", elementwise.mul(_before(input, other) if changes_other else input, other))


def div_(input: Tensor, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """`input /= other`. PyTorch: `Tensor.div_`."""
    return write(input, "div_", rounding.div(input, other, rounding_mode=rounding_mode))


def clamp_(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """`input` limited to [min, max], in place. PyTorch: `Tensor.clamp_`."""
    return write(input, "clamp_", elementwise.clamp(_before(input, min, max), min, max))


def fill_(input: Tensor, value: float) -> Tensor:
    """Every element `value`. PyTorch: `Tensor.fill_`."""
    return write(input, "fill_", index_put(input, ..., value))


def zero_(input: Tensor) -> Tensor:
    """Every element 0. PyTorch: `Tensor.zero_`."""
    return write(input, "zero_", index_put(input, ..., 0))


def copy_(input: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """The values of `other`, broadcast and converted to the tensor's dtype. PyTorch: `Tensor.copy_`."""
    return setitem(input, ..., other)


def setitem(input: Tensor, index: Any, value: Any) -> Tensor:
    """`input[index] = value`. Values of another dtype are converted. PyTorch: `Tensor.__setitem__`.

    It costs what it touches; its backward costs a copy of the gradient of the whole, as in PyTorch.
    """
    if value is None or isinstance(value, (str, bytes)):
        kind = "None" if value is None else type(value).__name__
        raise DTypeError(f"assignment into a tensor of shape {input.shape} needs a number or a tensor, got {kind}")
    check_held("assignment by index", "a tensor", value)
    if grad_mode.is_grad_enabled():
        for each in (input, value):
            if isinstance(each, Tensor) and each.view_of is not None:
                check_view(each)
    value = without_leading_ones(value)
    whole = input if input.view_of is None else input.view_of[0]
    recorded = whole.requires_grad or input.requires_grad or (isinstance(value, Tensor) and value.requires_grad)
    if not (recorded and grad_mode.is_grad_enabled()):
        array = input.data
        if not is_writable(array):
            raise _read_only("an assignment by index", input)
        if isinstance(value, (list, tuple, np.ndarray)):
            value = moved(np.asarray(value), backend_of(array))
        try:
            assign(array, normalize_index(index, array), value.data if isinstance(value, Tensor) else value)
        except (ValueError, TypeError, IndexError) as error:
            raise type(error)(f"assignment into a tensor of shape {input.shape}: {in_our_words(error)}") from None
        log_write(array, "an assignment by index")
        return input
    return put_here(input, "an assignment by index", index, value)


def put_here(input: Tensor, name: str, index: Any, value: Any) -> Tensor:
    """`input[index] = value`, recorded. It costs what it touches, however large the tensor is."""
    gains_history = isinstance(value, Tensor) and value.requires_grad and input.dtype.kind == "f"
    _check_writable(input, name, recorded=input.requires_grad or gains_history)
    return _written(input, name, index_put_here(input, value, index=normalize_index(index, input.data)))


def _in_place(function: Callable[..., Any]) -> Callable[..., Tensor]:
    """The in-place form of an operation on its first argument."""
    known = function.name if isinstance(function, Primitive) else function.__name__
    name = f"{known}_"

    def change(input: Tensor, *args: Any, **settings: Any) -> Tensor:
        others = (*args, *settings.values())
        return write(input, name, function(_before(input, *others), *args, **settings))

    change.__name__ = change.__qualname__ = name
    change.__doc__ = f"`{known}`, written into the tensor itself. PyTorch: `Tensor.{name}`."
    change.__wrapped__ = function  # type: ignore[attr-defined]  # whose arguments it takes
    return change


_OUT_OF_PLACE: tuple[Callable[..., Any], ...] = (
    elementwise.abs, elementwise.addcdiv, elementwise.addcmul, elementwise.clamp_max, elementwise.clamp_min,
    elementwise.lerp, elementwise.logit, elementwise.masked_fill, elementwise.nan_to_num, elementwise.neg,
    elementwise.pow, elementwise.reciprocal, elementwise.relu, elementwise.rsqrt, elementwise.sign,
    elementwise.square, elementwise.xlogy,
    logic.bitwise_and, logic.bitwise_or, logic.bitwise_xor,
    logic.logical_and, logic.logical_not, logic.logical_or, logic.logical_xor,
    rounding.ceil, rounding.floor, rounding.floor_divide, rounding.fmod, rounding.frac, rounding.remainder,
    rounding.round, rounding.trunc,
    scan.cumprod, scan.cumsum, diagonals.tril, diagonals.triu,
    transcendental.acos, transcendental.acosh, transcendental.asin, transcendental.asinh, transcendental.atan,
    transcendental.atan2, transcendental.atanh, transcendental.cos, transcendental.cosh, transcendental.erf,
    transcendental.erfc, transcendental.exp, transcendental.exp2, transcendental.expm1, transcendental.hypot,
    transcendental.log, transcendental.log10, transcendental.log1p, transcendental.log2, transcendental.sigmoid,
    transcendental.sin, transcendental.sinh, transcendental.sqrt, transcendental.tan, transcendental.tanh,
)  # fmt: skip
IN_PLACE = {change.__name__: change for change in map(_in_place, _OUT_OF_PLACE)}

__all__ = ["add_", "clamp_", "copy_", "div_", "fill_", "mul_", "sub_", "zero_"]
