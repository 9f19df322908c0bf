"""Calls that PyTorch and minigrad both understand, by family: `make_ops.py` records what PyTorch answers, the tests
compare."""

from tests.oracle.calls import (
    activation,
    affine,
    attention,
    convolution,
    elementwise,
    index,
    inplace,
    loss,
    normalization,
    pooling,
    products,
    reduce,
    resize,
    shape,
    sparse,
)

FAMILIES = {module.__name__.rpartition(".")[2]: module.CALLS for module in (
    activation, affine, attention, convolution, elementwise, index, inplace, loss, normalization, pooling, products,
    reduce, resize, shape, sparse,
)}  # fmt: skip
