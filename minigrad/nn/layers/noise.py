"""Layers that drop elements or channels at random while training. PyTorch: `torch.nn`."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from ...tensor import Tensor
from .. import functional as F
from .configured import Configured


class _Dropout(Configured):
    """What the layers below share: `p`, in [0, 1], and `inplace`."""

    p: float = 0.5
    inplace: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.p <= 1.0:
            raise ValueError(f"{type(self).__name__}: p must be in [0, 1], got {self.p}")

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """In training, sets each element to 0 with probability `p` and divides the others by 1 - p.

    PyTorch: `torch.nn.Dropout`. Raises ValueError for `p` outside [0, 1].
    """

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout(input, self.p, self.training, self.inplace)


class Dropout1d(_Dropout):
    """`Dropout` of whole channels of (C, L) or (N, C, L). PyTorch: `torch.nn.Dropout1d`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(_Dropout):
    """`Dropout` of whole channels of (N, C, H, W). PyTorch: `torch.nn.Dropout2d`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(_Dropout):
    """`Dropout` of whole channels of (C, D, H, W) or (N, C, D, H, W). PyTorch: `torch.nn.Dropout3d`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(_Dropout):
    """`Dropout` for `SELU`, which keeps zero mean and unit variance. PyTorch: `torch.nn.AlphaDropout`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(_Dropout):
    """`AlphaDropout` of whole channels of (N, C, ...). PyTorch: `torch.nn.FeatureAlphaDropout`."""

    def forward(self, input: Tensor) -> Tensor:
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)


__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]
