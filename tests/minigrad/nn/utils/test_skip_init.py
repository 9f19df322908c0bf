"""Modules made without values."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn.utils import skip_init


def test_nothing_is_drawn_and_nothing_is_held():
    mg.manual_seed(0)
    expected = mg.rand(3).numpy()
    mg.manual_seed(0)
    layer = skip_init(mg.nn.TransformerEncoderLayer, 4096, 64)
    np.testing.assert_array_equal(mg.rand(3).numpy(), expected)
    assert sum(parameter.numel() for parameter in layer.parameters()) > 10**7
    assert all(parameter.data.base.nbytes == 4 for parameter in layer.parameters())


def test_shapes_and_dtypes_are_those_of_the_module():
    made = {name: (p.shape, p.dtype) for name, p in mg.nn.LSTM(3, 4, dtype=mg.float64).named_parameters()}
    skipped = {name: (p.shape, p.dtype) for name, p in skip_init(mg.nn.LSTM, 3, 4, dtype=mg.float64).named_parameters()}
    assert skipped == made


def test_values_are_taken_with_assign_and_refused_without():
    layer, values = skip_init(mg.nn.Linear, 3, 2), mg.nn.Linear(3, 2).state_dict()
    with pytest.raises(RuntimeError, match="assign=True"):
        layer.load_state_dict(values)
    layer.load_state_dict(values, assign=True)
    assert layer.weight.data is values["weight"].data
    layer(mg.ones(1, 3)).sum().backward()
    assert layer.weight.grad.shape == (2, 3)


def test_modules_made_afterwards_have_values_even_after_a_failure():
    with pytest.raises(TypeError):
        skip_init(mg.nn.Linear, 3, 2, no_such_argument=1)
    assert len(set(mg.nn.Linear(3, 2).weight.flatten().tolist())) == 6
