"""The Tensor: an array, its gradient, and the node of the graph that made it.

Only what concerns the graph is defined here. Operators and methods (`x + y`, `x.sum()`, ...) are bound to the class
by `minigrad.ops`, from one table; type checkers see them through the generated stub `_methods.pyi`.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import grad_mode, graph
from .backends import Array, backend_for, backend_of
from .hooks import RemovableHandle, add
from .writes import log_write, owner_of

if TYPE_CHECKING:
    from ._methods import Methods
else:

    class Methods:
        __slots__ = ()


DType: TypeAlias = np.dtype[Any]
KINDS = "biuf"  # bool, signed, unsigned, floating: what a tensor may hold


class Tensor(Methods):
    """An n-dimensional array that remembers how it was computed. PyTorch: `torch.Tensor`.

    Make one with `minigrad.tensor`. `data` is the raw array (NumPy, or CuPy on the GPU) and `grad` the gradient that
    `backward` left, a Tensor of the same shape, dtype and device.

    >>> import minigrad as mg
    >>> x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    __slots__ = ("__weakref__", "data", "grad", "hooks", "node", "requires_grad", "view_of")
    __array_ufunc__ = None  # ndarray + Tensor goes to Tensor.__radd__

    def __init__(self, data: Array, requires_grad: bool = False, node: graph.Node | None = None) -> None:
        self.data = data
        self.requires_grad = requires_grad
        self.node = node
        self.grad: Tensor | None = None
        self.hooks: list[Callable[[Any], Any]] | None = None  # of a leaf; those of other tensors live on the node
        self.view_of: tuple[Tensor, graph.Node | None] | None = (
            None  # the tensor it looks into, and that one's node then
        )

    # ------------------------------------------------------------------------------------------- what it is

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape  # type: ignore[no-any-return]

    @property
    def dtype(self) -> DType:
        return self.data.dtype  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self.data.ndim  # type: ignore[no-any-return]

    @property
    def device(self) -> str:
        return backend_of(self.data).device

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user rather than computed. PyTorch: `Tensor.is_leaf`."""
        return self.node is None

    @property
    def grad_fn(self) -> graph.Node | None:
        """The node that made it. PyTorch: `Tensor.grad_fn`."""
        return self.node

    def dim(self) -> int:
        return self.ndim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or its entry at `dim`. PyTorch: `Tensor.size`."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> int:
        """The number of elements. PyTorch: `Tensor.numel`."""
        return int(self.data.size)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor")
        return self.shape[0]

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        array = backend_of(self.data).to_host(self.data)
        text = np.array2string(array, separator=", ", prefix="tensor(", threshold=100, precision=4, floatmode="maxprec")
        parts = [text]
        if 0 in self.shape and self.shape != (0,):
            parts.append(f"shape={self.shape}")
        if self.device != "cpu":
            parts.append(f"device={self.device!r}")
        if self.dtype not in (np.float32, np.int64, np.bool_):
            parts.append(f"dtype={self.dtype}")
        if self.node is not None:
            parts.append(f"grad_fn=<{self.node.op.name}>")
        elif self.requires_grad:
            parts.append("requires_grad=True")
        return f"tensor({', '.join(parts)})"

    # ------------------------------------------------------------------------------------ out of the tensor

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as a NumPy array that shares this tensor's memory. PyTorch: `Tensor.numpy`.

        Raises RuntimeError for a tensor that requires grad (call `detach()` first) or lives on another device.
        """
        if self.requires_grad:
            raise RuntimeError("numpy() of a tensor that requires grad would lose its graph; call .detach().numpy()")
        if self.device != "cpu":
            raise RuntimeError(f"numpy() of a tensor on {self.device!r}; call .cpu().numpy()")
        return self.data  # type: ignore[no-any-return]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The only element, as a Python number. PyTorch: `Tensor.item`. Waits for the device."""
        if self.data.size != 1:
            raise RuntimeError(
                f"item() of a tensor with {self.data.size} elements, shape {self.shape}; it needs exactly one"
            )
        return self.data.item()

    def tolist(self) -> Any:
        """The values as nested Python lists (a number for a 0-d tensor). PyTorch: `Tensor.tolist`."""
        return self.data.tolist()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else str(self)

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iub":
            raise TypeError(f"only an integer tensor can be an index, this one is {self.dtype}")
        return int(self.item())

    def __bool__(self) -> bool:
        if self.data.size != 1:
            raise RuntimeError(
                f"the truth of a tensor with {self.data.size} elements is ambiguous; use .any() or .all()"
            )
        return bool(self.item())

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self.node is not None:
            raise RuntimeError("only leaf tensors can be deep-copied; call .detach() first")
        copy = type(self).__new__(type(self))
        Tensor.__init__(copy, self.data.copy(), self.requires_grad)
        copy.grad = None if self.grad is None else Tensor(self.grad.data.copy())
        memo[id(self)] = copy
        return copy

    def __copy__(self) -> Tensor:
        copy = type(self).__new__(type(self))
        Tensor.__init__(copy, self.data, self.requires_grad, self.node)
        copy.grad, copy.view_of = self.grad, self.view_of
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("tensors are not pickled: a pickle can run code when it is read. Use minigrad.save_file")

    # --------------------------------------------------------------------------------------- in the graph

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for gradients of this leaf, or stop asking. PyTorch: `Tensor.requires_grad_`."""
        if self.node is not None and not requires_grad:
            raise RuntimeError("requires_grad can be switched off only for leaf tensors; use .detach()")
        if requires_grad and self.dtype.kind != "f":
            raise RuntimeError(f"only floating-point tensors can require gradients, this one is {self.dtype}")
        self.requires_grad = requires_grad
        return self

    def detach(self) -> Tensor:
        """The same values, sharing memory, outside the graph. PyTorch: `Tensor.detach`."""
        return Tensor(self.data)

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
            if not self.requires_grad:
                return  # frozen since the forward
            if self.dtype.kind != "f":
                raise RuntimeError(f"requires_grad was set on a tensor of {self.dtype}, which can have no gradient")
            if self.grad is None:
                self.grad = gradient
            elif self.grad.shape != gradient.shape:
                raise RuntimeError(
                    f"a tensor of shape {self.shape} was given a grad of shape {self.grad.shape}, to which its "
                    f"gradient cannot be added; set it to None to start anew"
                )
            elif self.grad.requires_grad or gradient.requires_grad:
                self.grad = self.grad + gradient
            else:
                self.grad.data += gradient.data
                log_write(self.grad.data, "the accumulation of gradients")

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
            changed = hook(value if recorded else Tensor(np.asarray(value)))
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


def check_view(tensor: Tensor) -> None:
    """Refuse a view whose base was since overwritten by a recorded operation: its own history is out of date."""
    assert tensor.view_of is not None
    base, made_by = tensor.view_of
    if base.node is not made_by:
        raise RuntimeError(
            f"this tensor of shape {tensor.shape} is a view of a tensor that was changed in place after the view was "
            f"made; make the view again after the change"
        )


def mark_view(source: Tensor, result: Tensor) -> Tensor:
    """`result`, which knows whose memory it looks at, if it is that of `source`."""
    if owner_of(result.data) is owner_of(source.data):
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


_accumulating = threading.Lock()


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
    return {source: value if create_graph else Tensor(np.asarray(value)) for source, value in values.items()}


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


def tensor(data: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A new tensor holding a copy of `data`. PyTorch: `torch.tensor`.

    Python floats become float32 and Python integers int64; NumPy's arrays and numbers, also in a list, keep their
    dtype.

    Raises TypeError for data that is not a rectangular array of numbers (strings, objects, complex numbers), and
    RuntimeError for a gradient asked of integers.

    >>> import minigrad as mg
    >>> mg.tensor([[1, 2], [3, 4]]).dtype
    dtype('int64')
    """
    if isinstance(data, Tensor):
        data = data.detach().data
    backend = backend_of(data) if device is None else backend_for(device)
    known = hasattr(data, "dtype")
    try:
        array = backend.xp.array(data, dtype=dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise TypeError(
            f"tensor() needs numbers, of the range of their dtype, in a rectangular arrangement: {error}"
        ) from None
    if array.dtype.kind not in KINDS or array.dtype.itemsize > 8:
        raise TypeError(
            f"tensor() cannot hold {array.dtype.name} data; it holds bool, integers of up to 64 bits, float16, float32 "
            f"and float64"
        )
    if dtype is None and not known and array.dtype.kind == "f":
        array = array.astype(_floating_within(data))
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return Tensor(array).requires_grad_() if requires_grad else Tensor(array)


def _floating_within(data: Any) -> DType:
    """The common floating dtype of the arrays in nested lists; float32 where Python's numbers alone are floating."""
    found: set[DType] = set()
    rows = [data]
    while rows:
        row = rows.pop()
        if hasattr(row, "dtype"):
            found.add(np.dtype(row.dtype))
        elif isinstance(row, (list, tuple)) and not set(map(type, row)) <= {float, int, bool}:
            rows.extend(row)
    floating = [dtype for dtype in found if dtype.kind == "f"]
    return np.result_type(*floating) if floating else np.dtype(np.float32)


def from_numpy(array: np.ndarray[Any, Any]) -> Tensor:
    """A tensor that shares the memory of a NumPy array. PyTorch: `torch.from_numpy`."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy needs a NumPy array, got {type(array).__name__}")
    if array.dtype.kind not in KINDS or not array.dtype.isnative or array.dtype.itemsize > 8:
        raise TypeError(
            f"from_numpy cannot share {array.dtype} memory; use minigrad.tensor, which converts where it can"
        )
    return Tensor(array)
