"""Ask PyTorch for the paths of parameters in `optimizer_cases.py`, in float64.

Run from the root of the repository, with PyTorch installed: `python -m tests.oracle.make_optimizers`. Writes
`optimizers.npz` beside this file; made with PyTorch 2.13.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .optimizer_cases import SECOND_GROUP, SHAPES, STEPS, optimizers


def path(kind: str, settings: dict[str, Any], start: np.ndarray, gradients: np.ndarray) -> dict[str, np.ndarray]:
    sizes = [int(np.prod(shape)) for shape in SHAPES]
    params = [
        torch.tensor(part.reshape(shape), requires_grad=True)
        for part, shape in zip(np.split(start, np.cumsum(sizes)[:-1]), SHAPES)
    ]
    groups = [{"params": params[:1]}, {"params": params[1:], **SECOND_GROUP}]
    optimizer = getattr(torch.optim, kind)(groups, **settings)
    steps = []
    for gradient in gradients:
        for param, part in zip(params, np.split(gradient, np.cumsum(sizes)[:-1])):
            param.grad = torch.tensor(part.reshape(param.shape))
        optimizer.step()
        steps.append(np.concatenate([param.detach().numpy().ravel() for param in params]))
    state = optimizer.state_dict()["state"]
    names = [name for name in (state[0] if state else {}) if state[0][name] is not None]
    kept = {name: np.concatenate([np.ravel(state[i][name].numpy()) for i in range(len(params))]) for name in names}
    return {"path": np.array(steps), **{f"state/{name}": values for name, values in kept.items()}}


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    total = sum(int(np.prod(shape)) for shape in SHAPES)
    arrays = {"start": rng.standard_normal(total), "gradients": rng.standard_normal((STEPS, total))}
    for name, (kind, settings) in optimizers.items():
        made = path(kind, settings, arrays["start"], arrays["gradients"])
        arrays |= {f"{name}/{key}": value for key, value in made.items()}
    np.savez_compressed(Path(__file__).parent / "optimizers.npz", **arrays)
