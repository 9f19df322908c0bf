"""Optimizers, learning-rate schedules and averages of weights. PyTorch: `torch.optim`.

Names, settings, defaults and the names in the state are PyTorch's. Its settings `foreach`, `fused`, `capturable` and
`differentiable` choose among PyTorch's implementations of a step; there is one here, and they raise TypeError. Learning
rates and other settings are numbers, never tensors. `clip_grad_norm_`, which is PyTorch's
`torch.nn.utils.clip_grad_norm_`, is here too.
"""

from ..nn.utils import clip_grad_norm_
from . import lr_scheduler, swa_utils
from .adadelta import Adadelta
from .adafactor import Adafactor
from .adagrad import Adagrad
from .adam import Adam, AdamW
from .adamax import Adamax
from .lion import Lion
from .muon import Muon
from .nadam import NAdam
from .optimizer import Optimizer
from .radam import RAdam
from .rmsprop import RMSprop
from .rule import Kept
from .sgd import SGD

__all__ = [
    "SGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Kept", "Lion", "Muon", "NAdam", "Optimizer",
    "RAdam", "RMSprop", "clip_grad_norm_", "lr_scheduler", "swa_utils",
]  # fmt: skip
