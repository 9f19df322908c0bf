"""Adafactor: a second moment that takes the memory of a row and a column."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import Array, backend_of
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import COUNT, Kept, Shape, average, average_square, wide
from .settings import NOT_NEGATIVE, check_pair


def rows(shape: Shape) -> Shape | None:
    return (*shape[:-1], 1) if len(shape) > 1 else None


def columns(shape: Shape) -> Shape | None:
    return (*shape[:-2], 1, shape[-1]) if len(shape) > 1 else None


def unfactored(shape: Shape) -> Shape | None:
    return shape if len(shape) < 2 else None


class Adafactor(Optimizer):
    """Steps scaled by an estimate of the squared gradient from its rows and columns. PyTorch: `torch.optim.Adafactor`.

    Of the squared gradient g^2, the means R of the rows and C of the columns (the last two dimensions) are averaged,
    with beta2 = 1 - t^beta2_decay at step t, and V = R * C / max(mean(R), eps1) stands for it (vectors and numbers
    keep V itself). The update u = g / max(sqrt(V), eps1) is divided by max(1, rms(u) / d), and the parameter moves by
    -u * max(eps2, rms(param)) * min(lr, 1 / sqrt(t)) after it lost lr * weight_decay of itself. `eps` is
    (eps1, eps2); eps1 is the resolution of the parameter's dtype if None. Source: Shazeer and Stern, "Adafactor:
    adaptive learning rates with sublinear memory cost" (2018), as PyTorch reads it: with means for sums, eps1 in the
    denominators alone, and lr for the paper's constant 0.01.

    >>> import minigrad as mg
    >>> w = mg.ones(2, 3).requires_grad_()
    >>> (w * w).sum().backward()
    >>> optimizer = mg.optim.Adafactor([w], lr=0.125)
    >>> optimizer.step()
    >>> w.tolist()
    [[0.875, 0.875, 0.875], [0.875, 0.875, 0.875]]
    >>> {name: kept.shape for name, kept in optimizer.state[w].items()}
    {'step': (), 'row_var': (2, 1), 'col_var': (1, 3)}
    """

    keeps = {
        "step": COUNT, "row_var": Kept(shape=rows), "col_var": Kept(shape=columns), "variance": Kept(shape=unfactored),
    }  # fmt: skip
    decoupled = True

    def __init__(
        self, params: Params, lr: float = 1e-2, beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0, weight_decay: float = 0.0, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay,
            "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, settings: dict[str, Any]) -> None:
        eps = settings["eps"]
        if isinstance(eps, (tuple, list)) and len(eps) == 2 and eps[0] is None:
            eps = 0.0, eps[1]
        check_pair("Adafactor", "eps", eps, (NOT_NEGATIVE, NOT_NEGATIVE))
        super().check({name: value for name, value in settings.items() if name != "eps"})

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        t = self.begin(param, state, group)
        if not param.size:
            return  # nothing has a mean
        eps1, eps2 = group["eps"]
        if eps1 is None:
            eps1 = float(np.finfo(param.dtype).eps)
        beta2 = 1.0 - t ** group["beta2_decay"]
        rho = min(group["lr"], 1.0 / math.sqrt(t))
        size = np.maximum(root_mean_square(param.astype(wide(param.dtype), copy=False)), eps2) * rho
        for p, g, kept, (u, square) in self.pieces(param, grad, state, group, whole=True):
            if param.ndim > 1:
                r, c = kept["row_var"], kept["col_var"]
                np.multiply(g, g, out=square)
                average(r, mean(square, -1), beta2, np.empty_like(r))
                average(c, mean(square, -2), beta2, np.empty_like(c))
                np.multiply(r / np.maximum(mean(r, -2), eps1), c, out=u)
            else:
                average_square(kept["variance"], g, beta2, square)
                np.copyto(u, kept["variance"])
            np.maximum(u, eps1 * eps1, out=u)  # before the root, which leaves eps1
            np.divide(g, np.sqrt(u, out=u), out=u)
            u *= size / np.maximum(root_mean_square(u, square) / group["d"], 1.0)
            p -= u


def mean(x: Array, dim: int) -> Array:
    return backend_of(x).sum(x, (dim % x.ndim,), True) / x.shape[dim]


def root_mean_square(x: Array, work: Array | None = None) -> Array:
    square = np.multiply(x, x, out=work)
    return np.sqrt(backend_of(x).sum(square, tuple(range(x.ndim)), False) / x.size)
