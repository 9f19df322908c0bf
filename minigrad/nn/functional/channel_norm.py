"""Normalization by channel: zero mean and unit variance over the batch, over an instance, or over groups of channels.

An input is (N, C, ...), batch and channels first; weights, biases and running statistics are one number per channel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...grad_mode import no_grad
from ...ops import DTypeError, ShapeError, rsqrt
from ...ops.cast import cast
from ...ops.failure import in_module
from ...ops.inplace import write


def batch_norm(
    input: Any, running_mean: Any, running_var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Zero mean and unit variance of each channel over the batch, then `weight` and `bias`. PyTorch: `F.batch_norm`.

    Args:
        input: (N, C, ...).
        running_mean, running_var: (C), or None. In training they move by `momentum` towards the mean and the unbiased
            variance of this batch, in place and outside of the graph; otherwise they are what is used.
        weight, bias: (C), or None.
        training: use the mean and the biased variance of this batch.

    Source: Ioffe and Szegedy, "Batch normalization" (2015). Raises ShapeError if the shapes do not fit, ValueError
    for one value per channel in training, or if there are no statistics to use.

    >>> import minigrad as mg
    >>> mg.nn.functional.batch_norm(mg.tensor([[1.0, 0.0], [3.0, 4.0]]), None, None, training=True)
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]])
    """
    _check_channels("batch_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm: eps must be above 0, got {eps}")
    if not training:
        return _affine(_by_running("batch_norm", input, running_mean, running_var, eps), weight, bias)
    count = input.shape[0] * math.prod(input.shape[2:])
    _check_count("batch_norm", input, count)
    out, mean, var = _standardized(input, (0, *range(2, input.ndim)), eps)
    _follow(running_mean, mean.reshape(-1), momentum, count)
    _follow(running_var, var.reshape(-1) * (count / max(count - 1, 1)), momentum, count)
    return _affine(out, weight, bias)


def instance_norm(
    input: Any, running_mean: Any = None, running_var: Any = None, weight: Any = None, bias: Any = None,
    use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Any:  # fmt: skip
    """Zero mean and unit variance of each channel of each instance, then `weight` and `bias`. PyTorch:
    `F.instance_norm`.

    As `batch_norm` with a batch of one; the running statistics follow the mean over the batch. Source: Ulyanov,
    Vedaldi and Lempitsky, "Instance normalization" (2016). Raises ValueError for one value per channel.
    """
    _check_channels(
        "instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    if not use_input_stats:
        return _affine(_by_running("instance_norm", input, running_mean, running_var, eps), weight, bias)
    count = math.prod(input.shape[2:])
    _check_count("instance_norm", input, count)
    out, mean, var = _standardized(input, tuple(range(2, input.ndim)), eps)
    channels = input.shape[:2]
    _follow(running_mean, mean.reshape(channels).mean(0), momentum, count)
    _follow(running_var, var.reshape(channels).mean(0) * (count / max(count - 1, 1)), momentum, count)
    return _affine(out, weight, bias)


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Zero mean and unit variance over each of `num_groups` groups of channels, then `weight` and `bias`.

    PyTorch: `F.group_norm`. Source: Wu and He, "Group normalization" (2018). Raises ShapeError if the channels do not
    divide into the groups or the shapes do not fit.
    """
    _check_channels("group_norm", input, weight=weight, bias=bias)
    batch, channels, *rest = input.shape
    if num_groups < 1 or channels % num_groups:
        raise ShapeError(
            f"group_norm: the {channels} channels of input of shape {tuple(input.shape)} do not divide into "
            f"{num_groups} groups{in_module()}"
        )
    _check_count("group_norm", input, batch * (channels // num_groups) * math.prod(rest))
    groups = input.reshape(batch, num_groups, channels // num_groups, *rest)
    out, _, _ = _standardized(groups, tuple(range(2, groups.ndim)), eps)
    return _affine(out.reshape(*input.shape), weight, bias)


def _standardized(input: Any, dims: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """`input` with zero mean and unit variance over `dims`, and that mean and biased variance; all of float16 computed
    in float32."""
    x = cast(input, dtype=np.dtype(np.float32)) if input.dtype == np.float16 else input
    mean = x.mean(dims, keepdims=True)
    centred = x - mean
    var = (centred * centred).mean(dims, keepdims=True)
    out = centred * rsqrt(var + eps)
    return (out if x is input else cast(out, dtype=input.dtype)), mean, var


def _by_running(name: str, input: Any, mean: Any, var: Any, eps: float) -> Any:
    if mean is None or var is None:
        raise ValueError(f"{name}: without the statistics of the input it needs running_mean and running_var")
    return (input - _per_channel(mean, input)) * _per_channel(rsqrt(var + eps), input)


def _follow(running: Any, now: Any, momentum: float, count: int) -> None:
    """Move a running statistic, in place, by `momentum` towards its value in this batch of `count` values."""
    if running is not None and count:
        with no_grad():
            write(running, "the update of running statistics", running * (1.0 - momentum) + now * momentum)


def _affine(out: Any, weight: Any, bias: Any) -> Any:
    if weight is not None:
        out = out * _per_channel(weight, out)
    return out if bias is None else out + _per_channel(bias, out)


def _per_channel(values: Any, input: Any) -> Any:
    """(C) as (C, 1, ...), which broadcasts to (N, C, ...)."""
    return values.reshape(-1, *(1,) * (input.ndim - 2))


def _check_channels(name: str, input: Any, **per_channel: Any) -> None:
    if input.dtype.kind != "f":
        raise DTypeError(f"{name} needs floating-point input, got {input.dtype}; convert it with .float(){in_module()}")
    if input.ndim < 2:
        raise ShapeError(f"{name} takes (N, C, ...), batch and channels, got shape {tuple(input.shape)}{in_module()}")
    for what, values in per_channel.items():
        if values is not None and tuple(values.shape) != (input.shape[1],):
            raise ShapeError(
                f"{name}: {what} of shape {tuple(values.shape)} is not one number for each of the {input.shape[1]} "
                f"channels (dimension 1) of input of shape {tuple(input.shape)}{in_module()}"
            )


def _check_count(name: str, input: Any, count: int) -> None:
    if count == 1:
        raise ValueError(
            f"{name}: input of shape {tuple(input.shape)} has one value per channel, and a single value has no "
            f"variance; use a larger batch, or evaluation mode{in_module()}"
        )


__all__ = ["batch_norm", "group_norm", "instance_norm"]
