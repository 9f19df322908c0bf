"""A run's folder: the settings, the tokenizer and the tokens that everything else in it was made from.

    runs/default/  config.yaml  tokenizer.json  corpus/  checkpoints/  log.jsonl  loss.png  run.lock

What happens in it is in `loop.py`. `config.yaml` is written first: a folder without it holds no run, and one with it is
never written over. What an interrupted preparation left is made again.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shlex
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from lm.config import Config, ConfigError, differences, dump_config, load_config
from lm.data.corpus import Corpus, check_length, open_corpus, write_corpus
from lm.data.text import Text, open_text
from lm.tokenizer import CharacterTokenizer, load_tokenizer, save_tokenizer, train_bpe, train_words
from lm.tokenizer.files import AnyTokenizer
from lm.training.families import FAMILIES, make_task
from lm.training.run_lock import RunLock, RunLockedError
from lm.training.task import Task
from minigrad.io import CorruptFileError, atomic_write

END_OF_TEXT = "<|endoftext|>"

_CONFIG, _TOKENIZER, _CORPUS, _LOCK = "config.yaml", "tokenizer.json", "corpus", "run.lock"


@dataclass(frozen=True)
class Run:
    """A prepared run."""

    folder: Path
    config: Config
    tokenizer: AnyTokenizer
    corpus: Corpus

    @cached_property
    def task(self) -> Task:
        """What is trained, and on what."""
        return make_task(self.config, self.tokenizer, self.corpus)

    @property
    def tokenizer_sha256(self) -> str:
        """SHA-256 of the tokenizer's file."""
        return hashlib.sha256((self.folder / _TOKENIZER).read_bytes()).hexdigest()


def new_folder(parent: Path, name: str, taken: Collection[Path] = ()) -> Path:
    """parent/name where nothing of the name holds anything, else parent/name-2 or one more than the greatest number.

    Those in `taken` count as if they held something. Raises FileExistsError for a file of such a name.
    """
    numbers = [number for number, folder in _numbered(parent, name) if folder in taken or _contents(folder)]
    number = 1 + max(numbers, default=0)
    return parent / (name if number == 1 else f"{name}-{number}")


def newest_folder(parent: Path, name: str) -> Path:
    """The folder with the greatest number that holds a run; parent/name counts as 1.

    Raises FileNotFoundError if there is none, FileExistsError for a file of such a name.
    """
    runs = [(number, folder) for number, folder in _numbered(parent, name) if _CONFIG in _contents(folder)]
    if not runs:
        raise FileNotFoundError(errno.ENOENT, "no run to go on with", str(parent / name))
    return max(runs)[1]


@contextmanager
def start_run(folder: Path, config: Config) -> Iterator[Run]:
    """Prepare a new run in `folder`, and keep other processes out of it.

    That the folder can be written to is known before the text is read. A text that will not do leaves nothing behind.

    Raises:
        FileExistsError: the folder holds a run, or anything else.
        DataError, OSError: the text is missing, no text, or too short; the folder cannot be made or written to.
        RunLockedError: another process works there.
    """
    _require_empty(folder)
    text = open_text(config.data)  # its files are listed before the run adds to them, should it lie among them
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with RunLock(folder):
            _require_empty(folder)
            try:
                tokenizer = _read(config, text)
            except BaseException:
                with suppress(OSError):  # Windows removes no open file
                    (folder / _LOCK).unlink()
                raise
            config = replace(config, out=None)  # the folder may be moved
            atomic_write(folder / _CONFIG, dump_config(config).encode())
            yield _prepare(folder, config, text, tokenizer)
    finally:
        for path in missing:
            with suppress(OSError):  # it holds the run, was never made, or another process uses it by now
                path.rmdir()


@contextmanager
def start_numbered_run(parent: Path, name: str, config: Config) -> Iterator[Run]:
    """`start_run` in the `new_folder`, or in the next where another process was faster. Raises the same."""
    taken: list[Path] = []
    with ExitStack() as started:
        while True:
            folder = new_folder(parent, name, taken)
            try:
                run = started.enter_context(start_run(folder, config))
                break
            except (FileExistsError, RunLockedError):
                if not folder.is_dir():  # nobody was: it cannot be made
                    raise
                taken.append(folder)
        yield run


@contextmanager
def resume_run(folder: Path, config_file: str | None, flags: tuple[str, ...]) -> Iterator[Run]:
    """Open the run in `folder`, and keep other processes out of it.

    The run goes on with its own settings. Those of `config_file` and `flags`, where they say anything, must be the
    same, but for `max_steps`: a flag, not the file, may make a run longer.

    Raises:
        FileNotFoundError: the folder holds no run.
        ConfigError: naming the settings that differ, or a `max_steps` that is less than the run's own.
        RunLockedError: another process works there.
    """
    if not (folder / _CONFIG).exists():
        raise FileNotFoundError(errno.ENOENT, "no run to go on with; start it without --resume", str(folder))
    with RunLock(folder):
        own = load_config(folder / _CONFIG)
        asked = replace(load_config(config_file or folder / _CONFIG, flags), out=None, max_steps=own.max_steps)
        if different := differences(own, asked):
            raise ConfigError(
                f"{folder} was started with other settings ({'; '.join(different)}): leave them out to go on, or "
                f"choose another --out for a new run"
            )
        config = replace(own, max_steps=load_config(folder / _CONFIG, flags).max_steps)
        if config.max_steps < own.max_steps:
            raise ConfigError(
                f"max_steps {config.max_steps} is less than the {own.max_steps} of {folder}: a run can be made longer, "
                f"not shorter; leave it out to go on"
            )
        if config != own:
            atomic_write(folder / _CONFIG, dump_config(config).encode())
        corpus = open_corpus(folder / _CORPUS)
        if corpus is None:  # interrupted while it was being prepared
            text = open_text(config.data)
            yield _prepare(folder, config, text, _read(config, text))
        else:
            yield Run(folder, config, load_tokenizer(folder / _TOKENIZER), corpus)


def how_to_go_on(folder: Path) -> str:
    """What a person reads whose run was stopped."""
    return f"stopped. To go on:\n  lm train --resume --out {shlex.quote(str(folder))}"


def open_run(folder: Path) -> Run:
    """A prepared run, to be read. Raises FileNotFoundError where there is none."""
    if not (folder / _CONFIG).exists():
        raise FileNotFoundError(errno.ENOENT, "no run here", str(folder))
    corpus = open_corpus(folder / _CORPUS)
    if corpus is None:
        raise CorruptFileError(f"{folder}: this run was never prepared; start it again with --resume")
    return Run(folder, load_config(folder / _CONFIG), load_tokenizer(folder / _TOKENIZER), corpus)


def make_tokenizer(config: Config, text: Text) -> AnyTokenizer:
    """The tokenizer the settings ask for. BPE and words are learnt from the training part of the text alone."""
    if config.tokenizer.path is not None:
        return load_tokenizer(config.tokenizer.path)
    if config.tokenizer.kind == "character":
        characters: set[str] = set()
        for piece in text.pieces():
            characters.update(piece)
        return CharacterTokenizer("".join(sorted(characters)))
    train, _ = text.split(config.val_fraction)
    if config.tokenizer.kind == "word":
        return train_words(train.pieces(), config.tokenizer.min_count, config.tokenizer.vocab_size)
    specials = list(FAMILIES[config.model.family].special_tokens.values())
    assert config.tokenizer.vocab_size is not None  # TokenizerConfig sees to it
    return train_bpe(train.pieces(), config.tokenizer.vocab_size, special_tokens=specials)


def _read(config: Config, text: Text) -> AnyTokenizer:
    """The tokenizer of the text, with everything checked that can be wrong with the two."""
    text.sha256()
    tokenizer = make_tokenizer(config, text)
    for part, what in zip(text.split(config.val_fraction), ("training", "validation")):
        check_length(part, tokenizer, FAMILIES[config.model.family].task.shortest_text(config), what)
    return tokenizer


def _prepare(folder: Path, config: Config, text: Text, tokenizer: AnyTokenizer) -> Run:
    try:
        save_tokenizer(tokenizer, folder / _TOKENIZER)
        write_corpus(folder / _CORPUS, text, tokenizer, config.val_fraction)
    except KeyboardInterrupt as error:
        error.add_note(how_to_go_on(folder))
        raise
    corpus = open_corpus(folder / _CORPUS)
    assert corpus is not None  # it was just written
    return Run(folder, config, tokenizer, corpus)


def _numbered(parent: Path, name: str) -> Iterator[tuple[int, Path]]:
    """What there is of parent/name, as number 1, parent/name-2, parent/name-3, ..."""
    for path in parent.iterdir() if parent.exists() else []:
        if match := re.fullmatch(rf"{re.escape(name)}(?:-([2-9]|[1-9]\d+))?", path.name, re.ASCII):
            yield int(match[1] or 1), path


def _contents(folder: Path) -> list[str]:
    """What is in the folder, but for what a run that never began may have left."""
    if not folder.exists():
        return []
    if not folder.is_dir():
        raise FileExistsError(errno.EEXIST, "not a folder; choose another --out", str(folder))
    return [name for name in os.listdir(folder) if name != _LOCK and not name.startswith(".minigrad-")]


def _require_empty(folder: Path) -> None:
    if (folder / _CONFIG).exists():
        raise FileExistsError(
            errno.EEXIST, "holds a run: add --resume to go on with it, or choose another --out", str(folder)
        )
    if _contents(folder):
        raise FileExistsError(errno.EEXIST, "not empty, and no run; choose another --out", str(folder))
