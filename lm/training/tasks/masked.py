"""Masked tokens, and whether one text follows another: what encoders learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.config import Config, ConfigError
from lm.data.corpus import Split
from lm.data.masking import IGNORED, Masking
from lm.data.pairs import Sentences, draw_pair, join_pairs
from lm.training.task import Batch, Task, beside
from minigrad import no_grad
from minigrad.ops.random import Key

INPUTS = "ids", "attention_mask", "token_type_ids"
COPIES = 10  # of the text, each with masks of its own, where masks are static
MOST_BATCHES = 50  # of what is held out, at an evaluation
SHOWN, SHOWN_TOKENS = 6, 40


class MaskedTokens(Task):
    """BERT and RoBERTa. A sequence is a function of the seed and its number: where it is from, and what is masked."""

    title = "masked tokens filled in; [said|right] where the two differ"

    @classmethod
    def shortest_text(cls, config: Config) -> int:
        if config.model.n_positions < 5:
            raise ConfigError(f"model.n_positions must be at least 5 for masked tokens, got {config.model.n_positions}")
        return config.model.n_positions

    @cached_property
    def masking(self) -> Masking:
        """What the settings ask for."""
        own = self.config.objective
        specials = tuple(self.special_id(use) for use in self.family.special_tokens)
        starts = (
            self._token_table(lambda token: not token[:1].isalnum() and token[:1] < b"\x80")
            if own.whole_words
            else None
        )
        return Masking(self.vocab_size, self.special_id("mask"), specials, own.probability, starts)

    @property
    def pairs(self) -> bool:
        """Whether it also learns if two texts follow one another."""
        return self.config.model.family == "bert" and self.config.objective.next_sentence

    @cached_property
    def _sentences(self) -> dict[str, Sentences]:
        ends = self._token_table(lambda token: b"\n" in token)
        separator = self.special_id("end of text")
        return {name: Sentences(split.tokens, ends, separator) for name, split in self._splits.items()}

    @property
    def _splits(self) -> dict[str, Split]:
        return {"train": self.corpus.train, "val": self.corpus.val}

    def _token_table(self, holds: Any) -> NDArray[np.bool_]:
        """For each token of the vocabulary, whether something holds of its bytes."""
        return np.array([holds(self.tokenizer.decode_bytes([id])) for id in range(self.vocab_size)])

    def sequences(self, split: str, numbers: Sequence[int]) -> Batch:
        """The sequences of these numbers, of the training text or of the one held out, with their masks."""
        generators = [Key(self.config.seed, f"{split} sequences", number).numpy() for number in numbers]
        T, cls, sep = self.config.model.n_positions, self.special_id("first"), self.special_id("between")
        if self.pairs:
            drawn = [draw_pair(self._sentences[split], T - 3, rng) for rng in generators]
            batch = join_pairs(drawn, T, cls, sep, self.special_id("padding"))
        else:
            tokens = self._splits[split].tokens
            starts = [int(rng.integers(len(tokens) - T + 3)) for rng in generators]
            batch = {"ids": np.stack([[cls, *tokens.window(start, T - 2), sep] for start in starts])}  # (B, T)
        masked = [self.masking(ids[None], rng) for ids, rng in zip(batch["ids"], generators)]
        return {
            **batch,
            "ids": np.concatenate([ids for ids, _ in masked]),  # (B, T)
            "labels": np.concatenate([labels for _, labels in masked]),  # (B, T)
        }

    def batch(self, number: int) -> Batch:
        size = self.config.training.batch_size
        numbers = np.arange(number * size, (number + 1) * size)
        if self.config.objective.masking == "static":
            numbers %= COPIES * max(1, len(self.corpus.train.tokens) // self.config.model.n_positions)
        return self.sequences("train", numbers.tolist())

    def validation(self) -> Iterator[tuple[Batch, int]]:
        size = self.config.training.batch_size
        whole = -(-len(self.corpus.val.tokens) // (size * self.config.model.n_positions))
        for number in range(min(whole, MOST_BATCHES)):
            batch = self.sequences("val", range(number * size, (number + 1) * size))
            if count := int((batch["labels"] != IGNORED).sum()):
                yield batch, count

    @no_grad()
    def show(self, model: Any) -> Sequence[str]:
        right = asked = usual = 0
        follows: list[bool] = []
        lines: list[str] = []
        counts = np.bincount(self.corpus.train.tokens.window(0, min(1 << 20, len(self.corpus.train.tokens))))
        for batch, count in self.validation():
            said, following = self._answers(model, batch)
            hidden = batch["labels"] != IGNORED  # (B, T)
            asked += count
            right += int((said == batch["labels"])[hidden].sum())
            usual += int((batch["labels"][hidden] == counts.argmax()).sum())
            if following is not None:
                follows += (following == batch["next_sentence_label"]).tolist()
            if len(lines) < SHOWN:
                lines.append(self._filled_in(batch["ids"][0], batch["labels"][0], said[0]))
        lines.append(
            f"{right / asked:.1%} of {asked:,} masked tokens right; always the most frequent: {usual / asked:.1%}"
        )
        if follows:
            lines.append(f"{np.mean(follows):.1%} of {len(follows):,} pairs told apart: the next text or another")
        return lines

    def _answers(self, model: Any, batch: Batch) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        """The likeliest token at each place (B, T), and the likelier label of each pair (B,)."""
        inputs = beside(model, {name: array for name, array in batch.items() if name in INPUTS})
        answer = model(**inputs)
        tokens, following = answer if self.pairs else (answer, None)
        return tokens.cpu().numpy().argmax(-1), None if following is None else following.cpu().numpy().argmax(-1)

    def _filled_in(self, ids: NDArray[np.int64], labels: NDArray[np.int64], said: NDArray[np.int64]) -> str:
        words = []
        for id, label, guess in list(zip(ids.tolist(), labels.tolist(), said.tolist()))[1:SHOWN_TOKENS]:
            token = self.tokenizer.decode([id if label == IGNORED else label])
            if label != IGNORED:
                word = self.tokenizer.decode([guess])
                token = f"[{token}]" if guess == label else f"[{word}|{token}]"
            words.append(token)
        return " ".join("".join(words).split())
