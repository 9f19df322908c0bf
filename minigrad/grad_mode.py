"""What is true of the code running now: whether operations are recorded, and the path of the module that runs.

Both belong to a thread or asyncio task. A new thread starts with recording on and no module; a new task with what holds
where it is made, and so does work that is handed a context (`asyncio.to_thread`, or any thread where Python is set to
`thread_inherit_context`). What happens inside reaches nobody else.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class ModulePath(str):
    """The path of a module, such as "blocks.3.attn". Messages show it with the module's class."""

    __slots__ = ("kind",)

    def __new__(cls, path: str, kind: str) -> ModulePath:
        self = super().__new__(cls, path or kind)
        self.kind = kind  # type: ignore[attr-defined]
        return self

    def __repr__(self) -> str:
        kind = self.kind  # type: ignore[attr-defined]
        return super().__repr__() if kind == self else f"{super().__repr__()} ({kind})"


class State(NamedTuple):
    """What is true of the code running now; one per thread and per asyncio task."""

    grad_enabled: bool = True
    module: str = ""
    # The blocks that are open, and the mode each found. Here, for threads may share a block.
    outer: tuple[tuple[Any, bool], ...] = ()


state: ContextVar[State] = ContextVar("minigrad.state", default=State())  # noqa: B039  (a NamedTuple is immutable)


def is_grad_enabled() -> bool:
    """Whether operations on tensors that require gradients are being recorded. PyTorch: `torch.is_grad_enabled`."""
    return state.get().grad_enabled


class _GradMode:
    """A grad mode as a context manager and a decorator."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        enabled, module, outer = state.get()
        state.set(State(self.mode, module, (*outer, (self, enabled))))

    def __exit__(self, *_: object) -> None:
        enabled, module, outer = state.get()
        if outer and outer[-1][0] is self:
            state.set(State(outer[-1][1], module, outer[:-1]))
        else:
            state.set(State(enabled, module, _without(self, outer)))

    def __call__(self, function: F) -> F:
        mode = self.mode
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                body = function(*args, **kwargs)
                step: Callable[[], Any] = functools.partial(next, body)
                while True:
                    try:
                        with _GradMode(mode):
                            item = step()
                    except StopIteration as stop:
                        return stop.value
                    try:
                        sent = yield item
                        step = functools.partial(body.send, sent)
                    except GeneratorExit:
                        with _GradMode(mode):
                            body.close()
                        raise
                    except BaseException as error:
                        step = functools.partial(body.throw, error)

            return generator  # type: ignore[return-value]
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def async_generator(*args: Any, **kwargs: Any) -> Any:
                body = function(*args, **kwargs)
                step: Callable[[], Any] = body.__anext__
                while True:
                    try:
                        with _GradMode(mode):
                            item = await step()
                    except StopAsyncIteration:
                        return
                    try:
                        sent = yield item
                        step = functools.partial(body.asend, sent)
                    except GeneratorExit:
                        with _GradMode(mode):
                            await body.aclose()
                        raise
                    except BaseException as error:
                        step = functools.partial(body.athrow, error)

            return async_generator  # type: ignore[return-value]
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with _GradMode(mode):
                    return await function(*args, **kwargs)

            return coroutine  # type: ignore[return-value]

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with _GradMode(mode):
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


def _without(block: _GradMode, outer: tuple[tuple[Any, bool], ...]) -> tuple[tuple[Any, bool], ...]:
    """The open blocks without one that is not the innermost, as when a generator is closed that was suspended in it.

    The next one inwards takes over what that one found. One that was opened elsewhere, in another thread, is not there.
    """
    for position in reversed(range(len(outer) - 1)):
        if outer[position][0] is block:
            inner = outer[position + 1][0], outer[position][1]
            return (*outer[:position], inner, *outer[position + 2 :])
    return outer


class set_grad_enabled(_GradMode):
    """Switch recording on or off, at once; as a context manager, until the end of the block.

    PyTorch: `torch.set_grad_enabled`. Threads, asyncio tasks and generators: as for `no_grad`.
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(bool(mode))
        self.previous, module, outer = state.get()
        state.set(State(self.mode, module, outer))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        current = state.get()
        state.set(State(self.previous, current.module, current.outer))

    def __call__(self, function: F) -> F:
        self.__exit__()  # a decorator changes what it decorates alone
        return _GradMode(self.mode)(function)


class no_grad(_GradMode):
    """Nothing computed inside is recorded. PyTorch: `torch.no_grad`, a context manager and a decorator.

    The mode belongs to the thread or asyncio task that sets it; a new thread starts with recording on, a new task with
    the mode of the code that makes it. A decorated generator or coroutine has the mode while its own body runs; a block
    that a generator yields from reaches its consumer until the generator leaves it.

    >>> import minigrad as mg
    >>> x = mg.ones(2, requires_grad=True)
    >>> with mg.no_grad():
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self) -> None:
        super().__init__(False)


class enable_grad(_GradMode):
    """Recording is on inside, also within `no_grad`. PyTorch: `torch.enable_grad`."""

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None else cls()(function)

    def __init__(self) -> None:
        super().__init__(True)
