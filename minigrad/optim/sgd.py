"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer


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

    state_names = ("momentum_buffer",)

    def __init__(
        self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-3, momentum: float = 0.0,
        dampening: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, settings: dict[str, Any]) -> None:
        super().check(settings)
        if settings["nesterov"] and (settings["momentum"] <= 0.0 or settings["dampening"] != 0.0):
            raise ValueError("SGD: nesterov needs a momentum above 0 and no dampening")

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        momentum = group["momentum"]
        first = momentum != 0.0 and "momentum_buffer" not in state
        if first:
            state["momentum_buffer"] = Tensor(np.zeros_like(param))
        buffer = state["momentum_buffer"].data if momentum != 0.0 else param
        for p, g, b, change, product in self.pieces(param, grad, buffer, scratch=2):
            if group["weight_decay"]:
                np.multiply(p, group["weight_decay"], out=change)
                change += g
            else:
                np.copyto(change, g)
            if momentum != 0.0:
                if first:
                    np.copyto(b, change)
                else:
                    b *= momentum
                    b += np.multiply(change, 1.0 - group["dampening"], out=product)
                if group["nesterov"]:
                    change += np.multiply(b, momentum, out=product)
                else:
                    np.copyto(change, b)
            change *= -group["lr"]
            p += change
