"""GloVe: word vectors whose products are the logarithms of how often words stand near each other.

Source: Pennington et al., "GloVe: Global vectors for word representation" (2014); names and defaults are those of the
authors' program. The matrix it learns from is counted in `lm/data/cooccurrence.py`.

Shapes: N entries of the matrix, V words, D = vector_size channels.
"""

# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import minigrad as mg
import minigrad.nn.functional as F
from lm.data.cooccurrence import Cooccurrences
from minigrad import Tensor, nn

TABLES = ("vectors", "contexts", "biases", "context_biases")


@dataclass(frozen=True)
class GloVeConfig:
    """GloVe's settings; the defaults are those of the authors' program. Raises ValueError naming a bad field.

    Args:
        vocab_size: number of words V.
        vector_size: channels D of a word's vector.
        x_max: from this count on, an entry has the full weight 1;
        alpha: below, (count / x_max) ** alpha.

    >>> GloVeConfig(10, x_max=0)
    Traceback (most recent call last):
        ...
    ValueError: GloVeConfig: x_max must be positive, got 0
    """

    vocab_size: int
    vector_size: int = 50
    x_max: float = 100.0
    alpha: float = 0.75

    def __post_init__(self) -> None:
        for name in ("vocab_size", "vector_size", "x_max", "alpha"):
            if not getattr(self, name) > 0:
                raise ValueError(f"GloVeConfig: {name} must be positive, got {getattr(self, name)!r}")


class GloVe(nn.Module):
    """Two vectors and two biases for each word: as a word, and as the context of another.

    `loss` is the definition. `step` is AdaGrad on it with a gradient written by hand, which touches only the rows a
    batch names. AdaGrad's sums are buffers, beside their tables in the state dict. All are in host memory.
    """

    def __init__(self, config: GloVeConfig) -> None:
        super().__init__()
        self.config = config
        V, D = config.vocab_size, config.vector_size
        self.vectors = nn.Parameter((mg.rand(V, D, device="cpu") - 0.5) / D)
        self.contexts = nn.Parameter((mg.rand(V, D, device="cpu") - 0.5) / D)
        self.biases = nn.Parameter((mg.rand(V, 1, device="cpu") - 0.5) / D)
        self.context_biases = nn.Parameter((mg.rand(V, 1, device="cpu") - 0.5) / D)
        for name in TABLES:
            self.register_buffer(f"{name}_squares", mg.zeros(*getattr(self, name).shape, device="cpu"))

    def loss(self, batch: Cooccurrences) -> Tensor:
        """Half the sum over the entries of weight * (w . c + b + b_c - log count)^2."""
        w, c = (F.embedding(Tensor(ids), t) for ids, t in ((batch.rows, self.vectors), (batch.columns, self.contexts)))
        b = F.embedding(Tensor(batch.rows), self.biases) + F.embedding(Tensor(batch.columns), self.context_biases)
        error = (w * c).sum(1) + b[:, 0] - Tensor(np.log(batch.counts))  # (N,)
        return 0.5 * (Tensor(self.weights(batch)) * error * error).sum()

    def weights(self, batch: Cooccurrences) -> NDArray[np.float32]:
        """How much each entry counts (N,)."""
        return np.minimum((batch.counts / np.float32(self.config.x_max)) ** np.float32(self.config.alpha), 1)

    def step(self, batch: Cooccurrences, lr: float) -> float:
        """One step of AdaGrad; returns the mean of the entries' weighted squared errors, halved, before it.

        It is `minigrad.optim.Adagrad(lr=lr)` on the gradient of `loss`: rows that no entry names have none, and stay.
        """
        rows, columns = batch.rows, batch.columns
        w, c = self.vectors.data[rows], self.contexts.data[columns]  # (N, D)
        error = np.einsum("nd,nd->n", w, c) + (self.biases.data[rows] + self.context_biases.data[columns])[:, 0]
        error -= np.log(batch.counts)  # (N,)
        slope = (self.weights(batch) * error)[:, None]  # (N, 1)
        self._descend("vectors", rows, slope * c, lr)
        self._descend("contexts", columns, slope * w, lr)
        self._descend("biases", rows, slope, lr)
        self._descend("context_biases", columns, slope, lr)
        return float(0.5 * (slope[:, 0] * error).mean())

    def _descend(self, name: str, rows: NDArray[np.int64], gradients: NDArray[np.float32], lr: float) -> None:
        """Add the gradients (N, D) of each row up, and move every row that is named."""
        table, squares = getattr(self, name).data, getattr(self, f"{name}_squares").data  # (V, D)
        named, place = np.unique(rows, return_inverse=True)  # (R,), (N,)
        D = table.shape[1]
        total = np.zeros((len(named), D), table.dtype)  # (R, D)
        np.add.at(total.reshape(-1), (place[:, None] * D + np.arange(D)).reshape(-1), gradients.reshape(-1))
        squares[named] += total * total
        table[named] -= np.float32(lr) * total / (np.sqrt(squares[named]) + np.float32(1e-10))

    def word_vectors(self) -> NDArray[np.float32]:
        """What GloVe publishes: the sum of a word's two vectors (V, D)."""
        return self.vectors.data + self.contexts.data
