"""Operations with a gradient of the user's own: `autograd.Function`.

A call is one node of the graph. If it has several outputs, each is a small node more, which passes its cotangent on to
the node of the call; that one runs once, with the cotangents of all of them.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import grad_mode
from .graph import Leaf, Node, Parts, Recorder, Value
from .hooks import forward_watchers, watched
from .tensor import Tensor, check_view, mark_view


class Context:
    """What `forward` leaves for `backward`. Attributes may be set on it freely; tensors go to `save_for_backward`.

    `needs_input_grad` has a bool per argument: in forward whether it requires grad, in backward whether its gradient
    is asked for.
    """

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True
    gives_away = False  # for `backward`s of our own: whether the gradients are arrays that it keeps nowhere
    _to_save: tuple[Tensor | None, ...] = ()
    _saved: tuple[Tensor | None, ...] | None = None
    _constant: frozenset[int] = frozenset()  # ids of the outputs that have no gradient

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep tensors (or None) for `backward`, which finds them in `saved_tensors`.

        What is saved must be an argument or an output for second derivatives through it to be right.
        """
        for position, tensor in enumerate(tensors):
            if tensor is not None and not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward keeps tensors, argument {position} is a {type(tensor).__name__}; set it as an "
                    f"attribute of ctx instead"
                )
        self._to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved. There only while `backward` runs: it is freed with the graph."""
        if self._saved is None:
            raise RuntimeError("saved_tensors can be read in backward only")
        return self._saved

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """These outputs do not require grad; `backward` gets zeros for them."""
        self._constant = frozenset(map(id, outputs))

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (the default) or None for an output that nothing was computed from."""
        self.materialize_grads = bool(value)


class Function:
    """An operation that says itself what its gradient is. PyTorch: `torch.autograd.Function`.

    Derive from it; call it by `apply`. `forward(ctx, *args)` computes, from the arguments as they were passed, and is
    not recorded; or `forward(*args)` together with `setup_context(ctx, inputs, output)`. `backward(ctx, *grads)` gets
    a gradient per output and returns one per argument, or None. Written with tensor operations it can be
    differentiated again, to any order.

    Raises RuntimeError, naming the class, if backward returns the wrong number of gradients, or one of the wrong shape
    or for an argument that is no tensor.

    >>> import minigrad as mg
    >>> class Cube(mg.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...     @staticmethod
    ...     def backward(ctx, grad):
    ...         (x,) = ctx.saved_tensors
    ...         return grad * 3.0 * x**2
    >>> x = mg.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("a Function must define forward()")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        raise NotImplementedError("a Function must define setup_context(), or take ctx in forward()")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError("a Function must define backward() to be differentiated")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Call it: the outputs of `forward`, with their history."""
        call = _Call(cls)
        ctx = Context()
        for arg in args:
            if isinstance(arg, Tensor) and arg.view_of is not None:
                check_view(arg)
        current = grad_mode.state.get()
        ctx.needs_input_grad = tuple(isinstance(arg, Tensor) and arg.requires_grad for arg in args)
        with grad_mode.no_grad():
            if forward_watchers:
                result = watched(call, call.forward, (ctx, *args), {}, _outputs)
            else:
                result = call.forward(ctx, *args)
        outputs = _outputs(result)
        to_save, ctx._to_save = ctx._to_save, ()
        differentiable = [
            isinstance(out, Tensor) and out.dtype.kind == "f" and id(out) not in ctx._constant for out in outputs
        ]
        node = None
        if current.grad_enabled and True in ctx.needs_input_grad and True in differentiable:
            edges = tuple((arg.node or arg) if needed else None for arg, needed in zip(args, ctx.needs_input_grad))
            plan = _Plan(ctx, [_origin(tensor, args, outputs) for tensor in to_save], outputs, differentiable)
            saved = tuple(None if tensor is None else tensor.data for tensor in to_save)
            whole = outputs[0].data if len(outputs) == 1 else Parts(plan.shapes, {})
            node = Node(call, edges, saved, plan, {}, whole, current.module)
        results = list(outputs)
        for number, out in enumerate(outputs):
            if isinstance(out, Tensor):
                history = None if node is None or not differentiable[number] else _history(node, number, out.data)
                results[number] = _result(out, args, history)
        return tuple(results) if isinstance(result, (tuple, list)) else results[0]


class _Plan:
    """What the node of a call knows beside the saved arrays."""

    def __init__(
        self, ctx: Context, origins: list[tuple[str, int]], outputs: Sequence[Any], differentiable: list[bool]
    ) -> None:
        self.ctx = ctx
        self.origins = origins  # of each saved array
        self.shapes = tuple(out.shape if isinstance(out, Tensor) else () for out in outputs)
        self.dtypes = [out.dtype if isinstance(out, Tensor) else None for out in outputs]
        self.differentiable = differentiable  # of each output
        self.nodes: dict[int, weakref.ref[Node]] = {}  # of several outputs: weak, for they point here


class _Call:
    """The operation of a node: a call of a Function."""

    def __init__(self, function: type[Function]) -> None:
        self.function = function
        self.name = function.__name__

    def forward(self, ctx: Context, *args: Any) -> Any:
        if self.function.setup_context is Function.setup_context:
            return self.function.forward(ctx, *args)
        output = self.function.forward(*args)
        self.function.setup_context(ctx, args, output)
        return output

    def vjp(
        self, node: Node, cotangent: Value, edges: Sequence[Node | Leaf | None], recorder: Recorder | None
    ) -> Iterator[tuple[int, Value]]:
        plan: _Plan = node.plan
        ctx = plan.ctx
        parts = cotangent.parts if isinstance(cotangent, Parts) else {0: cotangent}
        grads: list[Any] = [parts.get(number) for number in range(len(plan.shapes))]
        if ctx.materialize_grads:
            given = next(iter(parts.values()))
            like = given.data if isinstance(given, Tensor) else given
            for number, (shape, dtype) in enumerate(zip(plan.shapes, plan.dtypes)):
                if grads[number] is None and dtype is not None:
                    grads[number] = np.zeros(shape, dtype, like=like)
        wrapped = [grad if grad is None or isinstance(grad, Tensor) else Tensor(grad) for grad in grads]
        saved = [_tensor(node, array, origin, recorder) for array, origin in zip(node.saved, plan.origins)]
        needed = ctx.needs_input_grad
        ctx._saved, ctx.needs_input_grad = tuple(saved), tuple(edge is not None for edge in edges)
        try:
            with grad_mode.set_grad_enabled(recorder is not None):
                returned = self.function.backward(ctx, *wrapped)
        finally:
            ctx._saved, ctx.needs_input_grad = None, needed
        for number, gradient in enumerate(self._checked(returned, node)):
            if gradient is not None and edges[number] is not None:
                # A view: the array may be one that the function keeps, so the walk must not add into it.
                yield number, gradient if recorder else gradient.data if ctx.gives_away else gradient.data[...]

    def _checked(self, returned: Any, node: Node) -> list[Tensor | None]:
        gradients = list(returned) if isinstance(returned, (tuple, list)) else [returned]
        expected = len(node.edges)
        while len(gradients) > expected and gradients[-1] is None:
            gradients.pop()
        if len(gradients) != expected:
            raise RuntimeError(
                f"{self.name}.backward returned {len(gradients)} gradients for the {expected} arguments of forward; it "
                f"must return one for each, None where there is none"
            )
        for number, (gradient, edge) in enumerate(zip(gradients, node.edges)):
            if gradient is None:
                continue
            if not isinstance(gradient, Tensor):
                raise TypeError(
                    f"{self.name}.backward returned a {type(gradient).__name__} as gradient {number}; it must be a "
                    f"Tensor or None"
                )
            if edge is not None and not _sums_to(gradient.shape, edge.shape):
                raise RuntimeError(
                    f"{self.name}.backward returned a gradient of shape {gradient.shape} for argument {number}, whose "
                    f"shape is {tuple(edge.shape)}"
                )
        return gradients


class _Output:
    """The operation of a node that stands for one of several outputs."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number

    def vjp(
        self, node: Node, cotangent: Value, edges: Sequence[Node | Leaf | None], recorder: Recorder | None
    ) -> Iterator[tuple[int, Value]]:
        assert edges[0] is not None
        yield 0, Parts(edges[0].shape, {self.number: cotangent})


def _outputs(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, (tuple, list)) else (result,)


def _origin(tensor: Tensor | None, args: Sequence[Any], outputs: Sequence[Any]) -> tuple[str, int]:
    """Which argument or output a saved tensor is."""
    for kind, candidates in (("argument", args), ("output", outputs)):
        for number, candidate in enumerate(candidates):
            if candidate is tensor:
                return kind, number
    return "neither", 0


def _tensor(node: Node, array: Any, origin: tuple[str, int], recorder: Recorder | None) -> Any:
    """A saved array as a tensor, with its history if the backward is recorded."""
    kind, number = origin
    if array is None:
        return None
    if recorder is None or kind == "neither":
        return Tensor(array)
    if kind == "argument":
        source = node.edges[number]
    else:
        source = _history(node, number, array) if node.plan.differentiable[number] else None
    return recorder.tensor(array, source)


def _result(out: Tensor, args: Sequence[Any], history: Node | None) -> Tensor:
    """An output with its history; if it shows the memory of an argument, as a view of that."""
    result = Tensor(out.data, history is not None, history)
    for arg in args:
        if isinstance(arg, Tensor) and result.view_of is None:
            mark_view(arg, result)
    return result


def _history(call: Node, number: int, out: Any) -> Node:
    """The node of an output; of one of several it is made anew if nobody holds it any more."""
    plan: _Plan = call.plan
    if len(plan.shapes) == 1:
        return call
    known = plan.nodes.get(number)
    node: Node | None = None if known is None else known()
    if node is None:
        node = Node(_Output(call.op.name, number), (call,), (), None, {}, out, call.module)
        plan.nodes[number] = weakref.ref(node)
    return node


def _sums_to(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    lead = len(shape) - len(target)
    return lead >= 0 and all(size in (1, shape[lead + axis]) for axis, size in enumerate(target))


__all__ = ["Function"]
