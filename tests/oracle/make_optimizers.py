"""Ask PyTorch for the paths of parameters and learning rates in `optimizer_cases.py`, in float64.

Run from the root of the repository, with PyTorch installed: `python -m tests.oracle.make_optimizers`. Writes
`optimizers.npz` beside this file; made with PyTorch 2.13.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from .optimizer_cases import SECOND_GROUP, SHAPES, STEPS, optimizers, schedulers


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
    rng = np.random.default_rng(0)
    total = sum(int(np.prod(shape)) for shape in SHAPES)
    arrays = {"start": rng.standard_normal(total), "gradients": rng.standard_normal((STEPS, total))}
    for name, (kind, settings) in optimizers.items():
        made = path(kind, settings, arrays["start"], arrays["gradients"])
        arrays |= {f"{name}/{key}": value for key, value in made.items()}
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
