"""Ways in which a backward is wrong now and then: for some inputs, for some settings, in evaluation mode, or when it is
differentiated itself. Each of the first three kinds needs examples of its own to show in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from .call import AXES, KEYS, MODULE, NUMBERS, SIGNED, SOMEWHERE, Call, Kind, Needs, operator

Array: TypeAlias = Any


# --------------------------------------------------------------------------------------------- for some inputs only


def _for_some(name: str, sentence: str, when: Callable[[Call], bool], needs: Needs = "inputs", kind: Kind = "") -> None:
    def spoil(call: Call) -> Array:
        here = when(call)
        call.memory[SOMEWHERE] = here or call.memory.get(SOMEWHERE, False)
        return call.gradient * call.gradient.dtype.type(1.01 if here else 1)

    operator(name, sentence, needs, somewhere=True, kind=kind)(spoil)


def _repeated(call: Call) -> bool:
    arrays = [each for i, each in enumerate(call.inputs) if i != call.number and isinstance(each, np.ndarray)]
    return any(each.size and np.shares_memory(each, call.x) for each in arrays)


_for_some("wrong in other layouts", "it is 1% off if the input does not lie in C order",
          lambda call: not call.x.flags.c_contiguous)  # fmt: skip
_for_some("wrong for size 1", "it is 1% off if a dimension has size 1", lambda call: 1 in call.shape, "nothing")
_for_some("wrong for a repeated argument", "it is 1% off if two arguments are one array", _repeated, "several inputs",
          "repeated")  # fmt: skip
_for_some("wrong for cotangents in other layouts", "it is 1% off if the cotangent does not lie in C order",
          lambda call: isinstance(call.cotangent, np.ndarray) and not call.cotangent.flags.c_contiguous,
          "nothing")  # fmt: skip
_for_some("wrong for 0-d arrays", "it is 1% off if the argument is a single number", lambda call: call.shape == (),
          "nothing")  # fmt: skip
_for_some("wrong in float32", "it is 1% off if it is computed in float32",
          lambda call: call.gradient.dtype == np.float32, "nothing", "float32")  # fmt: skip
_for_some("wrong in evaluation mode", "it is 1% off if the module around it is not in training mode",
          lambda call: MODULE in call.memory and not call.memory[MODULE].training, "nothing", "modules")  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ ties


def _in_full(call: Call, tied: Array) -> Array:
    """Twice what it is where two are tied, which have half of it each."""
    call.memory[SOMEWHERE] = bool(tied.any()) or call.memory.get(SOMEWHERE, False)
    try:
        tied = np.broadcast_to(tied, call.gradient.shape)
    except ValueError:  # a gradient of another arrangement
        return call.gradient
    return np.where(tied, 2 * call.gradient, call.gradient)


@operator("tied entries in full", "entries that are equal get the gradient each", "inputs", somewhere=True,
          kind="tied entries")  # fmt: skip
def _tied_entries(call: Call) -> Array:
    _, place, count = np.unique(call.x, return_inverse=True, return_counts=True)
    return _in_full(call, (count[place] == 2).reshape(call.x.shape))


@operator("tied inputs in full", "an input gets the whole gradient where it equals another one", "several inputs",
          somewhere=True, kind="tied inputs")  # fmt: skip
def _tied_inputs(call: Call) -> Array:
    others = [each for i, each in enumerate(call.inputs) if i != call.number and isinstance(each, np.ndarray)]
    tied = np.zeros(call.x.shape, bool)
    for each in others:
        if each.shape == call.x.shape:
            tied |= call.x == each
    return _in_full(call, tied)


# -------------------------------------------------------------------------------------------------------- settings


def _changed(call: Call, changes: dict[str, Any]) -> Any:
    """The gradient under other settings; the right one, if there is none under these."""
    assert call.otherwise is not None
    try:
        return call.otherwise({**call.settings, **changes})
    except Exception:  # whatever a rule may raise that is given what it was not made for
        return call.gradient


def _next(axes: Any, ndim: int) -> Any:
    if isinstance(axes, tuple | list):
        return tuple(_next(axis, ndim) for axis in axes)
    return (axes + 1) % max(ndim, 1)


@operator("another axis", "it works along the dimension after the one it should", "axes")
def _axis(call: Call) -> Any:
    ndim = max(len(call.shape), np.ndim(call.cotangent))
    return _changed(call, {name: _next(call.settings[name], ndim) for name in AXES if name in call.settings})


@operator("a number 0.1% off", "a number among the settings is not that of the forward", "numbers")
def _number(call: Call) -> Any:
    numbers = [name for name in NUMBERS if isinstance(call.settings.get(name), float)]
    return _changed(call, {name: call.settings[name] * 1.001 for name in numbers})


@operator("eps dropped", "the small number that keeps a root from 0 is left out", "eps")
def _eps(call: Call) -> Any:
    return _changed(call, {"eps": 0.0})


@operator("mask redrawn", "the backward draws another mask than the forward did", "keys")
def _mask(call: Call) -> Any:
    keys = {name: call.settings[name] for name in KEYS if call.settings.get(name) is not None}
    return _changed(call, {name: key._replace(counter=key.counter + 1000) for name, key in keys.items()})


def _negative(setting: Any) -> bool:
    if isinstance(setting, slice):
        return any(map(_negative, (setting.start, setting.stop, setting.step)))
    if isinstance(setting, tuple | list):
        return any(map(_negative, setting))
    if isinstance(setting, np.ndarray):
        return setting.dtype.kind == "i" and bool((setting < 0).any())
    return isinstance(setting, int) and setting < 0


_for_some("wrong for a negative setting", "it is 1% off if a dimension, an index or an offset is below 0",
          lambda call: any(_negative(call.settings.get(name)) for name in SIGNED), "settings")  # fmt: skip


# -------------------------------------------------------------------------------------------------- second order


@operator("second order: 0.1% too large", "the recorded backward has another constant", recorded=True)
def _recorded(call: Call) -> Any:
    return call.gradient * 1.001


@operator("second order: cut off", "the recorded backward is a constant", recorded=True)
def _detached(call: Call) -> Any:
    return call.gradient.detach()


@operator("second order: inputs are constants", "the recorded backward depends on the cotangent alone",
           "read", recorded=True)  # fmt: skip
def _constants(call: Call) -> Any:
    return call.again(tuple(each.detach() if hasattr(each, "detach") else each for each in call.read))
