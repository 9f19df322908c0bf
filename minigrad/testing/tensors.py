"""Functions of minigrad's tensors, and modules, as the checker sees them.

A parameter is moved by giving it another array for the time of a call. Random numbers are the same in every call, and
the buffers of a module are those of the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from .. import autograd, grad_mode
from ..nn import Module
from ..ops.random import default_generator
from ..tensor import Tensor
from .subject import Subject
from .verdicts import Found, Verdict

Array: TypeAlias = Any


class TensorFunction:
    """A function of tensors, differentiated with respect to some arguments and to leaves it uses besides."""

    wide = True

    def __init__(
        self, fn: Callable[..., Any], args: Sequence[Any], wrt: Sequence[int] | None = None,
        params: Mapping[str, Tensor] | None = None, buffers: Sequence[Tensor] = (), name: str | None = None,
    ) -> None:  # fmt: skip
        self.fn, self.args, self.buffers = fn, list(args), list(buffers)
        self.name = str(name or getattr(fn, "__name__", type(fn).__name__))
        chosen = range(len(args)) if wrt is None else wrt
        self.moving = [i for i in chosen if _is_float(args[i])]
        if wrt is not None and len(self.moving) != len(wrt):
            raise TypeError(f"{self.name}: wrt={tuple(wrt)} names an argument that is no floating-point tensor")
        self.kept = [each.data for each in self.buffers]
        arrays = [_array(args[i]) for i in self.moving]
        self.params: dict[str, Tensor] = dict(params or {})
        if params is None:
            self.params = self._leaves_used(arrays)
        self.arrays = [*arrays, *(p.data for p in self.params.values())]
        self.inputs = [f"argument {i}" for i in self.moving] + list(self.params)
        if not self.arrays:
            raise TypeError(f"{self.name}: no floating-point tensor to differentiate with respect to")

    def _leaves_used(self, arrays: Sequence[Array]) -> dict[str, Tensor]:
        """The leaves that require grad and reach the output, beside the arguments."""
        inputs = [Tensor(array, requires_grad=True) for array in arrays]
        try:
            with self._frozen():
                outputs = _tensors(self.fn(*self._arguments(inputs)))
        except Exception:  # the first check says what is wrong with the function
            return {}
        found: dict[int, Tensor] = {}
        seen: set[int] = set()
        stack = [out.node or out for out in outputs if out.requires_grad]
        while stack:
            each = stack.pop()
            if id(each) in seen or each is None:
                continue
            seen.add(id(each))
            if isinstance(each, Tensor):
                found[id(each)] = each
            else:
                stack.extend(each.edges)
        own = {id(tensor) for tensor in inputs}
        extra = [tensor for key, tensor in found.items() if key not in own]
        return {f"closed-over tensor {i}": tensor for i, tensor in enumerate(extra)}

    def _arguments(self, tensors: Sequence[Tensor]) -> list[Any]:
        arguments = list(self.args)
        for i, tensor in zip(self.moving, tensors):
            arguments[i] = tensor
        return arguments

    @contextmanager
    def _frozen(self, params: Sequence[Array] = ()) -> Iterator[None]:
        """The same random numbers and buffers for every call, and other values for the parameters."""
        seed, counter = default_generator.seed, default_generator.counter
        before = [p.data for p in self.params.values()] if params else []
        for buffer, array in zip(self.buffers, self.kept):
            buffer.data = array.copy()
        for p, array in zip(self.params.values(), params):
            p.data = array
        try:
            yield
        finally:
            default_generator.seed, default_generator.counter = seed, counter
            for buffer, array in zip(self.buffers, self.kept):
                buffer.data = array
            for p, array in zip(self.params.values(), before):
                p.data = array

    def forward(self, arrays: Sequence[Array]) -> list[Array]:
        count = len(self.moving)
        with self._frozen(arrays[count:]), grad_mode.no_grad():
            return [out.data for out in _floats(self.fn(*self._arguments([Tensor(x) for x in arrays[:count]])))]

    def vjp(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Array | None]:
        with self._recorded(arrays) as (leaves, outputs):
            return [None if g is None else g.data for g in _gradients(outputs, leaves, [Tensor(v) for v in cotangents])]

    @contextmanager
    def _recorded(self, arrays: Sequence[Array]) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        count = len(self.moving)
        with self._frozen(arrays[count:]):
            inputs = [Tensor(x, requires_grad=True) for x in arrays[:count]]
            with grad_mode.enable_grad():
                outputs = _floats(self.fn(*self._arguments(inputs)))
            yield [*inputs, *self.params.values()], outputs

    def backward_of(self) -> Subject | None:
        return TensorBackward(self)


class TensorBackward:
    """The backward of a function of tensors, as a function of its inputs and cotangents."""

    wide = True

    def __init__(self, of: TensorFunction) -> None:
        self.of = of
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
        count = len(self.of.arrays)
        with self.of._recorded(arrays[:count]) as (leaves, outputs):
            v = [Tensor(x, requires_grad=True) for x in arrays[count:]]
            with grad_mode.enable_grad():
                first = _gradients(outputs, leaves, v, create_graph=True)
            pairs = [(g, Tensor(c)) for g, c in zip(first, cotangents) if g is not None and g.requires_grad]
            if not pairs:
                return [None] * len(arrays)
            again = autograd.grad([g for g, _ in pairs], [*leaves, *v], [c for _, c in pairs], allow_unused=True)
            return [None if g is None else g.data for g in again]

    def backward_of(self) -> Subject | None:
        return None


def module_function(module: Module, inputs: Sequence[Any], name: str) -> TensorFunction:
    """A module in its present mode: differentiated with respect to inputs and parameters, its buffers kept."""
    params = {key: p for key, p in module.named_parameters() if p.requires_grad and p.dtype.kind == "f"}
    return TensorFunction(module, inputs, params=params, buffers=list(module.buffers()), name=name)


def _gradients(
    outputs: Sequence[Tensor], leaves: Sequence[Tensor], cotangents: Sequence[Tensor], create_graph: bool = False
) -> Sequence[Tensor | None]:
    pairs = [(out, v) for out, v in zip(outputs, cotangents, strict=True) if out.requires_grad]
    if not pairs:
        return [None] * len(leaves)
    return autograd.grad(
        [out for out, _ in pairs], leaves, [v for _, v in pairs], create_graph=create_graph, allow_unused=True
    )


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray | np.floating) and value.dtype.kind == "f"


def _array(value: Any) -> Array:
    return value.data if isinstance(value, Tensor) else np.asarray(value)


def _tensors(out: Any) -> list[Any]:
    if isinstance(out, dict):
        out = list(out.values())
    if isinstance(out, tuple | list):
        return [tensor for each in out for tensor in _tensors(each)]
    return [out]


def _floats(out: Any) -> list[Tensor]:
    every = _tensors(out)
    for each in every:
        if each is None and len(every) == 1:
            raise Found(Verdict.UNUSABLE_OUTPUT, "", "the function returned None: is a return statement missing?")
        if each is not None and not isinstance(each, Tensor):
            raise Found(Verdict.UNUSABLE_OUTPUT, "", f"the function returned a {type(each).__name__}, not a tensor")
    kept = [each for each in every if each is not None and each.dtype.kind == "f"]
    if not kept:
        dtypes = ", ".join(str(each.dtype) for each in every if each is not None) or "nothing"
        raise Found(Verdict.UNUSABLE_OUTPUT, "", f"the function returned {dtypes}: no gradient flows through that")
    return kept
