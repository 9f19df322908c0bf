"""Ask PyTorch, and transformers, for the learning rates and momenta of `scheduler_cases.py`.

Run from the root of the repository, with PyTorch and transformers installed: `python -m tests.oracle.make_schedulers`.
Writes `schedulers.npz` beside this file; made with PyTorch 2.13 and transformers 5.24.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler, swa_utils
from transformers import get_wsd_schedule

from .scheduler_cases import (
    LR,
    RESUMED_AT,
    SECOND_LR,
    STEPS,
    run,
    several,
    single,
    touched,
    warmup_stable_decay,
)

LIBRARY = SimpleNamespace(**{name: getattr(lr_scheduler, name) for name in lr_scheduler.__all__}, SWALR=swa_utils.SWALR)


def make_optimizer(name: str) -> Any:
    groups = [{"params": [torch.zeros(1)]}, {"params": [torch.zeros(1)], "lr": SECOND_LR}]
    if name.endswith("Adam"):
        return torch.optim.Adam(groups, lr=LR)
    return torch.optim.SGD(groups, lr=LR, momentum=0.5)


def build(name: str, optimizer: Any, **more: Any) -> Any:
    kind, settings = single[name]
    return getattr(LIBRARY, kind)(optimizer, **settings, **more)


def resumes(name: str, step: int) -> bool:
    """Whether PyTorch's scheduler goes on as if never stopped, when it is made with `last_epoch` at this step."""
    optimizer = make_optimizer(name)
    scheduler = build(name, optimizer)
    run(optimizer, [scheduler], step)
    saved = optimizer.state_dict()
    unbroken = run(optimizer, [scheduler], STEPS - step, start=step)
    optimizer = make_optimizer(name)
    optimizer.load_state_dict(saved)
    rows = run(optimizer, [build(name, optimizer, last_epoch=step - 1)], STEPS - step, start=step)
    return np.allclose(rows, unbroken, rtol=1e-9, atol=0.0)


if __name__ == "__main__":
    arrays, resumed = {}, []
    for name, (kind, _) in single.items():
        optimizer = make_optimizer(name)
        arrays[f"single/{name}"] = run(optimizer, [build(name, optimizer)], STEPS)
        if kind not in ("ReduceLROnPlateau", "SWALR"):
            resumed += [f"{name}/{step}" for step in RESUMED_AT if resumes(name, step)]
    arrays["resumed"] = np.array(resumed)
    for name, touch in touched.items():
        optimizer = make_optimizer(name)
        arrays[f"touched/{name}"] = run(optimizer, [build(name, optimizer)], STEPS, touch=touch)
    for name, make in several.items():
        optimizer = make_optimizer(name)
        arrays[f"several/{name}"] = run(optimizer, make(LIBRARY, optimizer), STEPS)
    for name, settings in warmup_stable_decay.items():
        optimizer = make_optimizer(name)
        arrays[f"wsd/{name}"] = run(optimizer, [get_wsd_schedule(optimizer, **settings)], STEPS)
    # Steps to given epochs, which may be fractions.
    optimizer = make_optimizer("")
    scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 5, 2, 0.1)
    rates = []
    for quarter in range(4 * STEPS):
        scheduler.step(quarter / 4)
        rates.append([group["lr"] for group in optimizer.param_groups])
    arrays["fractions"] = np.array(rates)
    # A scheduler that is made when another has had the rates for a while.
    optimizer = make_optimizer("")
    first = run(optimizer, [lr_scheduler.ExponentialLR(optimizer, 0.9)], 10)
    late = run(optimizer, [lr_scheduler.CosineAnnealingLR(optimizer, 20, 0.01)], STEPS)
    arrays["late"] = np.concatenate([first, late])
    np.savez_compressed(Path(__file__).parent / "schedulers.npz", **arrays)
