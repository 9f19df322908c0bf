"""Weights between our names and layout and Hugging Face's, by the tables; and the files they lie in.

One model.safetensors, or several named by a model.safetensors.index.json. bfloat16 is widened to float32, exactly.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import io, nn
from minigrad.backends import Array, cpu, moved

from .family import Family, Row
from .json_files import read_json, write_json

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
OLD_NAMES = {"gamma": "weight", "beta": "bias"}  # of norms, in files converted from TensorFlow
PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth", "model.ckpt")
SHARD_BYTES = 5 * 10**9


def their_name(ours: str, family: Family, bare: bool) -> Row | None:
    """The row, with numbers filled in, of one of our parameters; None if no table has it."""
    inner = ours.removeprefix(family.attribute) if not bare else ours
    if bare or ours.startswith(family.attribute):
        for row in family.trunk:
            if found := _match(row.ours, inner):
                return Row(ours, ("" if bare else family.prefix) + found(row.theirs), row.transposed)
    for row in family.heads:
        if found := _match(row.ours, ours):
            return Row(ours, found(row.theirs), row.transposed)
    return None


def to_files(model: nn.Module, family: Family) -> dict[str, Array]:
    """The parameters of `model` under Hugging Face's names and in its layout.

    Raises ValueError for one that no table has.
    """
    bare = type(model) is family.bare
    out: dict[str, Array] = {}
    for ours, parameter in model.named_parameters():
        row = their_name(ours, family, bare)
        if row is None:
            raise ValueError(f"save_pretrained: {ours} is in no table; is it an adapter? merge_lora first")
        array: Array = moved(parameter.data, cpu)
        out[row.theirs] = array.T if row.transposed and array.ndim == 2 else array
    for name in [name for name in out if name.endswith("weight")]:
        bias = name.removesuffix("weight") + "bias"
        if bias not in out and any(_match(row, name.removeprefix(family.prefix)) for row in family.biased):
            out[bias] = np.zeros(out[name].shape[-1], out[name].dtype)
    return out


def from_files(
    model: nn.Module, family: Family, given: Mapping[str, Array], fresh: bool, where: str
) -> tuple[dict[str, Array], list[str]]:
    """What to load into `model`: arrays by our names, and the names of parameters of heads that are to stay fresh.

    Raises ValueError that lists everything missing, left over and of another shape. `fresh` says that the file is of
    a model with another head: then a head that the file lacks stays fresh, and one that the model lacks is left out.
    """
    bare = type(model) is family.bare
    arrays = _trunk_names(_new_names(given), family, bare)
    complaints: list[str] = []
    out: dict[str, Array] = {}
    missing: list[str] = []
    expected: set[str] = set()
    for ours, parameter in model.named_parameters():
        row = their_name(ours, family, bare)
        assert row is not None, f"{ours} is in no table"
        expected.add(row.theirs)
        if row.theirs not in arrays:
            missing.append(ours)
            continue
        array = arrays[row.theirs]
        array = array.T if row.transposed and array.ndim == 2 else array
        if array.shape != parameter.shape:
            complaints.append(f"{row.theirs} has shape {arrays[row.theirs].shape}, {ours} is {parameter.shape}")
        out[ours] = array
    heads = [name for name in missing if fresh and _comes_and_goes(name, family)]
    for name in missing:
        row = their_name(name, family, bare)
        if name not in heads and row is not None:
            complaints.append(f"{row.theirs} is missing")
    unused: list[str] = []
    for name in arrays.keys() - expected:
        source = family.copies.get(name)
        if source is not None and source in arrays:
            if not np.array_equal(arrays[name], arrays[source]):
                complaints.append(f"{name} differs from {source}, and the model here has one weight for both")
        elif _is_head(name, family):
            unused.append(name)
        elif not _ignored(name, family):
            complaints.append(f"{name} {arrays[name].shape} is not part of a {type(model).__name__}")
    if complaints:
        raise ValueError(f"{where} does not fit {type(model).__name__}:\n  " + "\n  ".join(sorted(complaints)))
    if unused and not fresh:
        warnings.warn(f"{where}: a {type(model).__name__} has no {', '.join(sorted(unused))}: left out", stacklevel=3)
    return out, heads


def read_weights(folder: Path) -> dict[str, Array]:
    """All tensors in a folder, by the names they have there.

    Raises FileNotFoundError if there are none, ValueError for files of pickles alone, and CorruptFileError (a
    ValueError) for damaged files and for an index that does not agree with its files.
    """
    if (folder / SINGLE).exists():
        return io.load_file(folder / SINGLE)
    if (folder / INDEX).exists():
        return _read_shards(folder)
    pickles = [name for name in PICKLES if (folder / name).exists()]
    if pickles:
        raise ValueError(
            f"{folder / pickles[0]}: a pickle, which can run any code when it is read, so it never is. Convert it "
            f"where you trust it, with model.save_pretrained(folder) of transformers, which writes {SINGLE}"
        )
    raise FileNotFoundError(2, f"has neither {SINGLE} nor {INDEX}", str(folder))


def write_weights(folder: Path, arrays: Mapping[str, Array], max_shard_bytes: int = SHARD_BYTES) -> None:
    """Write them as one file, or, where they take more than `max_shard_bytes`, as several and an index."""
    shards = list(_shards(arrays, max_shard_bytes))
    if len(shards) == 1:
        io.save_file(shards[0], folder / SINGLE)
        return
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        io.save_file(shard, folder / name)
        weight_map |= dict.fromkeys(shard, name)
    total = sum(array.nbytes for array in arrays.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    write_json(folder / INDEX, index)


def _read_shards(folder: Path) -> dict[str, Array]:
    path = folder / INDEX
    weight_map = read_json(path).get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(name, str) for name in weight_map.values()):
        raise io.CorruptFileError(f"{path}: no weight_map from tensors to files")
    arrays: dict[str, Array] = {}
    for name in sorted(set(weight_map.values())):
        if Path(name).name != name:
            raise io.CorruptFileError(f"{path}: {name[:80]!r} is not a file of this folder")
        shard = io.load_file(folder / name)
        wanted = {tensor for tensor, file in weight_map.items() if file == name}
        if wanted != shard.keys():
            wrong = sorted(wanted ^ shard.keys())
            raise io.CorruptFileError(f"{path}: does not agree with {name} on {', '.join(wrong[:5])}")
        arrays |= shard
    return arrays


def _shards(arrays: Mapping[str, Array], most: int) -> Iterator[dict[str, Array]]:
    shard: dict[str, Array] = {}
    size = 0
    for name, array in arrays.items():
        if shard and size + array.nbytes > most:
            yield shard
            shard, size = {}, 0
        shard[name] = array
        size += array.nbytes
    yield shard


def _new_names(given: Mapping[str, Array]) -> dict[str, Array]:
    """gamma and beta as weight and bias."""
    out = {}
    for name, array in given.items():
        path, dot, last = name.rpartition(".")
        out[path + dot + OLD_NAMES.get(last, last)] = array
    return out


def _trunk_names(arrays: dict[str, Array], family: Family, bare: bool) -> dict[str, Array]:
    """With the family's prefix before the trunk's names, or without it, as the model's architecture has it."""
    has_prefix = any(name.startswith(family.prefix) for name in arrays)
    if bare:
        return {name.removeprefix(family.prefix): array for name, array in arrays.items()}
    if has_prefix or not family.prefix:
        return arrays
    heads = [row.theirs for row in family.heads] + list(family.copies)
    return {
        name if any(_match(head, name) for head in heads) else family.prefix + name: array
        for name, array in arrays.items()
    }


def _comes_and_goes(ours: str, family: Family) -> bool:
    """Whether one of our parameters belongs to a head, or to what the trunk has for some heads only."""
    inner = ours.removeprefix(family.attribute)
    return inner == ours or any(_match(name, inner) for name in family.optional)


def _is_head(theirs: str, family: Family) -> bool:
    """The same of a name in a file: a head that another model of the family has."""
    optional = [row.theirs for row in family.trunk if row.ours in family.optional]
    inner = theirs.removeprefix(family.prefix)
    return any(_match(row.theirs, theirs) for row in family.heads) or any(_match(name, inner) for name in optional)


def _ignored(name: str, family: Family) -> bool:
    return any(_match(pattern, name.removeprefix(family.prefix)) for pattern in family.ignored)


@functools.cache
def _pattern(row: str) -> re.Pattern[str]:
    return re.compile(re.escape(row).replace(r"\*", r"(\d+)") + r"(\.weight|\.bias|)")


def _match(row: str, name: str) -> Any:
    """If `name` is the parameter, or the weight or bias of the module, that `row` stands for: how to say it in the
    other column's words; else None."""
    found = _pattern(row).fullmatch(name)
    if found is None:
        return None
    *numbers, suffix = found.groups()

    def fill(other: str) -> str:
        pieces = other.split("*")
        return "".join(a + b for a, b in zip(pieces, [*numbers, ""])) + suffix

    return fill


def fresh_values(model: Any, names: Iterable[str]) -> dict[str, Array]:
    """Values for the parameters `names`, as a `model` of this class starts with them."""
    wanted = set(names)
    if not wanted:
        return {}
    made = type(model)(model.config)
    return {name: parameter.data for name, parameter in made.named_parameters() if name in wanted}


__all__ = ["fresh_values", "from_files", "read_weights", "to_files", "write_weights"]
