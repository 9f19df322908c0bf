"""Limiting the size of gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np

from ..backends import Array, backend_of
from ..ops.failure import DeviceError
from ..tensor import Tensor
from ..writes import log_write

PIECE = 1 << 16  # elements summed in the arrays' own precision; the sums are added in double precision
SAFE = 1e-20, 1e37  # sums of squares beyond these may have lost terms to underflow or overflow of float32


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:  # fmt: skip
    """Scale all gradients by one factor so that the norm of them together is at most `max_norm`.

    PyTorch: `torch.nn.utils.clip_grad_norm_`. Returns the norm before the scaling, a 0-d tensor. It is right also
    where the squares would overflow or vanish in float32. A norm that is not finite leaves nan in the gradients, as
    PyTorch does, or with `error_if_nonfinite` raises RuntimeError and changes nothing. `norm_type` is the order, also
    "inf" or negative; as in PyTorch, 0 counts the gradients that are not 0 everywhere. Raises ValueError for nan.
    Source: Pascanu et al., "On the difficulty of training recurrent neural networks" (2013).

    >>> import minigrad as mg
    >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
    >>> (w * mg.tensor([3.0, 4.0])).sum().backward()
    >>> mg.optim.clip_grad_norm_([w], 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6, 0.8])
    """
    order, max_norm = float(norm_type), float(max_norm)
    if math.isnan(order):
        raise ValueError("clip_grad_norm_: norm_type must be a number, got nan")
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    gradients = [parameter.grad.data for parameter in parameters if parameter.grad is not None]
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
            for gradient in gradients:
                gradient *= factor
                log_write(gradient, "clip_grad_norm_")
        return Tensor(np.asarray(norm, gradients[0].dtype))


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
        total = sum(float(np.dot(piece, piece)) for array in arrays for piece in _pieces(array))
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


def _pieces(array: Array) -> Iterator[Array]:
    flat = array.reshape(-1)
    wide = np.promote_types(flat.dtype, np.float32)  # squares of float16 overflow from 256 on
    for start in range(0, flat.size, PIECE):
        yield flat[start : start + PIECE].astype(wide, copy=False)
