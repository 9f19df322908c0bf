"""Ask PyTorch for the averages of weights in `average_cases.py`, in float64.

Run from the root of the repository, with PyTorch installed: `python -m tests.oracle.make_averages`. Writes
`averages.npz` beside this file; made with PyTorch 2.13.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.optim import swa_utils

from .average_cases import UPDATES, averages, batches, flat, make_model, values


def set_values(model: torch.nn.Module, update: int) -> None:
    model.load_state_dict({name: torch.tensor(value) for name, value in values(update).items()})


if __name__ == "__main__":
    arrays = {}
    for name, settings in averages.items():
        model = make_model(torch.nn).double()
        set_values(model, 0)
        averaged = swa_utils.AveragedModel(model, **settings(swa_utils))
        rows = []
        for update in range(1, UPDATES + 1):
            set_values(model, update)
            averaged.update_parameters(model)
            rows.append(flat(averaged.state_dict(), lambda tensor: tensor.numpy()))
        arrays[name] = np.array(rows)
    model = make_model(torch.nn).double()
    set_values(model, 1)
    swa_utils.update_bn([(torch.tensor(batch), None) for batch in batches()], model)
    arrays["update_bn"] = flat(model.state_dict(), lambda tensor: tensor.numpy())
    np.savez_compressed(Path(__file__).parent / "averages.npz", **arrays)
