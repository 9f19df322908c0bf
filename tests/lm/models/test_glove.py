"""GloVe: the step by hand is AdaGrad on the definition, and the vectors come to explain the matrix."""

import numpy as np
import pytest

import minigrad as mg
from lm.data.cooccurrence import Cooccurrences, count_cooccurrences
from lm.models.glove import GloVe, GloVeConfig
from minigrad import optim


def table(V=8, N=30, seed=0):
    rng = np.random.default_rng(seed)
    keys = rng.choice(V * V, N, replace=False)
    return Cooccurrences(keys // V, keys % V, rng.uniform(0.5, 200, N).astype(np.float32))


def test_steps_by_hand_are_adagrad_on_the_definition():
    mg.manual_seed(0)
    fast = GloVe(GloVeConfig(8, 5))
    slow = GloVe(GloVeConfig(8, 5))
    slow.load_state_dict({name: tensor.data.copy() for name, tensor in fast.state_dict().items()})
    optimizer = optim.Adagrad(slow.parameters(), lr=0.05)
    for number in range(5):
        batch = table().batch(9, seed=0, number=number)
        optimizer.zero_grad()
        loss = slow.loss(batch)
        loss.backward()
        optimizer.step()
        assert fast.step(batch, 0.05) == pytest.approx(loss.item() / len(batch), rel=1e-5)
        for name, parameter in slow.named_parameters():
            np.testing.assert_allclose(getattr(fast, name).data, parameter.data, rtol=1e-4, atol=1e-6, err_msg=name)
            squares = getattr(fast, f"{name}_squares").data
            np.testing.assert_allclose(squares, optimizer.state[parameter]["sum"].data, rtol=1e-4, atol=1e-9)


def test_the_definition_is_that_of_the_paper():
    model = GloVe(GloVeConfig(3, 2, x_max=10))
    w, c, b, bc = (getattr(model, name).data for name in ("vectors", "contexts", "biases", "context_biases"))
    batch = Cooccurrences(np.array([0, 2]), np.array([1, 1]), np.array([5.0, 40.0], np.float32))
    wanted = 0.5 * sum(
        min(1, (x / 10) ** 0.75) * (w[i] @ c[j] + b[i, 0] + bc[j, 0] - np.log(x)) ** 2
        for i, j, x in ((0, 1, 5), (2, 1, 40))
    )
    assert model.loss(batch).item() == pytest.approx(wanted, rel=1e-5)


def test_the_vector_of_a_word_is_the_sum_of_its_two():
    model = GloVe(GloVeConfig(3, 2))
    expected = model.vectors.data + model.contexts.data
    np.testing.assert_array_equal(model.word_vectors(), expected)
    assert np.abs(model.contexts.data).min() > 0


def test_the_sums_of_adagrad_are_saved_with_the_weights():
    names = set(GloVe(GloVeConfig(3, 2)).state_dict())
    assert names == {f"{n}{s}" for n in ("vectors", "contexts", "biases", "context_biases") for s in ("", "_squares")}


def test_a_matrix_of_low_rank_is_explained_to_the_last_entry():
    rng = np.random.default_rng(0)
    V, D = 30, 4
    a, b = rng.standard_normal((V, D)) * 0.5, rng.standard_normal((V, D)) * 0.5
    rows, columns = np.divmod(np.arange(V * V), V)
    data = Cooccurrences(rows, columns, np.exp(a @ b.T + 3).astype(np.float32).ravel())
    mg.manual_seed(1)
    model = GloVe(GloVeConfig(V, 2 * D))
    first = model.step(data, 0.0)
    for number in range(2000):
        model.step(data.batch(90, seed=0, number=number), 0.5)
    assert model.step(data, 0.0) < first / 1000


def test_words_used_alike_get_vectors_alike():
    rng = np.random.default_rng(3)
    group = rng.integers(0, 2, 2000)
    ids = np.concatenate([[10 * g + rng.integers(10), *(20 + 10 * g + rng.integers(10, size=3)), -1] for g in group])
    data = count_cooccurrences([ids], 40, window=3)
    model = GloVe(GloVeConfig(40, 10))
    for number in range(300):
        model.step(data.batch(256, seed=0, number=number), 0.05)
    v = model.word_vectors()[:20]
    v = v - v.mean(0)
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    same = np.equal.outer(np.arange(20) // 10, np.arange(20) // 10)
    assert (v @ v.T)[same].min() > (v @ v.T)[~same].max()
