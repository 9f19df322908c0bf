"""Activation functions as layers. PyTorch: `torch.nn`."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from typing import Any

from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import empty_parameter
from .configured import Configured

# ------------------------------------------------------------------------------------------------------- smooth


class GELU(Configured):
    """`input` times the normal distribution function of `input`. PyTorch: `torch.nn.GELU`.

    `approximate="tanh"` is the form GPT-2 uses. Raises ValueError for another form.
    """

    approximate: str = "none"

    def __post_init__(self) -> None:
        if self.approximate not in ("none", "tanh"):
            raise ValueError(f"GELU: approximate must be 'none' or 'tanh', got {self.approximate!r}")

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)


class SiLU(Configured):
    """`input` times its sigmoid. PyTorch: `torch.nn.SiLU`."""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.silu(input, inplace=self.inplace)


class Mish(Configured):
    """`input` times tanh(softplus(input)). PyTorch: `torch.nn.Mish`."""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.mish(input, inplace=self.inplace)


class Tanh(Module):
    """The hyperbolic tangent. PyTorch: `torch.nn.Tanh`."""

    def forward(self, input: Tensor) -> Tensor:
        return input.tanh()


class Sigmoid(Module):
    """1 / (1 + exp(-input)). PyTorch: `torch.nn.Sigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        return input.sigmoid()


class LogSigmoid(Module):
    """log(sigmoid(input)), without overflow. PyTorch: `torch.nn.LogSigmoid`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.logsigmoid(input)


class Softplus(Configured):
    """log(1 + exp(beta * input)) / beta; `input` where `beta * input` is above `threshold`. PyTorch:
    `torch.nn.Softplus`."""

    beta: float = 1.0
    threshold: float = 20.0

    def forward(self, input: Tensor) -> Tensor:
        return F.softplus(input, self.beta, self.threshold)


class Softsign(Module):
    """`input` / (1 + |input|). PyTorch: `torch.nn.Softsign`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softsign(input)


class Tanhshrink(Module):
    """`input` - tanh(input). PyTorch: `torch.nn.Tanhshrink`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanhshrink(input)


# --------------------------------------------------------------------------------------------------- with kinks


class ReLU(Configured):
    """max(input, 0). PyTorch: `torch.nn.ReLU`."""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, inplace=self.inplace)


class ReLU6(Configured):
    """`input` limited to [0, 6]. PyTorch: `torch.nn.ReLU6`."""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.relu6(input, inplace=self.inplace)


class LeakyReLU(Configured):
    """`input`, times `negative_slope` where it is not above 0. PyTorch: `torch.nn.LeakyReLU`."""

    negative_slope: float = 0.01
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)


class RReLU(Configured):
    """A leaky ReLU whose slope is drawn from [lower, upper) in training, and is their mean in evaluation. PyTorch:
    `torch.nn.RReLU`."""

    lower: float = 1.0 / 8.0
    upper: float = 1.0 / 3.0
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)


class PReLU(Module):
    """`input`, times `weight` where it is not above 0; weight (num_parameters) starts at `init` and is trained.

    PyTorch: `torch.nn.PReLU`. `num_parameters` is 1, or the number of channels (dimension 1).
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.init = init
        self.weight = empty_parameter(num_parameters, dtype=dtype, device=device)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Back to weight `init`."""
        init.constant_(self.weight, self.init)

    def forward(self, input: Tensor) -> Tensor:
        return F.prelu(input, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class ELU(Configured):
    """`input` above 0, alpha * (exp(input) - 1) elsewhere. PyTorch: `torch.nn.ELU`."""

    alpha: float = 1.0
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.elu(input, self.alpha, self.inplace)


class SELU(Configured):
    """`ELU` scaled so that layers keep zero mean and unit variance. PyTorch: `torch.nn.SELU`."""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.selu(input, inplace=self.inplace)


class CELU(Configured):
    """`input` above 0, alpha * (exp(input / alpha) - 1) elsewhere. PyTorch: `torch.nn.CELU`."""

    alpha: float = 1.0
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.celu(input, self.alpha, self.inplace)


class Threshold(Configured):
    """`input` where it is above `threshold`, `value` elsewhere. PyTorch: `torch.nn.Threshold`."""

    threshold: float
    value: float
    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.threshold(input, self.threshold, self.value, self.inplace)


class Hardtanh(Configured):
    """`input` limited to [min_val, max_val]. PyTorch: `torch.nn.Hardtanh`. Raises ValueError for an empty interval."""

    min_val: float = -1.0
    max_val: float = 1.0
    inplace: bool = False

    def __post_init__(self) -> None:
        if self.max_val <= self.min_val:
            raise ValueError(f"Hardtanh: max_val {self.max_val} must be above min_val {self.min_val}")

    def forward(self, input: Tensor) -> Tensor:
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)


class Hardsigmoid(Configured):
    """The sigmoid in three straight pieces. PyTorch: `torch.nn.Hardsigmoid`."""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Configured):
    """`input` times hardsigmoid(input). PyTorch: `torch.nn.Hardswish`."""

    inplace: bool = False

    def forward(self, input: Tensor) -> Tensor:
        return F.hardswish(input, self.inplace)


class Softshrink(Configured):
    """`input` moved towards 0 by `lambd`, and 0 within `lambd` of it. PyTorch: `torch.nn.Softshrink`."""

    lambd: float = 0.5

    def forward(self, input: Tensor) -> Tensor:
        return F.softshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


class Hardshrink(Configured):
    """`input`, and 0 within `lambd` of 0. PyTorch: `torch.nn.Hardshrink`."""

    lambd: float = 0.5

    def forward(self, input: Tensor) -> Tensor:
        return F.hardshrink(input, self.lambd)

    def extra_repr(self) -> str:
        return str(self.lambd)


# ------------------------------------------------------------------------------------------- over a dimension


class Softmax(Configured):
    """exp(input) divided by its sum along `dim`. PyTorch: `torch.nn.Softmax`, where `dim` may be left to a guess."""

    dim: int

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim)


class Softmin(Configured):
    """`Softmax` of `-input`. PyTorch: `torch.nn.Softmin`."""

    dim: int

    def forward(self, input: Tensor) -> Tensor:
        return F.softmin(input, self.dim)


class LogSoftmax(Configured):
    """The logarithm of `Softmax`, without forming it. PyTorch: `torch.nn.LogSoftmax`."""

    dim: int

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim)


class GLU(Configured):
    """The first half of `input` along `dim`, times the sigmoid of the second. PyTorch: `torch.nn.GLU`."""

    dim: int = -1

    def forward(self, input: Tensor) -> Tensor:
        return F.glu(input, self.dim)


__all__ = [
    "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU",
    "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "RReLU", "ReLU", "ReLU6", "SiLU", "Sigmoid", "Softmax", "Softmin",
    "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold",
]  # fmt: skip
