"""Learning rates that change from step to step. PyTorch: `torch.optim.lr_scheduler`.

A scheduler is made on an optimizer and stepped after it; `schedules.py` has plain functions of the step instead.
"""

from .base import LRScheduler
from .combined import ChainedScheduler, SequentialLR
from .cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from .formulas import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
    WarmupStableDecayLR,
)
from .plateau import ReduceLROnPlateau
from .schedules import Schedule, warmup_constant, warmup_cosine, warmup_linear, warmup_stable_decay

__all__ = [
    "ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR",
    "LRScheduler", "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR",
    "ReduceLROnPlateau", "Schedule", "SequentialLR", "StepLR", "WarmupStableDecayLR", "warmup_constant",
    "warmup_cosine", "warmup_linear", "warmup_stable_decay",
]  # fmt: skip
