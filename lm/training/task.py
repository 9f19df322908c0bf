"""What a family is trained on: batches, a loss, what is held out, and what a person is shown in the end.

The loop in `loop.py` knows nothing more of a family than this. Each task is a file of `tasks/`; `families.py` says
which family has which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lm.config import Config
from lm.data.corpus import Corpus
from lm.tokenizer import BPETokenizer, Pipeline
from lm.tokenizer.files import AnyTokenizer
from lm.training.evaluate import mean_loss
from lm.training.signals import StopSignal
from minigrad import Tensor, nn

Batch = dict[str, NDArray[np.int64]]  # the arguments of a model's `loss`


@dataclass(frozen=True)
class Family:
    """What the loop is told of a family.

    Attributes:
        task: what it is trained on.
        make: its model with fresh weights, for a task.
        special_tokens: the tokens that a tokenizer learnt for it has beside the text's own, by what they are for, in
            the order of their ids.
    """

    task: type[Task]
    make: Callable[[Any], Any]
    special_tokens: Mapping[str, str] = field(default_factory=dict)


def beside(model: Any, batch: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """A batch as tensors on the model's device."""
    device = next(model.parameters()).device
    return {name: Tensor(array).to(device=device) for name, array in batch.items()}


class Task(ABC):
    """A family, and a text to train it on.

    Attributes:
        title: what `show` shows.
        by_hand: whether the model has a `step(batch, lr)` of its own, with gradients written by hand, which the loop
            takes instead of backward and AdamW.
    """

    title: ClassVar[str]
    by_hand: ClassVar[bool] = False

    def __init__(self, family: Family, config: Config, tokenizer: AnyTokenizer, corpus: Corpus) -> None:
        self.family = family
        self.config, self.tokenizer, self.corpus = config, tokenizer, corpus

    @classmethod
    def shortest_text(cls, config: Config) -> int:
        """A part of the text must have more tokens than this."""
        return config.model.n_positions

    @property
    def tokens_per_batch(self) -> int:
        """Tokens of text in a training batch."""
        return self.config.training.batch_size * self.config.model.n_positions

    @property
    def vocab_size(self) -> int:
        """Ids that the model knows."""
        return self.tokenizer.vocab_size

    def make_model(self) -> Any:
        """The model with fresh weights, a module."""
        return self.family.make(self)

    @abstractmethod
    def batch(self, number: int) -> Any:
        """A training batch, a function of the seed and its number alone."""

    @abstractmethod
    def validation(self) -> Iterator[tuple[Any, int]]:
        """Batches of what is held out, the same each time, and how many predictions each is of."""

    @abstractmethod
    def show(self, model: Any) -> Sequence[str]:
        """Lines that show what the model, in evaluation mode, has learnt."""

    def loss(self, model: Any, batch: Any) -> Tensor:
        """The mean loss of a batch's predictions, in nats."""
        loss: Tensor = model.loss(**beside(model, batch))
        return loss

    def evaluate(self, model: nn.Module, stop: StopSignal | None = None) -> float | None:
        """The mean loss of all that is held out; None when `stop` rises meanwhile."""
        return mean_loss(model, self.validation(), self.loss, stop)

    def count_parameters(self) -> int:
        """Of the model, which is not allocated."""
        return sum(parameter.numel() for parameter in nn.utils.skip_init(self.make_model).parameters())

    def bits_per_byte(self, loss: float) -> float | None:
        """What a loss on the validation text comes to for each byte of it; None where it is not of the whole text."""
        return None

    def save_results(self, model: Any, folder: Path) -> Path | None:
        """Write what other programs can read beside the checkpoints; None where that is nothing."""
        return None

    def special_id(self, use: str) -> int:
        """The id of a special token. Raises ValueError where the tokenizer does not have it."""
        specials = self.tokenizer.special_tokens if isinstance(self.tokenizer, BPETokenizer | Pipeline) else {}
        spelling = self.family.special_tokens[use]
        if spelling not in specials:
            raise ValueError(
                f"the tokenizer has no token {spelling}, which a {self.config.model.family} needs; leave out "
                f"tokenizer.path, or name the file of one that has it"
            )
        return specials[spelling]
