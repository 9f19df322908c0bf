"""Activations, losses, channel norms and dropout: far out, at the ends, in place, drawn, and given bad input."""

import copy
import math
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

looking = pytest.mark.host("a device does not look at values")


def leaf(*values, dtype=np.float64):
    return mg.tensor(np.array(values, dtype), requires_grad=True)


# ----------------------------------------------------------------------------------------------------- far out


def _softplus(x):
    return math.log1p(math.exp(x)) if x < 0 else x + math.log1p(math.exp(-x))


def _sigmoid(x):
    return math.exp(x) / (1.0 + math.exp(x)) if x < 0 else 1.0 / (1.0 + math.exp(-x))


FAR = {  # function, value, derivative
    "softplus": (lambda x: F.softplus(x, threshold=math.inf), _softplus, _sigmoid),
    "logsigmoid": (F.logsigmoid, lambda x: -_softplus(-x), lambda x: _sigmoid(-x)),
    "elu": (F.elu, lambda x: x if x > 0 else math.expm1(x), lambda x: 1.0 if x > 0 else math.exp(x)),
    "soft_margin_loss": (
        lambda x: F.soft_margin_loss(x, mg.ones_like(x), "none"), lambda x: _softplus(-x), lambda x: -_sigmoid(-x)
    ),
    "bce of a yes": (
        lambda x: F.binary_cross_entropy_with_logits(x, mg.ones_like(x), reduction="none"),
        lambda x: _softplus(-x), lambda x: -_sigmoid(-x),
    ),
    "bce of a no": (
        lambda x: F.binary_cross_entropy_with_logits(x, mg.zeros_like(x), reduction="none"), _softplus, _sigmoid
    ),
    "mish": (
        F.mish, lambda x: x * math.tanh(_softplus(x)),
        lambda x: math.tanh(_softplus(x)) + x * _sigmoid(x) / math.cosh(min(_softplus(x), 300.0)) ** 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("dtype, edge", [(np.float64, 700.0), (np.float32, 80.0)])
def test_no_digit_is_lost_far_out(name, dtype, edge):
    """Values and gradients are right to a few units in the last place, however small; nothing overflows."""
    function, value, derivative = FAR[name]
    points = [-edge, -edge / 4, -20.0, -2.0, -1e-3, 1e-3, 2.0, 20.0, edge / 4, edge]
    points = [float(dtype(point)) for point in points]
    x = leaf(*points, dtype=dtype)
    out = function(x)
    out.sum().backward()
    tolerance = {"rtol": 32 * np.finfo(dtype).eps, "atol": 0}
    np.testing.assert_allclose(out.data, [value(point) for point in points], **tolerance)
    np.testing.assert_allclose(x.grad.data, [derivative(point) for point in points], **tolerance)


@pytest.mark.parametrize("name", FAR)
def test_nothing_overflows_at_all(name):
    x = leaf(-1e30, 1e30, dtype=np.float32)
    out = FAR[name][0](x)
    out.sum().backward()
    assert np.isfinite(out.data).all() and np.isfinite(x.grad.data).all()


def test_the_curvature_of_softplus_at_zero_is_a_quarter():
    x = leaf(0.0)
    (slope,) = mg.autograd.grad(F.softplus(x).sum(), x, create_graph=True)
    assert slope.tolist() == [0.5] and mg.autograd.grad(slope.sum(), x)[0].tolist() == [0.25]


def test_a_certainty_that_proves_wrong_costs_a_hundred():
    """PyTorch's values and gradients; it keeps its 1e-12 in float32."""
    x = leaf(0.0, 0.0, 1.0, 1.0, 0.0, 1e-13)
    out = F.binary_cross_entropy(x, mg.tensor(np.array([0.0, 1.0, 0.0, 1.0, 0.5, 0.0])), reduction="none")
    out.sum().backward()
    np.testing.assert_allclose(out.data, [0.0, 100.0, 100.0, 0.0, 50.0, 1e-13], rtol=1e-12)
    np.testing.assert_allclose(x.grad.data, [0.0, -1e12, 1e12, 0.0, -5e11, 0.1], rtol=1e-7)


@looking
@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(ValueError, match="binary_cross_entropy_with_logits takes those"):
        F.binary_cross_entropy(mg.tensor([0.5, wrong]), mg.zeros(2))


@pytest.mark.parametrize("name", ["relu6", "hardtanh", "hardswish", "hardsigmoid", "leaky_relu", "elu", "selu", "celu",
                                  "softshrink", "hardshrink", "mish", "softplus", "rrelu"])  # fmt: skip
def test_a_nan_stays_a_nan(name):
    assert np.isnan(getattr(F, name)(mg.tensor([math.nan])).data).all()


def test_integers_stay_integers_where_pytorchs_do():
    x = mg.tensor([-3, 1, 9])
    for out, wanted in ((F.relu6(x), [0, 1, 6]), (F.hardtanh(x), [-1, 1, 1]), (F.threshold(x, 0, 0.5), [0, 1, 9])):
        assert out.dtype == np.int64 and out.tolist() == wanted


def test_the_hard_sigmoid_is_straight_in_three_pieces():
    x = leaf(-4.0, -3.0, 0.0, 1.5, 3.0, 4.0)
    out = F.hardsigmoid(x)
    out.sum().backward()
    np.testing.assert_allclose(out.data, [0.0, 0.0, 0.5, 0.75, 1.0, 1.0])
    np.testing.assert_allclose(x.grad.data, [0.0, 0.0, 1 / 6, 1 / 6, 0.0, 0.0])


# ---------------------------------------------------------------------------------------------------- in place

IN_PLACE = [
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.SiLU, nn.Mish, nn.Hardtanh, nn.Hardswish,
    nn.Hardsigmoid, nn.RReLU, nn.Dropout, nn.AlphaDropout, nn.FeatureAlphaDropout,
]  # fmt: skip


@pytest.mark.parametrize("layer", IN_PLACE)
def test_in_place_layers_write_into_their_input(layer):
    def run(inplace):
        mg.manual_seed(0)
        start = mg.tensor(np.linspace(-4.0, 7.0, 12).reshape(3, 4), requires_grad=True)
        x = start * 1.0
        out = layer(inplace=inplace)(x)
        assert (out is x) == inplace
        (out * out).sum().backward()
        return x.data, out.data, start.grad.data

    before, out, gradient = run(inplace=False)
    after, out_again, gradient_again = run(inplace=True)
    assert not np.array_equal(before, out)
    for array in (after, out_again):
        np.testing.assert_array_equal(array, out)
    np.testing.assert_array_equal(gradient_again, gradient)


def test_in_place_refuses_a_leaf_and_what_was_saved():
    x = leaf(1.0, -2.0)
    with pytest.raises(RuntimeError, match=r"relu_.*leaf"):
        F.relu(x, inplace=True)
    y = x * 1.0
    product = y * y
    F.elu(y, 1.0, True)
    with pytest.raises(RuntimeError, match="changed in place by elu_"):
        product.sum().backward()


def test_an_input_given_by_its_name_is_written_to():
    x = mg.tensor([1.0, -1.0])
    assert F.relu(input=x, inplace=True) is x and x.tolist() == [1.0, 0.0]


# ------------------------------------------------------------------------------------------------------- drawn


def test_slopes_are_drawn_for_each_element():
    mg.manual_seed(0)
    layer = nn.RReLU(0.2, 0.4)
    slopes = -layer(-mg.ones(10_000)).data
    assert 0.2 <= slopes.min() < 0.21 and 0.39 < slopes.max() < 0.4 and abs(slopes.mean() - 0.3) < 0.003
    mg.manual_seed(0)
    assert np.array_equal(-layer(-mg.ones(10_000)).data, slopes)
    assert np.allclose(layer.eval()(-mg.ones(3)).data, -0.3)
    with pytest.raises(ValueError, match="lower"):
        F.rrelu(mg.ones(1), 0.5, 0.1)


@pytest.mark.parametrize(
    "layer, size, batched",
    [(nn.Dropout1d, (50, 4, 3), True), (nn.Dropout1d, (200, 3), False), (nn.Dropout2d, (50, 4, 2, 3), True),
     (nn.Dropout3d, (50, 4, 2, 1, 3), True), (nn.Dropout3d, (200, 2, 1, 3), False)],
)  # fmt: skip
def test_channels_are_dropped_as_a_whole(layer, size, batched):
    mg.manual_seed(0)
    out = layer(0.25)(mg.ones(size)).numpy().reshape(200, -1)
    assert (out == out[:, :1]).all() and set(np.unique(out)) == {np.float32(0.0), np.float32(1 / 0.75)}
    assert 0.15 < (out[:, 0] == 0).mean() < 0.35


@pytest.mark.parametrize("layer, size", [(nn.AlphaDropout, (400, 100)), (nn.FeatureAlphaDropout, (400, 100, 2))])
def test_alpha_dropout_keeps_mean_and_variance(layer, size):
    mg.manual_seed(0)
    x = mg.randn(size)
    out = layer(0.3)(x).data
    assert abs(out.mean()) < 0.02 and abs(out.std() - 1.0) < 0.02
    assert not np.allclose(out, x.data)
    if layer is nn.FeatureAlphaDropout:
        values, counts = np.unique(out, return_counts=True)
        dropped = out == values[counts.argmax()]
        assert 0.28 < dropped.mean() < 0.32 and (dropped[..., 0] == dropped[..., 1]).all()
    assert (layer(1.0)(x).data == 0).all()


@pytest.mark.parametrize("size", [(4,), (2, 3), (1, 2, 3, 4, 5, 6)])
@pytest.mark.parametrize("function", [F.dropout1d, F.dropout2d, F.dropout3d])
def test_channel_dropout_names_the_shape_it_cannot_take(function, size):
    if function is F.dropout1d and len(size) == 2:
        size = (2, 2, 2, 2)
    with pytest.raises(mg.ShapeError, match=f"{function.__name__}.*{re.escape(str(size))}"):
        function(mg.ones(size))


@pytest.mark.parametrize("layer", [nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout])
def test_dropout_layers_refuse_what_is_no_probability(layer):
    with pytest.raises(ValueError, match=f"{layer.__name__}: p must be in"):
        layer(1.5)
    with pytest.raises(mg.DTypeError, match="int64"):
        layer().forward(mg.ones({nn.Dropout2d: (1, 1, 1, 1), nn.Dropout3d: (1, 1, 1, 1)}.get(layer, (1, 1)), dtype=int))


def test_gumbel_softmax_draws_from_the_distribution_of_its_logits():
    mg.manual_seed(0)
    logits = mg.tensor([0.0, 1.0, 2.0])
    drawn = F.gumbel_softmax(logits.expand(20_000, 3), hard=True)
    assert set(np.unique(drawn.numpy())) <= {np.float32(0.0), np.float32(1.0)}
    assert np.abs(drawn.data.mean(0) - F.softmax(logits, 0).data).max() < 0.01


def test_hard_draws_have_the_gradient_of_soft_ones():
    gradients = []
    for hard in (False, True):
        mg.manual_seed(3)
        x = leaf([0.1, -0.4, 0.7], [1.0, 2.0, -1.0])
        out = F.gumbel_softmax(x, tau=0.5, hard=hard, dim=0)
        (out * mg.tensor(np.arange(6.0).reshape(2, 3))).sum().backward()
        gradients.append(x.grad.data)
    np.testing.assert_array_equal(*gradients)
    np.testing.assert_allclose(out.data.sum(0), 1.0)
    assert set(np.round(out.detach().numpy(), 12).ravel()) == {0.0, 1.0}


# ---------------------------------------------------------------------------------------------- running statistics


def test_the_statistics_of_batches_are_averaged_without_a_momentum():
    rng = np.random.default_rng(0)
    layer, batches = nn.BatchNorm1d(2, momentum=None, dtype=mg.float64), rng.standard_normal((5, 4, 2))
    for batch in batches:
        layer(mg.tensor(batch))
    np.testing.assert_allclose(layer.running_mean.data, batches.mean((0, 1)))
    np.testing.assert_allclose(layer.running_var.data, batches.var(1, ddof=1).mean(0))
    assert layer.num_batches_tracked.item() == 5
    layer.eval()(mg.tensor(batches[0]))
    assert layer.num_batches_tracked.item() == 5


def test_running_statistics_are_in_the_state_and_out_of_the_graph():
    layer = nn.BatchNorm2d(3)
    x = mg.randn(2, 3, 4, 4, requires_grad=True)
    (layer(x) * layer(x)).sum().backward()
    assert layer.running_mean.is_leaf and not layer.running_mean.requires_grad and x.grad is not None
    assert list(layer.state_dict()) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert layer.num_batches_tracked.dtype == np.int64 and layer.num_batches_tracked.shape == ()
    other = nn.BatchNorm2d(3).eval()
    other.load_state_dict(layer.state_dict())
    assert np.array_equal(other(x).data, layer.eval()(x).data)
    assert other.num_batches_tracked.item() == 2
    layer.to(mg.float64)
    assert layer.running_var.dtype == np.float64 and layer.num_batches_tracked.dtype == np.int64
    layer.reset_running_stats()
    assert layer.running_mean.tolist() == [0.0] * 3 and layer.running_var.tolist() == [1.0] * 3
    assert layer.num_batches_tracked.item() == 0
    assert list(nn.BatchNorm1d(2, affine=False, track_running_stats=False).state_dict()) == []


def test_a_graph_of_the_evaluation_keeps_the_statistics_it_was_made_with():
    layer = nn.BatchNorm1d(2)
    x = mg.randn(3, 2, requires_grad=True)
    out = layer.eval()(x)
    layer.train()(x * 100.0)
    out.sum().backward()
    assert np.allclose(x.grad.data, 1.0 / math.sqrt(1.0 + 1e-5)) and layer.running_var.data.min() > 10.0


def test_an_empty_batch_leaves_the_statistics_alone():
    layer = nn.BatchNorm1d(2)
    assert layer(mg.zeros(0, 2)).shape == (0, 2)
    assert layer.running_mean.tolist() == [0.0, 0.0] and layer.running_var.tolist() == [1.0, 1.0]


def test_normalization_of_float16_is_computed_in_float32():
    x = (np.random.default_rng(0).standard_normal((8, 4, 6)) * 300).astype(np.float16)
    for function in (
        lambda x: F.batch_norm(x, None, None, training=True), F.instance_norm, lambda x: F.group_norm(x, 2),
        lambda x: F.local_response_norm(x, 3), lambda x: F.normalize(x, dim=2),
        lambda x: F.cosine_similarity(x, x + 1.0, dim=2),
    ):  # fmt: skip
        out, wanted = function(mg.tensor(x)), function(mg.tensor(x.astype(np.float64)))
        assert out.dtype == np.float16
        np.testing.assert_allclose(out.data, wanted.data, rtol=2e-3, atol=2e-3)


def test_one_value_per_channel_has_no_variance():
    for call, shape in (
        (nn.BatchNorm1d(3), (1, 3)), (nn.BatchNorm2d(3), (1, 3, 1, 1)), (nn.InstanceNorm1d(3), (4, 3, 1)),
        (nn.GroupNorm(3, 3), (1, 3)),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=rf"{re.escape(str(shape))} has one value per channel"):
            call(mg.ones(shape))
    assert nn.BatchNorm1d(3).eval()(mg.ones(1, 3)).shape == (1, 3)


@pytest.mark.parametrize(
    "layer, shape",
    [(nn.BatchNorm1d, (2, 3, 4, 5)), (nn.BatchNorm2d, (2, 3, 4)), (nn.BatchNorm3d, (2, 3)),
     (nn.InstanceNorm1d, (3,)), (nn.InstanceNorm2d, (3, 4)), (nn.InstanceNorm3d, (1, 2, 3, 4, 5, 6))],
)  # fmt: skip
def test_channel_norms_name_the_shape_they_cannot_take(layer, shape):
    with pytest.raises(mg.ShapeError, match=f"{layer.__name__} takes.*{re.escape(str(shape))}, in module"):
        layer(3)(mg.ones(shape))


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: nn.BatchNorm1d(3)(mg.ones(2, 4)), ["running_mean", "(3,)", "(2, 4)", "dimension 1"]),
        (lambda: F.group_norm(mg.ones(2, 4), 2, mg.ones(3)), ["weight", "(3,)", "(2, 4)"]),
        (lambda: F.group_norm(mg.ones(2, 5), 2), ["(2, 5)", "2 groups"]),
        (lambda: nn.GroupNorm(2, 5), ["5 channels", "2 groups"]),
        (lambda: F.batch_norm(mg.ones(3), None, None, training=True), ["(3,)"]),
        (lambda: F.batch_norm(mg.ones(2, 3), None, None), ["running_mean"]),
        (lambda: F.batch_norm(mg.ones(2, 3), None, None, training=True, eps=0.0), ["eps"]),
        (lambda: F.local_response_norm(mg.ones(2, 3), 2), ["(2, 3)"]),
    ],
)
def test_what_cannot_be_normalized_is_named(call, words):
    with pytest.raises(ValueError) as error:
        call()
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    "function", [lambda x: F.batch_norm(x, None, None, training=True), lambda x: F.group_norm(x, 1), F.instance_norm]
)
def test_integers_have_no_unit_variance(function):
    with pytest.raises(mg.DTypeError, match=r"int64.*\.float\(\)"):
        function(mg.ones(2, 3, dtype=mg.int64))


# ------------------------------------------------------------------------------------------------------ losses

X, Y, IDS = mg.full((2, 3), 0.5), mg.full((2, 3), 0.25), mg.tensor([0, 2])
LOSSES = {
    F.cross_entropy: (X, IDS), F.nll_loss: (X, IDS), F.mse_loss: (X, Y), F.l1_loss: (X, Y), F.huber_loss: (X, Y),
    F.smooth_l1_loss: (X, Y), F.binary_cross_entropy: (X, Y), F.binary_cross_entropy_with_logits: (X, Y),
    F.multilabel_soft_margin_loss: (X, Y), F.kl_div: (X, Y), F.gaussian_nll_loss: (X, Y, X), F.poisson_nll_loss: (X, Y),
    F.hinge_embedding_loss: (X, Y), F.margin_ranking_loss: (X, Y, Y), F.triplet_margin_loss: (X, Y, Y),
    F.cosine_embedding_loss: (X, Y, mg.ones(2)), F.soft_margin_loss: (X, Y), F.multi_margin_loss: (X, IDS),
}  # fmt: skip


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_every_loss_is_reduced_one_way(loss):
    losses, total, mean = (loss(*LOSSES[loss], reduction=each).data for each in ("none", "sum", "mean"))
    np.testing.assert_allclose(total, losses.sum(), rtol=1e-6)
    np.testing.assert_allclose(mean, losses.mean(), rtol=1e-6)
    with pytest.raises(ValueError, match=f"{loss.__name__}: reduction must be 'mean', 'sum' or 'none', got 'average'"):
        loss(*LOSSES[loss], reduction="average")


@pytest.mark.parametrize(
    "call, shapes",
    [
        *((lambda f=f: f(mg.ones(2, 3), mg.ones(2, 1)), [(2, 3), (2, 1)]) for f in (
            F.binary_cross_entropy, F.binary_cross_entropy_with_logits,
        )),
        *((lambda f=f: f(mg.ones(2, 3), mg.ones(2, 2)), [(2, 3), (2, 2)]) for f in (
            F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss,
        )),
        (lambda: F.mse_loss(X, Y, weight=mg.ones(3)), [(2, 3), (3,)]),
        (lambda: F.nll_loss(X, mg.tensor([0])), [(2, 3), (1,)]),
        (lambda: F.multi_margin_loss(X, mg.tensor([0])), [(2, 3), (1,)]),
        (lambda: F.multi_margin_loss(X, IDS, weight=mg.ones(2)), [(2, 3), (2,)]),
        (lambda: F.gaussian_nll_loss(X, Y, mg.ones(3)), [(2, 3), (3,)]),
        (lambda: F.margin_ranking_loss(X, Y, mg.ones(3)), [(2, 3), (3,)]),
        (lambda: F.triplet_margin_loss(X, Y, mg.ones(3)), [(2, 3), (3,)]),
        (lambda: F.cosine_embedding_loss(X, Y, mg.ones(2, 1)), [(2, 3), (2, 1)]),
        (lambda: F.cosine_similarity(X, mg.ones(2)), [(2, 3), (2,)]),
        (lambda: F.pairwise_distance(X, mg.ones(2)), [(2, 3), (2,)]),
        (lambda: F.bilinear(X, mg.ones(3, 3), mg.ones(1, 3, 3)), [(2, 3), (3, 3), (1, 3, 3)]),
        (lambda: F.prelu(X, mg.ones(2)), [(2, 3), (2,)]),
        (lambda: F.glu(X), [(2, 3)]),
        (lambda: nn.Unflatten(1, (2, 2))(X), [(2, 2)]),
        (lambda: nn.Unflatten(1, (2, -1))(X), [(2, -1)]),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_named(call, shapes):
    with pytest.raises(mg.ShapeError) as error:
        call()
    assert all(str(shape) in str(error.value) for shape in shapes)


@pytest.mark.parametrize(
    "call, word",
    [
        (lambda: F.huber_loss(X, Y, delta=0.0), "delta"),
        (lambda: F.smooth_l1_loss(X, Y, beta=-1.0), "beta"),
        (lambda: F.triplet_margin_loss(X, Y, Y, margin=0.0), "margin"),
        (lambda: nn.TripletMarginLoss(margin=-1.0), "margin"),
        (lambda: F.multi_margin_loss(X, IDS, p=3), "p must be 1 or 2"),
        (lambda: nn.MultiMarginLoss(p=3), "p must be 1 or 2"),
        pytest.param(lambda: F.gaussian_nll_loss(X, Y, -0.1), "below 0", marks=looking),
        (lambda: F.softshrink(X, -0.5), "lambd"),
        (lambda: F.hardtanh(X, 1.0, -1.0), "min_val"),
        (lambda: nn.Hardtanh(1.0, 1.0), "min_val"),
        (lambda: nn.Bilinear(0, 2, 2), "in1_features"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(call, word):
    with pytest.raises(ValueError, match=word):
        call()


@looking
def test_class_ids_are_checked_in_every_loss_of_classes():
    for loss in (F.nll_loss, F.multi_margin_loss):
        with pytest.raises(IndexError, match=f"{loss.__name__}: target 3 is out of range for 3 classes"):
            loss(X, mg.tensor([0, 3]))
        with pytest.raises(TypeError, match=loss.__name__):
            loss(X, mg.tensor([0.0, 1.0]))


def test_the_likelihood_of_log_probabilities_is_the_cross_entropy():
    x = mg.randn(4, 3, 2, dtype=mg.float64)
    ids = mg.tensor([[0, 1], [2, 2], [-100, 0], [1, 1]])
    assert np.allclose(F.nll_loss(F.log_softmax(x, 1), ids).data, F.cross_entropy(x, ids).data, rtol=1e-14)


# ----------------------------------------------------------------------------------------------------- one_hot


def test_ids_become_ones():
    ids = mg.tensor([[0, 2], [1, 0]])
    assert F.one_hot(ids).tolist() == [[[1, 0, 0], [0, 0, 1]], [[0, 1, 0], [1, 0, 0]]]
    assert F.one_hot(ids, 4).shape == (2, 2, 4) and F.one_hot(ids).dtype == np.int64
    assert F.one_hot(mg.tensor(1)).tolist() == [0, 1]
    assert F.one_hot(mg.zeros(0, 2, dtype=mg.int64), 3).shape == (0, 2, 3)


@pytest.mark.parametrize(
    "ids, classes, error",
    [*(pytest.param(*each, IndexError, marks=looking)
       for each in (([3], 3), ([-1], 4), ([0], 0))), ([-1], -1, IndexError), ([1.0], -1, TypeError),
     (np.zeros(0, int), -1, ValueError), (np.zeros(0, int), 0, ValueError)],
)  # fmt: skip
def test_ids_that_have_no_place_are_refused(ids, classes, error):
    with pytest.raises(error, match="one_hot"):
        F.one_hot(mg.tensor(ids), classes)


# -------------------------------------------------------------------------------------------------- the layers


def test_settings_are_attributes_that_can_change():
    layer = nn.LeakyReLU(0.5)
    assert (layer.negative_slope, layer.inplace) == (0.5, False)
    layer.negative_slope = 0.25
    assert layer(mg.tensor([-4.0])).tolist() == [-1.0] and layer.extra_repr() == "negative_slope=0.25"
    other = copy.deepcopy(layer)
    assert other.negative_slope == 0.25 and other != layer and len({layer, other}) == 2
    with pytest.raises(TypeError, match="slope"):
        nn.LeakyReLU(slope=0.5)
    with pytest.raises(TypeError):
        nn.Threshold(0.5)


def test_a_weight_of_a_loss_is_a_buffer():
    loss = nn.BCEWithLogitsLoss(pos_weight=mg.tensor([2.0]))
    assert list(loss.state_dict()) == ["pos_weight"] and list(loss.parameters()) == []
    assert loss.to(mg.float64).pos_weight.dtype == np.float64


def test_layers_take_a_dtype():
    layers = [
        nn.PReLU(2, dtype=mg.float64), nn.Bilinear(2, 2, 2, dtype=mg.float64), nn.BatchNorm1d(2, dtype=mg.float64),
        nn.InstanceNorm2d(2, affine=True, dtype=mg.float64), nn.GroupNorm(1, 2, dtype=mg.float64),
    ]  # fmt: skip
    for layer in layers:
        floats = [tensor.dtype for tensor in [*layer.parameters(), *layer.buffers()] if tensor.dtype.kind == "f"]
        assert floats and set(floats) == {np.dtype(np.float64)}


def test_layers_start_as_pytorchs():
    assert nn.PReLU(3, init=0.1).weight.tolist() == pytest.approx([0.1] * 3)
    bilinear = nn.Bilinear(25, 30, 40)
    for values in (bilinear.weight.data, bilinear.bias.data):
        assert np.abs(values).max() <= 0.2 and abs(values.std() / (0.4 / math.sqrt(12)) - 1) < 0.2
    assert nn.InstanceNorm1d(2).weight is None and nn.InstanceNorm1d(2, affine=True).weight.tolist() == [1.0, 1.0]
    assert nn.GroupNorm(1, 2, bias=False).bias is None


def test_what_an_embedding_does_not_do_it_says():
    for argument in ({"max_norm": 1.0}, {"scale_grad_by_freq": True}, {"sparse": True}):
        with pytest.raises(NotImplementedError, match=next(iter(argument))):
            nn.Embedding(3, 2, **argument)
        with pytest.raises(NotImplementedError, match=next(iter(argument))):
            F.embedding(mg.tensor([0]), mg.ones(3, 2), **argument)


@pytest.mark.parametrize("name", ["ConstantPad1d", "ZeroPad2d", "ReflectionPad3d"])
def test_a_border_of_another_number_of_sides_is_refused(name):
    settings = {"value": 1.0} if name.startswith("Constant") else {}
    with pytest.raises(ValueError, match=f"{name} takes a number or {2 * int(name[-2])}"):
        getattr(nn, name)((1, 1, 1), **settings)
