"""What `DataParallel` is made of: the processes that compute parts of a batch, and what they share.

Parameters lie in memory that all processes see. Each other process has a `_Replica`, which hears of a forward and of
its backward, and leaves the gradients of the parameters in memory of its own that the calling process sees too. A `Run`
is one part in one process, also in the calling one.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from ..autograd import grad
from ..backends import Array, processes, threads
from ..backends.processes import Worker, shared_like
from ..grad_mode import set_grad_enabled
from ..hooks import backward_watchers, forward_watchers
from ..nested import fill, leaves
from ..ops import default_generator
from ..ops.random import Key
from ..tensor import Tensor
from ..writes import log_write, owner_of
from .module import Module
from .parameter import Parameter

Passed = tuple[tuple[Any, ...], dict[str, Any]]  # positional arguments, and named ones


class Run:
    """The forward of one part in one process, and what its backward needs."""

    def __init__(self, module: Module, passed: Passed, grad_enabled: bool) -> None:
        inputs, kwargs = passed
        with set_grad_enabled(grad_enabled):
            output = module(*inputs, **kwargs)
        self.inputs = [value for value in leaves(passed) if isinstance(value, Tensor)]
        self.outputs = leaves(output)
        self.structure = fill(output, itertools.repeat(None))

    def results(self) -> Results:
        """What the calling process is told."""
        arrays = [out.data if isinstance(out, Tensor) else Constant(out) for out in self.outputs]
        recorded = [isinstance(out, Tensor) and out.requires_grad for out in self.outputs]
        return fill(self.structure, (type(out).__name__ for out in self.outputs)), arrays, recorded

    def backward(
        self, cotangents: Sequence[Array | None], parameters: Sequence[Tensor]
    ) -> tuple[list[Array | None], list[Array | None]]:
        """The gradients of the parameters, None where there is none; and of the inputs, None where none is wanted.

        Hooks of parameters see the sum of all parts, not these.
        """
        reached = [
            (out, Tensor(cotangent)) for out, cotangent in zip(self.outputs, cotangents)
            if isinstance(out, Tensor) and out.requires_grad and cotangent is not None
        ]  # fmt: skip
        tensors = [*parameters, *self.inputs]
        wanted = [tensor for tensor in tensors if tensor.requires_grad]
        found = {}
        if reached and wanted:
            outputs, given = zip(*reached)
            with _unhooked(parameters):
                found = dict(zip(map(id, wanted), grad(outputs, wanted, given, allow_unused=True)))
        gradients = [found.get(id(tensor)) for tensor in tensors]
        arrays = [None if gradient is None else gradient.data for gradient in gradients]
        own, inputs = arrays[: len(parameters)], arrays[len(parameters) :]
        for number, tensor in enumerate(self.inputs):
            if tensor.requires_grad and inputs[number] is None:
                inputs[number] = np.zeros_like(tensor.data)  # it may have a gradient in the other parts
        return own, inputs


# The kinds of the outputs in their structure, the outputs (arrays or `Constant`), and of which a gradient may be asked.
Results = tuple[Any, list[Any], list[bool]]


class Constant:
    """An output that is no tensor."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Sent:
    """A tensor as it is sent to another process."""

    def __init__(self, tensor: Tensor) -> None:
        self.array, self.requires_grad = tensor.data, tensor.requires_grad


@contextmanager
def _unhooked(parameters: Sequence[Tensor]) -> Iterator[None]:
    hooks = [parameter.hooks for parameter in parameters]
    try:
        for parameter in parameters:
            parameter.hooks = None
        yield
    finally:
        for parameter, each in zip(parameters, hooks):
            parameter.hooks = each


class Team:
    """The processes beside the calling one, and what all of them share. `lock` is held while they are spoken to."""

    def __init__(self, module: Module, helpers: int, lock: threading.RLock) -> None:
        self.module, self.modules, self.lock = module, list(module.modules()), lock
        self.parameters: list[Parameter] = list(module.parameters())
        self.known = self.parts()
        self._check()
        for parameter in self.parameters:
            parameter.data = shared_like(parameter.data)
        self.arrays = [parameter.data for parameter in self.parameters]
        self.gradients = [[shared_like(array) for array in self.arrays] for _ in range(helpers)]  # of each helper
        self.numbers = itertools.count()  # of calls
        # Calls whose backward has been, or will not come, that a helper has not heard of yet.
        self.forgotten: list[deque[int]] = [deque() for _ in range(helpers)]
        self.busy = False
        self.process = os.getpid()
        self.workers: list[Worker] = []
        for number, gradients in enumerate(self.gradients, start=1):
            self.workers.append(Worker(_Replica(self, gradients, number)))
        _teams.add(self)

    def _check(self) -> None:
        tensors: dict[int, Tensor] = {}
        for module in self.modules:
            held = ((name, value) for name, values in vars(module).items() for value in leaves(values))
            for name, value in held:
                if not isinstance(value, Tensor):
                    continue
                tensors[id(value)] = value
                where = f"{name!r} of {type(module).__name__}"
                if value.device != "cpu":
                    raise TypeError(f"DataParallel shares work on the CPU; {where} is on {value.device}")
                if value.requires_grad and not isinstance(value, Parameter):
                    raise TypeError(
                        f"DataParallel: {where} requires grad and is no Parameter, so its gradient would be lost; make "
                        f"it one, or an argument"
                    )
        owners = Counter(id(owner_of(tensor.data)) for tensor in tensors.values())
        if any(owners[id(owner_of(parameter.data))] > 1 for parameter in self.parameters):
            raise TypeError("DataParallel: a parameter and another tensor look at one memory, which would part them")

    def fits(self) -> bool:
        """Whether it can go on: the module has the parts it had. Arrays assigned to parameters are shared again."""
        if not self.workers or self.process != os.getpid():
            return False
        parts = self.parts()
        if len(parts) != len(self.known) or any(one is not other for one, other in zip(parts, self.known)):
            return False
        for parameter, shared in zip(self.parameters, self.arrays):
            array = parameter.data
            if array is not shared:
                if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (shared.shape, shared.dtype):
                    return False
                shared[...] = array
                log_write(shared, "DataParallel, which shares the array assigned to a parameter")
        return True

    def parts(self) -> list[Any]:
        """Modules, parameters, hooks and names of buffers, of every module, so that none below can change unseen."""
        found: list[Any] = []
        for module in self.modules:
            names = module._buffers
            found += (v for key, v in vars(module).items() if isinstance(v, Module | Tensor) and key not in names)
            found += (names, *module._hooks)
        return found

    def buffers(self) -> list[Array | None]:
        """The buffers as they are now, in the order of modules and names."""
        return [
            None if buffer is None else buffer.data
            for module in self.modules for name in module._buffers for buffer in [vars(module).get(name)]
        ]  # fmt: skip

    @contextmanager
    def at_work(self, count: int) -> Iterator[list[Worker]]:
        """The first `count` workers, which compute in the block. After an error their answers are taken and dropped;
        after Ctrl-C, or when one was killed, all are ended."""
        if self.busy:  # on this thread, which holds the lock
            raise RuntimeError(
                "DataParallel was called while it was at work: by func.checkpoint, which computes it again (use that "
                "inside the module), or by a hook"
            )
        if self.process != os.getpid():
            raise RuntimeError("this call of DataParallel was made in the process that this one was forked from")
        workers = self.workers[:count]
        self.busy = True
        try:
            with threads.no_more_than(self.threads_each()):
                yield workers
        except Exception:
            for worker in workers:
                _drain(worker)
            if any(worker.code is not None for worker in workers):
                self.close()
            raise
        except BaseException:
            self.close()
            raise
        finally:
            self.busy = False

    def threads_each(self) -> int:
        """Of each process, the calling one included."""
        return max(1, threads.get_num_threads() // (len(self.gradients) + 1))

    def state(self) -> dict[str, Any]:
        """What the other processes do not see by themselves."""
        return {
            "training": [module.training for module in self.modules],
            "requires_grad": [parameter.requires_grad for parameter in self.parameters],
            "buffers": self.buffers(),
            "generator": default_generator.get_state(),
            "threads": threads.get_num_threads(),
        }

    def news(self, number: int) -> list[int]:
        """What a helper is to forget."""
        forgotten = self.forgotten[number]
        return [forgotten.popleft() for _ in range(len(forgotten))]

    def close(self) -> None:
        """End the processes, and give the parameters memory of their own again."""
        for worker in self.workers:
            worker.close()
        self.workers = []
        self.part()

    def part(self) -> None:
        """Copy the parameters out of the shared memory."""
        for parameter, shared in zip(self.parameters, self.arrays):
            if parameter.data is shared:
                parameter.data = shared.copy()


_teams: weakref.WeakSet[Team] = weakref.WeakSet()


def _part_all() -> None:
    """In a process that someone else has forked: what it does to its parameters is its own affair."""
    if not processes.is_worker:
        for team in tuple(_teams):
            team.part()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_part_all)


def _drain(worker: Worker) -> None:
    while worker.unanswered:
        with suppress(Exception):
            worker.receive()


class _Replica:
    """What one of the other processes does, with its copies of the team's objects."""

    def __init__(self, team: Team, gradients: list[Array], number: int) -> None:
        self.team, self.gradients, self.number = team, gradients, number
        self.runs: dict[int, Run] = {}  # by call

    def __call__(self, message: tuple[Any, ...]) -> Any:
        forward_watchers.clear()  # those of the calling process, if any were open at the fork
        backward_watchers.clear()
        method, *arguments = message
        return getattr(self, method)(*arguments)

    def forward(
        self, call: int, state: dict[str, Any], forgotten: list[int], passed: Any, grad_enabled: bool, record: bool
    ) -> tuple[Results, int]:
        """The outputs of a part, and how far the generator has come."""
        for number in forgotten:
            self.runs.pop(number, None)
        self._follow(state)
        values = (Tensor(v.array, v.requires_grad) if isinstance(v, Sent) else v for v in leaves(passed))
        run = Run(self.team.module, fill(passed, values), grad_enabled)
        if record:
            self.runs[call] = run
        return run.results(), default_generator.get_state()["counter"]

    def backward(self, call: int, cotangents: list[Array | None]) -> tuple[list[bool], list[Array | None]]:
        """Which parameters have a gradient, now in the shared memory, and the gradients of the inputs."""
        own, inputs = self.runs.pop(call).backward(cotangents, self.team.parameters)
        for shared, gradient in zip(self.gradients, own):
            if gradient is not None:
                shared[...] = gradient
        return [gradient is not None for gradient in own], inputs

    def _follow(self, state: dict[str, Any]) -> None:
        """Become what the calling process is."""
        team = self.team
        for module, training in zip(team.modules, state["training"]):
            if module.training != training:
                module.training = training
        for parameter, array, requires_grad in zip(team.parameters, team.arrays, state["requires_grad"]):
            parameter.requires_grad = requires_grad
            parameter.data = array  # also where the forward has assigned another one
        places = ((module, name) for module in team.modules for name in module._buffers)
        for (module, name), array in zip(places, state["buffers"]):
            vars(module)[name] = None if array is None else Tensor(array)
        if threads.get_num_threads() != state["threads"]:
            threads.set_num_threads(state["threads"])
        generator = state["generator"]
        seed = int(Key(generator["seed"], "DataParallel", self.number).bits(1)[0])
        default_generator.set_state({"seed": seed, "counter": generator["counter"]})
