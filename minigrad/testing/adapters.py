"""Functions of other frameworks, for `check_grads`: `check_grads(adapters.torch(layer), x)`.

Each adapter is what the checker needs and no more: arrays in, a backward, arrays out. The frameworks are imported when
an adapter is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

import numpy as np

from .functions import TensorFunction
from .subject import Subject, floats

Array: TypeAlias = Any


class Adapted:
    """A function of another framework: called, it is that function; checked, it is made a subject."""

    def __init__(self, fn: Callable[..., Any], subject: Callable[..., Subject]) -> None:
        self.fn, self.subject = fn, subject
        self.__name__ = getattr(fn, "__name__", type(fn).__name__)

    def __call__(self, *args: Any) -> Any:
        return self.fn(*args)


def torch(fn: Callable[..., Any]) -> Adapted:
    """A function of PyTorch's tensors, or a `torch.nn.Module` with its parameters and buffers. Arguments may be
    tensors or NumPy arrays. Random numbers are the same in every call. Needs PyTorch."""
    engine = _Torch()

    def subject(args: Sequence[Any], wrt: Sequence[int] | None, params: dict[str, Any] | None) -> Subject:
        buffers: list[Any] = []
        if isinstance(fn, engine.torch.nn.Module):
            buffers = list(fn.buffers())
            if params is None:
                params = {name: p for name, p in fn.named_parameters() if p.requires_grad}
        return TensorFunction(fn, args, wrt, params, buffers, engine=engine)

    return Adapted(fn, subject)


class _Torch:
    """PyTorch as an `Engine` of tensors."""

    wide = False

    def __init__(self) -> None:
        try:
            import torch as framework
        except ImportError as error:
            raise ImportError("adapters.torch needs PyTorch: pip install torch") from error
        self.torch = framework

    def is_tensor(self, value: Any) -> bool:
        return isinstance(value, self.torch.Tensor)

    def tensor(self, array: Array, requires_grad: bool = False) -> Any:
        return self.torch.from_numpy(np.array(array)).requires_grad_(requires_grad)

    def numpy(self, tensor: Any) -> Array:
        return tensor.detach().cpu().numpy()

    def swap(self, tensor: Any, array: Array) -> Any:
        kept, tensor.data = tensor.data, self.torch.from_numpy(np.array(array))
        return kept

    def restore(self, tensor: Any, kept: Any) -> None:
        tensor.data = kept

    def leaves_of(self, outputs: Sequence[Any]) -> list[Any]:
        found, seen = {}, set()
        stack = [out.grad_fn for out in outputs if out.grad_fn is not None]
        while stack:
            node = stack.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            if hasattr(node, "variable"):
                found[id(node.variable)] = node.variable
            stack.extend(following for following, _ in node.next_functions)
        return list(found.values())

    @contextmanager
    def same_randomness(self) -> Iterator[None]:
        state = self.torch.random.get_rng_state()
        try:
            yield
        finally:
            self.torch.random.set_rng_state(state)

    def draw_on(self) -> None:
        self.torch.rand(1)

    def recording(self, enabled: bool) -> AbstractContextManager[Any]:
        block: AbstractContextManager[Any] = self.torch.set_grad_enabled(enabled)
        return block

    def grad(
        self, outputs: Sequence[Any], inputs: Sequence[Any], cotangents: Sequence[Any], create_graph: bool,
        retain_graph: bool,
    ) -> Sequence[Any | None]:  # fmt: skip
        found: Sequence[Any | None] = self.torch.autograd.grad(
            outputs, inputs, cotangents, retain_graph, create_graph, allow_unused=True
        )
        return found


class _Functional:
    """A function of arrays of a framework that hands out its backward as a function."""

    wide = False

    def __init__(
        self, fn: Callable[..., Any], args: Sequence[Any], wrt: Sequence[int] | None,
        pull: Callable[..., tuple[Any, Callable[[Any], Any]]], array: Callable[[Any], Any],
    ) -> None:  # fmt: skip
        self.fn, self.args, self.pull, self.array = fn, list(args), pull, array
        self.name = getattr(fn, "__name__", type(fn).__name__)
        chosen = range(len(args)) if wrt is None else wrt
        self.moving = [i for i in chosen if getattr(args[i], "dtype", np.dtype(int)).kind == "f"]
        if not self.moving:
            raise TypeError(f"{self.name}: no floating-point array to differentiate with respect to")
        self.arrays = [np.asarray(args[i]) for i in self.moving]
        self.inputs = [f"argument {i}" for i in self.moving]

    def _of_moving(self, *arrays: Any) -> Any:
        arguments = list(self.args)
        for i, array in zip(self.moving, arrays):
            arguments[i] = array
        return self.fn(*arguments)

    def forward(self, arrays: Sequence[Array]) -> list[Array]:
        out = self._of_moving(*(self.array(x) for x in arrays))
        return floats(tuple(np.asarray(each) for each in out) if isinstance(out, tuple | list) else _host(out))

    def vjp(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Array | None]:
        out, backward = self.pull(self._of_moving, *(self.array(x) for x in arrays))
        several = isinstance(out, tuple | list)
        gradients = backward(type(out)(map(self.array, cotangents)) if several else self.array(cotangents[0]))
        return [None if g is None else np.array(g) for g in gradients]

    def backward_of(self) -> Subject | None:
        return None


def _host(out: Any) -> Any:
    return out if out is None else np.asarray(out)


def jax(fn: Callable[..., Any]) -> Adapted:
    """A function of JAX's arrays; arguments may be NumPy arrays. Turns 64-bit numbers on for the whole process: without
    them nothing can be certified. Needs JAX."""
    try:
        import jax as framework
    except ImportError as error:
        raise ImportError("adapters.jax needs JAX: pip install jax") from error
    framework.config.update("jax_enable_x64", True)
    return Adapted(fn, lambda args, wrt, params: _Functional(fn, args, wrt, framework.vjp, framework.numpy.asarray))


def autograd(fn: Callable[..., Any]) -> Adapted:
    """A function of HIPS autograd's NumPy (`autograd.numpy`). Needs autograd."""
    try:
        from autograd import make_vjp
    except ImportError as error:
        raise ImportError("adapters.autograd needs HIPS autograd: pip install autograd") from error

    def pull(of: Callable[..., Any], *arrays: Any) -> tuple[Any, Callable[[Any], Any]]:
        backward, out = make_vjp(lambda every: of(*every))(tuple(arrays))
        return out, backward

    return Adapted(fn, lambda args, wrt, params: _Functional(fn, args, wrt, pull, np.asarray))
