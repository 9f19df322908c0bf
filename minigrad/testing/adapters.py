"""Functions of other frameworks, for `check_grads`: `check_grads(adapters.torch(layer), x)`.

Each adapter is what the checker needs and no more: arrays in, a backward, arrays out. The frameworks are imported when
an adapter is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .functions import TensorFunction, flat, positions
from .subject import Backward, Plain, Subject, floats

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
            still = [p for p in fn.parameters() if not p.requires_grad]  # to be brought to the dtype of a call as well
            buffers = [*fn.buffers(), *still]
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

    def tensor(self, array: Array, like: Any, requires_grad: bool = False) -> Any:
        device = like.device if self.is_tensor(like) else self.torch.get_default_device()
        return self.torch.from_numpy(np.array(array)).to(device).requires_grad_(requires_grad)

    def numpy(self, tensor: Any) -> Array:
        return tensor.detach().cpu().numpy()

    def shares(self, tensor: Any) -> bool:
        return False

    def swap(self, tensor: Any, array: Array) -> Any:
        kept, tensor.data = tensor.data, self.tensor(array, tensor)
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


class _Functional(Plain):
    """A function of arrays of a framework that hands out its backward as a function."""

    wide, copies = False, True

    def __init__(
        self, framework: _Framework, fn: Callable[..., Any], args: Sequence[Any], wrt: Sequence[int] | None = None,
        params: Any = None,
    ) -> None:  # fmt: skip
        self.framework, self.fn, self.args = framework, fn, list(args)
        self.name = getattr(fn, "__name__", type(fn).__name__)
        if params is not None:
            raise TypeError(f"{self.name}: {framework.name} has no leaves beside arguments; pass params as arguments")
        self.moving = positions(self.name, wrt, len(args))
        floating = [i for i in self.moving if _is_floating(args[i]) and hasattr(args[i], "dtype")]
        if wrt is not None and floating != self.moving:
            raise TypeError(f"{self.name}: wrt={tuple(wrt)} names an argument that is no floating-point array")
        self.moving = floating
        if not self.moving:
            raise TypeError(f"{self.name}: no floating-point array to differentiate with respect to")
        self.arrays = [np.asarray(args[i]) for i in self.moving]
        self.inputs = [f"argument {i}" for i in self.moving]

    def _every(self, arrays: Sequence[Any]) -> list[Any]:
        """All outputs, out of whatever tuples, lists and dicts they are in."""
        arguments = list(self.args)
        for i, array in zip(self.moving, arrays):
            arguments[i] = array
        return [each for each in flat(self.fn(*arguments)) if each is not None]

    def _floating(self, *arrays: Any) -> Any:
        """The outputs that have a gradient, as the framework's own kind of tuple."""
        return self.framework.together([each for each in self._every(arrays) if _is_floating(each)])

    def forward(self, arrays: Sequence[Array]) -> list[Array]:
        every = self._every([self.framework.array(x) for x in arrays])
        return floats(tuple(np.asarray(each) for each in every) or None)

    def vjp(self, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Array | None]:
        outputs, backward = self.framework.pull(self._floating, *map(self.framework.array, arrays))
        dtypes = [np.asarray(out).dtype for out in outputs]
        given = [self.framework.array(np.asarray(v, dtype)) for v, dtype in zip(cotangents, dtypes, strict=True)]
        return [None if g is None else np.array(g) for g in backward(self.framework.together(given))]

    def recorded(self, arrays: Sequence[Array]) -> list[Array]:
        outputs, _ = self.framework.pull(self._floating, *map(self.framework.array, arrays))
        return [np.asarray(out) for out in outputs]

    def backward_of(self) -> Backward | None:
        rng = np.random.default_rng(0)
        cotangents = [np.asarray(rng.standard_normal(out.shape), out.dtype) for out in self.forward(self.arrays)]
        backward = _Functional(self.framework, self._gradients, [*self.arrays, *cotangents])
        backward.name = f"the backward of {self.name}"
        backward.inputs = [*self.inputs, *(f"cotangent {i}" for i in range(len(cotangents)))]
        return backward

    def _gradients(self, *arrays: Any) -> list[Any]:
        count = len(self.moving)
        _, backward = self.framework.pull(self._floating, *arrays[:count])
        return list(backward(self.framework.together(arrays[count:])))


def _is_floating(value: Any) -> bool:
    """Also of what stands for an array while a framework traces a function."""
    dtype = getattr(value, "dtype", None)
    return isinstance(value, float) if dtype is None else bool(dtype.kind == "f")


@dataclass(frozen=True)
class _Framework:
    """How a framework differentiates functions of arrays."""

    name: str
    pull: Callable[..., tuple[Any, Callable[[Any], Any]]]  # of a function and its arguments: outputs and backward
    array: Callable[[Any], Any]
    together: Callable[[Any], Any]  # several arrays as one value


def jax(fn: Callable[..., Any]) -> Adapted:
    """A function of JAX's arrays; arguments may be NumPy arrays. Turns 64-bit numbers on for the whole process: without
    them nothing can be certified. Needs JAX."""
    try:
        import jax as framework
    except ImportError as error:
        raise ImportError("adapters.jax needs JAX: pip install jax") from error
    framework.config.update("jax_enable_x64", True)

    def array(value: Any) -> Any:
        made = framework.numpy.asarray(value)
        if made.dtype != value.dtype:
            raise RuntimeError(
                f"JAX made {made.dtype} of {value.dtype}: 64-bit numbers were turned off after adapters.jax had turned "
                "them on, and in float32 nothing can be certified; leave jax_enable_x64 alone during the check"
            )
        return made

    own = _Framework("JAX", framework.vjp, array, tuple)
    return Adapted(fn, lambda args, wrt, params: _Functional(own, fn, args, wrt, params))


def autograd(fn: Callable[..., Any]) -> Adapted:
    """A function of HIPS autograd's NumPy (`autograd.numpy`). Needs autograd."""
    try:
        from autograd import make_vjp
        from autograd.builtins import tuple as together
    except ImportError as error:
        raise ImportError("adapters.autograd needs HIPS autograd: pip install autograd") from error

    def pull(of: Callable[..., Any], *arrays: Any) -> tuple[Any, Callable[[Any], Any]]:
        backward, out = make_vjp(lambda every: of(*every))(arrays)
        return out, backward

    own = _Framework("autograd", pull, np.asarray, together)
    return Adapted(fn, lambda args, wrt, params: _Functional(own, fn, args, wrt, params))
