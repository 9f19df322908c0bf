"""What comes round again: turns, shifts and positions over two periods in both directions, as NumPy has them."""

import numpy as np
import pytest

import minigrad as mg


@pytest.mark.parametrize("dims", [(0, 1), (1, 0), (-1, 0), (0, 2), (2, 1)])
@pytest.mark.parametrize("k", range(-9, 10))
def test_a_turn_is_numpys_over_several_rounds(k, dims):
    array = np.arange(24.0).reshape(2, 3, 4)
    x = mg.tensor(array, requires_grad=True)
    turned = mg.rot90(x, k, dims)
    np.testing.assert_array_equal(turned.detach().data, np.rot90(array, k, dims))
    np.testing.assert_array_equal(np.rot90(x, k, dims).detach().data, turned.detach().data)
    (turned * turned.detach()).sum().backward()
    np.testing.assert_array_equal(x.grad.data, array)
    with mg.no_grad():
        turned.zero_()
    assert x.detach().sum().item() == array.sum()  # a copy, by whatever angle


@pytest.mark.parametrize("shift", range(-7, 8))
def test_a_shift_is_numpys_over_several_rounds(shift):
    array = np.arange(6.0).reshape(2, 3)
    x = mg.tensor(array)
    for dims in (None, 0, 1, -1, (0,)):
        shifts = shift if dims != (0,) else (shift,)
        np.testing.assert_array_equal(mg.roll(x, shifts, dims).data, np.roll(array, shift, dims))
    for other in (-4, 0, 1):
        both = mg.roll(x, (shift, other), (0, 1))
        np.testing.assert_array_equal(both.data, np.roll(array, (shift, other), (0, 1)))
        twice = mg.roll(x, (shift, other), (1, 1))
        np.testing.assert_array_equal(twice.data, np.roll(array, (shift, other), (1, 1)))
    for moved in (mg.roll(x, (shift,)), mg.roll(x, [shift], ()), mg.roll(x, shift, ())):
        np.testing.assert_array_equal(moved.data, np.roll(array, shift))


def test_what_is_rolled_by_nothing_is_a_copy():
    for shifts, dims in ((0, 0), (3, 1), ([], []), (0, None), ((0, 0), (0, 1))):
        x = mg.arange(6.0).reshape(2, 3)
        mg.roll(x, shifts, dims).zero_()
        assert x.sum().item() == 15.0
    for shifts, dims in ((1, (0, 1)), ((1, 2), 0), ((1, 2), None), ((), None), ((1, 2), ())):
        with pytest.raises(ValueError, match=r"^roll takes as many shifts as dims"):
            mg.roll(mg.ones(2, 3), shifts, dims)


@pytest.mark.parametrize("counts, reason", [
    ([[1, 2, 3]], r"needs one integer, or 3, got int64 of shape \(1, 3\)"), ([1.0, 2.0, 3.0], "got float32 of shape"),
    ([1, 2], r"got int64 of shape \(2,\)"), ([], "got float32"), ([True], "got bool"), ([1, -1, 2], "not be negative"),
])  # fmt: skip
def test_each_element_is_repeated_by_a_number_of_its_own_or_that_of_all(counts, reason):
    x = mg.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    with pytest.raises(ValueError, match=rf"^repeat_interleave: .*{reason}"):
        x.repeat_interleave(mg.tensor(counts), 1)
    assert x.repeat_interleave(mg.tensor([2]), 1).tolist() == x.repeat_interleave(mg.tensor(2), 1).tolist()
    assert x.repeat_interleave(2, 1).tolist() == [[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]]
    assert x.repeat_interleave(0, 1).shape == (1, 0) and x.repeat_interleave(mg.tensor([0, 0, 0]), 1).shape == (1, 0)
    assert x.repeat_interleave(mg.tensor([0, 2, 1]), -1).tolist() == [[2.0, 2.0, 3.0]]
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        x.repeat_interleave(-1)


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("after", range(5))
def test_padding_goes_on_as_numpys_does(before, after, mode):
    array = np.arange(5.0) ** 2
    theirs = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    ours = mg.nn.functional.pad(mg.tensor(array[None]), (before, after), mode)
    np.testing.assert_array_equal(ours.data[0], np.pad(array, (before, after), theirs))


@pytest.mark.parametrize("k", [0, 1, 2, 3, 5, 8, 13, -1, -2, -3, -5])
def test_a_power_of_a_matrix_is_that_of_numpy(k):
    matrix = np.array([[0.9, 0.5], [-0.4, 1.1]])
    np.testing.assert_allclose(
        mg.linalg.matrix_power(mg.tensor(matrix), k).data, np.linalg.matrix_power(matrix, k), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("n", range(18))
def test_a_scan_of_any_length_is_numpys(n):
    """Odd and even halves of odd and even halves."""
    values = np.random.default_rng(n).uniform(0.5, 1.5, (2, n))
    x = mg.tensor(values)
    np.testing.assert_allclose(mg.cumprod(x, 1).data, np.cumprod(values, 1), rtol=1e-13)
    np.testing.assert_allclose(mg.logcumsumexp(x, 1).data, np.logaddexp.accumulate(values, 1), rtol=1e-13)
    np.testing.assert_array_equal(mg.cummax(x, 1).values.data, np.maximum.accumulate(values, 1))
    np.testing.assert_array_equal(mg.cummin(x, 1).values.data, np.minimum.accumulate(values, 1))
    np.testing.assert_allclose(mg.prod(x, 1).data, np.prod(values, 1), rtol=1e-13)


@pytest.mark.parametrize("size", range(8))
def test_parts_are_as_nearly_equal_as_numpys(size):
    array = np.arange(2.0 * size).reshape(2, size)
    x = mg.tensor(array)
    cuts = ([], [1], [2, 4], [3, 1], [-2], [-9, 9], [0, 0, 5])
    for how in (*range(1, 10), *cuts):
        expected = [part.tolist() for part in np.array_split(array, how, 1)]
        for given in (how, mg.tensor(how, dtype=mg.int64)):
            assert [part.tolist() for part in mg.tensor_split(x, given, 1)] == expected
    if size % 2 == 0:
        for given in (2, mg.tensor(2), [1], mg.tensor([1])):
            by = 2 if given is not None and np.ndim(given) == 0 else [1]
            assert [part.tolist() for part in x.hsplit(given)] == [part.tolist() for part in np.hsplit(array, by)]
    assert [part.tolist() for part in x.vsplit(mg.tensor([1]))] == [part.tolist() for part in np.vsplit(array, [1])]
    deep = x.reshape(1, 2, size)
    assert [part.tolist() for part in deep.dsplit(mg.tensor([1]))] == [
        part.tolist() for part in np.dsplit(array.reshape(1, 2, size), [1])
    ]
