"""What is done to the parameters of a module as a whole: limiting their gradients. PyTorch: `torch.nn.utils`."""

from .clip_grad import clip_grad_norm_, clip_grad_value_

__all__ = ["clip_grad_norm_", "clip_grad_value_"]
