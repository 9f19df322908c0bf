"""Convolutions and their transposes, and windows as columns. PyTorch: `torch.nn`."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ...ops.windows import pad
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..functional.convolution import same_padding, sizes
from ..module import Module
from ..parameter import empty_parameter

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _Convolution(Module):
    """What convolutions share. `weight` and `bias` start uniform within 1 / sqrt(fan in)."""

    n: ClassVar[int]
    function: ClassVar[Callable[..., Any]]
    transposed: ClassVar[bool] = False
    padding: Any  # numbers, or a word
    output_padding: tuple[int, ...]

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        dilation: Any = 1, groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__()
        name = type(self).__name__
        if groups < 1 or in_channels % groups or out_channels % groups:
            raise ValueError(
                f"{name}: in_channels {in_channels} and out_channels {out_channels} must be multiples of "
                f"groups {groups}"
            )
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"{name}: padding_mode must be one of {', '.join(_PADDING_MODES)}, got {padding_mode!r}")
        if isinstance(padding, str) and (self.transposed or padding not in ("same", "valid")):
            raise ValueError(f"{name}: padding must be numbers, 'same' or 'valid' in a convolution, got {padding!r}")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = sizes(name, "kernel_size", kernel_size, self.n, 1)
        self.stride = sizes(name, "stride", stride, self.n, 1)
        self.padding = padding if isinstance(padding, str) else sizes(name, "padding", padding, self.n)
        self.dilation = sizes(name, "dilation", dilation, self.n, 1)
        self.output_padding = (0,) * self.n
        self.groups = groups
        self.padding_mode = padding_mode
        if padding == "same" and max(self.stride) > 1:
            raise ValueError(f"{name}: padding='same' is for stride 1, got stride {self.stride}")
        first, second = (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        self.weight = empty_parameter(first, second // groups, *self.kernel_size, dtype=dtype, device=device)
        self.bias = empty_parameter(out_channels, dtype=dtype, device=device) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw initial values anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5.0))
        fan_in = init.fans(self.weight)[0]
        if self.bias is not None and fan_in:
            init.uniform_(self.bias, -1.0 / math.sqrt(fan_in), 1.0 / math.sqrt(fan_in))

    def forward(self, input: Tensor) -> Tensor:
        padding = self.padding
        if self.padding_mode != "zeros" and padding != "valid":
            same = same_padding(self.kernel_size, self.dilation)
            input = pad(input, same if padding == "same" else tuple((p, p) for p in padding), self.padding_mode)
            padding = 0
        return type(self).function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}",
            f"padding={self.padding}" if self.padding != (0,) * self.n else "",
            f"dilation={self.dilation}" if self.dilation != (1,) * self.n else "",
            f"output_padding={self.output_padding}" if self.output_padding != (0,) * self.n else "",
            f"groups={self.groups}" if self.groups != 1 else "",
            "bias=False" if self.bias is None else "",
            f"padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "",
        ]
        return ", ".join(filter(None, parts))


class Conv1d(_Convolution):
    """Products with a window that slides along (N, C, L) or (C, L). PyTorch: `torch.nn.Conv1d`; see `Conv2d`."""

    n = 1
    function = staticmethod(F.conv1d)


class Conv2d(_Convolution):
    """Products with a window that slides over (N, C, H, W) or (C, H, W). PyTorch: `torch.nn.Conv2d`.

    `weight` (out_channels, in_channels / groups, *kernel_size) and `bias` (out_channels) start uniform within
    1 / sqrt(fan in). The settings are those of `nn.functional.conv2d`; `padding_mode` ("zeros", "reflect",
    "replicate", "circular") is what stands in the padding. Raises ValueError for settings that cannot be.

    >>> import minigrad as mg
    >>> mg.nn.Conv2d(3, 16, 3, padding="same")(mg.zeros(2, 3, 8, 8)).shape
    (2, 16, 8, 8)
    """

    n = 2
    function = staticmethod(F.conv2d)


class Conv3d(_Convolution):
    """Products with a window that slides through (N, C, D, H, W) or (C, D, H, W). PyTorch: `torch.nn.Conv3d`; see
    `Conv2d`."""

    n = 3
    function = staticmethod(F.conv3d)


class _ConvolutionTransposed(_Convolution):
    transposed = True

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0,
        output_padding: Any = 0, groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros",
        device: Any = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        name = type(self).__name__
        if padding_mode != "zeros":
            raise ValueError(f"{name}: padding_mode must be 'zeros', got {padding_mode!r}")
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype
        )
        self.output_padding = sizes(name, "output_padding", output_padding, self.n)

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        extra = self.output_padding if output_size is None else self._extra(input, output_size)
        return type(self).function(
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, input: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output_padding that gives `output_size`, which may have the leading dimensions too."""
        wanted = tuple(output_size)
        wanted = wanted[-self.n :] if len(wanted) == input.ndim else wanted
        least = tuple(
            (length - 1) * s - 2 * p + d * (k - 1) + 1
            for length, s, p, d, k in zip(
                input.shape[-self.n :], self.stride, self.padding, self.dilation, self.kernel_size
            )
        )
        if len(wanted) != self.n or not all(low <= w < low + s for w, low, s in zip(wanted, least, self.stride)):
            raise ValueError(
                f"{type(self).__name__}: output_size {tuple(output_size)} for input of shape {input.shape} must be "
                f"{least} or less than a stride {self.stride} more"
            )
        return tuple(w - low for w, low in zip(wanted, least))


class ConvTranspose1d(_ConvolutionTransposed):
    """The map that is the gradient of `Conv1d`. PyTorch: `torch.nn.ConvTranspose1d`; see `ConvTranspose2d`."""

    n = 1
    function = staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvolutionTransposed):
    """The map that is the gradient of `Conv2d` for its input: from fewer places to more. PyTorch:
    `torch.nn.ConvTranspose2d`.

    `weight` is (in_channels, out_channels / groups, *kernel_size). The call takes an `output_size` too, in place of
    `output_padding`. Settings and sizes are those of `nn.functional.conv_transpose2d`.

    >>> import minigrad as mg
    >>> up = mg.nn.ConvTranspose2d(16, 3, 3, stride=2, padding=1)
    >>> up(mg.zeros(2, 16, 4, 4), output_size=(8, 8)).shape
    (2, 3, 8, 8)
    """

    n = 2
    function = staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvolutionTransposed):
    """The map that is the gradient of `Conv3d`. PyTorch: `torch.nn.ConvTranspose3d`; see `ConvTranspose2d`."""

    n = 3
    function = staticmethod(F.conv_transpose3d)


class Unfold(Module):
    """Every window of an image as a column. PyTorch: `torch.nn.Unfold`; see `nn.functional.unfold`."""

    def __init__(self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Fold(Module):
    """Columns put back as windows that add up. PyTorch: `torch.nn.Fold`; see `nn.functional.fold`."""

    def __init__(
        self, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        super().__init__()
        self.output_size = output_size
        self.kernel_size = kernel_size
        self.dilation = dilation
        self.padding = padding
        self.stride = stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Fold", "Unfold",
]  # fmt: skip
