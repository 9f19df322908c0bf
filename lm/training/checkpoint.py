"""Checkpoints: what a run folder keeps so that training goes on exactly where it stopped.

    run/checkpoints/step-00000250/  model.safetensors  optimizer.safetensors  state.json  manifest.json

A checkpoint appears whole or not at all (`minigrad.io`), older ones go only after a newer one is safe, and one that
does not verify is never loaded. What the arrays and the state mean is decided by the training loop.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad import io

Array = npt.NDArray[Any]

_NAME = re.compile(r"step-(\d{8,})(?:-(\d+))?")  # the second number counts saves of the same step


class CheckpointWarning(UserWarning):
    """A checkpoint was passed over, could not be removed, or comes from an environment with other arithmetic."""


class ForeignCheckpointError(ValueError):
    """A checkpoint belongs to another model or another configuration."""


@dataclass(frozen=True)
class Checkpoint:
    """One saved moment of a run, verified.

    `step` counts optimizer steps; `best_step` is the step with the lowest validation loss so far, if known;
    `environment` is what `environment()` gave when it was saved.
    """

    path: Path
    step: int
    best_step: int | None
    model: dict[str, Array]
    optimizer: dict[str, Array]
    state: dict[str, Any]
    environment: dict[str, Any]


def save_checkpoint(
    run_dir: str | os.PathLike[str],
    step: int,
    model: Mapping[str, Array],
    optimizer: Mapping[str, Array],
    state: Mapping[str, Any],
    *,
    best_step: int | None = None,
    keep: int = 2,
) -> Path:
    """Save a checkpoint below `run_dir`, then remove all but the newest `keep` and the best that each of these names.

    Which checkpoint is best is part of every checkpoint, so it can never disagree with the state. Checkpoints of later
    steps, which remain when training went back, are removed too: they are of a future that will not happen.

    Raises:
        TypeError: something in `state` that JSON cannot hold, or an array that safetensors cannot.
        ValueError: a number in `state` that is not finite, which JSON does not have.
        OSError: naming the path and the bytes needed; everything saved before is untouched.
    """
    if step < 0 or keep < 1:
        raise ValueError(f"save_checkpoint: step must be >= 0 and keep >= 1, got step {step} and keep {keep}")
    record = {"step": step, "best_step": best_step, "environment": environment(), "state": _as_json(state, "state")}
    contents = {
        "model.safetensors": io.save(model),
        "optimizer.safetensors": io.save(optimizer),
        "state.json": (json.dumps(record, indent=1) + "\n").encode(),
    }
    folder = Path(run_dir) / "checkpoints"
    io.make_directory(folder)
    attempts = [attempt for saved, attempt, _ in _saved(folder) if saved == step]
    path = folder / (f"step-{step:08d}" + (f"-{max(attempts) + 1}" if attempts else ""))
    io.save_directory(path, contents)
    _rotate(folder, path, step, keep)
    return path


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """The checkpoint in the directory `path`.

    Raises:
        CorruptFileError: (a ValueError) naming the file that is missing, cut short or altered.
        OSError: `path` does not exist or cannot be read.
    """
    contents = io.load_directory(path)
    try:
        record = json.loads(contents["state.json"])
        model, optimizer = io.load(contents["model.safetensors"]), io.load(contents["optimizer.safetensors"])
        step, best_step = int(record["step"]), None if record["best_step"] is None else int(record["best_step"])
        return Checkpoint(
            Path(path), step, best_step, model, optimizer, dict(record["state"]), dict(record["environment"])
        )
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise io.CorruptFileError(f"{path}: intact, but not a checkpoint that this version reads: {error!r}") from error


def latest_checkpoint(
    run_dir: str | os.PathLike[str], check: Callable[[Checkpoint], None] | None = None
) -> Checkpoint | None:
    """The newest checkpoint that verifies and that `check` raises nothing for, or None where nothing was ever saved.

    Falls back to an older one with a CheckpointWarning that says what is wrong with the newer.

    Raises:
        CorruptFileError: there are checkpoints and none verifies. Starting again could overwrite what may be rescued.
        ForeignCheckpointError: there is none to fall back to, and `check` refused the newest.
    """
    refused: list[OSError | ValueError] = []
    for _, _, path in sorted(_saved(Path(run_dir) / "checkpoints"), reverse=True):
        try:
            checkpoint = load_checkpoint(path)
            if check is not None:
                check(checkpoint)
        except (io.CorruptFileError, ForeignCheckpointError, OSError) as error:
            refused.append(error)
            continue
        for problem in refused:
            warnings.warn(f"going back to {path}, for {problem}", CheckpointWarning, stacklevel=2)
        return checkpoint
    if refused:
        kind = ForeignCheckpointError if isinstance(refused[0], ForeignCheckpointError) else io.CorruptFileError
        raise kind(f"no checkpoint of {run_dir} can be used; the newest: {refused[0]}")
    return None


def best_checkpoint(
    run_dir: str | os.PathLike[str], check: Callable[[Checkpoint], None] | None = None
) -> Checkpoint | None:
    """The checkpoint that the newest one names as the best; the newest itself if it names none, or one that is lost.

    `check` and what is raised are those of `latest_checkpoint`.
    """
    latest = latest_checkpoint(run_dir, check)
    if latest is None or latest.best_step in (None, latest.step):
        return latest
    for step, _, path in sorted(_saved(Path(run_dir) / "checkpoints"), reverse=True):
        if step == latest.best_step:
            try:
                best = load_checkpoint(path)
                if check is not None:
                    check(best)
                return best
            except (io.CorruptFileError, ForeignCheckpointError, OSError) as error:
                warnings.warn(f"the best checkpoint is lost: {error}", CheckpointWarning, stacklevel=2)
    return latest


def check_same_run(
    checkpoint: Checkpoint, identity: Mapping[str, Any], model: Mapping[str, Array],
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> None:  # fmt: skip
    """Refuse a checkpoint of another run.

    Arguments: `identity` is compared with the same keys of `checkpoint.state`, `model` by names, shapes and dtypes.
    `defaults` stand for settings that a checkpoint does not have, being older than they.

    Raises:
        ForeignCheckpointError: (a ValueError) naming the settings or tensors that differ.
    """
    saved = {key: checkpoint.state.get(key, "nothing") for key in identity}
    saved = _filled(saved, _as_json(dict(defaults), "defaults"))
    if different := _differences(saved, _as_json(identity, "identity")):
        raise ForeignCheckpointError(
            f"{checkpoint.path} was saved by another run: {_listed(different)}; go on with the same, or in another "
            f"run folder"
        )
    before, now = ({name: f"{a.dtype}{list(a.shape)}" for name, a in m.items()} for m in (checkpoint.model, model))
    if different := _differences(before, now):
        raise ForeignCheckpointError(f"{checkpoint.path} holds another model: {_listed(different)}")


def warn_of_other_environment(checkpoint: Checkpoint) -> None:
    """Warn where resuming may not give the same bits as not having stopped."""
    changed = _differences(checkpoint.environment, environment())
    if changed:
        warnings.warn(
            f"resuming {checkpoint.path} elsewhere, so results may differ in the last bits: {_listed(changed)}",
            CheckpointWarning,
            stacklevel=2,
        )


def environment() -> dict[str, Any]:
    """What the last bits of a result depend on: versions, BLAS and its threads, CPU features. No names, no paths."""
    numpy_config: Any = np.show_config(mode="dicts")
    blas = numpy_config["Build Dependencies"]["blas"]
    try:
        version = importlib.metadata.version("minigrad")
    except importlib.metadata.PackageNotFoundError:
        version = "not installed"
    return {
        "minigrad": version,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas['name']} {blas['version']}",
        "threads": _blas_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu_features": " ".join(numpy_config["SIMD Extensions"]["found"]),
    }


def _blas_threads() -> int:
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        if (value := os.environ.get(variable, "")).isdecimal():
            return int(value)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _saved(folder: Path) -> Iterator[tuple[int, int, Path]]:
    """(step, attempt, path) of everything that bears the name of a checkpoint."""
    if folder.is_dir():
        for path in folder.iterdir():
            if match := _NAME.fullmatch(path.name):
                yield int(match[1]), int(match[2] or 0), path


def _rotate(folder: Path, written: Path, step: int, keep: int) -> None:
    """Remove what is no longer needed. The save has succeeded, so nothing that fails here may stop the run."""
    kept, intact = [written], 1
    for saved, _, path in sorted(_saved(folder), reverse=True):
        if saved < step and intact < keep:
            try:
                io.verify_directory(path)
                intact += 1
            except io.CorruptFileError as error:  # must not take the place of one to fall back on
                warnings.warn(f"removing a damaged checkpoint: {error}", CheckpointWarning, stacklevel=3)
                continue
            except OSError as error:  # it may be readable again tomorrow
                warnings.warn(f"a checkpoint cannot be read: {error}", CheckpointWarning, stacklevel=3)
            kept.append(path)
    best = {_best_step(path) for path in kept}
    for saved, _, path in list(_saved(folder)):
        if path not in kept and (saved not in best or saved >= step):
            try:
                io.remove_directory(path)
            except OSError as error:
                warnings.warn(f"an old checkpoint could not be removed: {error}", CheckpointWarning, stacklevel=3)


def _best_step(path: Path) -> int:
    try:
        best = json.loads((path / "state.json").read_bytes())["best_step"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return -1
    return best if type(best) is int else -1


def _as_json(value: Any, where: str) -> Any:
    """`value` with its tuples as lists; TypeError, or ValueError for a number, for what JSON would drop or change."""
    if type(value) is float and not math.isfinite(value):
        raise ValueError(f"{where} is {value}; JSON has no number that is not finite, save None in its place")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (list, tuple)):
        return [_as_json(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Mapping) and all(type(key) is str for key in value):
        return {key: _as_json(item, f"{where}[{key!r}]") for key, item in value.items()}
    raise TypeError(f"{where} is a {type(value).__name__}; JSON holds None, bool, int, float, str, lists, dicts by str")


def _filled(saved: Any, defaults: Any) -> Any:
    """`saved`, with the defaults that it lacks."""
    if not (isinstance(saved, Mapping) and isinstance(defaults, Mapping)):
        return saved
    return {**defaults, **{key: _filled(value, defaults.get(key)) for key, value in saved.items()}}


def _differences(saved: Any, wanted: Any, where: str = "") -> list[str]:
    """One line for each leaf that differs, such as "model.depth: 4 -> 6"."""
    if isinstance(saved, Mapping) and isinstance(wanted, Mapping):
        keys = [*saved, *(key for key in wanted if key not in saved)]
        pairs = [(f"{where}.{key}".lstrip("."), saved.get(key, "nothing"), wanted.get(key, "nothing")) for key in keys]
        return [line for name, before, now in pairs for line in _differences(before, now, name)]
    return [] if saved == wanted else [f"{where}: {saved} -> {wanted}"]


def _listed(differences: list[str]) -> str:
    more = f", and {len(differences) - 8} more" if len(differences) > 8 else ""
    return ", ".join(differences[:8]) + more
