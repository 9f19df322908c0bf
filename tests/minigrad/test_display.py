"""How tensors are shown: a few values as PyTorch 2.13 printed them, many as one line that says what they are like."""

import tracemalloc
from math import inf, nan

import numpy as np
import pytest

import minigrad as mg

# What `repr(torch.tensor(value))` was, for values of float32, int64 and bool.
PRINTED = [
    (3.0, "tensor(3.)"),
    (-0.0, "tensor(-0.)"),
    (2.5, "tensor(2.5000)"),
    (10000000000.0, "tensor(1.0000e+10)"),
    (1e-05, "tensor(1.0000e-05)"),
    (nan, "tensor(nan)"),
    (inf, "tensor(inf)"),
    (3, "tensor(3)"),
    (-7, "tensor(-7)"),
    (True, "tensor(True)"),
    (False, "tensor(False)"),
    ([], "tensor([])"),
    ([1.0, 2.0], "tensor([1., 2.])"),
    ([1.0, -2.0, 30.0], "tensor([ 1., -2., 30.])"),
    ([0.5, 1.0], "tensor([0.5000, 1.0000])"),
    ([1e-05, 1.0], "tensor([1.0000e-05, 1.0000e+00])"),
    ([1.0, 2000.0], "tensor([1.0000e+00, 2.0000e+03])"),
    ([1.5, 1000.0], "tensor([   1.5000, 1000.0000])"),
    ([1.5, 1600.0], "tensor([1.5000e+00, 1.6000e+03])"),
    ([1000000000.0, 1.0], "tensor([1.0000e+09, 1.0000e+00])"),
    ([100000000.0, 200000000.0], "tensor([1.0000e+08, 2.0000e+08])"),
    ([200000000.0, 300000000.0], "tensor([2.0000e+08, 3.0000e+08])"),
    ([0.0, 0.0], "tensor([0., 0.])"),
    ([0.0, 1e-07], "tensor([0.0000e+00, 1.0000e-07])"),
    ([nan, 1.0], "tensor([nan, 1.])"),
    ([nan, 1.5], "tensor([   nan, 1.5000])"),
    ([inf, -inf, 2.0], "tensor([inf, -inf, 2.])"),
    ([nan], "tensor([nan])"),
    ([-0.0, 0.0], "tensor([-0., 0.])"),
    ([1, 2, -30], "tensor([  1,   2, -30])"),
    ([True, False], "tensor([ True, False])"),
    ([[1.0, 2.0], [3.0, 4.5]], "tensor([[1.0000, 2.0000],\n        [3.0000, 4.5000]])"),
    ([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]],
     "tensor([[[1., 2.],\n"
     "         [3., 4.]],\n"
     "\n"
     "        [[5., 6.],\n"
     "         [7., 8.]]])"),
    ([[[[1, 2]], [[3, 4]]]], "tensor([[[[1, 2]],\n\n         [[3, 4]]]])"),
    ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2],
     "tensor([0.1000, 0.2000, 0.3000, 0.4000, 0.5000, 0.6000, 0.7000, 0.8000, 0.9000,\n"
     "        1.0000, 1.1000, 1.2000])"),
    ([1.5e10] * 12,
     "tensor([1.5000e+10, 1.5000e+10, 1.5000e+10, 1.5000e+10, 1.5000e+10, 1.5000e+10,\n"
     "        1.5000e+10, 1.5000e+10, 1.5000e+10, 1.5000e+10, 1.5000e+10, 1.5000e+10])"),
    ([100000.0, 1.0], "tensor([1.0000e+05, 1.0000e+00])"),
    ([[1.0], [2.0]], "tensor([[1.],\n        [2.]])"),
    ([12345678.0], "tensor([12345678.])"),
    ([0.00012345, 0.5], "tensor([1.2345e-04, 5.0000e-01])"),
    ([0.3333333333333333], "tensor([0.3333])"),
    ([99999.5], "tensor([99999.5000])"),
    ([[0.1] * 6] * 2,
     "tensor([[0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000],\n"
     "        [0.1000, 0.1000, 0.1000, 0.1000, 0.1000, 0.1000]])"),
]  # fmt: skip

def made(value):
    array = np.array(value)
    return mg.Tensor(array.astype(np.float32) if array.dtype == float else array)


@pytest.mark.parametrize("value, text", PRINTED, ids=range(len(PRINTED)))
def test_a_few_values_are_printed_as_pytorch_prints_them(value, text):
    assert repr(made(value)) == text


@pytest.mark.host("what lies on a device says so")
@pytest.mark.parametrize("make, text", [
    (lambda: mg.zeros(0, 3), "tensor([], size=(0, 3))"),
    (lambda: mg.zeros(2, dtype=mg.float64), "tensor([0., 0.], dtype=float64)"),
    (lambda: mg.zeros(2, 0, dtype=mg.int32), "tensor([], size=(2, 0), dtype=int32)"),
    (lambda: mg.ones(2, requires_grad=True), "tensor([1., 1.], requires_grad=True)"),
    (lambda: mg.ones(2, requires_grad=True) * 3, "tensor([3., 3.], grad_fn=<mul>)"),
    (lambda: mg.nn.Parameter(mg.ones(2)), "Parameter containing:\ntensor([1., 1.], requires_grad=True)"),
    (lambda: mg.tensor([1.0, 2.0]).half(), "tensor([1., 2.], dtype=float16)"),
    (lambda: mg.ones(4, 6).T[::2, 1:], "tensor([[1., 1., 1.],\n        [1., 1., 1.],\n        [1., 1., 1.]])"),
])  # fmt: skip
def test_what_a_tensor_is_follows_its_values(make, text):
    assert repr(make()) == str(make()) == text


@pytest.mark.parametrize("values, text", [
    ([100000000.5], "1.0000e+08"), ([1e8], "100000000."), ([1.0, 1000.5], "1.0000e+00, 1.0005e+03"),
    ([0.1, 100.0], "0.1000, 100.0000"), ([0.1, 100.5], "1.0000e-01, 1.0050e+02"),
    ([1e-4], "0.0001"), ([0.00009999], "9.9990e-05"), ([0.001, 1.0], "0.0010, 1.0000"),
    ([1.5, 1500.0], "   1.5000, 1500.0000"), ([1.5, 1500.25], "1.5000e+00, 1.5002e+03"),
])  # fmt: skip
def test_an_exponent_is_shown_where_four_decimals_would_hide_something(values, text):
    """At the edges, in float64, as PyTorch does."""
    assert text in repr(mg.tensor(np.array(values)))


def count_to(n, dtype=np.float32):
    return np.arange(1, n + 1).astype(dtype)


@pytest.mark.parametrize("array, text", [
    (count_to(12), "tensor([ 1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12.])"),
    (count_to(13), "tensor(shape=(13,), dtype=float32, min=1, mean=7, max=13)"),
    (count_to(20, np.int64).reshape(4, 5) - 9, "tensor(shape=(4, 5), dtype=int64, min=-8, mean=1.5, max=11)"),
    (count_to(16) > 4, "tensor(shape=(16,), dtype=bool, true=12)"),
    (np.array([nan, inf, -inf, nan, *range(12)]), "tensor(shape=(16,), dtype=float64, nan=2, inf=2)"),
    (np.array([nan, *range(15)]), "tensor(shape=(16,), dtype=float64, nan=1)"),
    (np.array([-inf, *range(15)], np.float16), "tensor(shape=(16,), dtype=float16, inf=1)"),
    (np.full(70_000, 3.0, np.float16), "tensor(shape=(70000,), dtype=float16, min=3, mean=3, max=3)"),
    (np.full(16, 3e38, np.float32), "tensor(shape=(16,), dtype=float32, min=3e+38, mean=3e+38, max=3e+38)"),
    (np.full(16, 2**63 - 1), "tensor(shape=(16,), dtype=int64, min=9223372036854775807, mean=9.223e+18, "
                             "max=9223372036854775807)"),
])  # fmt: skip
def test_many_values_are_one_line_of_what_they_are_like(array, text):
    assert repr(mg.Tensor(array)) == text


@pytest.mark.host("what lies on a device says so")
def test_many_values_of_a_graph_say_so():
    x = mg.ones(4, 5, requires_grad=True)
    assert repr(x).endswith("max=1, requires_grad=True)") and repr(x * 2).endswith("max=2, grad_fn=<mul>)")


def test_showing_many_values_copies_none():
    """Of 80 MB of zeros that take no memory at all."""
    x = mg.Tensor(np.broadcast_to(np.float32(0.0), (20_000, 1_000)))
    tracemalloc.start()
    try:
        assert "shape=(20000, 1000)" in repr(x)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


class Unreadable(np.ndarray):
    """Values on a device that has failed."""

    def tolist(self):
        raise OSError("the device is lost")

    def __array_ufunc__(self, *args, **kwargs):
        raise OSError("the device is lost")


@pytest.mark.parametrize("size", [3, 30])
def test_a_repr_does_not_fail(size):
    x = mg.Tensor(np.ones(size, np.float32).view(Unreadable))
    assert "values cannot be read: OSError" in repr(x)
    assert size == 3 or "shape=(30,), dtype=float32" in repr(x)


# ---------------------------------------------------------------------------------------------------------- format


def test_a_number_is_formatted_as_one():
    loss = mg.tensor(2.5, requires_grad=True) * 2
    assert f"{loss:.3f}" == "5.000" and f"{loss}" == "5.0" and f"{mg.tensor(7):>4d}" == "   7"
    assert f"{mg.tensor(True)}" == "True"


@pytest.mark.host("what lies on a device says so")
def test_several_numbers_are_shown_and_not_formatted():
    assert f"{mg.ones(2)}" == "tensor([1., 1.])"
    for x in (mg.ones(2), mg.ones(1)):
        with pytest.raises(TypeError, match=r"only a 0-d tensor .* shape \("):
            f"{x:.3f}"
    with pytest.raises(ValueError, match="format code 's'"):
        f"{mg.tensor(1.0):10s}"
