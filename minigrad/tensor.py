"""The Tensor: an array, its gradient, and the node of the graph that made it.

Only what concerns the graph is defined here. Operators and methods (`x + y`, `x.sum()`, ...) are bound to the class
by `minigrad.ops`, from one table; type checkers see them through the generated stub `_methods.pyi`.
"""

from __future__ import annotations

import copy
import sys
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import grad_mode, graph
from .backends import Array, as_array, backend_of
from .backends.locks import lock_for
from .copying import NotPickled
from .hooks import RemovableHandle, add
from .writes import log_write, owner_of

if TYPE_CHECKING:
    from ._methods import Methods
else:

    class Methods:
        __slots__ = ()


DType: TypeAlias = np.dtype[Any]
KINDS = "biuf"  # bool, signed, unsigned, floating: what a tensor may hold
HELD = "a tensor holds bool, integers of up to 64 bits, float16, float32 or float64"
OTHER_KINDS = {"c": "complex numbers", "O": "objects", "U": "text", "S": "bytes", "V": "structured data"}


class Tensor(Methods, NotPickled):
    """An n-dimensional array that remembers how it was computed. PyTorch: `torch.Tensor`.

    Make one with `minigrad.tensor`. `data` is the raw array (NumPy, or CuPy on the GPU) and `grad` the gradient that
    `backward` left, a Tensor of the same shape, dtype and device.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ("__weakref__", "_data", "_grad", "_requires_grad", "hooks", "node", "view_of")
    _instead = "Use minigrad.save_file for a file, and x.detach().numpy() for what goes to another process"

    def __init__(self, data: Array, requires_grad: bool = False, node: graph.Node | None = None) -> None:
        if requires_grad and node is None:
            _check_differentiable(data.dtype)
        self._data = data
        self._requires_grad = requires_grad
        self.node = node
        self._grad: Tensor | None = None
        self.hooks: list[Callable[[Any], Any]] | None = None  # of a leaf; those of other tensors live on the node
        self.view_of: tuple[Tensor, graph.Node | None] | None = (
            None  # the tensor it looks into, and that one's node then
        )

    # ------------------------------------------------------------------------------------------- what it is

    @property
    def data(self) -> Array:
        """The raw array; assigned, another one, of any shape and any dtype a tensor can have. Nothing is copied, and
        nothing recorded. PyTorch: `Tensor.data`, which is a tensor there.

        Raises TypeError for what is no array, and RuntimeError for integers in a tensor that requires grad.
        """
        return self._data

    @data.setter
    def data(self, value: Array | Tensor) -> None:
        array = value._data if isinstance(value, Tensor) else value
        if not isinstance(array, backend_of(array).xp.ndarray):
            raise TypeError(f"data must be an array or a Tensor, got {type(value).__name__}")
        if array.dtype.kind not in KINDS:
            raise TypeError(f"a tensor cannot hold {array.dtype} data")
        if self._requires_grad:
            _check_differentiable(array.dtype)
        self._data = array

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> DType:
        return self._data.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self._data.ndim  # type: ignore[no-any-return]

    @property
    def device(self) -> str:
        return backend_of(self._data).device

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than computed. PyTorch: `Tensor.is_leaf`."""
        return self.node is None

    @property
    def grad_fn(self) -> graph.Node | None:
        """The node that made it. PyTorch: `Tensor.grad_fn`."""
        return self.node

    def __hash__(self) -> int:
        return id(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.node is not None:
            raise RuntimeError("only leaf tensors can be deep-copied; call .detach() first")
        new = self._with(self._data.copy(order="K"))
        new._grad = copy.deepcopy(self._grad, memo)
        return new

    def __copy__(self) -> Tensor:
        new = self._with(self._data)
        new.node, new.view_of = self.node, self.view_of
        return new

    def _with(self, data: Array) -> Tensor:
        """One of the same class, whose constructor may want other arguments."""
        new = type(self).__new__(type(self))
        Tensor.__init__(new, data)
        new._requires_grad = self._requires_grad
        return new

    # ------------------------------------------------------------------------------------------- its gradient

    @property
    def requires_grad(self) -> bool:
        """Whether gradients are computed for it. Assigned, as `requires_grad_`, for leaves alone. PyTorch:
        `Tensor.requires_grad`."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(value).__name__}")
        if self.node is not None:
            raise RuntimeError("requires_grad can be set only on leaf tensors; use .detach() to leave the graph")
        self.requires_grad_(value)

    @property
    def grad(self) -> Tensor | None:
        """What `backward` accumulated: a Tensor of this shape, dtype and device, or None. PyTorch: `Tensor.grad`.

        Raises TypeError or RuntimeError if assigned anything else. Read from a computed tensor, for which nothing is
        kept unless `retain_grad` asked for it, it warns.
        """
        if self._grad is None and self.node is not None and not self.retains_grad:
            warnings.warn(
                f"the .grad of a computed tensor (the result of {self.node.op.name}) is read, and stays None: "
                f"only leaves keep gradients. Read that of a leaf, or call .retain_grad() on this one before backward",
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"a gradient must be a Tensor or None, got {type(value).__name__}")
            if value is self:
                raise RuntimeError("a tensor cannot be its own gradient")
            for what in ("shape", "dtype", "device"):
                own, given = getattr(self, what), getattr(value, what)
                if own != given:
                    raise RuntimeError(f"a gradient of {what} {given} does not belong to a tensor of {what} {own}")
        self._grad = value

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this computed tensor. PyTorch: `Tensor.retains_grad`."""
        keeper = None if self.node is None else self.node.retained_by
        return keeper is not None and keeper() is self

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients of this leaf, or stop asking. PyTorch: `Tensor.requires_grad_`."""
        if not isinstance(requires_grad, bool):
            raise TypeError(f"requires_grad_ takes a bool, got {type(requires_grad).__name__}")
        if self.node is not None and not requires_grad:
            raise RuntimeError("requires_grad can be switched off only for leaf tensors; use .detach()")
        if requires_grad:
            _check_differentiable(self.dtype)
        self._requires_grad = requires_grad
        return self

    def detach(self) -> Tensor:
        """The same values, sharing memory, outside the graph. PyTorch: `Tensor.detach`."""
        return Tensor(self._data)

    def detach_(self) -> Tensor:
        """Take this tensor itself out of the graph: a leaf without a gradient from now on. PyTorch: `Tensor.detach_`.

        Raises RuntimeError for a view, whose history is its base's.
        """
        if self.view_of is not None:
            raise RuntimeError("detach_() of a view; use .detach(), or detach the whole before making the view")
        self.node, self._requires_grad = None, False
        return self

    def backward(
        self, gradient: Tensor | None = None, retain_graph: bool | None = None, create_graph: bool = False,
        inputs: Tensor | Sequence[Tensor] | None = None,
    ) -> None:  # fmt: skip
        """Add the gradient of this tensor to the `grad` of every leaf it was computed from.

        PyTorch: `Tensor.backward`. `gradient` (this tensor's shape) is the cotangent; a tensor with one element
        takes 1. With `create_graph` the gradients are part of a graph themselves; `inputs` limits them to these
        tensors. Threads may do this at once over graphs that share leaves: every gradient is added.

        Raises RuntimeError for a tensor that has no graph, for several elements without `gradient`, for a second
        backward through freed values, and for a saved value that was changed in place.
        """
        accumulate([self], [gradient], inputs, retain_graph, create_graph)

    def _accumulate_grad(self, gradient: Tensor) -> None:
        with _accumulating:
            if not self._requires_grad:
                return  # frozen since the forward
            grad = self._grad
            if grad is None:
                self._grad = gradient
            elif grad.shape != gradient.shape:
                raise RuntimeError(
                    f"a tensor's data was replaced by one of shape {self.shape}, whose gradient cannot be added to its "
                    f"grad of shape {grad.shape}; set grad to None to start anew"
                )
            elif grad._requires_grad or gradient._requires_grad:
                self._grad = grad + gradient
            else:
                grad._data += gradient._data
                log_write(grad._data, "the accumulation of gradients")

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook(grad)` when this tensor's gradient is known; what it returns, if not None, replaces it.

        PyTorch: `Tensor.register_hook`. The handle's `remove()` takes the hook away.
        """
        if not self.requires_grad:
            raise RuntimeError("a hook on a tensor that does not require grad would never run")
        if not callable(hook):
            raise TypeError(f"a hook must be a function of the gradient, got {type(hook).__name__}")

        def on_value(value: Any) -> Any:
            recorded = isinstance(value, Tensor)
            changed = hook(value if recorded else Tensor(as_array(value)))
            if changed is None:
                return None
            if not isinstance(changed, Tensor):
                raise TypeError(f"a hook must return a Tensor or None, not {type(changed).__name__}")
            if changed.shape != value.shape or changed.dtype != value.dtype:
                raise RuntimeError(
                    f"a hook turned a gradient of shape {value.shape} and dtype {value.dtype} into one of shape "
                    f"{changed.shape} and dtype {changed.dtype}"
                )
            return changed if recorded else changed.data

        holder: Any = self if self.node is None else self.node
        if holder.hooks is None:
            holder.hooks = []
        return add(holder.hooks, on_value)

    def retain_grad(self) -> None:
        """Keep the gradient of this computed tensor in `grad` too, as its hooks left it. PyTorch: `Tensor.retain_grad`.

        Raises RuntimeError for a tensor that does not require grad.
        """
        if not self.requires_grad:
            raise RuntimeError("retain_grad() of a tensor that does not require grad: it will have no gradient")
        if self.node is not None:
            self.node.retained_by = weakref.ref(self)


def _check_differentiable(dtype: DType) -> None:
    if dtype.kind != "f":
        raise RuntimeError(f"only floating-point tensors can require gradients, not {dtype}; use .float()")


def check_view(tensor: Tensor) -> None:
    """Refuse a view whose base was since overwritten by a recorded operation: its own history is out of date."""
    assert tensor.view_of is not None
    base, made_by = tensor.view_of
    if base.node is not made_by:
        by = "something" if base.node is None else base.node.op.name
        raise RuntimeError(
            f"this tensor of shape {tensor.shape} is a view of a tensor that {by} changed in place after the view was "
            f"made; make the view again after the change"
        )


def mark_view(source: Tensor, result: Tensor) -> Tensor:
    """`result`, which knows whose memory it looks at, if it is that of `source`."""
    if owner_of(result._data) is owner_of(source._data):
        root = source if source.view_of is None else source.view_of[0]
        result.view_of = (root, root.node)
    return result


class _Recorder:
    """Gives the walk tensors to compute on, so that the gradient is part of a graph."""

    def tensor(self, data: Array, source: graph.Node | Tensor | None) -> Tensor:
        if not isinstance(source, Tensor):
            return Tensor(data, source is not None, source)
        if source.data is data:
            return source
        then = source.clone()  # the leaf's array was converted for the operation, or replaced since
        then.data = data
        return then

    def cast(self, value: Tensor, dtype: DType) -> Tensor:
        return value.to(dtype)


# Reentrant, for a watcher of the sum inside may go backward itself.
_accumulating = lock_for(sys.modules[__name__], "_accumulating")


def check_inputs(name: str, inputs: Sequence[Any]) -> None:
    """Refuse what no gradient can be taken with respect to."""
    if not inputs:
        raise RuntimeError(f"{name} needs at least one input")
    for position, tensor in enumerate(inputs):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name}: input {position} must be a Tensor, got {type(tensor).__name__}")
        if not tensor.requires_grad:
            raise RuntimeError(f"input {position} of shape {tensor.shape} does not require grad")


def accumulate(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Tensor | None],
    inputs: Any,
    retain_graph: bool | None,
    create_graph: bool,
) -> None:
    """Add the gradients of `outputs` to the `grad` of `inputs`, or of every leaf and retained tensor."""
    inputs = None if inputs is None else [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if inputs is not None:
        check_inputs("backward", inputs)
    tensors = {tensor.node or tensor: tensor for tensor in inputs or ()}
    for source, value in differentiate(outputs, cotangents, inputs, retain_graph, create_graph).items():
        tensor = tensors.get(source)
        if tensor is None:
            tensor = source.retained_by() if isinstance(source, graph.Node) and source.retained_by else source
        if isinstance(tensor, Tensor):
            if create_graph:  # a recorded gradient may be another tensor's too
                with grad_mode.enable_grad():
                    value = value.clone()
            tensor._accumulate_grad(value)


def differentiate(
    outputs: Sequence[Tensor],
    cotangents: Sequence[Tensor | None],
    inputs: Sequence[Tensor] | None,
    retain_graph: bool | None,
    create_graph: bool,
) -> dict[Any, Tensor]:
    """The gradients of `outputs`, by the node or leaf they belong to: of `inputs`, or of every leaf."""
    if len(cotangents) != len(outputs):
        raise ValueError(f"{len(outputs)} outputs need as many cotangents, got {len(cotangents)}")
    roots = []
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if not output.requires_grad:
            raise RuntimeError(
                f"backward from a tensor of shape {output.shape} that does not require grad: it was computed from no "
                f"tensor with requires_grad=True, or under no_grad, or was detached"
            )
        if output.view_of is not None:
            check_view(output)
        roots.append((output.node or output, _cotangent_of(output, cotangent, create_graph)))
    wanted = None if inputs is None else [tensor.node or tensor for tensor in inputs]
    with grad_mode.set_grad_enabled(create_graph):
        values = graph.backward(
            roots, wanted=wanted, retain_graph=create_graph if retain_graph is None else retain_graph,
            recorder=_Recorder() if create_graph else None,
        )  # fmt: skip
    return {source: value if create_graph else Tensor(as_array(value)) for source, value in values.items()}


def _cotangent_of(output: Tensor, cotangent: Tensor | None, recorded: bool) -> Any:
    if cotangent is None:
        if output.data.size != 1:
            raise RuntimeError(
                f"backward from a tensor of shape {output.shape} needs gradient=: only for a single element is 1 "
                f"taken. A loss is usually reduced first, with .sum() or .mean()"
            )
        cotangent = Tensor(np.ones_like(output.data))
    if not isinstance(cotangent, Tensor):
        raise TypeError(f"gradient must be a Tensor, got {type(cotangent).__name__}")
    if cotangent.shape != output.shape:
        raise RuntimeError(f"gradient has shape {cotangent.shape}, the output it belongs to {output.shape}")
    return cotangent if recorded else cotangent.data
