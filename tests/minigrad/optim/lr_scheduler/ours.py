"""The optimizers and schedulers of `tests/oracle/scheduler_cases.py`, made with ours."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import minigrad as mg
from minigrad import optim
from minigrad.optim import lr_scheduler, swa_utils
from tests.oracle import scheduler_cases as cases

HERE = Path(cases.__file__).parent
with np.load(HERE / "schedulers.npz") as saved:
    EXPECTED = {key: saved[key] for key in saved.files}
RECORDED = json.loads((HERE / "schedulers.json").read_text())

LIBRARY = SimpleNamespace(**{name: getattr(lr_scheduler, name) for name in lr_scheduler.__all__}, SWALR=swa_utils.SWALR)
ONCE = [name for name, (kind, _) in cases.single.items() if kind != "ReduceLROnPlateau"]


def make_optimizer(name="", **settings):
    params = [mg.zeros(1, requires_grad=True) for _ in range(2)]
    groups = [{"params": params[:1]}, {"params": params[1:], "lr": cases.SECOND_LR}]
    if name.endswith("Adam"):
        return optim.Adam(groups, lr=cases.LR)
    return optim.SGD(groups, **{"lr": cases.LR, "momentum": 0.5, **settings})


def build(name, optimizer, **more):
    """The schedulers of a case: `single`, or several that step in turn."""
    if name in cases.several:
        return cases.several[name](LIBRARY, optimizer)
    kind, settings = cases.single[name]
    return [getattr(LIBRARY, kind)(optimizer, **settings, **more)]


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def step(optimizer, *schedulers, times=1):
    for _ in range(times):
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
