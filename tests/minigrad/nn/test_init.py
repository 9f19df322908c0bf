import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import init

N = 40_000  # draws: means of unit variables stray about 0.005


def test_uniform_fills_its_interval_evenly():
    x = init.uniform_(mg.empty(N), -1.0, 3.0).data
    assert x.min() >= -1.0 and x.max() < 3.0
    assert abs(x.mean() - 1.0) < 0.03 and abs(x.std() - 4 / math.sqrt(12)) < 0.03
    with pytest.raises(ValueError):
        init.uniform_(mg.empty(1), 1.0, 0.0)


def test_normal_has_its_moments():
    x = init.normal_(mg.empty(N, dtype=mg.float64), 2.0, 0.5).data
    assert abs(x.mean() - 2.0) < 0.02 and abs(x.std() - 0.5) < 0.02
    with pytest.raises(ValueError):
        init.normal_(mg.empty(1), 0.0, -1.0)


@pytest.mark.parametrize("mean, std, a, b", [(0, 1, -2, 2), (0, 0.02, -0.04, 0.04), (1, 2, 0.5, 1.0), (0, 1, 1, 9)])
def test_truncated_normal_has_its_distribution(mean, std, a, b):
    x = np.sort(init.trunc_normal_(mg.empty(N, dtype=mg.float64), mean, std, a, b).data)
    assert a <= x[0] and x[-1] <= b
    phi = np.vectorize(lambda value: 0.5 * math.erfc(-(value - mean) / std / math.sqrt(2)))
    low, high = phi(np.array([a, b]))
    probability = (phi(x) - low) / (high - low)
    # Kolmogorov and Smirnov: beyond 1.95 / sqrt(N) only one time in a thousand
    assert np.abs(probability - (np.arange(N) + 0.5) / N).max() < 1.95 / math.sqrt(N)


def test_truncated_normal_refuses_what_it_cannot_do():
    for wrong in ({"std": 0.0}, {"a": 2.0, "b": 1.0}, {"a": 50.0, "b": 60.0}):
        with pytest.raises(ValueError):
            init.trunc_normal_(mg.empty(3), **wrong)


def test_bounds_follow_the_fans():
    weight = mg.empty(30, 50, 2)  # fan in 100, fan out 60
    for bound, function in [
        (math.sqrt(6 / 160), init.xavier_uniform_),
        (2 * math.sqrt(6 / 160), lambda w: init.xavier_uniform_(w, gain=2.0)),
        (0.1, lambda w: init.kaiming_uniform_(w, a=math.sqrt(5))),
        (math.sqrt(2) * math.sqrt(3 / 60), lambda w: init.kaiming_uniform_(w, mode="fan_out", nonlinearity="relu")),
        (5 / 3 * math.sqrt(3 / 100), lambda w: init.kaiming_uniform_(w, nonlinearity="tanh")),
    ]:
        assert 0.99 * bound < np.abs(function(weight).data).max() <= bound * (1 + 1e-6)
    assert abs(init.xavier_normal_(weight, gain=3.0).data.std() / (3 * math.sqrt(2 / 160)) - 1) < 0.05
    for wrong in (mg.empty(3), mg.empty(())):
        with pytest.raises(ValueError, match="two dimensions"):
            init.kaiming_uniform_(wrong)
    with pytest.raises(ValueError, match="mode"):
        init.kaiming_uniform_(weight, mode="in")
    with pytest.raises(ValueError, match="relu6"):
        init.calculate_gain("relu6")


def test_constants():
    x = mg.empty(2, 3)
    assert (init.ones_(x).data == 1).all() and (init.zeros_(x).data == 0).all()
    assert init.constant_(x, 2.5) is x and (x.data == 2.5).all()


@pytest.mark.parametrize("draw", [init.uniform_, init.normal_, init.trunc_normal_])
def test_integers_are_not_drawn(draw):
    state = mg.default_generator.get_state()
    with pytest.raises(TypeError, match=f"{draw.__name__}.*int64"):
        draw(mg.zeros(5, dtype=mg.int64))
    assert mg.default_generator.get_state() == state


@pytest.mark.parametrize(
    "draw, settings",
    [
        (init.uniform_, {"a": -math.inf, "b": math.inf}), (init.uniform_, {"a": math.nan}),
        (init.uniform_, {"b": math.nan}), (init.normal_, {"std": math.nan}), (init.normal_, {"mean": math.inf}),
        (init.trunc_normal_, {"std": math.nan}), (init.trunc_normal_, {"mean": math.nan}),
        (init.trunc_normal_, {"a": math.nan}),
    ],
)  # fmt: skip
def test_what_is_not_finite_is_refused(draw, settings):
    with pytest.raises(ValueError, match=draw.__name__):
        draw(mg.empty(2), **settings)


def test_a_truncated_normal_may_be_open():
    assert np.isfinite(init.trunc_normal_(mg.empty(50), a=-math.inf, b=math.inf).data).all()


@pytest.mark.parametrize("write", [init.zeros_, init.normal_, lambda x: init.constant_(x, 2.0)])
def test_read_only_memory_is_named(write):
    with pytest.raises(ValueError, match=r"shape \(3,\) in read-only memory"):
        write(mg.from_numpy(np.broadcast_to(np.float32(1), (3,))))


def test_a_constant_is_one_number():
    x = mg.empty(2)
    assert init.constant_(x, mg.tensor(3.0)).tolist() == [3.0, 3.0]
    assert init.constant_(x, np.float32(2.0)).tolist() == [2.0, 2.0]
    for wrong in (np.ones(2), mg.ones(3), "a", None):
        with pytest.raises(TypeError, match="constant_ takes one number"):
            init.constant_(x, wrong)


def test_gains_of_convolutions_are_those_of_linear_maps():
    for name in ("conv1d", "conv2d", "conv_transpose3d"):
        assert init.calculate_gain(name) == 1.0


def test_the_seed_decides():
    def draw():
        return nn.TransformerEncoderLayer(8, 2, 16).state_dict()

    mg.manual_seed(5)
    first, second = draw(), draw()
    mg.manual_seed(5)
    again = draw()
    assert all(np.array_equal(first[name].data, again[name].data) for name in first)
    assert not np.array_equal(first["linear1.weight"].data, second["linear1.weight"].data)
    generator = mg.Generator(3)
    state = mg.default_generator.get_state()
    a = init.normal_(mg.empty(4), generator=generator).data.copy()
    assert mg.default_generator.get_state() == state
    assert np.array_equal(a, init.normal_(mg.empty(4), generator=mg.Generator(3)).data)


def test_an_initialised_parameter_spoils_a_graph_that_saved_it():
    weight = nn.Parameter(mg.ones(2, 2))
    loss = (weight * weight).sum()
    init.normal_(weight)
    assert weight.is_leaf
    with pytest.raises(RuntimeError, match="normal_"):
        loss.backward()
    with pytest.raises(RuntimeError, match="computed"):
        init.zeros_(weight * 2)


@pytest.mark.parametrize(
    "layer, name, low, high",
    [
        (lambda: nn.Linear(100, 400), "weight", -0.1, 0.1),
        (lambda: nn.Linear(100, 4000), "bias", -0.1, 0.1),
        (lambda: nn.MultiheadAttention(64, 4), "in_proj_weight", -math.sqrt(6 / 256), math.sqrt(6 / 256)),
        (lambda: nn.MultiheadAttention(64, 4, kdim=32), "k_proj_weight", -math.sqrt(6 / 96), math.sqrt(6 / 96)),
        (lambda: nn.MultiheadAttention(64, 4), "out_proj.weight", -1 / 8, 1 / 8),
    ],
)
def test_layers_start_uniform_as_pytorchs(layer, name, low, high):
    values = layer().get_parameter(name).data
    assert low * (1 + 1e-6) <= values.min() < 0.98 * low and 0.98 * high < values.max() <= high * (1 + 1e-6)
    assert abs(values.std() / ((high - low) / math.sqrt(12)) - 1) < 0.05


def test_other_layers_start_as_pytorchs():
    assert abs(nn.Embedding(400, 100).weight.data.std() - 1.0) < 0.02
    padded = nn.Embedding(4, 3, padding_idx=-1)
    assert (padded.weight.data[3] == 0).all() and (padded.weight.data[2] != 0).any()
    attention = nn.MultiheadAttention(8, 2)
    assert (attention.in_proj_bias.data == 0).all() and (attention.out_proj.bias.data == 0).all()
    norm = nn.LayerNorm(3)
    assert (norm.weight.data == 1).all() and (norm.bias.data == 0).all()
    assert (nn.RMSNorm(3).weight.data == 1).all()
    assert abs(nn.LearnedPositions(400, 100).weight.data.std() - 0.02) < 0.001
