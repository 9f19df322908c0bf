"""Bad input over the whole public surface: whatever a function is given, it works or says by name why it does not.

The sweep takes the calls that are compared with PyTorch, spoils one argument of each at a time, and looks at the error.
"""

import importlib
import pkgutil
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.nn import functional as F
from tests.oracle import calls

# ------------------------------------------------------------------------------------------ what is called, and how


class Recorder:
    """A library whose functions of these names are kept with the arguments they are called with."""

    def __init__(self, library, names, kept, **instead):
        self.__dict__.update(instead)
        self._parts = library, names, kept

    def __getattr__(self, name):
        library, names, kept = self._parts
        function = getattr(library, name)
        if name not in names or not callable(function):
            return function

        def call(*args, **settings):
            kept.setdefault((library, name), []).append((args, settings))
            return function(*args, **settings)

        return call


def recorded_calls():
    """(module, name) -> the calls that the oracle's families make of it."""
    kept = {}
    functional = Recorder(F, set(F.__all__), kept)
    library = Recorder(mg, set(mg.ops.__all__), kept, nn=Recorder(mg.nn, (), kept, functional=functional))
    for module in pkgutil.iter_modules(calls.__path__):
        for function, arrays in getattr(importlib.import_module(f"{calls.__name__}.{module.name}"), "CALLS", {}).values():
            with np.errstate(all="ignore"):
                function(library, *(mg.tensor(array, requires_grad=True) for array in arrays))
    return kept


X = mg.tensor(np.linspace(-1.0, 1.0, 6).reshape(2, 3))
Y = mg.tensor(np.linspace(0.1, 0.9, 6).reshape(2, 3))
N = mg.tensor(np.arange(6).reshape(2, 3))
MASK = X > 0

# The functions that no family calls by name.
OTHER_CALLS = {
    **{(mg, name): [((2, 3), {})] for name in ("empty", "ones", "zeros", "rand", "randn")},
    **{(mg, name): [((X,), {})] for name in ("empty_like", "zeros_like", "rand_like", "randn_like", "numel")},
    **{(mg, name): [((X,), {})] for name in ("is_floating_point", "isfinite", "isinf", "isnan", "logical_not")},
    **{(mg, name): [((X, Y), {})] for name in ("clamp_max", "clamp_min", "allclose", "equal", "isclose", "result_type")},
    **{(mg, name): [((X, Y), {}), ((X, 1.0), {})] for name in ("eq", "ge", "gt", "le", "lt", "ne")},
    **{(mg, name): [((N, N), {})] for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{(mg, name): [((X, N), {})] for name in ("logical_and", "logical_or", "logical_xor")},
    **{(mg, name): [((X,), {}), ((X, 1), {"keepdim": True})] for name in ("all", "any")},
    (mg, "full"): [(((2, 3), 1.5), {})],
    (mg, "linspace"): [((0, 1, 5), {})],
    (mg, "is_tensor"): [((X,), {})],
    (mg, "can_cast"): [((mg.int64, mg.float32), {})],
    (mg, "promote_types"): [((mg.int64, mg.float32), {})],
    (mg, "masked_fill"): [((X, MASK, 0.5), {})],
    (mg, "bitwise_not"): [((N,), {})],
    (mg, "bernoulli"): [((Y,), {})],
    (mg, "manual_seed"): [((3,), {})],
    (mg, "multinomial"): [((Y, 2), {})],
    (mg, "normal"): [((0.0, 1.0, (2, 3)), {})],
    (mg, "randint"): [((0, 5, (2, 3)), {})],
    (mg, "randint_like"): [((N, 5), {})],
    (mg, "randperm"): [((5,), {})],
    (mg, "repeat"): [((X, 2, 1), {})],
    (mg, "unfold"): [((X, 1, 2, 1), {})],
    (mg, "unsqueeze"): [((X, 1), {})],
    (mg, "matrix_power"): [((mg.ones(3, 3), 2), {})],
    (F, "sigmoid"): [((X,), {})],
    (F, "tanh"): [((X,), {})],
    (F, "gumbel_softmax"): [((X,), {"tau": 0.5})],
    **{(F, name): [((X, 0.5, True), {})] for name in ("alpha_dropout", "dropout", "feature_alpha_dropout")},
    **{(F, f"dropout{n}d"): [((mg.ones(*(2,) * (n + 2)), 0.5, True), {})] for n in (1, 2, 3)},
}
