"""Muon: momentum, made orthogonal."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .optimizer import Optimizer, Params
from .rule import Kept, average
from .settings import check_number

ADJUSTMENTS: dict[str, Callable[[int, int], float]] = {
    "original": lambda rows, columns: math.sqrt(max(1.0, rows / columns)),
    "match_rms_adamw": lambda rows, columns: 0.2 * math.sqrt(max(rows, columns)),
}


class Muon(Optimizer):
    """Momentum whose singular values are brought near 1, for matrices inside a network. PyTorch: `torch.optim.Muon`.

    The average m of the gradient g becomes momentum * m + (1 - momentum) * g; n is m, or with `nesterov`
    momentum * m + (1 - momentum) * g once more. The parameter loses lr * weight_decay of itself and moves by -lr * o
    times sqrt(max(1, rows / columns)) ("original"), or 0.2 * sqrt(max(rows, columns)) ("match_rms_adamw", for which
    AdamW's learning rates hold), where o is n after `ns_steps` of `orthogonalize`. PyTorch orthogonalizes in bfloat16;
    here it is done in the parameter's dtype, in float32 for float16.

    Raises ValueError for a parameter that is no matrix: train biases, gains and embeddings by another optimizer.
    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); Liu et al., "Muon is
    scalable for LLM training" (2025).

    >>> import minigrad as mg
    >>> w = mg.zeros(2, 2).requires_grad_()
    >>> w.grad = mg.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> mg.optim.Muon([w], lr=1.0, ns_coefficients=(1.5, -0.5, 0.0), ns_steps=10).step()
    >>> w.round(decimals=3).tolist()
    [[-1.0, 0.0], [0.0, -1.0]]
    """

    keeps = {"momentum_buffer": Kept()}
    decoupled = True

    def __init__(
        self, params: Params, lr: float = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95,
        nesterov: bool = True, ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7, ns_steps: int = 5, adjust_lr_fn: str | None = None,
    ) -> None:  # fmt: skip
        defaults = {
            "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov,
            "ns_coefficients": ns_coefficients, "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
        }  # fmt: skip
        super().__init__(params, defaults)

    def check(self, settings: dict[str, Any]) -> None:
        super().check(settings)
        coefficients, steps = settings["ns_coefficients"], settings["ns_steps"]
        if not isinstance(coefficients, (tuple, list)) or len(coefficients) != 3:
            raise ValueError(f"Muon: ns_coefficients must be three numbers, got {coefficients}")
        for coefficient in coefficients:
            check_number("Muon", "ns_coefficients", coefficient, (math.isfinite, "must be finite"))
        if not isinstance(steps, int) or steps not in range(100):
            raise ValueError(f"Muon: ns_steps must be a whole number from 0 to 99, got {steps!r}")
        if settings["adjust_lr_fn"] not in (None, *ADJUSTMENTS):
            raise ValueError(f"Muon: adjust_lr_fn must be one of {list(ADJUSTMENTS)}, got {settings['adjust_lr_fn']!r}")

    def check_param(self, param: Tensor, label: str) -> None:
        if param.ndim != 2:
            raise ValueError(
                f"Muon trains matrices alone, {label} has shape {param.shape}; give it to another optimizer"
            )

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        self.begin(param, state, group)
        if not param.size:
            return
        momentum = group["momentum"]
        lr = group["lr"] * ADJUSTMENTS[group["adjust_lr_fn"] or "original"](*param.shape)
        for p, g, kept, (n, work) in self.pieces(param, grad, state, group, whole=True):
            m = kept["momentum_buffer"]
            average(m, g, momentum, work)
            np.copyto(n, m)
            if group["nesterov"]:
                average(n, g, momentum, work)
            o = orthogonalize(n, group["ns_coefficients"], group["ns_steps"], group["eps"])
            p -= np.multiply(o, lr, out=n)


def orthogonalize(matrix: Array, coefficients: tuple[float, float, float], steps: int, eps: float) -> Array:
    """The matrix with its singular values s brought near 1 by `steps` times s = a * s + b * s^3 + c * s^5.

    It starts from the matrix over its norm (or `eps` if that is larger). Muon's coefficients are steepest at 0, and
    leave values between about 0.7 and 1.2. Shape (n, m), as `matrix`.
    """
    a, b, c = coefficients
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide / np.maximum(np.sqrt((matrix * matrix).sum()), eps)
    for _ in range(steps):
        gram = x @ x.T  # of the shorter side
        change = (b * gram + c * (gram @ gram)) @ x
        x *= a
        x += change
    return x if wide is matrix else x.T
