"""Word2vec: the gradient written by hand is that of the definition, and what it learns is what stands in the text."""

from dataclasses import replace

import numpy as np
import pytest

import minigrad as mg
from lm.data.windows import HuffmanTree, Noise, WindowSampler, around, keep_probabilities
from lm.models import word2vec
from lm.models.word2vec import Mixing, Word2Vec, Word2VecConfig, add_around, shrink, subtract_rows
from minigrad.ops.random import Key

KINDS = [(sg, hs) for sg in (True, False) for hs in (True, False)]


def make(sg, hs, counts, D=6, window=2, seed=0):
    mg.manual_seed(seed)
    model = Word2Vec(Word2VecConfig(len(counts), D, window, sg, hs, 0 if hs else 3))
    teller = HuffmanTree(counts) if hs else Noise(counts, 3)
    return model, WindowSampler(keep_probabilities(counts, 0.0), window, teller)


def in_float64(sg, hs, D):
    """A model with weights that are far from 0, and a batch that is longer than a block of `Mixing`."""
    rng = np.random.default_rng(1)
    ids = rng.integers(-1, 9, 80)
    model, sampler = make(sg, hs, np.bincount(ids[ids >= 0], minlength=9), D)
    model.vectors.data = rng.standard_normal(model.vectors.shape)
    model.outputs.data = rng.standard_normal(model.outputs.shape)
    batch = sampler.windows(ids, Key(0, "windows", 0))
    assert word2vec.BLOCK < len(batch.words) < word2vec.WORDS_AT_ONCE
    return model, batch


@pytest.mark.parametrize(("sg", "hs"), KINDS)
@pytest.mark.parametrize("D", [6, 5])
@pytest.mark.parametrize("top_nodes", [0, 4, 64])
def test_the_gradient_by_hand_is_that_of_the_definition(sg, hs, D, top_nodes, monkeypatch):
    monkeypatch.setattr(word2vec, "TOP_NODES", top_nodes)
    model, batch = in_float64(sg, hs, D)
    loss = model.loss(batch)
    loss.backward()
    before = [table.data.copy() for table in (model.vectors, model.outputs)]
    predictions = batch.near.sum() if sg else batch.near.any(1).sum()
    assert model.step(batch, 1e-7) == pytest.approx(loss.item() / predictions, rel=1e-6)
    for table, old in zip((model.vectors, model.outputs), before):
        np.testing.assert_allclose((old - table.data) / 1e-7, table.grad.data, rtol=1e-5, atol=1e-6)
        assert np.abs(table.grad.data).max() > 0.1


@pytest.mark.parametrize(("sg", "hs"), KINDS)
def test_a_long_step_goes_as_far_as_the_curvature_of_each_row_lets_it(sg, hs):
    model, batch = in_float64(sg, hs, 6)
    lr = 0.1
    model.loss(batch).backward()
    vectors, outputs = (table.data.copy() for table in (model.vectors, model.outputs))
    logits, bends = model.logits(batch).data, (np.zeros(len(vectors)), np.zeros(len(outputs)))
    for s, place, m in np.ndindex(logits.shape):  # one pair of an input and an output after another
        near = [batch.places[s, place]] if sg else batch.places[s][batch.near[s]]
        if batch.weights[s, m] and (batch.near[s, place] if sg else len(near)):
            wrong = logits[s, place, m] * (1 - 2 * batch.labels[s, m])
            p = 1 / (1 + np.exp(-wrong))
            bend = lr * (0.25 if wrong > 0 else p * (1 - p))
            v, u = vectors[near].mean(0), outputs[batch.outputs[s, m]]
            np.add.at(bends[0], near, bend * (u @ u))
            bends[1][batch.outputs[s, m]] += bend * (v @ v)
    model.step(batch, lr)
    for table, old, h in zip((model.vectors, model.outputs), (vectors, outputs), bends):
        factor = (1 - np.exp(-h)) / np.maximum(h, 1e-9)
        assert factor.min() < 0.8
        np.testing.assert_allclose(old - table.data, lr * factor[:, None] * table.grad.data, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("sg", "hs"), KINDS)
def test_no_rate_makes_it_diverge(sg, hs):
    """Two words that follow one another name the same rows hundreds of times in one go."""
    ids = np.arange(3000) % 3
    model, sampler = make(sg, hs, np.array([1000, 1000, 1000]), D=8)
    for number in range(30):
        loss = model.step(sampler.windows(ids, Key(0, "windows", number)), 1.0)
        assert loss < 20
    assert np.abs(model.vectors.data).max() < 100


def test_steps_at_once_go_as_far_as_one_by_one():
    """Down a parabola of curvature 1, n steps of rate b: each leaves 1 - b of the way."""
    n, b = 40, 0.02
    at_once = n * b * shrink(np.zeros(n, int), np.full(n, b))[0]
    assert at_once == pytest.approx(1 - (1 - b) ** n, rel=0.01)


def test_the_gradient_of_the_definition_is_that_of_the_textbook():
    """One word with one neighbour and one noise word: -log sigmoid(u v) - log sigmoid(-n v), in float64."""
    model, _ = make(True, False, np.array([1, 1, 1]), D=4)
    rng = np.random.default_rng(0)
    model.vectors.data = rng.standard_normal((3, 4))
    model.outputs.data = rng.standard_normal((3, 4))
    batch = word2vec.Windows(
        np.array([0, 1]), np.array([[True, False]]), np.array([[1, 2]]), np.array([[1.0, 0.0]], np.float32),
        np.ones((1, 2), np.float32),
    )  # fmt: skip
    # K = 2 here: the neighbour 0 stands before the word 1
    loss = model.loss(batch)
    v, u, n = model.vectors.data[0], model.outputs.data[1], model.outputs.data[2]
    assert loss.item() == pytest.approx(np.log1p(np.exp(-u @ v)) + np.log1p(np.exp(n @ v)), rel=1e-12)


def test_cbow_gives_every_neighbour_the_whole_gradient_of_their_mean():
    """As the C program and gensim do; the gradient of the mean itself would be shared among them."""
    model, sampler = make(False, False, np.array([5, 5, 5, 5]))
    model.outputs.data[:] = np.random.default_rng(0).standard_normal(model.outputs.shape)
    batch = sampler.windows(np.array([0, 1, 2, 3]), Key(0, "windows", 3)).part(1, 2)
    logits = model.logits(batch)
    neighbours = batch.places[0][batch.near[0]]
    mean = model.vectors.data[neighbours].mean(0)
    np.testing.assert_allclose(logits.data[0, 0], model.outputs.data[batch.outputs[0]] @ mean, rtol=1e-4, atol=1e-7)
    model.loss(batch).backward()
    at_mean = ((1 / (1 + np.exp(-logits.data[0, 0])) - batch.labels[0]) * batch.weights[0]) @ model.outputs.data[
        batch.outputs[0]
    ]
    for word in neighbours:
        np.testing.assert_allclose(model.vectors.grad.data[word], at_mean, rtol=1e-4)


@pytest.mark.parametrize(("sg", "hs"), KINDS)
def test_many_words_at_once_learn_what_one_at_a_time_learns(sg, hs, monkeypatch):
    rng = np.random.default_rng(2)
    ids = rng.integers(0, 50, 400)
    tables = []
    for at_once in (1, word2vec.WORDS_AT_ONCE):
        monkeypatch.setattr(word2vec, "WORDS_AT_ONCE", at_once)
        model, sampler = make(sg, hs, np.bincount(ids, minlength=50), D=10)
        for number in range(20):
            model.step(sampler.windows(ids, Key(0, "windows", number)), 0.025)
        tables.append(model.vectors.data.ravel())
    assert np.corrcoef(*tables)[0, 1] > 0.98


@pytest.mark.parametrize(("sg", "hs"), KINDS)
def test_words_used_alike_get_vectors_alike(sg, hs):
    """Words 0 .. 9 stand among 20 .. 29, words 10 .. 19 among 30 .. 39: vectors of the same group are nearer."""
    rng = np.random.default_rng(3)
    group = rng.integers(0, 2, 3000)
    sentences = [[10 * g + rng.integers(10), *(20 + 10 * g + rng.integers(10, size=3)), -1] for g in group]
    ids = np.concatenate(sentences)
    model, sampler = make(sg, hs, np.bincount(ids[ids >= 0], minlength=40), D=16, window=3)
    losses = [model.step(sampler.windows(ids, Key(0, "windows", number)), 0.05) for number in range(8)]
    assert losses[-1] < losses[0] - 0.1
    v = model.vectors.data[:20] / np.linalg.norm(model.vectors.data[:20], axis=1, keepdims=True)
    cosines = v @ v.T
    same = np.equal.outer(np.arange(20) // 10, np.arange(20) // 10)
    assert cosines[same].min() > cosines[~same].max()


def test_a_step_touches_only_the_rows_that_it_names():
    model, sampler = make(True, False, np.array([9, 9, 9, 0, 0, 0]))
    model.outputs.data[:] = 0.1
    before = model.vectors.data.copy(), model.outputs.data.copy()
    model.step(sampler.windows(np.array([0, 1, 2, 1, 0]), Key(0, "windows", 0)), 0.1)
    for table, old in zip((model.vectors.data, model.outputs.data), before):
        assert np.array_equal(table[3:], old[3:])
        assert not np.array_equal(table[:3], old[:3])


def test_a_step_without_words_changes_nothing():
    model, sampler = make(True, False, np.array([9, 9]))
    assert model.step(sampler.windows(np.array([-1]), Key(0, "windows", 0)), 0.1) == 0.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("D", [1, 4, 5])
def test_rows_that_are_named_often_get_the_sum(D, dtype):
    rng = np.random.default_rng(0)
    table, rows, values = rng.standard_normal((7, D)), rng.integers(0, 7, 90), rng.standard_normal((90, D))
    wanted = table.copy()
    np.subtract.at(wanted, rows, values)
    got = table.astype(dtype)
    subtract_rows(got, rows, values.astype(dtype))
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


def test_adding_around_is_the_adjoint_of_looking_around():
    rng = np.random.default_rng(0)
    text, values = rng.standard_normal((9, 2)), rng.standard_normal((5, 5, 2))
    assert (around(text, 5) * values).sum() == pytest.approx((text * add_around(values)).sum(), rel=1e-12)


@pytest.mark.parametrize("S", [0, 1, 31, 32, 33, 100])
@pytest.mark.parametrize("K", [3, 31, 101])
def test_a_band_mixes_each_words_own_places_and_its_transpose_gives_them_back(S, K):
    rng = np.random.default_rng(0)
    weights, text, values = rng.random((S, K)), rng.random((S + K - 1, 2)), rng.random((S, 2))
    mixing = Mixing(weights)
    expected = np.einsum("sk,skd->sd", weights, around(text, K))
    np.testing.assert_allclose(mixing.mix(text), expected, rtol=1e-12)
    back = mixing.unmix(values)
    assert back.shape == text.shape
    assert (expected * values).sum() == pytest.approx((text * back).sum(), rel=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"vocab_size": 1}, "vocab_size must be at least 2"),
        ({"vector_size": 0}, "vector_size must be at least 1"),
        ({"window": 0}, "window must be at least 1"),
        ({"negative": -1}, "negative must be at least 0"),
        ({"negative": 0}, "either hs"),
        ({"hs": True}, "either hs"),
        ({"sample": 1.0}, "sample must be a share"),
    ],
)
def test_settings_that_make_no_sense_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Word2VecConfig(**{"vocab_size": 10, **settings})


@pytest.mark.parametrize(("sg", "hs"), KINDS)
def test_ids_without_a_row_and_tables_of_few_digits_are_named_before_anything_moves(sg, hs):
    model, sampler = make(sg, hs, np.array([9, 9, 9, 9]))
    rows = len(model.outputs)
    batch = sampler.windows(np.array([0, 1, 2, 3]), Key(0, "windows", 0))
    before = model.vectors.data.copy(), model.outputs.data.copy()
    for wrong, message in [
        ({"text": np.where(batch.text == 3, 4, batch.text)}, "id 4 is out of range for 4 rows of vectors"),
        ({"text": np.where(batch.text == 3, -1, batch.text)}, "id -1 is out of range for 4 rows of vectors"),
        ({"outputs": batch.outputs + rows}, f"for {rows} rows of outputs"),
        ({"outputs": batch.outputs - rows}, f"id -{rows} is out of range for {rows} rows of outputs"),
    ]:
        with pytest.raises(IndexError, match=f"Word2Vec.step: .*{message}"):
            model.step(replace(batch, **wrong), 0.1)
    assert all(map(np.array_equal, before, (model.vectors.data, model.outputs.data)))
    with pytest.raises(TypeError, match="vectors must be float32 or float64, got float16"):
        model.half().step(batch, 0.1)


def test_rows_of_a_table_in_any_order_of_memory_are_moved():
    table = np.asfortranarray(np.arange(8, dtype=np.float32).reshape(4, 2))
    subtract_rows(table, np.array([1, 1, 3]), np.ones((3, 2), np.float32))
    np.testing.assert_array_equal(table, [[0, 1], [0, 1], [4, 5], [5, 6]])
