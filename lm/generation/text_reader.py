"""One text, read token by token by a decoder: what `generate` goes on from.

A token costs a small model more Python than arithmetic: some eighty operations in a GPT-2 of four layers, each found
anew. They are the same for every token, so they are recorded, and once two tokens in a row took the same ones they are
replayed (`minigrad.func.replay`). What is computed stays the same, to the last bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Tensor, nn
from minigrad.backends import backend_of, cpu
from minigrad.func.replay import NotRecordable, Recording, record
from minigrad.hooks import forward_watchers
from minigrad.kernels.registry import current_mode
from minigrad.nn.module import last_change

from .reading import evaluating, place_of, tensor_at

IN_VAIN = 6  # tokens recorded without one replayed, after which the model runs as ever


class TextReader:
    """A model that is in the middle of one text. It is in evaluation mode while it computes."""

    def __init__(self, model: Any) -> None:
        self.model, self.cache = model, model.new_cache()
        self.place, self.modules = place_of(model), list(model.modules())
        self.recordable = backend_of(self.place) is cpu
        self.recording: Recording | None = None  # of the last token
        self.confirmed = False  # by another token, and so ready to be replayed
        self._token, self._position = np.zeros((2, 1, 1), np.int64)
        self._weights: list[tuple[Tensor, Any]] = []  # and the array of each, when the recording was made
        self._found: Any = None  # what held then beside them: `_circumstances`
        self._in_vain = 0  # recordings since the last replay

    def read(self, tokens: list[int]) -> Tensor:
        """The logits (1, 1, V) after these tokens, which the cache holds then."""
        if len(tokens) > 1 or not self._may_replay(tokens[0]):
            with evaluating(self.modules):
                return self.model(tensor_at(self.place, np.array([tokens])), self.cache, 1)  # type: ignore[no-any-return]
        self._token[...], self._position[...] = tokens, self.cache.length
        same = self._found == _circumstances() and all(weight.data is array for weight, array in self._weights)
        if not (same and self.confirmed):
            return self._record(self.recording if same else None)
        assert self.recording is not None
        logits = Tensor(self.recording.replay())
        self.cache.length += 1
        self._in_vain = 0
        return logits

    def _may_replay(self, token: int) -> bool:
        """Not what the model would refuse, and not while someone watches, who is to see the model run."""
        room = self.cache.length < self.cache.capacity and 0 <= token < self.model.vocab_size
        return self.recordable and room and not forward_watchers

    def _record(self, before: Recording | None) -> Tensor:
        ids, positions, start = Tensor(self._token), Tensor(self._position), self.cache.length
        self.confirmed = False  # also where the model raises below: what was recorded before no longer holds
        self._found, self.modules = _circumstances(), list(self.model.modules())
        tensors = (value for module in self.modules for value in vars(module).values() if isinstance(value, Tensor))
        self._weights = [(tensor, tensor.data) for tensor in tensors]
        known = [self.cache, self._token, self._position, *(array for _, array in self._weights)]
        try:
            if not all(map(_does_the_same_for_every_token, self.modules)):
                raise NotRecordable("there are layers, functions or hooks that nobody here knows")
            with evaluating(self.modules):
                logits, self.recording = record(lambda: self.model(ids, self.cache, 1, position_ids=positions), known)
        except NotRecordable:
            self.recordable, self.cache.length = False, start  # as if nothing had been read
            return self.read([int(self._token[0, 0])])
        self.confirmed = self.recording == before
        self._in_vain += 1
        # Where operations depend on the position, or something changes all the time, recording is work for nothing.
        self.recordable = self._in_vain < IN_VAIN
        return logits


def _circumstances() -> tuple[int, str]:
    """What a recording of a token holds for: the layers with their settings, and the use of kernels."""
    return last_change(), current_mode()


def _does_the_same_for_every_token(module: nn.Module) -> bool:
    """As far as is known: its class is one of ours, as are the functions it has, such as an activation."""
    called = (value for value in vars(module).values() if callable(value))
    functions = (getattr(value, "func", value) for value in called)  # of a `partial` its own
    return not module._hooks and all(map(_is_ours, (type(module), *functions)))


def _is_ours(thing: Any) -> bool:
    return str(getattr(thing, "__module__", None)).startswith(("minigrad.", "lm."))


__all__ = ["TextReader"]
