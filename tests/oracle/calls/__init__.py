"""Calls that PyTorch and minigrad both understand, by family: `make_ops.py` records what PyTorch answers, the tests
compare."""

from tests.oracle.calls import (
    activation,
    affine,
    arrange,
    attention,
    elementwise,
    index,
    indexing,
    inplace,
    linalg,
    loss,
    normalization,
    products,
    reduce,
    scattering,
    shape,
    sparse,
)

FAMILIES = {module.__name__.rpartition(".")[2]: module.CALLS for module in (
    activation, affine, attention, elementwise, index, inplace, loss, normalization, products, reduce, shape, sparse,
    arrange, indexing, linalg, scattering,
)}  # fmt: skip
