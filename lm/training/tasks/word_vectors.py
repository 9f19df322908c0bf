"""Vectors of words, from the words near them: word2vec and GloVe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.config import Config
from lm.data.cooccurrence import Cooccurrences, count_cooccurrences
from lm.data.corpus import Tokens
from lm.data.windows import HuffmanTree, Noise, Windows, WindowSampler, keep_probabilities
from lm.models.glove import GloVe
from lm.models.word2vec import pair_weights
from lm.models.word_vectors import WordVectors
from lm.training.task import Task
from minigrad import Tensor
from minigrad.ops.random import Key

FIRST_WORD = 2  # the ids below are the rare word and the end of a sentence

SHOWN_WORDS, RANKS = 12, (20, 500)  # words that are neither grammar nor rare, by how frequent they are
HELD_OUT = 50  # of the pairs of words that GloVe learns from, one in so many is not learnt from
STRETCH = 1 << 22  # words of the text that are in memory at a time
FILE = "vectors.bin"


class _WordVectors(Task):
    """What the two have in common: words as ids from 0, ends of sentences as -1, neighbours to show."""

    title = "nearest neighbours"
    by_hand = True

    @classmethod
    def shortest_text(cls, config: Config) -> int:
        return 1

    @property
    def tokens_per_batch(self) -> int:
        return self.config.training.batch_size

    @property
    def vocab_size(self) -> int:
        """Words that have vectors."""
        return self.tokenizer.vocab_size - FIRST_WORD

    @staticmethod
    def words(tokens: Tokens, start: int, length: int) -> NDArray[np.int64]:
        """The words of a stretch of text; -1 ends a sentence, and rare words are left out."""
        ids = tokens.window(start, min(length, len(tokens) - start))
        words: NDArray[np.int64] = np.maximum(ids[ids != 0] - FIRST_WORD, -1)
        return words

    def vectors(self, model: Any) -> WordVectors:
        """The vectors of the words."""
        table = model.word_vectors() if isinstance(model, GloVe) else model.vectors.data
        return WordVectors([self.tokenizer.decode([id]) for id in range(FIRST_WORD, self.tokenizer.vocab_size)], table)

    def show(self, model: Any) -> Sequence[str]:
        vectors = self.vectors(model)
        first, last = (min(rank, len(vectors) - 1) for rank in RANKS)
        words = [vectors.words[place] for place in np.linspace(first, last, SHOWN_WORDS).astype(int)]
        return [
            f"{word:>14}  {', '.join(near for near, _ in vectors.most_similar(word, topn=6))}"
            for word in dict.fromkeys(words)
        ]

    def save_results(self, model: Any, folder: Path) -> Path:
        """The vectors in word2vec's binary format."""
        self.vectors(model).save_word2vec_format(folder / FILE, binary=True)
        return folder / FILE


class Word2VecTask(_WordVectors):
    """Word2vec: batches are stretches of the text in their order, which is passed again and again."""

    @cached_property
    def sampler(self) -> WindowSampler:
        """Windows with what the settings ask for."""
        settings, tokens = self.config.embeddings, self.corpus.train.tokens
        counts = np.zeros(self.tokenizer.vocab_size, np.int64)
        for start in range(0, len(tokens), 1 << 20):
            counts += np.bincount(tokens.window(start, min(1 << 20, len(tokens) - start)), minlength=len(counts))
        counts = counts[FIRST_WORD:]
        teller = HuffmanTree(counts) if settings.hs else Noise(counts, settings.negative)
        return WindowSampler(keep_probabilities(counts, settings.sample), settings.window, teller)

    def batch(self, number: int) -> Windows:
        tokens, size = self.corpus.train.tokens, self.config.training.batch_size
        start = number % -(-len(tokens) // size) * size
        return self.sampler.windows(self.words(tokens, start, size), Key(self.config.seed, "windows", number))

    def validation(self) -> Iterator[tuple[Windows, int]]:
        tokens = self.corpus.val.tokens
        for place, start in enumerate(range(0, len(tokens), 1000)):
            batch = self.sampler.windows(self.words(tokens, start, 1000), Key(self.config.seed, "validation", place))
            if count := _predictions(batch, self.config.embeddings.sg):
                yield batch, count

    def loss(self, model: Any, batch: Windows) -> Tensor:
        total: Tensor = model.loss(batch)
        return total / max(1, _predictions(batch, self.config.embeddings.sg))


def _predictions(batch: Windows, sg: bool) -> int:
    """How many times a word is predicted."""
    return int(pair_weights(batch, sg)[:, :, 0].sum())


class GloVeTask(_WordVectors):
    """GloVe: batches are entries of the matrix of the whole training text."""

    @cached_property
    def _matrix(self) -> tuple[Cooccurrences, Cooccurrences]:
        tokens = self.corpus.train.tokens
        stretches = (self.words(tokens, start, STRETCH) for start in range(0, len(tokens), STRETCH))
        table = count_cooccurrences(stretches, self.vocab_size, self.config.embeddings.window)
        order = Key(self.config.seed, "held out", 0).numpy().permutation(len(table))
        cut = max(1, len(table) // HELD_OUT)
        return table.take(np.sort(order[cut:])), table.take(np.sort(order[:cut]))

    def batch(self, number: int) -> Cooccurrences:
        return self._matrix[0].batch(self.config.training.batch_size, seed=self.config.seed, number=number)

    def validation(self) -> Iterator[tuple[Cooccurrences, int]]:
        held_out = self._matrix[1]
        for start in range(0, len(held_out), 1 << 16):
            part = held_out.take(np.arange(start, min(start + (1 << 16), len(held_out))))
            yield part, len(part)

    def loss(self, model: Any, batch: Cooccurrences) -> Tensor:
        total: Tensor = model.loss(batch)
        return total / len(batch)
