"""The averages of weights that are compared with PyTorch; shared by `make_averages.py` and the tests.

`lib` is `torch.optim.swa_utils` or ours; every case gives the arguments of `AveragedModel` after the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

UPDATES = 8

averages: dict[str, Callable[[Any], dict[str, Any]]] = {
    "swa": lambda lib: {},
    "swa_buffers": lambda lib: {"use_buffers": True},
    "swa_function": lambda lib: {"avg_fn": lib.get_swa_avg_fn()},
    "ema": lambda lib: {"multi_avg_fn": lib.get_ema_multi_avg_fn(0.9)},
    "ema_default": lambda lib: {"multi_avg_fn": lib.get_ema_multi_avg_fn(), "use_buffers": True},
    "ema_fast": lambda lib: {"multi_avg_fn": lib.get_ema_multi_avg_fn(0.25)},
    "ema_function": lambda lib: {"avg_fn": lib.get_ema_avg_fn(0.7), "use_buffers": True},
    "own_function": lambda lib: {"avg_fn": lambda averaged, current, n: averaged - current / (n + 2)},
}


def make_model(nn: Any) -> Any:
    """A model with parameters, running statistics and a count."""
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def values(update: int) -> dict[str, np.ndarray]:
    """The parameters and buffers of the model at an update."""
    rng = np.random.default_rng(update)
    shapes = {
        "0.weight": (4, 3), "0.bias": (4,), "1.weight": (4,), "1.bias": (4,), "1.running_mean": (4,),
        "1.running_var": (4,), "2.weight": (2, 4), "2.bias": (2,),
    }  # fmt: skip
    arrays = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    arrays["1.running_var"] = np.abs(arrays["1.running_var"])
    return {**arrays, "1.num_batches_tracked": np.array(10 * update**2 + 3)}


def batches() -> list[np.ndarray]:
    """What `update_bn` is given."""
    rng = np.random.default_rng(100)
    return [rng.standard_normal((size, 3)) for size in (5, 9, 2)]


def flat(state: dict[str, Any], to_array: Callable[[Any], np.ndarray]) -> np.ndarray:
    """A state as one vector."""
    return np.concatenate([np.ravel(to_array(state[name])).astype(np.float64) for name in sorted(state)])
