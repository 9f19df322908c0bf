import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn.utils import clip_grad_norm_, clip_grad_value_

DTYPES = [np.float32, np.float64]


def with_gradients(*arrays):
    params = []
    for array in arrays:
        param = mg.zeros(*array.shape, dtype=array.dtype, requires_grad=True)
        param.grad = mg.tensor(array)
        params.append(param)
    return params


def draw(seed, dtype, scale=1.0):
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(shape) * scale).astype(dtype) for shape in [(3, 4), (5,), (), (300, 400)]]


def reference(arrays, order):
    flat = np.concatenate([array.ravel().astype(np.longdouble) for array in arrays])
    return np.linalg.norm(flat / np.abs(flat).max(), order) * np.abs(flat).max()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("order", [2.0, 1.0, 3.0, 0.5, math.inf])
@pytest.mark.parametrize("scale", [1.0, 1e-25, 1e25])
def test_the_norm_is_right_at_any_scale_and_the_gradients_end_at_max_norm(dtype, order, scale):
    arrays = draw(0, dtype, scale)
    params = with_gradients(*arrays)
    wanted = reference(arrays, order)
    max_norm = float(wanted) / 10
    norm = clip_grad_norm_(params, max_norm, order)
    eps = np.finfo(dtype).eps
    assert norm.shape == () and norm.dtype == dtype and not norm.requires_grad
    if wanted < np.finfo(dtype).max:
        assert abs(norm.item() / float(wanted) - 1) < 30 * eps
    else:
        assert norm.item() == math.inf  # the norm itself does not fit into the dtype; the clipping is right anyway
    factor = max_norm / (float(wanted) + 1e-6)
    for param, array in zip(params, arrays):
        expected = array.astype(np.float64) * min(factor, 1.0)
        spacing = float(np.finfo(dtype).smallest_subnormal)  # what is left is this coarse near 0
        assert np.abs(param.grad.data - expected).max() <= 30 * eps * np.abs(expected).max() + spacing


def test_squares_that_overflow_float64():
    params = with_gradients(np.array([3e200, 4e200]))
    assert clip_grad_norm_(params, 1.0).item() == pytest.approx(5e200)
    assert np.allclose(params[0].grad.data, [0.6, 0.8])


def test_small_gradients_are_not_touched():
    arrays = draw(1, np.float32)
    params = with_gradients(*arrays)
    clip_grad_norm_(params, 1e9)
    assert all(np.array_equal(param.grad.data, array) for param, array in zip(params, arrays))


def test_a_transposed_gradient_is_scaled_in_place():
    param = with_gradients(np.ones((2, 8)))[0]
    param.grad.data = np.ones((8, 2)).T
    clip_grad_norm_(param, 2.0)
    assert np.allclose(param.grad.data, 0.5)


def test_nothing_to_clip():
    assert clip_grad_norm_([], 1.0).item() == 0.0
    assert clip_grad_norm_([mg.zeros(2, requires_grad=True)], 1.0).item() == 0.0
    assert clip_grad_norm_(with_gradients(np.zeros(3)), 1.0).item() == 0.0
    assert clip_grad_norm_(with_gradients(np.zeros((0, 3))), 1.0, math.inf).item() == 0.0


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("order", [2.0, 3.0, math.inf])
@pytest.mark.parametrize("first", [True, False])
def test_a_norm_that_is_not_finite(bad, order, first):
    arrays = [np.array([1.0, bad, 2.0]), np.ones(2)]
    params = with_gradients(*(arrays if first else arrays[::-1]))
    with pytest.raises(RuntimeError, match="overflowed"):
        clip_grad_norm_(params, 1.0, order, error_if_nonfinite=True)
    assert np.array_equal(params[1 - first].grad.data, arrays[0], equal_nan=True)
    norm = clip_grad_norm_(params, 1.0, order).item()
    values = np.concatenate([param.grad.data for param in params])
    if bad == math.inf:  # PyTorch: 1 / inf times each
        assert norm == math.inf and np.isnan(values).sum() == 1 and (values[~np.isnan(values)] == 0).all()
    else:
        assert math.isnan(norm) and np.isnan(values).all()


def test_clipping_spoils_a_graph_that_saved_the_gradient():
    param = with_gradients(np.ones(2))[0]
    loss = (param * param.grad).sum()
    clip_grad_norm_(param, 0.1)
    with pytest.raises(RuntimeError, match="clip_grad_norm_"):
        loss.backward()


def test_an_order_that_is_none():
    with pytest.raises(ValueError, match="norm_type"):
        clip_grad_norm_(with_gradients(np.ones(2)), 1.0, math.nan)


@pytest.mark.parametrize(
    "order, wanted",
    [("inf", 4.0), (-math.inf, 0.5), ("-inf", 0.5), (0, 2.0), (-1.0, 1 / (1 + 1 / 2 + 1 / 4 + 1 / 3 + 2))],
)
def test_orders_other_than_positive_numbers_are_pytorchs(order, wanted):
    first, second = np.array([1.0, -2.0, 4.0]), np.array([3.0, 0.5])
    params = with_gradients(first, second, np.zeros(0))
    assert clip_grad_norm_(params, 0.4, order).item() == pytest.approx(wanted)
    assert np.allclose(params[0].grad.data, first * min(0.4 / wanted, 1.0))


@pytest.mark.parametrize("order", [-math.inf, -2.0])
def test_a_gradient_that_holds_a_zero_has_norm_zero_of_negative_order(order):
    params = with_gradients(np.array([0.0, 3.0]))
    assert clip_grad_norm_(params, 1.0, order).item() == 0.0
    assert params[0].grad.tolist() == [0.0, 3.0]


def test_float16_is_summed_in_float32():
    small, large = np.float16(1e-4), np.float16(300.0)
    for value in (small, large):  # their squares are below and above the numbers of float16
        params = with_gradients(np.full(100, value))
        norm = clip_grad_norm_(params, 2.0 * value)
        assert norm.dtype == np.float16 and norm.item() == np.float16(10 * float(value))
    assert (params[0].grad.data == 60.0).all()


def test_max_norm_may_be_a_tensor():
    params = with_gradients(np.array([3.0, 4.0]))
    assert clip_grad_norm_(params, mg.tensor(1.0)).item() == 5.0
    assert np.allclose(params[0].grad.data, [0.6, 0.8])


def test_the_name_in_optim_is_the_same_function():
    assert mg.optim.clip_grad_norm_ is mg.nn.utils.clip_grad_norm_


@pytest.mark.parametrize(
    "clip", [lambda given: clip_grad_norm_(given, 0.5), lambda given: clip_grad_value_(given, 0.3)]
)
def test_parameters_may_be_one_tensor_a_list_or_an_iterator(clip):
    arrays = draw(2, np.float64)
    wanted = with_gradients(*arrays)
    clip(wanted)
    for make in (iter, tuple, lambda params: (param for param in params)):
        params = with_gradients(*arrays)
        params.insert(2, mg.zeros(3, requires_grad=True))  # without a gradient
        clip(make(params))
        del params[2]
        assert all(np.array_equal(p.grad.data, w.grad.data) for p, w in zip(params, wanted))
    one = with_gradients(arrays[0])[0]
    clip(one)
    assert abs(one.grad.data).max() < abs(arrays[0]).max()
    clip([])
    clip({})


@pytest.mark.parametrize(
    "clip", [lambda given: clip_grad_norm_(given, 0.5), lambda given: clip_grad_value_(given, 0.3)]
)
def test_an_iterator_that_was_used_up_is_warned_about(clip):
    module = mg.nn.Linear(2, 2)
    parameters = module.parameters()
    mg.optim.SGD(parameters)
    with pytest.warns(UserWarning, match="used up") as caught:
        clip(parameters)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_element_is_limited_by_itself_and_in_place(dtype):
    values = np.array([[3.0, -0.5, 0.0], [-math.inf, 1.25, 1e3]], dtype)
    params = with_gradients(values, np.array(-7.0, dtype), np.zeros((0, 2), dtype))
    kept = params[0].grad.data
    assert clip_grad_value_(params, mg.tensor(1.25), foreach=True) is None
    assert params[0].grad.data is kept and kept.dtype == dtype
    assert kept.tolist() == [[1.25, -0.5, 0.0], [-1.25, 1.25, 1.25]] and params[1].grad.item() == -1.25
    clip_grad_value_(params, 0)
    assert not kept.any()


def test_nan_stays_nan_where_elements_are_limited():
    params = with_gradients(np.array([math.nan, 3.0]))
    clip_grad_value_(params, 1.0)
    assert np.array_equal(params[0].grad.data, [math.nan, 1.0], equal_nan=True)


@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_a_limit_that_is_none(value):
    params = with_gradients(np.ones(2))
    with pytest.raises(ValueError, match="clip_value"):
        clip_grad_value_(params, value)
    assert params[0].grad.tolist() == [1.0, 1.0]


def test_limiting_spoils_a_graph_that_saved_the_gradient():
    param = with_gradients(np.ones(2))[0]
    loss = (param * param.grad).sum()
    clip_grad_value_(param, 0.1)
    with pytest.raises(RuntimeError, match="clip_grad_value_"):
        loss.backward()


def test_squares_that_are_finite_but_whose_sum_is_not():
    parameters = [mg.zeros(1, dtype=mg.float64, requires_grad=True) for _ in range(2)]
    for parameter in parameters:
        parameter.grad = mg.tensor([1.2e154], dtype=mg.float64)
    norm = mg.nn.utils.clip_grad_norm_(parameters, 1.0)
    assert norm.item() == pytest.approx(1.2e154 * 2**0.5, rel=1e-12)
