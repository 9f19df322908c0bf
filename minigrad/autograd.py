"""Differentiation as functions. PyTorch: `torch.autograd`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .debug import detect_anomaly as detect_anomaly
from .debug import set_detect_anomaly as set_detect_anomaly
from .function import Function as Function
from .tensor import Tensor, accumulate, check_inputs, differentiate


def _sequence(value: Any) -> list[Any]:
    return [value] if isinstance(value, Tensor) or value is None else list(value)


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of `outputs` with respect to `inputs`; no `grad` changes. PyTorch: `torch.autograd.grad`.

    `grad_outputs` are the cotangents, one per output; an output of one element takes 1. With `create_graph` the
    result can be differentiated again. An input that no output depends on raises RuntimeError, or gives None with
    `allow_unused`.

    >>> import minigrad as mg
    >>> x = mg.tensor(3.0, requires_grad=True)
    >>> (slope,) = mg.autograd.grad(x**3, x, create_graph=True)
    >>> mg.autograd.grad(slope, x)
    (tensor(18.),)
    """
    outputs, inputs = _sequence(outputs), _sequence(inputs)
    cotangents = [None] * len(outputs) if grad_outputs is None else _sequence(grad_outputs)
    check_inputs("grad", inputs)
    gradients = differentiate(outputs, cotangents, inputs, retain_graph, create_graph)
    result = tuple(gradients.get(tensor.node or tensor) for tensor in inputs)
    for position, value in enumerate(result):
        if value is None and not allow_unused:
            raise RuntimeError(
                f"input {position} of shape {inputs[position].shape} was not used to compute the outputs; pass "
                f"allow_unused=True to get None for it"
            )
    return result


def backward(
    tensors: Tensor | Sequence[Tensor],
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensor | Sequence[Tensor] | None = None,
) -> None:
    """Add the gradients of the sum of `tensors` to the `grad` of every leaf, or of `inputs`. PyTorch:
    `torch.autograd.backward`."""
    tensors = _sequence(tensors)
    cotangents = [None] * len(tensors) if grad_tensors is None else _sequence(grad_tensors)
    accumulate(tensors, cotangents, inputs, retain_graph, create_graph)
