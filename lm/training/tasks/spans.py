"""Spans that were cut out of a text: what T5 learns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from lm.config import Config, ConfigError
from lm.data.corpus import Tokens
from lm.data.spans import SpanCorruption
from lm.training.task import Batch, Task, beside
from minigrad import no_grad
from minigrad.ops.random import Key

SENTINELS = {f"span {number}": f"<extra_id_{number}>" for number in reversed(range(100))}  # ids count down
MOST_BATCHES = 50  # of what is held out, at an evaluation
SHOWN = 4


class Spans(Task):
    """T5. A text is a function of the seed and its number: where it is from, and what is cut out."""

    title = "spans filled in: what was cut out, and what is said"

    @staticmethod
    def _lengths(config: Config, first_sentinel: int, eos_id: int) -> SpanCorruption:
        own = config.objective
        return SpanCorruption(config.model.n_positions, first_sentinel, eos_id, own.probability, own.span_length)

    @classmethod
    def shortest_text(cls, config: Config) -> int:
        corruption = cls._lengths(config, 0, 0)
        if corruption.spans > len(SENTINELS):
            raise ConfigError(
                f"model.n_positions = {config.model.n_positions} has {corruption.spans} spans, but there are "
                f"{len(SENTINELS)} sentinels; use longer spans or a smaller objective.probability"
            )
        return corruption.raw_length

    @cached_property
    def corruption(self) -> SpanCorruption:
        """What the settings ask for."""
        return self._lengths(self.config, self.special_id("span 0"), self.special_id("end"))

    @property
    def tokens_per_batch(self) -> int:
        return self.config.training.batch_size * self.corruption.raw_length

    def texts(self, tokens: Tokens, split: str, numbers: Sequence[int]) -> Batch:
        """The texts of these numbers, with spans cut out."""
        rows = []
        for number in numbers:
            rng = Key(self.config.seed, f"{split} texts", number).numpy()
            start = int(rng.integers(len(tokens) - self.corruption.raw_length + 1))
            rows.append(self.corruption(tokens.window(start, self.corruption.raw_length)[None], rng))
        ids, labels = (np.concatenate(parts) for parts in zip(*rows))  # (B, S), (B, T)
        return {"ids": ids, "labels": labels}

    def batch(self, number: int) -> Batch:
        size = self.config.training.batch_size
        return self.texts(self.corpus.train.tokens, "train", range(number * size, (number + 1) * size))

    def validation(self) -> Iterator[tuple[Batch, int]]:
        size, tokens = self.config.training.batch_size, self.corpus.val.tokens
        for number in range(min(-(-len(tokens) // (size * self.corruption.raw_length)), MOST_BATCHES)):
            batch = self.texts(tokens, "val", range(number * size, (number + 1) * size))
            yield batch, batch["labels"].size

    @no_grad()
    def show(self, model: Any) -> Sequence[str]:
        """Each span given those before it as they were."""
        batch, _ = next(self.validation())
        here = beside(model, batch)
        said = model(here["ids"], model.shift_right(here["labels"])).cpu().numpy().argmax(-1)  # (B, T)
        lines = []
        for ids, labels, words in list(zip(batch["ids"], batch["labels"], said))[:SHOWN]:
            lines.append(self._line(ids))
            lines += [f"    {self._line(labels)}", f"    {self._line(words)}", ""]
        right = said == batch["labels"]  # (B, T)
        return [
            *lines,
            f"{right.mean():.1%} of the tokens of {len(right)} texts right",
            f"{self._bits_per_byte_cut(model):.3f} bits per byte of what was cut out",
        ]

    def _bits_per_byte_cut(self, model: Any) -> float:
        """The loss of the sentinels included, over the bytes of the text that the targets hold."""
        nats = size = 0.0
        specials = [self.special_id(use) for use in self.family.special_tokens]
        for batch, count in self.validation():
            nats += self.loss(model, batch).item() * count
            size += len(self.tokenizer.decode_bytes(batch["labels"][~np.isin(batch["labels"], specials)].tolist()))
        return nats / math.log(2) / size

    def _line(self, ids: Any) -> str:
        return " ".join(self.tokenizer.decode(ids.tolist()).replace("<extra_id_", "<").split())
