"""Small parameters, updated as one: a rule makes as many calls for ten numbers as for ten thousand.

Their values and gradients are brought side by side for each step, and the values taken back. What is kept for them
stays side by side from step to step; the state of each parameter looks at its part.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..backends import Array
from ..tensor import Tensor
from .rule import Kept

SMALL = 1 << 14  # elements of a parameter that is cheaper moved than updated by itself
State: TypeAlias = dict[str, Tensor]
Rule: TypeAlias = Callable[[Array, Array, State, dict[str, Any]], None]


def alike(params: Sequence[Tensor], states: Sequence[State], keeps: Mapping[str, Kept]) -> bool:
    """Whether these parameters can be updated as one: there are several, of one dtype, at the same step."""

    def kind(param: Tensor, state: State) -> tuple[Any, ...]:
        numbers = ((name, tensor.item() if keeps[name].number else None) for name, tensor in state.items())
        return (param.dtype, *numbers)

    return len(params) > 1 and len(set(map(kind, params, states))) == 1


class Bundle:
    """Parameters that are `alike`, and their states."""

    def __init__(self, params: Sequence[Tensor], states: Sequence[State], keeps: Mapping[str, Kept]) -> None:
        self.params, self.states, self.keeps = list(params), list(states), keeps
        bounds = [0, *itertools.accumulate(param.numel() for param in params)]
        self._spans = list(itertools.starmap(slice, itertools.pairwise(bounds)))
        self._param = np.empty(bounds[-1], params[0].dtype)
        self._grad = np.empty_like(self._param)
        self._values, self._grads = self._parts(self._param), self._parts(self._grad)
        self._state: State = {}  # of all of them, as the rule sees it
        for name, first in states[0].items():
            if keeps[name].number is None:
                self._state[name] = Tensor(np.concatenate([state[name].data.reshape(-1) for state in states]))
            else:
                self._state[name] = Tensor(first.data.copy())
        # Of each parameter by name: the tensor in its state, and the array that it had when it was put there.
        self._given: list[dict[str, tuple[Tensor, Array]]] = [{} for _ in params]
        self._hand_out()

    def holds(self, params: Sequence[Tensor], states: Sequence[State]) -> bool:
        """Whether it is of these parameters, and their states are what it gave them."""
        if len(params) != len(self.params):
            return False
        for param, own, state, given in zip(params, self.params, states, self._given):
            if param is not own or state.keys() != given.keys():
                return False
            for name, (tensor, array) in given.items():
                if state[name] is not tensor or tensor.data is not array:
                    return False
                if array.ndim == 0 and self.keeps[name].number is not None and array != self._state[name].data:
                    return False
        return True

    def update(self, grads: Sequence[Array], rule: Rule, settings: dict[str, Any]) -> None:
        """Update all of them by a rule that treats every element by itself."""
        for value, gradient, param, grad in zip(self._values, self._grads, self.params, grads):
            value[...] = param.data
            gradient[...] = grad
        rule(self._param, self._grad, self._state, settings)
        for value, param in zip(self._values, self.params):
            param.data[...] = value
        self._hand_out()

    def _hand_out(self) -> None:
        """Give every state its part of what is kept by now."""
        for name, whole in self._state.items():
            is_number = self.keeps[name].number is not None
            if is_number and name in self._given[0]:
                for given in self._given:
                    given[name][1][...] = whole.data
            elif name not in self._given[0]:
                arrays = [whole.data.copy() for _ in self.params] if is_number else self._parts(whole.data)
                for state, given, array in zip(self.states, self._given, arrays):
                    state[name] = Tensor(array)
                    given[name] = state[name], array

    def _parts(self, whole: Array) -> list[Array]:
        return [whole[span].reshape(param.shape) for span, param in zip(self._spans, self.params)]


class Bundles(dict[Any, Bundle]):
    """Those of an optimizer, by the number of the group. A copy of an optimizer has none yet."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Bundles:
        return Bundles()

    def __copy__(self) -> Bundles:
        return Bundles()
