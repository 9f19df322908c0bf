"""Atomic writing, careful reading, and the one door to the operating system (`files`) that both go through.

POSIX promises that a rename is atomic, not that it survives a power cut, nor that the renamed file has its data by
then. So: write a neighbour on the same file system, sync it, read it back, rename it, sync the directory.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

StrPath = str | os.PathLike[str]


class CorruptFileError(ValueError):
    """A file is not what was saved: cut short, altered, incomplete, or not of the expected format."""


class Files:
    """Every call by which `minigrad.io` touches the file system. A test replaces `files` to fail or record the n-th."""

    def open(self, path: Path, mode: str) -> BinaryIO:
        return open(path, mode, buffering=0)  # type: ignore[return-value]

    def write(self, file: BinaryIO, data: memoryview) -> int:
        return file.write(data)

    def read(self, file: BinaryIO, size: int) -> bytes:
        return file.read(size)

    def fsync(self, file: BinaryIO) -> None:
        full_sync = getattr(fcntl, "F_FULLFSYNC", None) if sys.platform != "win32" else None
        if full_sync is not None:  # macOS: fsync alone leaves the data in the drive's cache
            fcntl.fcntl(file.fileno(), full_sync)
        else:
            os.fsync(file.fileno())

    def fsync_directory(self, path: Path) -> None:
        if sys.platform == "win32":  # directories cannot be opened there
            return
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems have no such call
                raise
        finally:
            os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def chmod(self, path: Path, mode: int) -> None:
        os.chmod(path, mode)

    def stat(self, path: Path, follow_symlinks: bool) -> os.stat_result:
        return os.stat(path, follow_symlinks=follow_symlinks)

    def mkdir(self, path: Path) -> None:
        os.mkdir(path)

    def listdir(self, path: Path) -> list[str]:
        return os.listdir(path)

    def remove(self, path: Path) -> None:
        os.remove(path)

    def rmdir(self, path: Path) -> None:
        os.rmdir(path)

    def lock(self, path: Path) -> int:
        """A descriptor that locks `path` until unlocked. BlockingIOError if another holds it, OSError without locks."""
        if sys.platform == "win32":
            raise OSError(errno.ENOTSUP, "no advisory locks", str(path))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                raise FileNotFoundError(errno.ENOENT, "replaced while being locked", str(path))
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def unlock(self, descriptor: int) -> None:
        os.close(descriptor)


files = Files()


def atomic_write(path: StrPath, data: bytes) -> None:
    """Replace the content of `path` by `data`: whole and durable when this returns, untouched when this raises.

    A symbolic link is followed. A file keeps its mode; a new one gets the mode that `open` would give it.

    Raises:
        OSError: the subclass that tells what failed (PermissionError, FileNotFoundError, ...), naming the path and the
            bytes needed. `path` then holds what it held before, unless the message says that only the last sync failed.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     atomic_write(f"{folder}/note.txt", b"whole or not at all")
    ...     Path(f"{folder}/note.txt").read_text()
    'whole or not at all'
    """
    target = Path(os.path.realpath(path))
    with explained(path, len(data)):
        mode = _mode_of_regular_file(target)
        with temporary(target.parent, lambda neighbour: files.open(neighbour, "xb").close()) as neighbour:
            write_synced(neighbour, data, mode)
            files.replace(neighbour, target)
    sync_parent(target)


def write_synced(path: Path, data: bytes, mode: int | None = None) -> None:
    """Write and sync `data`, then compare what a fresh read gives. Not atomic by itself."""
    with files.open(path, "wb") as file:
        if mode is not None:
            files.chmod(path, mode)
        rest = memoryview(data)
        while rest:
            rest = rest[files.write(file, rest) :]  # one call may write less than asked, and never more than 2 GiB
        files.fsync(file)
    chunk = 1 << 20
    with files.open(path, "rb") as file:
        for start in range(0, len(data) + 1, chunk):
            if _read_exactly(file, chunk) != data[start : start + chunk]:
                raise OSError(errno.EIO, "reading back gave other bytes than were written", str(path))


def read_regular(path: Path, size: int | None = None, follow_symlinks: bool = True) -> bytes:
    """The whole content, in memory. Devices and pipes, which may never end, are refused; `size` is what it must be."""
    status = files.stat(path, follow_symlinks)
    if not stat.S_ISREG(status.st_mode):
        raise CorruptFileError(f"{path}: not a regular file")
    if size is not None and status.st_size != size:
        raise CorruptFileError(f"{path}: {status.st_size:,} bytes where {size:,} were saved; cut short or replaced?")
    with files.open(path, "rb") as file:
        data = _read_exactly(file, status.st_size)
    if len(data) != status.st_size:
        raise CorruptFileError(f"{path}: ended after {len(data):,} of {status.st_size:,} bytes; is it being written?")
    return data


def _read_exactly(file: BinaryIO, size: int) -> bytes:
    """`size` bytes, or fewer only at the end of the file."""
    data = files.read(file, size)
    while len(data) < size and (more := files.read(file, size - len(data))):
        data += more
    return data


def _mode_of_regular_file(path: Path) -> int | None:
    try:
        mode = files.stat(path, True).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):  # renaming over /dev/null or a pipe would destroy it
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return mode & 0o777


@contextlib.contextmanager
def explained(path: StrPath, size: int) -> Iterator[None]:
    """Turn an OSError into one of the same class that names `path`, the `size` in bytes, and what is left behind."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        needs = f"saving needs {size:,} bytes, and " if size else ""
        message = f"{reason}; {needs}what was there before is unchanged"
        raise OSError(error.errno or errno.EIO, message, os.fspath(path)) from error


def sync_parent(path: Path) -> None:
    """Make the new name `path` survive a power cut."""
    try:
        files.fsync_directory(path.parent)
    except OSError as error:
        message = f"{error.strerror}; saved, but its directory is not synced: a power cut may bring the old state back"
        raise OSError(error.errno or errno.EIO, message, str(path)) from error


# ---- temporary neighbours ------------------------------------------------------------------------------------------

_TEMPORARY = re.compile(r"\.minigrad-[0-9a-f]{16}\.tmp")


@contextlib.contextmanager
def temporary(directory: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """A new file or directory in `directory`, made by `make`, locked while in use; removed if the body raises.

    The lock tells the living from the dead: what a killed process left behind can be locked, and is removed here.
    """
    remove_leftovers(directory)
    while True:
        path = directory / f".minigrad-{os.urandom(8).hex()}.tmp"
        make(path)
        try:
            lock = files.lock(path)
        except (BlockingIOError, FileNotFoundError):  # another process took it for a leftover before it was locked
            continue
        except OSError:  # a file system without locks, where nobody removes leftovers either
            lock = None
        break
    try:
        yield path
    except BaseException:
        remove(path)
        raise
    finally:
        if lock is not None:
            with contextlib.suppress(OSError):  # nothing was written through it
                files.unlock(lock)


def remove_leftovers(directory: Path) -> None:
    """Remove what killed saves left in `directory`. Best effort: a leftover costs space, never correctness."""
    with contextlib.suppress(OSError):
        for name in files.listdir(directory):
            if _TEMPORARY.fullmatch(name):
                with contextlib.suppress(OSError):
                    lock = files.lock(directory / name)
                    remove(directory / name)
                    files.unlock(lock)


def remove(path: Path) -> None:
    """Remove a file, or a directory with all that is in it; links are not followed. What cannot be removed now is a
    leftover for the next save."""
    with contextlib.suppress(OSError):
        if not stat.S_ISDIR(files.stat(path, False).st_mode):
            files.remove(path)
            return
        for name in files.listdir(path):
            remove(path / name)
        files.rmdir(path)
