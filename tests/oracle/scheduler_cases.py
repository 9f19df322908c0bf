"""The schedulers that are compared with PyTorch; shared by `make_schedulers.py` and the tests.

`lib` is `torch.optim.lr_scheduler` or ours, `o` an optimizer of it with two parameter groups.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

STEPS = 70
LR = 1.0
SECOND_LR = 0.2
SAVED_AT = 13  # the step whose states are saved

# Metrics for ReduceLROnPlateau: falling, flat, noisy, and one nan.
_noise = np.random.default_rng(0).normal(scale=0.05, size=STEPS)
METRICS = np.maximum(1.0 - 0.05 * np.arange(STEPS), 0.4) + _noise
METRICS[20] = np.nan

# name -> class, settings; the optimizer is SGD with momentum unless the name says Adam.
single: dict[str, tuple[str, dict[str, Any]]] = {
    "step": ("StepLR", {"step_size": 6}),
    "step_gamma": ("StepLR", {"step_size": 1, "gamma": 0.97}),
    "step_rising": ("StepLR", {"step_size": 25, "gamma": 1.7}),
    "step_never": ("StepLR", {"step_size": 1000, "gamma": 0.0}),
    "multistep": ("MultiStepLR", {"milestones": [5, 30, 31], "gamma": 0.3}),
    "multistep_unordered": ("MultiStepLR", {"milestones": [40, 12, 12, 0]}),
    "multistep_none": ("MultiStepLR", {"milestones": []}),
    "constant": ("ConstantLR", {}),
    "constant_long": ("ConstantLR", {"factor": 0.25, "total_iters": 44}),
    "constant_one": ("ConstantLR", {"factor": 1.0, "total_iters": 1}),
    "linear": ("LinearLR", {}),
    "linear_down": ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 33}),
    "linear_to_zero": ("LinearLR", {"start_factor": 0.5, "end_factor": 0.0, "total_iters": 9}),
    "linear_one": ("LinearLR", {"start_factor": 1e-3, "total_iters": 1}),
    "exponential": ("ExponentialLR", {"gamma": 0.9}),
    "exponential_rising": ("ExponentialLR", {"gamma": 1.1}),
    "exponential_flat": ("ExponentialLR", {"gamma": 1}),
    "polynomial": ("PolynomialLR", {}),
    "polynomial_square": ("PolynomialLR", {"total_iters": 50, "power": 2.0}),
    "polynomial_root": ("PolynomialLR", {"total_iters": 100, "power": 0.5}),
    "cosine": ("CosineAnnealingLR", {"T_max": 8, "eta_min": 0.01}),
    "cosine_long": ("CosineAnnealingLR", {"T_max": 200}),
    "cosine_one": ("CosineAnnealingLR", {"T_max": 1, "eta_min": 0.05}),
    "cosine_high_floor": ("CosineAnnealingLR", {"T_max": 20, "eta_min": 0.5}),
    "restarts": ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    "restarts_doubling": ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.02}),
    "restarts_tripling": ("CosineAnnealingWarmRestarts", {"T_0": 1, "T_mult": 3}),
    "lambda": ("LambdaLR", {"lr_lambda": [lambda n: 0.9**n, lambda n: 1 / (n + 1)]}),
    "lambda_one": ("LambdaLR", {"lr_lambda": lambda n: 0.95 ** (n // 3)}),
    "multiplicative": ("MultiplicativeLR", {"lr_lambda": [lambda n: 0.95, lambda n: 1 - 0.01 * (n % 7)]}),
    "multiplicative_one": ("MultiplicativeLR", {"lr_lambda": lambda n: 0.8 if n % 5 == 0 else 1.02}),
    "onecycle": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 71}),
    "onecycle_exact": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 70}),
    "onecycle_epochs": ("OneCycleLR", {"max_lr": [0.5, 0.1], "epochs": 9, "steps_per_epoch": 8, "pct_start": 0.5}),
    "onecycle_linear": ("OneCycleLR", {"max_lr": 0.5, "total_steps": 75, "anneal_strategy": "linear"}),
    "onecycle_three": ("OneCycleLR", {"max_lr": 2.0, "total_steps": 80, "three_phase": True, "div_factor": 10.0,
                                      "final_div_factor": 100.0}),
    "onecycle_three_linear": ("OneCycleLR", {"max_lr": 2.0, "total_steps": 90, "three_phase": True, "pct_start": 0.4,
                                             "anneal_strategy": "linear"}),
    "onecycle_momentum": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 72, "base_momentum": [0.7, 0.6],
                                         "max_momentum": [0.9, 0.99]}),
    "onecycle_rates_only": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 72, "cycle_momentum": False}),
    "onecycle_no_rise": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 72, "pct_start": 0.0}),
    "onecycle_only_rise": ("OneCycleLR", {"max_lr": 1.0, "total_steps": 72, "pct_start": 1.0}),
    "onecycle Adam": ("OneCycleLR", {"max_lr": 0.1, "total_steps": 80}),
    "cyclic": ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 8}),
    "cyclic_uneven": ("CyclicLR", {"base_lr": [0.1, 0.01], "max_lr": [1.0, 0.3], "step_size_up": 5,
                                   "step_size_down": 12, "mode": "triangular2"}),
    "cyclic_exp": ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 10, "mode": "exp_range",
                                "gamma": 0.98, "cycle_momentum": False}),
    "cyclic_saw": ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 9, "step_size_down": 0}),
    "cyclic_function": ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 6,
                                     "scale_fn": lambda x: 0.9**x, "scale_mode": "iterations"}),
    "cyclic_function_of_cycle": ("CyclicLR", {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 6,
                                              "scale_fn": lambda x: 1 / x, "base_momentum": [0.5, 0.6]}),
    "cyclic Adam": ("CyclicLR", {"base_lr": 0.001, "max_lr": 0.01, "step_size_up": 10, "max_momentum": 0.95}),
    "swa": ("SWALR", {"swa_lr": 0.05}),
    "swa_linear": ("SWALR", {"swa_lr": [0.5, 0.3], "anneal_epochs": 25, "anneal_strategy": "linear"}),
    "swa_at_once": ("SWALR", {"swa_lr": 0.05, "anneal_epochs": 0}),
    "plateau": ("ReduceLROnPlateau", {"patience": 3}),
    "plateau_cooldown": ("ReduceLROnPlateau", {"factor": 0.5, "patience": 1, "cooldown": 4, "threshold": 0.02}),
    "plateau_max": ("ReduceLROnPlateau", {"mode": "max", "factor": 0.7, "patience": 5, "min_lr": [0.3, 0.01]}),
    "plateau_abs": ("ReduceLROnPlateau", {"factor": 0.9, "patience": 0, "threshold": 0.01, "threshold_mode": "abs",
                                          "min_lr": 0.1, "eps": 0.015}),
    "plateau_max_abs": ("ReduceLROnPlateau", {"mode": "max", "factor": 0.5, "patience": 8, "threshold_mode": "abs"}),
}  # fmt: skip

Build = Callable[[Any, Any], list[Any]]

# name -> a function that returns the schedulers of one optimizer, which step in turn.
several: dict[str, Build] = {
    "sequential": lambda lib, o: [
        lib.SequentialLR(
            o, [lib.LinearLR(o, 0.1, 1.0, 5), lib.ConstantLR(o, 1.0, 3), lib.CosineAnnealingLR(o, 10)], [5, 9]
        )
    ],
    "sequential_restarts": lambda lib, o: [
        lib.SequentialLR(o, [lib.ConstantLR(o, 0.1, 20), lib.CosineAnnealingWarmRestarts(o, 4, 2)], [11])
    ],
    "sequential_restarts_first": lambda lib, o: [
        lib.SequentialLR(o, [lib.CosineAnnealingWarmRestarts(o, 3, 2), lib.CyclicLR(o, 0.1, 0.6, 4)], [23])
    ],
    "sequential_lambdas": lambda lib, o: [
        lib.SequentialLR(
            o,
            [lib.LambdaLR(o, lambda n: (n + 1) / 8), lib.MultiplicativeLR(o, lambda n: 0.9), lib.ExponentialLR(o, 0.8)],
            [8, 20],
        )
    ],
    "sequential_steps": lambda lib, o: [
        lib.SequentialLR(o, [lib.StepLR(o, 3, 0.5), lib.PolynomialLR(o, 20), lib.MultiStepLR(o, [0, 4])], [10, 41])
    ],
    "sequential_at_once": lambda lib, o: [
        lib.SequentialLR(o, [lib.ExponentialLR(o, 0.1), lib.ExponentialLR(o, 0.9)], [0])
    ],
    "sequential_skipping": lambda lib, o: [
        lib.SequentialLR(
            o, [lib.ExponentialLR(o, 0.95), lib.ExponentialLR(o, 0.1), lib.CosineAnnealingLR(o, 30, 0.1)], [6, 6]
        )
    ],
    "sequential_onecycle": lambda lib, o: [
        lib.SequentialLR(o, [lib.OneCycleLR(o, 0.7, 30), lib.ConstantLR(o, 0.5, 10)], [30])
    ],
    "chained": lambda lib, o: [lib.ChainedScheduler([lib.ConstantLR(o, 0.1, 5), lib.ExponentialLR(o, 0.9)])],
    "chained_cosine": lambda lib, o: [
        lib.ChainedScheduler([lib.LinearLR(o, 0.2, 1.0, 10), lib.CosineAnnealingLR(o, 12, 0.05)], optimizer=o)
    ],
    "chained_many": lambda lib, o: [
        lib.ChainedScheduler(
            [lib.StepLR(o, 7, 0.8), lib.MultiplicativeLR(o, lambda n: 1.01), lib.PolynomialLR(o, 60, 1.5),
             lib.MultiStepLR(o, [3, 30], 2.0)]
        )
    ],
    "two": lambda lib, o: [lib.ExponentialLR(o, 0.97), lib.StepLR(o, 10, 0.5)],
    "two_with_floor": lambda lib, o: [lib.CosineAnnealingLR(o, 6, 0.02), lib.LinearLR(o, 0.5, 1.0, 40)],
    "two_cosines": lambda lib, o: [lib.CosineAnnealingLR(o, 9), lib.CosineAnnealingLR(o, 14)],
    "two_constants": lambda lib, o: [lib.ConstantLR(o, 0.5, 12), lib.ConstantLR(o, 0.3, 30)],
    "step_then_swa": lambda lib, o: [lib.StepLR(o, 40, 0.5), lib.SWALR(o, 0.04, 30)],
}  # fmt: skip

# Schedulers of which something else changes the rates on the way, by name -> (step, factor).
touched = dict.fromkeys(
    ("step", "multistep", "constant_long", "linear", "linear_down", "linear_to_zero", "exponential",
     "polynomial_square", "cosine", "cosine_high_floor", "restarts", "lambda", "multiplicative", "onecycle", "cyclic",
     "swa_linear", "plateau"),
    (11, 0.3),
)  # fmt: skip

warmup_stable_decay: dict[str, dict[str, Any]] = {
    "plain": {"num_warmup_steps": 8, "num_decay_steps": 20, "num_training_steps": 60},
    "linear": {"num_warmup_steps": 5, "num_decay_steps": 25, "num_stable_steps": 20, "decay_type": "linear",
               "min_lr_ratio": 0.1},
    "1-sqrt": {"num_warmup_steps": 12, "num_decay_steps": 30, "num_stable_steps": 10, "decay_type": "1-sqrt",
               "warmup_type": "1-sqrt"},
    "cosines": {"num_warmup_steps": 20, "num_decay_steps": 20, "num_training_steps": 40, "warmup_type": "cosine",
                "min_lr_ratio": 0.05, "num_cycles": 1.5},
    "no_warmup": {"num_warmup_steps": 0, "num_decay_steps": 0, "num_stable_steps": 30, "min_lr_ratio": 0.2},
}  # fmt: skip


def set_rates(optimizer: Any, factor: float) -> None:
    """Multiply the rates by hand."""
    for group in optimizer.param_groups:
        group["lr"] *= factor


def seen(optimizer: Any) -> list[float]:
    """What schedulers set: the rate and the momentum of each group."""
    groups = optimizer.param_groups
    return [*(g["lr"] for g in groups), *(g["betas"][0] if "betas" in g else g["momentum"] for g in groups)]


def run(optimizer: Any, schedulers: list[Any], steps: int, start: int = 0, touch: tuple[int, float] = (-1, 1.0)) -> Any:
    """What is set at every step: an array (steps + 1, 4)."""
    rows = [seen(optimizer)]
    for step in range(start, start + steps):
        if step == touch[0]:
            set_rates(optimizer, touch[1])
        optimizer.step()
        for scheduler in schedulers:
            if type(scheduler).__name__ == "ReduceLROnPlateau":
                scheduler.step(METRICS[step])
            else:
                scheduler.step()
        rows.append(seen(optimizer))
    return np.array(rows)
