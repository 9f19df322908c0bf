"""Folders as Hugging Face's transformers writes and reads them: configuration, weights, settings, tokenizer.

Nothing in a folder is run: weights are safetensors, everything else is JSON.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lm.generation.settings import GenerationConfig
from minigrad import get_default_device, io
from minigrad.nn.utils import skip_init

from .configs import read_config, write_config
from .families import FAMILIES, family_of
from .json_files import read_json, write_json
from .tokenizers import read_tokenizer, write_tokenizer
from .weights import SHARD_BYTES, fresh_values, from_files, read_weights, to_files, write_weights

CONFIG, GENERATION = "config.json", "generation_config.json"


class Pretrained(NamedTuple):
    """What a folder holds: the model, its tokenizer if there is one that is known here, and how it generates."""

    model: Any
    tokenizer: Any
    generation: GenerationConfig


def load_pretrained(
    folder: str | os.PathLike[str], architecture: str | None = None, dtype: Any = None, device: Any = None
) -> Pretrained:
    """Load a model, its tokenizer and its generation settings from a folder in Hugging Face's format.

    Args:
        folder: with config.json and model.safetensors (or several and their index).
        architecture: a class of the family, such as "BertForTokenClassification", to be made from the weights of
            another: the trunk is loaded, a head that the file lacks starts fresh. None: the one the file is of.
        dtype: of the weights; None: as they are in the file, bfloat16 as float32.
        device: where they are; None: the default device.

    Returns the model, in evaluation mode; the tokenizer, None where there is no file of one; and the settings.

    Raises:
        ValueError: an unknown family or architecture, an option that is not supported (named), a pickle; tensors
            that are missing, left over or of another shape, all listed; damaged files.
        OSError: the folder or a file that it needs cannot be read.
    """
    folder = Path(folder)
    document = read_json(folder / CONFIG)
    model_type, named, config = read_config(document, str(folder / CONFIG))
    family = FAMILIES[model_type]
    wanted = architecture or named
    if wanted not in family.architectures:
        raise ValueError(f"architecture {wanted!r} is none of {model_type}: {', '.join(family.architectures)}")
    model = skip_init(family.architectures[wanted], config)
    arrays, fresh = from_files(model, family, read_weights(folder), wanted != named, str(folder))
    values = {name: np.ascontiguousarray(array) for name, array in arrays.items()} | fresh_values(model, fresh)
    model.load_state_dict(values, assign=True)
    model.to(dtype=dtype, device=get_default_device() if device is None else device)
    return Pretrained(model.eval(), read_tokenizer(folder), _generation(folder, document))


def save_pretrained(
    model: Any,
    tokenizer: Any,
    folder: str | os.PathLike[str],
    generation: GenerationConfig | None = None,
    max_shard_bytes: int = SHARD_BYTES,
) -> None:
    """Write a model, and its tokenizer if it is not None, for `load_pretrained` and for transformers to read.

    `generation` are the settings and special tokens to go with it. The folder is made if it is not there; weights are
    written before config.json, so that a folder with one is whole. A GPT-2 without biases gets zeros for them. Raises
    TypeError for a model of no known family, OSError where it cannot be written.
    """
    model_type, architecture, family = family_of(model)
    arrays = to_files(model, family)
    dtypes = {array.dtype.name for array in arrays.values()}
    if len(dtypes) > 1:
        raise ValueError(f"save_pretrained: the weights are of several dtypes, {', '.join(sorted(dtypes))}; use .to()")
    folder = Path(folder)
    io.make_directory(folder)
    settings = generation or GenerationConfig()
    document = write_config(model_type, architecture, model.config, dtypes.pop())
    document = {**settings.token_ids(), **document}
    write_weights(folder, arrays, max_shard_bytes)
    if tokenizer is not None:
        write_tokenizer(tokenizer, folder, family.special_tokens, settings, getattr(model, "context_length", None))
    write_json(folder / GENERATION, settings.to_json())
    write_json(folder / CONFIG, document)


def _generation(folder: Path, document: dict[str, Any]) -> GenerationConfig:
    """The settings in generation_config.json; special tokens that it does not name are those of config.json."""
    path = folder / GENERATION
    settings = read_json(path) if path.exists() else {}
    return GenerationConfig.from_json({**document, **settings}, str(path))


__all__ = ["Pretrained", "load_pretrained", "save_pretrained"]
