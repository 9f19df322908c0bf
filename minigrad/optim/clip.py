"""Limiting the size of gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from ..writes import log_write

PIECE = 1 << 16  # elements summed in the arrays' own precision; the sums are added in double precision
SAFE = 1e-20, 1e37  # sums of squares beyond these may have lost terms to underflow or overflow of float32


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients by one factor so that the norm of them together is at most `max_norm`.

    PyTorch: `torch.nn.utils.clip_grad_norm_`. Returns the norm before the scaling, a 0-d tensor. It is right also
    where the squares would overflow or vanish in float32. A norm that is not finite leaves nan in the gradients, as
    PyTorch does, or with `error_if_nonfinite` raises RuntimeError and changes nothing. Raises ValueError for a
    `norm_type` that is not above 0. Source: Pascanu et al., "On the difficulty of training recurrent neural networks"
    (2013).

    >>> import minigrad as mg
    >>> w = mg.tensor([0.0, 0.0], requires_grad=True)
    >>> (w * mg.tensor([3.0, 4.0])).sum().backward()
    >>> mg.optim.clip_grad_norm_([w], 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6, 0.8])
    """
    if not norm_type > 0.0:
        raise ValueError(f"clip_grad_norm_: norm_type must be above 0, got {norm_type}")
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    gradients = [parameter.grad.data for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return Tensor(np.zeros((), np.float32))
    with np.errstate(all="ignore"):
        norm = _norm(gradients, norm_type)
        if error_if_nonfinite and not math.isfinite(norm):
            raise RuntimeError(
                f"clip_grad_norm_: the norm of order {norm_type} of {len(gradients)} gradients is {norm}; the loss or "
                f"a layer overflowed, or the learning rate is too high"
            )
        factor = max_norm / (norm + 1e-6)
        if not factor >= 1.0:  # nan too
            for gradient in gradients:
                gradient *= factor
                log_write(gradient, "clip_grad_norm_")
        return Tensor(np.asarray(norm, gradients[0].dtype))


def _norm(arrays: list[Array], order: float) -> float:
    if order == 2.0:
        total = sum(float(np.dot(piece, piece)) for array in arrays for piece in _pieces(array))
        if SAFE[0] < total < SAFE[1]:
            return math.sqrt(total)
    largest = float(np.max([0.0, *(float(np.max(np.abs(piece))) for array in arrays for piece in _pieces(array))]))
    if order == math.inf or largest == 0.0 or not math.isfinite(largest):
        return largest
    # Divided by the largest, no power overflows, and one that vanishes does not matter.
    powers = (np.abs(piece.astype(np.float64) / largest) ** order for array in arrays for piece in _pieces(array))
    return largest * math.pow(sum(float(power.sum()) for power in powers), 1.0 / order)


def _pieces(array: Array) -> list[Array]:
    flat = array.reshape(-1)
    return [flat[start : start + PIECE] for start in range(0, flat.size, PIECE)]
