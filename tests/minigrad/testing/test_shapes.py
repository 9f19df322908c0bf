"""A gradient of another shape than its input's is called that, also where NumPy could not add the two."""

import numpy as np
import pytest

from minigrad.testing import check_vjp_pair
from minigrad.testing.verdicts import WrongShapeDtype


@pytest.mark.parametrize("shape", [(2,), (4, 4), (4, 1), (1,), ()])
def test_a_gradient_of_another_shape(shape):
    with pytest.raises(WrongShapeDtype, match=r"input 0 has \(4,\)"):
        check_vjp_pair(np.sin, lambda g, x: np.ones(shape) * g.sum(), np.ones(4))


def test_one_that_was_not_summed_is_told_so():
    with pytest.raises(WrongShapeDtype, match="sum over the dimensions that grew"):
        check_vjp_pair(lambda x, y: x * y, lambda g, x, y: (g * y, g * x), np.ones((3, 4)), np.ones((1, 4)))
