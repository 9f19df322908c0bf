"""What a decoder remembers of the tokens it has read, so that a further token costs one position of work, not all.

Keys and values alone: how they are made and looked at is each family's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad import Tensor
from minigrad.backends import Array, backend_of
from minigrad.hooks import forward_watchers, watched


class _Extend:
    """Storing keys and values, as an operation that watchers see. No graph does: a cache knows no gradients."""

    name = "extend"

    @staticmethod
    def forward(k: Array, v: Array, *, cache: KVCache, layer: int) -> tuple[Array, Array]:
        start, end = cache.length, cache.length + k.shape[2]
        keys, values = cache.keys[layer, :, :, :end], cache.values[layer, :, :, :end]
        keys[:, :, start:] = k
        values[:, :, start:] = v
        return keys, values

    def vjp(self, *_: Any) -> Any:
        raise NotImplementedError("no gradient flows through cached keys")


_extend = _Extend()


@dataclass
class KVCache:
    """Keys and values of the tokens a model has read.

    `keys` and `values` (layers, B, H, capacity, D) are allocated once; the first `length` positions are filled.
    """

    keys: Array
    values: Array
    length: int = 0

    @classmethod
    def empty(cls, layers: int, batch: int, heads: int, capacity: int, width: int, like: Array) -> KVCache:
        """Room for `capacity` tokens, in the dtype and on the device of `like`."""
        shape = layers, batch, heads, capacity, width
        return cls(np.empty(shape, like.dtype, like=like), np.empty(shape, like.dtype, like=like))

    @property
    def capacity(self) -> int:
        """How many tokens there is room for."""
        return int(self.keys.shape[3])

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store the keys and values (B, H, T, D) of new tokens; all of this layer's so far, (B, H, S, D) each.

        `length` stays: the model moves it on when every layer has stored its part.
        """
        if forward_watchers:
            settings = {"cache": self, "layer": layer}
            keys, values = watched(_extend, _extend.forward, (k.data, v.data), settings, lambda result: result)
        else:
            keys, values = _extend.forward(k.data, v.data, cache=self, layer=layer)
        return Tensor(keys), Tensor(values)

    def clear(self) -> None:
        """Forget what was read."""
        self.length = 0

    def reorder(self, rows: Sequence[int] | Array) -> None:
        """Let sequence i go on from what sequence `rows[i]` has read; there may be more or fewer than before."""
        rows = backend_of(self.keys).asarray(np.asarray(rows))
        if len(rows) == self.keys.shape[1]:
            self.keys[:, :, :, : self.length] = self.keys[:, rows, :, : self.length]
            self.values[:, :, :, : self.length] = self.values[:, rows, :, : self.length]
        else:
            self.keys, self.values = self.keys[:, rows], self.values[:, rows]


@dataclass
class EncoderDecoderCache:
    """What a decoder beside an encoder goes on from: its own past, and what it looks at, made once.

    `cross` has keys and values (B, H, S, D) of the encoder's output for each layer, `mask` (B, 1, 1, S) its padding.
    """

    own: KVCache
    cross: list[tuple[Tensor, Tensor]]
    mask: Tensor | None

    @property
    def length(self) -> int:
        """How many tokens were written."""
        return self.own.length

    @property
    def capacity(self) -> int:
        """How many tokens there is room for."""
        return self.own.capacity

    def clear(self) -> None:
        """Forget what was written."""
        self.own.clear()

    def reorder(self, rows: Sequence[int] | Array) -> None:
        """Let sequence i go on from what sequence `rows[i]` has read and written."""
        self.own.reorder(rows)
        rows = backend_of(self.own.keys).asarray(np.asarray(rows))
        self.cross = [(Tensor(k.data[rows]), Tensor(v.data[rows])) for k, v in self.cross]
        self.mask = None if self.mask is None else Tensor(self.mask.data[rows])
