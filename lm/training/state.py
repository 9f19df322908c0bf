"""What a checkpoint of a run holds: weights, the optimizer's state, where the run is, and which run it is of.

How checkpoints are kept safe is in `checkpoint.py`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lm.config import Config
from lm.training.checkpoint import (
    Checkpoint,
    check_same_run,
    latest_checkpoint,
    save_checkpoint,
    warn_of_other_environment,
)
from lm.training.finite import check_arrays
from lm.training.run import Run
from minigrad import nn, optim
from minigrad.backends import Array

# Settings that came after the first checkpoints, and what held before.
LATER = {"config": {"optimizer": {"kind": "adamw"}, "training": {"processes": 1}}}


@dataclass
class Position:
    """Where a run is: with the weights and the optimizer's state, all that a checkpoint has to hold."""

    step: int = 0  # optimizer steps done
    best_step: int | None = None
    best_loss: float = math.inf
    seconds: float = 0.0


def save(run: Run, model: nn.Module, optimizer: optim.Optimizer, at: Position) -> None:
    """Save a checkpoint of everything. Raises FloatingPointError rather than save what no run can go on from."""
    weights, moments = model_arrays(model), optimizer_arrays(model, optimizer)
    check_arrays(at.step, {**weights, **moments})
    save_checkpoint(
        run.folder,
        at.step,
        weights,
        moments,
        {**run_identity(run), "best_loss": _or_none(at.best_loss), "seconds": at.seconds},
        best_step=at.best_step,
        keep=run.config.training.keep,
    )


def restore(run: Run, model: nn.Module, optimizer: optim.Optimizer) -> Position | None:
    """Bring everything to the newest checkpoint that is of this run; returns where that is, None if nothing was saved.

    Raises:
        CorruptFileError, ForeignCheckpointError: nothing but damaged checkpoints, or ones of another run.
    """
    checkpoint = latest_checkpoint(run.folder, check_of(run, model))
    if checkpoint is None:
        return None
    warn_of_other_environment(checkpoint)
    model.load_state_dict(checkpoint.model)
    load_optimizer_arrays(model, optimizer, checkpoint.optimizer)
    best_loss, seconds = checkpoint.state["best_loss"], checkpoint.state["seconds"]
    return Position(checkpoint.step, checkpoint.best_step, math.inf if best_loss is None else best_loss, seconds)


def check_of(run: Run, model: nn.Module) -> Callable[[Checkpoint], None]:
    """A check that a checkpoint is one of the run's, with such a model."""
    identity, arrays = run_identity(run), model_arrays(model)
    return lambda found: check_same_run(found, identity, arrays, LATER)


def run_identity(run: Run) -> dict[str, Any]:
    """What all checkpoints of a run have in common, and those of no other run: settings, text, tokenizer."""
    return {"config": run_settings(run.config), "corpus": run.corpus.sha256, "tokenizer": run.tokenizer_sha256}


def run_settings(config: Config) -> dict[str, Any]:
    """The settings a checkpoint depends on: not where it lies, where the text came from, how long it goes on, or what
    is kept in memory meanwhile."""
    settings = dataclasses.asdict(config)
    del settings["training"]["gradient_checkpointing"]
    for name in ("data", "out", "max_steps"):
        del settings[name]
    settings["optimizer"]["max_norm"] = _or_none(config.optimizer.max_norm)
    return settings


def model_arrays(model: nn.Module) -> dict[str, Array]:
    """The model's weights by name."""
    return {name: tensor.data for name, tensor in model.state_dict().items()}


def optimizer_arrays(model: nn.Module, optimizer: optim.Optimizer) -> dict[str, Array]:
    """The optimizer's state by the name of the parameter and of what it is, such as "wte.weight.exp_avg"."""
    names = _names_by_number(model, optimizer)
    state = optimizer.state_dict()["state"]
    return {f"{names[number]}.{kind}": tensor.data for number in state for kind, tensor in state[number].items()}


def load_optimizer_arrays(model: nn.Module, optimizer: optim.Optimizer, arrays: Mapping[str, Array]) -> None:
    """Bring the optimizer to what `optimizer_arrays` returned; its settings stay those of the configuration."""
    numbers = {name: number for number, name in enumerate(_names_by_number(model, optimizer))}
    state: dict[int | str, dict[str, Array]] = {}
    for key, array in arrays.items():
        name, _, kind = key.rpartition(".")
        state.setdefault(numbers.get(name, name), {})[kind] = array
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _or_none(number: float) -> float | None:
    """None for infinity, which JSON does not have."""
    return None if number == math.inf else number


def _names_by_number(model: nn.Module, optimizer: optim.Optimizer) -> list[str]:
    """The parameters' names in the order in which the optimizer numbers them."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    return [names[parameter] for group in optimizer.param_groups for parameter in group["params"]]
