"""Adam, and AdamW, which decays weights apart from the gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import COUNT, Kept, average, average_square, over_root


class Adam(Optimizer):
    """Steps scaled by running averages of the gradient and its square. PyTorch: `torch.optim.Adam`.

    With the averages m and v of the gradient g and of g^2, and their bias corrections c = 1 - beta^t at step t, a
    parameter moves by -lr * (m / c1) / (sqrt(v / c2) + eps). weight_decay * param is added to g, or with
    `decoupled_weight_decay` taken from the parameter, times lr. `amsgrad` puts the largest v so far in the place of v.
    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (2015); Reddi et al., "On the convergence of
    Adam and beyond" (2018).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.Adam([w], lr=0.1).step()
    >>> round(w.item(), 4)
    0.9
    """

    at_once = True
    keeps = {"step": COUNT, "exp_avg": Kept(), "exp_avg_sq": Kept(), "max_exp_avg_sq": Kept(when="amsgrad")}

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, amsgrad: bool = False, *, maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad,
            "maximize": maximize, "decoupled_weight_decay": decoupled_weight_decay,
        }  # fmt: skip
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]
        t = self.begin(param, state, group)
        c1 = 1.0 - beta1**t
        root_c2 = math.sqrt(1.0 - beta2**t)
        for p, g, kept, (change, _) in self.pieces(param, grad, state, group):
            m, v = kept["exp_avg"], kept["exp_avg_sq"]
            average(m, g, beta1, change)
            average_square(v, g, beta2, change)
            if group["amsgrad"]:
                v = np.maximum(kept["max_exp_avg_sq"], v, out=kept["max_exp_avg_sq"])
            # sqrt(v / c2) + eps is (sqrt(v) + eps * root_c2) / root_c2: the corrections are numbers, not passes
            over_root(m, v, eps * root_c2, out=change)
            change *= lr * root_c2 / c1
            p -= change


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

    def __init__(
        self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
        )  # fmt: skip

    def check(self, settings: dict[str, Any]) -> None:
        super().check(settings)
        if not settings["decoupled_weight_decay"]:
            raise ValueError("AdamW: decoupled_weight_decay=False makes it Adam; use that")
