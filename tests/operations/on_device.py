"""Compares the recorded calls with PyTorch's answers on another device, and keeps for the page how many derivatives
hold.

    python -m tests.operations.on_device stand-in tests/standin/operations.json
    python -m tests.operations.on_device gpu benchmarks/gpu_check.json
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from tests.minigrad.test_torch_values import RECORDED, ROUNDING
from tests.operations.coverage import Orders, shown_by
from tests.oracle.calls import FAMILIES
from tests.oracle.make_ops import answers
from tests.standin import on_device


def failure(family: str, name: str) -> str:
    """What is wrong with the answers to a call on the default device; "" if nothing is."""
    expected = RECORDED[family][name]
    try:
        ours = answers(mg, *FAMILIES[family][name])
    except Exception as error:  # whatever it is, it is what the call gives there
        return f"{type(error).__name__}: {error}".splitlines()[0][:200]
    wrong = np.abs(ours - expected).max(initial=0.0) if ours.shape == expected.shape else np.inf
    return "" if wrong <= ROUNDING * np.abs(expected).max(initial=1.0) else f"wrong by {wrong:.1e}"


def compare(device: str) -> dict[str, Any]:
    """Of every operation: how many derivatives hold in the calls that hold; and the calls that do not, with what they
    give instead."""
    orders: Orders = {}
    failed = {}
    for family, calls in FAMILIES.items():
        for name, (function, arrays) in calls.items():
            wrong = failure(family, name)
            if wrong:
                failed[f"{family}: {name}"] = wrong
            for operation, order in ({} if wrong else shown_by(function, arrays)).items():
                orders[operation] = max(orders.get(operation, 0), order)
    return {
        "date": datetime.date.today().isoformat(), "device": device, "operations": dict(sorted(orders.items())),
        "failed": failed,
    }  # fmt: skip


if __name__ == "__main__":
    which, path = sys.argv[1:]
    on_device.start(real=which == "gpu")
    title = "a strict imitation of CuPy 14.2"
    if which == "gpu":
        import cupy

        title = f"{cupy.cuda.runtime.getDeviceProperties(0)['name'].decode()}, CuPy {cupy.__version__}"
    Path(path).write_text(json.dumps(compare(title), indent=0) + "\n")
