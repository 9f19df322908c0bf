"""Calls of every operation over a grid of arguments: what PyTorch answers to them, `make_grid.py` records in grid.npz.

`grid_cases.py` says for each function which values each of its parameters may take. Here the calls are made of it: the
first values of all, then each other value by itself, then some mixtures. Of a call counts what comes out: dtypes,
shapes, values, whether it has a history and whose memory it is; or that it is refused.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.oracle.calls.family import numbers

DTYPES = {"f16": "float16", "f32": "float32", "f64": "float64", "u8": "uint8", "i8": "int8", "i32": "int32",
          "i64": "int64", "b": "bool"}  # fmt: skip
REFUSALS = (RuntimeError, TypeError, ValueError, IndexError, ArithmeticError, AttributeError, NotImplementedError)
MIXTURES = 16


@dataclass(frozen=True)
class Tensor:
    """A tensor to be made: "f64:2,3", or "5:2,3" for indices below 5, or "+f64:2,3" for numbers above 0."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def made(self, library, position):
        kind, _, sizes = self.text.partition(":")
        size = tuple(map(int, sizes.split(","))) if sizes else ()
        if kind.isdigit():
            return library.tensor((np.arange(np.prod(size, dtype=int)) * 7 + position).reshape(size) % int(kind))
        dtype = np.dtype(DTYPES[kind.removeprefix("+")])
        if dtype.kind == "f":
            values = numbers(size, position, 0.1 if kind[0] == "+" else -2.0, 3.0).round(2).astype(dtype)
        else:
            start = 1 if kind[0] == "+" else 0 if dtype.kind in "ub" else -2
            values = ((np.arange(np.prod(size, dtype=int)) * 7 + position) % 5 + start).reshape(size)
            values = values % 2 == 0 if dtype.kind == "b" else values.astype(dtype)
        return library.tensor(values, requires_grad=dtype == np.float64)


@dataclass(frozen=True)
class Dtype:
    name: str

    def __repr__(self) -> str:
        return self.name

    def made(self, library, position):
        return getattr(library, self.name, None) or np.dtype(self.name)


@dataclass
class Sheet:
    """Values for the parameters of some functions: those that go by position, and those that go by name alone."""

    names: str
    given: dict[str, list[Any]]
    named: dict[str, list[Any]] = field(default_factory=dict)
    unnamed: int = 1  # so many parameters always go by position


class Omitted:
    def __repr__(self) -> str:
        return "-"


OMIT = Omitted()


@dataclass
class Call:
    name: str
    args: list[Any]
    settings: dict[str, Any]

    def __repr__(self) -> str:
        return f"{self.name}({', '.join([*map(repr, self.args), *(f'{k}={v!r}' for k, v in self.settings.items())])})"


def calls_of(name: str, sheets: list[Sheet]) -> Iterator[Call]:
    """All calls of a function, each one time."""
    seen = set()
    for sheet in sheets:
        if name in sheet.names.split():
            for call in _calls(name, sheet):
                if repr(call) not in seen:
                    seen.add(repr(call))
                    yield call


def _calls(name: str, sheet: Sheet) -> Iterator[Call]:
    chance = random.Random(f"{name} {sheet.given.keys()}")
    values = {**sheet.given, **sheet.named}
    first = {key: several[0] for key, several in values.items()}
    chosen = [first, *({**first, key: value} for key, several in values.items() for value in several[1:])]
    chosen += [{key: chance.choice(several) for key, several in values.items()} for _ in range(MIXTURES)]
    for number, each in enumerate(chosen):
        args, settings, by_name = [], {}, False
        for place, (key, value) in enumerate(each.items()):
            by_name |= key in sheet.named or value is OMIT or (place >= sheet.unnamed and number % 3 == 2)
            if value is OMIT:
                continue
            parts = value if "," in key else (value,)  # "x, y": two parameters whose values go together
            if by_name and len(parts) == 1:
                settings[key] = value
            elif by_name:
                settings.update(zip(key.split(", "), parts))
            else:
                args.extend(parts)
        yield Call(name, args, settings)


def _made(value, library, position):
    if isinstance(value, (Tensor, Dtype)):
        return value.made(library, position)
    if isinstance(value, (tuple, list)):
        return type(value)(_made(each, library, position + number) for number, each in enumerate(value))
    return value


def function_of(library, name):
    """A method where the name says so, "Tensor.view", and a function otherwise: "sum", "linalg.norm"."""
    for part in name.split("."):
        library = getattr(library, part)
    return library


def outcome(library, call: Call):
    """What a call returns, and the arguments it was given."""
    args = [_made(value, library, place) for place, value in enumerate(call.args)]
    settings = {key: _made(value, library, 5 + place) for place, (key, value) in enumerate(call.settings.items())}
    first = args[:1]
    if call.name.endswith("_"):
        args[0] = args[0].clone()  # a leaf is not written to
    return function_of(library, call.name)(*args, **settings), (args, settings, first)


def described(out, given) -> tuple[str, list[float]]:
    """What came out of a call: dtypes and shapes, "*" for a history, "&" for memory shared with an argument; and all
    values in a row."""
    values: list[float] = []
    return _told(out, list(tensors_in(given)), values), values


def tensors_in(given):
    if hasattr(given, "requires_grad"):
        yield given
    elif isinstance(given, (tuple, list, dict)):
        for each in given.values() if isinstance(given, dict) else given:
            yield from tensors_in(each)


def _shared(out, given):
    if hasattr(out, "untyped_storage"):
        memories = {tensor.untyped_storage().data_ptr() for tensor in given}
        return out.numel() > 0 and out.untyped_storage().data_ptr() in memories
    return any(np.shares_memory(out.data, tensor.data) for tensor in given)


def _told(out, given, values):
    if isinstance(out, (tuple, list)):
        return f"({' '.join(_told(each, given, values) for each in out)})"
    if hasattr(out, "requires_grad"):
        values.extend(out.detach().cpu().numpy().ravel().astype(np.float64))
        sizes = ",".join(map(str, out.shape))
        marks = "*" * out.requires_grad + "&" * _shared(out, given)
        return f"{str(out.dtype).removeprefix('torch.')}[{sizes}]{marks}"
    if isinstance(out, (bool, int, float)):
        values.append(float(out))
        return f"{type(out).__name__}!"
    return str(out).removeprefix("torch.")
