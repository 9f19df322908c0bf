"""Norms of every order, also where an element, a sum of powers or the norm itself is exactly 0 or 1."""

import numpy as np
import pytest

import minigrad as mg

ROWS = np.array([
    [0.0, 0.0], [1.0, 0.0], [0.0, -1.0], [3.0, 4.0], [0.6, 0.8], [-1.0, 1.0], [0.5, 0.0], [2.0, -1.0],
])  # fmt: skip
ORDERS = [0, 0.5, 1, 2, 3, 4.5, -1, -2, np.inf, -np.inf]


@pytest.mark.parametrize("order", ORDERS)
def test_the_norm_of_a_row_is_numpys(order):
    with np.errstate(divide="ignore"):
        expected = np.linalg.norm(ROWS, order, axis=1)
        x = mg.tensor(ROWS)
        for norm in (mg.norm, mg.linalg.vector_norm, mg.linalg.norm):
            np.testing.assert_allclose(norm(x, order, 1).data, expected, rtol=1e-14)
            np.testing.assert_allclose(norm(x, order, 1, True).data, expected[:, None], rtol=1e-14)
            for row, each in zip(ROWS, expected):
                np.testing.assert_allclose(norm(mg.tensor(row), order).data, each, rtol=1e-14)
        np.testing.assert_allclose(mg.linalg.vector_norm(x, order, ()).data, np.linalg.norm(ROWS.ravel(), order))
        if order >= 0:
            np.testing.assert_allclose(
                mg.cdist(x, mg.zeros(1, 2, dtype=mg.float64), order).data, expected[:, None], rtol=1e-14
            )


@pytest.mark.parametrize("order", ORDERS)
def test_the_norm_of_a_number_is_its_magnitude(order):
    for number in (0.0, 1.0, -1.0, 0.5, -3.0):
        expected = float(number != 0.0) if order == 0 else abs(number)
        with np.errstate(divide="ignore"):
            assert mg.linalg.vector_norm(mg.tensor(number), order).item() == pytest.approx(expected)


@pytest.mark.parametrize("order", ["fro", 1, -1, np.inf, -np.inf])
@pytest.mark.parametrize("keepdim", [False, True])
def test_the_norm_of_a_matrix_is_numpys(order, keepdim):
    stack = np.random.default_rng(0).normal(size=(2, 3, 4))
    stack[0, 1] = 0.0
    for dims in ((1, 2), (2, 1), (0, -1), (-1, 0), (1, 0)):
        expected = np.linalg.norm(stack, order, axis=dims, keepdims=keepdim)
        for norm in (mg.linalg.matrix_norm, mg.linalg.norm):
            np.testing.assert_allclose(norm(mg.tensor(stack), order, dims, keepdim).data, expected, rtol=1e-14)


def test_a_deviation_of_exactly_1_is_not_taken_for_one_of_0():
    x = mg.tensor([[1.0, -1.0], [2.0, 2.0], [3.0, 7.0]], requires_grad=True)
    deviation = x.std(1, correction=0)
    assert deviation.tolist() == [1.0, 0.0, 2.0]
    deviation.sum().backward()
    assert x.grad.tolist() == [[0.5, -0.5], [0.0, 0.0], [-0.5, 0.5]]
    assert mg.tensor([0.0, 1.0, 0.0, 1.0]).var(correction=4).item() == np.inf
    assert np.isnan(mg.tensor([5.0, 5.0]).var(correction=2).item())
