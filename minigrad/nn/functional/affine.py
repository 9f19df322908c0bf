"""Linear maps of the last dimension."""

from __future__ import annotations

from typing import Any

from ...ops import ShapeError
from ...ops.composite import composite
from ...ops.failure import in_module
from ...ops.shape import transpose


@composite
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """`input @ weight.T + bias`: (..., in) by (out, in) gives (..., out). PyTorch: `F.linear`."""
    if weight.ndim != 2 or input.ndim == 0 or input.shape[-1] != weight.shape[1]:
        raise ShapeError(
            f"linear: input of shape {tuple(input.shape)} does not end in the {weight.shape[-1]} features that weight "
            f"of shape {tuple(weight.shape)} takes{in_module()}"
        )
    out = input @ transpose(weight, 0, 1)
    return out if bias is None else out + bias


__all__ = ["linear"]
