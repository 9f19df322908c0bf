"""Functions of tensors, and modules, as the checker sees them; minigrad's here, PyTorch's through an adapter.

A parameter is moved by giving it another array for the time of a call. Random numbers are the same in every call, and
the buffers of a module are those of the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from inspect import ismethod
from typing import Any, Protocol, TypeAlias

import numpy as np

from .. import autograd, grad_mode
from ..backends import backend_for, backend_of, moved
from ..nn import Module
from ..ops.primitive import Primitive
from ..ops.random import default_generator
from ..tensor import Tensor
from .subject import Backward, Plain, Twice
from .verdicts import Found, Verdict

Array: TypeAlias = Any
AnyTensor: TypeAlias = Any


class Engine(Protocol):
    """What tensors of a framework are made of, and how they are differentiated."""

    wide: bool  # whether its tensors can hold longdouble

    def is_tensor(self, value: Any) -> bool: ...

    def tensor(self, array: Array, like: Any, requires_grad: bool = False) -> AnyTensor:
        """A tensor of an array, on the device of `like` if that is a tensor, else on the default one."""

    def numpy(self, tensor: AnyTensor) -> Array:
        """The values, in host memory."""

    def shares(self, tensor: AnyTensor) -> bool:
        """Whether a tensor like this one and the array it is made of are the same memory."""

    def swap(self, tensor: AnyTensor, array: Array) -> AnyTensor:
        """Let a tensor hold other values; returns what `restore` takes."""

    def restore(self, tensor: AnyTensor, kept: Any) -> None: ...

    def leaves_of(self, outputs: Sequence[AnyTensor]) -> list[AnyTensor]:
        """The leaves that require grad in the graph of some outputs."""

    def same_randomness(self) -> AbstractContextManager[Any]:
        """Every block draws the same random numbers, and afterwards the generator is where it was."""

    def draw_on(self) -> None:
        """Go on to other random numbers."""

    def recording(self, enabled: bool) -> AbstractContextManager[Any]: ...

    def grad(
        self, outputs: Sequence[AnyTensor], inputs: Sequence[AnyTensor], cotangents: Sequence[AnyTensor],
        create_graph: bool, retain_graph: bool,
    ) -> Sequence[AnyTensor | None]: ...  # fmt: skip


class Minigrad:
    """minigrad's own tensors: in host memory the arrays themselves, on another device copies of them."""

    wide = True

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, Tensor)

    def tensor(self, array: Array, like: Any, requires_grad: bool = False) -> Tensor:
        home = backend_of(like.data) if isinstance(like, Tensor) else backend_for(None)
        return Tensor(home.asarray(np.asarray(array)), requires_grad)  # what NumPy makes of 0-d arithmetic is no array

    def numpy(self, tensor: Tensor) -> Array:
        return backend_of(tensor.data).to_host(tensor.data)

    def shares(self, tensor: Tensor) -> bool:
        return tensor.device == "cpu"

    def swap(self, tensor: Tensor, array: Array) -> Array:
        kept, tensor.data = tensor.data, moved(array, backend_of(tensor.data))
        return kept

    def restore(self, tensor: Tensor, kept: Array) -> None:
        tensor.data = kept

    def leaves_of(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        found: dict[int, Tensor] = {}
        seen: set[int] = set()
        stack: list[Any] = [out.node or out for out in outputs if out.requires_grad]
        while stack:
            each = stack.pop()
            if each is None or id(each) in seen:
                continue
            seen.add(id(each))
            if isinstance(each, Tensor):
                found[id(each)] = each
            else:
                stack.extend(each.edges)
        return list(found.values())

    @contextmanager
    def same_randomness(self) -> Iterator[None]:
        seed, counter = default_generator.seed, default_generator.counter
        try:
            yield
        finally:
            default_generator.seed, default_generator.counter = seed, counter

    def draw_on(self) -> None:
        default_generator.counter += 1

    def recording(self, enabled: bool) -> AbstractContextManager[Any]:
        return grad_mode.enable_grad() if enabled else grad_mode.no_grad()

    def grad(
        self, outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangents: Sequence[Tensor], create_graph: bool,
        retain_graph: bool,
    ) -> Sequence[Tensor | None]:  # fmt: skip
        return autograd.grad(
            outputs, inputs, cotangents, retain_graph=retain_graph, create_graph=create_graph, allow_unused=True
        )


class TensorFunction:
    """A function of tensors, differentiated with respect to some arguments and to leaves it uses besides."""

    def __init__(
        self, fn: Callable[..., Any], args: Sequence[Any], wrt: Sequence[int] | None = None,
        params: Mapping[str, AnyTensor] | None = None, buffers: Sequence[AnyTensor] = (), name: str | None = None,
        engine: Engine | None = None,
    ) -> None:  # fmt: skip
        self.engine: Engine = engine or Minigrad()
        self.wide = self.engine.wide
        self.fn, self.args, self.buffers = fn, list(args), list(buffers)
        self.name = name or _name(fn)
        chosen = positions(self.name, wrt, len(args))
        self.moving = [i for i in chosen if self._is_float(args[i])]
        if wrt is not None and len(self.moving) != len(wrt):
            raise TypeError(f"{self.name}: wrt={tuple(wrt)} names an argument that is no floating-point tensor")
        self.kept = [np.array(self.engine.numpy(each)) for each in self.buffers]
        arrays = [self._array(args[i]) for i in self.moving]
        self.dtype = arrays[0].dtype if arrays else None
        self.params = self._leaves_used(arrays) if params is None else self._leaves_named(params)
        self.arrays = [*arrays, *(np.asarray(self.engine.numpy(p)) for p in self.params.values())]
        self.inputs = [f"argument {i}" for i in self.moving] + list(self.params)
        self.copies = not all(map(self.engine.shares, [*self._tensors(arrays), *self.params.values()]))
        if not self.arrays:
            raise TypeError(f"{self.name}: no floating-point tensor to differentiate with respect to")

    def _is_float(self, value: Any) -> bool:
        if self.engine.is_tensor(value):
            value = self.engine.numpy(value)
        return isinstance(value, np.ndarray | np.floating) and value.dtype.kind == "f"

    def _array(self, value: Any) -> Array:
        return np.asarray(self.engine.numpy(value) if self.engine.is_tensor(value) else value)

    def _leaves_used(self, arrays: Sequence[Array]) -> dict[str, AnyTensor]:
        """The leaves that require grad and reach the output, beside the arguments."""
        inputs = self._tensors(arrays, True)
        try:
            with self._frozen(), self.engine.recording(True):
                leaves = self.engine.leaves_of(self._floats(self.fn(*self._arguments(inputs))))
        except Exception:  # the first check says what is wrong with the function
            return {}
        own = {id(tensor) for tensor in inputs}
        extra = [leaf for leaf in leaves if id(leaf) not in own]
        return {f"closed-over tensor {i}": leaf for i, leaf in enumerate(extra)}

    def _leaves_named(self, params: Mapping[str, AnyTensor]) -> dict[str, AnyTensor]:
        for key, tensor in params.items():
            if not self._is_float(tensor) or not self.engine.is_tensor(tensor) or not tensor.requires_grad:
                raise TypeError(f"{self.name}: params[{key!r}] is no floating-point leaf that requires grad: {tensor}")
        first = {id(tensor): key for key, tensor in reversed(list(params.items()))}
        for key, tensor in params.items():
            if first[id(tensor)] != key:
                raise ValueError(f"{self.name}: params[{first[id(tensor)]!r}] and params[{key!r}] are one tensor")
        return dict(params)

    def _tensors(self, arrays: Sequence[Array], requires_grad: bool = False) -> list[AnyTensor]:
        """Of the arguments that move, each where it was."""
        return [self.engine.tensor(x, self.args[i], requires_grad) for x, i in zip(arrays, self.moving)]

    def _arguments(self, tensors: Sequence[AnyTensor], dtype: Any = None) -> list[Any]:
        """All arguments. Those of the point's dtype that stand still are brought to that of the call, as the buffers
        are."""
        arguments = list(self.args)
        for i, value in enumerate(self.args if dtype is not None and dtype != self.dtype else ()):
            still = i not in self.moving and self.engine.is_tensor(value) and self._is_float(value)
            if still and self._array(value).dtype == self.dtype:
                arguments[i] = self.engine.tensor(self._array(value).astype(dtype), value)
        for i, tensor in zip(self.moving, tensors):
            arguments[i] = tensor
        return arguments

    @contextmanager
    def _frozen(self, params: Sequence[Array] = (), dtype: Any = None) -> Iterator[None]:
        """The same random numbers and buffers for every call, and other values for the parameters."""
        changed = []
        try:
            for buffer, array in zip(self.buffers, self.kept):
                fresh = array.astype(dtype) if dtype is not None and array.dtype.kind == "f" else array.copy()
                changed.append((buffer, self.engine.swap(buffer, fresh)))
            for tensor, array in zip(self.params.values() if params else (), params):
                changed.append((tensor, self.engine.swap(tensor, array)))
            with self.engine.same_randomness():
                yield
        finally:
            for tensor, kept in changed:
                self.engine.restore(tensor, kept)

    def forward(self, arrays: Sequence[Array]) -> list[Array]:
        count = len(self.moving)
        with self._frozen(arrays[count:], _dtype(arrays)), self.engine.recording(False):
            tensors = self._tensors(arrays[:count])
            return [self.engine.numpy(out) for out in self._floats(self.fn(*self._arguments(tensors, _dtype(arrays))))]

    def vjp(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Array | None]:
        with self.recorded(arrays) as (leaves, outputs):
            return self._host(self.gradients(outputs, leaves, self.on_device(cotangents, outputs)))

    def alone(self, number: int, arrays: Sequence[Array], cotangents: Sequence[Array]) -> Array | None:
        with self.recorded(arrays, number) as (leaves, outputs):
            v = self.on_device(cotangents, outputs)
            return self._host(self.gradients(outputs, leaves[number : number + 1], v))[0]

    def on_device(self, arrays: Sequence[Array], like: Sequence[AnyTensor], grad: bool = False) -> list[AnyTensor]:
        return [self.engine.tensor(x, tensor, grad) for x, tensor in zip(arrays, like, strict=True)]

    def _host(self, gradients: Sequence[AnyTensor | None]) -> list[Array | None]:
        return [None if g is None else self.engine.numpy(g) for g in gradients]

    def vjp_elsewhere(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> None:
        """A backward at another point, with other random numbers."""
        with self.engine.same_randomness():
            self.engine.draw_on()
            self.vjp(arrays, cotangents)

    def vjp_twice(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> Twice | None:
        with self.recorded(arrays) as (leaves, outputs):
            before = [np.array(self.engine.numpy(out)) for out in outputs]
            v = self.on_device(cotangents, outputs)
            first, second = (
                [None if g is None else np.array(self.engine.numpy(g)) for g in given]
                for given in (self.gradients(outputs, leaves, v, retain_graph=True) for _ in range(2))
            )
            return Twice(before, first, second, [self.engine.numpy(out) for out in outputs])

    @contextmanager
    def recorded(
        self, arrays: Sequence[Array], only: int | None = None
    ) -> Iterator[tuple[list[AnyTensor], list[AnyTensor]]]:
        """The leaves and the outputs of a call that was recorded. All leaves but `only` are constants, if given."""
        count = len(self.moving)
        frozen = [p for i, p in enumerate(self.params.values(), count) if only not in (None, i) and p.requires_grad]
        with self._frozen(arrays[count:], _dtype(arrays)), self.engine.recording(True):
            inputs = self._tensors(arrays[:count], True)
            constants = [*frozen, *(x for i, x in enumerate(inputs) if only not in (None, i))]
            try:
                for tensor in constants:
                    tensor.requires_grad_(False)
                arguments = self._arguments(inputs, _dtype(arrays))
                yield [*inputs, *self.params.values()], self._floats(self.fn(*arguments))
            finally:
                for tensor in frozen:
                    tensor.requires_grad_(True)

    def gradients(
        self, outputs: Sequence[AnyTensor], leaves: Sequence[AnyTensor], cotangents: Sequence[AnyTensor],
        create_graph: bool = False, retain_graph: bool = False,
    ) -> Sequence[AnyTensor | None]:  # fmt: skip
        pairs = [(out, v) for out, v in zip(outputs, cotangents, strict=True) if out.requires_grad]
        if not pairs:
            return [None] * len(leaves)
        outs, vs = zip(*pairs)
        return self.engine.grad(outs, leaves, vs, create_graph, retain_graph or create_graph)

    def _floats(self, out: Any) -> list[AnyTensor]:
        """The floating tensors among what the function returned. Raises `Found` if there are none."""
        every = flat(out)
        for each in every:
            if each is None and len(every) == 1:
                raise Found(Verdict.UNUSABLE_OUTPUT, "", "the function returned None: is a return statement missing?")
            if each is not None and not self.engine.is_tensor(each):
                raise Found(Verdict.UNUSABLE_OUTPUT, "", f"the function returned a {type(each).__name__}, not a tensor")
        kept = [each for each in every if each is not None and self._is_float(each)]
        if not kept:
            dtypes = ", ".join(str(each.dtype) for each in every if each is not None) or "nothing"
            raise Found(Verdict.UNUSABLE_OUTPUT, "", f"the function returned {dtypes}: no gradient flows through that")
        return kept

    def backward_of(self) -> Backward | None:
        return TensorBackward(self)


class TensorBackward(Plain):
    """The backward of a function of tensors, as a function of its inputs and cotangents."""

    def __init__(self, of: TensorFunction) -> None:
        self.of, self.wide, self.copies = of, of.wide, of.copies
        self.name = f"the backward of {of.name}"
        rng = np.random.default_rng(0)
        cotangents = [np.asarray(rng.standard_normal(out.shape), out.dtype) for out in of.forward(of.arrays)]
        self.arrays = [*of.arrays, *cotangents]
        self.inputs = [*of.inputs, *(f"cotangent {i}" for i in range(len(cotangents)))]

    def forward(self, arrays: Sequence[Array]) -> list[Array]:
        count = len(self.of.arrays)
        gradients = self.of.vjp(arrays[:count], arrays[count:])
        return [np.zeros_like(x) if g is None else g for x, g in zip(arrays[:count], gradients)]

    def vjp(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Array | None]:
        engine, count = self.of.engine, len(self.of.arrays)
        with self.of.recorded(arrays[:count]) as (leaves, outputs):
            v = self.of.on_device(arrays[count:], outputs, True)
            first = self.of.gradients(outputs, leaves, v, create_graph=True)
            pairs = [(g, engine.tensor(c, g)) for g, c in zip(first, cotangents) if g is not None and g.requires_grad]
            if not pairs:
                return [None] * len(arrays)
            again = engine.grad([g for g, _ in pairs], [*leaves, *v], [c for _, c in pairs], False, False)
            return [None if g is None else engine.numpy(g) for g in again]

    def recorded(self, arrays: Sequence[Array]) -> list[Array]:
        count = len(self.of.arrays)
        with self.of.recorded(arrays[:count]) as (leaves, outputs):
            v = self.of.on_device(arrays[count:], outputs, True)
            gradients = self.of.gradients(outputs, leaves, v, create_graph=True)
            return [np.zeros_like(x) if g is None else self.of.engine.numpy(g) for x, g in zip(arrays, gradients)]


def module_function(module: Module, inputs: Sequence[Any], name: str) -> TensorFunction:
    """A module in its present mode: differentiated with respect to inputs and parameters, its buffers kept."""
    params = {key: p for key, p in module.named_parameters() if p.requires_grad and p.dtype.kind == "f"}
    return TensorFunction(module, inputs, params=params, buffers=list(module.buffers()), name=name)


def _name(fn: Callable[..., Any]) -> str:
    """`SiLU.apply` by the name of its class: everyone's is called apply. A primitive by its own."""
    own = fn.name if isinstance(fn, Primitive) else str(getattr(fn, "__name__", type(fn).__name__))
    return f"{fn.__self__.__name__}.{own}" if ismethod(fn) and isinstance(fn.__self__, type) else own


def positions(name: str, wrt: Sequence[int] | None, count: int) -> list[int]:
    """Those arguments that `wrt` names, or all. Raises TypeError for a number alone, IndexError for an argument that is
    not there, ValueError for one that is named twice."""
    if wrt is not None and not isinstance(wrt, Sequence):
        raise TypeError(f"{name}: wrt must be a sequence of positions, got {wrt!r}: write wrt=({wrt},)")
    for i in wrt or ():
        if not -count <= i < count:
            raise IndexError(f"{name}: wrt={tuple(wrt or ())} names argument {i}, but there are {count}")
    chosen = [i % count for i in (range(count) if wrt is None else wrt)]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"{name}: wrt={tuple(wrt or ())} names an argument twice")
    return chosen


def flat(out: Any) -> list[Any]:
    if isinstance(out, dict):
        out = list(out.values())
    if isinstance(out, tuple | list):
        return [tensor for each in out for tensor in flat(each)]
    return [out]


def _dtype(arrays: Sequence[Array]) -> Any:
    """What buffers must be brought to, for a point in another precision than the module's own."""
    return arrays[0].dtype
