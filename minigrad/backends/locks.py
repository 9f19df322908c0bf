"""Locks that do not outlive a fork: of the threads that held them only one is in the new process."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

_given: weakref.WeakKeyDictionary[Any, dict[str, Callable[[], Any]]] = weakref.WeakKeyDictionary()


def lock_for(holder: Any, name: str, make: Callable[[], Any] = threading.RLock) -> Any:
    """A lock for the attribute `name` of `holder`, an object or a module. In every forked process that attribute is
    another one, and open, whichever thread held this one at the fork."""
    _given.setdefault(holder, {})[name] = make
    return make()


def _renew() -> None:
    for holder, locks in list(_given.items()):
        for name, make in locks.items():
            setattr(holder, name, make())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
