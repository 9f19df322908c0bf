"""The weights that models start from."""

import numpy as np

from lm.models.initial import initialize
from minigrad import nn


def test_weights_of_any_number_of_dimensions_are_drawn_and_vectors_are_not():
    model = nn.Sequential(nn.Conv2d(2, 3, 5), nn.LayerNorm(4), nn.Linear(4, 2), nn.Embedding(6, 2, padding_idx=1))
    initialize(model, lambda name, weight: nn.init.constant_(weight, 7.0))
    for name in ("0.weight", "2.weight"):
        assert np.all(model.get_parameter(name).data == 7.0), name
    assert np.all(model.get_parameter("1.weight").data == 1.0)
    assert all(np.all(model.get_parameter(f"{layer}.bias").data == 0.0) for layer in range(3))
    assert np.all(model.get_parameter("3.weight").data == np.array([7, 0, 7, 7, 7, 7])[:, None])
