"""Activation functions as layers. PyTorch: `torch.nn`."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from ..module import Module


class ReLU(Module):
    """max(input, 0). PyTorch: `torch.nn.ReLU`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input)


class GELU(Module):
    """`input` times the normal distribution function of `input`. PyTorch: `torch.nn.GELU`.

    `approximate="tanh"` is the form GPT-2 uses.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', got {approximate!r}")
        self.approximate = approximate

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """`input` times its sigmoid. PyTorch: `torch.nn.SiLU`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input)


class Tanh(Module):
    """The hyperbolic tangent. PyTorch: `torch.nn.Tanh`."""

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class Sigmoid(Module):
    """1 / (1 + exp(-input)). PyTorch: `torch.nn.Sigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


__all__ = ["GELU", "ReLU", "SiLU", "Sigmoid", "Tanh"]
