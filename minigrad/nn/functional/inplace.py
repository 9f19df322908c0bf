"""PyTorch's argument `inplace`: the one place where a function's result goes into its input."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from ...ops.inplace import _before, write

F = TypeVar("F", bound=Callable[..., Any])


def takes_inplace(function: F) -> F:
    """Serve the parameter `inplace` of `function`, whose body need not know of it.

    With `inplace=True` the result is written into the first argument, which is returned; what the graph has saved of
    it is then stale, and a backward that would read it raises. As in PyTorch, a leaf that requires grad refuses.
    """
    position = list(inspect.signature(function).parameters).index("inplace")
    name = f"{function.__name__}_"

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not (args[position] if len(args) > position else kwargs.get("inplace")):
            return function(*args, **kwargs)
        input, *rest = args if args else [kwargs.pop("input")]
        before = _before(input)
        out = function(before, *rest, **kwargs)
        return input if out is before else write(input, name, out)

    return call  # type: ignore[return-value]
