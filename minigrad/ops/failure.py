"""Messages for operations that failed. Built only after the fact: success pays nothing for them.

A primitive explains its own failures; `explained` does it for whatever else is public.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from .. import grad_mode
from ..backends import backend_of
from ..tensor import HELD, KINDS, OTHER_KINDS, Tensor

F = TypeVar("F")


class ShapeError(ValueError, RuntimeError):
    """Shapes that do not fit. Both what NumPy's users expect (ValueError) and PyTorch's (RuntimeError)."""


class LinAlgError(ValueError, RuntimeError):
    """A matrix that has no such factor or inverse. PyTorch: `torch.linalg.LinAlgError`, a RuntimeError."""


class DivisionByZeroError(ZeroDivisionError, RuntimeError):
    """Integers divided by 0."""


class DTypeError(TypeError, RuntimeError):
    """A dtype an operation does not work on."""


class DeviceError(TypeError, RuntimeError):
    """Arrays of one operation lie on different devices."""


# Errors that say themselves what they are, and are passed on. Not by `raise error from error`: a ring, which keeps all
# arrays of its frames.
KEPT = (RecursionError, NotImplementedError, FloatingPointError, BufferError, Warning)


# ------------------------------------------------------------------------------------------- of a primitive


def add_place(name: str, args: Sequence[Any], error: Exception) -> None:
    """Note with an error where it happened."""
    error.add_note(f"in {name} of {_operands(args)}{in_module()}")


def explain(name: str, args: Sequence[Any], settings: dict[str, Any], error: Exception) -> Exception:
    """The exception to raise for an operation that failed with `error`, none of `KEPT`, on these arguments."""
    message = f"{name} of {_operands(args)}"
    if isinstance(error, MemoryError):
        return MemoryError(f"{message}{in_module()}: {error}")
    if isinstance(error, LinAlgError):
        return LinAlgError(f"{message}{in_module()}: {error}")
    arrays = [a.data if isinstance(a, Tensor) else a for a in args]
    devices = sorted({backend_of(a).device for a in arrays if hasattr(a, "dtype") and not isinstance(a, np.generic)})
    if settings:
        message += _with(settings)
    message += in_module()
    if len(devices) > 1:
        return DeviceError(f"{message}: the tensors are on different devices ({', '.join(devices)}); use .to(device)")
    strangers = [a for a in args if not (is_array(a) and _is_ours(a)) and not isinstance(a, (bool, int, float))]
    if strangers:
        return DTypeError(f"{message}: {_strange(strangers[0])}")
    misfits = [a for a in args if is_array(a) and not _holds_numbers(a)]
    if misfits:
        return DTypeError(f"{message}: {_unheld('a tensor', misfits[0])}")
    if isinstance(error, AttributeError):
        return DTypeError(f"{message}: it takes a tensor; use minigrad.tensor(...)")
    if isinstance(error, IndexError):
        return IndexError(f"{message}: {in_our_words(error)}")
    reason = _mismatch(name, args, settings) or in_our_words(error)
    if isinstance(error, TypeError):
        return DTypeError(f"{message}: {reason}")
    if isinstance(error, (ValueError, OverflowError)):
        return ShapeError(f"{message}: {reason}")
    if isinstance(error, ZeroDivisionError):
        return DivisionByZeroError(f"{message}: {error}")
    return RuntimeError(f"{message}: {error}")


def no_out(name: str) -> str:
    return f"results are returned, not written to out=; use x = {name}(...), or x.copy_({name}(...))"


def is_array(value: Any) -> bool:
    """Whether it is a tensor or an array. (NumPy's classes of numbers have a `dtype` too.)"""
    return hasattr(value, "dtype") and isinstance(getattr(value, "shape", None), tuple)


def _is_ours(array: Any) -> bool:
    """Whether its dtype is NumPy's, as that of every backend's arrays is: not another library's tensor."""
    return isinstance(array.dtype, np.dtype)


def check_numbers(args: Sequence[Any]) -> None:
    """Raise TypeError if one of the arguments is neither an array nor a number; `explain` says which."""
    for arg in args:
        if not isinstance(arg, (bool, int, float)) and not is_array(arg):
            raise TypeError


def check_held(name: str, what: str, value: Any) -> None:
    """Raise DTypeError for a value that no tensor can hold: an array of text or objects, a complex number."""
    if isinstance(value, complex) or (is_array(value) and not _holds_numbers(value)):
        raise DTypeError(f"{name}: {_unheld(what, value)}{in_module()}")


def check_tensors(name: str, *args: Any) -> None:
    """Raise DTypeError if one of the arguments is no tensor."""
    strangers = [type(arg).__name__ for arg in args if not is_array(arg)]
    if strangers:
        raise DTypeError(f"{name} takes tensors, got {' and '.join(strangers)}; use minigrad.tensor(...){in_module()}")


def in_module() -> str:
    """The end of a message: the module that is running, if one is."""
    module = grad_mode.state.get().module
    return f", in module {module!r}" if module else ""


def _operands(args: Sequence[Any]) -> str:
    return " and ".join(_operand(arg) for arg in args)


def _operand(arg: Any) -> str:
    if is_array(arg):
        return f"{tuple(arg.shape)} {arg.dtype}"
    return repr(arg) if isinstance(arg, (bool, int, float)) else type(arg).__name__


def _with(settings: dict[str, Any]) -> str:
    plain = ", ".join(
        f"{key}={value!r}"
        for key, value in settings.items()
        if _is_plain(value) and value is not None and value is not False and key not in _OUR_OWN
    )
    return f" with {plain}" if plain else ""


_OUR_OWN = {"bounds", "data", "home"}  # settings of primitives that no call names, and what is too long to show


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):  # sizes, dims, an index; never data
        return len(value) < 9 and all(_is_plain(item) and not isinstance(item, float) for item in value)
    if isinstance(value, str):
        return len(value) < 40
    return value is None or isinstance(value, (bool, int, float, slice, np.dtype, type(...)))


def _strange(value: Any) -> str:
    """What is wrong with an argument that is no tensor where one belongs."""
    if isinstance(value, complex):
        return _unheld("a tensor", value)
    hint = "" if value is None else "; use minigrad.tensor(...)"
    return f"{_called(value)} is neither a tensor nor a number{hint}"


def _unheld(what: str, value: Any) -> str:
    kind = getattr(getattr(value, "dtype", None), "kind", "c" if isinstance(value, complex) else "")
    if not hasattr(type(value), "__array__") and hasattr(value, "numpy"):
        return f"{what} cannot be a {type(value).__name__} of {type(value).__module__}; convert it with .numpy()"
    return f"{what} cannot hold {OTHER_KINDS.get(kind) or getattr(value, 'dtype', '')}; {HELD}"


def _called(value: Any) -> str:
    kind = type(value)
    if value is None or kind.__module__ == "builtins":
        return "None" if value is None else kind.__name__
    return f"{kind.__module__}.{kind.__name__}"


def _holds_numbers(array: Any) -> bool:
    dtype = array.dtype
    return getattr(dtype, "kind", "?") in KINDS and dtype.itemsize <= 8


def in_our_words(error: Exception) -> str:
    """NumPy's reason, with the words that users of tensors know."""
    text = str(error).replace("axis", "dimension").replace("array", "tensor")
    for theirs, ours in _REWORDED.items():
        text = re.sub(theirs, ours, text)
    return "a size or number is too large for 64 bits" if _is_too_large(text) else text


_REWORDED = {
    r"too many indices for tensor: tensor is (\d+)-dimensional, but (\d+) were indexed":
        r"too many indices: \2 dimensions are indexed, the tensor has \1",
    r"boolean index did not match indexed tensor along dimension (\d+); size of dimension is (\d+) but size of "
    r"corresponding boolean dimension is (\d+)":
        r"the mask has size \3 at dimension \1, the tensor \2",
    r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)":
        r"index \1 is out of range for dimension \2 of size \3",
    r"could not broadcast input tensor from shape (\(.*?\)) into shape (\(.*?\))":
        r"values of shape \1 do not fit into a place of shape \2",
    r"shape mismatch: value tensor of shape (\(.*?\)) could not be broadcast to indexing result of shape (\(.*?\))":
        r"values of shape \1 do not fit into a place of shape \2",
    r"shape mismatch: indexing tensors could not be broadcast together with shapes (.*)":
        r"index tensors of shapes \1 do not broadcast",
}  # fmt: skip


def _is_too_large(text: str) -> bool:
    return any(
        words in text
        for words in ("is too big", "Maximum allowed", "too large", "integer is greater than maximum")
    )


def _mismatch(name: str, args: Sequence[Any], settings: dict[str, Any]) -> str:
    """Which dimension is at odds, for the operations whose rule is known."""
    shapes = list(map(np.shape, args))
    rule = _RULES.get(name)
    if rule is not None:
        reason = rule(shapes, settings)
        if reason is not None:
            return reason
    if name == "matmul":
        shapes = [(*shape[:-2], 1, 1) for shape in shapes]
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        sizes = {shape[-axis] for shape in shapes if len(shape) >= axis and shape[-axis] != 1}
        if len(sizes) > 1:
            at_odds = " and ".join(map(str, sorted(sizes)))
            return f"sizes {at_odds} at dimension {-axis} do not broadcast; they must be equal or 1"
    return ""


def _of_matmul(shapes: list[tuple[int, ...]], settings: dict[str, Any]) -> str | None:
    if not all(shapes):
        return "it takes two tensors of at least one dimension; multiply by a number with *"
    inner = shapes[0][-1], shapes[1][-2 if len(shapes[1]) > 1 else 0]
    if inner[0] == inner[1]:
        return None
    which = "second to last" if len(shapes[1]) > 1 else "only"
    return (
        f"the last dimension of the first is {inner[0]}, the {which} of the second {inner[1]}; they must be equal (is "
        f"one of them transposed?)"
    )


def _of_cat(shapes: list[tuple[int, ...]], settings: dict[str, Any]) -> str | None:
    dim = settings["dim"]
    if len(set(map(len, shapes))) > 1:
        return "the tensors must have equally many dimensions; unsqueeze() adds one"
    for axis, sizes in enumerate(zip(*shapes)):
        if axis != dim and len(set(sizes)) > 1:
            at_odds = " and ".join(map(str, dict.fromkeys(sizes)))
            return f"sizes {at_odds} at dimension {axis} differ; only dimension {dim}, where they are joined, may"
    return None


def _of_reshape(shapes: list[tuple[int, ...]], settings: dict[str, Any]) -> str | None:
    count, sizes = math.prod(shapes[0]), settings["shape"]
    if sizes.count(-1) > 1:
        return "only one size may be -1"
    known = math.prod(size for size in sizes if size != -1)
    if -1 not in sizes:
        return f"the tensor has {count} elements, the new shape {known}"
    if known == 0:
        return f"beside a size of 0, nothing follows for the -1 ({count} elements)"
    return f"the tensor has {count} elements, which is no multiple of {known}, the product of the other sizes"


def _of_expand(shapes: list[tuple[int, ...]], settings: dict[str, Any]) -> str | None:
    old, new = shapes[0], settings["shape"]
    for axis in range(1, len(old) + 1):
        if old[-axis] not in (1, new[-axis]):
            place = len(old) - axis
            return f"size {old[-axis]} at dimension {place} cannot become {new[-axis]}; only size 1 is repeated"
    return None


def _of_extreme(shapes: list[tuple[int, ...]], settings: dict[str, Any]) -> str | None:
    shape = shapes[0]
    axes = settings.get("axes", settings.get("axis"))
    for axis in range(len(shape)) if axes is None else axes if isinstance(axes, tuple) else (axes,):
        if shape[axis] == 0:
            return f"dimension {axis} has size 0: of no elements, none is the largest or smallest"
    return None


_RULES: dict[str, Callable[[list[tuple[int, ...]], dict[str, Any]], str | None]] = {
    "matmul": _of_matmul, "cat": _of_cat, "reshape": _of_reshape, "expand": _of_expand,
    **dict.fromkeys(("amax", "amin", "argmax", "argmin"), _of_extreme),
}  # fmt: skip


# ---------------------------------------------------------------------------------------- of other functions


def explained(function: F) -> F:
    """`function`, whose failures say its name and what it was given. A call that succeeds pays for the call alone.

    Primitives do so themselves, and classes are no functions: both are returned as they are.
    """
    if not inspect.isfunction(function):
        return function
    if function not in _known:
        _known[function] = _watched(function)
    return _known[function]  # type: ignore[no-any-return]


_known: dict[Any, Any] = {}  # so that an alias stays the same function


def _watched(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        try:
            return function(*args, **settings)
        except Exception as error:
            better = _explained(function, args, settings, error)
            if better is error:
                raise
            raise better from error

    return call


def _explained(
    function: Callable[..., Any], args: tuple[Any, ...], settings: dict[str, Any], error: Exception
) -> Exception:
    name, text = function.__name__, str(error)
    out = "out" in settings and isinstance(error, TypeError)
    base = name.rstrip("_")  # what is done in place is the work of an operation of that name
    named = re.match(rf"(linalg\.)?(the )?{base}_?\b", text) and not out
    if isinstance(error, KEPT) and not (named and isinstance(error, NotImplementedError)):
        return error
    try:
        given = inspect.signature(function).bind(*args, **settings).arguments
    except TypeError as wrong:
        if named:
            return type(error)(re.sub(rf"\b{base}\b", name, text, count=1))
        return TypeError(f"{name}: {no_out(name) if 'out' in settings else wrong}")
    flat = dict(_flat(given))
    text = _without_contents(text, flat.values())
    if named:
        text = re.sub(rf"\b{base}\b", name, text, count=1)
        return error if text == str(error) else type(error)(text)
    message = name
    tensors = [value for value in flat.values() if is_array(value)]
    if tensors:
        message += f" of {_operands(tensors)}"
    culprit = _culprit(given, error)
    if culprit is not None:
        return DTypeError(f"{message}{in_module()}: {culprit}")
    inner = re.match(rf"\w+ of {re.escape(_operands(tensors))}(?: with [^:]*)?: ", text)
    text = text[inner.end() :] if inner and tensors else text  # an operation of the same tensors: its reason is ours
    message += _with({key: value for key, value in given.items() if not is_array(value)})
    if "in module" not in text:
        message += in_module()
    if isinstance(error, (ShapeError, DTypeError, DeviceError, DivisionByZeroError, LinAlgError)):
        return type(error)(f"{message}: {text}")
    if isinstance(error, OverflowError) or (isinstance(error, ValueError) and _is_too_large(text)):
        return ShapeError(f"{message}: {in_our_words(error)}")
    for known in (MemoryError, IndexError, TypeError, ValueError, RuntimeError):
        if isinstance(error, known):
            return known(f"{message}: {in_our_words(known(text))}")
    return RuntimeError(f"{message}: {type(error).__name__}: {text}")


def _without_contents(text: str, values: Iterable[Any]) -> str:
    """A message without what arrays and strange objects contain: a name and a shape tell more."""
    for value in values:
        if is_array(value) or not _is_plain(value):
            for contents in (repr(value), str(value)):
                text = text.replace(contents, _operand(value)) if contents else text
    return text


def _flat(given: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments by name, and those inside a sequence by name and position."""
    for key, value in given.items():
        if isinstance(value, (tuple, list)) and len(value) < 100:
            yield from ((f"{key}[{place}]", item) for place, item in enumerate(value))
        else:
            yield key, value


def _culprit(given: dict[str, Any], error: Exception) -> str | None:
    """Which argument is of a kind that the function could do nothing with."""
    flat = dict(_flat(given))
    if isinstance(error, AttributeError):
        for key, value in {**given, **flat}.items():
            if value is error.obj:
                hint = "; use minigrad.tensor(...)" if isinstance(value, (list, tuple, bool, int, float)) else ""
                return f"{key} must be a tensor, got {_called(value)}{hint}"
    for key, value in flat.items():
        if is_array(value) and not _holds_numbers(value):
            return _unheld(key, value)
    if isinstance(error, (TypeError, AttributeError)) and not isinstance(error, (DTypeError, DeviceError)):
        for key, value in {**given, **flat}.items():
            kind = type(value).__name__
            if not is_array(value) and not isinstance(value, (bool, int)) and re.search(rf"\b{kind}\b", str(error)):
                if key == next(iter(given)):
                    return f"{key} must be a tensor, got {_called(value)}"
                return f"{key} cannot be {'None' if value is None else f'of type {kind}'}"
    return None


__all__ = ["DTypeError", "DeviceError", "DivisionByZeroError", "ShapeError"]
