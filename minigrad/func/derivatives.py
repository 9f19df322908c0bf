"""Gradients, products with jacobians, jacobians and Hessians of functions.

Every transform does the same: it gives the function tensors that stand for its arguments, differentiates what comes
out, and lets the results go. A stand-in has no history if its argument has none, or is a node on top of the argument's
own, where the walk ends. Results stay part of a graph exactly if they depend on something outside that requires grad
(an argument of an outer transform, a parameter in a closure); that is what makes transforms compose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from .. import grad_mode
from ..graph import Node
from ..nested import fill, leaves, structure
from ..ops import reshape, stack
from ..tensor import Tensor, differentiate

Nested: TypeAlias = Any  # a tensor, or a list, tuple or dict of such
ArgNums: TypeAlias = int | tuple[int, ...]


def grad(func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `func`, whose result is a 0-d tensor. PyTorch: `torch.func.grad`.

    `argnums` says of which positional arguments: for a number the gradient has the structure of that argument, for a
    tuple it is a tuple of such. With `has_aux` `func` returns (result, aux), and aux is returned beside the gradient.
    An argument that the result does not depend on has gradient zero.

    Raises RuntimeError if the result is not a 0-d tensor, or if there is no such argument; ValueError for an argument
    that is no tensor.

    >>> import minigrad as mg
    >>> mg.func.grad(mg.func.grad(lambda x: x**3))(mg.tensor(2.0))
    tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        gradients, value = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient


def grad_and_value(func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `grad`, but for (gradient, value), or (gradient, (value, aux)). PyTorch: `torch.func.grad_and_value`."""

    def both(*args: Any, **kwargs: Any) -> Any:
        trace = _Trace("grad", func, args, kwargs, argnums, has_aux)
        value = trace.output
        if not isinstance(value, Tensor) or value.ndim != 0:
            found = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
            raise RuntimeError(
                f"grad: the function must return a tensor with a single element and no dimension, got {found}; reduce "
                f"it with .sum() or .mean(), or use vjp or jacrev"
            )
        gradients = trace.gradients([None])
        value = trace.release(value)
        return gradients, (value, trace.release(trace.aux)) if has_aux else value

    return both


def value_and_grad(func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """As `grad`, but for (value, gradient), or ((value, aux), gradient): JAX's order.

    >>> import minigrad as mg
    >>> mg.func.value_and_grad(lambda x: x * x)(mg.tensor(3.0))
    (tensor(9.), tensor(6.))
    """
    both = grad_and_value(func, argnums, has_aux)
    return lambda *args, **kwargs: both(*args, **kwargs)[::-1]


def vjp(func: Callable[..., Any], *primals: Nested, has_aux: bool = False) -> tuple[Any, ...]:
    """The output of `func(*primals)` and the function from a cotangent of it to those of the primals.

    PyTorch: `torch.func.vjp`. Returns (output, vjp_fn), with `has_aux` also aux. `vjp_fn` may be called many times,
    with the structure of the output; it returns a tuple of cotangents, or the one of a single primal.

    Raises RuntimeError for an output that is not made of tensors, and for a cotangent of another structure or shape.

    >>> import minigrad as mg
    >>> output, vjp_fn = mg.func.vjp(mg.exp, mg.zeros(2))
    >>> vjp_fn(mg.tensor([1.0, 2.0]))
    tensor([1., 2.])
    """
    trace = _Trace("vjp", func, primals, {}, tuple(range(len(primals))), has_aux)
    outputs = trace.outputs()

    def vjp_fn(cotangents: Nested) -> Any:
        given = _like("vjp", "cotangent", cotangents, "output", trace.output)
        gradients = trace.gradients(given)
        return gradients[0] if len(primals) == 1 else gradients

    released = fill(trace.output, iter(trace.release(outputs)))
    return (released, vjp_fn, trace.release(trace.aux)) if has_aux else (released, vjp_fn)


def jvp(
    func: Callable[..., Any], primals: tuple[Nested, ...], tangents: tuple[Nested, ...], *, has_aux: bool = False
) -> tuple[Any, ...]:
    """The output of `func(*primals)` and its derivative along `tangents`. PyTorch: `torch.func.jvp`.

    Returns (output, derivative), with `has_aux` also aux. Computed by two backwards: the product u J is linear in u,
    and its gradient along v is J v (Townsend, "A new trick for calculating Jacobian vector products", 2017).

    >>> import minigrad as mg
    >>> mg.func.jvp(lambda x: x * x, (mg.tensor(3.0),), (mg.tensor(10.0),))
    (tensor(9.), tensor(60.))
    """
    for name, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, tuple):
            raise RuntimeError(f"jvp: {name} must be a tuple, as in func(*primals), got {type(value).__name__}")
    directions = _like("jvp", "tangent", tangents, "primal", primals)
    trace = _Trace("jvp", func, primals, {}, tuple(range(len(primals))), has_aux)
    outputs = trace.outputs()
    with grad_mode.enable_grad():
        duals = [Tensor(np.zeros_like(out.data), out.dtype.kind == "f") for out in outputs]
        products = _gradients(outputs, duals, trace.inputs, create_graph=True)
    pairs = [(product, v) for product, v in zip(products, directions) if product is not None and product.requires_grad]
    create = trace.recording and trace.outside(*outputs, *directions)
    derivatives: list[Tensor | None] = [None] * len(outputs)
    wanted = [number for number, dual in enumerate(duals) if dual.requires_grad]
    if pairs:
        linear, along = zip(*pairs)
        found = _gradients(list(linear), list(along), [duals[number] for number in wanted], create_graph=create)
        for number, derivative in zip(wanted, found):
            derivatives[number] = derivative
    tangent = fill(trace.output, iter([_or_zeros(d, out) for d, out in zip(derivatives, outputs)]))
    released = fill(trace.output, iter(trace.release(outputs)))
    return (released, tangent, trace.release(trace.aux)) if has_aux else (released, tangent)


def jacrev(func: Callable[..., Any], argnums: ArgNums = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the jacobian of `func`, a backward per element of its output.

    PyTorch: `torch.func.jacrev`. The jacobian of an output with respect to an argument has the shape of the output
    followed by that of the argument; it has the structure of the output, and within that of the arguments.

    >>> import minigrad as mg
    >>> mg.func.jacrev(lambda x: x * x)(mg.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    def jacobian(*args: Any, **kwargs: Any) -> Any:
        trace = _Trace("jacrev", func, args, kwargs, argnums, has_aux)
        outputs = trace.outputs()
        create = trace.recording and trace.outside(*outputs)
        jacobians = iter([trace.arranged(_rows(out, trace.inputs, create)) for out in outputs])
        result = fill(trace.output, jacobians)
        return (result, trace.release(trace.aux)) if has_aux else result

    return jacobian


def hessian(func: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """The function that computes the Hessian of `func`: the jacobian of its jacobian. PyTorch: `torch.func.hessian`.

    >>> import minigrad as mg
    >>> mg.func.hessian(lambda x: (x**3).sum())(mg.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacrev(jacrev(func, argnums), argnums)


def hvp(func: Callable[..., Any], inputs: Tensor | tuple[Tensor, ...], v: Any = None) -> tuple[Any, Any]:
    """The value of `func`, a single element, and the product of its Hessian with `v`, which is like `inputs`.

    PyTorch: `torch.autograd.functional.hvp`. Costs a few backwards whatever the size: the gradient of <gradient, v>.
    `v` may be left out for a single input of one element.

    >>> import minigrad as mg
    >>> mg.func.hvp(lambda x: (x**3).sum(), mg.tensor([1.0, 2.0]), mg.tensor([1.0, 0.0]))
    (tensor(9.), tensor([6., 0.]))
    """
    args = inputs if isinstance(inputs, tuple) else (inputs,)
    if v is None:
        if len(args) != 1 or not isinstance(args[0], Tensor) or args[0].numel() != 1:
            raise RuntimeError("hvp: v can be left out only for a single input of one element")
        directions = (Tensor(np.ones_like(args[0].data)),)
    else:
        directions = v if isinstance(v, tuple) else (v,)
    _like("hvp", "v", directions, "input", args)

    def along(*args: Any) -> Any:
        gradients, value = grad_and_value(single, tuple(range(len(args))))(*args)
        return sum((g * d).sum() for g, d in zip(leaves(gradients), leaves(directions))), value

    def single(*args: Any) -> Any:
        value = func(*args)
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise RuntimeError("hvp: the function must return a tensor with a single element")
        return reshape(value, ())

    product, value = grad(along, tuple(range(len(args))), has_aux=True)(*args)
    return value, product if isinstance(inputs, tuple) else product[0]


# ------------------------------------------------------------------------------------------------ one call


class _Trace:
    """A call of a function with stand-ins for some of its arguments, and what came out."""

    def __init__(
        self, name: str, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], argnums: ArgNums,
        has_aux: bool,
    ) -> None:  # fmt: skip
        self.name = name
        self.recording = grad_mode.is_grad_enabled()
        numbers = _positions(name, argnums, len(args))
        self.wanted = tuple(args[number] for number in numbers)
        self.single = isinstance(argnums, int)
        with grad_mode.enable_grad():
            self.inputs = [self._stand_in(value) for value in leaves(self.wanted)]
            stand_ins = fill(self.wanted, iter(self.inputs))
            replaced = dict(zip(numbers, stand_ins))
            result = func(*(replaced.get(number, arg) for number, arg in enumerate(args)), **kwargs)
        self.aux: Any = None
        if has_aux:
            if not isinstance(result, tuple) or len(result) != 2:
                raise RuntimeError(f"{name}: with has_aux the function must return a tuple (output, aux)")
            result, self.aux = result
        self.output = result

    def _stand_in(self, value: Any) -> Tensor:
        if not isinstance(value, Tensor):
            raise ValueError(f"{self.name}: arguments to differentiate are tensors, got {type(value).__name__}")
        if value.dtype.kind != "f":
            raise RuntimeError(f"{self.name}: only floating-point tensors have gradients, an argument is {value.dtype}")
        if value.requires_grad and self.recording:
            view: Tensor = reshape(value, value.shape)
            return view
        return Tensor(value.data, requires_grad=True)

    def outputs(self) -> list[Tensor]:
        outputs = leaves(self.output)
        for out in outputs:
            if not isinstance(out, Tensor):
                raise RuntimeError(f"{self.name}: the function must return tensors, got {type(out).__name__}")
        return outputs

    def gradients(self, cotangents: Sequence[Tensor | None]) -> Any:
        """Of the outputs, in the structure of the arguments."""
        outputs = leaves(self.output)
        moving = [*outputs, *(cotangent for cotangent in cotangents if cotangent is not None)]
        create = grad_mode.is_grad_enabled() and self.outside(*moving)
        found = _gradients(outputs, cotangents, self.inputs, create_graph=create)
        return self.arranged([_or_zeros(g, x) for g, x in zip(found, self.inputs)])

    def arranged(self, values: Sequence[Any]) -> Any:
        """One value per stand-in, in the structure of the arguments that `argnums` named."""
        arranged = fill(self.wanted, iter(values))
        return arranged[0] if self.single else arranged

    def outside(self, *tensors: Tensor) -> bool:
        """Whether they depend on anything that requires grad other than the stand-ins without history."""
        own = {id(each) for each in self.inputs if each.node is None}
        stack_, seen = [each.node or each for each in tensors if each.requires_grad], set[int]()
        while stack_:
            source = stack_.pop()
            if id(source) in seen:
                continue
            seen.add(id(source))
            if isinstance(source, Node):
                stack_.extend(edge for edge in source.edges if edge is not None)
            elif id(source) not in own:
                return True
        return False

    def release(self, nested: Nested) -> Nested:
        """The same values; outside every graph unless they depend on something outside."""

        def released() -> Iterator[Any]:
            for value in leaves(nested):
                if isinstance(value, Tensor) and value.requires_grad:
                    yield value if self.recording and self.outside(value) else value.detach()
                else:
                    yield value

        return fill(nested, released())


def _positions(name: str, argnums: ArgNums, count: int) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for number in numbers:
        if not -count <= number < count:
            raise RuntimeError(f"{name}: argnums has {number}, but there are {count} positional arguments")
    positions = tuple(number % count for number in numbers)
    if not positions or len(set(positions)) < len(positions):
        raise RuntimeError(f"{name}: argnums must name at least one argument, each once, got {argnums}")
    return positions


def _gradients(
    outputs: Sequence[Tensor], cotangents: Sequence[Tensor | None], inputs: Sequence[Tensor], create_graph: bool
) -> list[Tensor | None]:
    """None for an input that no output depends on. The graph can be walked again."""
    pairs = [(out, cotangent) for out, cotangent in zip(outputs, cotangents) if out.requires_grad]
    if not pairs:
        return [None] * len(inputs)
    found = differentiate([out for out, _ in pairs], [c for _, c in pairs], inputs, True, create_graph)
    return [found.get(tensor.node or tensor) for tensor in inputs]


def _rows(output: Tensor, inputs: Sequence[Tensor], create_graph: bool) -> list[Tensor]:
    """The jacobian of one output, per input."""
    rows = []
    for number in range(output.numel()):
        one = np.zeros(output.numel(), output.dtype, like=output.data)
        one[number] = 1
        rows.append(_gradients([output], [Tensor(one.reshape(output.shape))], inputs, create_graph))
    jacobians = []
    for position, tensor in enumerate(inputs):
        column = [_or_zeros(row[position], tensor) for row in rows]
        empty = Tensor(np.zeros((0, *tensor.shape), tensor.dtype, like=tensor.data))
        with grad_mode.set_grad_enabled(create_graph):
            jacobians.append(reshape(stack(column) if column else empty, (*output.shape, *tensor.shape)))
    return jacobians


def _or_zeros(gradient: Tensor | None, like: Tensor) -> Tensor:
    return Tensor(np.zeros_like(like.data)) if gradient is None else gradient


def _like(name: str, what: str, given: Nested, owner: str, nested: Nested) -> list[Tensor]:
    """The tensors of `given`, which has the structure and the shapes of `nested`."""
    if structure(given) != structure(nested):
        raise RuntimeError(f"{name}: the {what}s have structure {structure(given)}, the {owner}s {structure(nested)}")
    tensors = leaves(given)
    for tensor, expected in zip(tensors, leaves(nested)):
        if not isinstance(tensor, Tensor):
            raise RuntimeError(f"{name}: a {what} must be a tensor, got {type(tensor).__name__}")
        if tensor.shape != expected.shape:
            raise RuntimeError(f"{name}: a {what} has shape {tensor.shape}, the {owner} it belongs to {expected.shape}")
    return tensors
