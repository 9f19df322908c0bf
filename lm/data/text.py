"""Where text comes from: files, folders of them, or the prose that ships inside Python.

A `Text` is read in pieces, so its length does not matter, and every reading checks it: what is not text is an error
that names the file. How text becomes tokens is in `corpus.py`.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import regex

DEFAULT_NAME = "pydoc_data.topics"
LONGEST_WORD = 1 << 20  # characters

_LAST_WORD_END = regex.compile(r"(?r)[\p{L}\p{N}](?=\s)")  # (?r): searched from the end


class DataError(ValueError):
    """A text is empty, too short, or no text; the message names the file."""


@dataclass(frozen=True)
class Document:
    """The bytes start .. stop of something that can be opened, as UTF-8 text."""

    name: str
    open: Callable[[], BinaryIO]
    start: int
    stop: int

    @property
    def size(self) -> int:
        """Bytes."""
        return self.stop - self.start

    def pieces(self, size: int = 1 << 20) -> Iterator[str]:
        """The text in pieces of about `size` bytes that end where words end: their tokens are the tokens of the whole.

        What goes on for `LONGEST_WORD` characters without the end of a word may be cut anywhere, so that memory is
        bounded. No piece has more than `LONGEST_WORD + size` characters.

        Raises DataError for bytes that are not UTF-8, and for NUL, which no text holds.
        """
        decoder = codecs.getincrementaldecoder("utf-8")()
        position = self.start
        kept: list[str] = []
        held = 0  # characters in `kept`
        with self.open() as file:
            file.seek(self.start)
            while position < self.stop:
                block = file.read(min(size, self.stop - position))
                if not block:
                    raise DataError(f"{self.name}: became shorter while it was read")
                if b"\0" in block:
                    raise DataError(f"{self.name}: NUL at byte {position + block.index(0)}; is it a binary file?")
                undecoded = len(decoder.getstate()[0])  # the first bytes of a character that the last block ended in
                try:
                    text = decoder.decode(block, final=position + len(block) == self.stop)
                except UnicodeDecodeError as error:
                    at = position - undecoded + error.start
                    raise DataError(f"{self.name}: not UTF-8 at byte {at}; binary, or in another encoding?") from None
                position += len(block)
                end = _last_word_end(text)
                if end:
                    yield "".join([*kept, text[:end]])
                    kept, held = [], 0
                kept.append(text[end:])
                held += len(text) - end
                if held >= LONGEST_WORD:
                    yield "".join(kept)
                    kept, held = [], 0
        if rest := "".join(kept):
            yield rest

    def cut(self, position: int) -> tuple[Document, Document]:
        """The documents before and after `position`, moved back to where a character starts."""
        with self.open() as file:
            file.seek(position)
            while position > self.start and file.read(1)[0] & 0xC0 == 0x80:  # a byte within a character
                position -= 1
                file.seek(position)
        return replace(self, stop=position), replace(self, start=position)


def _last_word_end(text: str) -> int:
    """The last place between a letter or digit and white space, 0 if there is none; time linear in the characters.

    It lies between two tokens whatever the tokenizer: no split pattern has a word with white space after a letter or
    digit. (After a symbol some have line ends.)
    """
    end = _LAST_WORD_END.search(text)
    return end.end() if end else 0


@dataclass(frozen=True)
class Text:
    """Documents, one after another."""

    name: str
    documents: tuple[Document, ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(document.size for document in self.documents)

    def pieces(self) -> Iterator[str]:
        """All of it; no piece holds parts of two documents."""
        for document in self.documents:
            yield from document.pieces()

    def split(self, val_fraction: float) -> tuple[Text, Text]:
        """What comes before the last `val_fraction` of the bytes, and what comes after."""
        left = int(self.size * (1 - val_fraction))
        before: list[Document] = []
        after: list[Document] = []
        for document in self.documents:
            if left <= 0 or left >= document.size:
                (before if left > 0 else after).append(document)
            else:
                first, second = document.cut(document.start + left)
                before.append(first)
                after.append(second)
            left -= document.size
        return (
            Text(self.name, tuple(document for document in before if document.size)),
            Text(self.name, tuple(document for document in after if document.size)),
        )

    def sha256(self) -> str:
        """Of the bytes, and of where each document ends. Reads everything, and so checks it."""
        digest = hashlib.sha256()
        for document in self.documents:
            digest.update(f"{document.size}\n".encode())
            for piece in document.pieces():
                digest.update(piece.encode())
        return digest.hexdigest()


def open_text(data: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None) -> Text:
    """The text of a file, of a folder (every file below it that is not hidden, by path), or of a list of either.

    None is the language reference that comes with Python, `pydoc_data.topics`: about 465 KB of English prose.

    Raises:
        FileNotFoundError: a file or folder does not exist.
        DataError: a folder has no files, a file is none (a device, a pipe), is there twice (its second copy would
            be validated on after training on the first), or everything is empty.

    >>> open_text(None).name
    'pydoc_data.topics'
    """
    if data is None:
        return _language_reference()
    names = [data] if isinstance(data, (str, os.PathLike)) else list(data)
    if "" in names:
        raise DataError('data: "" names no file; the current folder is "."')
    given = [Path(name) for name in names]
    paths = [path for one in given for path in _files(one)]
    seen: dict[Path, Path] = {}
    for path in paths:
        if (first := seen.setdefault(path.resolve(), path)) is not path:
            raise DataError(f"{path}: there twice, it is the file {first}")
    documents = [document for path in paths if (document := _document(path)).size]
    if not documents:
        raise DataError(f"{', '.join(map(str, given)) or 'data'}: empty, there is no text to read")
    return Text(given[0].resolve().name if len(given) == 1 else f"{len(paths)} files", tuple(documents))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(p for p in path.rglob("*") if not p.is_dir() and not _hidden(p.relative_to(path)))
    if not found:
        raise DataError(f"{path}: a folder without files")
    return found


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _document(path: Path) -> Document:
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise FileNotFoundError(error.errno, "no such text file or folder", str(path)) from None
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path}: not a regular file")
    return Document(str(path), lambda: open(path, "rb"), 0, status.st_size)


def _language_reference() -> Text:
    from pydoc_data.topics import topics

    data = "\n".join(topics[topic] for topic in sorted(topics)).encode()
    return Text(DEFAULT_NAME, (Document(DEFAULT_NAME, lambda: io.BytesIO(data), 0, len(data)),))
