"""Recurrent layers beside PyTorch's numbers: derivatives, parameters, dropout between layers, bad input."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.testing import check_grads

SIZES = {"input_size": 2, "hidden_size": 3}
DEEP = {**SIZES, "num_layers": 2, "bidirectional": True}


@pytest.mark.parametrize(
    "layer, inputs",
    [
        (nn.RNNCell(**SIZES), [(2, 2), (2, 3)]),
        (nn.LSTMCell(**SIZES), [(2, 2), ((2, 3), (2, 3))]),
        (nn.GRUCell(**SIZES), [(2, 2), (2, 3)]),
        (nn.RNN(**SIZES), [(3, 1, 2), (1, 1, 3)]),
        (nn.LSTM(**DEEP, proj_size=2), [(2, 1, 2)]),
        (nn.GRU(**DEEP), [(2, 2)]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_first_and_second_derivatives(layer, inputs):
    """Of the outputs and last states, for the input, the initial state and every parameter."""
    rng = np.random.default_rng(0)
    sizes = [size for each in inputs for size in (each if isinstance(each[0], tuple) else (each,))]

    def function(x, *state):
        return layer(x, *((state,) if len(state) == 2 else state))

    arrays = [rng.uniform(-1, 1, size) for size in sizes]
    check_grads(function, *arrays, params=dict(layer.double().named_parameters()), order=2, probes=1)


def test_parameters_have_pytorch_s_names_and_shapes_in_its_order():
    layer = nn.LSTM(2, 3, 2, bidirectional=True, proj_size=1)
    shapes = {name: value.shape for name, value in layer.state_dict().items()}
    assert shapes == {
        f"{kind}_l{layer}{suffix}": shape
        for layer, taken in ((0, 2), (1, 2))
        for suffix in ("", "_reverse")
        for kind, shape in (
            ("weight_ih", (12, taken)), ("weight_hh", (12, 1)), ("bias_ih", (12,)), ("bias_hh", (12,)),
            ("weight_hr", (1, 3)),
        )
    }  # fmt: skip
    assert list(shapes)[:5] == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_hr_l0"]
    assert list(nn.GRU(2, 3, bias=False).state_dict()) == ["weight_ih_l0", "weight_hh_l0"]
    assert list(nn.GRUCell(2, 3).state_dict()) == ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


@pytest.mark.parametrize("layer", [nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_parameters_start_uniform_within_the_root_of_the_hidden_size(layer):
    mg.manual_seed(0)
    made = layer(100, 25)
    values = np.concatenate([parameter.data.reshape(-1) for parameter in made.parameters()])
    assert np.abs(values).max() <= 0.2 < 1.01 * np.abs(values).max()
    assert abs(values.std() / (0.2 / math.sqrt(3)) - 1) < 0.05
    assert {parameter.dtype for parameter in layer(2, 3, dtype=mg.float64).parameters()} == {np.dtype(np.float64)}


def test_dropout_acts_between_layers_in_training_alone():
    mg.manual_seed(0)
    deep = nn.GRU(4, 5, num_layers=2, dropout=0.5)
    x = mg.randn(3, 2, 4)
    deep.eval()
    still = deep(x)[0].data
    np.testing.assert_array_equal(deep(x)[0].data, still)
    deep.train()
    assert np.abs(deep(x)[0].data - still).max() > 1e-3
    deep.dropout = 1.0  # nothing reaches the second layer, and its own output is not dropped
    out, h = deep(x)
    np.testing.assert_array_equal(out.data[0, 0], out.data[0, 1])
    assert np.abs(out.data).min() > 0 and np.abs(h.data[0] - h.data[0, 0]).max() > 1e-3
    with pytest.warns(UserWarning, match="only one"):
        nn.LSTM(2, 3, dropout=0.5)


def test_a_sequence_of_any_length_trains_by_backward():
    mg.manual_seed(0)
    lstm = nn.LSTM(2, 3, batch_first=True)
    lstm.flatten_parameters()
    out, (h, c) = lstm(mg.randn(4, 200, 2))
    assert (out.shape, h.shape, c.shape) == ((4, 200, 3), (1, 4, 3), (1, 4, 3))
    np.testing.assert_array_equal(out.data[:, -1], h.data[0])
    out[:, -1].sum().backward()
    assert all(np.isfinite(parameter.grad.data).all() and parameter.grad.data.any() for parameter in lstm.parameters())


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda: nn.LSTM(2, 3)((mg.ones(3, 2), [2, 1])), TypeError, "packed sequences .* are not available"),
        (lambda: nn.LSTM(2, 3)(mg.ones(4, 1, 5)), mg.ShapeError, r"LSTM: input of shape \(4, 1, 5\).*\(L, N, 2\)"),
        (lambda: nn.GRU(2, 3, batch_first=True)(mg.ones(2)), mg.ShapeError, r"GRU: input of shape \(2,\).*\(N, L, 2\)"),
        (lambda: nn.RNN(2, 3)(mg.ones(0, 1, 2)), mg.ShapeError, "length 0"),
        (lambda: nn.GRU(2, 3)(mg.ones(4, 1, 2), mg.ones(1, 2, 3)), mg.ShapeError, r"must be \(1, 1, 3\)"),
        (lambda: nn.GRU(2, 3)(mg.ones(4, 2), mg.ones(1, 1, 3)), mg.ShapeError, r"it must be \(1, 3\)"),
        (lambda: nn.LSTM(2, 3)(mg.ones(4, 1, 2), mg.ones(1, 1, 3)), TypeError, "a pair of tensors"),
        (lambda: nn.LSTMCell(2, 3)(mg.ones(4, 2), (mg.ones(4, 3), mg.ones(3))), mg.ShapeError, r"must be \(4, 3\)"),
        (lambda: nn.RNNCell(2, 3)(mg.ones(4, 1, 2)), mg.ShapeError, r"RNNCell: input of shape \(4, 1, 2\)"),
        (lambda: nn.RNN(2, 3, nonlinearity="gelu"), ValueError, "'gelu'"),
        (lambda: nn.RNNCell(2, 3, nonlinearity="gelu"), ValueError, "'gelu'"),
        (lambda: nn.LSTM(2, 3, proj_size=3), ValueError, "less than hidden_size 3"),
        (lambda: nn.LSTM(2, 3, dropout=1.5, num_layers=2), ValueError, "1.5"),
        (lambda: nn.GRU(2, 0), ValueError, "at least 1"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize(
    "layer, text",
    [
        (nn.RNN(3, 4, nonlinearity="relu"), "RNN(3, 4)"),
        (
            nn.LSTM(3, 4, 2, bias=False, batch_first=True, dropout=0.5, bidirectional=True, proj_size=2),
            "LSTM(3, 4, proj_size=2, num_layers=2, bias=False, batch_first=True, dropout=0.5, bidirectional=True)",
        ),
        (nn.GRUCell(3, 4, bias=False), "GRUCell(3, 4, bias=False)"),
        (nn.RNNCell(3, 4, nonlinearity="relu"), "RNNCell(3, 4, nonlinearity=relu)"),
    ],
)
def test_layers_show_what_pytorch_shows(layer, text):
    assert repr(layer).split("  ")[0] == text
