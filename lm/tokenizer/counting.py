"""Counting the distinct words of texts.

Texts come one by one, or as files, which are read line by line in blocks and, when they are long, by several processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer.boundaries import byte_offsets, word_starts
from lm.tokenizer.distinct import DistinctWords
from lm.tokenizer.splitting import as_text, split_pattern, word_bytes

Places = NDArray[np.intp]

_BLOCK = 1 << 16  # characters


def count_words(texts: str | bytes | Iterable[str | bytes], pattern: str = "gpt2") -> dict[bytes, int]:
    """How often each distinct word occurs in `texts`, in the order in which they first occur.

    >>> count_words(["to be or ", "not to be"])
    {b'to': 1, b' be': 2, b' or': 1, b' ': 1, b'not': 1, b' to': 1}
    """
    words, counts, seen = DistinctWords(), np.zeros(1, np.int64), np.zeros(1, np.int64)
    total = 0
    for text, edges in _blocks((texts,) if isinstance(texts, str | bytes) else texts, pattern):
        starts = word_starts(text, pattern, edges)
        data = word_bytes(text)
        if len(data) > len(text):
            starts = byte_offsets(text)[starts]
        old = len(words.words)
        numbers = words.number(data, starts)  # (words,)
        here = np.bincount(numbers, minlength=len(words.words))
        if len(here) > len(counts):
            counts, seen = np.resize(counts, 2 * len(here)), np.resize(seen, 2 * len(here))
            counts[old:] = 0
        counts[: len(here)] += here
        if len(edges):
            counts[words.number(b"\0", np.zeros(1, np.intp))] -= len(edges)
        new = np.flatnonzero(numbers >= old)[::-1]
        seen[numbers[new]] = total + new  # of several places, the last one written is the first
        total += len(numbers)
    held = np.flatnonzero(counts[: len(words.words)] > 0)
    held = held[seen[held].argsort()]
    return {words.words[number]: count for number, count in zip(held.tolist(), counts[held].tolist())}


def _blocks(texts: Iterable[str | bytes], pattern: str) -> Iterator[tuple[str, Places]]:
    """Short texts joined by NUL, with the places of these; long ones in windows."""
    none = np.zeros(0, np.intp)
    waiting: list[str] = []
    held = 0
    for given in texts:
        text = as_text(given)
        if len(text) < _BLOCK // 8:
            waiting.append(text)
            held += len(text) + 1
        if held > _BLOCK:
            yield _join(waiting)
            waiting, held = [], 0
        if len(text) >= _BLOCK // 8:
            if waiting:
                yield _join(waiting)
                waiting, held = [], 0
            for window in split_pattern(pattern).windows(text, _BLOCK):
                yield window, none
    if waiting:
        yield _join(waiting)


def _join(texts: list[str]) -> tuple[str, Places]:
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    return "\0".join(texts), np.cumsum(lengths + 1)[:-1] - 1
