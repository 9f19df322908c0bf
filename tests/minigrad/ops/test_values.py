"""Values, dtypes and conventions that a comparison of derivatives does not see."""

import itertools
import math
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.ops.reduce import _axis_of


def leaf(*values, dtype=np.float64):
    return mg.tensor(np.array(values, dtype), requires_grad=True)


@pytest.mark.parametrize("function", [mg.tril, mg.triu, lambda x: x.masked_fill(mg.tensor([True]), 0)])
@pytest.mark.parametrize("dtype", [mg.bool, mg.int32, mg.float16, mg.float64])
def test_masking_keeps_the_dtype(function, dtype):
    assert function(mg.ones(3, 3, dtype=dtype)).dtype == dtype


def test_where_keeps_a_tensor_where_the_condition_holds():
    x, condition = mg.tensor([1.0, 2.0]), mg.tensor([True, False])
    assert x.where(condition, 0.0).tolist() == mg.where(condition, x, 0.0).tolist() == [1.0, 0.0]


def test_a_triangle_has_the_diagonal_unless_told_otherwise():
    x = mg.ones(2, 2)
    assert mg.triu(x).tolist() == mg.triu(x, 0).tolist() == [[1.0, 1.0], [0.0, 1.0]]
    assert mg.tril(x).tolist() == mg.tril(x, 0).tolist() == [[1.0, 0.0], [1.0, 1.0]]
    assert mg.triu(x, 1).tolist() == [[0.0, 1.0], [0.0, 0.0]] and mg.tril(x, -1).tolist() == [[0.0, 0.0], [1.0, 0.0]]


def test_a_lower_triangle_of_bools_is_a_causal_mask():
    mg.manual_seed(0)
    q, k, v = (mg.randn(1, 1, 4, 2) for _ in range(3))
    masked = F.scaled_dot_product_attention(q, k, v, attn_mask=mg.tril(mg.ones(4, 4, dtype=mg.bool)))
    np.testing.assert_allclose(masked.numpy(), F.scaled_dot_product_attention(q, k, v, is_causal=True).numpy())
    with pytest.raises(TypeError, match="attn_mask must be bool"):
        F.scaled_dot_product_attention(q, k, v, attn_mask=mg.ones(4, 4, dtype=mg.int64))
    wide = mg.zeros(4, 4, dtype=mg.float64)
    assert F.scaled_dot_product_attention(q, k, v, attn_mask=wide).dtype == mg.float32


@pytest.mark.parametrize("mode", ["off", "force"] if hasattr(mg, "kernels") else ["off"])
def test_what_a_mask_hides_does_not_matter_even_if_it_is_infinite(mode):
    k = mg.tensor([[[[1.0], [math.inf]]]])
    with mg.kernels.mode(mode) if hasattr(mg, "kernels") else mg.enable_grad():
        out = F.scaled_dot_product_attention(mg.ones(1, 1, 1, 1), k, k.isinf().float(), mg.tensor([[True, False]]))
    assert out.item() == 0.0


def test_grouped_heads_need_a_dimension_of_heads():
    with pytest.raises(mg.ShapeError, match="dimension of heads"):
        F.scaled_dot_product_attention(mg.ones(2, 3), mg.ones(2, 3), mg.ones(2, 3), enable_gqa=True)


def test_arange_steps_in_double_precision():
    np.testing.assert_array_equal(mg.arange(1000, 2000, 0.1).numpy(), np.arange(1000, 2000, 0.1).astype(np.float32))
    assert mg.arange(np.int64(5)).dtype == mg.full((1,), np.int64(3)).dtype == mg.int64
    assert mg.full((1,), True).dtype == mg.full((1,), np.True_).dtype == mg.bool


@pytest.mark.parametrize("make", [
    lambda **k: mg.zeros(2, **k), lambda **k: mg.ones(2, **k), lambda **k: mg.empty(2, **k),
    lambda **k: mg.linspace(0, 1, 2, **k), lambda **k: mg.eye(2, **k), lambda **k: mg.rand(2, **k),
    lambda **k: mg.randn(2, **k),
])  # fmt: skip
def test_no_dtype_and_no_device_mean_the_defaults(make):
    tensor = make(dtype=None, device=None)
    assert (tensor.dtype, tensor.device) == (mg.float32, mg.get_default_device())


def test_the_deviation_of_equal_numbers_has_gradient_zero():
    x = leaf([1.0, 1.0], [1.0, 2.0])
    x.std(1).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0.0, 0.0], [-math.sqrt(0.5), math.sqrt(0.5)]])


def test_remainder_takes_the_quotient_that_was_used():
    x, y = leaf(1.0, 7.5), leaf(0.1, 2.0)
    (x % y).sum().backward()
    np.testing.assert_array_equal(y.grad.numpy(), [-9.0, -3.0])


@pytest.mark.parametrize("n", range(1, 70))
def test_the_mean_of_ones_is_one(n):
    assert mg.ones(n).mean().item() == mg.ones(n, dtype=mg.float64).mean().item() == 1.0


def test_sums_over_leading_dimensions_do_not_lose_precision():
    assert mg.ones(4096, 2, dtype=mg.float16).sum(0).tolist() == [4096.0, 4096.0]
    bias = leaf(0.0, 0.0, dtype=np.float16)
    (mg.zeros(4096, 2, dtype=mg.float16) + bias).sum().backward()
    assert bias.grad.tolist() == [4096.0, 4096.0]
    values = np.random.default_rng(0).random((300_000, 3), np.float32)
    exact = values.sum(0, dtype=np.float64)
    assert np.abs(mg.from_numpy(values).sum(0).numpy() / exact - 1).max() < 1e-6


def test_comparisons_promote_as_arithmetic_does():
    assert (mg.tensor([0.1]) == mg.tensor(0.1, dtype=mg.float64)).item()
    assert (mg.tensor([16777217]) == mg.tensor([16777216.0])).item()


def test_scalars_of_numpy_are_numbers():
    assert (mg.tensor(1.0) * np.float64(2)).dtype == mg.float32
    assert (mg.tensor([1]) + np.float32(0.5)).dtype == mg.float32


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16])
def test_ids_of_few_bits_reach_every_row(dtype):
    table = nn.Embedding(np.iinfo(dtype).max + 1, 2)
    ids = np.array([0, np.iinfo(dtype).max, 0], dtype)
    table(mg.from_numpy(ids)).sum().backward()
    assert table.weight.grad[[0, -1]].tolist() == [[2.0, 2.0], [1.0, 1.0]]
    assert table.weight.grad.sum().item() == 6.0


def test_a_view_never_copies():
    x = mg.arange(6).view(2, 3)
    assert x.view(3, 2).view_of is not None
    with pytest.raises(RuntimeError, match="use reshape"):
        x.T.view(6)


def test_no_dimensions_means_all_of_them():
    assert mg.ones(2, 3).sum(dim=()).item() == 6.0


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="range of their dtype"):
        mg.tensor([300], dtype=np.uint8)
    with pytest.raises(ValueError, match="do not fit int8"):
        mg.randint(0, 1000, (3,), dtype=np.int8)


@pytest.mark.host("a device does not look at values")
def test_what_is_no_probability_is_refused():
    with pytest.raises(ValueError, match="probabilities"):
        mg.bernoulli(mg.tensor([2.0]))


def test_a_number_in_a_tensor_formats_as_a_number():
    assert f"{mg.tensor(1.23456):.3f}" == "1.235"
    assert f"{mg.tensor([1.0], device='cpu')}" == "tensor([1.])"


@pytest.mark.parametrize("function, expected", [
    (lambda x: x.mean(), 300.0), (lambda x: x.var(), 40000.0), (lambda x: (x * 2).std(), 400.0),
    (lambda x: (x * 100).mean(1)[0], 30000.0), (lambda x: x.std(1, keepdim=True)[0, 0], 200.0),
])  # fmt: skip
def test_statistics_of_half_precision_do_not_overflow(function, expected):
    x = mg.tensor(np.tile(np.array([100.0, 500.0], np.float16), (300, 50)), requires_grad=True)
    out = function(x)
    assert out.dtype == mg.float16 and abs(out.item() / expected - 1) < 0.01
    out.backward()
    assert x.grad.dtype == mg.float16 and np.isfinite(x.grad.data).all()


def test_the_correction_of_a_variance():
    """PyTorch's answers, which come without a warning here."""
    x = mg.tensor([1.0, 2.0])
    assert x.var().item() == x.var(True).item() == x.var(0, True).item() == x.var(unbiased=True).item() == 0.5
    assert x.var(False).item() == x.var(0, False).item() == x.var(correction=0).item() == 0.25
    assert x.std(False).item() == mg.std_mean(x, False)[0].item() == 0.5
    assert mg.var_mean(x, 0, False)[0].item() == 0.25
    assert x.var(0, False, True).shape == x.std(0, False, True).shape == (1,)
    with pytest.raises(TypeError, match="only one"):
        x.var(unbiased=True, correction=1)
    for correction in (2, 5):
        assert x.var(correction=correction).item() == math.inf
        assert x.std(correction=correction).item() == math.inf
    assert math.isnan(mg.tensor([5.0]).var().item()) and math.isnan(mg.ones(0).var().item())
    with pytest.raises(mg.DTypeError, match="var needs a floating-point tensor, got int64"):
        mg.tensor([5]).var()


@pytest.mark.parametrize("function, x, y", [
    (mg.maximum, [1.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 1.0]), (mg.minimum, [1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0]),
])  # fmt: skip
def test_beside_a_nan_both_get_the_gradient_of_an_extreme(function, x, y):
    nan = math.nan
    a, b = leaf(nan, 1.0, 2.0, nan), leaf(1.0, nan, 3.0, nan)
    ga, gb = mg.autograd.grad(function(a, b).sum(), (a, b))
    assert ga.tolist() == x and gb.tolist() == y


@pytest.mark.host("a device does not look at values")
@pytest.mark.parametrize("quotient", [
    lambda x, y: x // y, lambda x, y: x % y, mg.fmod, lambda x, y: mg.div(x, y, rounding_mode="trunc"),
])  # fmt: skip
def test_integers_are_not_divided_by_zero(quotient):
    x = mg.tensor([1, 2])
    for divisor in (0, mg.tensor([1, 0]), mg.tensor(0)):
        with pytest.raises(ZeroDivisionError, match=r"of \(2,\) int64 and .*no quotient by 0") as error:
            quotient(x, divisor)
        assert isinstance(error.value, RuntimeError)
    assert quotient(x[:0], 0).shape == (0,)
    with np.errstate(all="ignore"):
        assert quotient(x.float(), 0.0).dtype == mg.float32


def test_a_number_is_divided_and_cut_as_a_tensor_is():
    y = mg.tensor([2.5, 0.0, math.inf, -2.0, -0.3])
    with np.errstate(all="ignore"):
        for number in (7, -7, 7.0, True):
            for mode in ("trunc", "floor", None):
                ours = mg.div(number, y, rounding_mode=mode)
                np.testing.assert_array_equal(
                    ours.data, mg.div(mg.full((5,), float(number)), y, rounding_mode=mode).data
                )
            np.testing.assert_array_equal(mg.fmod(number, y).data, np.fmod(np.float32(number), y.data))
            np.testing.assert_array_equal(mg.remainder(number, y).data, np.remainder(np.float32(number), y.data))


def test_powers_and_signs_of_bools():
    x = mg.tensor([True, False])
    for power in (x**2, x**3, x.square(), 2**x):
        assert power.dtype == mg.int64
    assert (2**x).tolist() == [2, 1] and (x**0).tolist() == [1, 1]
    assert x.sign().dtype == mg.bool and x.sign().tolist() == [True, False]


def test_over_no_dimensions_nothing_is_reduced():
    x = mg.tensor([[0.0, 2.0]])
    assert x.any(()).tolist() == x.all(dim=()).tolist() == [[False, True]]
    assert x.sum(()).item() == 2.0


@pytest.mark.parametrize("reduce", [mg.sum, mg.amax, mg.any, mg.mean, mg.logsumexp])
def test_a_bool_is_no_dimension(reduce):
    with pytest.raises(TypeError, match="dim must be an int, got True"):
        reduce(mg.ones(2, 3), True)


@pytest.mark.parametrize("n, shown", [("2", "'2'"), (2.0, "2.0"), (True, "True"), (None, "NoneType")])
def test_a_power_of_a_matrix_is_a_whole_number(n, shown):
    for power in (mg.linalg.matrix_power, mg.matrix_power):
        with pytest.raises(TypeError, match=rf"matrix_power of .*: n must be an int, got {shown}$"):
            power(mg.ones(2, 2), n)


def test_nothing_falls_into_as_many_parts_as_are_asked_for():
    assert [part.shape for part in mg.ones(2, 0).chunk(3, 1)] == [(2, 0)] * 3
    assert [part.shape for part in mg.ones(3).chunk(5)] == [(1,)] * 3


@pytest.mark.parametrize("data, dtype", [
    ([np.float64(1 / 3)], mg.float64), ([0.5, np.float64(1 / 3)], mg.float64), ([np.float32(1 / 3), 0.5], mg.float32),
    ([np.float16(1 / 3)], mg.float16), ([np.ones(2), np.ones(2)], mg.float64), ([[0.5], (1, 2.0)[:1]], mg.float32),
    ([np.int64(1), 0.5], mg.float32), ([[np.float64(1.0)], [2.0]], mg.float64), ([], mg.float32), (0.5, mg.float32),
])  # fmt: skip
def test_numbers_of_numpy_in_a_list_keep_their_precision(data, dtype):
    assert mg.tensor(data).dtype == dtype


def test_arguments_may_go_by_pytorch_s_names():
    x = mg.tensor([1.0, 4.0])
    pairs = [
        (mg.exp(input=x), mg.exp(x)), (mg.mul(x, other=2.0), x * 2.0), (mg.sub(other=x, input=1.0), 1.0 - x),
        (x.mul(other=x), x * x), (mg.pow(x, exponent=2), x**2), (x.pow(exponent=x), x**x),
        (mg.clamp_min(x, min=2), mg.maximum(x, 2)), (x.clamp_max(max=2), mg.minimum(x, 2)),
        (x.clone().pow_(exponent=2), x**2), (mg.sigmoid(input=x), x.sigmoid()),
        (mg.add(x, x, alpha=2), x * 3), (x.sub(1, alpha=3), x - 3), (mg.sub(x, other=x, alpha=0.5), x / 2),
        (x.add(other=x, alpha=2), x * 3),
    ]  # fmt: skip
    for ours, expected in pairs:
        np.testing.assert_array_equal(ours.data, expected.data)


def test_alpha_scales_the_gradient():
    x, y = leaf(1.0), leaf(2.0)
    assert [g.item() for g in mg.autograd.grad(mg.sub(x, y, alpha=3), (x, y))] == [1.0, -3.0]


@pytest.mark.parametrize("call", [
    lambda x, y: mg.add(x, x, y), lambda x, y: mg.exp(x, y), lambda x, y: mg.exp(x, out=y), lambda x, y: mg.add(x),
    lambda x, y: mg.add(x, x, where=y), lambda x, y: mg.add(x, x, other=x), lambda x, y: mg.mul(x, x, alpha=2),
    lambda x, y: mg.exp(), lambda x, y: x.add(x, y), lambda x, y: mg.sigmoid(x, y), lambda x, y: mg.eq(x, y, y),
    lambda x, y: mg.add(x.data, x.data, y.data),
])  # fmt: skip
def test_an_argument_too_many_is_refused_and_not_written_to(call):
    x, y = mg.ones(2), mg.zeros(2)
    with pytest.raises(TypeError, match=r"takes \(input|not written to out="):
        call(x, y)
    assert y.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("size, dim, shape", [((2, 0), 1, (2,)), ((0, 3), 1, (0,)), ((0, 3), 0, (3,))])
def test_the_logsumexp_of_nothing(size, dim, shape):
    """log(0), as PyTorch has it."""
    with np.errstate(divide="ignore"):
        out = mg.logsumexp(mg.ones(*size), dim)
    assert out.shape == shape and (out.data == -math.inf).all()


REDUCTIONS = (
    "sum", "mean", "amax", "amin", "max", "min", "argmax", "argmin", "any", "all", "var", "std", "var_mean", "std_mean"
)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_a_reduction_takes_numpys_names(name):
    x, function = mg.tensor([[1.0, 5.0, 2.0], [7.0, 3.0, 4.0]]), getattr(mg, name)
    leaves = lambda out: [each.tolist() for each in (out if isinstance(out, tuple) else (out,))]
    assert leaves(function(x, axis=1)) == leaves(function(x, 1)) != leaves(function(x, 0))
    assert leaves(function(x, axis=0, keepdims=True)) == leaves(function(x, 0, keepdim=True)) != leaves(function(x, 0))


@pytest.mark.parametrize("x, y", [((2,), (2, 1)), ((2, 1), (2,)), ((), (2,)), ((2,), ())])
def test_an_outer_product_is_of_two_vectors(x, y):
    with pytest.raises(mg.ShapeError, match=r"outer of .* it takes two vectors"):
        mg.outer(mg.ones(*x), mg.ones(*y))


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, math.inf])
def test_rows_of_nothing_are_at_the_same_place(p):
    assert mg.cdist(mg.ones(2, 0), mg.ones(3, 0), p).tolist() == [[0.0] * 3] * 2


def test_einsum_takes_its_operands_one_by_one_or_in_a_list():
    x, y = mg.tensor([1.0, 2.0]), mg.tensor([3.0, 4.0])
    for operands in ((x, y), ([x, y],), ((x, y),)):
        assert mg.einsum("i,i->", *operands).item() == 11.0


@pytest.mark.parametrize("function, shapes", [
    (mg.atleast_1d, [(1,), (3,)]), (mg.atleast_2d, [(1, 1), (1, 3)]), (mg.atleast_3d, [(1, 1, 1), (1, 3, 1)]),
])  # fmt: skip
def test_dimensions_are_added_to_one_tensor_or_to_each_of_several(function, shapes):
    x, y = mg.tensor(1.0), mg.ones(3)
    assert function(x).shape == shapes[0] and function(y).shape == shapes[1]
    for several in (function(x, y), function([x, y]), function((x, y))):
        assert isinstance(several, tuple) and [each.shape for each in several] == shapes


def test_pytorch_s_names_for_dimensions():
    x = mg.tensor([[1.0, 3.0], [4.0, 2.0]])
    assert x.max(axis=1).values.tolist() == [3.0, 4.0] and x.min(axis=0, keepdims=True).indices.tolist() == [[0, 1]]
    assert x.argmax(axis=0).tolist() == [1, 0] and x.argmin(axis=0, keepdims=True).tolist() == [[0, 1]]
    assert (x > 3).any(axis=1).tolist() == [False, True]
    assert (x > 1).all(axis=0, keepdims=True).tolist() == [[False, True]]
    assert mg.cat([x, x], axis=1).shape == (2, 4)
    assert [part.shape for part in x.split(split_size=1)] == [(1, 2)] * 2


def test_a_number_has_one_dimension_to_ask_about():
    x = mg.tensor(3.0)
    assert x.squeeze(0).shape == x.squeeze(-1).shape == () and x.flatten(0, -1).shape == (1,)
    assert x.max(0).indices.item() == x.argmax(-1).item() == 0


def test_a_number_has_no_axis_to_be_looked_along():
    """CuPy knows none there, other than NumPy."""
    assert _axis_of(0, 0) is _axis_of(0, -1) is _axis_of(2, None) is None
    assert _axis_of(1, -1) == 0 and _axis_of(2, -1) == 1


def test_narrow_counts_from_the_end():
    x = mg.tensor([1, 2, 3])
    assert x.narrow(0, -2, 1).tolist() == [2] and x.narrow(0, 3, 0).shape == (0,)
    with pytest.raises(IndexError, match="narrow from -2 by 3 leaves dimension 0 of size 3"):
        x.narrow(0, -2, 3)


def test_what_is_no_number_is_equal_to_no_tensor():
    x = mg.ones(3)
    assert (x == "a") is False and (x != "a") is True and (x == [1, 1, 1]) is False
    assert (x == 1).tolist() == (x == x.data).tolist() == [True] * 3


def test_arange_of_integers_is_exact_and_cuts_its_arguments():
    assert mg.arange(0, 5, 1.5, dtype=mg.int64).tolist() == [0, 1, 2, 3, 4]
    assert mg.arange(0.5, 3.7, dtype=mg.int64).tolist() == [0, 1, 2]
    assert mg.arange(5, 0, -2).tolist() == [5, 3, 1] and mg.arange(3, 3).shape == (0,)


@pytest.mark.parametrize("dtype", [mg.bool, np.uint8, np.int8])
@pytest.mark.parametrize("function", [mg.softmax, mg.log_softmax, mg.logsumexp])
def test_scores_that_are_integers_are_taken_as_float32(function, dtype):
    scores = mg.tensor([0, 3, 1]).to(dtype)
    out, expected = function(scores, dim=0), function(scores.float(), dim=0)
    assert out.dtype == mg.float32
    np.testing.assert_array_equal(out.numpy(), expected.numpy())


@pytest.mark.parametrize("input, other, dtype", [
    (mg.ones(2, dtype=mg.float16), mg.ones(2, dtype=mg.int64), mg.float16),
    (mg.ones(2, dtype=mg.float16), 3.0, mg.float16),
    (mg.ones(2), mg.tensor(3.0, dtype=mg.float64), mg.float32),
    (mg.tensor(1.0, dtype=mg.float64), mg.ones(2, dtype=mg.bool), mg.float64),
    (mg.ones(2, dtype=mg.int64), 3, mg.float32),
])  # fmt: skip
def test_the_dtype_of_xlogy_is_that_of_a_product(input, other, dtype):
    assert mg.xlogy(input, other).dtype == dtype


def test_xlogy_of_a_number_has_the_digits_of_its_dtype():
    np.testing.assert_allclose(mg.xlogy(mg.ones(1, dtype=mg.float64), 0.1).numpy(), math.log(0.1), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.uint8, mg.int32, mg.int64, mg.float16, mg.float64])
def test_a_product_of_vectors_has_their_dtype(dtype):
    vector = mg.ones(3, dtype=dtype)
    assert (vector @ vector).dtype == dtype


@pytest.mark.parametrize("dtype", [mg.float16, mg.float32, mg.float64])
def test_a_product_keeps_its_dtype_unless_told_otherwise(dtype):
    assert mg.prod(mg.ones(3, dtype=dtype)).dtype == dtype
    assert mg.prod(mg.ones(3, dtype=dtype), dtype=mg.float32).dtype == mg.float32


@pytest.mark.parametrize("dtype", [np.uint8, mg.float16])
def test_a_number_of_python_is_weaker_than_a_tensor_of_no_dimensions(dtype):
    number = np.ones((), dtype).item()
    assert mg.result_type(mg.tensor(1, dtype=dtype), number) == dtype
    assert (mg.tensor(1, dtype=dtype) + number).dtype == dtype


@pytest.mark.parametrize("dtype", [np.uint8, mg.int32, mg.bool, mg.float16])
def test_a_sum_has_the_dtype_asked_for(dtype):
    total = mg.sum(mg.tensor([1, 2]), dtype=dtype)
    assert total.dtype == dtype
    assert total.item() == (dtype == mg.bool or 3)


@pytest.mark.parametrize("value", [math.nan, math.inf, np.float32(-math.inf)])
@pytest.mark.parametrize("make", [
    lambda value: mg.full((2,), value, dtype=mg.int64), lambda value: mg.full_like(mg.tensor([1]), value),
    lambda value: mg.full_like(mg.ones(1), value, dtype=np.uint8), lambda value: mg.tensor([1]).new_full((2,), value),
])  # fmt: skip
def test_integers_are_not_filled_with_what_no_integer_is(make, value):
    with pytest.raises(RuntimeError, match=r"full(_like)?: u?int\d+ cannot hold"):
        make(value)


@pytest.mark.parametrize("dtype", [mg.bool, mg.int32, mg.float64])
def test_a_tensor_fills_with_its_dtype(dtype):
    assert mg.full((2,), mg.tensor(1, dtype=dtype)).dtype == dtype


def test_a_sum_keeps_fractions_in_the_dtype_asked_for():
    assert mg.sum(mg.tensor([0.5, 0.25]), dtype=mg.float64).item() == 0.75


@pytest.mark.parametrize(
    "dim", [np.int64(1), np.int8(-1), np.array(1), mg.tensor(1)], ids=["int64", "int8", "0-d", "mg"]
)
def test_a_dimension_may_be_any_whole_number(dim):
    assert mg.ones(2, 3).sum(dim).shape == (2,)


@pytest.mark.parametrize("norm", [mg.linalg.vector_norm, mg.linalg.matrix_norm, mg.linalg.norm])
def test_a_norm_is_computed_in_the_dtype_asked_for(norm):
    wide = norm(mg.tensor([[3.0], [4.0]]), dtype=mg.float64)
    assert (wide.dtype, wide.item()) == (mg.float64, 5.0)
    assert norm(mg.tensor([[3], [4]]), dtype=mg.float32).item() == 5.0


@pytest.mark.parametrize("x", [mg.tensor(2.0), mg.tensor([2.0, 0.0])])
def test_the_number_of_what_is_not_zero_has_the_dtype_of_the_tensor(x):
    count = mg.linalg.vector_norm(x, 0)
    assert (count.dtype, count.item()) == (mg.float32, 1.0)


def test_a_row_times_a_column_of_one_element_keeps_its_dimension():
    row, column, matrix = mg.tensor([1.0, 2.0]), mg.tensor([3.0]), mg.tensor([[3.0], [4.0]])
    assert mg.linalg.multi_dot([row, matrix]).shape == (1,)
    assert mg.linalg.multi_dot([matrix.T, matrix @ mg.ones(1, 1), column]).shape == (1,)
    assert mg.linalg.multi_dot([row, matrix, column]).shape == ()


@pytest.mark.parametrize(
    "name, keepdim", [("std_mean", True), ("std_mean", False), ("var_mean", True), ("var_mean", False)]
)
def test_a_spread_and_its_mean_keep_the_dimension_alike(name, keepdim):
    assert [each.shape for each in getattr(mg, name)(mg.ones(2, 3), 1, keepdim=keepdim)] == [
        (2, 1) if keepdim else (2,)
    ] * 2


@pytest.mark.parametrize("name, product", [
    ("addmm", [(2, 3), (3, 2)]), ("addmv", [(2, 3), (3,)]), ("addr", [(2,), (2,)]),
    ("baddbmm", [(1, 2, 3), (1, 3, 2)]), ("addbmm", [(1, 2, 3), (1, 3, 2)]),
])  # fmt: skip
def test_what_is_added_to_a_product_expands_to_it(name, product):
    with pytest.raises(mg.ShapeError, match=rf"^{name}: input of shape \(4, 1, 2, 2\) does not expand"):
        getattr(mg, name)(mg.ones(4, 1, 2, 2), *map(mg.ones, product))


@pytest.mark.parametrize("sizes", [(4, -1), (-1, 0), (-1, -1), (), (4, 2)])
def test_the_sizes_that_a_dimension_is_parted_into_make_it_up(sizes):
    with pytest.raises(mg.ShapeError, match=rf"sizes {re.escape(str(sizes))} do not make up dimension 1 of size 6"):
        mg.ones(2, 6).unflatten(1, sizes)


@pytest.mark.parametrize("source, destination", [((0, 0), (0, 1)), ((0, 1), (1, -1)), ((0, 1), (0,)), (0, (0, 1))])
def test_each_dimension_moves_once_and_to_one_place(source, destination):
    with pytest.raises(ValueError, match="as many sources as destinations, each once"):
        mg.ones(2, 3).movedim(source, destination)


def test_a_dimension_of_one_element_is_summed_with_all_of_the_other():
    one, three = mg.tensor([[2.0], [3.0]]), mg.tensor([1.0, 2.0, 4.0])
    assert mg.tensordot(one, three, 1).tolist() == [14.0, 21.0]
    assert mg.tensordot(three, one, ([0], [1])).tolist() == [14.0, 21.0]


def test_vectors_of_three_lie_along_the_last_dimension():
    x, y = np.random.default_rng(0).normal(size=(2, 3, 3, 3))
    np.testing.assert_allclose(mg.linalg.cross(mg.tensor(x), mg.tensor(y)).cpu().numpy(), np.cross(x, y), atol=1e-15)


FLOATING = (
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "sin", "cos", "tan", "asin", "acos",
    "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "sigmoid", "reciprocal",
)  # fmt: skip


@pytest.mark.parametrize("name", FLOATING)
@pytest.mark.parametrize("dtype", [mg.int64, mg.int32, np.uint8, mg.bool])
def test_a_function_of_integers_is_of_float32(name, dtype):
    with np.errstate(divide="ignore"):
        assert getattr(mg, name)(mg.tensor([1], dtype=dtype)).dtype == mg.float32


@pytest.mark.parametrize("name, sizes, reason", [
    ("mm", [(2,), (2, 2)], "both need 2 dimensions"), ("bmm", [(2, 2), (2, 2)], "both need 3 dimensions"),
    ("mv", [(2, 2), (2, 2)], "it takes a matrix and a vector"), ("dot", [(2, 2), (2,)], "it takes two vectors"),
])  # fmt: skip
def test_products_are_of_so_many_dimensions(name, sizes, reason):
    shapes = " and ".join(map(str, sizes))
    with pytest.raises(mg.ShapeError, match=rf"^{name} of {re.escape(shapes)}: {reason}"):
        getattr(mg, name)(*map(mg.ones, sizes))


def test_a_chain_of_products_is_taken_in_the_cheapest_order(monkeypatch):
    def cheapest(sizes):
        """Of all ways to split the chain."""
        splits = range(1, len(sizes) - 1)
        last = lambda k: sizes[0] * sizes[k] * sizes[-1]
        return min((cheapest(sizes[: k + 1]) + cheapest(sizes[k:]) + last(k) for k in splits), default=0)

    spent = []
    multiply = mg.ops.linalg.matmul
    monkeypatch.setattr(mg.ops.linalg, "matmul", lambda x, y: spent.append(x.numel() * y.shape[1]) or multiply(x, y))
    for seed in range(20):
        sizes = np.random.default_rng(seed).integers(1, 9, 6).tolist()
        spent.clear()
        mg.linalg.multi_dot([mg.ones(*pair) for pair in itertools.pairwise(sizes)])
        assert sum(spent) == cheapest(sizes)


@pytest.mark.parametrize("data, kind", [
    ([[1, object()]], "a value of type object"), ([1, {}], "a value of type dict"), ([1, None], "None"),
    ([[1.0, "a"], [None, 2]], "a value of type str"), ([[2**70, 1]], "integers beyond 64 bits"),
])  # fmt: skip
def test_what_stands_between_numbers_is_told(data, kind):
    with pytest.raises(TypeError, match=rf"^tensor\(\) cannot hold {kind}; a tensor holds"):
        mg.tensor(data)


def test_what_is_as_far_apart_as_it_may_be_is_close():
    x, y = mg.tensor([1.5, 3.0, 1.0, 2.0]), mg.tensor([1.0, 2.0, 1.5, 2.0])
    assert mg.isclose(x, y, rtol=0, atol=0.5).tolist() == [True, False, True, True]
    assert mg.isclose(x, y, rtol=0.5, atol=0).tolist() == [True, True, True, True]
    assert mg.isclose(x, y, rtol=0.0, atol=0.0).tolist() == [False, False, False, True]
    assert mg.isclose(x, y, 0.25, 0.5).tolist() == [True, True, True, True]
    assert not mg.allclose(x, y, 0, 0.5) and mg.allclose(x, y, 0, 1.0)
    for tolerances in ((-1e-9, 0), (0, -1e-9)):
        with pytest.raises(ValueError, match="tolerances of at least 0"):
            mg.isclose(x, y, *tolerances)
    inf, nan = mg.tensor([math.inf, -math.inf, math.inf]), mg.tensor([math.nan])
    assert mg.isclose(inf, mg.tensor([math.inf, math.inf, 1.0]), 0.0, 1e30).tolist() == [True, False, False]
    assert mg.isclose(nan, nan, equal_nan=True).item() and not mg.isclose(nan, nan).item()
    assert not mg.allclose(nan, nan, 1e-5, 1e-8, False) and mg.allclose(nan, nan, equal_nan=True)


def test_bools_are_close_only_if_they_are_equal():
    assert not np.allclose(mg.tensor([True]), mg.tensor([False]), atol=1.0)
    assert not np.isclose(mg.tensor([True]), mg.tensor([False]), atol=1.0).item()
