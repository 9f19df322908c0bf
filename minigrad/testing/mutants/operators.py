"""Ways in which a backward is wrong: each a small function that spoils one gradient, with a name and a sentence.

An operator sees a `Call` of one rule and returns what the wrong rule would. It is given arrays, for a plain backward is
what most of them spoil; those of the second order are given tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

Array: TypeAlias = Any


@dataclass
class Call:
    """One call of the rule for the gradient of one argument.

    cotangent: of the output.
    gradient: what the right rule says; memory of its own.
    shape: of the argument.
    inputs: the argument, if the operator asks for it, or all of them; the one that is differentiated is at `number`.
    read: what the right rule read: arguments, outputs, shapes.
    again: the right rule, given other values for what it read.
    other: the gradient of another argument, if there is one.
    memory: what the operator likes to keep from one call to the next.
    """

    cotangent: Any
    gradient: Any
    shape: tuple[int, ...]
    number: int
    read: tuple[Any, ...]
    again: Callable[[tuple[Any, ...]], Any]
    inputs: tuple[Any, ...] = ()
    other: Callable[[], Any] | None = None
    memory: dict[Any, Any] = field(default_factory=dict)

    @property
    def x(self) -> Array:
        return np.asarray(self.inputs[self.number])


SOMEWHERE = "somewhere"  # in the memory: whether there was such an input, though the gradient may have been 0
Needs = Literal["nothing", "inputs", "several inputs", "other", "read"]


@dataclass(frozen=True)
class Operator:
    """`needs`: what a rule must have for this to make sense; `recorded`: it spoils the backward that is recorded, which
    shows in the second order alone; `somewhere`: it makes a difference for some inputs only, so that there should be
    examples of these."""

    name: str
    sentence: str
    spoil: Callable[[Call], Any]
    needs: Needs = "nothing"
    recorded: bool = False
    somewhere: bool = False


OPERATORS: dict[str, Operator] = {}


def _operator(
    name: str, sentence: str, needs: Needs = "nothing", recorded: bool = False, somewhere: bool = False
) -> Callable[[Callable[[Call], Any]], Callable[[Call], Any]]:
    def enter(spoil: Callable[[Call], Any]) -> Callable[[Call], Any]:
        OPERATORS[name] = Operator(name, sentence, spoil, needs, recorded, somewhere)
        return spoil

    return enter


# ------------------------------------------------------------------------------------------------- by a factor


def _scaled(name: str, sentence: str, factor: Callable[[Call], float]) -> None:
    _operator(name, sentence)(lambda call: call.gradient * call.gradient.dtype.type(factor(call)))


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
    lambda call: call.gradient.size / max(_size(call.shape), 1),
)  # fmt: skip


# --------------------------------------------------------------------------------------------- something is missing


@_operator("zero", "the gradient is zero")
def _zero(call: Call) -> Array:
    return np.zeros_like(call.gradient)


@_operator("None", "the gradient is not there")
def _none(call: Call) -> None:
    return None


@_operator("clipped", "it is kept between -1/2 and 1/2")
def _clipped(call: Call) -> Array:
    return np.clip(call.gradient, -0.5, 0.5)


@_operator("centred", "its mean is taken away")
def _centred(call: Call) -> Array:
    gradient = call.gradient
    mean = gradient.mean() if gradient.size else 0
    rounding = 64 * np.finfo(gradient.dtype).eps * np.abs(gradient).max(initial=0)
    return gradient - mean if abs(mean) > rounding else gradient  # that of a shift of softmax has none


# ------------------------------------------------------------------------------------------- the wrong arrangement


@_operator("swap", "it is the gradient of another argument", "other")
def _swap(call: Call) -> Any:
    assert call.other is not None
    return call.other()


@_operator("transpose", "a transpose is missing")
def _transpose(call: Call) -> Array:
    return call.gradient.T.copy()


@_operator("rolled", "the entries are one off along the last dimension")
def _rolled(call: Call) -> Array:
    return np.roll(call.gradient, 1, -1) if call.gradient.ndim else call.gradient


@_operator("flipped", "the first dimension is backwards")
def _flipped(call: Call) -> Array:
    return call.gradient[::-1].copy() if call.gradient.ndim else call.gradient


@_operator("in Fortran's order", "a reshape takes columns first")
def _fortran(call: Call) -> Array:
    return call.gradient.reshape(-1).reshape(call.gradient.shape, order="F").copy()


@_operator("keepdims lost", "dimensions of size 1 are dropped")
def _squeezed(call: Call) -> Array:
    return call.gradient.squeeze().copy()


@_operator("a dimension too many", "one of size 1 is left in front")
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

    _operator(name, sentence)(spoil)


_entry("first entry", "the first entry is 1% too large", lambda size: 0)
_entry("last entry", "the last entry is 1% too large", lambda size: size - 1)
_entry("one entry", "an entry in the middle is 1% too large", lambda size: size * 2654435761 // 7 % size)


def _masked(name: str, sentence: str, spoil: Callable[[Array, Array], Array]) -> None:
    """By a mask of the input, or of the cotangent where shapes differ."""

    def masked(call: Call) -> Array:
        x = call.x if call.x.shape == call.gradient.shape else call.gradient
        return spoil(call.gradient, x)

    _operator(name, sentence, "inputs")(masked)


_masked("mask inverted", "the sign is wrong where the input is positive", lambda d, x: np.where(x > 0, -d, d))
_masked("negative dropped", "it is zero where the input is negative", lambda d, x: np.where(x < 0, np.zeros_like(d), d))
_masked("nan at zero", "it is nan where the input is exactly 0, though there is a derivative",
        lambda d, x: np.where((x == 0) & np.isfinite(d), d.dtype.type("nan"), d))  # fmt: skip


# ------------------------------------------------------------------------------------------------------- precision


@_operator("float32", "it is computed in float32")
def _float32(call: Call) -> Array:
    return call.gradient.astype(np.float32).astype(call.gradient.dtype) * call.gradient.dtype.type(1)


@_operator("float16", "it is computed in float16")
def _float16(call: Call) -> Array:
    return call.gradient.astype(np.float16).astype(call.gradient.dtype)


# ---------------------------------------------------------------------------------------- not linear, not repeated


@_operator("a constant added", "something is added that does not depend on the cotangent")
def _added(call: Call) -> Array:
    return call.gradient + call.gradient.dtype.type(1e-3)


@_operator("squared", "the cotangent counts twice")
def _squared(call: Call) -> Array:
    return call.gradient * np.abs(call.gradient)


@_operator("random", "random numbers are drawn anew, of a relative 1e-7")
def _random(call: Call) -> Array:
    rng = call.memory.setdefault("rng", np.random.default_rng(0))
    return call.gradient * (1 + 1e-7 * rng.standard_normal(call.gradient.shape)).astype(call.gradient.dtype)


@_operator("accumulated", "what was there from the last backward is added")
def _accumulated(call: Call) -> Array:
    kept = call.memory.get(call.gradient.shape, 0)
    call.memory[call.gradient.shape] = np.array(call.gradient)
    return call.gradient + kept


def _kind(value: Any) -> tuple[Any, ...]:
    return np.shape(value), type(value), getattr(value, "dtype", None)


@_operator("stale saved values", "it uses what was saved for the backward before", "read")
def _stale(call: Call) -> Any:
    now = tuple(each.copy() if isinstance(each, np.ndarray) else each for each in call.read)
    last = call.memory.get("read", now)
    call.memory["read"] = now
    fits = [_kind(a) == _kind(b) for a, b in zip(now, last)]
    return call.again(last) if all(fits) else call.gradient


# ---------------------------------------------------------------------------------------------------------- memory


@_operator("cotangent scaled", "the cotangent it is given is multiplied in place")
def _cotangent(call: Call) -> Array:
    if isinstance(call.cotangent, np.ndarray):
        call.cotangent[...] *= 2
    return call.gradient


@_operator("written into the cotangent", "the result is put where the cotangent was")
def _aliased(call: Call) -> Array:
    if not isinstance(call.cotangent, np.ndarray) or not _fits(call.cotangent, call.gradient):
        return call.gradient
    call.cotangent[...] = call.gradient
    return call.cotangent[...]


@_operator("written into the input", "the result is put where the input was", "inputs")
def _input(call: Call) -> Array:
    if not isinstance(call.inputs[call.number], np.ndarray) or not _fits(call.x, call.gradient):
        return call.gradient
    call.x[...] = call.gradient
    return call.gradient


def _fits(memory: Array, values: Array) -> bool:
    return bool(memory.shape == values.shape and memory.dtype == values.dtype)


@_operator("one buffer", "every call returns the same memory")
def _buffer(call: Call) -> Array:
    kept = call.memory.setdefault((call.gradient.shape, call.gradient.dtype), np.empty_like(call.gradient))
    kept[...] = call.gradient
    return kept


# --------------------------------------------------------------------------------------------- for some inputs only


def _for_some(name: str, sentence: str, when: Callable[[Call], bool], needs: Needs = "inputs") -> None:
    def spoil(call: Call) -> Array:
        here = when(call)
        call.memory[SOMEWHERE] = here or call.memory.get(SOMEWHERE, False)
        return call.gradient * call.gradient.dtype.type(1.01 if here else 1)

    _operator(name, sentence, needs, somewhere=True)(spoil)


def _repeated(call: Call) -> bool:
    arrays = [each for i, each in enumerate(call.inputs) if i != call.number and isinstance(each, np.ndarray)]
    return any(each.size and np.shares_memory(each, call.x) for each in arrays)


_for_some("wrong in other layouts", "it is 1% off if the input does not lie in C order",
          lambda call: not call.x.flags.c_contiguous)  # fmt: skip
_for_some("wrong for size 1", "it is 1% off if a dimension has size 1", lambda call: 1 in call.shape, "nothing")
_for_some("wrong for a repeated argument", "it is 1% off if two arguments are one array", _repeated, "several inputs")


# -------------------------------------------------------------------------------------------------- second order


@_operator("second order: 0.1% too large", "the recorded backward has another constant", recorded=True)
def _recorded(call: Call) -> Any:
    return call.gradient * 1.001


@_operator("second order: cut off", "the recorded backward is a constant", recorded=True)
def _detached(call: Call) -> Any:
    return call.gradient.detach()


@_operator("second order: inputs are constants", "the recorded backward depends on the cotangent alone",
           "read", recorded=True)  # fmt: skip
def _constants(call: Call) -> Any:
    return call.again(tuple(each.detach() if hasattr(each, "detach") else each for each in call.read))
