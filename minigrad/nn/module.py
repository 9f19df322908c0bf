"""Module: parameters, buffers and child modules, found by looking at a module's attributes.

A module's parameters are those of its attributes that hold a `Parameter`, its children those that hold a `Module`;
buffers are tensors registered by name. There is no second registry, so what Python shows is what there is. Here too
is how a running module's path reaches error messages and the graph. The tree that `repr` draws is in `tree.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar

import numpy as np

from ..backends import Array
from ..copying import Copied
from ..grad_mode import ModulePath, State, state
from ..hooks import RemovableHandle, add
from ..ops.failure import in_module
from ..tensor import Tensor
from ..writes import log_write
from . import tree
from .gate import Gate
from .loading import IncompatibleKeys, load
from .parameter import Parameter

M = TypeVar("M", bound="Module")

_clock = itertools.count(1)
_structure = 0  # when any module last gained or lost a child: dates the tables of states
_change = 0  # when any attribute of any module but its mode was last assigned, or a hook registered
# The outermost module of the call that is running: paths are relative to it.
_outermost: ContextVar[Module | None] = ContextVar("minigrad.outermost", default=None)


class Module(Copied):
    """A function with parameters; layers and models derive from it and define `forward`. PyTorch: `torch.nn.Module`.

    Assigning a Parameter or a Module to an attribute makes it part of the module.

    >>> import minigrad as mg
    >>> class Line(mg.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.slope = mg.nn.Parameter(mg.ones(1))
    ...     def forward(self, x):
    ...         return self.slope * x
    >>> Line()(mg.tensor([2.0])).item()
    2.0
    """

    _instead = "Keep module.state_dict() in a file with minigrad.save_file, and load it into a module made anew"
    training: bool = True
    _buffers: Mapping[str, bool] = {}  # name -> whether it is part of the state_dict
    _hooks: Sequence[tuple[str, Callable[..., Any]]] = ()  # ("before" forward, "after" it or "backward", function)
    # Per module below this one the states it runs in, without and with gradients; and when the table was made.
    _states: tuple[int, dict[int, tuple[State, State]]] = (-1, {})

    # --------------------------------------------------------------------------------------------- running it

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every module defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward()")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outermost = _outermost.get()
        if outermost is not None:
            date, table = outermost._states
            if date != _structure:
                table = outermost._make_states()
            states = table.get(id(self))
            if states is not None:
                before = state.get()
                state.set(states[before.grad_enabled])
                try:
                    return self._run_hooked(args, kwargs) if self._hooks else self.forward(*args, **kwargs)
                except TypeError as error:
                    here = error.__traceback__
                    if here is not None and here.tb_next is None and not self._hooks:  # the call itself was wrong
                        raise TypeError(f"{error}{in_module()}") from None
                    raise
                finally:
                    state.set(before)
        token = _outermost.set(self)  # nothing is running, or nothing that this module is a part of
        try:
            return self(*args, **kwargs)
        finally:
            _outermost.reset(token)

    def _make_states(self) -> dict[int, tuple[State, State]]:
        date, table = _structure, {}
        for path, module in self.named_modules():
            name = ModulePath(path, type(module).__name__)
            table[id(module)] = (State(False, name), State(True, name))
        self.__dict__["_states"] = (date, table)
        return table

    def _run_hooked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        hooks = tuple(self._hooks)
        for when, hook in hooks:
            changed = hook(self, args) if when == "before" else None
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        on_backward = [hook for when, hook in hooks if when == "backward"]
        gate = Gate(self, on_backward) if on_backward and state.get().grad_enabled else None
        out = self.forward(*(gate.enter(args) if gate else args), **kwargs)
        for when, hook in hooks:
            changed = hook(self, args, out) if when == "after" else None
            if changed is not None:
                out = changed
        return gate.leave(out) if gate else out

    def register_forward_pre_hook(self, hook: Callable[[Module, tuple[Any, ...]], Any]) -> RemovableHandle:
        """Call `hook(module, args)` before `forward`; what it returns, if not None, replaces the arguments.

        PyTorch: `Module.register_forward_pre_hook`.
        """
        return self._add_hook("before", hook)

    def register_forward_hook(self, hook: Callable[[Module, tuple[Any, ...], Any], Any]) -> RemovableHandle:
        """Call `hook(module, args, output)` after `forward`; what it returns, if not None, replaces the output.

        PyTorch: `Module.register_forward_hook`.
        """
        return self._add_hook("after", hook)

    def register_full_backward_hook(
        self, hook: Callable[[Module, tuple[Any, ...], tuple[Any, ...]], Any]
    ) -> RemovableHandle:
        """Call `hook(module, grad_input, grad_output)` when the gradients of the positional arguments are known.

        Both are tuples: of an entry per positional argument, None for what is no tensor or needs no gradient, and per
        output. What it returns, if not None, replaces `grad_input`. PyTorch: `Module.register_full_backward_hook`.
        """
        return self._add_hook("backward", hook)

    def _add_hook(self, when: str, hook: Callable[..., Any]) -> RemovableHandle:
        if "_hooks" not in self.__dict__:
            self.__dict__["_hooks"] = []
        handle = add(self.__dict__["_hooks"], (when, hook))
        _changed()
        return handle

    # -------------------------------------------------------------------------------------- its attributes

    def __setattr__(self, name: str, value: Any) -> None:
        old = self.__dict__.get(name)
        for kind in (Parameter, Module):
            if isinstance(value, kind) and hasattr(Module, name):
                raise AttributeError(f"{type(self).__name__}.{name} is part of every Module; choose another name")
            if isinstance(old, kind) and value is not None and not isinstance(value, kind):
                raise TypeError(
                    f"{type(self).__name__}.{name} is a {kind.__name__} and cannot become a {type(value).__name__}; "
                    f"assign a {kind.__name__} or None, or `del` it first"
                )
        if name in self._buffers and value is not None and not isinstance(value, Tensor):
            raise TypeError(
                f"{type(self).__name__}.{name} is a buffer and cannot become a {type(value).__name__}; "
                f"assign a Tensor or None, or `del` it first"
            )
        object.__setattr__(self, name, value)
        if name != "training":
            _changed()
        if isinstance(value, Module) or isinstance(old, Module):
            _restructured()

    def __delattr__(self, name: str) -> None:
        was_module = isinstance(self.__dict__.get(name), Module)
        object.__delattr__(self, name)
        _changed()
        if name in self._buffers:
            self._buffers = {key: kept for key, kept in self._buffers.items() if key != name}
        if was_module:
            _restructured()

    def __getstate__(self) -> dict[str, Any]:
        # The table of states goes by identity: a copy makes its own.
        return {name: value for name, value in self.__dict__.items() if name != "_states"}

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that is not trained but moves with the module and, if persistent, is in its state_dict."""
        self._check_name(name, name in self._buffers)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"buffer {name!r} must be a Tensor or None, got {type(tensor).__name__}")
        self._buffers = {**self._buffers, name: persistent}
        setattr(self, name, tensor)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """As an assignment of `param` to the attribute `name`."""
        self._check_name(name, isinstance(self.__dict__.get(name), Parameter))
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"parameter {name!r} must be a Parameter or None, got {type(param).__name__}")
        setattr(self, name, param)

    def add_module(self, name: str, module: Module | None) -> None:
        """As an assignment of `module` to the attribute `name`, which may be any string without a dot."""
        self._check_name(name, isinstance(self.__dict__.get(name), Module))
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"module {name!r} must be a Module or None, got {type(module).__name__}")
        setattr(self, name, module)

    def _check_name(self, name: str, replaces: bool) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"{name!r} cannot name a part of a module: it must be a string, not empty, without a dot")
        if not replaces and hasattr(self, name) and self.__dict__.get(name, ...) is not None:
            raise KeyError(f"{type(self).__name__} already has an attribute {name!r}")

    # ------------------------------------------------------------------------------- walking over its parts

    def named_modules(self, prefix: str = "", remove_duplicate: bool = True) -> Iterator[tuple[str, Module]]:
        """This module and all below it with their paths, parents first; a shared one once, at its first path."""
        seen: set[int] = set()

        def walk(module: Module, path: str) -> Iterator[tuple[str, Module]]:
            if remove_duplicate and id(module) in seen:
                return
            seen.add(id(module))
            yield path, module
            for name, child in list(vars(module).items()):  # a call on another thread may add an attribute meanwhile
                if isinstance(child, Module):
                    yield from walk(child, f"{path}.{name}" if path else name)

        return walk(self, prefix)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly in this one, each once."""
        seen: set[int] = set()
        for name, child in list(vars(self).items()):
            if isinstance(child, Module) and id(child) not in seen:
                seen.add(id(child))
                yield name, child

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters with their paths, in the order of the attributes; a shared one once, at its first path."""
        return self._named_tensors(lambda module: module._own_parameters(), prefix, recurse, remove_duplicate)

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """The buffers with their paths, persistent or not."""
        return self._named_tensors(lambda module: module._own_buffers(), prefix, recurse, remove_duplicate)

    def _named_tensors(
        self, own: Callable[[Module], Iterator[tuple[str, Any]]], prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix, remove_duplicate) if recurse else [(prefix, self)]:
            for name, tensor in own(module):
                if not remove_duplicate or id(tensor) not in seen:
                    seen.add(id(tensor))
                    yield f"{path}.{name}" if path else name, tensor

    def _own_parameters(self) -> Iterator[tuple[str, Parameter]]:
        return ((name, value) for name, value in list(vars(self).items()) if isinstance(value, Parameter))

    def _own_buffers(self) -> Iterator[tuple[str, Tensor]]:
        values = ((name, self.__dict__.get(name)) for name in self._buffers)
        return ((name, value) for name, value in values if value is not None and not isinstance(value, Parameter))

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def children(self) -> Iterator[Module]:
        """The modules directly in this one, each once."""
        return (child for _, child in self.named_children())

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, each once: what an optimizer takes."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, target: str) -> Module:
        """The module at a path such as "blocks.3.attn"; "" is this one. Raises AttributeError if there is none."""
        module = self
        for name in target.split(".") if target else []:
            child = module.__dict__.get(name)
            if not isinstance(child, Module):
                raise AttributeError(f"no submodule {target!r} in {type(self).__name__}: {_lacks(module, name)}")
            module = child
        return module

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as "blocks.3.attn.weight". Raises AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        parameter = module.__dict__.get(name)
        if not isinstance(parameter, Parameter):
            raise AttributeError(f"no parameter {target!r} in {type(self).__name__}: {_lacks(module, name)}")
        return parameter

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as "norm.running_mean". Raises AttributeError if there is none."""
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        buffers = dict(module._own_buffers())
        if name not in buffers:
            there = ", ".join(buffers) or "none"
            raise AttributeError(f"no buffer {target!r} in {type(self).__name__}: {type(module).__name__} has {there}")
        return buffers[name]

    # ---------------------------------------------------------------------------------- changing all of it

    def apply(self: M, fn: Callable[[Module], Any]) -> M:
        """Call `fn` with every module below this one, children first, and with this one."""
        for child in self.children():
            child.apply(fn)
        fn(self)
        return self

    def train(self: M, mode: bool = True) -> M:
        """Switch to training, where Dropout drops; `eval()` switches back."""
        if not isinstance(mode, bool):
            raise ValueError(f"train(mode) takes a bool, got {type(mode).__name__}")
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Switch to evaluation: the same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Train the parameters, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to 0 where they lie."""
        for parameter in self.parameters():
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                if parameter.grad.requires_grad:  # it is part of a graph, which ends here
                    parameter.grad = parameter.grad.detach()
                parameter.grad.data[...] = 0
                log_write(parameter.grad.data, "zero_grad")

    def to(self: M, *targets: Any, dtype: Any = None, device: Any = None) -> M:
        """Bring parameters and buffers to a floating dtype, to a device, or both; in place. PyTorch: `Module.to`.

        Tensors of integers and bools change device only. Gradients go along; the parameters stay the same objects,
        so an optimizer made before keeps working. Raises TypeError for a dtype that is not floating.
        """
        for target in targets:
            if isinstance(target, str) and target.split(":")[0] in ("cpu", "cuda"):
                device = target
            else:
                dtype = target
        try:
            floating = dtype is None or np.dtype(dtype).kind == "f"
        except TypeError:
            raise TypeError(f"Module.to takes a floating-point dtype, or 'cpu' or 'cuda', got {dtype!r}") from None
        if not floating:
            raise TypeError(f"Module.to takes a floating-point dtype, got {np.dtype(dtype)}")
        for tensor in [*self.parameters(), *self.buffers()]:
            for part in [tensor] if tensor.grad is None else [tensor, tensor.grad]:
                new_dtype = dtype if part.dtype.kind == "f" else None
                part.data = part.detach().to(dtype=new_dtype, device=device).data
        return self

    def float(self: M) -> M:
        """As `to(float32)`."""
        return self.to(np.float32)

    def double(self: M) -> M:
        """As `to(float64)`."""
        return self.to(np.float64)

    def half(self: M) -> M:
        """As `to(float16)`."""
        return self.to(np.float16)

    def cpu(self: M) -> M:
        """As `to("cpu")`."""
        return self.to("cpu")

    def cuda(self: M) -> M:
        """As `to("cuda")`."""
        return self.to("cuda")

    # --------------------------------------------------------------------------------------- saving, loading

    def state_dict(self, prefix: str = "", keep_vars: bool = False) -> dict[str, Tensor]:
        """Parameters and persistent buffers by path, sharing the module's memory. PyTorch: `Module.state_dict`.

        A shared parameter is there under each of its paths. With `keep_vars` they are the module's own tensors.

        >>> import minigrad as mg
        >>> {name: value.shape for name, value in mg.nn.Linear(3, 2).state_dict().items()}
        {'weight': (2, 3), 'bias': (2,)}
        """
        return {name: tensor if keep_vars else tensor.detach() for name, tensor in self._state(prefix)}

    def _state(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        for path, module in self.named_modules(remove_duplicate=False):
            where = f"{prefix}{path}." if path else prefix
            yield from ((where + name, parameter) for name, parameter in module._own_parameters())
            yield from ((where + name, buffer) for name, buffer in module._own_buffers() if module._buffers[name])

    def load_state_dict(
        self, state_dict: Mapping[str, Tensor | Array], strict: bool = True, assign: bool = False
    ) -> IncompatibleKeys:
        """Copy values into the parameters and persistent buffers, in place. PyTorch: `Module.load_state_dict`.

        Args:
            state_dict: Tensors or arrays by path; converted to the dtype of what they are copied into. A shared
                parameter may be given under any one of its paths.
            strict: whether missing and unexpected keys are errors; wrong shapes always are.
            assign: take the given arrays instead of copying, with their dtype, device and memory. The parameters stay
                the same objects, without gradients.

        Returns the missing and the unexpected keys. Raises RuntimeError naming everything that does not fit, and
        then nothing has been changed.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict takes tensors by name, got a {type(state_dict).__name__}")
        return load(dict(self._state()), state_dict, strict, assign, type(self).__name__)

    # ------------------------------------------------------------------------------------------- showing it

    def extra_repr(self) -> str:
        """What stands between the parentheses of this module's line in `repr`."""
        return ""

    def __repr__(self) -> str:
        """The tree of modules with the number of parameters of each, and their names and shapes.

        Every parameter is counted where it first appears, so the numbers of children add up.
        """
        return tree.draw(self)


def _restructured() -> None:
    global _structure
    _structure = next(_clock)


def _changed() -> None:
    global _change
    _change = next(_clock)


def last_change() -> int:
    """When an attribute of any module was last assigned or deleted, or a hook registered. Neither the mode counts, nor
    weights that change in place or get another array."""
    return _change


def _lacks(module: Module, name: str) -> str:
    there = [key for key, value in vars(module).items() if isinstance(value, (Parameter, Module))]
    return f"{type(module).__name__} has no {name!r}, it has {', '.join(there) or 'none'}"
