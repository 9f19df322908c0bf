"""What word2vec sees of a text at a step: its words, who is near whom, and what each word is told from.

Everything is a function of the seed and the step. Frequent words are left out at random (subsampling), windows are
shrunk at random, and noise words or paths in a Huffman tree are what a word is told from. The rules are gensim's.
Source: Mikolov et al., "Distributed representations of words and phrases and their compositionality" (2013).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.ops.random import Key

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Windows:
    """S words, the K = 2 window + 1 places around each, and its M outputs.

    Attributes:
        text: the words (S + K - 1,) with `window` more on each side, which may be neighbours but are not predicted.
        near: whether place k around word s is a neighbour (S, K): within its window and sentence, and not itself.
        outputs: rows of the output table (S, M).
        labels: 1 where the input should go with the output, else 0 (S, M).
        weights: 0 for outputs that do not count, else 1 (S, M).
    """

    text: Ints
    near: NDArray[np.bool_]
    outputs: Ints
    labels: Floats
    weights: Floats

    @property
    def words(self) -> Ints:
        """The words that are predicted (S,)."""
        half = self.near.shape[1] // 2
        return self.text[half : half + len(self.near)]

    @property
    def places(self) -> Ints:
        """The words around each (S, K)."""
        return around(self.text, self.near.shape[1])

    def part(self, first: int, last: int) -> Windows:
        """Words first .. last of these; outputs that count for none of them are left out."""
        own = slice(first, last)
        counts = np.flatnonzero(self.weights[own].any(axis=0))
        M = counts[-1] + 1 if len(counts) else 0
        return Windows(
            self.text[first : last + self.near.shape[1] - 1],
            self.near[own],
            self.outputs[own, :M],
            self.labels[own, :M],
            self.weights[own, :M],
        )


def around(text: NDArray[Any], K: int) -> NDArray[Any]:
    """The K rows of text (S + K - 1, ...) around each of its inner rows: a view (S, K, ...).

    >>> around(np.arange(5), 3).tolist()
    [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    """
    shape, strides = (len(text) - K + 1, K, *text.shape[1:]), (text.strides[0], *text.strides)
    return np.lib.stride_tricks.as_strided(text, shape, strides)


class Noise:
    """Negative sampling: a word is told from `negative` words drawn by their count to the power of `exponent`.

    The neighbours of a word share its noise words (Ji et al., "Parallelizing word2vec in shared and distributed
    memory", 2016): the expected gradient is the same, and the noise words' vectors are read once, not once for each
    neighbour. A noise word that happens to be the word itself does not count.
    """

    def __init__(self, counts: Ints, negative: int = 5, exponent: float = 0.75) -> None:
        self.negative = negative
        shares = np.zeros(len(counts))
        shares[counts > 0] = counts[counts > 0].astype(np.float64) ** exponent
        self.kept, self.alias = alias_table(shares / shares.sum())

    def outputs(self, words: Ints, rng: np.random.Generator) -> tuple[Ints, Floats, Floats]:
        """Outputs, labels and weights (S, 1 + negative): the word itself, then noise."""
        place = rng.random((len(words), self.negative)) * len(self.kept)  # (S, negative)
        column = place.astype(np.int64)
        drawn = np.where(place - column < self.kept[column], column, self.alias[column])
        outputs = np.concatenate([words[:, None], drawn], axis=1)  # (S, 1 + negative)
        labels = np.zeros(outputs.shape, np.float32)
        labels[:, 0] = 1
        weights = (outputs != words[:, None]).astype(np.float32)
        weights[:, 0] = 1
        return outputs, labels, weights


def alias_table(shares: NDArray[np.float64]) -> tuple[NDArray[np.float64], Ints]:
    """Two tables (V,) to draw in proportion to `shares` at a cost that does not grow with their number V.

    A column c, each as likely as any other, gives c with probability kept[c], else alias[c]. Source: Walker, "An
    efficient method for generating discrete random variables with general distributions" (1977).

    >>> [table.tolist() for table in alias_table(np.array([0.25, 0.75]))]
    [[0.5, 1.0], [1, 1]]
    """
    kept, alias = shares * len(shares), np.arange(len(shares))
    small, large = (np.flatnonzero(side).tolist() for side in (kept < 1, kept >= 1))
    while small and large:
        c, donor = small.pop(), large[-1]
        alias[c] = donor  # what column c lacks comes from a share that is more than a column
        kept[donor] -= 1 - kept[c]
        if kept[donor] < 1:
            small.append(large.pop())
    kept[[*small, *large]] = 1.0  # but for rounding they are
    return kept, alias


class HuffmanTree:
    """Hierarchical softmax: a word is the path to its leaf, left or right at each inner node; frequent words are near.

    The nodes of a path come from the root down. They have the numbers 0 .. V - 2, the root first, and lower ones the
    more words lie below them. A label is 1 where the path turns left.

    >>> tree = HuffmanTree(np.array([4, 2, 1]))
    >>> [tree.labels[word, : tree.lengths[word]].astype(int).tolist() for word in range(3)]
    [[0], [1, 0], [1, 1]]
    """

    def __init__(self, counts: Ints) -> None:
        V = len(counts)
        # Leaves are 0 .. V - 1, inner nodes V .. 2V - 2 in the order in which they are made; the last is the root.
        queue = [_Subtree(int(count), node) for node, count in enumerate(counts)]
        heapq.heapify(queue)
        parent, turn = [0] * (2 * V - 1), [0] * (2 * V - 1)
        for node in range(V, 2 * V - 1):
            left, right = heapq.heappop(queue), heapq.heappop(queue)
            parent[left.node], parent[right.node], turn[right.node] = node, node, 1
            heapq.heappush(queue, _Subtree(left.count + right.count, node))
        paths = []
        for word in range(V):
            path = []
            node = word
            while node != 2 * V - 2:
                path.append((2 * V - 2 - parent[node], 1 - turn[node]))
                node = parent[node]
            paths.append(path[::-1])
        self.lengths = np.array([len(path) for path in paths])  # (V,)
        self.nodes = np.zeros((V, int(self.lengths.max())), np.int64)  # (V, L): inner nodes, 0 beyond the leaf
        self.labels = np.zeros(self.nodes.shape, np.float32)  # (V, L)
        for word, path in enumerate(paths):
            self.nodes[word, : len(path)], self.labels[word, : len(path)] = zip(*path)

    def outputs(self, words: Ints, rng: np.random.Generator) -> tuple[Ints, Floats, Floats]:
        """Outputs, labels and weights (S, M), with M the longest path of these words. Nothing is drawn."""
        lengths = self.lengths[words]
        M = int(lengths.max(initial=1))
        return self.nodes[words, :M], self.labels[words, :M], (np.arange(M) < lengths[:, None]).astype(np.float32)


@dataclass(order=True)
class _Subtree:
    """Ordered by its count alone, so that the tree is gensim's, equal counts included."""

    count: int
    node: int = field(compare=False)


def keep_probabilities(counts: Ints, sample: float) -> NDArray[np.float64]:
    """With which probability a word of the text is kept: 1 for those whose share of the text is small; sample 0 is 1.

    With f the word's share of the text it is sqrt(sample / f) + sample / f, at most 1, as in the C program and gensim.

    >>> keep_probabilities(np.array([98, 1, 1]), 0.01).round(3).tolist()
    [0.111, 1.0, 1.0]
    """
    if sample == 0:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / np.maximum(counts, 1)
    keep: NDArray[np.float64] = np.minimum(np.sqrt(ratio) + ratio, 1.0)
    return keep


@dataclass(frozen=True)
class WindowSampler:
    """Makes the `Windows` of a stretch of text.

    Args:
        keep: the probability with which each word is kept (V,), see `keep_probabilities`.
        window: the largest distance of a neighbour; each word's own is drawn from 1 .. window.
        teller: what a word is told from, `Noise` or a `HuffmanTree`.
    """

    keep: NDArray[np.float64]
    window: int
    teller: Noise | HuffmanTree

    def windows(self, ids: Ints, key: Key) -> Windows:
        """The windows of words `ids` in their order; a negative id ends a sentence, and is no word.

        Words that are left out make room: the window reaches that much further, as in the C program and gensim.
        """
        rng = key.numpy()
        kept = ids >= 0
        kept[kept] = rng.random(int(kept.sum())) < self.keep[ids[kept]]
        words, sentence = ids[kept], np.cumsum(ids < 0)[kept]  # (S,) each
        S, W = len(words), self.window
        reach = rng.integers(1, W + 1, size=(S, 1))
        offsets = np.arange(-W, W + 1)  # (K,)
        sentences = around(np.pad(sentence, W, constant_values=-1), 2 * W + 1)  # (S, K)
        near = (np.abs(offsets) <= reach) & (offsets != 0) & (sentences == sentence[:, None])  # (S, K)
        return Windows(np.pad(words, W), near, *self.teller.outputs(words, rng))
