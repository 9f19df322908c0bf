"""The log of a run, `log.jsonl`: one JSON object a line, always on, filtered by nothing.

    {"step": 9, "split": "train", "loss": 5.1, "lr": 0.0002, "grad_norm": 0.9, "tokens_per_second": 21000, "seconds": 1}
    {"step": 9, "split": "val", "loss": 5.0, "bits_per_byte": 2.4, "seconds": 1.5}

`loss` is in nats per token, or per what else is predicted; `bits_per_byte` is null where that is not the whole text,
`grad_norm` where gradients are written by hand. `step` counts finished optimizer steps, `seconds` the run's time so
far without pauses.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any

from minigrad.io import CorruptFileError, atomic_write

Entry = dict[str, Any]

FILE = "log.jsonl"


class Log:
    """Appends to the log of a run folder; a context manager."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / FILE
        self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115  (closed on exit)

    def write(self, entry: Entry) -> None:
        """Append one line, at once in the file; whether it survives a power cut is `sync`'s affair.

        Raises ValueError for a number that is not finite, which JSON does not have.
        """
        line = f"{json.dumps(entry, allow_nan=False)}\n".encode()
        try:
            self._file.write(line)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def sync(self) -> None:
        """Make what was written survive a power cut: before a checkpoint, which the log must not fall behind."""
        os.fsync(self._file.fileno())

    def __enter__(self) -> Log:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def read_log(run_dir: Path) -> list[Entry]:
    """The lines of the log, none if there is no log. A last line that a kill cut short is left out.

    Raises CorruptFileError, naming the line, for one that is no entry.
    """
    path = run_dir / FILE
    if not path.exists():
        return []
    entries = []
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            entry = None
        if not (isinstance(entry, dict) and type(entry.get("step")) is int and entry.get("split") in ("train", "val")):
            raise CorruptFileError(f"{path}, line {number}: no entry of a log; was it edited? Mend or remove the line")
        entries.append(entry)
    return entries


def rewind_log(run_dir: Path, step: int, *, evaluates: bool) -> None:
    """Drop what was logged after the checkpoint of `step`, for it is going to happen again.

    `evaluates` says whether that begins with the evaluation at `step`, which is after the checkpoint then.
    """
    last = (step, "train" if evaluates else "val")
    kept = [entry for entry in read_log(run_dir) if (entry["step"], entry["split"]) <= last]
    atomic_write(run_dir / FILE, "".join(json.dumps(entry) + "\n" for entry in kept).encode())
