"""Pairs of operands of several dtypes, whose results' dtypes `make_ops.py` records in dtypes.json."""

import numpy as np

NUMBERS = {"True": True, "3": 3, "2.5": 2.5}
TENSORS = ("bool", "uint8", "int32", "int64", "float16", "float32", "float64")
OPERANDS = [*TENSORS, "bool 0-d", "int64 0-d", "float32 0-d", "float64 0-d", *NUMBERS]
OPERATIONS = {
    "add": lambda m, x, y: x + y,
    "sub": lambda m, x, y: x - y,
    "mul": lambda m, x, y: x * y,
    "div": lambda m, x, y: x / y,
    "pow": lambda m, x, y: x**y,
    "floor_divide": lambda m, x, y: x // y,
    "remainder": lambda m, x, y: x % y,
    "maximum": lambda m, x, y: m.maximum(x, y),
    "where": lambda m, x, y: m.where(m.tensor(np.array([True, False])), x, y),
    "cat": lambda m, x, y: m.cat([x, y]),
    "less": lambda m, x, y: x < y,
}


def operand(library, name):
    if name in NUMBERS:
        return NUMBERS[name]
    dtype, _, zero_d = name.partition(" ")
    return library.tensor(np.ones(() if zero_d else 2, dtype))
