"""How what holds tensors is copied, and why it is not pickled.

Reading a pickle runs whatever the pickle says, so nothing here is ever kept in one: states go to files that hold
arrays alone. `copy.copy` and `copy.deepcopy` stay within the process and work as they do for PyTorch's objects.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

T = TypeVar("T", bound="Copied")


class NotPickled:
    """Base of what refuses to be pickled, by whatever road: `pickle`, `multiprocessing`, `joblib`."""

    __slots__ = ()
    _instead = "keep tensors in a file with minigrad.save_file, and send arrays to another process"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"{_a(type(self).__name__)} is not pickled: reading a pickle can run any code. {self._instead}")


class Copied(NotPickled):
    """Base of what has attributes, is copied with them, and refuses to be pickled."""

    def __copy__(self: T) -> T:
        return self._rebuilt(None)

    def __deepcopy__(self: T, memo: dict[int, Any]) -> T:
        return self._rebuilt(memo)

    def _rebuilt(self: T, memo: dict[int, Any] | None) -> T:
        # What Python would pickle, from which it also copies: how to make an empty one, and what to put into it.
        reduced: Any = object.__reduce_ex__(self, 2)
        make, arguments, state, *_ = reduced
        new: T = make(*arguments)
        if memo is not None:
            memo[id(self)] = new  # before its attributes, one of which may lead back here
            state = copy.deepcopy(state, memo)
        if hasattr(new, "__setstate__"):
            new.__setstate__(state)
        else:
            new.__dict__.update(state or {})
        return new


def _a(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
