"""Linear and bilinear maps of the last dimension."""

from __future__ import annotations

from typing import Any

from ...ops import DTypeError, ShapeError
from ...ops.composite import composite
from ...ops.contraction import einsum
from ...ops.failure import in_module
from ...ops.shape import transpose


@composite
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """`input @ weight.T + bias`: (..., in) by (out, in) gives (..., out), by (in) gives (...). PyTorch: `F.linear`.

    `bias` is (out). Raises ShapeError (a ValueError and RuntimeError) if the shapes do not fit.
    """
    if weight.ndim not in (1, 2) or input.ndim == 0 or input.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"linear: input of shape {tuple(input.shape)} has {input.shape[-1] if input.ndim else 'no'} features, "
            f"weight of shape {tuple(weight.shape)} takes {weight.shape[-1] if weight.ndim else 1}{in_module()}"
        )
    try:
        out = input @ (transpose(weight, 0, 1) if weight.ndim == 2 else weight)
    except DTypeError as error:
        if "differ" not in str(error):
            raise
        raise DTypeError(
            f"linear: input is {input.dtype} and weight {weight.dtype}; convert one of them, with .to(...){in_module()}"
        ) from None
    if bias is None:
        return out
    moved = out + bias
    if moved.shape != out.shape:
        raise ShapeError(
            f"linear: bias of shape {tuple(bias.shape)} is larger than the product, of shape {tuple(out.shape)}; it "
            f"should be {tuple(weight.shape[:-1])}{in_module()}"
        )
    return moved


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """input1ᵀ weight[k] input2 + bias[k] for each k: (..., in1), (..., in2) and (out, in1, in2) give (..., out).

    PyTorch: `F.bilinear`. Raises ShapeError if the shapes do not fit.
    """
    if (
        weight.ndim != 3
        or not min(input1.ndim, input2.ndim)
        or tuple(input1.shape[:-1]) != tuple(input2.shape[:-1])
        or (input1.shape[-1], input2.shape[-1]) != tuple(weight.shape[1:])
    ):
        raise ShapeError(
            f"bilinear: inputs of shapes {tuple(input1.shape)} and {tuple(input2.shape)} and weight of shape "
            f"{tuple(weight.shape)} do not fit: (..., in1), (..., in2) and (out, in1, in2) do{in_module()}"
        )
    out = einsum("...i,kij,...j->...k", input1, weight, input2)
    return out if bias is None else out + bias


__all__ = ["bilinear", "linear"]
