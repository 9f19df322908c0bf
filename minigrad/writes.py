"""The log of in-place writes, by which a backward knows that an array it saved was changed afterwards.

Nothing is noted when a value is saved. A write notes the time and the owner of the memory; a saved array is stale if
its memory was written after the node that saved it was recorded. One clock dates both.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Any, NamedTuple

from .backends import Array

clock = itertools.count(1)


class Write(NamedTuple):
    """The last in-place change of some memory."""

    time: int
    by: str
    owner: weakref.ref[Any]  # whose death removes the entry


writes_so_far: dict[int, Write] = {}  # by the id of the array that owns the memory


def owner_of(array: Array) -> Array:
    """The array that owns the memory a view looks at."""
    base = array.base
    while base is not None and hasattr(base, "base"):
        array, base = base, base.base
    return array


def log_write(array: Array, by: str) -> None:
    """Note that the memory of `array` was just changed in place by the operation `by`."""
    owner = owner_of(array)
    key = id(owner)
    known = writes_so_far.get(key)
    reference = known.owner if known else weakref.ref(owner, lambda _: writes_so_far.pop(key, None))
    writes_so_far[key] = Write(next(clock), by, reference)


def is_writable(array: Array) -> bool:
    """Whether `array` may be changed in place. Not if it is read-only, as a broadcast or a mapped file is in NumPy, or,
    where memory has no such flag, if it shows an element in several places."""
    known = getattr(array.flags, "writeable", None)
    return not _overlaps(array) if known is None else bool(known)


def _overlaps(array: Array) -> bool:
    """Whether steps along different dimensions can lead to the same element."""
    reach = 0  # of the dimensions with smaller steps
    if not array.size:
        return False
    for step, size in sorted((abs(step), size) for step, size in zip(array.strides, array.shape) if size > 1):
        if step <= reach or step == 0:
            return True
        reach += step * (size - 1)
    return False


def last_write(array: Array) -> Write | None:
    """The last change of the memory `array` looks at, if there was one."""
    return writes_so_far.get(id(owner_of(array)))
