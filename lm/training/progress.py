"""What a person sees of a run: a bar with tokens/s and the time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TextIO

_SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """What the training loop reports to."""

    def step(self, step: int, loss: float, tokens_per_second: float) -> None:
        """An optimizer step is done."""

    def note(self, line: str) -> None:
        """Something worth a line of its own."""


@contextmanager
def show_progress(start: int, total: int, stream: TextIO | None = None) -> Iterator[Progress]:
    """A `Progress` on `stream`, standard error if not given: steps start .. total."""
    stream = stream or sys.stderr
    if stream.isatty():
        from tqdm import tqdm

        with tqdm(total=total, initial=start, file=stream, unit="step", dynamic_ncols=True) as bar:
            yield _Bar(bar)
    else:
        yield Lines(start, total, stream)


class _Bar:
    def __init__(self, bar: tqdm[None]) -> None:  # type: ignore[name-defined]  # noqa: F821
        self._bar = bar

    def step(self, step: int, loss: float, tokens_per_second: float) -> None:
        self._bar.set_postfix_str(f"loss {loss:.3f}, {tokens_per_second:,.0f} tokens/s", refresh=False)
        self._bar.update()

    def note(self, line: str) -> None:
        self._bar.write(line, file=self._bar.fp)


class Lines:
    """One line every ten seconds, for logs and pipes."""

    def __init__(self, start: int, total: int, stream: TextIO) -> None:
        self._start, self._total, self._stream = start, total, stream
        self._began = self._last = time.monotonic()

    def step(self, step: int, loss: float, tokens_per_second: float) -> None:
        now = time.monotonic()
        if now - self._last >= _SECONDS_BETWEEN_LINES or step == self._total:
            self._last = now
            left = (now - self._began) / (step - self._start) * (self._total - step)
            self.note(
                f"step {step}/{self._total}  loss {loss:.3f}  {tokens_per_second:,.0f} tokens/s  "
                f"{int(left) // 60}:{int(left) % 60:02d} left"
            )

    def note(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
