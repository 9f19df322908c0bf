"""Where in the user's source something happened, and where each node was made."""

from __future__ import annotations

import linecache
import sys
import weakref
from pathlib import Path
from typing import NamedTuple

from ..graph import Node

_PACKAGE = str(Path(__file__).parent.parent) + "/"
_DEPTH = 6  # frames that are kept: the line, and who called


class Line(NamedTuple):
    """A line of the source that was running."""

    file: str
    number: int
    function: str

    def __str__(self) -> str:
        text = linecache.getline(self.file, self.number).strip()
        return f'File "{self.file}", line {self.number}, in {self.function}' + (f"\n    {text}" if text else "")


def lines() -> list[Line]:
    """The lines outside this package that are running, the innermost first."""
    found: list[Line] = []
    frame = sys._getframe(1)
    while frame is not None and len(found) < _DEPTH:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            found.append(Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back  # type: ignore[assignment]
    return found


traces: weakref.WeakKeyDictionary[Node, list[Line]] = weakref.WeakKeyDictionary()


def remember(node: Node) -> None:
    """Keep where a node is made for as long as it lives."""
    traces[node] = lines()


def shown(trace: list[Line]) -> str:
    """A trace as Python prints one: the innermost line last."""
    return "".join(f"\n  {line}" for line in reversed(trace)) or " (a line that is not known)"


def made_at(node: Node) -> str:
    """The end of a message: where the node was made, if that was remembered."""
    return f"; it was recorded at{shown(traces[node])}" if node in traces else ""
