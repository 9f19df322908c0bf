"""What a composite is: plain code over primitives, which a fused kernel may stand in for.

The decorated function is the definition: it is what runs without kernels, what a kernel is checked against, and what a
recorded backward differentiates. Kernels (`minigrad.kernels`) plug into `selectors`; without any, a composite is
just its function.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# By name of a composite: from its arguments, in the order of its signature, to the kernel that applies, or None.
selectors: dict[str, Callable[[list[Any]], Kernel | None]] = {}
definitions: dict[str, Callable[..., Any]] = {}


class Kernel(Protocol):
    """A fused forward and backward with the meaning of a composite."""

    def run(self, arguments: list[Any]) -> Any:
        """The composite's result; recorded as one node if a gradient is wanted."""


def composite(function: F) -> F:
    """Let kernels stand in for `function`, whose body stays its definition."""
    name = function.__name__
    parameters = inspect.signature(function).parameters
    names = list(parameters)
    required = [name for name in names if parameters[name].default is inspect.Parameter.empty]
    defaults = [parameter.default for parameter in parameters.values()]
    least, most = len(required), len(names)
    definitions[name] = function

    @functools.wraps(function)
    def dispatch(*args: Any, **kwargs: Any) -> Any:
        select = selectors.get(name)
        if select is None:
            return function(*args, **kwargs)
        given = len(args)
        if kwargs:
            fits = given <= most and set(required[given:]) <= kwargs.keys() <= set(names[given:])
        else:
            fits = least <= given <= most
        if not fits:
            return function(*args, **kwargs)  # let Python say what is wrong with the call
        arguments = [*args, *defaults[given:]]
        for each, value in kwargs.items():
            arguments[names.index(each)] = value
        kernel = select(arguments)
        return function(*args, **kwargs) if kernel is None else kernel.run(arguments)

    return dispatch  # type: ignore[return-value]
