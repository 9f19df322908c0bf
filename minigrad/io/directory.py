"""Directories that appear whole: every file synced, a manifest of sizes and SHA-256 written last, then one rename.

A directory whose manifest does not verify was not saved by this, or not left as it was saved.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from minigrad.io import atomic
from minigrad.io.atomic import CorruptFileError, StrPath

_MANIFEST = "manifest.json"
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_MAX_MANIFEST = 1 << 20


def save_directory(path: StrPath, contents: Mapping[str, bytes]) -> None:
    """Make the new directory `path` hold `contents` (file name -> bytes) and a manifest.

    Built in a neighbour on the same file system and renamed: `path` never exists in part, not even after a power cut.

    Raises:
        ValueError: a file name with anything but letters, digits, '_', '-' and '.' in it, or the manifest's own.
        FileExistsError: `path` exists. Nothing is ever replaced.
        OSError: as for `atomic_write`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_directory(f"{folder}/step-1", {"state.json": b"{}"})
    ...     load_directory(f"{folder}/step-1")
    {'state.json': b'{}'}
    """
    target = Path(path)
    for name in contents:
        if not _is_file_name(name):
            raise ValueError(f"save_directory: {name!r} cannot be a file of {path}: use letters, digits, '_', '-', '.'")
    manifest = _manifest({name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in contents.items()})
    if len(manifest) > _MAX_MANIFEST:
        raise ValueError(f"save_directory: {len(contents):,} files are too many for one directory {path}")
    with atomic.explained(path, len(manifest) + sum(map(len, contents.values()))):
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        with atomic.temporary(target.parent, lambda neighbour: atomic.files.mkdir(neighbour)) as neighbour:
            for name, data in [*contents.items(), (_MANIFEST, manifest)]:
                atomic.write_synced(neighbour / name, data)
            atomic.files.fsync_directory(neighbour)
            atomic.files.replace(neighbour, target)
    atomic.sync_parent(target)


def make_directory(path: StrPath) -> None:
    """Make the directory `path` unless it exists, so that it survives a power cut. Its parent must exist.

    Raises FileExistsError if `path` is something else than a directory.
    """
    target = Path(path)
    with atomic.explained(path, 0):
        try:
            atomic.files.mkdir(target)
        except FileExistsError:
            if not stat.S_ISDIR(atomic.files.stat(target, True).st_mode):
                raise FileExistsError(errno.EEXIST, "exists and is not a directory", str(target)) from None
        atomic.files.fsync_directory(target.parent)


def remove_directory(path: StrPath) -> None:
    """Remove a directory and all in it so that it disappears whole: never does half of it stay under its name."""
    with atomic.temporary(Path(path).parent, lambda neighbour: atomic.files.mkdir(neighbour)) as neighbour:
        atomic.files.replace(Path(path), neighbour)  # onto an empty directory
        atomic.files.fsync_directory(neighbour.parent)  # else a power cut may undo the rename and not what follows
        atomic.remove(neighbour)


def load_directory(path: StrPath) -> dict[str, bytes]:
    """What `save_directory` was given, verified. Files that the manifest does not list are ignored.

    Raises:
        CorruptFileError: naming the file that is missing, cut short, altered, or no regular file.
        OSError: `path` does not exist or cannot be read.
    """
    return {name: _verified(Path(path), name, *listed) for name, listed in _read_manifest(Path(path)).items()}


def verify_directory(path: StrPath) -> None:
    """Raise what `load_directory` would raise, with no more than one file in memory."""
    for name, listed in _read_manifest(Path(path)).items():
        _verified(Path(path), name, *listed)


def _is_file_name(name: str) -> bool:
    return _FILE_NAME.fullmatch(name) is not None and name != _MANIFEST


def _manifest(listed: Mapping[str, tuple[int, str]]) -> bytes:
    entries = {name: {"sha256": digest, "size": size} for name, (size, digest) in sorted(listed.items())}
    return (json.dumps({"files": entries, "version": 1}, indent=1) + "\n").encode()


def _read_manifest(path: Path) -> dict[str, tuple[int, str]]:
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    data = _member(path, _MANIFEST, None)
    try:
        entries = json.loads(data[:_MAX_MANIFEST].decode())["files"]
        listed = {name: (int(entry["size"]), str(entry["sha256"])) for name, entry in entries.items()}
        intact = all(map(_is_file_name, listed)) and _manifest(listed) == data
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        intact = False
    if not intact:  # a manifest has one spelling, so any change to it shows
        raise CorruptFileError(f"{path / _MANIFEST}: altered, cut short, or not written by this version")
    return listed


def _verified(path: Path, name: str, size: int, digest: str) -> bytes:
    data = _member(path, name, size)
    if hashlib.sha256(data).hexdigest() != digest:
        raise CorruptFileError(f"{path / name}: altered since it was saved (its SHA-256 is not the manifest's)")
    return data


def _member(path: Path, name: str, size: int | None) -> bytes:
    """The content of a file of the directory itself: a link could lead anywhere."""
    try:
        return atomic.read_regular(path / name, size, follow_symlinks=False)
    except FileNotFoundError:
        raise CorruptFileError(f"{path / name}: missing; was the directory copied in part?") from None
