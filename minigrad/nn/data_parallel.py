"""DataParallel: a module on several processes, each of which computes a part of the batch.

Python, and all of NumPy but its products of matrices, run on one thread; processes share the whole of a step. The
parameters lie in memory that all of them see, so there is one optimizer. Each has gradients of its own, which the
calling one adds up. A call is a node of the graph (`_Parallel`). The processes are in `replicas.py`.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..backends import Array, threads
from ..backends.processes import can_fork
from ..function import Function
from ..grad_mode import is_grad_enabled
from ..nested import fill, leaves
from ..ops import ShapeError, default_generator
from ..tensor import Tensor
from .module import Module
from .replicas import Constant, Passed, Run, Sent, Team


class DataParallel(Module):
    """`module` on several processes, each with a part of the batch. PyTorch: `torch.nn.DataParallel`, on GPUs there.

    Tensors among the arguments, also in lists, tuples and dicts, are cut along `dim` into parts of equal size, of which
    the last may be smaller; other arguments are the same for all. The calling process computes the first part. Outputs
    are put together along `dim`, scalars as a vector: a module that returns a loss gives the loss of each part, to be
    averaged. Gradients are those of the module itself, added up in a fixed order.

    With the first call the parameters move into memory that the processes share (an optimizer made before goes on; a
    `state_dict` taken before is a copy from then on), and copies of this process are forked. They learn of changes of
    parameters, buffers, `requires_grad` and `training`, and are made anew when modules, parameters or hooks of modules
    come or go. Any other attribute stays for them what it was, and so does what holds for a whole process, such as
    `kernels.mode`; `close()` ends them, and the next call makes new ones.

    As in PyTorch, what a forward changes in the module, a running mean or what a hook notes, is kept of the first part
    alone. Dropout draws, in each process, by the state of the default generator and the number of the process; a
    generator of the module's own draws the same in each. There is one backward for a call, and no second derivative.
    While they work, each process has `get_num_threads()` divided by their number as threads, also for products of
    matrices. It pays from some 20 ms a step; below, a process waits longer than it saves.

    Args:
        module: its parameters and buffers are on the CPU.
        device_ids: a number for each process, which means nothing; by default as many as `get_num_threads()`, and
            elsewhere than on Linux one, the calling one.
        output_device: None, for there is but one.
        dim: the dimension that is cut.

    Raises:
        RuntimeError: the system is not Linux, a process was killed, a gradient is to be differentiated again, or it is
            called while it is at work, by `func.checkpoint` around it, say.
        ShapeError: a tensor has no dimension `dim`, or two have different sizes along it.
        TypeError: a parameter, a buffer or an argument is not on the CPU; the module has a tensor that requires grad
            and is no parameter, or two parameters in one memory; the parts have different outputs.
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
        self.module, self.dim = module, operator.index(dim)
        if device_ids is None:
            device_ids = range(threads.get_num_threads() if can_fork() else 1)
        elif not isinstance(device_ids, Sequence):
            raise TypeError(f"DataParallel: device_ids is a list of numbers, got {type(device_ids).__name__}")
        self.device_ids = list(device_ids)
        if not self.device_ids:
            raise ValueError("DataParallel needs one process at least, got no device_ids")
        self._team: Team | None = None
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:  # a copy has processes of its own
        return {name: value for name, value in super().__getstate__().items() if name not in ("_team", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _team=None, _lock=threading.RLock())

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        passed = inputs, kwargs
        parts = _cut(passed, len(self.device_ids), self.dim)
        if len(parts) == 1:
            return self.module(*inputs, **kwargs)
        with self._lock:
            team = self._team
            if team is None or team.module is not self.module or not (team.busy or team.fits()):
                self.close()
                if any(isinstance(module, DataParallel) for module in self.module.modules()):
                    raise TypeError("DataParallel inside DataParallel: the outer one shares all there is to share")
                team = self._team = Team(self.module, len(self.device_ids) - 1, self._lock)
            tensors = [*team.parameters, *(value for value in leaves(passed) if isinstance(value, Tensor))]
            record = is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)
            call = _Call(team, self.dim, is_grad_enabled(), record)
            outputs = _Parallel.apply(call, parts, *tensors)
        return fill(call.structure, iter(outputs))

    def close(self) -> None:
        """End the other processes; the next call makes new ones."""
        with self._lock:
            team, self._team = self._team, None
            if team is not None:
                team.close()


class _Parallel(Function):
    """A call as a node of the graph: of the parameters, and of the tensors that were passed."""

    @staticmethod
    def forward(ctx: Any, call: _Call, parts: list[Passed], *tensors: Tensor) -> tuple[Any, ...]:
        ctx.call = call
        ctx.gives_away = True
        outputs = [out.value if isinstance(out, Constant) else Tensor(out) for out in call.forward(parts)]
        ctx.mark_non_differentiable(*(out for out, recorded in zip(outputs, call.recorded) if not recorded))
        return tuple(outputs)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor | None) -> tuple[Any, ...]:
        if is_grad_enabled():
            raise RuntimeError("DataParallel has first derivatives alone; for another call the module it was made of")
        gradients = ctx.call.backward([None if each is None else each.data for each in cotangents])
        return (None, None, *(None if gradient is None else Tensor(gradient) for gradient in gradients))


class _Call:
    """One forward of all parts, and its backward."""

    def __init__(self, team: Team, dim: int, grad_enabled: bool, record: bool) -> None:
        self.team, self.dim, self.grad_enabled, self.record = team, dim, grad_enabled, record
        self.number = next(team.numbers)
        self.run: Run | None = None  # of the first part; each other is in the process that computed it
        self.structure: Any = None  # of the outputs
        self.recorded: list[bool] = []  # of which of them a gradient may be asked
        self.shapes: list[tuple[Any, ...]] = []  # of each output, part by part

    def forward(self, parts: list[Passed]) -> list[Any]:
        """The outputs, put together: arrays, or `Constant`."""
        team, found = self.team, []
        with team.at_work(len(parts) - 1) as workers:
            state = team.state()
            for number, (worker, part) in enumerate(zip(workers, parts[1:])):
                sent = (Sent(value) if isinstance(value, Tensor) else value for value in leaves(part))
                told = self.number, state, team.news(number), fill(part, sent), self.grad_enabled, self.record
                worker.send(("forward", *told))
            run = Run(team.module, parts[0], self.grad_enabled)
            found.append(run.results())
            generator = default_generator.get_state()
            for worker in workers:
                results, counter = worker.receive()
                found.append(results)
                generator["counter"] = max(generator["counter"], counter)
            default_generator.set_state(generator)  # what one has drawn, no other will
        structures, arrays, recorded = zip(*found)
        if any(each != structures[0] for each in structures):
            raise TypeError(f"DataParallel: the parts have outputs of different kinds, {structures}")
        self.structure = run.structure
        self.recorded = [any(each) for each in zip(*recorded)]
        outputs = list(zip(*arrays))
        self.shapes = [tuple(getattr(part, "shape", None) for part in output) for output in outputs]
        if self.record:
            self.run = run
        return [_joined(output, self.dim) for output in outputs]

    def backward(self, cotangents: Sequence[Array | None]) -> list[Array | None]:
        """The gradients of the parameters, then of the tensors that were passed."""
        team = self.team
        with team.lock:
            run, self.run = self.run, None
            if run is None:
                raise RuntimeError("a second backward through the same call of DataParallel: it keeps nothing for it")
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
        for forgotten in self.team.forgotten:
            forgotten.append(self.number)


def _cut(passed: Any, count: int, dim: int) -> list[Any]:
    """What is passed in `count` parts at most: of tensors slices without history, all else as it is."""
    values = leaves(passed)
    tensors = [value for value in values if isinstance(value, Tensor)]
    for tensor in tensors:
        if tensor.device != "cpu":
            raise TypeError(f"DataParallel shares work on the CPU; an argument is on {tensor.device}")
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


def _joined(parts: Sequence[Any], dim: int) -> Any:
    """An output of all parts: side by side along `dim`, numbers as a vector."""
    first = parts[0]
    if len({getattr(part, "dtype", None) for part in parts}) > 1:
        raise TypeError(f"DataParallel: an output has the dtypes {[str(part.dtype) for part in parts]} in the parts")
    if isinstance(first, Constant):
        for part in parts:
            if isinstance(part.value, np.ndarray) or not _same(part.value, first.value):
                raise TypeError(
                    f"DataParallel: an output that is no tensor, {type(part.value).__name__}, cannot be joined with "
                    f"that of another part; return a tensor"
                )
        return first
    if first.ndim and not -first.ndim <= dim < first.ndim:
        raise ShapeError(f"DataParallel joins outputs along dimension {dim}; one has shape {first.shape}")
    try:
        return np.concatenate(parts, axis=dim) if first.ndim else np.stack(parts)
    except ValueError:
        shapes = [part.shape for part in parts]
        raise ShapeError(f"DataParallel joins outputs along dimension {dim}; the parts have shapes {shapes}") from None


def _same(value: Any, other: Any) -> bool:
    """Whether two outputs that are no tensors are equal; one nan is as good as another."""
    return bool(value == other or (value != value and other != other))


def _divided(cotangent: Array | None, shapes: Sequence[Any], dim: int) -> Sequence[Array | None]:
    """The opposite of `_joined`, for the cotangent of an output whose parts had these shapes."""
    if cotangent is None:
        return [None] * len(shapes)
    if shapes[0] == ():
        return [part.reshape(()) for part in cotangent]
    return np.split(cotangent, np.cumsum([shape[dim] for shape in shapes])[:-1], axis=dim)

