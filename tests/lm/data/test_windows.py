"""What word2vec sees: the laws of its windows, its noise, its trees, and of leaving frequent words out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lm.data.windows import HuffmanTree, Noise, Windows, WindowSampler, alias_table, keep_probabilities
from minigrad.ops.random import Key

COUNTS = np.array([400, 200, 100, 50, 25, 12, 6, 3])


def sampler(window=3, sample=0.0, counts=COUNTS, **noise):
    return WindowSampler(keep_probabilities(counts, sample), window, Noise(counts, **noise))


def draw(ids, number=0, **settings) -> Windows:
    return sampler(**settings).windows(np.array(ids, np.int64), Key(7, "windows", number))


@given(st.lists(st.integers(-1, 7), max_size=60), st.integers(1, 5), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_neighbours_are_within_the_window_and_the_sentence_and_not_the_word_itself(ids, window, number):
    batch = draw(ids, number, window=window)
    words = [(word, sum(other < 0 for other in ids[:place])) for place, word in enumerate(ids) if word >= 0]
    assert batch.words.tolist() == [word for word, _ in words]
    assert batch.near.shape == (len(words), 2 * window + 1)
    for s in range(len(words)):
        reach = [place - window for place in np.flatnonzero(batch.near[s])]
        assert all(0 < abs(offset) <= window for offset in reach)
        assert all(0 <= s + offset < len(words) and words[s + offset][1] == words[s][1] for offset in reach)
        assert all(words[s + offset][0] == batch.places[s, offset + window] for offset in reach)
        widest = max(map(abs, reach), default=0)
        inside = range(max(-widest, -s), min(widest, len(words) - 1 - s) + 1)
        assert set(reach) == {o for o in inside if o and words[s + o][1] == words[s][1]}, "a window has no holes"


def test_every_width_of_a_window_is_equally_likely():
    near = draw([0] * 20_000, window=4).near[10:-10].sum(1)
    shares = np.bincount(near, minlength=9) / len(near)
    assert np.abs(shares[[2, 4, 6, 8]] - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / len(near))
    assert shares[[2, 4, 6, 8]].sum() == 1


def test_frequent_words_are_left_out_as_gensim_does():
    sample, n = 0.01, 30_000
    keep = keep_probabilities(COUNTS, sample)
    for word, count in enumerate(COUNTS):
        threshold = sample * COUNTS.sum()  # gensim: (sqrt(v / threshold) + 1) * (threshold / v)
        assert keep[word] == pytest.approx(min(1, (np.sqrt(count / threshold) + 1) * threshold / count), rel=1e-12)
    kept = len(draw([0] * n, sample=sample).words) / n
    assert abs(kept - keep[0]) < 4 * np.sqrt(keep[0] * (1 - keep[0]) / n)
    assert len(draw([7] * 1000, sample=sample).words) == 1000


def test_words_that_are_left_out_make_room():
    batch = draw([7, *[0] * 50, 6], sample=1e-9, counts=np.array([10**9, 1, 1, 1, 1, 1, 1, 1]), window=1)
    assert batch.words.tolist() == [7, 6]
    assert batch.near.tolist() == [[False, False, True], [True, False, False]]


def test_noise_follows_the_counts_to_their_power_and_the_word_itself_does_not_count():
    words = np.full(20_000, 2)
    outputs, labels, weights = Noise(COUNTS, 4, 0.75).outputs(words, np.random.default_rng(0))
    assert outputs.shape == labels.shape == weights.shape == (20_000, 5)
    assert (outputs[:, 0] == 2).all() and (weights[:, 0] == 1).all()
    assert (labels == [1, 0, 0, 0, 0]).all()
    assert ((weights[:, 1:] == 0) == (outputs[:, 1:] == 2)).all()
    wanted = COUNTS**0.75 / (COUNTS**0.75).sum()
    shares = np.bincount(outputs[:, 1:].ravel(), minlength=8) / 80_000
    assert (np.abs(shares - wanted) < 4.5 * np.sqrt(wanted * (1 - wanted) / 80_000)).all()


def test_a_word_that_never_occurs_is_no_noise():
    counts = np.array([0, 5, 0, 7])
    for exponent in (0.75, 0.0, -1.0):
        outputs, _, _ = Noise(counts, 5, exponent).outputs(np.zeros(2000, int), np.random.default_rng(0))
        assert set(outputs[:, 1:].ravel()) == {1, 3}


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=40).filter(lambda shares: sum(shares) > 1e-3))
def test_an_alias_table_gives_every_share_exactly(shares):
    shares = np.array(shares) / sum(shares)
    kept, alias = alias_table(shares)
    chances = kept / len(kept)
    np.add.at(chances, alias, (1 - kept) / len(kept))
    np.testing.assert_allclose(chances, shares, atol=1e-12)
    assert (kept >= -1e-12).all() and (kept <= 1).all()


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=40))
def test_a_huffman_tree_has_the_shortest_paths_and_no_path_within_another(counts):
    tree = HuffmanTree(np.array(counts))
    codes = ["".join(str(int(label)) for label in tree.labels[w, : tree.lengths[w]]) for w in range(len(counts))]
    assert sum(2.0 ** -len(code) for code in codes) == 1  # a full binary tree
    assert not any(a != b and b.startswith(a) for a in codes for b in codes) and len(set(codes)) == len(codes)
    queue, total = sorted(counts), 0  # the textbook's cost: the sum of the counts of all inner nodes
    while len(queue) > 1:
        both = queue.pop(0) + queue.pop(0)
        total += both
        queue = sorted([*queue, both])
    assert sum(count * len(code) for count, code in zip(counts, codes)) == total
    for w, code in enumerate(codes):  # a node is where all paths with the same beginning part
        for v, other in enumerate(codes):
            for depth in range(min(len(code), len(other))):
                assert (tree.nodes[w, depth] == tree.nodes[v, depth]) == (code[:depth] == other[:depth])
    below = np.zeros(len(counts) - 1)  # how often a word below each node occurs
    for w, count in enumerate(counts):
        below[tree.nodes[w, : tree.lengths[w]]] += count
    assert below[0] == sum(counts) and (np.diff(below) <= 0).all()


def test_paths_are_padded_with_what_does_not_count():
    tree = HuffmanTree(COUNTS)
    outputs, labels, weights = tree.outputs(np.array([0, 7]), np.random.default_rng(0))
    assert outputs.shape == (2, tree.lengths[7]) and weights.sum(1).tolist() == [tree.lengths[0], tree.lengths[7]]
    assert tree.outputs(np.array([0]), np.random.default_rng(0))[0].shape == (1, tree.lengths[0])
    assert labels.dtype == weights.dtype == np.float32


def test_windows_are_a_function_of_the_key():
    ids = np.arange(400) % 8
    one, same, other = (draw(ids, number, sample=0.05) for number in (3, 3, 4))
    for name in ("text", "near", "outputs", "labels", "weights"):
        assert np.array_equal(getattr(one, name), getattr(same, name))
    assert not np.array_equal(one.text, other.text) or not np.array_equal(one.outputs, other.outputs)


def test_a_part_of_windows_has_the_same_words_with_the_same_neighbours():
    batch = draw(np.arange(50) % 8)
    part = batch.part(10, 30)
    assert np.array_equal(part.words, batch.words[10:30])
    assert np.array_equal(part.places, batch.places[10:30])
    assert np.array_equal(part.near, batch.near[10:30]) and np.array_equal(part.outputs, batch.outputs[10:30])
    assert len(batch.part(40, 90).words) == 10


def test_a_part_has_no_outputs_that_count_for_none_of_its_words():
    tree = HuffmanTree(COUNTS)
    batch = WindowSampler(np.ones(8), 2, tree).windows(np.array([7, 0, 0, 7]), Key(0, "windows", 0))
    assert tree.lengths[0] < tree.lengths[7]
    for first, last, M in ((0, 2, tree.lengths[7]), (1, 3, tree.lengths[0]), (2, 2, 0)):
        part = batch.part(first, last)
        assert part.outputs.shape == part.labels.shape == part.weights.shape == (last - first, M)
        assert np.array_equal(part.outputs, batch.outputs[first:last, :M])


@pytest.mark.parametrize("ids", [[], [-1], [-1, -1], [3], [-1, 3, -1]])
def test_text_of_hardly_any_words_gives_windows_without_neighbours(ids):
    batch = draw(ids)
    assert len(batch.words) == sum(word >= 0 for word in ids)
    assert not batch.near.any()
