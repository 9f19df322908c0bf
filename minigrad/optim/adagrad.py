"""Adagrad: steps scaled by all gradients so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import COUNT, Kept, over_root


class Adagrad(Optimizer):
    """Gradient descent scaled by the root of the sum of the squared gradients. PyTorch: `torch.optim.Adagrad`.

    With g the gradient plus weight_decay * param and s the sum of all g^2 and of `initial_accumulator_value`, a
    parameter moves by -lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps) at step t. Source: Duchi, Hazan and Singer,
    "Adaptive subgradient methods for online learning and stochastic optimization" (2011).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.Adagrad([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.9
    """

    at_once = True
    keeps = {"step": COUNT, "sum": Kept("initial_accumulator_value")}

    def __init__(
        self, params: Params, lr: float = 1e-2, lr_decay: float = 0.0, weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0, eps: float = 1e-10, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value, "eps": eps, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        t = self.begin(param, state, group)
        lr = group["lr"] / (1.0 + (t - 1) * group["lr_decay"])
        for p, g, kept, (change, _) in self.pieces(param, grad, state, group):
            s = kept["sum"]
            s += np.multiply(g, g, out=change)
            over_root(g, s, group["eps"], out=change)
            change *= lr
            p -= change
