"""The schedules that are compared with PyTorch; shared by `make_optimizers.py` and the tests."""

from __future__ import annotations

from typing import Any

schedulers: dict[str, tuple[str, dict[str, Any]]] = {
    "constant": ("ConstantLR", {"factor": 0.25, "total_iters": 4}),
    "linear": ("LinearLR", {"start_factor": 0.1, "end_factor": 0.9, "total_iters": 7}),
    "cosine": ("CosineAnnealingLR", {"T_max": 8, "eta_min": 0.01}),
}
