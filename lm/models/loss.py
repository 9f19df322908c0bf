"""A model's loss as a module of its own, for what calls modules: `nn.DataParallel`, say."""

from __future__ import annotations

from typing import Any

from minigrad import Tensor, nn


class Loss(nn.Module):
    """`model.loss` of whatever it is called with.

    >>> import minigrad as mg
    >>> from lm.models import GPT2, GPT2Config
    >>> model = GPT2(GPT2Config(vocab_size=10, n_positions=8, n_embd=4, n_layer=1, n_head=1))
    >>> Loss(model)(mg.tensor([[1, 2]]), mg.tensor([[2, 3]])).shape
    ()
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *arguments: Tensor, **named: Tensor) -> Tensor:
        loss: Tensor = self.model.loss(*arguments, **named)
        return loss


__all__ = ["Loss"]
