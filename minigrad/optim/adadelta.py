"""Adadelta: steps in the parameter's own units."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import COUNT, Kept, average_square


class Adadelta(Optimizer):
    """Gradient descent scaled by the last steps over the last gradients. PyTorch: `torch.optim.Adadelta`.

    With g the gradient plus weight_decay * param, v the average of g^2 and u that of the squared steps d before this
    one, d = sqrt(u + eps) / sqrt(v + eps) * g and the parameter moves by -lr * d. Source: Zeiler, "ADADELTA: an
    adaptive learning rate method" (2012).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.Adadelta([w]).step()
    >>> round(w.item(), 4)
    0.9968
    """

    at_once = True
    keeps = {"step": COUNT, "square_avg": Kept(), "acc_delta": Kept()}

    def __init__(
        self, params: Params, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0.0, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        rho, eps = group["rho"], group["eps"]
        self.begin(param, state, group)
        for p, g, kept, (delta, work) in self.pieces(param, grad, state, group):
            v, u = kept["square_avg"], kept["acc_delta"]
            average_square(v, g, rho, work)
            np.sqrt(np.add(u, eps, out=delta), out=delta)
            delta /= np.sqrt(np.add(v, eps, out=work), out=work)
            delta *= g
            average_square(u, delta, rho, work)
            delta *= group["lr"]
            p -= delta
