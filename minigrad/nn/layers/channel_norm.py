"""Normalization by channel: BatchNorm, InstanceNorm and GroupNorm. PyTorch: `torch.nn`."""

# The functions return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...ops import ShapeError, empty
from ...ops.failure import in_module
from ...tensor import Tensor
from .. import functional as F
from .. import init
from ..module import Module
from ..parameter import Parameter, empty_parameter


class _ChannelNorm(Module):
    """What follows below share: a weight that starts at 1 and a bias that starts at 0 per channel, and statistics that
    are followed while training: `running_mean`, `running_var`, and the count `num_batches_tracked` in buffers."""

    allowed: ClassVar[tuple[int, ...]]  # numbers of dimensions of an input
    weight: Parameter | None
    bias: Parameter | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self, num_features: int, eps: float, momentum: float | None, affine: bool, track_running_stats: bool,
        device: Any, dtype: Any, bias: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = empty_parameter(num_features, dtype=dtype, device=device) if affine else None
        self.bias = empty_parameter(num_features, dtype=dtype, device=device) if affine and bias else None
        mean, var = (empty(num_features, dtype=dtype, device=device) for _ in range(2))
        self.register_buffer("running_mean", mean if track_running_stats else None)
        self.register_buffer("running_var", var if track_running_stats else None)
        count = empty((), dtype=np.int64, device=device)
        self.register_buffer("num_batches_tracked", count if track_running_stats else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Back to mean 0, variance 1 and no batch seen."""
        for tensor, start in (self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0):
            if tensor is not None:
                init.constant_(tensor, start)

    def reset_parameters(self) -> None:
        """Back to weight 1 and bias 0, and the statistics too."""
        self.reset_running_stats()
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def _check(self, input: Tensor) -> None:
        if input.ndim not in self.allowed:
            raise ShapeError(
                f"{type(self).__name__} takes an input of {' or '.join(map(str, self.allowed))} dimensions, got shape "
                f"{tuple(input.shape)}{in_module()}"
            )

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_ChannelNorm):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1, affine: bool = True,
        track_running_stats: bool = True, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        momentum = self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # the mean of all batches so far
                momentum = 1.0 / self.num_batches_tracked.item()
        own = self.track_running_stats or not self.training
        mean, var = (self.running_mean, self.running_var) if own else (None, None)
        training = self.training or self.running_mean is None
        return F.batch_norm(input, mean, var, self.weight, self.bias, training, momentum or 0.0, self.eps)


class BatchNorm1d(_BatchNorm):
    """Zero mean and unit variance of each channel over a batch (N, C) or (N, C, L). PyTorch: `torch.nn.BatchNorm1d`.

    In evaluation the running statistics are used instead, which follow each batch by `momentum` while training, or
    are the mean over all batches with `momentum=None`. `weight` and `bias` are there with `affine`, the statistics
    with `track_running_stats`; without those, evaluation is as training. Raises ValueError for one value per channel
    while training.

    >>> import minigrad as mg
    >>> sorted(mg.nn.BatchNorm1d(4).state_dict())
    ['bias', 'num_batches_tracked', 'running_mean', 'running_var', 'weight']
    """

    allowed = (2, 3)


class BatchNorm2d(_BatchNorm):
    """As `BatchNorm1d`, for (N, C, H, W). PyTorch: `torch.nn.BatchNorm2d`."""

    allowed = (4,)


class BatchNorm3d(_BatchNorm):
    """As `BatchNorm1d`, for (N, C, D, H, W). PyTorch: `torch.nn.BatchNorm3d`."""

    allowed = (5,)


class _InstanceNorm(_ChannelNorm):
    def __init__(
        self, num_features: int, eps: float = 1e-5, momentum: float = 0.1, affine: bool = False,
        track_running_stats: bool = False, device: Any = None, dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check(input)
        batched = input.ndim == self.allowed[1]
        out = F.instance_norm(
            input if batched else input.unsqueeze(0), self.running_mean, self.running_var, self.weight, self.bias,
            self.training or not self.track_running_stats, self.momentum or 0.0, self.eps,
        )  # fmt: skip
        return out if batched else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Zero mean and unit variance of each channel of each instance: (C, L) or (N, C, L). PyTorch:
    `torch.nn.InstanceNorm1d`.

    `affine` and `track_running_stats` are as in `BatchNorm1d`, and off. Raises ValueError for one value per channel
    while training.
    """

    allowed = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    """As `InstanceNorm1d`, for (C, H, W) or (N, C, H, W). PyTorch: `torch.nn.InstanceNorm2d`."""

    allowed = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    """As `InstanceNorm1d`, for (C, D, H, W) or (N, C, D, H, W). PyTorch: `torch.nn.InstanceNorm3d`."""

    allowed = (4, 5)


class GroupNorm(Module):
    """Zero mean and unit variance over each of `num_groups` groups of channels of (N, C, ...). PyTorch:
    `torch.nn.GroupNorm`.

    `weight` (num_channels) starts at 1, `bias` at 0. Raises ValueError if the channels do not divide into the groups.
    """

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, device: Any = None,
        dtype: Any = None, *, bias: bool = True,
    ) -> None:  # fmt: skip
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"GroupNorm: {num_channels} channels do not divide into {num_groups} groups")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self.weight = empty_parameter(num_channels, dtype=dtype, device=device) if affine else None
        self.bias = empty_parameter(num_channels, dtype=dtype, device=device) if affine and bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Back to weight 1 and bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


__all__ = [
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d",
]  # fmt: skip
