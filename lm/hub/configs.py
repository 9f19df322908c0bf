"""config.json: read into a family's own configuration, and written from it.

Read in the spelling of transformers 4 and of 5 (`rope_scaling` or `rope_parameters`, `torch_dtype` or `dtype`), and
written in both. A setting that the models here do not have is an error that names it, never ignored.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from .families import FAMILIES
from .family import Document


def read_config(document: Mapping[str, Any], where: str = "config.json") -> tuple[str, str, Any]:
    """(model_type, architecture, our configuration).

    Raises ValueError for an unknown family or architecture, an option that is not supported, and values of the wrong
    type or out of range: all that is wrong with options and types at once.
    """
    model_type = document.get("model_type")
    if not isinstance(model_type, str) or model_type not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise ValueError(f"{where}: model_type {model_type!r} is no family that is known here; these are: {known}")
    family = FAMILIES[model_type]
    named = document.get("architectures") or [next(iter(family.architectures))]
    architecture = named[0] if isinstance(named, list) and named else named
    if not isinstance(architecture, str) or architecture not in family.architectures:
        known = ", ".join(family.architectures)
        raise ValueError(f"{where}: architecture {architecture!r} is none that is known of {model_type}: {known}")
    problems = [
        f"{name} = {document[name]!r} is not supported, only {' or '.join(map(repr, accepted))}"
        for name, accepted in family.options.items()
        if name in document and not any(document[name] == value for value in accepted)
    ]
    settings = family.read({**document, **_labels(document)}, problems)
    values: Document = {}
    for name, kind in typing.get_type_hints(family.config).items():
        if name in settings:
            value = settings[name]
            if not _fits(value, kind):
                problems.append(f"{name} = {value!r} is no {getattr(kind, '__name__', kind)}")
            values[name] = value
    if problems:
        raise ValueError(f"{where}: " + "; ".join(problems))
    try:
        return model_type, architecture, family.config(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def write_config(model_type: str, architecture: str, config: Any, dtype: str) -> Document:
    """What config.json says of a model whose weights are `dtype`."""
    fields = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    family = FAMILIES[model_type]
    document: Document = {"model_type": model_type, "architectures": [architecture]}
    document |= {name: accepted[0] for name, accepted in family.options.items()}
    document |= family.write(fields)
    document |= {"dtype": dtype, "torch_dtype": dtype}
    labels = document.pop("num_labels", None)
    if labels is not None:
        document["id2label"] = {str(i): f"LABEL_{i}" for i in range(labels)}
        document["label2id"] = {f"LABEL_{i}": i for i in range(labels)}
    return document


def _labels(document: Mapping[str, Any]) -> Document:
    """`num_labels` is nowhere in a file: it is how many names of labels there are."""
    names = document.get("id2label")
    return {"num_labels": len(names)} if isinstance(names, dict) and names else {}


def _fits(value: Any, kind: Any) -> bool:
    options = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    for option in options:
        if typing.get_origin(option) is typing.Literal:
            if value in typing.get_args(option):
                return True
        elif option is float:
            if type(value) in (int, float):
                return True
        elif type(value) is option:
            return True
    return False


__all__ = ["read_config", "write_config"]
