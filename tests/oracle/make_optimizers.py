"""Ask PyTorch for the paths of learning rates in `optimizer_cases.py`, in float64.

Run from the root of the repository, with PyTorch installed: `python -m tests.oracle.make_optimizers`. Writes
`optimizers.npz` beside this file; made with PyTorch 2.13.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .optimizer_cases import schedulers


def rates(build: Any, steps: int = 30) -> np.ndarray:
    optimizer = torch.optim.SGD([{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "lr": 0.2}], lr=1.0)
    scheduler = build(optimizer)
    seen = []
    for _ in range(steps):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return np.array(seen)


if __name__ == "__main__":
    arrays = {}
    library = torch.optim.lr_scheduler
    for name, (kind, settings) in schedulers.items():
        arrays[f"rates/{name}"] = rates(lambda o, kind=kind, settings=settings: getattr(library, kind)(o, **settings))
    arrays["rates/sequential"] = rates(
        lambda o: library.SequentialLR(
            o,
            [library.LinearLR(o, 0.1, 1.0, 5), library.ConstantLR(o, 1.0, 3), library.CosineAnnealingLR(o, 10)],
            [5, 9],
        )
    )
    arrays["rates/lambda"] = rates(lambda o: library.LambdaLR(o, [lambda n: 0.9**n, lambda n: 1 / (n + 1)]))
    np.savez_compressed(Path(__file__).parent / "optimizers.npz", **arrays)
