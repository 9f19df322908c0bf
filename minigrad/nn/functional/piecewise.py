"""Activation functions with kinks: linear, constant or exponential in pieces. The smooth ones are in `activation`.

At a kink the derivative is PyTorch's: that of the piece to the left for `relu` and its kin, and 0 where a function
becomes constant. A nan stays a nan.
"""

from __future__ import annotations

from typing import Any

from ... import ops
from ...backends import backend_of
from ...ops import ShapeError, default_generator, expm1, masked_fill, where
from ...ops.failure import in_module
from .inplace import takes_inplace


@takes_inplace
def relu(input: Any, inplace: bool = False) -> Any:
    """max(input, 0), with derivative 0 at 0. PyTorch: `F.relu`."""
    return ops.relu(input)


@takes_inplace
def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """`input` where it is above `threshold`, `value` elsewhere. PyTorch: `F.threshold`."""
    return masked_fill(input, input <= threshold, value)


@takes_inplace
def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """`input` limited to [min_val, max_val], with derivative 0 at both ends. PyTorch: `F.hardtanh`.

    Raises ValueError if `min_val` is above `max_val`.
    """
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val {min_val} is above max_val {max_val}")
    return masked_fill(masked_fill(input, input >= max_val, max_val), input <= min_val, min_val)


@takes_inplace
def relu6(input: Any, inplace: bool = False) -> Any:
    """`input` limited to [0, 6]. PyTorch: `F.relu6`."""
    return hardtanh(input, 0.0, 6.0)


@takes_inplace
def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """The sigmoid in three straight pieces: relu6(input + 3) / 6. PyTorch: `F.hardsigmoid`."""
    return relu6(input + 3.0) / 6.0


@takes_inplace
def hardswish(input: Any, inplace: bool = False) -> Any:
    """`input` times hardsigmoid(input). PyTorch: `F.hardswish`.

    Source: Howard et al., "Searching for MobileNetV3" (2019).
    """
    return input * (relu6(input + 3.0) / 6.0)


@takes_inplace
def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """`input`, times `negative_slope` where it is not above 0. PyTorch: `F.leaky_relu`."""
    return where(input > 0, input, input * negative_slope)


@takes_inplace
def rrelu(
    input: Any, lower: float = 1.0 / 8.0, upper: float = 1.0 / 3.0, training: bool = False, inplace: bool = False
) -> Any:
    """A leaky ReLU whose slope is drawn from [lower, upper) for each element, or is their mean. PyTorch: `F.rrelu`.

    Slopes are drawn if `training`; they are a function of the default generator's seed and counter. Source: Xu et
    al., "Empirical evaluation of rectified activations in convolutional network" (2015). Raises ValueError if
    `lower` is above `upper`.
    """
    if lower > upper:
        raise ValueError(f"rrelu: lower {lower} is above upper {upper}")
    if not training:
        return leaky_relu(input, (lower + upper) / 2.0)
    uniform = default_generator.key("rrelu").uniform(tuple(input.shape), input.dtype, backend_of(input.data))
    return where(input > 0, input, input * (uniform * (upper - lower) + lower))


def prelu(input: Any, weight: Any) -> Any:
    """`input`, times `weight` where it is not above 0: one number, or one per channel (dimension 1).

    PyTorch: `F.prelu`. Source: He et al., "Delving deep into rectifiers" (2015). Raises ShapeError if `weight` is
    neither a number nor a vector of the channels.
    """
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.ndim > 1 or weight.shape not in ((), (1,), (channels,)):
        raise ShapeError(
            f"prelu: weight of shape {tuple(weight.shape)} is neither one number nor one for each of the {channels} "
            f"channels (dimension 1) of input of shape {tuple(input.shape)}{in_module()}"
        )
    slope = weight.reshape(-1, *(1,) * (input.ndim - 2)) if input.ndim else weight.reshape(())
    return where(input > 0, input, input * slope)


@takes_inplace
def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """`input` above 0, alpha * (exp(input) - 1) elsewhere. PyTorch: `F.elu`.

    Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units"
    (2016).
    """
    return _elu(input, alpha, 1.0, 1.0)


@takes_inplace
def selu(input: Any, inplace: bool = False) -> Any:
    """`elu` scaled so that layers keep zero mean and unit variance. PyTorch: `F.selu`.

    Source: Klambauer et al., "Self-normalizing neural networks" (2017).
    """
    return _elu(input, SELU_ALPHA, SELU_SCALE, 1.0)


@takes_inplace
def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """`input` above 0, alpha * (exp(input / alpha) - 1) elsewhere: an `elu` with slope 1 at 0. PyTorch: `F.celu`.

    Source: Barron, "Continuously differentiable exponential linear units" (2017). Raises ZeroDivisionError for
    `alpha` 0.
    """
    if alpha == 0:
        raise ZeroDivisionError("celu: alpha must not be 0")
    return _elu(input, alpha, 1.0, 1.0 / alpha)


SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _elu(input: Any, alpha: float, scale: float, input_scale: float) -> Any:
    above = input > 0
    below = where(above, 0.0, input) * input_scale  # so that no exponential overflows
    return where(above, input * scale, expm1(below) * (alpha * scale))


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """`input` moved towards 0 by `lambd`, and 0 within `lambd` of it. PyTorch: `F.softshrink`.

    Raises ValueError if `lambd` is below 0.
    """
    if lambd < 0:
        raise ValueError(f"softshrink: lambd must not be below 0, got {lambd}")
    return masked_fill(where(input > lambd, input - lambd, input + lambd), (input >= -lambd) & (input <= lambd), 0.0)


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """`input`, and 0 within `lambd` of 0. PyTorch: `F.hardshrink`."""
    return masked_fill(input, (input >= -lambd) & (input <= lambd), 0.0)


__all__ = [
    "celu", "elu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "prelu", "relu", "relu6",
    "rrelu", "selu", "softshrink", "threshold",
]  # fmt: skip
