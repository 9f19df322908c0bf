"""RMSprop: steps scaled by recent gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import COUNT, Kept, average, average_square, over_root


class RMSprop(Optimizer):
    """Gradient descent scaled by a running root mean square of the gradient. PyTorch: `torch.optim.RMSprop`.

    With g the gradient plus weight_decay * param and v the average of g^2, a parameter moves by
    -lr * g / (sqrt(v) + eps), or by -lr * b with `momentum`, where b becomes momentum * b + g / (sqrt(v) + eps).
    `centered` takes the square of the average of g from v, which makes it a variance; where rounding would leave it
    below 0, it is 0. Source: Hinton, "Neural networks for machine learning", lecture 6 (2012); centered: Graves,
    "Generating sequences with recurrent neural networks" (2013).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.RMSprop([w], lr=0.1, alpha=0.75).step()
    >>> round(w.item(), 4)
    0.8
    """

    at_once = True
    keeps = {
        "step": COUNT, "square_avg": Kept(), "momentum_buffer": Kept(when="momentum"),
        "grad_avg": Kept(when="centered"),
    }  # fmt: skip

    def __init__(
        self, params: Params, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0,
        momentum: float = 0.0, centered: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum,
            "centered": centered, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        lr, alpha, eps, momentum = group["lr"], group["alpha"], group["eps"], group["momentum"]
        self.begin(param, state, group)
        for p, g, kept, (change, variance) in self.pieces(param, grad, state, group):
            v = kept["square_avg"]
            average_square(v, g, alpha, change)
            if group["centered"]:
                mean = kept["grad_avg"]
                average(mean, g, alpha, change)
                np.subtract(v, np.multiply(mean, mean, out=variance), out=variance)
                v = np.maximum(variance, 0.0, out=variance)
            over_root(g, v, eps, out=change)
            if momentum:
                b = kept["momentum_buffer"]
                b *= momentum
                b += change
                np.copyto(change, b)
            change *= lr
            p -= change
