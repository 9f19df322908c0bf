"""Padding layers: a border around the last one, two or three dimensions. PyTorch: `torch.nn`."""

from __future__ import annotations

from typing import Any, ClassVar

from ...tensor import Tensor
from .. import functional as F
from ..module import Module


class _Pad(Module):
    """Its subclasses say around how many dimensions, and with what: see `nn.functional.pad`.

    `padding` is a number, or the numbers (left, right, top, bottom, front, back) as far as there are dimensions. Raises
    ValueError for another number of numbers.
    """

    dims: ClassVar[int]
    mode: ClassVar[str] = "constant"
    padding: tuple[int, ...]
    value: float | None = None

    def __init__(self, padding: Any) -> None:
        super().__init__()
        sides = 2 * self.dims
        self.padding = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * sides
        if len(self.padding) != sides:
            raise ValueError(f"{type(self).__name__} takes a number or {sides}, got {padding}")

    def forward(self, input: Tensor) -> Any:
        return F.pad(input, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A border of one value, around a sequence (..., L). PyTorch: `torch.nn.ConstantPad1d`.

    >>> import minigrad as mg
    >>> mg.nn.ConstantPad1d(1, 2.0)(mg.zeros(1, 2))
    tensor([[2., 0., 0., 2.]])
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """A border of one value, around images (..., H, W). PyTorch: `torch.nn.ConstantPad2d`."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """A border of one value, around volumes (..., D, H, W). PyTorch: `torch.nn.ConstantPad3d`."""

    dims = 3


class ZeroPad1d(_Pad):
    """A border of zeros, around a sequence (..., L). PyTorch: `torch.nn.ZeroPad1d`.

    >>> import minigrad as mg
    >>> mg.nn.ZeroPad1d((1, 0))(mg.tensor([[1, 2]]))
    tensor([[0, 1, 2]])
    """

    dims = 1


class ZeroPad2d(_Pad):
    """A border of zeros, around images (..., H, W). PyTorch: `torch.nn.ZeroPad2d`."""

    dims = 2


class ZeroPad3d(_Pad):
    """A border of zeros, around volumes (..., D, H, W). PyTorch: `torch.nn.ZeroPad3d`."""

    dims = 3


class ReflectionPad1d(_Pad):
    """A border mirrored about the edge, around a sequence (..., L). PyTorch: `torch.nn.ReflectionPad1d`.

    >>> import minigrad as mg
    >>> mg.nn.ReflectionPad1d((2, 0))(mg.tensor([[1, 2, 3]]))
    tensor([[3, 2, 1, 2, 3]])
    """

    dims = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    """A border mirrored about the edge, around images (..., H, W). PyTorch: `torch.nn.ReflectionPad2d`."""

    dims = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    """A border mirrored about the edge, around volumes (..., D, H, W). PyTorch: `torch.nn.ReflectionPad3d`."""

    dims = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    """A border of the edge itself, around a sequence (..., L). PyTorch: `torch.nn.ReplicationPad1d`.

    >>> import minigrad as mg
    >>> mg.nn.ReplicationPad1d((2, 0))(mg.tensor([[1, 2, 3]]))
    tensor([[1, 1, 1, 2, 3]])
    """

    dims = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    """A border of the edge itself, around images (..., H, W). PyTorch: `torch.nn.ReplicationPad2d`."""

    dims = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    """A border of the edge itself, around volumes (..., D, H, W). PyTorch: `torch.nn.ReplicationPad3d`."""

    dims = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    """A border of what lies at the other end, around a sequence (..., L). PyTorch: `torch.nn.CircularPad1d`.

    >>> import minigrad as mg
    >>> mg.nn.CircularPad1d((2, 0))(mg.tensor([[1, 2, 3]]))
    tensor([[2, 3, 1, 2, 3]])
    """

    dims = 1
    mode = "circular"


class CircularPad2d(_Pad):
    """A border of what lies at the other end, around images (..., H, W). PyTorch: `torch.nn.CircularPad2d`."""

    dims = 2
    mode = "circular"


class CircularPad3d(_Pad):
    """A border of what lies at the other end, around volumes (..., D, H, W). PyTorch: `torch.nn.CircularPad3d`."""

    dims = 3
    mode = "circular"


__all__ = [
    "CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d", "ConstantPad3d",
    "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d", "ReplicationPad1d", "ReplicationPad2d",
    "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d", "ZeroPad3d",
]  # fmt: skip
