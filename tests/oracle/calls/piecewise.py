"""Activation functions with kinks; at each kink, and beside it."""

import numpy as np

from tests.oracle.calls.family import Family, differentiated_once

CALLS = Family()

FUNCTIONS = {
    "relu": ({}, [0.0]),
    "relu6": ({}, [0.0, 6.0]),
    "leaky_relu": ({"negative_slope": 0.3}, [0.0]),
    "elu": ({"alpha": 0.7}, [0.0]),
    "selu": ({}, [0.0]),
    "celu": ({"alpha": 0.5}, [0.0]),
    "hardtanh": ({"min_val": -0.5, "max_val": 1.5}, [-0.5, 1.5]),
    "hardswish": ({}, [-3.0, 3.0]),
    "threshold": ({"threshold": 0.5, "value": 20.0}, [0.5]),
    "softshrink": ({"lambd": 0.25}, [-0.25, 0.25]),
    "hardshrink": ({"lambd": 0.25}, [-0.25, 0.25]),
    "rrelu": ({"lower": 0.1, "upper": 0.5}, [0.0]),
}


def _at(m, x, values, function):
    """Value and gradient at these values exactly; a second derivative is not defined there."""
    return differentiated_once(m, function, x * 0.0 + m.tensor(np.array(values)))


for _name, (_settings, _kinks) in FUNCTIONS.items():
    if _name != "threshold":  # which has no settings of its own
        CALLS.functional(_name, lambda F, m, x, n=_name: getattr(F, n)(x * 4.0), (4, 5))
    CALLS.functional(f"{_name} with settings", lambda F, m, x, n=_name, s=_settings: getattr(F, n)(x, **s), (3, 4))
    CALLS.functional(
        f"{_name} at its kinks",
        lambda F, m, x, n=_name, s=_settings, k=_kinks: _at(m, x, k, lambda x: getattr(F, n)(x, **s)), (len(_kinks),),
    )  # fmt: skip
    if _name not in ("softshrink", "hardshrink"):
        CALLS.functional(
            f"{_name} in place",
            lambda F, m, x, n=_name, s=_settings: getattr(F, n)(x * 3.0, **s, inplace=True) * x, (3, 4),
        )  # fmt: skip


def _slope(m, function, x):
    """The first derivative in float32, as a value."""
    leaf = x.detach().float().requires_grad_()
    return m.autograd.grad(function(leaf).sum(), leaf)[0].double()


# PyTorch keeps its slope of 1/6 in float32, and has no second derivative.
CALLS.functional("hardsigmoid", lambda F, m, x: F.hardsigmoid(x.detach() * 3.0) * x, (3, 4))
CALLS.functional("slope of hardsigmoid", lambda F, m, x: _slope(m, F.hardsigmoid, x * 3.0) * x, (3, 4))
CALLS.functional("prelu", lambda F, m, x, w: F.prelu(x, w), (2, 3, 2), (3,))
CALLS.functional("prelu of one number", lambda F, m, x, w: F.prelu(x, w) + F.prelu(x[0], w[0]), (2, 3), (1,))
CALLS.functional("prelu of a 0-d tensor", lambda F, m, x, w: F.prelu(x, w), (), (1,))
CALLS.functional("prelu at zero", lambda F, m, x, w: _at(m, x, [0.0], lambda x: F.prelu(x, w.detach())) * w, (1,), (1,))
