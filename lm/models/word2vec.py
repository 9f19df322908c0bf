"""Word2vec: word vectors learnt by predicting words from their neighbours, or neighbours from their word.

Skip-gram and CBOW, each with negative sampling or hierarchical softmax. Names, defaults and arithmetic are gensim's,
which are those of the authors' C program. Sources: Mikolov et al., "Efficient estimation of word representations in
vector space" and "Distributed representations of words and phrases and their compositionality" (both 2013). Which
windows and which noise words a step sees is decided in `lm/data/windows.py`.

Shapes: S words of text in their order, the window of each K = 2 window + 1 places of that text with itself in the
middle, M outputs for each word (itself and noise words, or the nodes on its path), D = vector_size channels.
"""

# Functions of nn return Any, arrays or tensors as their input is:
# mypy: disable-error-code="no-any-return"
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import minigrad as mg
import minigrad.nn.functional as F
from lm.data.windows import Windows, around
from minigrad import Tensor, nn

Floats = NDArray[np.float32]

WORDS_AT_ONCE = 128  # whose gradients are computed from the same weights; gensim takes one word at a time


@dataclass(frozen=True)
class Word2VecConfig:
    """Word2vec's settings under gensim's names; the defaults are gensim's. Raises ValueError naming a bad field.

    Args:
        vocab_size: number of words.
        vector_size: channels D of a word's vector.
        window: how many words to each side are neighbours at most.
        sg: skip-gram, where each neighbour predicts the word; else CBOW, where the mean of the neighbours does.
        hs: hierarchical softmax; then `negative` must be 0.
        negative: noise words for each word.
        ns_exponent: noise words are drawn in proportion to their count to this power.
        sample: words of more than this share of the text are left out at random, the more frequent the more often.

    >>> Word2VecConfig(100, hs=True)
    Traceback (most recent call last):
        ...
    ValueError: Word2VecConfig: either hs, with negative = 0, or negative of at least 1; got hs = True, negative = 5
    """

    vocab_size: int
    vector_size: int = 100
    window: int = 5
    sg: bool = False
    hs: bool = False
    negative: int = 5
    ns_exponent: float = 0.75
    sample: float = 1e-3

    def __post_init__(self) -> None:
        for name, least in (("vocab_size", 2), ("vector_size", 1), ("window", 1), ("negative", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"Word2VecConfig: {name} must be at least {least}, got {getattr(self, name)!r}")
        if self.hs == (self.negative > 0):
            raise ValueError(
                f"Word2VecConfig: either hs, with negative = 0, or negative of at least 1; got hs = {self.hs}, "
                f"negative = {self.negative}"
            )
        if not 0 <= self.sample < 1:
            raise ValueError(f"Word2VecConfig: sample must be a share of the text in [0, 1), got {self.sample!r}")


class Word2Vec(nn.Module):
    """The two tables of a word2vec model: `vectors` of words as inputs, and `outputs`, of words or inner nodes.

    `loss` is the definition, in plain operations. `step` is gradient descent on it with gradients written by hand: they
    touch only the rows that a batch names, which is what makes it fast. The tables are in host memory.
    """

    def __init__(self, config: Word2VecConfig) -> None:
        super().__init__()
        self.config = config
        V, D = config.vocab_size, config.vector_size
        self.vectors = nn.Parameter((2 * mg.rand(V, D, device="cpu") - 1) / D)
        rows = V - 1 if config.hs else V  # a tree of V leaves has V - 1 inner nodes
        self.outputs = nn.Parameter(mg.zeros(rows, D, device="cpu"))

    def logits(self, batch: Windows) -> Tensor:
        """How well inputs and outputs go together: (S, K, M) in skip-gram, (S, 1, M) in CBOW."""
        x = F.embedding(Tensor(batch.places), self.vectors)  # (S, K, D)
        if not self.config.sg:
            near = Tensor(batch.near[:, :, None].astype(x.dtype))  # (S, K, 1)
            total = (x * near).sum(1, keepdim=True)  # (S, 1, D)
            mean = total / near.sum(1, keepdim=True).clamp(min=1.0)  # (S, 1, D)
            # The value is the mean, the gradient that of the sum: what the C program and gensim do. (Irsoy et al.,
            # "Corrected CBOW performs as well as skip-gram", 2021, take the gradient of the mean.)
            x = total + (mean - total).detach()
        u = F.embedding(Tensor(batch.outputs), self.outputs)  # (S, M, D)
        return x @ u.transpose(1, 2)  # (S, K or 1, M)

    def loss(self, batch: Windows) -> Tensor:
        """The sum, over all pairs of an input and an output, of -log(probability of the pair's label)."""
        logits = self.logits(batch)
        labels = Tensor(np.broadcast_to(batch.labels[:, None, :], logits.shape))
        losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")  # (S, K or 1, M)
        return (losses * Tensor(pair_weights(batch, self.config.sg))).sum()

    def step(self, batch: Windows, lr: float) -> float:
        """Gradient descent on all of a batch, `WORDS_AT_ONCE` words after another; the mean loss of a prediction.

        A prediction is that of one word by one neighbour (skip-gram) or by the mean of them (CBOW).
        """
        loss, predictions = 0.0, 0
        for first in range(0, len(batch.words), WORDS_AT_ONCE):
            part = batch.part(first, first + WORDS_AT_ONCE)
            part_loss, dtext, du = self.moves(part, lr)
            subtract_rows(self.vectors.data, part.text, dtext)
            if self.config.hs:  # paths are padded
                subtract_rows(self.outputs.data, part.outputs[part.weights > 0], du[part.weights > 0])
            else:
                subtract_rows(self.outputs.data, part.outputs.reshape(-1), du.reshape(-1, du.shape[2]))
            loss += part_loss
            predictions += int(part.near.sum() if self.config.sg else part.near.any(1).sum())
        return loss / max(predictions, 1)

    def moves(self, batch: Windows, lr: float) -> tuple[float, Floats, Floats]:
        """`loss`, and lr times its gradient for the rows that `batch.text` (S + K - 1, D) and `outputs` (S, M, D) name.

        A row that is named often gets the sum. One word after another would move it less far, since its gradient
        changes on the way; so what has far to go is shrunk to where single steps would arrive: see `shrink`.
        """
        K = batch.near.shape[1]
        text = self.vectors.data.take(batch.text, axis=0, mode="clip")  # (S + K - 1, D)
        u = self.outputs.data.take(batch.outputs, axis=0, mode="clip")  # (S, M, D)
        if self.config.sg:
            x = around(text, K)  # (S, K, D), a view
        else:
            count = np.maximum(batch.near.sum(1, keepdims=True), 1).astype(np.float32)  # (S, 1)
            mixing = banded(batch.near / count)  # (S, S + K - 1)
            x = (mixing @ text)[:, None]  # (S, 1, D)

        # With z the logit of the wrong label the loss is softplus(z), and its derivative sigmoid(z).
        sign = 1 - 2 * batch.labels[:, None]  # (S, 1, M)
        z = sign * (x @ u.transpose(0, 2, 1))  # (S, K or 1, M)
        weights = pair_weights(batch, self.config.sg)  # (S, K or 1, M)
        e = np.exp(-np.abs(z))
        loss = float(((np.maximum(z, 0) + np.log(1 + e)) * weights).sum())
        weights *= np.float32(lr)
        dz = np.where(z > 0, 1, e) / (1 + e) * (sign * weights)  # (S, K or 1, M)
        bend = np.where(z > 0, 0.25, e / (1 + e) ** 2) * weights  # the second derivative, at most, on the way down

        xx, uu = (np.einsum("...d,...d->...", rows, rows)[:, :, None] for rows in (x, u))  # (S, K or 1, 1), (S, M, 1)
        bend_x, bend_u = bend @ uu, bend.transpose(0, 2, 1) @ xx  # (S, K or 1, 1), (S, M, 1)
        dx = dz @ u  # (S, K or 1, D)
        dz *= shrink(batch.outputs, bend_u[:, :, 0])[:, None]
        if self.config.sg:
            du = dz.transpose(0, 2, 1) @ x  # (S, M, D)
            dtext, bend_text = add_around(dx), add_around(bend_x)  # (S + K - 1, D), (S + K - 1, 1)
        else:
            du = dz.transpose(0, 2, 1) * x  # (S, M, D)
            dtext, bend_text = (mixing.T @ (count * d[:, 0]) for d in (dx, bend_x))  # (S + K - 1, D), (S + K - 1, 1)
        return loss, dtext * shrink(batch.text, bend_text[:, 0])[:, None], du


def pair_weights(batch: Windows, sg: bool) -> Floats:
    """1 for a pair that counts, else 0: (S, K, M) in skip-gram, (S, 1, M) in CBOW."""
    inputs: NDArray[np.bool_] = batch.near if sg else np.any(batch.near, axis=1, keepdims=True)  # (S, K or 1)
    return inputs[:, :, None].astype(np.float32) * batch.weights[:, None, :]  # (S, K or 1, M)


def banded(weights: NDArray[np.generic]) -> Floats:
    """The matrix (S, S + K - 1) that has row s of weights (S, K) in its row s, from column s on.

    >>> banded(np.array([[1, 2], [3, 4]]))
    array([[1., 2., 0.],
           [0., 3., 4.]], dtype=float32)
    """
    S, K = weights.shape
    matrix = np.zeros((S, S + K - 1), np.float32)
    row, column = matrix.strides
    np.lib.stride_tricks.as_strided(matrix, (S, K), (row + column, column))[:] = weights
    return matrix


def add_around(values: Floats) -> Floats:
    """The adjoint of `around`: values (S, K, D) added up where their place is in the text, (S + K - 1, D)."""
    S, K, D = values.shape
    text = np.zeros((S + K - 1, D), values.dtype)
    for place in range(K):
        text[place : place + S] += values[:, place]
    return text


def shrink(rows: NDArray[np.int64], bends: Floats) -> Floats:
    """How much of the sum of a row's gradients to follow: (1 - exp(-h)) / h, with h the sum of its `bends`.

    n steps down a parabola, each taking a small share b of the way, take 1 - (1 - b)^n of it, about 1 - exp(-n b); n
    steps at once from the same place would take n b, and beyond 2 never arrive. This is exponential integration, see
    Hochbruck and Ostermann, "Exponential integrators" (2010).

    >>> shrink(np.array([0, 1, 1]), np.array([1.0, 1e-9, 0.0])).round(3).tolist()
    [0.632, 1.0, 1.0]
    """
    h = np.maximum(np.bincount(rows.reshape(-1), bends.reshape(-1))[rows], 1e-9)
    factor: Floats = (-np.expm1(-h) / h).astype(bends.dtype)
    return factor


def subtract_rows(table: Floats, rows: NDArray[np.int64], values: Floats) -> None:
    """table[rows] -= values, where a row may be named often.

    `ufunc.at` is quick on flat arrays alone, and has half as much to do with two numbers as one complex number.
    """
    D = table.shape[1]
    kind, width = (np.complex64, D // 2) if D % 2 == 0 and table.dtype == np.float32 else (table.dtype, D)
    places = rows[:, None] * width + np.arange(width)  # (N, width)
    np.subtract.at(table.reshape(-1).view(kind), places.reshape(-1), values.reshape(-1).view(kind))
