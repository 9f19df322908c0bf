"""Lists, tuples and dicts of tensors, nested in any way: the tensors in order, and the same structure with others."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any


def leaves(nested: Any) -> list[Any]:
    """Everything that is no container, from left to right."""
    found: list[Any] = []
    _each(nested, found.append)
    return found


def fill(nested: Any, values: Iterator[Any]) -> Any:
    """The same structure with the next of `values` in the place of every leaf."""
    return _each(nested, lambda _: next(values))


def structure(nested: Any) -> Any:
    """What two nested values of one structure have equal."""
    return _each(nested, lambda _: "*")


def _each(nested: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(nested, dict):
        made = copy.copy(nested)  # of its kind, in its order: a defaultdict is made of more than its items
        made.update((key, _each(value, function)) for key, value in nested.items())
        return made
    if isinstance(nested, tuple) and hasattr(nested, "_make"):
        return nested._make([_each(value, function) for value in nested])
    if isinstance(nested, (list, tuple)):
        return type(nested)([_each(value, function) for value in nested])
    return function(nested)
