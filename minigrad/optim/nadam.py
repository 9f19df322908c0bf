"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import COUNT, Kept, average, average_square, over_root


class NAdam(Optimizer):
    """Adam that looks one step ahead, with a momentum that grows to beta1. PyTorch: `torch.optim.NAdam`.

    The momentum of step t is mu_t = beta1 * (1 - 0.96^(t * momentum_decay) / 2), and M_t is mu_1 * ... * mu_t. With
    the averages m and v of the gradient g and of g^2, a parameter moves by -lr * n / (sqrt(v / (1 - beta2^t)) + eps),
    where n = mu_(t+1) / (1 - M_(t+1)) * m + (1 - mu_t) / (1 - M_t) * g. weight_decay * param is added to g, or with
    `decoupled_weight_decay` taken from the parameter, times lr. Source: Dozat, "Incorporating Nesterov momentum into
    Adam" (2016).

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.optim.NAdam([w], lr=0.1).step()
    >>> w.item() < 1.0
    True
    """

    at_once = True
    keeps = {
        "step": COUNT, "mu_product": Kept(1.0, number=np.float64), "exp_avg": Kept(), "exp_avg_sq": Kept(),
    }  # fmt: skip

    def __init__(
        self, params: Params, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0.0, momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *,
        maximize: bool = False,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize,
        }  # fmt: skip
        super().__init__(params, defaults)

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        lr, eps, (beta1, beta2) = group["lr"], group["eps"], group["betas"]
        t = self.begin(param, state, group)
        mu, mu_next = (beta1 * (1.0 - 0.5 * 0.96 ** (i * group["momentum_decay"])) for i in (t, t + 1))
        state["mu_product"].data *= mu
        product = float(state["mu_product"].data)  # a number in host memory: nothing waits for a device
        root_c2 = math.sqrt(1.0 - beta2**t)
        for p, g, kept, (change, n) in self.pieces(param, grad, state, group):
            m, v = kept["exp_avg"], kept["exp_avg_sq"]
            average(m, g, beta1, change)
            average_square(v, g, beta2, change)
            np.multiply(m, mu_next / (1.0 - product * mu_next), out=n)
            n += np.multiply(g, (1.0 - mu) / (1.0 - product), out=change)
            over_root(n, v, eps * root_c2, out=change)  # the correction of v as in Adam
            change *= lr * root_c2
            p -= change
