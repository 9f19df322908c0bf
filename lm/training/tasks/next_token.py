"""The next token of a text, from those before it: what decoders learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lm.data.batches import training_batch, whole_batches
from lm.generation import generate
from lm.training.task import Batch, Task

SAMPLE_TOKENS = 150


class NextToken(Task):
    """GPT-2 and Llama."""

    title = "sample"

    def batch(self, number: int) -> Batch:
        config = self.config
        ids, targets = training_batch(
            self.corpus.train.tokens,
            config.training.batch_size,
            config.model.n_positions,
            seed=config.seed,
            number=number,
        )
        return {"ids": ids, "targets": targets}

    def validation(self) -> Iterator[tuple[Batch, int]]:
        batches = whole_batches(self.corpus.val.tokens, self.config.training.batch_size, self.config.model.n_positions)
        for ids, targets in batches:
            yield {"ids": ids, "targets": targets}, targets.size

    def bits_per_byte(self, loss: float) -> float:
        return self.corpus.val.bits_per_byte(loss)

    def show(self, model: Any) -> Sequence[str]:
        prompt = self.corpus.train.tokens.window(0, 1)  # the text's own first word, whatever its language
        ids = generate(model, prompt, SAMPLE_TOKENS, temperature=0.8, top_k=50, seed=self.config.seed)
        return self.tokenizer.decode([*prompt.tolist(), *ids]).splitlines()
