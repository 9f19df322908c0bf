"""Messages for operations that failed. Built only after the fact: success pays nothing for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import grad_mode
from ..backends import backend_of
from ..tensor import Tensor


class ShapeError(ValueError, RuntimeError):
    """Shapes that do not fit. Both what NumPy's users expect (ValueError) and PyTorch's (RuntimeError)."""


class DivisionByZeroError(ZeroDivisionError, RuntimeError):
    """Integers divided by 0."""


class DTypeError(TypeError, RuntimeError):
    """A dtype an operation does not work on."""


class DeviceError(TypeError, RuntimeError):
    """Arrays of one operation lie on different devices."""


# Errors that are passed on as they are. Not by `raise error from error`: a ring, which keeps all arrays of its frames.
KEPT = (MemoryError, RecursionError, NotImplementedError, FloatingPointError)


def add_place(name: str, args: Sequence[Any], error: Exception) -> None:
    """Note with an error where it happened."""
    error.add_note(f"in {name} of {_operands(args)}{in_module()}")


def explain(name: str, args: Sequence[Any], settings: dict[str, Any], error: Exception) -> Exception:
    """The exception to raise for an operation that failed with `error`, none of `KEPT`, on these arguments."""
    devices = sorted({backend_of(a.data).device for a in args if isinstance(a, Tensor)})
    message = f"{name} of {_operands(args)}"
    if settings:
        message += " with " + ", ".join(f"{key}={value!r}" for key, value in settings.items() if _is_plain(value))
    message += in_module()
    if len(devices) > 1:
        return DeviceError(f"{message}: the tensors are on different devices ({', '.join(devices)}); use .to(device)")
    strangers = [type(a).__name__ for a in args if not hasattr(a, "dtype") and not isinstance(a, (bool, int, float))]
    if strangers:
        return DTypeError(
            f"{message}: {', '.join(strangers)} is neither a tensor nor a number; use minigrad.tensor(...)"
        )
    if isinstance(error, IndexError):
        return IndexError(f"{message}: {error}")
    reason = _mismatch(name, [np.shape(a.data if isinstance(a, Tensor) else a) for a in args]) or str(error)
    if isinstance(error, TypeError):
        return DTypeError(f"{message}: {reason}")
    if isinstance(error, ValueError):
        return ShapeError(f"{message}: {reason}")
    if isinstance(error, ZeroDivisionError):
        return DivisionByZeroError(f"{message}: {error}")
    return RuntimeError(f"{message}: {error}")


def check_tensors(name: str, *args: Any) -> None:
    """Raise DTypeError if one of the arguments is no tensor."""
    strangers = [type(arg).__name__ for arg in args if not hasattr(arg, "dtype")]
    if strangers:
        raise DTypeError(f"{name} takes tensors, got {' and '.join(strangers)}; use minigrad.tensor(...){in_module()}")


def _operands(args: Sequence[Any]) -> str:
    return " and ".join(_operand(arg) for arg in args)


def _operand(arg: Any) -> str:
    if hasattr(arg, "dtype"):
        return f"{tuple(arg.shape)} {arg.dtype}"
    return repr(arg) if isinstance(arg, (bool, int, float)) else type(arg).__name__


def _is_plain(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str, slice, np.dtype, type(...)))


def in_module() -> str:
    """The end of a message: the module that is running, if one is."""
    module = grad_mode.state.get().module
    return f" in module {module!r}" if module else ""


def _mismatch(name: str, shapes: list[tuple[int, ...]]) -> str:
    """Which dimension is at odds, for the operations whose rule is known."""
    if name == "matmul" and len(shapes) == 2 and all(shapes):
        inner = shapes[0][-1], shapes[1][-2 if len(shapes[1]) > 1 else 0]
        if inner[0] != inner[1]:
            which = "second to last" if len(shapes[1]) > 1 else "only"
            return (
                f"the last dimension of the first is {inner[0]}, the {which} of the second {inner[1]}; they must be "
                f"equal (is one of them transposed?)"
            )
        shapes = [(*shape[:-2], 1, 1) for shape in shapes]
    if name == "cat":
        return ""  # NumPy's own words name the dimension
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        sizes = {shape[-axis] for shape in shapes if len(shape) >= axis and shape[-axis] != 1}
        if len(sizes) > 1:
            at_odds = " and ".join(map(str, sorted(sizes)))
            return f"sizes {at_odds} at dimension {-axis} do not broadcast; they must be equal or 1"
    return ""


__all__ = ["DTypeError", "DeviceError", "DivisionByZeroError", "ShapeError"]
