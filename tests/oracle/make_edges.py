"""Records PyTorch's answers to `edge_cases.py` in edges.npz.

    python -m tests.oracle.make_edges

Made with PyTorch 2.13.0 on a CPU.
"""

from pathlib import Path

import numpy as np

from tests.oracle.edge_cases import CASES

FILE = Path(__file__).parent / "edges.npz"


def answers(library, call, arrays):
    """Of a call: its outputs by number, "out 0" and so on, and in float64 the gradients of its inputs, "gradient 0" and
    so on. Nothing if it is refused."""
    tensors = [library.tensor(array, requires_grad=array.dtype == np.float64) for array in arrays]
    try:
        out = call(library, *tensors)
    except (RuntimeError, TypeError, IndexError, ValueError, AttributeError):
        return {}
    if isinstance(out, bool):
        return {"out 0": np.asarray(out)}
    outputs = out if isinstance(out, tuple) else (out,)
    parts = {f"out {i}": each.detach().numpy() for i, each in enumerate(outputs)}
    if outputs[0].requires_grad:
        leaves = [tensor for tensor in tensors if tensor.requires_grad]
        gradients = library.autograd.grad(outputs[0].sum(), leaves, allow_unused=True)
        for i, (leaf, gradient) in enumerate(zip(leaves, gradients)):
            parts[f"gradient {i}"] = (library.zeros_like(leaf) if gradient is None else gradient).detach().numpy()
    return parts


def record():
    import torch

    found = {name: answers(torch, *case) for name, case in CASES.items()}
    return {f"{name}/{part}": value for name, parts in found.items() for part, value in parts.items()}


if __name__ == "__main__":
    np.savez_compressed(FILE, **record())
