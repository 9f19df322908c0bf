"""What a check raised, held to what every message must be."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.testing import GradientError

X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.6]])
LENGTH = 25


def raised_by(expected, check, *arguments, **settings):
    """The message of the error that a check raises, which must be of exactly this class."""
    with pytest.raises(GradientError) as caught:
        check(*arguments, **settings)
    error = caught.value
    message = str(error)
    assert type(error) is expected, message
    assert error.report.verdict is expected.verdict
    assert message.startswith(expected.verdict.name)
    assert len(message.splitlines()) <= LENGTH
    assert f"what to do: {expected.verdict.value}" in message
    return message


in_memory = pytest.mark.host("on a device the checker computes on copies")


def leaf(array, dtype=mg.float64):
    return mg.tensor(array, dtype=dtype)
