"""Ask PyTorch, and transformers, for the learning rates and momenta of `scheduler_cases.py`.

Run from the root of the repository, with PyTorch and transformers installed: `python -m tests.oracle.make_schedulers`.
Writes beside this file `schedulers.npz` and, with signatures and saved states, `schedulers.json`; made with PyTorch
2.13 and transformers 5.24.
"""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.optim import lr_scheduler, swa_utils
from transformers import get_wsd_schedule

from .scheduler_cases import (
    LR,
    SAVED_AT,
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


def signature(function: Any) -> dict[str, str]:
    """The parameters and their defaults, as text."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: "" if each.default is each.empty else repr(each.default) for each in parameters}


if __name__ == "__main__":
    arrays, states = {}, {}
    for name in single:
        optimizer = make_optimizer(name)
        scheduler = build(name, optimizer)
        arrays[f"single/{name}"] = run(optimizer, [scheduler], STEPS)
        optimizer = make_optimizer(name)
        scheduler = build(name, optimizer)
        run(optimizer, [scheduler], SAVED_AT)
        states[name] = scheduler.state_dict()
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
    here = Path(__file__).parent
    np.savez_compressed(here / "schedulers.npz", **arrays)
    functions = [
        *(getattr(lr_scheduler, name) for name in sorted(lr_scheduler.__all__)),
        *(getattr(swa_utils, name) for name in sorted(swa_utils.__all__)),
        torch.nn.utils.clip_grad_norm_,
        torch.nn.utils.clip_grad_value_,
    ]
    signatures = {function.__name__: signature(function) for function in functions}
    text = json.dumps({"signatures": signatures, "states": states}, indent=1)
    (here / "schedulers.json").write_text(text + "\n")
