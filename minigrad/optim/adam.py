"""Adam, and AdamW, which decays weights apart from the gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer


class Adam(Optimizer):
    """Steps scaled by running averages of the gradient and its square. PyTorch: `torch.optim.Adam`.

    With the averages m and v of the gradient g and of g^2, and their bias corrections c = 1 - beta^step, a parameter
    moves by -lr * (m / c1) / (sqrt(v / c2) + eps). `weight_decay` * param is added to g here. Source: Kingma and Ba,
    "Adam: a method for stochastic optimization" (2015).
    """

    state_names = ("step", "exp_avg", "exp_avg_sq")
    decoupled = False

    def __init__(
        self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def check(self, settings: dict[str, Any]) -> None:
        super().check(settings)
        betas = settings["betas"]
        if len(betas) != 2 or not all(0.0 <= beta < 1.0 for beta in betas):
            raise ValueError(f"{type(self).__name__}: betas must be two numbers in [0, 1), got {betas}")

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        if not state:
            state["step"] = Tensor(np.zeros((), np.int64))
            state["exp_avg"] = Tensor(np.zeros_like(param))
            state["exp_avg_sq"] = Tensor(np.zeros_like(param))
        state["step"].data += 1
        step = int(state["step"].data)
        lr, weight_decay, (beta1, beta2) = group["lr"], group["weight_decay"], group["betas"]
        # sqrt(v / c2) + eps is (sqrt(v) + eps * sqrt(c2)) / sqrt(c2): the corrections are two numbers, not two passes.
        root_c2 = math.sqrt(1.0 - beta2**step)
        eps = group["eps"] * root_c2
        size = lr * root_c2 / (1.0 - beta1**step)
        for p, g, m, v, change, square in self.pieces(
            param, grad, state["exp_avg"].data, state["exp_avg_sq"].data, scratch=2
        ):
            if weight_decay and self.decoupled:
                p *= 1.0 - lr * weight_decay
            elif weight_decay:
                g = np.add(g, np.multiply(p, weight_decay, out=square), out=square)
            np.subtract(g, m, out=change)
            change *= 1.0 - beta1
            m += change  # beta1 m + (1 - beta1) g
            np.multiply(g, g, out=change)
            change *= 1.0 - beta2
            v *= beta2
            v += change  # beta2 v + (1 - beta2) g^2
            np.sqrt(v, out=change)
            change += eps
            np.divide(m, change, out=change)
            change *= -size
            p += change


class AdamW(Adam):
    """Adam with the weights decayed directly: param *= 1 - lr * weight_decay. PyTorch: `torch.optim.AdamW`.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (2019).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.AdamW([w], lr=0.1, weight_decay=0.0).step()
    >>> round(w.item(), 4)
    0.9
    """

    decoupled = True

    def __init__(
        self, params: Iterable[Tensor] | Iterable[dict[str, Any]], lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 1e-2,
    ) -> None:  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay)
