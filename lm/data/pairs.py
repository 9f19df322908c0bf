"""Next-sentence pairs: two stretches of text, of which the second follows the first, or was taken from elsewhere.

Source: Devlin et al., "BERT" (2019) and its `create_pretraining_data.py`. The label is BERT's: 0 is next, 1 is random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lm.data.corpus import Tokens
from lm.data.text import DataError

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

IS_NEXT, IS_RANDOM = 0, 1


class Sentences:
    """Where sentences lie in a text, and to which document each belongs.

    Args:
        tokens: the text.
        ends_sentence: whether a sentence ends with a token, for each of the vocabulary (V,).
        separator: the token between documents, which belongs to none; None: the text is one document.

    Raises DataError for a text of fewer than two sentences.
    """

    def __init__(self, tokens: Tokens, ends_sentence: Bools, separator: int | None = None) -> None:
        self.tokens = tokens
        ids = tokens.window(0, len(tokens))
        between = np.zeros(len(ids), np.bool_) if separator is None else ids == separator
        last = ends_sentence[ids] & ~between  # a sentence's last token,
        last[:-1] |= between[1:] & ~between[:-1]  # also where a document ends
        last[-1:] |= ~between[-1:]
        begins = ~between
        begins[1:] &= last[:-1] | between[:-1]
        self.starts, self.stops = np.flatnonzero(begins), np.flatnonzero(last) + 1  # (N,) each
        self.documents = np.cumsum(between)[self.starts]  # (N,)
        if len(self.stops) < 2:
            raise DataError("too short for pairs: it takes two sentences; is there a line break in the text?")

    def __len__(self) -> int:
        return len(self.stops)

    def read(self, sentence: int) -> Ints:
        """The ids of a sentence."""
        start = int(self.starts[sentence])
        return self.tokens.window(start, int(self.stops[sentence]) - start)


@dataclass(frozen=True)
class Pair:
    """Two stretches of ids, and 0 if the second follows the first, else 1."""

    first: Ints
    second: Ints
    label: int


def draw_pair(sentences: Sentences, length: int, rng: np.random.Generator, short: float = 0.1) -> Pair:
    """A pair that takes at most `length` tokens, neither of its parts empty.

    Whole sentences are read until they fill the length, or, once in 1 / `short`, some shorter one. They are cut in two
    between sentences. Half of the time, and always where there is but one sentence, the second part is replaced by as
    much text from another document, or from another place where there is but one. What is too long is cut from
    either end of the longer part.
    """
    target = int(rng.integers(2, length + 1)) if rng.random() < short else length
    at = int(rng.integers(len(sentences)))
    chunk = _read_until(sentences, at, target)
    cut = int(rng.integers(1, len(chunk))) if len(chunk) > 1 else 1
    first = np.concatenate(chunk[:cut])
    if len(chunk) == 1 or rng.random() < 0.5:
        label = IS_RANDOM
        elsewhere = _another_place(sentences, at, len(chunk), rng)
        stop = at if elsewhere < at else len(sentences)  # the two do not overlap
        second = np.concatenate(_read_until(sentences, elsewhere, max(1, target - len(first)), stop))
    else:
        label = IS_NEXT
        second = np.concatenate(chunk[cut:])
    return Pair(*_shorten(first, second, length, rng), label)


def _read_until(sentences: Sentences, at: int, target: int, stop: int | None = None) -> list[Ints]:
    """Sentences from `at` on, of one document and before `stop`, until they have `target` tokens."""
    chunk: list[Ints] = []
    count = 0
    for sentence in range(at, len(sentences) if stop is None else stop):
        if count >= target or sentences.documents[sentence] != sentences.documents[at]:
            break
        chunk.append(sentences.read(sentence))
        count += len(chunk[-1])
    return chunk


def _another_place(sentences: Sentences, at: int, count: int, rng: np.random.Generator) -> int:
    """A sentence of another document; of the same, if there is no other, but none of the `count` from `at` on, nor
    the one after these."""
    own = sentences.documents[at]
    if sentences.documents[0] != sentences.documents[-1]:
        first, last = np.searchsorted(sentences.documents, [own, own + 1])
    else:
        first, last = at, min(at + count + 1, len(sentences))
    others = len(sentences) - (last - first)
    if others == 0:  # everything was read: any place will do
        return int(rng.integers(len(sentences)))
    drawn = int(rng.integers(others))
    return drawn if drawn < first else int(drawn + last - first)


def _shorten(first: Ints, second: Ints, length: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Drop tokens of the longer one, from its beginning or its end at random, until both fit into `length`."""
    sizes = [len(first), len(second)]
    dropped = [[0, 0], [0, 0]]  # of each, at the beginning and at the end
    while sum(sizes) > length:
        longer = 0 if sizes[0] > sizes[1] else 1
        dropped[longer][int(rng.random() < 0.5)] += 1
        sizes[longer] -= 1
    cut = [ids[a : len(ids) - b] for ids, (a, b) in zip((first, second), dropped)]
    return cut[0], cut[1]


def join_pairs(pairs: list[Pair], length: int, cls: int, sep: int, pad: int) -> dict[str, Ints]:
    """A batch of BERT's inputs (B, length): CLS first SEP second SEP, then padding.

    >>> batch = join_pairs([Pair(np.array([7]), np.array([8, 9]), 0)], 8, cls=1, sep=2, pad=0)
    >>> {name: array[0].tolist() for name, array in batch.items()}  # doctest: +NORMALIZE_WHITESPACE
    {'ids': [1, 7, 2, 8, 9, 2, 0, 0], 'token_type_ids': [0, 0, 0, 1, 1, 1, 0, 0],
     'attention_mask': [1, 1, 1, 1, 1, 1, 0, 0], 'next_sentence_label': 0}
    """
    batch = {name: np.zeros((len(pairs), length), np.int64) for name in ("token_type_ids", "attention_mask")}
    filled = np.full((len(pairs), length), pad, np.int64)
    for row, pair in enumerate(pairs):
        ids = np.concatenate([[cls], pair.first, [sep], pair.second, [sep]])
        filled[row, : len(ids)] = ids
        batch["token_type_ids"][row, len(pair.first) + 2 : len(ids)] = 1
        batch["attention_mask"][row, : len(ids)] = 1
    return {"ids": filled, **batch, "next_sentence_label": np.array([pair.label for pair in pairs])}
