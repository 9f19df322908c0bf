"""Ask PyTorch for the values and gradients of the layers in `layer_cases.py`, in float64.

Run from the root of the repository, with PyTorch installed: `python -m tests.oracle.make_layers [FILE ...]`. Writes
`layers.npz`, `attention.npz` and so on beside this file; made with PyTorch 2.13.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from .layer_cases import Case, files, flat, positional, save


def evaluate(case: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    module = getattr(torch.nn, case.layer)(**case.arguments).double().train()
    arrays: dict[str, np.ndarray] = {}
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            parameter[...] = torch.from_numpy(rng.standard_normal(parameter.shape) * 0.6)
            arrays[f"state/{name}"] = parameter.numpy().copy()
    inputs = {}
    for name, spec in case.inputs.items():
        array = spec if isinstance(spec, np.ndarray) else rng.standard_normal(spec)
        inputs[name] = torch.tensor(array, requires_grad=array.dtype.kind == "f")
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
    return {f"{case.name}/{name}": array for name, array in arrays.items()}


if __name__ == "__main__":
    for file in sys.argv[1:] or files:
        rng = np.random.default_rng(0)
        save(file, {key: array for case in files[file] for key, array in evaluate(case, rng).items()})
