"""Who touches device memory: the library, which is held to CuPy's rules, or a test, which may look at what it gets.

`syncs` lists every place of the library that made the host wait for the device.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIBRARY = (f"{ROOT}/minigrad/", f"{ROOT}/lm/")
TESTS = f"{ROOT}/tests/"
OURS = f"{Path(__file__).parent}/"

syncs: list[str] = []
EXPLICIT = ("to_host", "item", "tolist", "__repr__")  # functions of the library whose purpose is to bring values home


def place() -> str:
    """The nearest line of the library or of a test up the stack, as "file:line function"."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(LIBRARY) or (name.startswith(TESTS) and not name.startswith(OURS)):
            return f"{name.removeprefix(f'{ROOT}/')}:{frame.f_lineno} {frame.f_code.co_name}"
        frame = frame.f_back
    return ""


def in_library() -> bool:
    return place().startswith(("minigrad/", "lm/"))


def synced(what: str) -> None:
    """Note that the device was waited for, if the library did it."""
    where = place()
    if where.startswith(("minigrad/", "lm/")):
        syncs.append(f"{what} at {where}")
