"""What is done to the parameters of a module as a whole: limiting their gradients, making it without values.

PyTorch: `torch.nn.utils`.
"""

from .clip_grad import clip_grad_norm_, clip_grad_value_
from .skip_init import skip_init

__all__ = ["clip_grad_norm_", "clip_grad_value_", "skip_init"]
