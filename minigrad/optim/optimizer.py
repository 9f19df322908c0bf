"""What optimizers share: parameter groups, a step, saving and loading the state.

An update rule has a file of its own (`sgd.py`, `adam.py`, ...) and is written with what is in `rule.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeAlias

import numpy as np

from .. import grad_mode
from ..backends import Array, backend_of, moved
from ..backends.threads import for_each
from ..copying import Copied
from ..ops.failure import DeviceError, DTypeError, ShapeError
from ..tensor import KINDS, Tensor
from ..writes import is_writable, log_write, owner_of
from . import rule
from .rule import Kept, Piece, wide
from .settings import check as check_settings
from .settings import plain

Params: TypeAlias = Iterable[Tensor] | Iterable[tuple[str, Tensor]] | Iterable[dict[str, Any]]

OWN = "params", "param_names", "initial_lr"  # what a group may hold beside its settings
AT_ONCE = 1 << 16  # elements of a parameter that is worth a thread
VARIANTS = "maximize", "amsgrad", "decoupled_weight_decay"  # settings of PyTorch's that make another rule of one


class Optimizer(Copied):
    """Base of the optimizers. PyTorch: `torch.optim.Optimizer`.

    `param_groups` is a list of dicts, each with its `params` and settings; `state` holds, per parameter, tensors by
    name. `params` are tensors, or pairs of a name and a tensor (`named_parameters()`; errors use the names), or dicts
    with "params" and settings of their own; what else is in a dict is kept.

    An optimizer of your own names its settings in `defaults` and what it keeps for a parameter in `keeps`, and defines
    `update`; decay, `maximize`, saving and loading follow:

    >>> import minigrad as mg
    >>> import numpy as np
    >>> class SignDescent(mg.optim.Optimizer):
    ...     keeps = {"exp_avg": mg.optim.Kept()}
    ...     def __init__(self, params, lr=0.1, weight_decay=0.0, maximize=False):
    ...         super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "maximize": maximize})
    ...     def update(self, param, grad, state, group):
    ...         self.begin(param, state, group)
    ...         for p, g, kept, (a, b) in self.pieces(param, grad, state, group):
    ...             m = kept["exp_avg"]
    ...             m += 0.1 * (g - m)
    ...             p -= group["lr"] * np.sign(m)
    >>> x = mg.tensor([1.0, -2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> SignDescent([x]).step()
    >>> x
    tensor([ 0.9000, -1.9000], requires_grad=True)

    Raises ValueError for no parameters, one that is there twice, one that was computed, one in read-only memory, and
    a setting that is misspelt; TypeError for what is no tensor, and for a set, whose order changes from run to run.
    """

    _instead = "Keep its state_dict() in files (its tensors with minigrad.save_file, its settings as JSON)"
    keeps: Mapping[str, Kept] = {}  # what `update` keeps for a parameter
    at_once = False  # whether `update` may run for several parameters at the same time, on threads
    decoupled = False  # whether weights decay apart from the gradient, where no setting tells it

    def __init__(self, params: Params, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self.param_groups: list[dict[str, Any]] = []
        self._scratch = rule.Scratch()
        self._steps = 0  # since it was made: a scheduler that runs ahead of the optimizer is told so
        if isinstance(params, Tensor):
            raise TypeError("an optimizer takes an iterable of tensors, such as [tensor] or module.parameters()")
        if not isinstance(params, Iterable):
            hint = "; pass model.parameters()" if hasattr(params, "parameters") else ""
            raise TypeError(f"an optimizer takes an iterable of tensors, got {type(params).__name__}{hint}")
        groups: list[Any] = _in_order(params)
        if not groups:
            raise ValueError(
                "the optimizer got no parameters (are the layers in a plain list? ModuleList registers them; or was "
                "the iterator of parameters() used up before?)"
            )
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Train more parameters: a dict with "params" and, where they differ, settings. PyTorch: the same name."""
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise TypeError('a parameter group is a dict with "params"; groups and tensors cannot be mixed')
        given = param_group["params"]
        params = [given] if isinstance(given, Tensor) else _in_order(given)
        names = [param[0] for param in params if isinstance(param, tuple) and len(param) == 2]
        if names and len(names) != len(params):
            raise ValueError("some parameters of the group have names and some have none")
        for name in param_group.keys() - self.defaults.keys() - set(OWN):
            if meant := get_close_matches(name, self.defaults, 1, 0.8):
                raise ValueError(f"{type(self).__name__} has no setting {name!r}; did you mean {meant[0]!r}?")
        group = {**self.defaults, **param_group}
        if names:
            params, group["param_names"] = [param for _, param in params], names
        group["params"] = params
        seen = {id(param) for each in self.param_groups for param in each["params"]}
        for label, param in zip(_labels([group]), params):
            if not isinstance(param, Tensor):
                raise TypeError(
                    f"an optimizer takes tensors, got {type(param).__name__} as {label}; pass model.parameters()"
                )
            if param.node is not None:
                raise ValueError(
                    f"{label}, of shape {param.shape}, was computed (by {param.node.op.name}); only leaves can be "
                    f"trained: make it from param.detach().requires_grad_()"
                )
            if id(param) in seen:
                raise ValueError(f"{label}, of shape {param.shape}, is given twice")
            if not is_writable(param.data):
                raise ValueError(
                    f"{label}, of shape {param.shape}, lies in read-only memory, which no step can change "
                    f"(is it an expanded tensor, or a mapped file?); give a copy"
                )
            self.check_param(param, label)
            seen.add(id(param))
        self.check(group)
        if any("initial_lr" in each for each in self.param_groups):  # a scheduler multiplies it
            group.setdefault("initial_lr", group["lr"])
        self.param_groups.append(group)

    def check(self, settings: dict[str, Any]) -> None:
        """Raise ValueError for settings that make no sense, TypeError for what is no number."""
        check_settings(type(self).__name__, settings)

    def check_param(self, param: Tensor, label: str) -> None:
        """Raise ValueError for a parameter that this optimizer cannot train."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or set them to 0 where they lie. PyTorch: `Optimizer.zero_grad`."""
        for group in self.param_groups:
            for param in group["params"]:
                if set_to_none:
                    param.grad = None
                elif param.grad is not None:
                    if param.grad.requires_grad:  # it is part of a graph, which ends here
                        param.grad = param.grad.detach()
                    param.grad.data[...] = 0
                    log_write(param.grad.data, "zero_grad")

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient. `closure`, if given, computes the loss first and it is returned.

        PyTorch: `Optimizer.step`. Raises ValueError for a gradient, or a state, of another shape than its parameter,
        TypeError for one of another dtype or device; nothing is changed then.
        """
        loss = None
        if closure is not None:
            with grad_mode.enable_grad():
                loss = closure()
        name = f"{type(self).__name__}.step"
        for number, param in enumerate(self._params()):
            if param.grad is not None:
                self._check_fit(number, param, param.grad)
        self._steps += 1
        updates = [
            (param, param.grad.data, numbers)
            for group in self.param_groups
            for numbers in [{key: plain(value) for key, value in group.items() if key not in OWN}]
            for param in group["params"]
            if param.grad is not None
        ]
        for param, _, _ in updates:
            self.state.setdefault(param, {})

        def update(each: tuple[Tensor, Array, dict[str, Any]]) -> None:
            param, grad, numbers = each
            self.update(param.data, grad, self.state[param], numbers)

        at_once = self._may_update_at_once()
        owners = Counter(id(owner_of(param.data)) for param, _, _ in updates)  # views of one memory take turns
        on_threads: list[tuple[Tensor, Array, dict[str, Any]]] = []
        alone: list[tuple[Tensor, Array, dict[str, Any]]] = []
        for each in updates:
            worth_it = at_once and each[1].size >= AT_ONCE and each[0].device == "cpu"
            worth_it = worth_it and owners[id(owner_of(each[0].data))] == 1
            (on_threads if worth_it else alone).append(each)
        try:
            for_each(update, sorted(on_threads, key=lambda each: -each[1].size))
            for_each(update, alone, most=1)
        finally:  # also what was changed before one failed
            for param, _, _ in updates:
                log_write(param.data, name)
        return loss

    def _may_update_at_once(self) -> bool:
        """As the class says that defines `update`: one that is derived from it may do more."""
        owner = next(each for each in type(self).__mro__ if "update" in vars(each))
        return bool(vars(owner).get("at_once", False))

    def _check_fit(self, number: int, param: Tensor, grad: Tensor) -> None:
        """Raise if a gradient, or what was kept at an earlier step, does not fit its parameter."""
        problem = _misfit(grad, param.shape, param.dtype, param)
        what, hint = "gradient", "was the parameter's data replaced since backward?"
        for name, tensor in self.state.get(param, {}).items():
            kept = self.keeps.get(name)
            if problem is None and kept is not None and kept.number is None:
                problem = _misfit(tensor, kept.shape(param.shape), wide(param.dtype), param)
                what, hint = name, "was the parameter changed? load_state_dict(state_dict()) brings a state along"
        if problem is not None:
            error, words = problem
            label = _labels(self.param_groups)[number]
            raise error(f"{type(self).__name__}.step: the {what} of {label} {words}; nothing was changed ({hint})")

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        """Change `param` in place; every optimizer defines its own. `group` holds the settings."""
        raise NotImplementedError(f"{type(self).__name__} does not define update()")

    def begin(self, param: Array, state: dict[str, Tensor], group: dict[str, Any]) -> int:
        """Make what is to be kept for a parameter and is not there yet, and count the step; returns its number, from 1.

        It is 0 for an optimizer that keeps no "step".
        """
        for name, kept in self.keeps.items():
            if name not in state and kept.is_for(param.shape, group):
                state[name] = kept.made(param, group)
        if "step" not in state:
            return 0
        state["step"].data += 1
        return int(state["step"].data)

    def pieces(
        self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any], whole: bool = False
    ) -> Iterator[Piece]:
        """What the rule computes with: see `rule.pieces`."""
        kept = {name: state[name].data for name, kept in self.keeps.items() if name in state and kept.number is None}
        decoupled = group.get("decoupled_weight_decay", self.decoupled)
        return rule.pieces(param, grad, kept, group, decoupled, self._scratch, whole)

    # ------------------------------------------------------------------------------------- saving and loading

    def state_dict(self) -> dict[str, Any]:
        """The settings and the state of every parameter, by its number. PyTorch: `Optimizer.state_dict`.

        `{"state": {number: {name: Tensor}}, "param_groups": [{setting: value, "params": [numbers]}]}`: every leaf of
        "state" is a Tensor that shares the optimizer's memory, and "param_groups" is plain JSON data.
        """
        numbers = {param: number for number, param in enumerate(self._params())}
        return {
            "state": {numbers[param]: dict(state) for param, state in self.state.items()},
            "param_groups": [
                {**group, "params": [numbers[param] for param in group["params"]]} for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned, or PyTorch's did. PyTorch: `Optimizer.load_state_dict`.

        Arrays are copied. Raises ValueError if groups, numbers of parameters or shapes differ, or if the saved settings
        make another rule of the optimizer (`maximize`, `amsgrad`, decoupled weight decay); nothing is changed then.
        """
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            raise ValueError("an optimizer's state_dict is a mapping with 'state' and 'param_groups'")
        saved_groups = state_dict["param_groups"]
        kind = type(self).__name__
        if not all("params" in group for group in saved_groups):
            raise ValueError("a parameter group of the saved optimizer has no 'params'")
        sizes = [len(group["params"]) for group in self.param_groups]
        saved_sizes = [len(group["params"]) for group in saved_groups]
        if saved_sizes != sizes:
            raise ValueError(f"the saved optimizer has groups of {saved_sizes} parameters, this one has {sizes}")
        for group in saved_groups:
            for name, default in self.defaults.items():
                number = isinstance(default, (int, float, tuple, list)) and not isinstance(default, bool)
                if number and name not in group:  # a switch may be newer than what was saved
                    raise ValueError(f"the saved optimizer has no {name}, which {kind} has. Was it of another kind?")
            for name in VARIANTS:
                own = self.decoupled and name == "decoupled_weight_decay"
                saved = group.get(name, own)
                if name not in self.defaults and bool(saved) != own:
                    raise ValueError(f"the saved optimizer has {name}={saved}, this {kind} has {own}")
        params = dict(zip((number for group in saved_groups for number in group["params"]), self._params()))
        if len(params) != sum(sizes):
            raise ValueError("the saved optimizer has a number of a parameter twice")
        state: dict[Tensor, dict[str, Tensor]] = {}
        for label, (number, param) in zip(_labels(self.param_groups), params.items()):
            values = state_dict["state"].get(number, {})
            present = {name: value for name, value in values.items() if value is not None}
            possible = {name: kept for name, kept in self.keeps.items() if kept.shape(param.shape) is not None}
            needed = {name for name, kept in possible.items() if kept.when is None}
            if present and not needed <= present.keys() <= possible.keys():
                raise ValueError(
                    f"the saved state of {label} is {', '.join(present)}; {kind} keeps {', '.join(possible)}. "
                    f"Was it saved by another kind of optimizer?"
                )
            if number in state_dict["state"]:
                state[param] = {
                    name: _restored(f"{name} of {label}", param, self.keeps[name], value)
                    for name, value in present.items()
                }
        if unknown := state_dict["state"].keys() - params.keys():
            first = next(iter(unknown))
            raise ValueError(f"the saved optimizer has a state for parameter {first!r}, which is in no group")
        groups = []
        for group, saved in zip(self.param_groups, saved_groups):
            names = [name for name in (*group, "initial_lr") if name in saved and name not in ("params", "param_names")]
            groups.append({**group, **{name: saved[name] for name in names}})
            self.check(groups[-1])
        self.state = state
        for group, loaded in zip(self.param_groups, groups):
            group.update(loaded)

    def _params(self) -> Iterator[Tensor]:
        return (param for group in self.param_groups for param in group["params"])

    def __repr__(self) -> str:
        groups = [
            ", ".join(f"{name}={value}" for name, value in group.items() if name not in ("params", "param_names"))
            + f": {len(group['params'])} tensors, {sum(param.numel() for param in group['params']):,} parameters"
            for group in self.param_groups
        ]
        return "\n  ".join([type(self).__name__, *groups])


def _in_order(given: Iterable[Any]) -> list[Any]:
    if isinstance(given, (set, frozenset)):
        raise TypeError("an optimizer takes its parameters in order, and a set's changes from run to run; give a list")
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise TypeError(
            f"an optimizer takes a list of tensors, of names with tensors or of groups, such as module.parameters(), "
            f"got {type(given).__name__}"
        )
    return list(given)


def _labels(groups: list[dict[str, Any]]) -> list[str]:
    """What errors call the parameters: their numbers, and their names if they were given some."""
    names = [name for group in groups for name in group.get("param_names", [None] * len(group["params"]))]
    return [f"parameter {number}" + (f" ({name})" if name is not None else "") for number, name in enumerate(names)]


def _misfit(tensor: Tensor, shape: Any, dtype: Any, param: Tensor) -> tuple[type[Exception], str] | None:
    """The error, and its words, if a tensor has not the shape, dtype and device that its parameter asks for."""
    data = tensor.data
    if data.shape == shape and data.dtype is dtype and data.__class__ is param.data.__class__:
        return None  # as nearly always
    if tensor.shape != shape:
        return ShapeError, f"has shape {tensor.shape}, for the parameter it must have {shape}"
    if tensor.dtype != dtype:
        return DTypeError, f"has dtype {tensor.dtype}, for the parameter it must have {dtype}"
    if tensor.device != param.device:
        return DeviceError, f"is on {tensor.device!r}, the parameter on {param.device!r}"
    return None


def _restored(what: str, param: Tensor, kept: Kept, value: Any) -> Tensor:
    """A copy of a saved tensor of the state: a number as it is, an array in the dtype its rule computes in."""
    data = value.data if isinstance(value, Tensor) else np.asarray(value)
    if data.dtype.kind not in KINDS:
        raise ValueError(f"the saved {what} has dtype {data.dtype}")
    if kept.number is not None:
        whole = kept.number is np.int64
        if data.size != 1 or not 0 <= data.item() < np.inf or (whole and not float(data.item()).is_integer()):
            raise ValueError(f"the saved {what} must be one{' whole' if whole else ''} number, not below 0")
        return Tensor(np.array(data.item(), kept.number))
    shape = kept.shape(param.shape)
    if data.shape != shape:
        raise ValueError(
            f"the saved {what} has shape {data.shape}, here it has {shape}; are the parameters in the same order?"
        )
    made = np.empty_like(param.data, dtype=wide(param.dtype), shape=shape)
    made[...] = moved(data, backend_of(made))
    return Tensor(made)
