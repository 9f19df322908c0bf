"""A training step on several processes, each of which computes a part of the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from lm.models.loss import Loss
from lm.training.task import Task, beside
from minigrad import Tensor, nn
from minigrad.backends.processes import can_fork


@contextmanager
def shared_loss(task: Task, model: Any, processes: int) -> Iterator[Callable[[Any], Tensor]]:
    """The loss of a batch as a function of it, computed by so many processes, which end with the block.

    It is the mean of the losses of the parts, as it is over `accumulation_steps`. With one process, elsewhere than on
    Linux, and on a GPU, `task.loss`.
    """
    if processes == 1 or not can_fork() or next(model.parameters()).device != "cpu":
        yield partial(task.loss, model)
        return
    replicas = nn.DataParallel(Loss(model), device_ids=range(processes))
    try:
        yield lambda batch: replicas(**beside(model, batch)).mean()
    finally:
        replicas.close()
