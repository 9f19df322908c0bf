"""Adamax: Adam by the largest gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import COUNT, Kept, average


class Adamax(Optimizer):
    """Adam by the largest gradient in place of the root mean square. PyTorch: `torch.optim.Adamax`.

    With the average m of the gradient g, and u the larger of beta2 * u and |g| + eps, a parameter moves by
    -lr / (1 - beta1^t) * m / u at step t; weight_decay * param is added to g. Source: Kingma and Ba, "Adam: a method
    for stochastic optimization" (2015), section 7.1.

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.Adamax([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.9
    """

    at_once = True
    keeps = {"step": COUNT, "exp_avg": Kept(), "exp_inf": Kept()}

    def __init__(
        self, params: Params, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]
        t = self.begin(param, state, group)
        for p, g, kept, (change, _) in self.pieces(param, grad, state, group):
            m, u = kept["exp_avg"], kept["exp_inf"]
            average(m, g, beta1, change)
            u *= beta2
            np.abs(g, out=change)
            change += eps
            np.maximum(u, change, out=u)
            np.divide(m, u, out=change)
            change *= lr / (1.0 - beta1**t)
            p -= change
