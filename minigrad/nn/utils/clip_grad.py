"""Limiting the size of gradients, before an optimizer's step: all by one factor, or each element by itself.

PyTorch: `torch.nn.utils`. Both work in place, on the gradients that the parameters have.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator

import numpy as np

from ...backends import Array, backend_of
from ...backends.threads import for_each
from ...ops.failure import DeviceError
from ...tensor import Tensor
from ...writes import log_write

PIECE = 1 << 16  # elements summed in the arrays' own precision; the sums are added in double precision
SPAN = 1 << 18  # elements that are worth a thread
SAFE = 1e-20, 1e37  # sums of squares beyond these may have lost terms to underflow or overflow of float32


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False, foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """Scale all gradients by one factor so that the norm of them together is at most `max_norm`.

    PyTorch: `torch.nn.utils.clip_grad_norm_`. Returns the norm before the scaling, a 0-d tensor. It is right also
    where the squares would overflow or vanish in float32. A norm that is not finite leaves nan in the gradients, as
    PyTorch does, or with `error_if_nonfinite` raises RuntimeError and changes nothing. `norm_type` is the order, also
    "inf" or negative; as in PyTorch, 0 counts the gradients that are not 0 everywhere. Raises ValueError for nan.
    `foreach`, which chooses between ways of computing in PyTorch, changes nothing here. Warns if `parameters` is an
    iterator that was used up before: nothing would ever be clipped. Source: Pascanu et al., "On the difficulty of
    training recurrent neural networks" (2013).

    >>> import minigrad as mg
    >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
    >>> (w * mg.tensor([3.0, 4.0])).sum().backward()
    >>> mg.nn.utils.clip_grad_norm_([w], 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    order, max_norm = float(norm_type), float(max_norm)
    if math.isnan(order):
        raise ValueError("clip_grad_norm_: norm_type must be a number, got nan")
    gradients = _gradients("clip_grad_norm_", parameters)
    if not gradients:
        return Tensor(np.zeros((), np.float32))
    devices = sorted({backend_of(gradient).device for gradient in gradients})
    if len(devices) > 1:
        raise DeviceError(f"clip_grad_norm_: the gradients are on different devices ({', '.join(devices)})")
    if devices != ["cpu"]:
        return _clip_unseen(gradients, order, max_norm, error_if_nonfinite)
    with np.errstate(all="ignore"):
        norm = _norm(gradients, order)
        if error_if_nonfinite:
            _check_finite(norm, order, len(gradients))
        factor = max_norm / (norm + 1e-6)
        if not factor >= 1.0:  # nan too
            small, large = _spans(gradients)
            for array in small:
                array *= factor
            for_each(lambda span: np.multiply(span, factor, out=span), large)
            for gradient in gradients:
                log_write(gradient, "clip_grad_norm_")
        return Tensor(np.asarray(norm, gradients[0].dtype))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Limit every element of the gradients to [-clip_value, clip_value]. PyTorch: `torch.nn.utils.clip_grad_value_`.

    nan stays nan. `foreach` and the warning are as for `clip_grad_norm_`. Raises ValueError for a `clip_value` that is
    negative or nan.

    >>> import minigrad as mg
    >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
    >>> (w * mg.tensor([3.0, -0.5])).sum().backward()
    >>> mg.nn.utils.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([ 1.0000, -0.5000])
    """
    limit = float(clip_value)
    if not limit >= 0.0:
        raise ValueError(f"clip_grad_value_: clip_value must not be negative, got {limit}")
    for gradient in _gradients("clip_grad_value_", parameters):
        np.clip(gradient, -limit, limit, out=gradient)
        log_write(gradient, "clip_grad_value_")


def _gradients(name: str, parameters: Tensor | Iterable[Tensor]) -> list[Array]:
    """The gradients that there are, warning where an iterator has nothing left to give."""
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if not given and isinstance(parameters, Iterator):
        warnings.warn(
            f"{name}: the iterator of parameters is empty, nothing is clipped; was it used up before?",
            UserWarning,
            stacklevel=3,
        )
    return [parameter.grad.data for parameter in given if parameter.grad is not None]


def _check_finite(norm: float, order: float, count: int) -> None:
    if not math.isfinite(norm):
        raise RuntimeError(
            f"clip_grad_norm_: the norm of order {order} of {count} gradients is {norm}; the loss or a layer "
            f"overflowed, or the learning rate is too high"
        )


def _clip_unseen(gradients: list[Array], order: float, max_norm: float, error_if_nonfinite: bool) -> Tensor:
    """The same on a device, where norm and factor stay: a look at either would wait for the whole backward."""
    norm = _norm_unseen([gradient.astype(np.float64) for gradient in gradients], order)
    if error_if_nonfinite:
        _check_finite(float(norm), order, len(gradients))
    factor = max_norm / (norm + 1e-6)
    factor = np.where(factor >= 1.0, 1.0, factor)  # nan stays
    for gradient in gradients:
        gradient *= factor.astype(gradient.dtype)
        log_write(gradient, "clip_grad_norm_")
    return Tensor(norm.astype(gradients[0].dtype))


def _norm_unseen(arrays: list[Array], order: float) -> Array:
    if order == 0.0:
        return np.stack([(array != 0.0).any() for array in arrays]).sum().astype(np.float64)
    filled = [np.abs(array) for array in arrays if array.size]
    if not filled:
        return arrays[0].sum()
    extreme = np.max if order > 0.0 else np.min
    pivot = extreme(np.stack([extreme(array) for array in filled]))
    if math.isinf(order):
        return pivot
    known = (pivot == 0.0) | ~np.isfinite(pivot)
    scale = np.where(known, 1.0, pivot)
    total = np.stack([((array / scale) ** order).sum() for array in filled]).sum()
    return np.where(known, pivot, scale * total ** (1.0 / order))


def _norm(arrays: list[Array], order: float) -> float:
    if order == 2.0:
        squares: list[float] = []
        small, large = _spans(arrays)
        for array in small:
            squares += [float(np.dot(piece, piece)) for piece in _pieces(array)]
        for_each(lambda span: squares.extend([float(np.dot(piece, piece)) for piece in _pieces(span)]), large)
        total = _sum(squares)
        if SAFE[0] < total < SAFE[1]:
            return math.sqrt(total)
    if order == 0.0:
        return float(sum(bool(array.any()) for array in arrays))
    extreme = np.max if order > 0.0 else np.min
    extremes = [float(extreme(np.abs(piece))) for array in arrays for piece in _pieces(array)]
    pivot = float(extreme(extremes)) if extremes else 0.0
    if math.isinf(order) or pivot == 0.0 or not math.isfinite(pivot):
        return pivot
    # Divided by the extreme, no power overflows, and one that vanishes does not matter.
    powers = (np.abs(piece.astype(np.float64) / pivot) ** order for array in arrays for piece in _pieces(array))
    return pivot * math.pow(sum(float(power.sum()) for power in powers), 1.0 / order)


def _sum(numbers: list[float]) -> float:
    """The same in any order; inf where it is too large, or one of them is not finite."""
    try:
        return math.fsum(numbers) if all(map(math.isfinite, numbers)) else math.inf
    except OverflowError:
        return math.inf


def _spans(arrays: list[Array]) -> tuple[list[Array], list[Array]]:
    """Arrays that are small, and views of parts of the others that are worth a thread."""
    large = [array for array in arrays if array.size >= SPAN and array.flags.c_contiguous]
    small = [array for array in arrays if array.size < SPAN or not array.flags.c_contiguous]
    return small, [array.reshape(-1)[i : i + SPAN] for array in large for i in range(0, array.size, SPAN)]


def _pieces(array: Array) -> Iterator[Array]:
    flat = array.reshape(-1)
    wide = np.promote_types(flat.dtype, np.float32)  # squares of float16 overflow from 256 on
    for start in range(0, flat.size, PIECE):
        yield flat[start : start + PIECE].astype(wide, copy=False)
