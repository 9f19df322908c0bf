"""Pooling layers. PyTorch: `torch.nn`."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ...tensor import Tensor
from .. import functional as F
from ..functional.convolution import sizes
from ..module import Module


class _MaxPool(Module):
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _AvgPool(Module):
    function: ClassVar[Callable[..., Any]]

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True, divisor_override: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(
            input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad,
            self.divisor_override,
        )  # fmt: skip

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _LPPool(Module):
    function: ClassVar[Callable[..., Any]]

    def __init__(self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class _MaxUnpool(Module):
    n: ClassVar[int]
    function: ClassVar[Callable[..., Any]]

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        name = type(self).__name__
        self.kernel_size = sizes(name, "kernel_size", kernel_size, self.n, 1)
        self.stride = self.kernel_size if stride is None else sizes(name, "stride", stride, self.n, 1)
        self.padding = sizes(name, "padding", padding, self.n)

    def forward(self, input: Tensor, indices: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return type(self).function(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AdaptiveMaxPool(Module):
    function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        return type(self).function(input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class _AdaptiveAvgPool(Module):
    function: ClassVar[Callable[..., Any]]

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        return type(self).function(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class MaxPool1d(_MaxPool):
    """The largest value of each window of (N, C, L) or (C, L). PyTorch: `torch.nn.MaxPool1d`; see
    `nn.functional.max_pool1d`."""

    function = staticmethod(F.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest value of each window of (N, C, H, W) or (C, H, W). PyTorch: `torch.nn.MaxPool2d`.

    The settings are those of `nn.functional.max_pool2d`; the gradient goes to the first of equals.

    >>> import minigrad as mg
    >>> mg.nn.MaxPool2d(2)(mg.arange(16.0).reshape(1, 4, 4))
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """

    function = staticmethod(F.max_pool2d)


class MaxPool3d(_MaxPool):
    """The largest value of each window of (N, C, D, H, W) or (C, D, H, W). PyTorch: `torch.nn.MaxPool3d`; see
    `nn.functional.max_pool3d`."""

    function = staticmethod(F.max_pool3d)


class AvgPool1d(_AvgPool):
    """The mean of each window of (N, C, L) or (C, L). PyTorch: `torch.nn.AvgPool1d`; see `nn.functional.avg_pool1d`."""

    def __init__(
        self, kernel_size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:  # fmt: skip
        kernel = sizes("AvgPool1d", "kernel_size", kernel_size, 1, 1)
        stride = kernel if stride is None else sizes("AvgPool1d", "stride", stride, 1, 1)
        super().__init__(kernel, stride, sizes("AvgPool1d", "padding", padding, 1), ceil_mode, count_include_pad)

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(input, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of each window of (N, C, H, W) or (C, H, W). PyTorch: `torch.nn.AvgPool2d`; see
    `nn.functional.avg_pool2d`."""

    function = staticmethod(F.avg_pool2d)


class AvgPool3d(_AvgPool):
    """The mean of each window of (N, C, D, H, W) or (C, D, H, W). PyTorch: `torch.nn.AvgPool3d`; see
    `nn.functional.avg_pool3d`."""

    function = staticmethod(F.avg_pool3d)


class LPPool1d(_LPPool):
    """The p-norm of each window of (N, C, L) or (C, L). PyTorch: `torch.nn.LPPool1d`; see `nn.functional.lp_pool1d`."""

    function = staticmethod(F.lp_pool1d)


class LPPool2d(_LPPool):
    """The p-norm of each window of (N, C, H, W) or (C, H, W). PyTorch: `torch.nn.LPPool2d`; see
    `nn.functional.lp_pool2d`."""

    function = staticmethod(F.lp_pool2d)


class LPPool3d(_LPPool):
    """The p-norm of each window of (N, C, D, H, W) or (C, D, H, W). PyTorch: `torch.nn.LPPool3d`; see
    `nn.functional.lp_pool3d`."""

    function = staticmethod(F.lp_pool3d)


class MaxUnpool1d(_MaxUnpool):
    """Largest values back where `MaxPool1d` found them. PyTorch: `torch.nn.MaxUnpool1d`; see
    `nn.functional.max_unpool1d`."""

    n = 1
    function = staticmethod(F.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """Largest values back where `MaxPool2d` found them. PyTorch: `torch.nn.MaxUnpool2d`; see
    `nn.functional.max_unpool2d`."""

    n = 2
    function = staticmethod(F.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """Largest values back where `MaxPool3d` found them. PyTorch: `torch.nn.MaxUnpool3d`; see
    `nn.functional.max_unpool3d`."""

    n = 3
    function = staticmethod(F.max_unpool3d)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The largest values of parts that cover (N, C, L) or (C, L). PyTorch: `torch.nn.AdaptiveMaxPool1d`; see
    `nn.functional.adaptive_max_pool1d`."""

    function = staticmethod(F.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The largest values of parts that cover (N, C, H, W) or (C, H, W). PyTorch: `torch.nn.AdaptiveMaxPool2d`; see
    `nn.functional.adaptive_max_pool2d`."""

    function = staticmethod(F.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The largest values of parts that cover (N, C, D, H, W) or (C, D, H, W). PyTorch:
    `torch.nn.AdaptiveMaxPool3d`; see `nn.functional.adaptive_max_pool3d`."""

    function = staticmethod(F.adaptive_max_pool3d)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of parts that cover (N, C, L) or (C, L). PyTorch: `torch.nn.AdaptiveAvgPool1d`; see
    `nn.functional.adaptive_avg_pool1d`."""

    function = staticmethod(F.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of parts that cover (N, C, H, W) or (C, H, W). PyTorch: `torch.nn.AdaptiveAvgPool2d`; see
    `nn.functional.adaptive_avg_pool2d`."""

    function = staticmethod(F.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of parts that cover (N, C, D, H, W) or (C, D, H, W). PyTorch: `torch.nn.AdaptiveAvgPool3d`; see
    `nn.functional.adaptive_avg_pool3d`."""

    function = staticmethod(F.adaptive_avg_pool3d)


__all__ = [
    "AdaptiveAvgPool1d", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d", "AdaptiveMaxPool1d", "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d", "AvgPool1d", "AvgPool2d", "AvgPool3d", "LPPool1d", "LPPool2d", "LPPool3d", "MaxPool1d",
    "MaxPool2d", "MaxPool3d", "MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d",
]  # fmt: skip
