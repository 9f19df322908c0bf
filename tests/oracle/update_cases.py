"""The optimizers whose steps are compared with PyTorch's: shared by `make_updates.py` and the tests.

Every case takes the same steps: two groups, learning rates that change on the way, gradients that are missing now and
then, and some that are 0 or tiny.
"""

from __future__ import annotations

from typing import Any

STEPS = 12
RECORDED = [0, 2, 6, 11]  # the steps after which the parameters are compared
NEW_RATES = {5: 0.5, 8: 3.0}  # what learning rates are multiplied with before a step
MISSING = {(3, 1), (6, 0)}  # steps at which a parameter has no gradient
SECOND_GROUP: dict[str, Any] = {"lr": 0.03, "weight_decay": 0.05}  # for all parameters but the first

SHAPES = [(3, 4), (5,), (), (0,), (2, 3, 2, 2)]
SHAPES_OF = {
    "Muon": [(3, 4), (5, 2), (1, 6), (0, 3), (4, 4)],
    "Adafactor": [(3, 4), (5,), (), (2, 3, 2, 2)],  # PyTorch's divides by the number of elements
}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd_decay": ("SGD", {"lr": 0.1, "weight_decay": 0.2}),
    "sgd_momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "sgd_dampening": ("SGD", {"lr": 0.1, "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.1}),
    "sgd_nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    "sgd_maximize": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1, "maximize": True}),
    "adam": ("Adam", {"lr": 0.01}),
    "adam_options": ("Adam", {"lr": 0.02, "betas": (0.7, 0.9), "eps": 1e-2, "weight_decay": 0.1}),
    "adam_amsgrad": ("Adam", {"lr": 0.02, "betas": (0.7, 0.5), "amsgrad": True, "weight_decay": 0.1}),
    "adam_maximize": ("Adam", {"lr": 0.02, "weight_decay": 0.1, "maximize": True}),
    "adam_decoupled": ("Adam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "adamw": ("AdamW", {"lr": 0.01}),
    "adamw_options": ("AdamW", {"lr": 0.02, "betas": (0.4, 0.95), "eps": 1e-3, "weight_decay": 0.3}),
    "adamw_amsgrad": ("AdamW", {"lr": 0.02, "betas": (0.4, 0.3), "amsgrad": True, "maximize": True}),
    "adagrad": ("Adagrad", {}),
    "adagrad_options": ("Adagrad", {
        "lr": 0.1, "lr_decay": 0.05, "weight_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3,
    }),
    "adagrad_maximize": ("Adagrad", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_options": ("RMSprop", {"lr": 0.02, "alpha": 0.8, "eps": 1e-2, "weight_decay": 0.1}),
    "rmsprop_momentum": ("RMSprop", {"lr": 0.02, "alpha": 0.8, "momentum": 0.7, "weight_decay": 0.1}),
    "rmsprop_centered": ("RMSprop", {"lr": 0.02, "alpha": 0.8, "centered": True, "eps": 1e-3}),
    "rmsprop_all": ("RMSprop", {
        "lr": 0.02, "alpha": 0.8, "eps": 1e-3, "momentum": 0.7, "centered": True, "weight_decay": 0.1, "maximize": True,
    }),
    "adadelta": ("Adadelta", {}),
    "adadelta_options": ("Adadelta", {"lr": 0.7, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}),
    "adadelta_maximize": ("Adadelta", {"lr": 0.7, "weight_decay": 0.1, "maximize": True}),
    "adamax": ("Adamax", {}),
    "adamax_options": ("Adamax", {"lr": 0.02, "betas": (0.7, 0.8), "eps": 1e-2, "weight_decay": 0.1}),
    "adamax_maximize": ("Adamax", {"lr": 0.02, "weight_decay": 0.1, "maximize": True}),
    "nadam": ("NAdam", {}),
    "nadam_options": ("NAdam", {
        "lr": 0.02, "betas": (0.7, 0.8), "eps": 1e-2, "weight_decay": 0.1, "momentum_decay": 0.3,
    }),
    "nadam_decoupled": ("NAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "nadam_maximize": ("NAdam", {"lr": 0.02, "weight_decay": 0.1, "maximize": True}),
    "radam": ("RAdam", {}),
    "radam_options": ("RAdam", {"lr": 0.02, "betas": (0.7, 0.9), "eps": 1e-2, "weight_decay": 0.1}),
    "radam_decoupled": ("RAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    "radam_maximize": ("RAdam", {"lr": 0.02, "weight_decay": 0.1, "maximize": True}),
    "radam_never_adaptive": ("RAdam", {"lr": 0.02, "betas": (0.9, 0.5)}),
    "adafactor": ("Adafactor", {}),
    "adafactor_options": ("Adafactor", {
        "lr": 0.4, "beta2_decay": -0.5, "eps": (1e-2, 0.5), "d": 1.5, "weight_decay": 0.1,
    }),
    "adafactor_unclipped": ("Adafactor", {"lr": 0.3, "d": 100.0, "eps": (None, 1e-3)}),
    "adafactor_maximize": ("Adafactor", {"lr": 0.1, "weight_decay": 0.1, "maximize": True}),
    "muon": ("Muon", {}),
    "muon_options": ("Muon", {
        "lr": 0.02, "weight_decay": 0.3, "momentum": 0.8, "nesterov": False, "ns_coefficients": (2.0, -1.5, 0.5),
        "eps": 0.5, "ns_steps": 3, "adjust_lr_fn": "match_rms_adamw",
    }),
    "muon_original": ("Muon", {"lr": 0.02, "adjust_lr_fn": "original"}),
}  # fmt: skip

ADAMS = "Adam", "AdamW", "Adamax", "NAdam", "RAdam"

# What PyTorch refuses too, with ValueError.
REFUSED: list[tuple[str, dict[str, Any]]] = [
    *((kind, {"lr": -0.1}) for kind in dict.fromkeys(kind for kind, _ in CASES.values())),
    *((kind, {"weight_decay": -0.1}) for kind in dict.fromkeys(kind for kind, _ in CASES.values())),
    *((kind, {"eps": -1e-3}) for kind in ("Adagrad", "RMSprop", "Adadelta", *ADAMS)),
    *((kind, {"betas": (1.0, 0.9)}) for kind in ADAMS),
    *((kind, {"betas": (0.9, -0.1)}) for kind in ADAMS),
    ("SGD", {"momentum": -1.0}),
    ("SGD", {"nesterov": True}),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    ("Adagrad", {"lr_decay": -0.1}),
    ("Adagrad", {"initial_accumulator_value": -0.1}),
    ("RMSprop", {"alpha": -0.1}),
    ("RMSprop", {"momentum": -0.1}),
    ("Adadelta", {"rho": -0.1}),
    ("Adadelta", {"rho": 1.1}),
    ("NAdam", {"momentum_decay": -0.1}),
    ("Adafactor", {"beta2_decay": 0.1}),
    ("Adafactor", {"eps": (-0.1, 1e-3)}),
    ("Adafactor", {"eps": (None, -0.1)}),
    ("Adafactor", {"d": 0.5}),
    ("Muon", {"momentum": -0.1}),
    ("Muon", {"adjust_lr_fn": "none"}),
]  # fmt: skip
