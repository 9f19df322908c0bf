"""Lion: the sign of a momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import Kept, average


class Lion(Optimizer):
    """Steps of one size, in the direction of the sign of a momentum. PyTorch has no such optimizer.

    With m the average of the gradient g by beta2, a parameter moves by -lr * sign(beta1 * m + (1 - beta1) * g), before
    g enters m, and by -lr * weight_decay * param. The learning rate is about a tenth of AdamW's and the decay ten times
    as large. Source: Chen et al., "Symbolic discovery of optimization algorithms" (2023).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0, 2.0, 0.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.Lion([w], lr=0.25).step()
    >>> w.tolist()
    [0.75, 1.75, 0.0]
    """

    at_once = True
    keeps = {"exp_avg": Kept()}
    decoupled = True

    def __init__(
        self, params: Params, lr: float = 1e-4, betas: tuple[float, float] = (0.9, 0.99), weight_decay: float = 0.0, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize})

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        self.begin(param, state, group)
        for p, g, kept, (c, work) in self.pieces(param, grad, state, group):
            m = kept["exp_avg"]
            np.multiply(m, beta1, out=c)
            c += np.multiply(g, 1.0 - beta1, out=work)
            np.sign(c, out=c)
            c *= lr
            p -= c
            average(m, g, beta2, work)
