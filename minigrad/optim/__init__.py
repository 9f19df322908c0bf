"""Optimizers, learning-rate schedules and averages of weights. PyTorch: `torch.optim`.

`clip_grad_norm_`, which is PyTorch's `torch.nn.utils.clip_grad_norm_`, is here too.
"""

from ..nn.utils import clip_grad_norm_
from . import lr_scheduler, swa_utils
from .adam import Adam, AdamW
from .optimizer import Optimizer
from .sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "clip_grad_norm_", "lr_scheduler", "swa_utils"]
