"""Calls that PyTorch and minigrad both understand, by family: `make_ops.py` records what PyTorch answers, the tests
compare."""

from tests.oracle.calls import (
    activation,
    affine,
    attention,
    channel_norm,
    distance,
    elementwise,
    index,
    inplace,
    likelihood,
    loss,
    margin,
    normalization,
    ordering,
    piecewise,
    products,
    reduce,
    rounding,
    scan,
    shape,
    sparse,
    transcendental,
)

FAMILIES = {module.__name__.rpartition(".")[2]: module.CALLS for module in (
    activation, affine, attention, channel_norm, distance, elementwise, index, inplace, likelihood, loss, margin,
    normalization, ordering, piecewise, products, reduce, rounding, scan, shape, sparse, transcendental,
)}  # fmt: skip
