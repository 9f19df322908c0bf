"""Ask PyTorch for the values and gradients of the layers in `layer_cases.py` and `small_layer_cases.py`, in float64,
and for what the latter show of their settings.

Run from the root of the repository, with PyTorch installed: `python -m tests.oracle.make_layers [FILE ...]`. Writes
`layers.npz`, `attention.npz` and so on, and `layer_settings.json`, beside this file; made with PyTorch 2.13.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from . import small_layer_cases
from .layer_cases import Case, differentiated, files, flat, positional, save

ALL = {**files, **small_layer_cases.files}


def make(case: Case) -> torch.nn.Module:
    arguments = {
        name: torch.tensor(value) if isinstance(value, np.ndarray) else value for name, value in case.arguments.items()
    }
    module = case.build(torch.nn) if case.build else getattr(torch.nn, case.layer)(**arguments)
    return module.double().train(not case.evaluating)


def evaluate(case: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    module = make(case)
    arrays: dict[str, np.ndarray] = {}
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter[...] = torch.from_numpy(rng.standard_normal(parameter.shape) * 0.6)
            arrays[f"state/{name}"] = parameter.numpy().copy()
        for name, buffer in module.named_buffers():
            if name.startswith("running"):
                buffer[...] = torch.from_numpy(rng.uniform(0.5, 2.0, buffer.shape))
            arrays[f"state/{name}"] = buffer.numpy().copy()
    inputs = {}
    for name, spec in case.inputs.items():
        array = spec if isinstance(spec, np.ndarray) else rng.standard_normal(spec)
        inputs[name] = torch.tensor(array, requires_grad=array is not spec or differentiated(name, spec))
        if not isinstance(spec, np.ndarray):
            arrays[f"input/{name}"] = array
    keywords = {name: torch.tensor(mask) for name, mask in case.masks.items()}
    extra = {name: torch.tensor(mask) for name, mask in case.torch_extra.items()}
    outputs = flat(module(*positional(case, inputs), **keywords, **case.settings, **extra))
    total = torch.zeros((), dtype=torch.float64)
    for number, out in enumerate(outputs):
        cotangent = rng.standard_normal(out.shape)
        arrays[f"output/{number}"] = out.detach().numpy()
        arrays[f"cotangent/{number}"] = cotangent
        total = total + (out * torch.from_numpy(np.asarray(cotangent))).sum()
    total.backward()
    for name, tensor in [*inputs.items(), *module.named_parameters()]:
        if tensor.grad is not None:
            arrays[f"grad/{name}"] = tensor.grad.numpy()
    arrays.update({f"after/{name}": buffer.numpy() for name, buffer in module.named_buffers()})
    return {f"{case.name}/{name}": array for name, array in arrays.items()}


if __name__ == "__main__":
    for file in sys.argv[1:] or ALL:
        rng = np.random.default_rng(0)
        save(file, {key: array for case in ALL[file] for key, array in evaluate(case, rng).items()})
    shown = {f"{file}/{c.name}": make(c).extra_repr() for file, cases in small_layer_cases.files.items() for c in cases}
    (Path(__file__).parent / "layer_settings.json").write_text(json.dumps(shown, indent=0) + "\n")
