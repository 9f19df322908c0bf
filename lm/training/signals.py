"""Stopping on request: the first SIGINT or SIGTERM sets a flag that loops look at between steps.

A second Ctrl-C stops at once. What is saved on the way out is the training loop's business.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class StopSignal:
    """False until a signal arrives, True from then on. `number` is the first signal's, None before.

    >>> stop = StopSignal()
    >>> bool(stop), stop.exit_code
    (False, 0)
    """

    def __init__(self) -> None:
        self.number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process stopped this way: 130 for SIGINT, 143 for SIGTERM, 0 if none came."""
        return 0 if self.number is None else 128 + self.number


@contextlib.contextmanager
def catch_stop_signals() -> Iterator[StopSignal]:
    """Turn SIGINT and SIGTERM into a flag inside the `with` block, to be looked at between steps, in evaluation too.

    A SIGINT after the first signal raises KeyboardInterrupt where the program is; a further SIGTERM changes nothing,
    as schedulers send several. A signal that was ignored stays ignored (nohup). The previous handlers come back at the
    end. Only the main thread can catch signals: elsewhere the flag never rises.

    >>> with catch_stop_signals() as stop:
    ...     steps = 0
    ...     while not stop and steps < 3:
    ...         steps += 1
    >>> steps
    3
    """
    stop = StopSignal()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if stop.number is None:
            stop.number = number
            with contextlib.suppress(OSError):  # print could be interrupted inside itself, and refuse
                os.write(2, b"\nstopping at the end of this step; Ctrl-C stops at once\n")
        elif number == signal.SIGINT:
            raise KeyboardInterrupt

    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    caught = [number for number, handler in previous.items() if handler not in (signal.SIG_IGN, None)]
    try:
        for number in caught:
            signal.signal(number, handle)
        yield stop
    finally:
        for number in caught:
            signal.signal(number, previous[number])
