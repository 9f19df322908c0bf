"""How a tensor is shown: a few values as PyTorch prints them, many as one line that says what they are like.

A `repr` must not fail: it is what one sees while looking for what did. Values that cannot be read (a device in a state
of error, say) are said to be so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backends import Array, backend_of
from ..tensor import Tensor

SHOWN = 12  # elements; of more, the line says what they are like
WIDTH = 80
_DEFAULT = (np.dtype(np.float32), np.dtype(np.int64), np.dtype(np.bool_))


def _repr(self: Tensor) -> str:
    few = self.data.size <= SHOWN
    try:
        parts = [_values(backend_of(self.data).to_host(self.data))] if few else _summary(self.data)
    except Exception as error:
        parts = [f"values cannot be read: {type(error).__name__}"]
    if not few:
        parts = [f"shape={self.shape}", f"dtype={self.dtype}", *parts]
    elif 0 in self.shape and self.shape != (0,):
        parts.append(f"size={self.shape}")
    if self.device != "cpu":
        parts.append(f"device={self.device!r}")
    if few and self.dtype not in _DEFAULT:
        parts.append(f"dtype={self.dtype}")
    if self.node is not None:
        parts.append(f"grad_fn=<{self.node.op.name}>")
    elif self.requires_grad:
        parts.append("requires_grad=True")
    return f"tensor({', '.join(parts)})"


def _format(self: Tensor, spec: str) -> str:
    """As the number it is, for a 0-d tensor: `f"{loss:.3f}"`. PyTorch: the same."""
    if self.ndim == 0:
        return format(self.data.item(), spec)
    if spec:
        raise TypeError(f"only a 0-d tensor is formatted as a number, this one has shape {self.shape}; use .tolist()")
    return repr(self)


# ---------------------------------------------------------------------------------------------------- a few values


def _values(array: np.ndarray[Any, Any]) -> str:
    if array.size == 0:
        return "[]"
    values = array.ravel().tolist()
    show = _as_float(array) if array.dtype.kind == "f" else str
    # As in PyTorch, zeros, nan and infinities have no say in how wide a column of floats is.
    counted = [v for v in values if v and math.isfinite(v)] if array.dtype.kind == "f" else values
    width = max((len(show(value)) for value in counted), default=0) if array.ndim else 0
    return _nested([show(value).rjust(width) for value in values], array.shape, len("tensor("), width)


def _as_float(array: np.ndarray[Any, Any]) -> Callable[[float], str]:
    """One style for all: whole, with 4 decimals, or with an exponent where 4 decimals would hide something."""
    sizes = np.abs(array[np.isfinite(array) & (array != 0)].astype(np.float64))
    low, high = (sizes.min(), sizes.max()) if sizes.size else (1.0, 1.0)
    whole = bool((sizes == np.ceil(sizes)).all())
    if high / low > 1000.0 or high > 1e8 or (low < 1e-4 and not whole):
        return "{:.4e}".format
    if whole:
        return lambda value: f"{value:.0f}." if math.isfinite(value) else str(value)
    return "{:.4f}".format


def _nested(texts: Sequence[str], shape: tuple[int, ...], indent: int, width: int) -> str:
    if not shape:
        return texts[0]
    if len(shape) == 1:
        per_line = max(1, (WIDTH - indent) // (width + 2))
        lines = [", ".join(texts[start : start + per_line]) for start in range(0, len(texts), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    step = len(texts) // shape[0]
    rows = [_nested(texts[i * step : (i + 1) * step], shape[1:], indent + 1, width) for i in range(shape[0])]
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(rows) + "]"


# ---------------------------------------------------------------------------------------------------- many values


@np.errstate(all="ignore")
def _summary(array: Array) -> list[str]:
    """Smallest, mean and largest value, or how many are no numbers. Three passes over the values, no copy of them; the
    two that look for nan and infinities make an array of bools."""
    if array.dtype.kind == "b":
        return [f"true={np.count_nonzero(array)}"]
    low, high = np.min(array).item(), np.max(array).item()
    if math.isfinite(low) and math.isfinite(high):
        mean = np.mean(array, dtype=np.float64).item()
        show = "{:.4g}".format if array.dtype.kind == "f" else str
        return [f"min={show(low)}", f"mean={mean:.4g}", f"max={show(high)}"]
    counts = {"nan": np.isnan(array).sum().item(), "inf": np.isinf(array).sum().item()}
    return [f"{name}={count}" for name, count in counts.items() if count]


PROTOCOL: dict[str, Callable[..., Any]] = {"__repr__": _repr, "__format__": _format}
