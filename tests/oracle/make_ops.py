"""Records PyTorch's answers to `op_cases.py`, in ops.npz, and its dtypes for `dtype_cases.py`, in dtypes.json.

    python -m tests.oracle.make_ops

Made with PyTorch 2.13.0 on a CPU.
"""

import json
from pathlib import Path

import numpy as np

from tests.oracle.dtype_cases import NUMBERS, OPERANDS, OPERATIONS, operand
from tests.oracle.op_cases import CASES, numbers

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


def record():
    """PyTorch's answers and dtypes. Its attention by definition: the fused one has no second derivative."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    with sdpa_kernel(SDPBackend.MATH):
        return {name: answers(torch, *case) for name, case in CASES.items()}, dtypes(torch)


if __name__ == "__main__":
    numbers_by_name, dtype_by_name = record()
    np.savez_compressed(FOLDER / "ops.npz", **numbers_by_name)
    (FOLDER / "dtypes.json").write_text(json.dumps(dtype_by_name, indent=0) + "\n")
