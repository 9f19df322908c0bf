"""Loading a module's state: first everything that does not fit is found, then the values are copied, or taken.

Used by `Module.load_state_dict`, which documents it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..backends import Array, as_array, cpu, moved
from ..tensor import Tensor
from ..writes import is_writable, log_write


class IncompatibleKeys(NamedTuple):
    """What `load_state_dict` did not find, and what it had no place for."""

    missing_keys: list[str]
    unexpected_keys: list[str]


def load(
    own: Mapping[str, Tensor], state_dict: Mapping[str, Tensor | Array], strict: bool, assign: bool, into: str
) -> IncompatibleKeys:
    """Give the tensors `own`, of a module of class `into`, the values of `state_dict`, or raise and change nothing."""
    given = {name: value for name, value in state_dict.items() if name in own}
    covered = {id(own[name]) for name in given}
    missing = [name for name, tensor in own.items() if id(tensor) not in covered]
    unexpected = [name for name in state_dict if name not in own]
    complaints = [f"missing: {', '.join(missing)}"] if strict and missing else []
    if strict and unexpected:
        complaints.append(f"unexpected: {', '.join(map(str, unexpected))}")
    first_name: dict[int, str] = {}
    for name, value in given.items():
        first = first_name.setdefault(id(own[name]), name)
        complaint = _misfit(own[name], value, assign)
        if complaint:
            complaints.append(f"{name}: {complaint}")
        elif first != name and not _same(given[first], value):
            complaints.append(f"{name} and {first} are one parameter here, and two values are given for it")
    if complaints:
        raise RuntimeError(f"load_state_dict into {into}:\n  " + "\n  ".join(complaints))
    for name, value in given.items():
        tensor = own[name]
        source = value.detach() if isinstance(value, Tensor) else Tensor(as_array(value))
        if assign:
            tensor.data, tensor.grad = source.data, None
            continue
        tensor.data[...] = source.to(device=tensor.device).data
        log_write(tensor.data, "load_state_dict")
    return IncompatibleKeys(missing, unexpected)


def _misfit(tensor: Tensor, value: Any, assign: bool) -> str:
    """Why `value` cannot be copied into `tensor`, or take its place; empty if it can."""
    if not isinstance(getattr(value, "dtype", None), np.dtype):
        if hasattr(value, "numpy"):
            return f"a {type(value).__name__} of {type(value).__module__} is given; convert it with .numpy()"
        return f"a {type(value).__name__} is neither a Tensor nor an array"
    if tuple(value.shape) != tensor.shape:
        return f"shape {tuple(value.shape)} is given, the module's is {tensor.shape}"
    same_kind = value.dtype.kind == tensor.dtype.kind
    if not same_kind and (assign or not np.can_cast(value.dtype, tensor.dtype, "same_kind")):
        return f"dtype {value.dtype} is given and does not convert to the module's {tensor.dtype}"
    if not assign and not is_writable(tensor.data):
        return "the module's memory is read-only; give it a copy, or load with assign=True"
    return ""


def _same(a: Any, b: Any) -> bool:
    if a is b:
        return True
    left, right = (moved(x.data if isinstance(x, Tensor) else x, cpu) for x in (a, b))
    return left.shape == right.shape and np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
