"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import Kept


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted. PyTorch: `torch.optim.SGD`.

    With g the gradient plus weight_decay * param, the momentum buffer b starts as the first g and then becomes
    momentum * b + (1 - dampening) * g; the parameter moves by -lr * b, or by -lr * (g + momentum * b) with
    `nesterov`. Source: Sutskever et al., "On the importance of initialization and momentum in deep learning" (2013).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.SGD([w], lr=0.1).step()
    >>> w.item()
    0.8...
    """

    at_once = True
    keeps = {"momentum_buffer": Kept(when="momentum")}

    def __init__(
        self, params: Params, lr: float = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
        weight_decay: float = 0.0, nesterov: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay,
            "nesterov": nesterov, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, settings: dict[str, Any]) -> None:
        super().check(settings)
        if settings["nesterov"] and (settings["momentum"] <= 0.0 or settings["dampening"] != 0.0):
            raise ValueError("SGD: nesterov needs a momentum above 0 and no dampening")

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        lr, momentum = group["lr"], group["momentum"]
        dampening = group["dampening"] if "momentum_buffer" in state else 0.0  # b starts as the first g
        self.begin(param, state, group)
        for p, g, kept, (change, _) in self.pieces(param, grad, state, group):
            if momentum:
                b = kept["momentum_buffer"]
                b *= momentum
                b += np.multiply(g, 1.0 - dampening, out=change)
                g = np.add(g, np.multiply(b, momentum, out=change), out=change) if group["nesterov"] else b
            p -= np.multiply(g, lr, out=change)
