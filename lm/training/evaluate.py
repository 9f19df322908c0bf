"""The loss on all of a token sequence, or on whatever else is held out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lm.data.batches import whole_batches
from lm.data.corpus import Tokens
from lm.data.text import DataError
from lm.generation.reading import evaluating
from lm.training.signals import StopSignal
from minigrad import Tensor, no_grad


def mean_loss(
    model: Any,
    batches: Iterable[tuple[Any, int]],
    loss: Callable[[Any, Any], Tensor],
    stop: StopSignal | None = None,
) -> float | None:
    """The mean of `loss(model, batch)` over batches of so many predictions each, in evaluation mode.

    None when `stop` rises meanwhile. Raises DataError where there is nothing to predict.
    """
    total, predictions = 0.0, 0
    with no_grad(), evaluating(model.modules()):
        for batch, count in batches:
            if stop:
                return None
            total += loss(model, batch).item() * count
            predictions += count
    if predictions == 0:
        raise DataError("nothing that is held out can be predicted; use a longer text or a larger val_fraction")
    return total / predictions


def evaluate(model: Any, tokens: Tokens, batch_size: int, stop: StopSignal | None = None) -> float | None:
    """The mean loss over every token but the first, in nats, each predicted once, in windows of the model's context.

    None when `stop` rises meanwhile.
    """
    device = next(model.parameters()).device

    def loss(model: Any, batch: Any) -> Tensor:
        ids, targets = (Tensor(array).to(device=device) for array in batch)
        value: Tensor = model.loss(ids, targets)
        return value

    batches = whole_batches(tokens, batch_size, model.context_length)
    return mean_loss(model, ((batch, batch[1].size) for batch in batches), loss, stop)
