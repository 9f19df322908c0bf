"""Threads beside the calling one: NumPy lets go of the interpreter while it computes, so blocks of work overlap.

It pays where a call takes some 20 microseconds or more, from 100,000 numbers on. What is computed does not depend on
the number of threads: blocks are the same, and share nothing.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")

# The same words that libraries of linear algebra listen to.
_VARIABLES = "MINIGRAD_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"
_MOST = 8  # beyond, memory is the limit


def _default() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    named = [os.environ[name] for name in _VARIABLES if os.environ.get(name, "").isdecimal()]
    return max(1, min([_MOST, available, *map(int, named)]))


_count = _default()
_calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
_started = 0


def get_num_threads() -> int:
    """How many threads blocks of work are shared among. PyTorch: `torch.get_num_threads`.

    From the start as many as there are processors, 8 at most, or as OMP_NUM_THREADS or MINIGRAD_NUM_THREADS say. What
    NumPy's products of matrices use is another number, which OPENBLAS_NUM_THREADS tells.
    """
    return _count


def set_num_threads(count: int) -> None:
    """Share blocks of work among so many threads; 1 is the calling thread alone. PyTorch: `torch.set_num_threads`.

    Raises ValueError for less than 1, TypeError for what is no integer.
    """
    global _count
    if not isinstance(count, int) or isinstance(count, bool):
        raise TypeError(f"set_num_threads takes an integer, got {type(count).__name__}")
    if count < 1:
        raise ValueError(f"set_num_threads takes 1 or more, got {count}")
    _count = count


def for_each(function: Callable[[T], None], items: Iterable[T], most: int | None = None) -> None:
    """Call a function of every item, on `most` threads or as many as there are; in which order is not said.

    The first exception of a thread is raised, when all threads have come to an end.
    """
    left = deque(items)
    helpers = min(_count if most is None else min(most, _count), len(left)) - 1
    if helpers < 1:
        for item in left:
            function(item)
        return
    errors: list[BaseException] = []
    done: SimpleQueue[None] = SimpleQueue()

    def work() -> None:
        try:
            while left and not errors:
                try:
                    item = left.popleft()
                except IndexError:  # another one took it
                    break
                function(item)
        except BaseException as error:  # of any thread: it is raised in the calling one
            errors.append(error)

    def help_out(context: Context) -> None:
        context.run(work)
        done.put(None)

    _start(helpers)
    for _ in range(helpers):
        context = copy_context()  # numpy.errstate, say, holds in every thread
        _calls.put(lambda context=context: help_out(context))  # type: ignore[misc]
    work()
    for _ in range(helpers):
        done.get()
    if errors:
        raise errors[0]


def _start(helpers: int) -> None:
    global _started
    while _started < helpers:
        _started += 1
        threading.Thread(target=_serve, args=(_calls,), name=f"minigrad-{_started}", daemon=True).start()


def _serve(calls: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        calls.get()()


def _forget() -> None:
    """A forked process has none of these threads, and whatever waited for them never happened."""
    global _calls, _started
    _calls, _started = SimpleQueue(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
