"""Records PyTorch's answers to `calls`, in a file per family, and its dtypes for `dtype_cases.py`, in dtypes.json.

    python -m tests.oracle.make_ops [FAMILY ...]

Made with PyTorch 2.13.0 on a CPU.
"""

import json
import sys
from pathlib import Path

import numpy as np

from tests.oracle.calls import FAMILIES
from tests.oracle.calls.family import numbers
from tests.oracle.dtype_cases import NUMBERS, OPERANDS, OPERATIONS, operand

FOLDER = Path(__file__).parent


def answers(library, call, arrays):
    """Output, gradients of <cotangent, output>, and gradients of <those, direction>, in one flat array."""
    tensors = [library.tensor(array, requires_grad=True) for array in arrays]
    out = call(library, *tensors)
    cotangent = library.tensor(numbers(tuple(out.shape), 7))
    gradients = library.autograd.grad(out, tensors, cotangent, create_graph=True, allow_unused=True)
    gradients = [t.detach() * 0.0 if g is None else g for t, g in zip(tensors, gradients)]
    projected = sum((g * library.tensor(numbers(tuple(g.shape), 8 + i))).sum() for i, g in enumerate(gradients))
    seconds = [None] * len(tensors)
    if projected.requires_grad:
        seconds = library.autograd.grad(projected, tensors, allow_unused=True)
    seconds = [t.detach() * 0.0 if s is None else s.detach() + t.detach() * 0.0 for t, s in zip(tensors, seconds)]
    parts = [out.detach().numpy(), *(g.detach().numpy() for g in (*gradients, *seconds))]
    assert all(part.dtype == np.float64 for part in parts)
    return np.concatenate([part.reshape(-1) for part in parts])


def dtypes(library):
    """For each operation and pair of operands, the dtype of the result, or "error"."""
    table = {}
    for name, operation in OPERATIONS.items():
        for first in OPERANDS:
            for second in OPERANDS:
                if first in NUMBERS and second in NUMBERS:
                    continue
                try:
                    result = operation(library, operand(library, first), operand(library, second))
                    table[f"{name} {first} {second}"] = str(result.dtype).removeprefix("torch.")
                except (RuntimeError, TypeError, IndexError):
                    table[f"{name} {first} {second}"] = "error"
    return table


def recorded(family):
    """The file of a family's answers."""
    return FOLDER / "calls" / f"{family}.npz"


def record(family):
    """PyTorch's answers to a family. Its attention by definition: the fused one has no second derivative."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.MATH):
        return {name: answers(torch, *call) for name, call in FAMILIES[family].items()}


if __name__ == "__main__":
    import torch

    for family in sys.argv[1:] or FAMILIES:
        np.savez_compressed(recorded(family), **record(family))
    (FOLDER / "dtypes.json").write_text(json.dumps(dtypes(torch), indent=0) + "\n")
