"""The optimizers that are compared with PyTorch; shared by `make_optimizers.py` and the tests."""

from __future__ import annotations

from typing import Any

STEPS = 15
SHAPES = [(3, 4), (5,), ()]
SECOND_GROUP: dict[str, Any] = {"lr": 0.05, "weight_decay": 0.0}  # for the last two parameters

optimizers: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd_decay": ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    "sgd_momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "sgd_dampening": ("SGD", {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1}),
    "sgd_nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "adam": ("Adam", {"lr": 0.01}),
    "adam_options": ("Adam", {"lr": 0.02, "betas": (0.7, 0.9), "eps": 1e-2, "weight_decay": 0.1}),
    "adamw": ("AdamW", {"lr": 0.01}),
    "adamw_options": ("AdamW", {"lr": 0.02, "betas": (0.4, 0.95), "eps": 1e-3, "weight_decay": 0.3}),
}
