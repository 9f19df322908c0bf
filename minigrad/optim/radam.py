"""RAdam: Adam that waits until its second moment can be trusted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import COUNT, Kept, average, average_square, over_root


class RAdam(Optimizer):
    """Adam whose steps are scaled by how well the second moment is known. PyTorch: `torch.optim.RAdam`.

    With the averages m and v of the gradient g and of g^2, rho_inf = 2 / (1 - beta2) - 1 and, at step t,
    rho = rho_inf - 2 * t * beta2^t / (1 - beta2^t), a parameter moves by -lr * m / (1 - beta1^t) while rho <= 5, and
    then by that times r * sqrt(1 - beta2^t) / (sqrt(v) + eps), where
    r^2 = (rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho). weight_decay * param is added to g,
    or with `decoupled_weight_decay` taken from the parameter, times lr. Source: Liu et al., "On the variance of the
    adaptive learning rate and beyond" (2020).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.RAdam([w], lr=0.1).step()  # the first step is one of gradient descent
    >>> round(w.item(), 4)
    0.8
    """

    at_once = True
    keeps = {"step": COUNT, "exp_avg": Kept(), "exp_avg_sq": Kept()}

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, decoupled_weight_decay: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]
        t = self.begin(param, state, group)
        c1, c2 = 1.0 - beta1**t, 1.0 - beta2**t
        rho_inf = 2.0 / (1.0 - beta2) - 1.0
        rho = rho_inf - 2.0 * t * beta2**t / c2
        for p, g, kept, (change, _) in self.pieces(param, grad, state, group):
            m, v = kept["exp_avg"], kept["exp_avg_sq"]
            average(m, g, beta1, change)
            average_square(v, g, beta2, change)
            if rho > 5.0:
                r = math.sqrt((rho - 4.0) * (rho - 2.0) * rho_inf / ((rho_inf - 4.0) * (rho_inf - 2.0) * rho))
                over_root(m, v, eps, out=change)
                change *= lr / c1 * r * math.sqrt(c2)
            else:
                np.multiply(m, lr / c1, out=change)
            p -= change
