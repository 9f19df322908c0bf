"""Ask PyTorch for the steps of the optimizers in `update_cases.py`, in float64, and for their settings.

Run from the root of the repository, with PyTorch installed: `python -m tests.oracle.make_updates`. Writes `updates.npz`
and `optimizer_settings.json` beside this file; made with PyTorch 2.13.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .update_cases import CASES, MISSING, NEW_RATES, RECORDED, REFUSED, SECOND_GROUP, SHAPES, SHAPES_OF, STEPS


def splits(shapes: list[tuple[int, ...]]) -> list[int]:
    return np.cumsum([int(np.prod(shape)) for shape in shapes]).tolist()


def path(kind: str, settings: dict[str, Any], start: np.ndarray, gradients: np.ndarray) -> dict[str, np.ndarray]:
    shapes = SHAPES_OF.get(kind, SHAPES)
    ends = splits(shapes)
    params = [
        torch.tensor(part.reshape(shape), requires_grad=True) for part, shape in zip(np.split(start, ends), shapes)
    ]
    groups = [{"params": params[:1]}, {"params": params[1:], **SECOND_GROUP}]
    optimizer = getattr(torch.optim, kind)(groups, **settings)
    steps = []
    for step, gradient in enumerate(gradients):
        for group in optimizer.param_groups:
            group["lr"] *= NEW_RATES.get(step, 1.0)
        for number, (param, part) in enumerate(zip(params, np.split(gradient, ends))):
            param.grad = None if (step, number) in MISSING else torch.tensor(part.reshape(param.shape))
        optimizer.step()
        steps.append(np.concatenate([param.detach().numpy().ravel() for param in params]))
    state = optimizer.state_dict()["state"]
    kept: dict[str, list[np.ndarray]] = {}
    for number in range(len(params)):
        for name, value in state.get(number, {}).items():
            if value is not None:
                kept.setdefault(name, []).append(np.ravel(value.numpy()))
    return {"path": np.array(steps)[RECORDED], **{f"state/{name}": np.concatenate(kept[name]) for name in kept}}


def settings_of(kind: str) -> list[tuple[str, Any, bool]]:
    """Name, default and whether it is a keyword alone, in order."""
    parameters = list(inspect.signature(getattr(torch.optim, kind)).parameters.values())[1:]
    return [(each.name, each.default, each.kind is each.KEYWORD_ONLY) for each in parameters]


def refuses(kind: str, settings: dict[str, Any]) -> bool:
    try:
        getattr(torch.optim, kind)([torch.zeros(2, 2, requires_grad=True)], **settings)
    except ValueError:
        return True
    return False


if __name__ == "__main__":
    here = Path(__file__).parent
    torch.set_default_dtype(torch.float64)  # NAdam keeps a product in it
    torch.Tensor.bfloat16 = torch.Tensor.clone  # Muon computes in it, and in place
    rng = np.random.default_rng(0)
    total = max(splits(shapes)[-1] for shapes in [SHAPES, *SHAPES_OF.values()])
    arrays = {
        "start": rng.standard_normal(total),
        "gradients": rng.standard_normal((STEPS, total)) * 10.0 ** rng.uniform(-3, 1, total),
    }
    arrays["gradients"][:, 12] = 0.0
    for name, (kind, settings) in CASES.items():
        made = path(kind, settings, arrays["start"], arrays["gradients"])
        arrays |= {f"{name}/{key}": value for key, value in made.items()}
    np.savez_compressed(here / "updates.npz", **arrays)
    kinds = dict.fromkeys(kind for kind, _ in CASES.values())
    (here / "optimizer_settings.json").write_text(json.dumps({k: settings_of(k) for k in kinds}, indent=1) + "\n")
    assert not [case for case in REFUSED if not refuses(*case)]
