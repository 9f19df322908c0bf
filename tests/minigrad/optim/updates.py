"""What the tests of the update rules share: optimizers on small parameters, and the gradients they are given."""

from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import optim
from tests.oracle import update_cases
from tests.oracle.update_cases import CASES, MISSING, NEW_RATES, SECOND_GROUP, SHAPES, SHAPES_OF

with np.load(Path(update_cases.__file__).parent / "updates.npz") as saved:
    EXPECTED = dict(saved)
GRADIENTS = EXPECTED["gradients"]

LION = {
    "lion": ("Lion", {"lr": 0.01}),
    "lion_options": ("Lion", {"lr": 0.02, "betas": (0.7, 0.8), "weight_decay": 0.3}),
    "lion_maximize": ("Lion", {"lr": 0.02, "weight_decay": 0.1, "maximize": True}),
}
ALL = CASES | LION  # PyTorch has no Lion
KINDS = list(dict.fromkeys(kind for kind, _ in ALL.values()))


def parts(flat, shapes):
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [part.reshape(shape) for part, shape in zip(np.split(flat, ends), shapes)]


def make(name, dtype=np.float64):
    """The parameters and the optimizer of a case."""
    kind, settings = ALL[name]
    shapes = SHAPES_OF.get(kind, SHAPES)
    params = [mg.tensor(part.astype(dtype), requires_grad=True) for part in parts(EXPECTED["start"], shapes)]
    groups = [{"params": params[:1]}, {"params": params[1:], **SECOND_GROUP}]
    return params, getattr(optim, kind)(groups, **settings)


def set_gradients(params, step):
    for number, (param, part) in enumerate(zip(params, parts(GRADIENTS[step], [param.shape for param in params]))):
        param.grad = None if (step, number) in MISSING else mg.tensor(part.astype(param.dtype))


def take_step(params, optimizer, step):
    """One step of a case, as PyTorch took it."""
    for group in optimizer.param_groups:
        group["lr"] *= NEW_RATES.get(step, 1.0)
    set_gradients(params, step)
    optimizer.step()


def flatten(tensors):
    return np.concatenate([tensor.data.ravel() for tensor in tensors])
