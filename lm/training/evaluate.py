"""The loss on all of a token sequence."""

from __future__ import annotations

from lm.data.batches import whole_batches
from lm.data.corpus import Tokens
from lm.generation.generate import evaluating
from lm.models import GPT2
from lm.training.signals import StopSignal
from minigrad import Tensor, no_grad


def evaluate(model: GPT2, tokens: Tokens, batch_size: int, stop: StopSignal | None = None) -> float | None:
    """The mean loss over every token but the first, in nats, each predicted once, in windows of the model's context.

    None when `stop` rises meanwhile.
    """
    total, device = 0.0, next(model.parameters()).device
    with no_grad(), evaluating(model):
        for ids, targets in whole_batches(tokens, batch_size, model.context_length):
            if stop:
                return None
            loss = model.loss(Tensor(ids).to(device=device), Tensor(targets).to(device=device))
            total += loss.item() * targets.size
    return total / (len(tokens) - 1)
