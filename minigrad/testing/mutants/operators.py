"""Ways in which a backward is wrong wherever it is used: by a factor, in what is missing, in the arrangement, in one
entry, in precision, in memory. What is wrong for some inputs or settings only is in `circumstances`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .call import Call, Kind, Needs, operator

Array: TypeAlias = Any


# ------------------------------------------------------------------------------------------------- by a factor


def _scaled(name: str, sentence: str, factor: Callable[[Call], float], needs: Needs = "nothing") -> None:
    operator(name, sentence, needs)(lambda call: call.gradient * call.gradient.dtype.type(factor(call)))


def _along(call: Call) -> int:
    """How many entries a sum over the last dimension of the argument has."""
    return call.shape[-1] if call.shape else 1


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))


_scaled("sign", "the sign is wrong", lambda call: -1.0)
_scaled("a millionth too large", "a constant is off in its seventh digit", lambda call: 1 + 1e-6)
_scaled("0.05% too large", "a constant is off in its fourth digit", lambda call: 1.0005)
_scaled("doubled", "it is added twice", lambda call: 2.0)
_scaled("halved", "the 2 of a square is forgotten", lambda call: 0.5)
_scaled("times n", "the mean is taken for a sum", _along)
_scaled("divided by n", "the sum is taken for a mean", lambda call: 1 / max(_along(call), 1))
_scaled(
    "ddof", "n - 1 stands where n belongs",
    lambda call: _size(call.shape) / max(_size(call.shape) - 1, 0.5),
)  # fmt: skip
_scaled(
    "duplicate unbroadcast", "what was broadcast is summed once for every copy",
    lambda call: call.gradient.size / max(_size(call.shape), 1), "broadcasting",
)  # fmt: skip


# --------------------------------------------------------------------------------------------- something is missing


@operator("zero", "the gradient is zero")
def _zero(call: Call) -> Array:
    return np.zeros_like(call.gradient)


@operator("None", "the gradient is not there", of_zero=True)
def _none(call: Call) -> None:
    return None


@operator("clipped", "it is kept between -1/2 and 1/2")
def _clipped(call: Call) -> Array:
    return np.clip(call.gradient, -0.5, 0.5)


@operator("centred", "its mean is taken away")
def _centred(call: Call) -> Array:
    gradient = call.gradient
    mean = gradient.mean() if gradient.size else 0
    # That of a shift of softmax has none but for the rounding of terms of the size of the cotangent.
    size = max(np.abs(each).max(initial=0) for each in (gradient, np.asarray(call.cotangent)))
    return gradient - mean if abs(mean) > 1024 * np.finfo(gradient.dtype).eps * size else gradient


# ------------------------------------------------------------------------------------------- the wrong arrangement


@operator("swap", "it is the gradient of another argument", "other")
def _swap(call: Call) -> Any:
    assert call.other is not None
    return call.other()


@operator("transpose", "a transpose is missing", of_zero=True)
def _transpose(call: Call) -> Array:
    return call.gradient.T.copy()


@operator("rolled", "the entries are one off along the last dimension")
def _rolled(call: Call) -> Array:
    return np.roll(call.gradient, 1, -1) if call.gradient.ndim else call.gradient


@operator("flipped", "the first dimension is backwards")
def _flipped(call: Call) -> Array:
    return call.gradient[::-1].copy() if call.gradient.ndim else call.gradient


@operator("in Fortran's order", "a reshape takes columns first")
def _fortran(call: Call) -> Array:
    return call.gradient.reshape(-1).reshape(call.gradient.shape, order="F").copy()


@operator("keepdims lost", "dimensions of size 1 are dropped", of_zero=True)
def _squeezed(call: Call) -> Array:
    return call.gradient.squeeze().copy()


@operator("unbroadcast forgotten", "of what was broadcast one copy is taken and not the sum", "broadcasting")
def _one_copy(call: Call) -> Array:
    copies = call.gradient
    copies = copies[(0,) * (copies.ndim - len(call.shape))] if copies.size else copies
    if copies.ndim != len(call.shape) or not copies.size:
        return call.gradient
    return copies[tuple(slice(1 if size == 1 else None) for size in call.shape)].copy()


@operator("a dimension too many", "one of size 1 is left in front")
def _unsqueezed(call: Call) -> Array:
    return np.repeat(call.gradient[None], 2, 0)


# ---------------------------------------------------------------------------------------------- one entry is wrong


def _entry(name: str, sentence: str, place: Callable[[int], int]) -> None:
    def spoil(call: Call) -> Array:
        wrong = np.array(call.gradient)
        if wrong.size:
            index = np.unravel_index(place(wrong.size), wrong.shape)
            wrong[index] *= 1.01
        return wrong

    operator(name, sentence)(spoil)


_entry("first entry", "the first entry is 1% too large", lambda size: 0)
_entry("last entry", "the last entry is 1% too large", lambda size: size - 1)
_entry("one entry", "an entry in the middle is 1% too large", lambda size: size * 2654435761 // 7 % size)


def _masked(name: str, sentence: str, spoil: Callable[[Array, Array], Array], kind: Kind = "") -> None:
    """By a mask of the input, or of the cotangent where shapes differ."""

    def masked(call: Call) -> Array:
        x = call.x if call.x.shape == call.gradient.shape else call.gradient
        return spoil(call.gradient, x)

    operator(name, sentence, "inputs", kind=kind)(masked)


_masked("mask inverted", "the sign is wrong where the input is positive", lambda d, x: np.where(x > 0, -d, d))
_masked("negative dropped", "it is zero where the input is negative", lambda d, x: np.where(x < 0, np.zeros_like(d), d))
_masked("nan at zero", "it is nan where the input is exactly 0, though there is a derivative",
        lambda d, x: np.where((x == 0) & np.isfinite(d), d.dtype.type("nan"), d), "zeros")  # fmt: skip


# ------------------------------------------------------------------------------------------------------- precision


@operator("float32", "it is computed in float32")
def _float32(call: Call) -> Array:
    return call.gradient.astype(np.float32).astype(call.gradient.dtype) * call.gradient.dtype.type(1)


@operator("float16", "it is computed in float16")
def _float16(call: Call) -> Array:
    return call.gradient.astype(np.float16).astype(call.gradient.dtype)


# ---------------------------------------------------------------------------------------- not linear, not repeated


@operator("a constant added", "something is added that does not depend on the cotangent", of_zero=True)
def _added(call: Call) -> Array:
    return call.gradient + call.gradient.dtype.type(1e-3)


@operator("squared", "the cotangent counts twice")
def _squared(call: Call) -> Array:
    return call.gradient * np.abs(call.gradient)


@operator("random", "random numbers are drawn anew, of a relative 1e-7")
def _random(call: Call) -> Array:
    rng = call.memory.setdefault("rng", np.random.default_rng(0))
    return call.gradient * (1 + 1e-7 * rng.standard_normal(call.gradient.shape)).astype(call.gradient.dtype)


@operator("accumulated", "what was there from the last backward is added")
def _accumulated(call: Call) -> Array:
    kept = call.memory.get(call.gradient.shape, 0)
    call.memory[call.gradient.shape] = np.array(call.gradient)
    return call.gradient + kept


def _kind(value: Any) -> tuple[Any, ...]:
    return np.shape(value), type(value), getattr(value, "dtype", None)


@operator("stale saved values", "it uses what was saved for the backward before", "read")
def _stale(call: Call) -> Any:
    now = tuple(each.copy() if isinstance(each, np.ndarray) else each for each in call.read)
    last = call.memory.get("read", now)
    call.memory["read"] = now
    fits = [_kind(a) == _kind(b) for a, b in zip(now, last)]
    return call.again(last) if all(fits) else call.gradient


# ---------------------------------------------------------------------------------------------------------- memory


@operator("cotangent scaled", "the cotangent it is given is multiplied in place", of_zero=True)
def _cotangent(call: Call) -> Array:
    if isinstance(call.cotangent, np.ndarray):
        call.cotangent[...] *= 2
    return call.gradient


@operator("written into the cotangent", "the result is put where the cotangent was", of_zero=True)
def _aliased(call: Call) -> Array:
    if not isinstance(call.cotangent, np.ndarray) or not _fits(call.cotangent, call.gradient):
        return call.gradient
    call.cotangent[...] = call.gradient
    return call.cotangent[...]


@operator("written into the input", "the result is put where the input was", "inputs", of_zero=True)
def _input(call: Call) -> Array:
    if not isinstance(call.inputs[call.number], np.ndarray) or not _fits(call.x, call.gradient):
        return call.gradient
    call.x[...] = call.gradient
    return call.gradient


def _fits(memory: Array, values: Array) -> bool:
    return bool(memory.shape == values.shape and memory.dtype == values.dtype)


@operator("saved values scaled", "what was saved for it is multiplied in place", "read", of_zero=True)
def _saved(call: Call) -> Array:
    for each in call.read:
        if isinstance(each, np.ndarray) and each.dtype.kind == "f" and each.flags.writeable:
            each *= 2
    return call.gradient


@operator("one buffer", "every call returns the same memory", of_zero=True)
def _buffer(call: Call) -> Array:
    kept = call.memory.setdefault((call.gradient.shape, call.gradient.dtype), np.empty_like(call.gradient))
    kept[...] = call.gradient
    return kept
