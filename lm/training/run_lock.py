"""One process per run folder: two would delete each other's checkpoints.

The lock belongs to the process, not to the file: the kernel drops it when the process ends, however it ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
import warnings
from pathlib import Path
from types import TracebackType

if sys.platform != "win32":
    import fcntl


class RunLockedError(RuntimeError):
    """Another process works in the run folder."""


class RunLock:
    """Context manager that keeps every other process out of `run_dir`, which must exist.

    Raises on entry:
        RunLockedError: (a RuntimeError) at once, naming the process that holds it.
        OSError: the folder is missing or not writable.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as run_dir, RunLock(run_dir):
    ...     pass
    """

    def __init__(self, run_dir: str | os.PathLike[str]):
        self.path = Path(run_dir) / "run.lock"
        self._descriptor: int | None = None

    def __enter__(self) -> RunLock:
        if self._descriptor is not None:
            raise RuntimeError(f"this process already holds {self.path}")
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
        try:
            _lock(descriptor, self.path)
            if not _is_at(descriptor, self.path):  # removed between opening and locking: it keeps nobody out
                raise RunLockedError(f"{self.path.parent} was in use until now, and its lock is gone; try again")
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        if hasattr(os, "register_at_fork"):  # a forked child that outlives this process would keep the folder locked
            os.register_at_fork(after_in_child=self._close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, 0)  # the file stays: removing it could remove the lock of the next run
        self._close()

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _lock(descriptor: int, path: Path) -> None:
    if sys.platform == "win32":
        warnings.warn(f"{path.parent} is not protected from a second run: no file locks here", stacklevel=3)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RunLockedError(
            f"{path.parent} is in use by process {_holder(path)}; wait for it, stop it, or choose another run folder"
        ) from None
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS, errno.EINVAL):
            raise
        warnings.warn(f"{path.parent} is not protected from a second run: {error.strerror}", stacklevel=3)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    """The process id in the lock file, which its holder writes a moment after locking."""
    for _ in range(20):
        if text := path.read_text(errors="replace").strip():
            return text[:20]
        time.sleep(0.01)
    return "unknown"
