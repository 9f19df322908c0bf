"""Lines said backwards: the toy translation that an encoder and a decoder learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.data.corpus import Tokens
from lm.data.translation import backwards
from lm.training.task import Batch, Task, beside
from minigrad import no_grad
from minigrad.ops.random import Key

SPECIALS = ("padding", "end")  # ids after the characters'
HELD_OUT = 200  # lines
SHOWN = 6


class Backwards(Task):
    """The Transformer of 2017. It learns from lines of characters drawn at random, and is tried on lines of the text.

    A line has 1 .. n_positions - 1 characters, and its end.
    """

    title = "said backwards"

    @property
    def vocab_size(self) -> int:
        return self.tokenizer.vocab_size + len(SPECIALS)

    def special_id(self, use: str) -> int:
        return self.tokenizer.vocab_size + SPECIALS.index(use)

    def _batch(self, lines: list[NDArray[np.int64]]) -> Batch:
        length = self.config.model.n_positions
        return backwards(lines, length, self.special_id("end"), self.special_id("padding"))

    def batch(self, number: int) -> Batch:
        size, longest = self.config.training.batch_size, self.config.model.n_positions - 1
        rng = Key(self.config.seed, "lines", number).numpy()
        characters = rng.integers(self.tokenizer.vocab_size, size=(size, longest))  # (B, longest)
        return self._batch([row[:n] for row, n in zip(characters, rng.integers(1, longest + 1, size))])

    def lines(self, tokens: Tokens) -> list[NDArray[np.int64]]:
        """The lines that are held out: as many characters as fit, from anywhere in the text."""
        longest = self.config.model.n_positions - 1
        rng = Key(self.config.seed, "held out", 0).numpy()
        lengths = rng.integers(1, longest + 1, HELD_OUT)
        return [tokens.window(int(rng.integers(len(tokens) - longest)), int(n)) for n in lengths]

    def validation(self) -> Iterator[tuple[Batch, int]]:
        lines, size = self.lines(self.corpus.val.tokens), self.config.training.batch_size
        for first in range(0, len(lines), size):
            part = lines[first : first + size]
            yield self._batch(part), sum(map(len, part)) + len(part)

    @no_grad()
    def show(self, model: Any) -> Sequence[str]:
        """Written one character after another, each from those it wrote itself."""
        lines = self.lines(self.corpus.val.tokens)
        batch = self._batch(lines)
        written = self.translate(model, batch)
        right = [line[::-1].tolist() == said for line, said in zip(lines, written)]
        shown = sorted(range(len(lines)), key=lambda row: -len(lines[row]))[:SHOWN]
        return [
            *(f"{self.tokenizer.decode(lines[row].tolist())!r} -> {self._text(written[row])!r}" for row in shown),
            f"{np.mean(right):.1%} of {len(lines)} lines of the text exactly right",
        ]

    def _text(self, ids: list[int]) -> str:
        return self.tokenizer.decode([id for id in ids if id < self.tokenizer.vocab_size])

    def translate(self, model: Any, batch: Batch) -> list[list[int]]:
        """The likeliest character after another, until the end."""
        here = beside(model, batch)
        mask = here["attention_mask"]
        cache = model.new_cache(model.encode(here["ids"], mask), mask)
        token = np.full((len(batch["ids"]), 1), self.special_id("padding"))  # (B, 1): what a decoder starts from
        columns = []
        for _ in range(batch["ids"].shape[1]):
            logits = model.step(**beside(model, {"decoder_ids": token}), cache=cache, logits_to_keep=1)  # (B, 1, V)
            token = logits.cpu().numpy()[:, -1].argmax(-1)[:, None]  # (B, 1)
            columns.append(token)
        rows = np.concatenate(columns, axis=1).tolist()  # (B, T)
        end = self.special_id("end")
        return [row[: row.index(end)] if end in row else row for row in rows]
