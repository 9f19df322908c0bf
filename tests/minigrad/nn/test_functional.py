"""Derivatives of every function of `minigrad.nn.functional`, by definition and by kernel, and their edge cases."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import functional as F
from minigrad.testing import check_grads
from minigrad.testing.verdicts import Inconclusive
from tests.minigrad.nn.cases import FUNCTIONAL
from tests.minigrad.ops.cases.case import points

MODES = ("off", "force") if hasattr(mg, "kernels") else ("off",)


def kernels(mode):
    return mg.kernels.mode(mode) if hasattr(mg, "kernels") else contextlib.nullcontext()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", FUNCTIONAL)
@points
@given(st.data())
def test_derivatives(name, mode, data):
    case = FUNCTIONAL[name]
    function, arrays = case.draw(data)
    with kernels(mode):
        try:
            check_grads(function, *arrays, order=case.order, probes=1)
        except Inconclusive:
            if mg.get_default_device() == "cpu":
                raise  # on a device there is no longdouble, and a slope near 0 is within the bar of float64's


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "call",
    [
        lambda x: F.linear(x, bias=x), lambda x: F.linear(), lambda x: F.gelu(x, "none", approximate="tanh"),
        lambda x: F.gelu(x, "none", 3), lambda x: F.gelu(x, form="tanh"), lambda x: F.softmax(x, 0, input=x),
    ],
)  # fmt: skip
def test_a_wrong_call_is_a_type_error_with_and_without_kernels(call, mode):
    with kernels(mode), pytest.raises(TypeError, match="argument"):
        call(mg.ones(2, 2))


HALF = {
    "layer_norm": (300.0, lambda x: F.layer_norm(x, [64])),
    "layer_norm_affine": (300.0, lambda x: F.layer_norm(x, [64], x[0] / 512.0, x[1] / 512.0)),
    "rms_norm": (300.0, lambda x: F.rms_norm(x, [64])),
    "gelu_tanh": (300.0, lambda x: F.gelu(x, "tanh")),
    "softmax": (4.0, lambda x: F.softmax(x, -1)),
    "log_softmax": (4.0, lambda x: F.log_softmax(x, -1)),
    "attention": (120.0, lambda x: F.scaled_dot_product_attention(x, x, x)),
}  # what it is given is normal with this standard deviation


@pytest.mark.parametrize("name", HALF)
def test_float16_is_computed_in_float32(name):
    """Values and gradients are those of float64, rounded once: squares of what is given would overflow."""
    scale, function = HALF[name]
    drawn = (np.random.default_rng(0).standard_normal((4, 64)) * scale).astype(np.float16)
    results = []
    for dtype in (np.float16, np.float64):
        x = mg.tensor(drawn.astype(dtype), requires_grad=True)
        out = function(x)
        (out / 64.0).square().sum().backward()
        assert out.dtype == x.grad.dtype == dtype
        results.append((out.data.astype(np.float64), x.grad.data.astype(np.float64)))
    (out, gradient), (wanted, wanted_gradient) = results
    half = np.finfo(np.float16)
    np.testing.assert_allclose(out, wanted, rtol=half.eps, atol=2 * half.smallest_subnormal)
    # the cotangent has been rounded, and more than one term adds up
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=16 * half.eps, atol=4 * half.smallest_subnormal)


def test_float16_beside_float32_gives_float32():
    x = mg.tensor(np.full((2, 8), 300.0, np.float16))
    out = F.rms_norm(x, [8], weight=mg.ones(8))
    assert out.dtype == np.float32 and np.allclose(out.data, 1.0)


def test_the_default_eps_of_rms_norm_in_float16_is_float32s():
    x = mg.tensor(np.full(2, 1e-3, np.float16))
    assert F.rms_norm(x, [2]).tolist() == pytest.approx([0.9453, 0.9453], abs=1e-4)  # PyTorch's answer


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(1, 2, 3, 3), (3, 3), (3,), (1, 1, 1, 3), (2, 3, 1)])
def test_an_attention_mask_broadcasts_in_every_mode(size, mode):
    q = mg.tensor(np.random.default_rng(0).standard_normal((1, 2, 3, 4)))
    mask = mg.tensor(np.arange(np.prod(size)).reshape(size) % 3 > 0)
    with kernels(mode):
        out = F.scaled_dot_product_attention(q, q, q, mask)
    q = q.numpy()
    scores = np.where(mask.numpy(), q @ q.swapaxes(-1, -2) / 2.0, -np.inf)
    weights = np.exp(scores - np.maximum(scores.max(-1, keepdims=True), -1e300))
    total = weights.sum(-1, keepdims=True)
    np.testing.assert_allclose(out.data, weights / np.where(total == 0, 1, total) @ q, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
def test_an_attention_mask_that_does_not_fit_is_refused_in_every_mode(mode):
    q = mg.ones(1, 2, 3, 4)
    with kernels(mode), pytest.raises(mg.ShapeError, match="does not broadcast to the scores"):
        F.scaled_dot_product_attention(q, q, q, mg.tensor(np.ones((3, 2), bool)))
    for size in ((2, 1, 3, 3), (2, 1, 3, 1), (1, 1, 1, 3, 3)):  # these would make more of the scores, as PyTorch says
        for mask in (mg.ones(size, dtype=mg.bool), mg.ones(size)):
            with kernels(mode), pytest.raises(mg.ShapeError, match="does not broadcast to the scores"):
                F.scaled_dot_product_attention(q, q, q, mask)


# --------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("mode", MODES)
def test_infinite_logits_give_nan_without_a_warning(mode):
    """As in PyTorch. (Here a warning would fail the test.)"""
    inf = math.inf
    logits = mg.tensor([[inf, 0.0, 1.0], [-3e38, 3e38, 0.0], [-inf, 1.0, 2.0]])
    with kernels(mode):
        assert np.isnan(F.softmax(logits, 1).data[0, 0]) and F.softmax(logits, 1)[1].tolist() == [0.0, 1.0, 0.0]
        assert F.log_softmax(logits, 1)[1].tolist() == [-inf, 0.0, -np.float32(3e38)]
        assert np.isnan(F.log_softmax(mg.tensor([-inf, -inf]), 0).data).all()
        losses = F.cross_entropy(logits, mg.tensor([0, 1, 0]), reduction="none").data
        assert np.isnan(losses[0]) and losses[1] == 0.0 and losses[2] == inf
        assert math.isnan(F.cross_entropy(logits, mg.tensor([0, 1, 1])).item())
        assert math.isnan(F.cross_entropy(logits, mg.tensor([-100, -100, -100])).item())
        assert math.isnan(F.cross_entropy(logits, F.softmax(logits, 1)).item())


def test_attention_draws_what_it_drops_from_the_default_generator():
    q = mg.ones(1, 8, 4)
    mg.manual_seed(1)
    first, second = (F.scaled_dot_product_attention(q, q, q, dropout_p=0.5).data for _ in range(2))
    mg.manual_seed(1)
    again = F.scaled_dot_product_attention(q, q, q, dropout_p=0.5).data
    assert np.array_equal(first, again) and not np.array_equal(first, second)


def test_attention_of_no_features_averages():
    q, v = mg.zeros(2, 3, 0, dtype=mg.float64), mg.tensor(np.arange(12.0).reshape(2, 3, 2))
    assert np.allclose(F.scaled_dot_product_attention(q, q, v).data, v.data.mean(1, keepdims=True))


def test_no_key_heads_serve_no_query():
    q, k = mg.zeros(1, 4, 3, 4), mg.zeros(1, 0, 3, 4)
    with pytest.raises(mg.ShapeError, match="4 query heads are not a multiple of 0"):
        F.scaled_dot_product_attention(q, k, k, enable_gqa=True)


@pytest.mark.parametrize("mode", MODES)
def test_a_bias_that_is_larger_than_the_product_is_refused(mode):
    for size in ((7, 2, 4), (1, 2, 4), (3, 2, 1)):
        with kernels(mode), pytest.raises(mg.ShapeError, match="larger than the product"):
            F.linear(mg.zeros(2, 3), mg.zeros(4, 3), mg.zeros(size))


def test_linear_takes_one_output_as_a_vector():
    x, w = mg.tensor([[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]]), mg.tensor([1.0, 10.0, 100.0])
    assert F.linear(x, w).tolist() == [321.0, 10.0]
    with pytest.raises(mg.ShapeError, match=r"weight of shape \(2,\)"):
        F.linear(x, mg.ones(2))


@pytest.mark.parametrize("padding_idx", [4, 10, -5])
def test_a_padding_row_that_is_not_there_is_refused(padding_idx):
    with pytest.raises(ValueError, match=f"padding_idx {padding_idx} is out of range for 4 rows"):
        F.embedding(mg.tensor([2]), mg.ones(4, 2), padding_idx)


def test_a_padding_row_counts_from_the_end():
    weight = mg.ones(4, 2, requires_grad=True)
    F.embedding(mg.tensor([1, 3]), weight, padding_idx=-1).sum().backward()
    assert weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]


@pytest.mark.host("a device does not look at values")
def test_an_id_below_zero_is_out_of_range():
    with pytest.raises(IndexError, match="id -1 is out of range for 4 rows"):
        F.embedding(mg.tensor([-1]), mg.ones(4, 2))


@pytest.mark.parametrize("size", [(4,), (4, 2, 2)])
def test_a_table_has_two_dimensions(size):
    with pytest.raises(mg.ShapeError, match="weight must be"):
        F.embedding(mg.tensor([0]), mg.ones(size))


@pytest.mark.parametrize("norm", [F.layer_norm, F.rms_norm])
def test_integers_are_not_normalized(norm):
    with pytest.raises(mg.DTypeError, match=norm.__name__ + r".*int64.*\.float\(\)"):
        norm(mg.tensor([[1, 2]]), [2])


def test_integers_are_not_dropped():
    x = mg.tensor([1, 2, 3])
    with pytest.raises(mg.DTypeError, match="int64"):
        F.dropout(x, 0.5)
    assert F.dropout(x, 0.5, training=False) is x


def test_dropout_in_place_writes_into_its_input():
    mg.manual_seed(1)
    wanted = F.dropout(mg.ones(50), 0.5)
    mg.manual_seed(1)
    leaf = mg.ones(50, requires_grad=True)
    x = leaf * 1.0
    assert mg.nn.Dropout(0.5, inplace=True)(x) is x and np.array_equal(x.data, wanted.data)
    x.sum().backward()
    assert np.array_equal(leaf.grad.data, wanted.data)
    with pytest.raises(RuntimeError, match="leaf"):
        F.dropout(leaf, 0.5, inplace=True)


@pytest.mark.parametrize("mode", ["off", "force"])
def test_gelu_keeps_its_digits_far_left_of_0(mode):
    # x/2 erfc(-x/sqrt 2) and its derivative at -8, to 17 digits; 1 + erf(-8/sqrt 2) in float64 has none but three
    x = mg.tensor([-8.0], dtype=mg.float64, requires_grad=True)
    with mg.kernels.mode(mode):
        y = F.gelu(x)
        y.backward(mg.ones_like(y))
    assert y.item() == pytest.approx(-4.9767684594174273e-15, rel=1e-14)
    assert x.grad.item() == pytest.approx(-3.979607261086796e-14, rel=1e-13)
