"""Convolution, pooling and resizing beside derivatives and PyTorch's numbers: shapes, ties, dtypes, memory, bad input.

Expected values were read off PyTorch 2.13."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.nn.functional import pooling
from minigrad.ops.windows import overlap_add, windows
from minigrad.writes import is_writable


def drawn(*size, dtype=np.float64, seed=0, **settings):
    return mg.tensor(np.random.default_rng(seed).standard_normal(size).astype(dtype), **settings)


# ----------------------------------------------------------------------------------------------------- windows


def test_windows_are_a_view_and_overlap_add_counts_how_often_each_entry_was_seen():
    x = mg.arange(7.0)
    seen = windows(x, kernel=(3,), stride=(2,), dilation=(1,))
    np.testing.assert_array_equal(seen.data, [[0, 1, 2], [2, 3, 4], [4, 5, 6]])
    assert np.shares_memory(seen.data, x.data)
    counts = overlap_add(mg.ones(3, 3), size=(7,), stride=(2,), dilation=(1,))
    assert counts.tolist() == [1, 1, 2, 1, 2, 1, 1]


@pytest.mark.parametrize("size, kernel", [((2, 9, 7), (2, 2)), ((2, 9, 7), (8, 6))])
def test_overlap_add_is_the_same_over_offsets_and_over_places(size, kernel):
    """It loops over whichever are fewer."""
    x = drawn(*size, requires_grad=True)
    seen = windows(x, kernel=kernel, stride=(1, 1), dilation=(1, 1))
    cotangent = drawn(*seen.shape, seed=1)
    expected = np.zeros(size)
    for place in np.ndindex(seen.shape[1:3]):
        ends = [slice(p, p + k) for p, k in zip(place, kernel)]
        expected[(slice(None), *ends)] += cotangent.data[(slice(None), *place)]
    (gradient,) = mg.autograd.grad(seen, x, cotangent)
    np.testing.assert_allclose(gradient.data, expected, rtol=1e-14, atol=1e-14)


def test_a_write_to_what_a_convolution_saved_is_noticed():
    x, w = drawn(1, 1, 4, 4), drawn(1, 1, 1, 1, requires_grad=True)
    out = F.conv2d(x, w)  # a window of one entry, whose columns are the input's own memory
    x.mul_(0.0)
    with pytest.raises(RuntimeError, match="changed in place by mul_"):
        out.sum().backward()


# -------------------------------------------------------------------------------------------------- convolution


def test_a_convolution_is_the_weight_times_the_unfolded_columns():
    x, w = drawn(2, 3, 5, 6), drawn(4, 3, 2, 3, seed=1)
    columns = F.unfold(x, (2, 3), padding=1, stride=2)
    product = (w.reshape(4, 18) @ columns).reshape(2, 4, 3, 3)
    np.testing.assert_allclose(F.conv2d(x, w, padding=1, stride=2).data, product.data, rtol=1e-13, atol=1e-14)


def test_an_impulse_shows_the_weight_where_it_stands():
    impulse = mg.zeros(1, 1, 5)
    impulse.data[0, 0, 2] = 1.0
    w = mg.tensor([[[1.0, 2.0, 3.0]]])
    assert F.conv1d(impulse, w, padding=1).tolist() == [[[0.0, 3.0, 2.0, 1.0, 0.0]]]  # no flip: a cross-correlation
    assert F.conv_transpose1d(impulse, w, padding=1).tolist() == [[[0.0, 1.0, 2.0, 3.0, 0.0]]]


def test_same_padding_of_an_even_kernel_puts_more_after():
    out = F.conv1d(mg.tensor([[[1.0, 2.0, 3.0]]]), mg.tensor([[[1.0, 10.0]]]), padding="same")
    assert out.tolist() == [[[21.0, 32.0, 3.0]]]


@pytest.mark.parametrize("function, weight", [(F.conv2d, (5, 3, 2, 2)), (F.conv_transpose2d, (3, 5, 2, 2))])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_batch_may_be_empty_and_the_dtype_is_kept(function, weight, dtype):
    out = function(drawn(0, 3, 4, 4, dtype=dtype), drawn(*weight, dtype=dtype))
    assert out.shape[:2] == (0, 5) and out.dtype == dtype
    assert function(drawn(2, 3, 4, 4, dtype=dtype), drawn(*weight, dtype=dtype)).dtype == dtype


@pytest.mark.parametrize(
    "call",
    [
        lambda x: F.conv2d(x, mg.ones(2, 3, 2, 2, dtype=mg.float64)),
        lambda x: F.conv2d(x, mg.ones(2, 3, 1, 1, dtype=mg.float64), mg.ones(2, dtype=mg.float64)),
        lambda x: F.conv_transpose2d(x, mg.ones(3, 2, 2, 2, dtype=mg.float64), padding=1),
        lambda x: F.max_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2), lambda x: F.adaptive_avg_pool2d(x, 3),
        lambda x: F.adaptive_max_pool2d(x, 3), lambda x: F.interpolate(x, size=5, mode="bilinear"),
        lambda x: F.interpolate(x, size=5), lambda x: F.unfold(x, 1), lambda x: F.unfold(x, (4, 5)),
        lambda x: F.fold(F.unfold(x, 2, padding=1), (4, 5), 2, padding=1),
    ],
)  # fmt: skip
def test_results_lie_in_order_and_share_no_memory_with_the_input(call):
    x = drawn(2, 3, 4, 5)
    out = call(x)
    assert out.is_contiguous() and is_writable(out.data)
    assert not np.shares_memory(out.data, x.data)
    out.view(2, -1)  # the idiom after a last layer


# ------------------------------------------------------------------------------------------------------ pooling


def test_ties_give_the_gradient_and_the_index_to_the_first():
    x = mg.tensor(np.array([[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]), requires_grad=True)
    values, indices = F.max_pool2d(x, 2, 1, return_indices=True)
    values.backward(mg.tensor(np.array([[[2.0, 3.0]]])))
    assert indices.tolist() == [[[0, 1]]] and indices.dtype == mg.int64
    assert x.grad.tolist() == [[[2.0, 3.0, 0.0], [0.0, 0.0, 0.0]]]
    pooled, where = F.adaptive_max_pool2d(x.detach(), 1, return_indices=True)
    assert (pooled.tolist(), where.tolist()) == ([[[1.0]]], [[[0]]])


def test_padding_never_wins_and_is_never_named():
    low = mg.full((1, 2, 2), -math.inf)
    values, indices = F.max_pool2d(low, 2, 1, padding=1, return_indices=True)
    assert (values.data == -math.inf).all()
    assert indices.tolist() == [[[0, 0, 1], [0, 0, 1], [2, 2, 3]]]
    assert F.max_pool1d(mg.tensor([[-5.0, -7.0]]), 2, 2, 1).tolist() == [[-5.0, -7.0]]


def test_a_nan_is_the_largest_value_of_its_window_alone():
    x = mg.tensor([[[1.0, math.nan, 2.0, 3.0]]])
    np.testing.assert_array_equal(F.max_pool1d(x, 2).data, [[[math.nan, 3.0]]])
    np.testing.assert_array_equal(F.adaptive_avg_pool1d(x, 3).data, [[[math.nan, math.nan, 2.5]]])


@example(12, np.float32, 1)  # with a nan
@given(st.integers(1, 2 * pooling._FEW), st.sampled_from([np.float32, np.int64]), st.integers(0, 99))
def test_the_winner_of_a_window_is_the_first_that_is_largest(entries, dtype, seed):
    rng = np.random.default_rng(seed)
    values = [1.0, 2.0, 3.0, -math.inf, math.inf, *([math.nan] * (seed % 3))]
    planes = rng.choice(values, (3, 90)).astype(dtype) if dtype is np.float32 else rng.integers(-3, 4, (3, 90))
    table = rng.integers(0, 90, (20, entries))
    np.testing.assert_array_equal(pooling._winners(planes, table), np.argmax(planes[:, table], axis=-1))


def test_every_entry_that_is_compared_in_turn_has_a_number():
    table = np.arange(pooling._FEW)[None]
    assert pooling._winners(np.arange(pooling._FEW)[None], table) == [[pooling._FEW - 1]]
    assert np.iinfo(np.int8).max >= pooling._FEW


def test_whole_numbers_are_pooled_as_such():
    x = mg.arange(16).reshape(1, 4, 4)
    assert F.max_pool2d(x, 2).tolist() == [[[5, 7], [13, 15]]]
    assert F.avg_pool2d(x, 2).tolist() == [[[2, 4], [10, 12]]]
    assert F.avg_pool2d(x, 2).dtype == F.max_pool2d(x, 2).dtype == mg.int64


@pytest.mark.parametrize(
    "length, kernel, stride, padding, dilation, floor, ceil",
    [
        (7, 2, 2, 0, 1, 3, 4), (7, 3, 2, 0, 1, 3, 3), (4, 1, 3, 0, 1, 2, 2), (5, 2, 4, 1, 1, 2, 2),
        (3, 2, 4, 1, 1, 1, 1), (6, 3, 4, 1, 1, 2, 2), (5, 3, 3, 1, 1, 2, 2), (5, 1, 2, 0, 1, 3, 3),
        (6, 2, 2, 1, 2, 3, 4), (2, 2, 3, 1, 1, 1, 1), (7, 2, 3, 1, 1, 3, 3), (6, 2, 3, 0, 1, 2, 2),
    ],
)  # fmt: skip
def test_the_last_window_of_ceil_mode_starts_inside(length, kernel, stride, padding, dilation, floor, ceil):
    x = mg.ones(1, length)
    for ceil_mode, expected in ((False, floor), (True, ceil)):
        assert F.max_pool1d(x, kernel, stride, padding, dilation, ceil_mode).shape == (1, expected)
        if dilation == 1:
            assert F.avg_pool1d(x, kernel, stride, padding, ceil_mode).shape == (1, expected)


def test_shapes_of_pooling_are_those_of_the_installed_pytorch():
    torch = pytest.importorskip("torch")
    for length, k, s, p, ceil_mode in itertools.product((1, 2, 4, 5, 7), (1, 2, 3), (1, 2, 4), (0, 1), (False, True)):
        if length + 2 * p >= k >= 2 * p:
            theirs = torch.nn.functional.avg_pool1d(torch.ones(1, length), k, s, p, ceil_mode, False)
            ours = F.avg_pool1d(mg.ones(1, length), k, s, p, ceil_mode, False)
            assert ours.tolist() == theirs.tolist(), (length, k, s, p, ceil_mode)


def test_a_root_of_zero_has_gradient_zero():
    x = mg.zeros(1, 2, 2, requires_grad=True)
    out = F.lp_pool2d(x, 2, 2)
    out.sum().backward()
    assert out.tolist() == [[[0.0]]]
    assert x.grad.tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_unpooling_turns_pooling_around_where_the_sizes_need_telling():
    x = drawn(2, 3, 5)
    values, indices = F.max_pool2d(x, 2, return_indices=True)
    assert F.max_unpool2d(values, indices, 2).shape == (2, 2, 4)
    back = F.max_unpool2d(values, indices, 2, output_size=(3, 5))
    assert back.shape == x.shape
    np.testing.assert_array_equal(back.data, np.where(back.data != 0, x.data, 0.0))
    assert np.count_nonzero(back.data) == 4


# -------------------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "area", "bilinear", "bicubic"])
def test_interpolation_keeps_the_dtype(mode, dtype):
    assert F.interpolate(drawn(1, 2, 3, 3, dtype=dtype), size=5, mode=mode).dtype == dtype


def test_pixels_and_channels_turn_into_each_other():
    x = mg.arange(8).reshape(1, 8, 1, 1)
    shuffled = F.pixel_shuffle(x, 2)
    assert shuffled.tolist() == [[[[0, 1], [2, 3]], [[4, 5], [6, 7]]]]
    np.testing.assert_array_equal(F.pixel_unshuffle(shuffled, 2).data, x.data)


# ---------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: F.conv2d(mg.ones(1, 3, 4, 4), mg.ones(2, 3, 5, 5)), r"spans \(5, 5\).*\(1, 3, 4, 4\)"),
        (lambda: F.conv1d(mg.ones(3, 4), mg.ones(2, 3, 3), dilation=2), r"spans \(5,\)"),
        (lambda: F.conv2d(mg.ones(1, 3, 4, 4), mg.ones(2, 2, 3, 3)), "has 3 channels in dimension 1.*takes 2"),
        (lambda: F.conv2d(mg.ones(3, 4, 4), mg.ones(2, 2, 3, 3)), "has 3 channels in dimension 0.*takes 2"),
        (lambda: F.conv2d(mg.ones(4, 4, 4), mg.ones(3, 2, 3, 3), groups=2), "into 2 groups"),
        (lambda: F.conv2d(mg.ones(4, 4), mg.ones(3, 2, 3, 3)), r"of 3 or 4 dimensions, got shape \(4, 4\)"),
        (lambda: F.conv2d(mg.ones(1, 3, 4, 4), mg.ones(2, 3, 3)), "weight must have 4 dimensions"),
        (lambda: F.conv2d(mg.ones(1, 3, 4, 4), mg.ones(2, 3, 3, 3), mg.ones(3)), r"bias has shape \(3,\).*\(2,\)"),
        (lambda: F.conv_transpose2d(mg.ones(1, 3, 4, 4), mg.ones(2, 3, 3, 3)), "takes 2"),
        (lambda: F.conv_transpose1d(mg.ones(1, 1, 1), mg.ones(1, 1, 1), padding=1), r"output of size \(-1,\)"),
        (lambda: F.unfold(mg.ones(1, 1, 2, 2), 3), "unfold: a kernel"),
        (lambda: F.unfold(mg.ones(2, 2), 1), r"got shape \(2, 2\)"),
        (lambda: F.fold(mg.ones(1, 8, 4), (4, 4), 3), r"got shape \(1, 8, 4\)"),
        (lambda: F.fold(mg.ones(1, 9, 5), (4, 4), 3), "2 x 2 windows.*has 5"),
        (lambda: F.max_pool2d(mg.ones(1, 4, 4), 5), r"max_pool2d: a kernel of \(5, 5\)"),
        (lambda: F.avg_pool1d(mg.ones(4), 2), r"got shape \(4,\)"),
        (lambda: F.max_pool1d(mg.ones(1, 1), 2, 1, 1, 2), "see nothing"),
        (lambda: F.adaptive_avg_pool2d(mg.ones(1, 0, 2), 1), "nothing to pool"),
        (lambda: F.max_unpool1d(mg.ones(1, 2), mg.zeros(1, 3, dtype=mg.int64), 2), r"\(1, 2\).*\(1, 3\)"),
        (lambda: F.max_unpool1d(mg.ones(1, 2), mg.zeros(1, 2, dtype=mg.int64), 2, output_size=(9,)), r"\(9,\)"),
        (lambda: F.interpolate(mg.ones(4, 4), size=2), r"got shape \(4, 4\)"),
        (lambda: F.interpolate(mg.ones(1, 1, 4, 4), size=2, mode="linear"), "takes 3 dimensions"),
        (lambda: F.interpolate(mg.ones(1, 1, 4), size=0), "at least 1"),
        (lambda: F.pixel_shuffle(mg.ones(3, 2, 2), 2), r"\(3, 2, 2\)"),
        (lambda: F.pixel_unshuffle(mg.ones(1, 3, 2), 2), "multiples of 2"),
        (lambda: nn.Conv1d(1, 1, 3, padding=2, padding_mode="reflect")(mg.ones(1, 2)), "padding of 2 and 2 by reflect"),
        (lambda: nn.Conv1d(1, 1, 3, padding=3, padding_mode="circular")(mg.ones(1, 2)), "by circular"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_named(call, words):
    with pytest.raises(mg.ShapeError, match=words):
        call()


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda x: F.conv2d(x, mg.ones(2, 3, 1, 1), stride=0), ValueError, "stride must be at least 1"),
        (lambda x: F.conv2d(x, mg.ones(2, 3, 1, 1), padding=-1), ValueError, "padding must be at least 0"),
        (lambda x: F.conv2d(x, mg.ones(2, 3, 1, 1), stride=(1, 1, 1)), ValueError, "an int or 2 of them"),
        (lambda x: F.conv2d(x, mg.ones(2, 3, 1, 1), stride=1.5), ValueError, "an int or 2 of them, got 1.5"),
        (lambda x: F.conv2d(x, mg.ones(2, 3, 1, 1), padding="full"), ValueError, "'full'"),
        (lambda x: F.conv2d(x, mg.ones(2, 3, 1, 1), padding="same", stride=2), ValueError, "for stride 1"),
        (lambda x: F.conv2d(x, mg.ones(2, 3, 1, 1), groups=0), ValueError, "groups must be at least 1"),
        (lambda x: F.conv_transpose2d(x, mg.ones(3, 1, 2, 2), output_padding=1), ValueError, "smaller than stride"),
        (lambda x: F.max_pool2d(x, 2, padding=2), ValueError, "more than half"),
        (lambda x: F.avg_pool2d(x, 2, divisor_override=0), ValueError, "must not be 0"),
        (lambda x: F.adaptive_avg_pool2d(x, (1, 2, 3)), ValueError, "output_size"),
        (lambda x: F.adaptive_avg_pool2d(x.long(), 1), TypeError, "floating-point"),
        pytest.param(
            lambda x: F.max_unpool2d(x, mg.full(x.shape, 99), 2), IndexError, "from 99 to 99",
            marks=pytest.mark.host("a device does not look at values"),
        ),
        (lambda x: F.interpolate(x), ValueError, "either size or scale_factor"),
        (lambda x: F.interpolate(x, size=2, scale_factor=2), ValueError, "either size or scale_factor"),
        (lambda x: F.interpolate(x, scale_factor=(2, 2, 2)), ValueError, "3 sizes for the 2"),
        (lambda x: F.interpolate(x, size=2, mode="lanczos"), ValueError, "'lanczos'"),
        (lambda x: F.interpolate(x, size=2, align_corners=True), ValueError, "align_corners"),
        (lambda x: F.interpolate(x, size=2, recompute_scale_factor=True), ValueError, "recompute_scale_factor"),
        (lambda x: F.interpolate(x, size=2, mode="bilinear", antialias=True), NotImplementedError, "antialias"),
        (lambda x: F.interpolate(x.long(), size=2), TypeError, "floating-point"),
        (lambda x: nn.Conv2d(3, 4, 1, groups=2), ValueError, "multiples of groups 2"),
        (lambda x: nn.Conv2d(3, 4, 1, padding_mode="mirror"), ValueError, "'mirror'"),
        (lambda x: nn.Conv2d(3, 4, 1, padding="same", stride=2), ValueError, "for stride 1"),
        (lambda x: nn.ConvTranspose2d(3, 4, 1, padding_mode="reflect"), ValueError, "'zeros'"),
        (lambda x: nn.ConvTranspose2d(3, 4, 2, 2)(x, output_size=(99, 8)), ValueError, "output_size"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(call, error, words):
    with pytest.raises(error, match=words):
        call(mg.ones(1, 3, 4, 4))


def test_the_module_that_was_running_is_named():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(3))
    with pytest.raises(mg.ShapeError, match=r"max_pool2d.*in module '1'"):
        model(mg.ones(1, 3, 4, 4))
    with pytest.raises(mg.ShapeError, match=r"conv2d.*in module '0'"):
        model(mg.ones(1, 2, 4, 4))


# ------------------------------------------------------------------------------------------------------- layers


@pytest.mark.parametrize(
    "layer, text",
    [
        (
            nn.Conv2d(4, 6, 3, 2, 1, 2, 2, False, "reflect"),
            "Conv2d(4, 6, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(2, 2), groups=2, bias=False, "
            "padding_mode=reflect)",
        ),
        (nn.Conv1d(3, 4, 3, padding="same"), "Conv1d(3, 4, kernel_size=(3,), stride=(1,), padding=same)"),
        (
            nn.ConvTranspose2d(4, 6, 3, output_padding=1, stride=2),
            "ConvTranspose2d(4, 6, kernel_size=(3, 3), stride=(2, 2), output_padding=(1, 1))",
        ),
        (nn.MaxPool2d(2), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
        (nn.AvgPool1d(2), "AvgPool1d(kernel_size=(2,), stride=(2,), padding=(0,))"),
        (nn.AvgPool2d(2, divisor_override=3), "AvgPool2d(kernel_size=2, stride=2, padding=0)"),
        (nn.AdaptiveAvgPool2d((1, None)), "AdaptiveAvgPool2d(output_size=(1, None))"),
        (nn.AdaptiveMaxPool1d(3, True), "AdaptiveMaxPool1d(output_size=3)"),
        (nn.LPPool2d(2, 3), "LPPool2d(norm_type=2, kernel_size=3, stride=None, ceil_mode=False)"),
        (nn.MaxUnpool2d(2), "MaxUnpool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0))"),
        (nn.Unfold(3), "Unfold(kernel_size=3, dilation=1, padding=0, stride=1)"),
        (nn.Fold((4, 4), 3), "Fold(output_size=(4, 4), kernel_size=3, dilation=1, padding=0, stride=1)"),
        (nn.Upsample(scale_factor=2), "Upsample(scale_factor=2.0, mode='nearest')"),
        (nn.Upsample(scale_factor=(2, 3.0)), "Upsample(scale_factor=(2.0, 3.0), mode='nearest')"),
        (nn.Upsample((3, 4), mode="bilinear"), "Upsample(size=(3, 4), mode='bilinear')"),
        (nn.UpsamplingNearest2d(2), "UpsamplingNearest2d(size=2, mode='nearest')"),
        (nn.PixelShuffle(2), "PixelShuffle(upscale_factor=2)"),
        (nn.PixelUnshuffle(3), "PixelUnshuffle(downscale_factor=3)"),
    ],
)
def test_layers_show_what_pytorch_shows(layer, text):
    assert repr(layer).split(")  ")[0].rstrip(")") == text.rstrip(")")


@pytest.mark.parametrize(
    "layer, fan_in", [(lambda: nn.Conv2d(8, 24, 3, groups=2), 36), (lambda: nn.ConvTranspose2d(24, 8, 3, groups=2), 36)]
)
def test_weights_start_uniform_within_the_root_of_the_fan_in(layer, fan_in):
    mg.manual_seed(0)
    made = layer()
    bound = 1 / math.sqrt(fan_in)
    for values in (made.weight.data, *(layer().bias.data for _ in range(1))):
        assert np.abs(values).max() <= bound
    assert abs(made.weight.data.std() / (bound / math.sqrt(3)) - 1) < 0.05
    assert np.abs(made.weight.data).max() > 0.98 * bound


def test_layers_with_indices_and_dtypes():
    values, indices = nn.MaxPool1d(2, return_indices=True)(mg.tensor([[1.0, 3.0, 2.0, 0.0]]))
    assert (values.tolist(), indices.tolist()) == ([[3.0, 2.0]], [[1, 2]])
    assert nn.MaxUnpool1d(2)(values, indices).tolist() == [[0.0, 3.0, 2.0, 0.0]]
    values, indices = nn.AdaptiveMaxPool1d(1, return_indices=True)(mg.tensor([[1.0, 3.0, 2.0, 0.0]]))
    assert (values.tolist(), indices.tolist()) == ([[3.0]], [[1]])
    for layer in (nn.Conv1d(1, 1, 1, dtype=mg.float64), nn.ConvTranspose3d(1, 1, 1, dtype=mg.float64)):
        assert {parameter.dtype for parameter in layer.parameters()} == {np.dtype(np.float64)}
