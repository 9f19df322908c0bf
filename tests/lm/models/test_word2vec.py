"""Word2vec: the gradient written by hand is that of the definition, and what it learns is what stands in the text."""

import numpy as np
import pytest

import minigrad as mg
from lm.data.windows import HuffmanTree, Noise, WindowSampler, around, keep_probabilities
from lm.models import word2vec
from lm.models.word2vec import Word2Vec, Word2VecConfig, add_around, banded, shrink, subtract_rows
from minigrad.ops.random import Key

KINDS = [(sg, hs) for sg in (True, False) for hs in (True, False)]


def make(sg, hs, counts, D=6, window=2, seed=0):
    mg.manual_seed(seed)
    model = Word2Vec(Word2VecConfig(len(counts), D, window, sg, hs, 0 if hs else 3))
    teller = HuffmanTree(counts) if hs else Noise(counts, 3)
    return model, WindowSampler(keep_probabilities(counts, 0.0), window, teller)


@pytest.mark.parametrize(("sg", "hs"), KINDS)
@pytest.mark.parametrize("D", [6, 5])
def test_the_gradient_by_hand_is_that_of_the_definition(sg, hs, D):
    rng = np.random.default_rng(1)
    ids = rng.integers(-1, 9, 40)
    model, sampler = make(sg, hs, np.bincount(ids[ids >= 0], minlength=9), D)
    model.vectors.data = rng.standard_normal(model.vectors.shape)
    model.outputs.data = rng.standard_normal(model.outputs.shape)
    batch = sampler.windows(ids, Key(0, "windows", 0))
    loss = model.loss(batch)
    loss.backward()
    by_hand, dtext, du = model.moves(batch, 1e-9)
    assert by_hand == pytest.approx(loss.item(), rel=1e-6)
    for parameter, rows, values in ((model.vectors, batch.text, dtext), (model.outputs, batch.outputs, du)):
        total = np.zeros(parameter.shape)
        np.add.at(total, rows, values / 1e-9)
        np.testing.assert_allclose(total, parameter.grad.data, rtol=1e-5, atol=1e-6)
        assert np.abs(total).max() > 0.1


@pytest.mark.parametrize(("sg", "hs"), KINDS)
def test_a_step_follows_the_gradient(sg, hs):
    ids = np.random.default_rng(1).integers(-1, 9, 200)
    model, sampler = make(sg, hs, np.bincount(ids[ids >= 0], minlength=9))
    batch = sampler.windows(ids, Key(0, "windows", 0))
    before = [table.data.copy() for table in (model.vectors, model.outputs)]
    part = batch.part(0, word2vec.WORDS_AT_ONCE)
    loss, dtext, du = model.moves(part, 0.1)
    predictions = part.near.sum() if sg else part.near.any(1).sum()
    assert model.step(part, 0.1) == pytest.approx(loss / predictions, rel=1e-6)
    for table, old, rows, values in zip((model.vectors, model.outputs), before, (part.text, part.outputs), (dtext, du)):
        np.subtract.at(old, rows, values)
        np.testing.assert_allclose(table.data, old, rtol=1e-5, atol=1e-6)


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
    for at_once in (1, 128):
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


def test_a_banded_matrix_mixes_each_words_own_places():
    weights, text = np.arange(12.0).reshape(4, 3), np.arange(6.0)
    assert (banded(weights) @ text).tolist() == [sum(weights[s, k] * text[s + k] for k in range(3)) for s in range(4)]


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
