"""Ask PyTorch for the results of the calls in `func_cases.py`, in float64.

Run from the root of the repository, with PyTorch installed: `python -m tests.oracle.make_func`. Writes `func.npz`
beside this file; made with PyTorch 2.13.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from .func_cases import SHAPES, calls, flat

if __name__ == "__main__":
    rng = np.random.default_rng(0)
    arrays = {name: rng.uniform(-1.0, 1.0, shape) for name, shape in SHAPES.items()}
    results = calls(torch, **{name: torch.tensor(array) for name, array in arrays.items()})
    for name, nested in results.items():
        arrays |= {f"{name}/{number}": value.detach().numpy() for number, value in enumerate(flat(nested))}
    np.savez_compressed(Path(__file__).parent / "func.npz", **arrays)
