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
from minigrad.nn.module import last_change

from ..models.writers import Decoder
from .reading import evaluating, place_of, tensor_at


class TextReader:
    """A model that is in the middle of one text. It is in evaluation mode while it computes."""

    def __init__(self, model: Any) -> None:
        self.model, self.cache = model, model.new_cache()
        self.place, self.modules = place_of(model), list(model.modules())
        self.recordable = isinstance(model, Decoder) and backend_of(self.place) is cpu
        self.recording: Recording | None = None  # of the last token
        self.confirmed = False  # by another token, and so ready to be replayed
        self._token, self._position = np.zeros((2, 1, 1), np.int64)
        self._weights: list[tuple[Tensor, Any]] = []  # and the array of each, when the recording was made
        self._date = -1  # when a module last changed, at that time

    def read(self, tokens: list[int]) -> Tensor:
        """The logits (1, 1, V) after these tokens, which the cache holds then."""
        fits = len(tokens) == 1 and self.cache.length < self.cache.capacity if self.recordable else False
        if not fits or forward_watchers:  # who watches sees the model run
            with evaluating(self.modules):
                return self.model(tensor_at(self.place, np.array([tokens])), self.cache, 1)  # type: ignore[no-any-return]
        self._token[...], self._position[...] = tokens, self.cache.length
        same = self._is_same_model()
        if not (same and self.confirmed):
            return self._record(self.recording if same else None)
        assert self.recording is not None
        logits = Tensor(self.recording.replay())
        self.cache.length += 1
        return logits

    def _record(self, before: Recording | None) -> Tensor:
        ids, positions, start = Tensor(self._token), Tensor(self._position), self.cache.length
        self.modules = list(self.model.modules())
        tensors = (value for module in self.modules for value in vars(module).values() if isinstance(value, Tensor))
        self._weights = [(tensor, tensor.data) for tensor in tensors]
        known = [self.cache, self._token, self._position, *(array for _, array in self._weights)]
        try:
            if not all(map(_does_the_same_for_every_token, self.modules)):
                raise NotRecordable("there are layers or hooks that nobody here knows")
            with evaluating(self.modules):
                logits, self.recording = record(lambda: self.model(ids, self.cache, 1, position_ids=positions), known)
        except NotRecordable:
            self.recordable, self.cache.length = False, start  # as if nothing had been read
            return self.read([int(self._token[0, 0])])
        self.confirmed, self._date = self.recording == before, last_change()
        self.recordable = self.confirmed or before is None  # if not, what a token takes depends on its position
        return logits

    def _is_same_model(self) -> bool:
        """Whether its layers, their settings, and the arrays of its weights are those that the recording is of."""
        return self._date == last_change() and all(weight.data is array for weight, array in self._weights)


def _does_the_same_for_every_token(module: nn.Module) -> bool:
    ours = type(module).__module__.startswith(("minigrad.", "lm."))
    return ours and not module._hooks and "forward" not in vars(module)


__all__ = ["TextReader"]
