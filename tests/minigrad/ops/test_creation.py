"""New tensors have the sizes, dtype, device and values that were asked for, however they were asked for."""

import numpy as np
import pytest

import minigrad as mg

SIZED = {"zeros": 0.0, "ones": 1.0, "empty": None, "rand": None, "randn": None}


def assert_is(tensor, shape, dtype, device=None, requires_grad=False):
    found = tensor.shape, tensor.dtype, tensor.device, tensor.requires_grad
    assert found == (shape, dtype, device or mg.get_default_device(), requires_grad)


@pytest.mark.parametrize("name", SIZED)
def test_sizes_stand_one_by_one_or_together_or_have_their_name(name):
    function, value = getattr(mg, name), SIZED[name]
    for made in (function(2, 3), function((2, 3)), function([2, 3]), function(size=(2, 3))):
        assert_is(made, (2, 3), mg.float32)
        assert value is None or made.tolist() == [[value] * 3] * 2
    assert_is(function(2, dtype=mg.float64, device="cpu", requires_grad=True), (2,), mg.float64, "cpu", True)
    with pytest.raises(TypeError, match=r"by position, .* and by name"):
        function(2, size=(2,))


LIKE = {
    "zeros_like": ((), 0), "ones_like": ((), 1), "full_like": ((3,), 3), "empty_like": ((), None),
    "rand_like": ((), None), "randn_like": ((), None),
}  # fmt: skip


@pytest.mark.parametrize("name", LIKE)
def test_what_is_like_another_takes_from_it_what_is_not_asked_for(name):
    arguments, value = LIKE[name]
    x, function = mg.zeros(2, 3, dtype=mg.float16, device="cpu"), getattr(mg, name)
    made = function(x, *arguments)
    assert_is(made, (2, 3), mg.float16, "cpu")
    assert value is None or made.tolist() == [[value] * 3] * 2
    assert_is(function(x, *arguments, dtype=mg.float64, requires_grad=True), (2, 3), mg.float64, "cpu", True)
    there = mg.get_default_device()
    made = function(x, *arguments, device=there, requires_grad=True)
    assert_is(made, (2, 3), mg.float16, there, True)
    assert value is None or made.tolist() == [[value] * 3] * 2
    assert_is(function(x, *arguments, device=there, dtype=mg.float64), (2, 3), mg.float64, there)


def test_randint_like_takes_shape_and_dtype():
    x = mg.zeros(300, dtype=mg.int32, device="cpu")
    for made, low, high in ((mg.randint_like(x, 3), 0, 2), (mg.randint_like(x, -4, -1), -4, -2)):
        assert_is(made, (300,), mg.int32, "cpu")
        assert (made.min().item(), made.max().item()) == (low, high)
    assert_is(mg.randint_like(x, 3, dtype=mg.int64, device=mg.get_default_device()), (300,), mg.int64)


NEW = {
    "new_zeros": ((2, 3), 0), "new_ones": ((2, 3), 1), "new_empty": ((2, 3), None), "new_full": (((2, 3), 5), 5),
    "new_tensor": (([[7.0] * 3] * 2,), 7),
}  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_what_a_tensor_makes_is_of_its_dtype_and_beside_it(name):
    arguments, value = NEW[name]
    function = getattr(mg.zeros(4, dtype=mg.float16, device="cpu"), name)
    made = function(*arguments)
    assert_is(made, (2, 3), mg.float16, "cpu")
    assert value is None or made.tolist() == [[value] * 3] * 2
    there = mg.get_default_device()
    assert_is(function(*arguments, dtype=mg.float64, requires_grad=True), (2, 3), mg.float64, "cpu", True)
    assert_is(function(*arguments, device=there), (2, 3), mg.float16, there)
    if name in ("new_zeros", "new_ones", "new_empty"):
        assert_is(function(size=(2, 3)), (2, 3), mg.float16, "cpu")


def test_the_dtype_of_full_is_that_of_its_number():
    numbers = {mg.bool: [True, np.True_], mg.int64: [3, np.int32(3)], mg.float32: [3.0, np.float64(3)]}
    for dtype, fillers in numbers.items():
        for filler in fillers:
            assert_is(mg.full((2,), filler), (2,), dtype)
    assert_is(mg.full((2,), mg.tensor(3.0, dtype=mg.float16)), (2,), mg.float16)
    assert_is(mg.full((), 3, dtype=mg.float64, device="cpu", requires_grad=True), (), mg.float64, "cpu", True)


def test_ranges_begin_and_end_where_they_are_told_to():
    assert mg.arange(3).tolist() == mg.arange(end=3).tolist() == [0, 1, 2]
    assert mg.arange(1, 2, 0.5).tolist() == [1.0, 1.5] and mg.arange(3, 0, -2).tolist() == [3, 1]
    assert mg.linspace(1, 2, 3).tolist() == [1.0, 1.5, 2.0]
    assert mg.logspace(0, 2, 3).tolist() == [1.0, 10.0, 100.0] and mg.logspace(0, 2, 3, 2.0).tolist() == [1.0, 2.0, 4.0]
    assert mg.eye(2).tolist() == [[1.0, 0.0], [0.0, 1.0]] and mg.eye(1, 2).tolist() == [[1.0, 0.0]]
    for function, arguments in ((mg.arange, (3,)), (mg.linspace, (1, 2, 3)), (mg.logspace, (1, 2, 3))):
        made = function(*arguments, dtype=mg.float64, device="cpu", requires_grad=True)
        assert_is(made, (3,), mg.float64, "cpu", True)
        assert function(*arguments).device == mg.get_default_device()
    assert_is(mg.eye(2, dtype=mg.float64, device="cpu", requires_grad=True), (2, 2), mg.float64, "cpu", True)


def test_sizes_are_not_negative():
    for name in ("zeros", "ones", "empty", "full", "eye"):
        arguments = {"full": ((-1,), 0.0), "eye": (-1,)}.get(name, (-1,))
        with pytest.raises(ValueError, match=rf"^{name} of size \(-1.*a size cannot be negative"):
            getattr(mg, name)(*arguments)


def test_as_tensor_takes_dtype_and_device():
    x, array = mg.zeros(2, device="cpu"), np.zeros(2)
    assert mg.as_tensor(x) is x
    for data in (x, array, [0.0, 0.0]):
        assert_is(mg.as_tensor(data, mg.float16, "cpu"), (2,), mg.float16, "cpu")
    assert_is(mg.as_tensor(x, mg.float64), (2,), mg.float64, "cpu")
    assert_is(mg.as_tensor(array, device=mg.get_default_device()), (2,), mg.float64)
    assert_is(mg.as_tensor(array), (2,), mg.float64)
