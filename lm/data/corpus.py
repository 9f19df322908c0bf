"""A text as tokens on disk: shards of little-endian integers, memory-mapped, and an index that is written last.

    folder/corpus.json  train-00000.bin  train-00001.bin ...  val-00000.bin ...

A folder without a whole index is no corpus, so one that was interrupted is made again. How batches are drawn from a
corpus is in `batches.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lm.data.text import DataError, Text
from lm.tokenizer import Tokenizer
from lm.tokenizer.character import UnknownCharacterError
from minigrad.io import CorruptFileError, atomic_write, make_directory

SHARD_TOKENS = 1 << 25

_INDEX = "corpus.json"
_VERSION = 1


class Tokens:
    """Token ids in order, in one or more arrays, read where they lie."""

    def __init__(self, shards: Sequence[NDArray[np.unsignedinteger[Any]]]) -> None:
        self._shards = tuple(shards)
        self._starts = [0, *accumulate(len(shard) for shard in shards)]

    def __len__(self) -> int:
        return self._starts[-1]

    def window(self, start: int, length: int) -> NDArray[np.int64]:
        """The ids at start .. start + length, a new array; IndexError beyond the end.

        >>> Tokens([np.arange(3, dtype=np.uint16), np.arange(3, 9, dtype=np.uint16)]).window(2, 3)
        array([2, 3, 4])
        """
        stop = start + length
        if not 0 <= start <= stop <= len(self):
            raise IndexError(f"tokens {start} .. {stop} of {len(self)}")
        parts = []
        shard = bisect_right(self._starts, start) - 1
        while start < stop:
            offset = start - self._starts[shard]
            parts.append(self._shards[shard][offset : offset + stop - start])
            start = self._starts[shard + 1]
            shard += 1
        return np.concatenate(parts).astype(np.int64) if parts else np.empty(0, np.int64)


@dataclass(frozen=True)
class Split:
    """One side of the train/validation split."""

    tokens: Tokens
    bytes: int  # of the text it was made from
    gzip_bytes: int | None  # the same after gzip -9; only measured for validation

    def bits_per_byte(self, loss: float) -> float:
        """What a mean loss, in nats per token, comes to for each byte of text, whatever the tokenizer."""
        return loss / float(np.log(2)) * len(self.tokens) / self.bytes

    @property
    def gzip_bits_per_byte(self) -> float | None:
        """What `gzip -9` needs for the same text."""
        return None if self.gzip_bytes is None else 8 * self.gzip_bytes / self.bytes


@dataclass(frozen=True)
class Corpus:
    """A tokenized text. `sha256` is `Text.sha256` of all of it."""

    name: str
    sha256: str
    train: Split
    val: Split


def check_length(text: Text, tokenizer: Tokenizer, context: int, what: str) -> None:
    """Raise DataError unless the text has more than `context` tokens: one window, and the token that follows it."""
    count = 0
    for ids in token_arrays(text, tokenizer, size=1 << 14):
        count += len(ids)
        if count > context:
            return
    raise DataError(
        f"{text.name}: too short: its {what} part has {count} tokens; one context of {context} and the token after "
        f"it takes {context + 1}; use a longer text or a smaller model.n_positions"
    )


def write_corpus(
    folder: str | os.PathLike[str],
    text: Text,
    tokenizer: Tokenizer,
    val_fraction: float,
) -> None:
    """Tokenize `text` into `folder`: its last `val_fraction`, by bytes, for validation, the rest for training.

    Documents are separated by the tokenizer's end-of-text token, if it has one. Spellings of special tokens in the
    text are text. Memory is bounded whatever the text's length.

    Raises:
        DataError: the text is no text.
        OSError: naming the path and the bytes needed.
    """
    folder = Path(folder)
    make_directory(folder)
    sha256 = text.sha256()
    train, val = text.split(val_fraction)
    splits = {
        "train": _write_split(folder, "train", train, tokenizer),
        "val": _write_split(folder, "val", val, tokenizer) | {"gzip_bytes": gzip_size(val)},
    }
    index = {"version": _VERSION, "name": text.name, "sha256": sha256, "splits": splits}
    atomic_write(folder / _INDEX, (json.dumps(index, indent=1) + "\n").encode())


def tokenize(text: Text, tokenizer: Tokenizer) -> Split:
    """All of a text, in memory. Raises DataError for a text of fewer than two tokens: there is nothing to predict."""
    shards = list(token_arrays(text, tokenizer))
    if sum(map(len, shards)) < 2:
        raise DataError(f"{text.name}: too short: it takes two tokens to predict one from the other")
    return Split(Tokens(shards), text.size, gzip_size(text))


def open_corpus(folder: str | os.PathLike[str]) -> Corpus | None:
    """The corpus in `folder`, verified and memory-mapped; None where none was finished.

    Raises CorruptFileError (a ValueError) naming a file that is missing or not as it was written.
    """
    path = Path(folder) / _INDEX
    if not path.exists():
        return None
    try:
        index = json.loads(path.read_bytes())
        if index["version"] != _VERSION:
            raise CorruptFileError(f"{path}: version {index['version']}, this release reads {_VERSION}")
        train, val = (_open_split(Path(folder), index["splits"][name]) for name in ("train", "val"))
        return Corpus(str(index["name"]), str(index["sha256"]), train, val)
    except CorruptFileError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptFileError(f"{path}: not an index of this version ({type(error).__name__}: {error})") from None


def gzip_size(text: Text) -> int:
    """Bytes of the text after `gzip -9`."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    size = sum(len(compressor.compress(piece.encode())) for piece in text.pieces())
    return size + len(compressor.flush())


def token_arrays(text: Text, tokenizer: Tokenizer, size: int = 1 << 20) -> Iterator[NDArray[np.unsignedinteger[Any]]]:
    """The tokens of the text, in pieces of about `size` bytes, with the end-of-text token between documents.

    Raises DataError naming the place of a character that the tokenizer does not have.
    """
    for place, document in enumerate(text.documents):
        if place and tokenizer.eot_token is not None:
            yield np.array([tokenizer.eot_token], np.uint32)
        start = document.start
        for piece in document.pieces(size):
            try:
                yield tokenizer.encode_to_array(piece, disallowed_special=())
            except UnknownCharacterError as error:
                code, byte = ord(piece[error.offset]), start + len(piece[: error.offset].encode())
                raise DataError(
                    f"{document.name}: character U+{code:04X} at byte {byte} is not among the {tokenizer.vocab_size} "
                    f"characters of the tokenizer; was it made from another text?"
                ) from None
            start += len(piece.encode())


def _write_split(folder: Path, name: str, text: Text, tokenizer: Tokenizer) -> dict[str, Any]:
    dtype = "<u2" if tokenizer.vocab_size <= 1 << 16 else "<u4"
    shards: list[dict[str, Any]] = []
    waiting: list[NDArray[np.unsignedinteger[Any]]] = []
    count = 0  # tokens in `waiting`

    def write() -> None:
        ids = np.concatenate(waiting, dtype=dtype, casting="same_kind")
        waiting.clear()
        file = f"{name}-{len(shards):05d}.bin"
        atomic_write(folder / file, ids.tobytes())
        shards.append({"file": file, "tokens": len(ids), "sha256": hashlib.sha256(ids.data).hexdigest()})

    for ids in token_arrays(text, tokenizer):
        waiting.append(ids)
        count += len(ids)
        if count >= SHARD_TOKENS:
            write()
            count = 0
    if waiting:
        write()
    return {"dtype": dtype, "bytes": text.size, "gzip_bytes": None, "shards": shards}


def _open_split(folder: Path, entry: dict[str, Any]) -> Split:
    shards = []
    dtype = np.dtype({"<u2": "<u2", "<u4": "<u4"}[entry["dtype"]])
    for shard in entry["shards"]:
        path = folder / Path(shard["file"]).name
        if not path.is_file() or path.stat().st_size != int(shard["tokens"]) * dtype.itemsize:
            raise CorruptFileError(f"{path}: missing, cut short or replaced; prepare the data again in another folder")
        ids = np.memmap(path, dtype, mode="r")
        if hashlib.sha256(ids.data).hexdigest() != shard["sha256"]:
            raise CorruptFileError(f"{path}: altered since it was written (its SHA-256 is not the index's)")
        shards.append(ids)
    return Split(Tokens(shards), int(entry["bytes"]), entry["gzip_bytes"])
