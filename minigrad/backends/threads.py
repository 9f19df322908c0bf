"""Threads beside the calling one: NumPy lets go of the interpreter while it computes, so blocks of work overlap.

It pays where a call takes some 20 microseconds or more, from 100,000 numbers on. What is computed does not depend on
the number of threads: blocks are the same, and share nothing.
"""

from __future__ import annotations

import ctypes
import functools
import operator
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

# Ours, then those that libraries of linear algebra listen to; the first that is there counts.
_VARIABLES = "MINIGRAD_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"
_MOST = 8  # beyond, memory is the limit
# The two functions of an OpenBLAS, as NumPy's wheels, conda and Linux distributions name them.
_OPENBLAS = [
    tuple(f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set"))
    for prefix in ("scipy_", "")
    for suffix in ("64_", "")
]


def _default() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    named = [os.environ[name] for name in _VARIABLES if os.environ.get(name, "").isdecimal()]
    return max(1, int(named[0])) if named else min(_MOST, available)


_count = _default()
_calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
_started = 0
_starting = threading.Lock()
_here = threading.local()  # `shares`: whether this thread is at work for `for_each` now


def get_num_threads() -> int:
    """How many threads blocks of work are shared among. PyTorch: `torch.get_num_threads`.

    From the start as many as there are processors, 8 at most; or as MINIGRAD_NUM_THREADS says, or else OMP_NUM_THREADS,
    OPENBLAS_NUM_THREADS or MKL_NUM_THREADS, by which NumPy's products of matrices go too until `set_num_threads`.
    """
    return _count


def set_num_threads(count: int) -> None:
    """Share blocks of work among so many threads; 1 is the calling thread alone. PyTorch: `torch.set_num_threads`.

    It holds for NumPy's products of matrices too where they are OpenBLAS's, as in its wheels for Linux.

    Raises ValueError for less than 1, TypeError for what is no integer.
    """
    global _count
    if isinstance(count, bool) or not hasattr(count, "__index__"):
        raise TypeError(f"set_num_threads takes an integer, got {type(count).__name__}")
    count = operator.index(count)
    if count < 1:
        raise ValueError(f"set_num_threads takes 1 or more, got {count}")
    _count = count
    if blas := _openblas():
        blas[1](count)


@contextmanager
def no_more_than(count: int) -> Iterator[None]:
    """In the block, so many threads at most, of ours and of OpenBLAS's, for all of the process.

    Blocks of several threads may overlap; when the last has ended, it is as before the first.
    """
    global _before
    with _limiting:
        if not _limits:
            _before = _count, _openblas_threads()
        _limits.append(count)
        _limit()
    try:
        yield
    finally:
        with _limiting:
            _limits.remove(count)
            _limit()


_limits: list[int] = []  # of the blocks that are open
_limiting = threading.Lock()
_before: tuple[int, int | None] = (0, None)  # our threads and OpenBLAS's, without limits


def _limit() -> None:
    global _count
    ours, theirs = _before
    most = min(_limits, default=ours)
    _count = min(ours, most)
    blas = _openblas()
    if blas and theirs is not None:
        blas[1](min(theirs, most) if _limits else theirs)


def _openblas_threads() -> int | None:
    blas = _openblas()
    return int(blas[0]()) if blas else None


@functools.cache
def _openblas() -> tuple[Any, Any] | None:
    """How many threads the OpenBLAS of NumPy has, and how to change it; None where NumPy has another library."""
    try:  # no public name leads to the library, but one of NumPy's is linked with it, and on Linux knows its functions
        library = ctypes.CDLL(sys.modules["numpy._core._multiarray_umath"].__file__)
    except (KeyError, OSError):
        return None
    for get, change in _OPENBLAS:
        if hasattr(library, get) and hasattr(library, change):
            return getattr(library, get), getattr(library, change)
    return None


def for_each(function: Callable[[T], None], items: Iterable[T], most: int | None = None) -> None:
    """Call a function of every item, on `most` threads or as many as there are; in which order is not said.

    The first exception of a thread, also KeyboardInterrupt, is raised when all threads have come to an end. Inside such
    a function it calls in the calling thread alone.
    """
    left = deque(items)
    helpers = min(_count if most is None else min(most, _count), len(left)) - 1
    if helpers < 1 or getattr(_here, "shares", False):
        for item in left:
            function(item)
        return
    errors: list[BaseException] = []
    done: SimpleQueue[None] = SimpleQueue()

    def work() -> None:
        _here.shares = True
        try:
            while left and not errors:
                try:
                    item = left.popleft()
                except IndexError:  # another one took it
                    break
                function(item)
        except BaseException as error:  # of any thread: it is raised in the calling one
            errors.append(error)
        finally:
            _here.shares = False

    def help_out(context: Context) -> None:
        context.run(work)
        done.put(None)

    helpers = _start(helpers)
    for _ in range(helpers):
        context = copy_context()  # numpy.errstate, say, holds in every thread
        _calls.put(lambda context=context: help_out(context))  # type: ignore[misc]
    work()
    while helpers:
        try:
            done.get()
            helpers -= 1
        except BaseException as error:  # Ctrl-C: the others stop after their item
            errors.append(error)
    if errors:
        raise errors[0]


def _start(helpers: int) -> int:
    """Have so many threads wait for work, or as many as the system grants; how many they are."""
    global _started
    with _starting:
        while _started < helpers:
            try:
                threading.Thread(target=_serve, args=(_calls,), name=f"minigrad-{_started + 1}", daemon=True).start()
            except RuntimeError:  # no more threads can be started: the calling one does the work
                break
            _started += 1
        return min(helpers, _started)


def _serve(calls: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        calls.get()()


def _forget() -> None:
    """A forked process has none of these threads, and whatever waited for them never happened."""
    global _calls, _started, _starting, _here, _limiting
    _calls, _started, _starting, _here = SimpleQueue(), 0, threading.Lock(), threading.local()
    _limiting = threading.Lock()
    if _limits:  # the blocks are left by threads that are not here
        _limits.clear()
        _limit()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
