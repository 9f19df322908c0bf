"""What optimizers share: parameter groups, state, saving and loading it. The update rules are in `sgd.py`, `adam.py`.

An update rule sees pieces of a parameter, its gradient and its state that fit in the processor's cache, and
computes in place: a step makes one pass over memory, however many operations it takes. On a device it sees the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from numbers import Real
from typing import Any

import numpy as np

from .. import grad_mode
from ..backends import Array, backend_of, cpu, moved
from ..tensor import KINDS, Tensor
from ..writes import is_writable, log_write

PIECE = 1 << 16  # elements; the six float32 arrays of Adam are then 1.5 MB
VARIANTS = "maximize", "amsgrad", "decoupled_weight_decay"  # settings of PyTorch's that make another rule of one


class Optimizer:
    """Base of the optimizers. PyTorch: `torch.optim.Optimizer`.

    `param_groups` is a list of dicts, each with its `params` and settings; `state` holds, per parameter, tensors by
    name. `params` are tensors, or dicts with "params" and settings of their own; what else is in a dict is kept.

    Raises ValueError for no parameters, one that is there twice, one that was computed, one in read-only memory, and
    a setting that is misspelt; TypeError for what is no tensor, and for a set, whose order changes from run to run.
    """

    state_names: tuple[str, ...] = ()  # what `update` keeps for a parameter
    decoupled = False  # whether weights decay apart from the gradient

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self.param_groups: list[dict[str, Any]] = []
        self._scratch: list[Array] = []
        if isinstance(params, Tensor):
            raise TypeError("an optimizer takes an iterable of tensors, such as [tensor] or module.parameters()")
        groups: list[Any] = _in_order(params)
        if not groups:
            raise ValueError("the optimizer got no parameters (was the iterator of parameters() used up before?)")
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
        for name in param_group.keys() - self.defaults.keys() - {"params", "initial_lr"}:
            if meant := get_close_matches(name, self.defaults, 1, 0.8):
                raise ValueError(f"{type(self).__name__} has no setting {name!r}; did you mean {meant[0]!r}?")
        seen = {id(param) for group in self.param_groups for param in group["params"]}
        for number, param in enumerate(params):
            if not isinstance(param, Tensor):
                raise TypeError(f"an optimizer takes tensors, got {type(param).__name__} as parameter {number}")
            if not param.is_leaf:
                raise ValueError(
                    f"parameter {number}, of shape {param.shape}, was computed; only leaves can be trained"
                )
            if id(param) in seen:
                raise ValueError(f"parameter {number}, of shape {param.shape}, is given twice")
            if not is_writable(param.data):
                raise ValueError(
                    f"parameter {number}, of shape {param.shape}, lies in read-only memory, which no step can change "
                    f"(is it an expanded tensor, or a mapped file?); give a copy"
                )
            seen.add(id(param))
        group = {**self.defaults, **param_group, "params": params}
        self.check(group)
        if any("initial_lr" in each for each in self.param_groups):  # a scheduler multiplies it
            group.setdefault("initial_lr", group["lr"])
        self.param_groups.append(group)

    def check(self, settings: dict[str, Any]) -> None:
        """Raise ValueError for settings that make no sense, TypeError for what is no number."""
        for name in ("lr", "weight_decay", "momentum", "eps"):
            value = settings.get(name, 0.0)
            if not isinstance(value, Real):
                raise TypeError(
                    f"{type(self).__name__}: {name} must be a number, got {type(value).__name__}"
                    + (" (call .item())" if isinstance(value, Tensor) else "")
                )
            if not float(value) >= 0.0:
                raise ValueError(f"{type(self).__name__}: {name} must not be negative, got {value}")

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

        PyTorch: `Optimizer.step`. Raises ValueError for a gradient of another shape than its parameter, TypeError for
        one that is no tensor; nothing is changed then.
        """
        loss = None
        if closure is not None:
            with grad_mode.enable_grad():
                loss = closure()
        name = f"{type(self).__name__}.step"
        for number, param in enumerate(self._params()):
            if param.grad is None:
                continue
            if not isinstance(param.grad, Tensor):
                kind = type(param.grad).__name__
                raise TypeError(f"{name}: the gradient of parameter {number} must be a Tensor, it is a {kind}")
            if param.grad.shape != param.shape:
                raise ValueError(
                    f"{name}: the gradient of parameter {number} has shape {param.grad.shape}, the parameter "
                    f"{param.shape}; nothing was changed (was the gradient assigned by hand?)"
                )
        for group in self.param_groups:
            for param in group["params"]:
                if param.grad is not None:
                    self.update(param.data, param.grad.data, self.state.setdefault(param, {}), group)
                    log_write(param.data, name)
        return loss

    def update(self, param: Array, grad: Array, state: dict[str, Tensor], group: dict[str, Any]) -> None:
        """Change `param` in place; every optimizer defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define update()")

    def pieces(self, param: Array, grad: Array, *state: Array, scratch: int) -> Iterator[tuple[Array, ...]]:
        """Matching pieces of a parameter, its gradient and state, and `scratch` arrays to compute in."""
        kinds = {(type(each), each.dtype) for each in self._scratch}
        if len(self._scratch) < scratch or kinds != {(type(param), param.dtype)}:
            self._scratch = [np.empty(PIECE, param.dtype, like=param) for _ in range(scratch)]
        free = self._scratch[:scratch]
        size = param.size
        if size <= PIECE:
            yield param, grad, *state, *(each[:size].reshape(param.shape) for each in free)
        elif backend_of(param) is not cpu or not all(array.flags.c_contiguous for array in (param, *state)):
            yield param, grad, *state, *(np.empty_like(param) for _ in free)
        else:
            # A gradient may be a transposed view and is copied then: it is only read.
            flat = [array.reshape(-1) for array in (param, grad, *state)]
            for start in range(0, size, PIECE):
                stop = min(start + PIECE, size)
                yield *(array[start:stop] for array in flat), *(each[: stop - start] for each in free)

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
        if not all("params" in group for group in saved_groups):
            raise ValueError("a parameter group of the saved optimizer has no 'params'")
        sizes = [len(group["params"]) for group in self.param_groups]
        saved_sizes = [len(group["params"]) for group in saved_groups]
        if saved_sizes != sizes:
            raise ValueError(f"the saved optimizer has groups of {saved_sizes} parameters, this one has {sizes}")
        for group in saved_groups:
            for name in VARIANTS:
                own = self.decoupled and name == "decoupled_weight_decay"
                saved = group.get(name, own)
                if name not in self.defaults and bool(saved) != own:
                    raise ValueError(f"the saved optimizer has {name}={saved}, this {type(self).__name__} has {own}")
        params = dict(zip((number for group in saved_groups for number in group["params"]), self._params()))
        if len(params) != sum(sizes):
            raise ValueError("the saved optimizer has a number of a parameter twice")
        state: dict[Tensor, dict[str, Tensor]] = {}
        for number, values in state_dict["state"].items():
            if number not in params:
                raise ValueError(f"the saved optimizer has a state for parameter {number!r}, which is in no group")
            present = {name: value for name, value in values.items() if value is not None}
            if present and present.keys() != set(self.state_names):
                raise ValueError(
                    f"the saved state of parameter {number} is {', '.join(present)}; {type(self).__name__} keeps "
                    f"{', '.join(self.state_names)}. Was it saved by another kind of optimizer?"
                )
            param = params[number]
            state[param] = {name: _restored(number, param, name, value) for name, value in present.items()}
        groups = []
        for group, saved in zip(self.param_groups, saved_groups):
            settings = {name: saved[name] for name in (*group, "initial_lr") if name in saved and name != "params"}
            groups.append({**group, **settings})
            self.check(groups[-1])
        self.state = state
        for group, loaded in zip(self.param_groups, groups):
            group.update(loaded)

    def _params(self) -> Iterator[Tensor]:
        return (param for group in self.param_groups for param in group["params"])

    def __repr__(self) -> str:
        groups = [
            ", ".join(f"{name}={value}" for name, value in group.items() if name != "params")
            + f": {len(group['params'])} tensors, {sum(param.numel() for param in group['params']):,} parameters"
            for group in self.param_groups
        ]
        return "\n  ".join([type(self).__name__, *groups])


def _in_order(given: Iterable[Any]) -> list[Any]:
    if isinstance(given, (set, frozenset)):
        raise TypeError("an optimizer takes its parameters in order, and a set's changes from run to run; give a list")
    return list(given)


def _restored(number: int, param: Tensor, name: str, value: Any) -> Tensor:
    """A copy of a saved tensor of the state: a count as it is, anything else in the parameter's dtype."""
    data = value.data if isinstance(value, Tensor) else np.asarray(value)
    if data.dtype.kind not in KINDS:
        raise ValueError(f"the saved {name} of parameter {number} has dtype {data.dtype}")
    if name == "step":
        if data.size != 1 or not data.item() >= 0 or not float(data.item()).is_integer():
            raise ValueError(f"the saved step of parameter {number} must be one whole number, not below 0")
        return Tensor(np.array(moved(data, cpu), np.int64).reshape(()))
    if data.shape != param.shape:
        raise ValueError(
            f"the saved {name} of parameter {number} has shape {data.shape}, the parameter here {param.shape}; "
            f"are the parameters in the same order?"
        )
    return Tensor(moved(data, backend_of(param.data)).astype(param.dtype, order="C"))
