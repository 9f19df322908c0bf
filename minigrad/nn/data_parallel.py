"""DataParallel: a module on several processes, each of which computes a part of the batch.

Python, and all of NumPy but its products of matrices, run on one thread; processes share the whole of a step. The
parameters lie in memory that all of them see, so there is one optimizer. Each process has gradients of its own, which
the calling one adds up. A call is a node of the graph (`_Parallel`); what happens in the other processes is `_Replica`.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..autograd import grad
from ..backends import Array, threads
from ..backends.processes import Worker, can_fork, shared_like
from ..function import Function
from ..grad_mode import is_grad_enabled, set_grad_enabled
from ..nested import fill, leaves
from ..ops import ShapeError, default_generator
from ..ops.random import Key
from ..tensor import Tensor
from .module import Module


class DataParallel(Module):
    """`module` on several processes, each with a part of the batch. PyTorch: `torch.nn.DataParallel`, on GPUs there.

    Tensors among the arguments, also in lists, tuples and dicts, are cut along `dim` into parts of equal size, of which
    the last may be smaller; other arguments are the same for all. The calling process computes the first part. Outputs
    are put together along `dim`, scalars as a vector: a module that returns a loss gives the loss of each part, to be
    averaged. Gradients are those of the module itself, added up in a fixed order.

    With the first call the parameters move into memory that the processes share (an optimizer made before goes on, a
    `state_dict` taken before is a copy from then on), and copies of this process are forked. They learn of changes of
    parameters, buffers, `requires_grad` and `training`, and are made anew when the module has other parts. Any other
    attribute stays for them what it was; `close()` ends them, and the next call makes new ones. Dropout draws, in each,
    by the state of the generator and the number of the process. What a forward changes in the module, a running mean
    or what a hook notes, is kept of the first part, as in PyTorch. While they work, each has `get_num_threads()`
    divided by their number as threads, also for products of matrices.

    Args:
        module: its parameters and buffers are on the CPU.
        device_ids: a number for each process, which means nothing; by default as many as `get_num_threads()`, and
            elsewhere than on Linux one, the calling one.
        output_device: None, for there is but one.
        dim: the dimension that is cut.

    Raises:
        RuntimeError: the system is not Linux, a process was killed, or a gradient is to be differentiated again.
        ShapeError: a tensor has no dimension `dim`, or two have different sizes along it.
        TypeError: a parameter, a buffer or an argument is not on the CPU.
        What the module raises, in any of the processes.

    >>> import minigrad as mg
    >>> class Loss(mg.nn.Module):
    ...     def __init__(self, model):
    ...         super().__init__()
    ...         self.model = model
    ...     def forward(self, x, y):
    ...         return mg.nn.functional.mse_loss(self.model(x), y)
    >>> parallel = mg.nn.DataParallel(Loss(mg.nn.Linear(3, 1)), device_ids=[0, 1])
    >>> losses = parallel(mg.ones(8, 3), mg.zeros(8, 1))
    >>> losses.shape
    (2,)
    >>> losses.mean().backward()
    >>> parallel.close()
    """

    def __init__(
        self, module: Module, device_ids: Sequence[int] | None = None, output_device: Any = None, dim: int = 0
    ) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise TypeError(f"DataParallel takes a Module, got {type(module).__name__}")
        if output_device is not None:
            raise ValueError(f"DataParallel: outputs are on the CPU, got output_device={output_device!r}")
        self.module = module
        default = range(threads.get_num_threads() if can_fork() else 1)
        self.device_ids = list(default if device_ids is None else device_ids)
        if not self.device_ids:
            raise ValueError("DataParallel needs one process at least, got no device_ids")
        self.dim = dim
        self._team: _Team | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_team": None}  # a copy has processes of its own

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        passed = inputs, kwargs
        parts = _cut(passed, len(self.device_ids), self.dim)
        if len(parts) == 1:
            return self.module(*inputs, **kwargs)
        if self._team is None or not self._team.fits(self.module):
            self.close()
            self._team = _Team(self.module, len(self.device_ids) - 1)
        tensors = [*self._team.parameters, *(value for value in leaves(passed) if isinstance(value, Tensor))]
        record = is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
        call = _Call(self._team, self.dim, record)
        outputs = _Parallel.apply(call, parts, *tensors)
        return fill(call.structure, iter(outputs))

    def close(self) -> None:
        """End the other processes; the next call makes new ones."""
        team, self._team = self._team, None
        if team is not None:
            team.close()


class _Parallel(Function):
    """A call as a node of the graph: of the parameters, and of the tensors that were passed."""

    @staticmethod
    def forward(ctx: Any, call: _Call, parts: list[Any], *tensors: Tensor) -> tuple[Any, ...]:
        ctx.call = call
        ctx.gives_away = True
        return tuple(Tensor(out) if isinstance(out, np.ndarray) else out for out in call.forward(parts))

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Any, ...]:
        if is_grad_enabled():
            raise RuntimeError("DataParallel has first derivatives alone; for another call the module it was made of")
        gradients = ctx.call.backward([None if each is None else each.data for each in cotangents])
        return (None, None, *(None if gradient is None else Tensor(gradient) for gradient in gradients))


class _Call:
    """One forward of all parts, and its backward."""

    def __init__(self, team: _Team, dim: int, record: bool) -> None:
        self.team, self.dim, self.record = team, dim, record
        self.number = next(team.numbers)
        self.run: _Run | None = None  # of the first part; each other is in the process that computed it
        self.structure: Any = None  # of the outputs
        self.shapes: list[tuple[Any, ...]] = []  # of each output, part by part

    def forward(self, parts: list[Any]) -> list[Any]:
        """The outputs, put together."""
        with self.team.at_work(len(parts) - 1) as workers:
            state = self.team.state()
            for worker, part in zip(workers, parts[1:]):
                sent = (_Sent(value) if isinstance(value, Tensor) else value for value in leaves(part))
                worker.send(("forward", self.number, state, fill(part, sent), self.record))
            run = _Run(self.team.module, parts[0], self.record)
            outputs = list(zip(run.arrays(), *(worker.receive() for worker in workers)))
        self.structure = run.structure
        self.shapes = [tuple(getattr(part, "shape", None) for part in output) for output in outputs]
        if self.record:
            self.run = run
        return [_joined(output, self.dim) for output in outputs]

    def backward(self, cotangents: Sequence[Array | None]) -> list[Array | None]:
        """The gradients of the parameters, then of the tensors that were passed."""
        run, self.run = self.run, None
        if run is None:
            raise RuntimeError("a second backward through the same call of DataParallel, which keeps nothing for it")
        team = self.team
        if not team.workers:
            raise RuntimeError("the processes of DataParallel have been ended since the forward of this backward")
        given = list(zip(*(_divided(each, shapes, self.dim) for each, shapes in zip(cotangents, self.shapes))))
        with team.at_work(len(given) - 1) as workers:
            for worker, part in zip(workers, given[1:]):
                worker.send(("backward", self.number, part))
            own, of_inputs = run.backward(given[0], team.parameters)
            inputs = [of_inputs]
            for worker, shared in zip(workers, team.gradients):
                there, of_inputs = worker.receive()
                inputs.append(of_inputs)
                for number, gradient in enumerate(shared):
                    if there[number]:
                        total = own[number]
                        own[number] = gradient.copy() if total is None else np.add(total, gradient, out=total)
        return [*own, *(None if parts[0] is None else _joined(parts, self.dim) for parts in zip(*inputs))]

    def __del__(self) -> None:
        self.team.forgotten.append(self.number)


class _Run:
    """The forward of one part in one process, and what its backward needs."""

    def __init__(self, module: Module, passed: tuple[tuple[Any, ...], dict[str, Any]], record: bool) -> None:
        inputs, kwargs = passed
        with set_grad_enabled(record):
            output = module(*inputs, **kwargs)
        self.inputs = [value for value in leaves(passed) if isinstance(value, Tensor)]
        self.outputs = leaves(output)
        self.structure = fill(output, itertools.repeat(None))

    def arrays(self) -> list[Any]:
        """The outputs."""
        return [out.data if isinstance(out, Tensor) else out for out in self.outputs]

    def backward(
        self, cotangents: Sequence[Array | None], parameters: Sequence[Tensor]
    ) -> tuple[list[Array | None], list[Array | None]]:
        """The gradients of the parameters, None where there is none; and of the inputs, None where none is wanted."""
        reached = [
            (out, Tensor(cotangent)) for out, cotangent in zip(self.outputs, cotangents)
            if isinstance(out, Tensor) and out.requires_grad
        ]  # fmt: skip
        tensors = [*parameters, *self.inputs]
        wanted = [tensor for tensor in tensors if tensor.requires_grad]
        found = {}
        if reached and wanted:
            outputs, given = zip(*reached)
            found = dict(zip(map(id, wanted), grad(outputs, wanted, given, allow_unused=True)))
        gradients = [found.get(id(tensor)) for tensor in tensors]
        arrays = [None if gradient is None else gradient.data for gradient in gradients]
        own, inputs = arrays[: len(parameters)], arrays[len(parameters) :]
        for number, tensor in enumerate(self.inputs):
            if tensor.requires_grad and inputs[number] is None:
                inputs[number] = np.zeros_like(tensor.data)  # it may have a gradient in the other parts
        return own, inputs


class _Team:
    """The processes beside the calling one, and what all of them share."""

    def __init__(self, module: Module, helpers: int) -> None:
        self.module, self.modules = module, list(module.modules())
        self.parameters: list[Tensor] = list(module.parameters())
        self.buffers = list(module.buffers())
        self.known = self.parts()
        _check_device("its module", self.parameters + self.buffers)
        for parameter in self.parameters:
            parameter.data = shared_like(parameter.data)
        self.arrays = [parameter.data for parameter in self.parameters]
        self.gradients = [[shared_like(array) for array in self.arrays] for _ in range(helpers)]  # of each helper
        self.numbers = itertools.count()  # of calls
        self.forgotten: list[int] = []  # calls whose backward has been, or will not come
        self.lock = threading.Lock()
        self.process = os.getpid()
        self.workers: list[Worker] = []
        for number, gradients in enumerate(self.gradients, start=1):
            self.workers.append(Worker(_Replica(self, gradients, number)))

    def fits(self, module: Module) -> bool:
        """Whether it can go on: the module has the parts it had. Arrays assigned to parameters are shared again."""
        if not self.workers or self.process != os.getpid() or module is not self.module or self.parts() != self.known:
            return False
        for parameter, shared in zip(self.parameters, self.arrays):
            array = parameter.data
            if array is not shared:
                if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (shared.shape, shared.dtype):
                    return False
                shared[...] = array
        return True

    def parts(self) -> list[int]:
        """The ids of all modules and tensors in the modules: those of each, so nothing below can change unnoticed."""
        values = (value for module in self.modules for value in vars(module).values())
        return [id(value) for value in values if isinstance(value, Module | Tensor)]

    @contextmanager
    def at_work(self, count: int) -> Iterator[list[Worker]]:
        """The first `count` workers, which compute in the block. What goes wrong in it leaves answers that nobody
        takes, so it ends them all."""
        with self.lock, threads.no_more_than(self.threads_each()):
            try:
                yield self.workers[:count]
            except BaseException:
                self.close()
                raise

    def threads_each(self) -> int:
        """Of each process, the calling one included."""
        return max(1, threads.get_num_threads() // (len(self.gradients) + 1))

    def state(self) -> dict[str, Any]:
        """What the other processes do not see by themselves."""
        forgotten, self.forgotten = self.forgotten, []
        return {
            "training": [module.training for module in self.modules],
            "requires_grad": [parameter.requires_grad for parameter in self.parameters],
            "buffers": [buffer.data for buffer in self.buffers],
            "generator": default_generator.get_state(),
            "threads": threads.get_num_threads(),
            "forgotten": forgotten,
        }

    def close(self) -> None:
        """End the processes."""
        for worker in self.workers:
            worker.close()
        self.workers = []


class _Replica:
    """What one of the other processes does, with its copies of the team's objects."""

    def __init__(self, team: _Team, gradients: list[Array], number: int) -> None:
        self.team, self.gradients, self.number = team, gradients, number
        self.runs: dict[int, _Run] = {}  # by call

    def __call__(self, message: tuple[Any, ...]) -> Any:
        method, *arguments = message
        return getattr(self, method)(*arguments)

    def forward(self, call: int, state: dict[str, Any], passed: Any, record: bool) -> list[Any]:
        """The outputs of a part."""
        self._follow(state)
        values = (Tensor(v.array, v.requires_grad) if isinstance(v, _Sent) else v for v in leaves(passed))
        run = _Run(self.team.module, fill(passed, values), record)
        if record:
            self.runs[call] = run
        return run.arrays()

    def backward(self, call: int, cotangents: list[Array | None]) -> tuple[list[bool], list[Array | None]]:
        """Which parameters have a gradient, now in the shared memory, and the gradients of the inputs."""
        own, inputs = self.runs.pop(call).backward(cotangents, self.team.parameters)
        for shared, gradient in zip(self.gradients, own):
            if gradient is not None:
                shared[...] = gradient
        return [gradient is not None for gradient in own], inputs

    def _follow(self, state: dict[str, Any]) -> None:
        """Become what the calling process is."""
        for module, training in zip(self.team.modules, state["training"]):
            if module.training != training:
                module.training = training
        for parameter, requires_grad in zip(self.team.parameters, state["requires_grad"]):
            parameter.requires_grad = requires_grad
        for buffer, array in zip(self.team.buffers, state["buffers"]):
            buffer.data = array
        for number in state["forgotten"]:
            self.runs.pop(number, None)
        if threads.get_num_threads() != state["threads"]:
            threads.set_num_threads(state["threads"])
        generator = state["generator"]
        seed = int(Key(generator["seed"], "DataParallel", self.number).bits(1)[0])
        default_generator.set_state({"seed": seed, "counter": generator["counter"]})


class _Sent:
    """A tensor as it is sent to another process."""

    def __init__(self, tensor: Tensor) -> None:
        self.array, self.requires_grad = tensor.data, tensor.requires_grad


def _cut(passed: Any, count: int, dim: int) -> list[Any]:
    """What is passed in `count` parts at most: of tensors slices without history, all else as it is."""
    values = leaves(passed)
    tensors = [value for value in values if isinstance(value, Tensor)]
    _check_device("an argument", tensors)
    for tensor in tensors:
        if not -tensor.ndim <= dim < tensor.ndim:
            raise ShapeError(f"DataParallel cuts tensors along dimension {dim}; one has shape {tensor.shape}")
    sizes = sorted({tensor.shape[dim] for tensor in tensors})
    if len(sizes) > 1:
        raise ShapeError(
            f"DataParallel cuts tensors along dimension {dim}, where they must have the same size, got {sizes}; "
            f"what is no batch can be an attribute of the module"
        )
    size = sizes[0] if sizes else 0
    step = -(-size // count)

    def part(value: Any, start: int) -> Any:
        if not isinstance(value, Tensor):
            return value
        index = [slice(None)] * value.ndim
        index[dim] = slice(start, start + step)
        return Tensor(value.data[tuple(index)], value.requires_grad)

    if size <= step:
        return [passed]
    return [fill(passed, iter([part(value, start) for value in values])) for start in range(0, size, step)]


def _check_device(what: str, tensors: Sequence[Tensor]) -> None:
    for tensor in tensors:
        if tensor.device != "cpu":
            raise TypeError(f"DataParallel shares work on the CPU; {what} is on {tensor.device}")


def _joined(parts: Sequence[Any], dim: int) -> Any:
    """An array of all parts: side by side along `dim`, numbers as a vector. Of what is no array, the first part's."""
    first = parts[0]
    if not isinstance(first, np.ndarray):
        return first
    if first.ndim and not -first.ndim <= dim < first.ndim:
        raise ShapeError(f"DataParallel joins outputs along dimension {dim}; one has shape {first.shape}")
    return np.concatenate(parts, axis=dim) if first.ndim else np.stack(parts)


def _divided(cotangent: Array | None, shapes: Sequence[Any], dim: int) -> Sequence[Array | None]:
    """The opposite of `_joined`, for the cotangent of an output whose parts had these shapes."""
    if cotangent is None:
        return [None] * len(shapes)
    if shapes[0] == ():
        return [part.reshape(()) for part in cotangent]
    return np.split(cotangent, np.cumsum([shape[dim] for shape in shapes])[:-1], axis=dim)

