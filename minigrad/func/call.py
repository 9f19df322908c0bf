"""A module as a function of its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..nn import Module
from ..tensor import Tensor


def functional_call(
    module: Module, parameter_and_buffer_dicts: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    args: Any = None, kwargs: Mapping[str, Any] | None = None, *, tie_weights: bool = True, strict: bool = False,
) -> Any:  # fmt: skip
    """Call `module` with these tensors, by path, in the place of its parameters and buffers; it is unchanged after.

    PyTorch: `torch.func.functional_call`. `args` is one positional argument or a tuple of them. A tied parameter is
    replaced under all its names; without `tie_weights`, under the given ones. Other parameters stay as they are, or
    with `strict` it raises RuntimeError. Raises RuntimeError for a path that names no parameter or buffer, and
    ValueError for different values of one tied parameter. Not for calls of one module from several threads.

    >>> import minigrad as mg
    >>> linear = mg.nn.Linear(2, 1)
    >>> def loss(weights):
    ...     return mg.func.functional_call(linear, weights, mg.ones(2)).sum()
    >>> mg.func.grad(loss)({"weight": mg.zeros(1, 2), "bias": mg.zeros(1)})
    {'weight': tensor([[1., 1.]]), 'bias': tensor([1.])}
    """
    dicts = parameter_and_buffer_dicts
    given: dict[str, Tensor] = {}
    for each in [dicts] if isinstance(dicts, Mapping) else dicts:
        if given.keys() & each.keys():
            raise ValueError(f"functional_call: {', '.join(given.keys() & each.keys())} is given twice")
        given.update(each)
    places = {  # by path: where it is, and what is there now; a shared one under each of its paths
        f"{path}.{name}" if path else name: (owner, name, tensor)
        for path, owner in module.named_modules(remove_duplicate=False)
        for name, tensor in [*owner.named_parameters(recurse=False), *owner.named_buffers(recurse=False)]
    }
    unknown = [path for path in given if path not in places]
    replaced = {id(places[path][2]): value for path, value in given.items() if path in places} if tie_weights else {}
    missing = [path for path, (_, _, old) in places.items() if path not in given and id(old) not in replaced]
    if unknown or (strict and missing):
        complaints = [f"unexpected: {', '.join(unknown)}"] if unknown else []
        if strict and missing:
            complaints.append(f"missing: {', '.join(missing)}")
        raise RuntimeError(f"functional_call of {type(module).__name__}: {'; '.join(complaints)}")
    for path, value in given.items():
        if tie_weights and replaced[id(places[path][2])] is not value:
            raise ValueError(f"functional_call: {path} is tied to another parameter, and two values are given for it")
    try:
        for path, (owner, name, old) in places.items():
            owner.__dict__[name] = given[path] if path in given else replaced.get(id(old), old)
        positional = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*positional, **(kwargs or {}))
    finally:
        for owner, name, old in places.values():
            owner.__dict__[name] = old
