"""Counting the distinct words of texts.

Texts come one by one, or as files, which are read line by line in blocks and, when they are long, by several processes.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import groupby
from typing import cast

import numpy as np
from numpy.typing import NDArray

from lm.tokenizer.boundaries import byte_offsets, word_starts
from lm.tokenizer.distinct import DistinctWords
from lm.tokenizer.splitting import as_text, split_pattern, word_bytes

Places = NDArray[np.intp]

SHARD = 1 << 23  # bytes of a file
LONGEST_WORD = 1 << 16  # bytes

_BLOCK = 1 << 16  # characters


def count_words(
    texts: str | bytes | os.PathLike[str] | Iterable[str | bytes | os.PathLike[str]],
    pattern: str = "gpt2",
    *,
    processes: int | None = None,
) -> dict[bytes, int]:
    """How often each distinct word occurs in `texts`, in the order in which they first occur.

    A path stands for the lines of that file, each a text; files of more than `SHARD` bytes are counted by up to
    `processes` processes (None: one for each processor that this process may use). Words of more than `LONGEST_WORD`
    bytes are counted in pieces of that size, with a UserWarning that says how many there were.

    >>> count_words(["to be or ", "not to be"])
    {b'to': 1, b' be': 2, b' or': 1, b' ': 1, b'not': 1, b' to': 1}
    """
    counts: dict[bytes, int] = {}
    if processes is not None and processes < 1:
        raise ValueError(f"processes is {processes}; at least one has to count")
    given = (texts,) if isinstance(texts, str | bytes | os.PathLike) else texts
    for is_path, group in groupby(given, lambda text: not isinstance(text, (str, bytes))):
        if is_path:
            shards = [shard for path in group for shard in _shards(cast("os.PathLike[str]", path))]
            workers = min(len(shards), processes or _processors())
            for part in _count_shards(shards, pattern, workers):
                counts = _add(counts, part)
        else:
            counts = _add(counts, _count(cast("Iterator[str | bytes]", group), pattern))
    return _cap(counts)


def _shards(path: os.PathLike[str]) -> Iterator[tuple[str, int, int]]:
    """Parts of a file of about `SHARD` bytes, from the beginning of a line to the end of one."""
    name = os.fspath(path)  # TypeError for what is neither text nor path: a number would be an open file's
    with open(name, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = 0
        while start < size:
            file.seek(min(start + SHARD, size))
            while (line := file.readline(1 << 20)) and not line.endswith(b"\n"):
                pass  # to the end of the line, however long
            end = file.tell()
            yield name, start, end
            start = end


def _count_shards(shards: list[tuple[str, int, int]], pattern: str, workers: int) -> Iterator[dict[bytes, int]]:
    """The counts of each, in order; a few shards for each worker are under way at a time."""
    count = partial(_count_shard, pattern=pattern)
    if workers < 2:
        yield from map(count, shards)
        return
    with ProcessPoolExecutor(workers) as pool:
        for i in range(0, len(shards), 4 * workers):
            yield from pool.map(count, shards[i : i + 4 * workers])


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _add(counts: dict[bytes, int], more: dict[bytes, int]) -> dict[bytes, int]:
    if not counts:
        return more
    for word, number in more.items():
        counts[word] = counts.get(word, 0) + number
    return counts


def _count_shard(shard: tuple[str, int, int], pattern: str) -> dict[bytes, int]:
    path, start, end = shard
    with open(path, "rb") as file:
        file.seek(start)
        return _count(io.BytesIO(file.read(end - start)), pattern)


def _cap(counts: dict[bytes, int]) -> dict[bytes, int]:
    """Cuts words that are too long for one."""
    long = [word for word in counts if len(word) > LONGEST_WORD]
    if not long:
        return counts
    occurrences = sum(counts[word] for word in long)
    warnings.warn(
        f"{occurrences} words of more than {LONGEST_WORD} bytes, the longest of {max(map(len, long))}, were counted in "
        f"pieces of {LONGEST_WORD} bytes; is this text, or data in letters?",
        stacklevel=4,
    )
    capped: dict[bytes, int] = {}
    for word, number in counts.items():
        for i in range(0, len(word), LONGEST_WORD):
            piece = word[i : i + LONGEST_WORD]
            capped[piece] = capped.get(piece, 0) + number
    return capped


def _count(texts: Iterable[str | bytes], pattern: str) -> dict[bytes, int]:
    words, counts, seen = DistinctWords(), np.zeros(1, np.int64), np.zeros(1, np.int64)
    total = 0
    for text, edges in _blocks(texts, pattern):
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
    waiting: list[str | bytes] = []
    held = 0
    for text in texts:
        if short := len(text) < _BLOCK // 8:
            waiting.append(text)
            held += len(text) + 1
        if waiting and (held > _BLOCK or not short):
            yield _join(waiting)
            waiting, held = [], 0
        if not short:
            for window in split_pattern(pattern).windows(as_text(text), _BLOCK):
                yield window, none
    if waiting:
        yield _join(waiting)


def _join(given: list[str | bytes]) -> tuple[str, Places]:
    try:
        texts = cast("list[str]", given)
        joined = "\0".join(texts)
        joined.encode()  # what `as_text` would leave as it is
    except (TypeError, UnicodeEncodeError):
        texts = list(map(as_text, given))
        joined = "\0".join(texts)
    lengths = np.fromiter(map(len, texts), np.intp, len(texts))
    return joined, np.cumsum(lengths + 1)[:-1] - 1
