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

WORDS_AT_ONCE = 256  # whose gradients are computed from the same weights; gensim takes one word at a time
TOP_NODES = 64  # of the tree, which many words' paths share
BLOCK = 16  # words whose means of neighbours are one product of matrices


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

        A prediction is that of one word by one neighbour (skip-gram) or by the mean of them (CBOW). Raises IndexError
        for an id that has no row, and TypeError for tables that are neither float32 nor float64.
        """
        for name, table, ids in (("vectors", self.vectors, batch.text), ("outputs", self.outputs, batch.outputs)):
            if table.dtype not in (np.float32, np.float64):
                raise TypeError(f"Word2Vec.step: {name} must be float32 or float64, got {table.dtype}; use .float()")
            if ids.size and not 0 <= (worst := int(ids.min() if ids.min() < 0 else ids.max())) < len(table):
                raise IndexError(f"Word2Vec.step: id {worst} is out of range for {len(table)} rows of {name}")
        starts = range(0, len(batch.words), WORDS_AT_ONCE)
        loss = sum(self._descend(batch.part(first, first + WORDS_AT_ONCE), lr) for first in starts)
        predictions = int(batch.near.sum() if self.config.sg else batch.near.any(axis=1).sum())
        return loss / max(predictions, 1)

    def _descend(self, batch: Windows, lr: float) -> float:
        """Move every row by lr times the gradient of `loss`, all at once; the loss before.

        A row that is named often gets the sum. One word after another would move it less far, since its gradient
        changes on the way; so what has far to go is shrunk to where single steps would arrive: see `shrink`.
        """
        K = batch.near.shape[1]
        text = self.vectors.data.take(batch.text, axis=0, mode="clip")  # (S + K - 1, D)
        u = self.outputs.data.take(batch.outputs, axis=0, mode="clip")  # (S, M, D)
        if self.config.sg:
            x = around(text, K)  # (S, K, D), a view
            inputs, xx = batch.near, around(np.vecdot(text, text), K)[:, :, None]  # (S, K), (S, K, 1)
        else:
            count = batch.near.sum(axis=1, keepdims=True, dtype=text.dtype)  # (S, 1)
            mixing = Mixing(batch.near / np.maximum(count, 1))
            x = mixing.mix(text)[:, None]  # (S, 1, D)
            inputs, xx = count > 0, np.vecdot(x, x)[:, :, None]  # (S, 1), (S, 1, 1)
        uu = np.vecdot(u, u)[:, :, None]  # (S, M, 1)

        # With z the logit of the wrong label the loss is softplus(z), and its derivative p = sigmoid(z).
        sign = 1 - 2 * batch.labels[:, None]  # (S, 1, M)
        z = np.maximum(sign * (x @ u.transpose(0, 2, 1)), -80)  # (S, K or 1, M); below, exp(-z) is beyond float32
        p = 1 / (1 + np.exp(-z))  # (S, K or 1, M)
        weights = inputs[:, :, None] * batch.weights[:, None]  # (S, K or 1, M): 1 for a pair that counts
        loss = float(np.vdot(z - np.log(p), weights))
        weights *= np.float32(lr)
        dz = p * (sign * weights)  # (S, K or 1, M)
        p = np.minimum(p, 0.5)
        bend = (p - p * p) * weights  # the second derivative, at most, on the way down

        dx, bend_x = dz @ u, bend @ uu  # (S, K or 1, D), (S, K or 1, 1)
        bend_u = bend.transpose(0, 2, 1) @ xx  # (S, M, 1)
        dz *= shrink(batch.outputs, bend_u[:, :, 0])[:, None]
        if self.config.sg:
            dtext, bend_text = add_around(dx), add_around(bend_x)  # (S + K - 1, D), (S + K - 1, 1)
            self._move_outputs(batch, dz.transpose(0, 2, 1) @ x)
        else:
            dtext, bend_text = (mixing.unmix(count * d[:, 0]) for d in (dx, bend_x))  # (S + K - 1, D), (S + K - 1, 1)
            if self.config.hs:
                self._move_nodes(batch, x[:, 0], dz[:, 0])
            else:
                self._move_outputs(batch, dz.transpose(0, 2, 1) * x)
        subtract_rows(self.vectors.data, batch.text, dtext * shrink(batch.text, bend_text[:, 0])[:, None])
        return loss

    def _move_outputs(self, batch: Windows, du: Floats) -> None:
        """Each output of a word moves by its own row of du (S, M, D), where it counts."""
        count = np.flatnonzero(batch.weights)  # (P,)
        rows, moves = batch.outputs.reshape(-1).take(count), du.reshape(-1, du.shape[2]).take(count, axis=0)
        subtract_rows(self.outputs.data, rows, moves)

    def _move_nodes(self, batch: Windows, x: Floats, dz: Floats) -> None:
        """The same for nodes of a tree and one input each: du is dz (S, M) times x (S, D).

        The first nodes, the top of the tree, are on the paths of many words; they move by one product of matrices.
        """
        count = np.flatnonzero(batch.weights)  # (P,)
        words, rows = count // dz.shape[1], batch.outputs.reshape(-1).take(count)  # (P,) each
        dz = dz.reshape(-1).take(count)  # (P,)
        top = self.outputs.data[:TOP_NODES]  # (F, D), a view
        above = rows < len(top)  # (P,)
        mixing = np.zeros((len(top), len(x)), x.dtype)  # (F, S)
        mixing[rows[above], words[above]] = dz[above]  # a path has a node once
        top -= mixing @ x
        words, rows, dz = words[~above], rows[~above], dz[~above]
        subtract_rows(self.outputs.data, rows, x.take(words, axis=0) * dz[:, None])


def pair_weights(batch: Windows, sg: bool) -> Floats:
    """1 for a pair that counts, else 0: (S, K, M) in skip-gram, (S, 1, M) in CBOW."""
    inputs: NDArray[np.bool_] = batch.near if sg else np.any(batch.near, axis=1, keepdims=True)  # (S, K or 1)
    return inputs[:, :, None].astype(np.float32) * batch.weights[:, None, :]  # (S, K or 1, M)


class Mixing:
    """The matrix (S, S + K - 1) that has row s of weights (S, K) in its row s, from column s on: 0 but for a band.

    It is kept as n blocks (n, BLOCK, BLOCK + K - 1) along the band, of BLOCK rows each.

    >>> mixing = Mixing(np.array([[1, 2], [3, 4]], np.float32))
    >>> mixing.mix(np.array([[1], [10], [100]], np.float32)).tolist()
    [[21.0], [430.0]]
    >>> mixing.unmix(np.ones((2, 1), np.float32)).tolist()
    [[1.0], [5.0], [4.0]]
    """

    def __init__(self, weights: Floats) -> None:
        self.S, K = weights.shape
        n = -(-self.S // BLOCK)
        self.blocks = np.zeros((n, BLOCK, BLOCK + K - 1), weights.dtype)
        block, row, column = self.blocks.strides
        band = np.lib.stride_tricks.as_strided(self.blocks, (n, BLOCK, K), (block, row + column, column))
        band[:] = _padded(weights, n * BLOCK).reshape(n, BLOCK, K)

    def mix(self, text: Floats) -> Floats:
        """The matrix times text (S + K - 1, D): (S, D)."""
        n, _, width = self.blocks.shape
        text = _padded(text, n * BLOCK + width - BLOCK)
        row, column = text.strides
        near = np.lib.stride_tricks.as_strided(text, (n, width, text.shape[1]), (BLOCK * row, row, column))
        return (self.blocks @ near).reshape(-1, text.shape[1])[: self.S]

    def unmix(self, values: Floats) -> Floats:
        """The transposed matrix times values (S, D): (S + K - 1, D)."""
        n, _, width = self.blocks.shape
        D = values.shape[1]
        parts = self.blocks.transpose(0, 2, 1) @ _padded(values, n * BLOCK).reshape(n, BLOCK, D)  # (n, width, D)
        text = np.zeros((n - (-width // BLOCK) - 1, BLOCK, D), values.dtype)
        for place, start in enumerate(range(0, width, BLOCK)):
            part = parts[:, start : start + BLOCK]
            text[place : place + n, : part.shape[1]] += part
        return text.reshape(-1, D)[: self.S + width - BLOCK]


def _padded(rows: Floats, length: int) -> Floats:
    """With rows of zeros up to `length`."""
    if len(rows) == length:
        return rows
    out = np.zeros((length, *rows.shape[1:]), rows.dtype)
    out[: len(rows)] = rows
    return out


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
    if not table.flags.c_contiguous:  # flat, it would be a copy
        np.subtract.at(table, rows, values)
        return
    D = table.shape[1]
    kind, width = (np.complex64, D // 2) if D % 2 == 0 and table.dtype == np.float32 else (table.dtype, D)
    places = rows[:, None] * width + np.arange(width)  # (N, width)
    np.subtract.at(table.reshape(-1).view(kind), places.reshape(-1), values.reshape(-1).view(kind))
