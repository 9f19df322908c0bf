"""The weights that models start from: biases 0, norms the identity, and the others as each family draws them."""

from __future__ import annotations

from collections.abc import Callable

from minigrad import nn


def initialize(model: nn.Module, draw: Callable[[str, nn.Parameter], object]) -> None:
    """Start from `draw(name, weight)` for each weight of two dimensions or more, from 0 for biases and what stands for
    padding, else from 1.
    """
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2:
            draw(name, parameter)
        elif name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.ones_(parameter)
    for part in model.modules():
        if isinstance(part, nn.Embedding) and part.padding_idx is not None:
            nn.init.zeros_(part.weight[part.padding_idx].detach())


__all__ = ["initialize"]
