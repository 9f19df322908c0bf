"""Records PyTorch's answers to the grid of calls (`grid.py`) in grid.npz.

    python -m tests.oracle.make_grid

Made with PyTorch 2.13.0 on a CPU.
"""

import json
import warnings
from pathlib import Path

import numpy as np

from tests.oracle.grid import REFUSALS, calls_of, described, outcome
from tests.oracle.grid_cases import NAMES, SHEETS

FILE = Path(__file__).parent / "grid.npz"


def answer(library, call):
    try:
        return described(*outcome(library, call))
    except REFUSALS:
        return "refused", []


def record():
    """The descriptions of all answers, as JSON, and the values that belong to them, in a row for each function."""
    import torch

    told, values = {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in NAMES:
            answers = [answer(torch, call) for call in calls_of(name, SHEETS)]
            told[name] = [each for each, _ in answers]
            values[name] = np.array([value for _, several in answers for value in several])
    return {"told": np.array(json.dumps(told)), **values}


if __name__ == "__main__":
    np.savez_compressed(FILE, **record())
