"""Differentiation of functions, to any order. PyTorch: `torch.func`, and checkpointing.

The functions compose: the gradient of a gradient, a jacobian of a product with a Hessian. Arguments may be tensors or
lists, tuples and dicts of tensors; they are not modified and need no `requires_grad`.
"""

from .call import functional_call
from .derivatives import grad, grad_and_value, hessian, hvp, jacrev, jvp, value_and_grad, vjp
from .recompute import checkpoint

__all__ = [
    "checkpoint", "functional_call", "grad", "grad_and_value", "hessian", "hvp", "jacrev", "jvp", "value_and_grad",
    "vjp",
]  # fmt: skip
