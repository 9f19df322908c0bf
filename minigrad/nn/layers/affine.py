"""Linear and bilinear maps of the last dimension, and layers that only rearrange. PyTorch: `torch.nn`."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

from ...ops import ShapeError
from ...ops.failure import in_module
from ...ops.index import dim_of
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import empty_parameter


class Linear(Module):
    """`input @ weight.T + bias`: (..., in_features) gives (..., out_features). PyTorch: `torch.nn.Linear`.

    `weight` (out_features, in_features) and `bias` (out_features) start uniform within 1 / sqrt(in_features).

    >>> import minigrad as mg
    >>> mg.nn.Linear(3, 2)(mg.zeros(5, 3)).shape
    (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = empty_parameter(out_features, in_features, dtype=dtype, device=device)
        self.bias = empty_parameter(out_features, dtype=dtype, device=device) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5.0))
        if self.bias is not None:
            bound = 1.0 / math.sqrt(self.in_features) if self.in_features else 0.0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """input1ᵀ weight[k] input2 + bias[k] for each k: (..., in1_features), (..., in2_features) give (..., out_features).

    PyTorch: `torch.nn.Bilinear`. `weight` (out_features, in1_features, in2_features) and `bias` (out_features) start
    uniform within 1 / sqrt(in1_features).
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"Bilinear: in1_features must be above 0, got {in1_features}")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        self.weight = empty_parameter(out_features, in1_features, in2_features, dtype=dtype, device=device)
        self.bias = empty_parameter(out_features, dtype=dtype, device=device) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        bound = 1.0 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Identity(Module):
    """Its input. Takes and ignores any arguments, as PyTorch's `torch.nn.Identity` does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Flatten(Module):
    """The dimensions `start_dim` to `end_dim` as one. PyTorch: `torch.nn.Flatten`."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """The dimension `dim` as several, of sizes `unflattened_size`, one of which may be -1. PyTorch:
    `torch.nn.Unflatten`. Raises ShapeError if the sizes do not fit.

    >>> import minigrad as mg
    >>> mg.nn.Unflatten(1, (2, -1))(mg.zeros(5, 6)).shape
    (5, 2, 3)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        super().__init__()
        self.dim = dim
        self.unflattened_size = tuple(map(operator.index, unflattened_size))

    def forward(self, input: Tensor) -> Tensor:
        dim = dim_of(input.ndim, self.dim)
        return input.reshape(*input.shape[:dim], *self._sizes(input.shape[dim]), *input.shape[dim + 1 :])

    def _sizes(self, size: int) -> tuple[int, ...]:
        sizes = self.unflattened_size
        known = math.prod(each for each in sizes if each != -1)
        if -1 in sizes:
            sizes = tuple(size // max(known, 1) if each == -1 else each for each in sizes)
        if math.prod(sizes) != size or min(sizes, default=0) < 0:
            raise ShapeError(
                f"Unflatten: dimension {self.dim} of size {size} is not {self.unflattened_size}{in_module()}"
            )
        return sizes

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


__all__ = ["Bilinear", "Flatten", "Identity", "Linear", "Unflatten"]
