"""Loading and saving tokenizers, whatever the format: which one a file has is seen from its name and content.

minigrad     FILE                             any tokenizer of this project (`formats.native`)
huggingface  tokenizer.json                   of `tokenizers` and `transformers`
gpt2         FOLDER/vocab.json, merges.txt    of GPT-2 and RoBERTa
tiktoken     NAME.tiktoken, NAME.tiktoken.json
bert         FOLDER/vocab.txt                 and tokenizer_config.json
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from lm.tokenizer.bpe import BPETokenizer
from lm.tokenizer.character import CharacterTokenizer
from lm.tokenizer.conversion import as_bpe, as_pipeline
from lm.tokenizer.formats import bert, gpt2, huggingface, native, strict, tiktoken
from lm.tokenizer.pipeline import Pipeline
from lm.tokenizer.word import WordTokenizer
from minigrad.io import atomic_write

MAX_FILE_BYTES = strict.MAX_FILE_BYTES

AnyTokenizer = CharacterTokenizer | BPETokenizer | WordTokenizer | Pipeline

WRITERS: dict[str, Callable[[Pipeline, str | os.PathLike[str]], None]] = {
    "huggingface": huggingface.write,
    "gpt2": gpt2.write,
    "tiktoken": tiktoken.write,
    "bert": bert.write,
}
FORMATS = ("minigrad", *WRITERS)


def save_tokenizer(tokenizer: AnyTokenizer, path: str | os.PathLike[str], format: str = "minigrad") -> None:
    """Writes `tokenizer` to `path`, for `load_tokenizer` to read; each file as a whole or not at all.

    Args:
        format: one of `FORMATS`; the table above says what `path` is.

    Raises ValueError where the format can not hold the tokenizer: what would be lost is never left out silently.
    """
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    if format == "minigrad":
        data = native.to_bytes(tokenizer)
        if len(data) > MAX_FILE_BYTES:
            raise ValueError(f"{os.fspath(path)}: the tokenizer takes {len(data)} bytes, more than {MAX_FILE_BYTES}")
        atomic_write(path, data)
        return
    if isinstance(tokenizer, CharacterTokenizer | WordTokenizer):
        kind = "character" if isinstance(tokenizer, CharacterTokenizer) else "word"
        raise ValueError(f"a {kind} tokenizer can be saved in the format minigrad alone, not as {format}")
    WRITERS[format](as_pipeline(tokenizer) if isinstance(tokenizer, BPETokenizer) else tokenizer, path)


def load_tokenizer(path: str | os.PathLike[str]) -> AnyTokenizer:
    """The tokenizer in `path`, a file or a folder, in any of `FORMATS`.

    Byte-level BPE that `BPETokenizer` can be, id for id, is one; what has more to it is a `Pipeline`.

    Raises OSError when the file cannot be read, ValueError that names file and entry when it is anything but a whole
    and consistent tokenizer file. Nothing in the file is run, and memory is bounded whatever it holds.
    """
    tokenizer = _read(Path(path))
    return (as_bpe(tokenizer) or tokenizer) if isinstance(tokenizer, Pipeline) else tokenizer


def _read(path: Path) -> AnyTokenizer:
    if path.is_dir():
        return _read_folder(path)
    if path.suffix == ".tiktoken":
        return tiktoken.read(path)
    if path.name in (gpt2.VOCABULARY, gpt2.MERGES):
        return gpt2.read(path.parent)
    if path.name == bert.VOCABULARY:
        return bert.read(path.parent)
    with strict.naming(path):
        document = strict.parse_object(strict.read_bytes(path, MAX_FILE_BYTES), floats=True)
        if "format" not in document and "model" in document:
            return huggingface.from_document(document)
        return native.from_document(document)


def _read_folder(folder: Path) -> AnyTokenizer:
    for name in ("tokenizer.json", gpt2.VOCABULARY, bert.VOCABULARY):
        if (folder / name).exists():
            return _read(folder / name)
    [*found] = folder.glob("*.tiktoken")
    if len(found) == 1:
        return tiktoken.read(found[0])
    raise IsADirectoryError(errno.EISDIR, "a folder without one tokenizer in it", os.fspath(folder))
