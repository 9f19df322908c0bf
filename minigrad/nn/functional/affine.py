"""Linear maps of the last dimension."""

from __future__ import annotations

from typing import Any

from ...ops import ShapeError
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.shape import transpose


@composite
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """`input @ weight.T + bias`: (..., in) by (out, in) gives (..., out), by (in) gives (...). PyTorch: `F.linear`.

    `bias` is (out). Raises ShapeError (a ValueError and RuntimeError) if the shapes do not fit.
    """
    if weight.ndim not in (1, 2) or input.ndim == 0 or input.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"linear: input of shape {tuple(input.shape)} does not end in the {weight.shape[-1] if weight.ndim else 1} "
            f"features that weight of shape {tuple(weight.shape)} takes; (..., in) and (out, in) fit{in_module()}"
        )
    out = input @ (transpose(weight, 0, 1) if weight.ndim == 2 else weight)
    if bias is None:
        return out
    moved = out + bias
    if moved.shape != out.shape:
        raise ShapeError(
            f"linear: bias of shape {tuple(bias.shape)} is larger than the product, of shape {tuple(out.shape)}; it "
            f"should be {tuple(weight.shape[:-1])}{in_module()}"
        )
    return moved


__all__ = ["linear"]
