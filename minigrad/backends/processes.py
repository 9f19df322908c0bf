"""Processes beside the calling one: copies of it, made by `fork`, that answer its messages and share memory with it.

Unlike threads they run Python at the same time. A copy starts with all that the calling process has, and costs the
memory that either of them changes afterwards. Messages are pickled, between a process and its own copies alone.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from . import Array

is_worker = False  # whether this process is one


def can_fork() -> bool:
    """Whether this system makes copies of a process that can go on computing: Linux. Elsewhere there is no fork, or, on
    macOS, libraries that a copy must not use."""
    return hasattr(os, "fork") and sys.platform.startswith("linux")


def shared_like(array: Array) -> Array:
    """A copy of an array, in C's order, in memory that this process shares with those it forks afterwards."""
    memory = mmap.mmap(-1, max(1, array.nbytes))
    shared: Array = np.ndarray(array.shape, array.dtype, buffer=memory)
    shared[...] = array
    return shared


class Worker:
    """A process forked from this one that answers messages by `answer(message)`, one after another.

    It ends within a second of the calling process, however that ends, and lives through signals that ask for an end,
    which reach it too: what is to be done then the calling process decides. Raises RuntimeError where the system cannot
    fork. Attribute `unanswered`: messages that wait for an answer.
    """

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        from multiprocessing import Pipe  # half as long as all of minigrad

        if not can_fork():
            raise RuntimeError(f"processes that share memory are forked: safe on Linux alone, not on {sys.platform}")
        self.caller = os.getpid()
        self.code: int | None = None  # how it ended
        self.unanswered = 0
        self._ours, theirs = Pipe()
        with warnings.catch_warnings():
            # Since 3.12 Python warns where there are threads, for one might hold a lock at this moment. Ours wait for
            # work and OpenBLAS's are made anew; the copy does nothing but compute and answer.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = _fork()
        if not self.pid:
            try:
                self._ours.close()  # as long as it is open here, nobody is told that the calling process is gone
                threading.Thread(target=_end_with, args=(self.caller,), daemon=True).start()
                _serve(answer, theirs)
            finally:
                os._exit(0)  # without anything that the calling process would do at its end
        theirs.close()

    def send(self, message: Any) -> None:
        """Ask it to answer a message. Raises RuntimeError if it has ended."""
        try:
            self._ours.send(message)
        except OSError:
            raise self._ended() from None
        except Exception as error:
            error.add_note("what is passed has to be sent to a process that shares the work")
            raise
        self.unanswered += 1

    def receive(self) -> Any:
        """The answer to the first message without one yet. What was raised there is raised here.

        Raises RuntimeError if it has ended.
        """
        try:
            succeeded, answer = self._ours.recv()
        except (EOFError, OSError):
            raise self._ended() from None
        self.unanswered -= 1
        if not succeeded:
            raise answer
        return answer

    def close(self) -> None:
        """End it, whatever it is doing. A process that was forked from the calling one meanwhile cannot."""
        self._ours.close()
        if self.code is None and self.caller == os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._wait()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # half made, or at the interpreter's end
            self.close()

    def _wait(self) -> int:
        """How it ended: its code, or the signal below 0."""
        if self.code is None:
            try:
                self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            except ChildProcessError:  # someone else has waited for it
                self.code = 0
        return self.code

    def _ended(self) -> RuntimeError:
        code = self._wait()
        self.unanswered = 0
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
        cause = "; a system short of memory does that" if code == -signal.SIGKILL else ""
        return RuntimeError(f"process {self.pid}, which shared the work, was ended {how}{cause}")


def _fork() -> int:
    """`os.fork`, in which `is_worker` is true for what else is done at a fork in the copy."""
    global is_worker
    was = is_worker
    is_worker = True
    pid = -1
    try:
        pid = os.fork()
    finally:
        if pid:
            is_worker = was
    return pid


def _end_with(caller: int) -> None:
    """End this process when the calling one is gone: while it computes, it does not hear of it."""
    while os.getppid() == caller:
        time.sleep(0.5)
    os._exit(1)


def _serve(answer: Callable[[Any], Any], connection: Any) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(EOFError):
        while True:
            try:
                answered = True, answer(connection.recv())
            except (EOFError, BrokenPipeError, ConnectionResetError):
                raise EOFError from None
            except BaseException as error:
                answered = False, _sendable(error)
            try:
                connection.send(answered)
            except OSError:
                raise EOFError from None
            except Exception as error:  # what cannot be pickled
                connection.send((False, _sendable(error)))


def _sendable(error: BaseException) -> Exception:
    """The error, with where it came from as a note; another one with its words if it cannot be pickled, or would end
    the calling process."""
    where = "".join(traceback.format_tb(error.__traceback__))
    try:
        if not isinstance(error, Exception):
            raise TypeError
        copy: Exception = pickle.loads(pickle.dumps(error))  # noqa: S301  (made just here)
    except Exception:
        copy = RuntimeError(f"{type(error).__name__}: {error}")
    copy.add_note(f"in a process that shares the work:\n{where}")
    return copy
