"""config.json: read into a family's own configuration, and written from it.

Read in the spelling of transformers 4 and of 5 (`rope_scaling` or `rope_parameters`, `torch_dtype` or `dtype`), and
written in both. A setting that the models here do not have is an error that names it, never ignored.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from lm.models import Rope

from .families import FAMILIES, Family

Document = dict[str, Any]


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
    if architecture not in family.architectures:
        known = ", ".join(family.architectures)
        raise ValueError(f"{where}: architecture {architecture!r} is none that is known of {model_type}: {known}")
    problems = [
        f"{name} = {document[name]!r} is not supported, only {' or '.join(map(repr, accepted))}"
        for name, accepted in family.options.items()
        if name in document and not any(document[name] == value for value in accepted)
    ]
    settings = READERS.get(model_type, _read_as_it_is)({**document, **_labels(document)}, problems)
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
    document |= WRITERS.get(model_type, _write_as_it_is)(fields)
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


# ---------------------------------------------------------------------------- what a family spells in its own way


def _read_as_it_is(document: Document, problems: list[str]) -> Document:
    return document


def _write_as_it_is(fields: Document) -> Document:
    return fields


def _read_llama(document: Document, problems: list[str]) -> Document:
    new, old = document.get("rope_parameters"), document.get("rope_scaling")
    given = {"rope_theta": document.get("rope_theta", Rope.rope_theta), **(old or {}), **(new or {})}
    given["rope_type"] = given.pop("type", None) if given.get("rope_type") is None else given["rope_type"]
    given.pop("type", None)
    known = {field.name for field in dataclasses.fields(Rope)}
    if given["rope_type"] is None:
        given["rope_type"] = "default"
    settings = {name: value for name, value in given.items() if name in known}
    if settings["rope_type"] == "llama3" and "original_max_position_embeddings" not in settings:
        settings["original_max_position_embeddings"] = document.get("max_position_embeddings")
    if given.get("partial_rotary_factor", 1.0) != 1.0:
        problems.append(f"partial_rotary_factor = {given['partial_rotary_factor']!r} is not supported, only 1.0")
    try:
        return {**document, "rope": Rope(**settings)}
    except ValueError as error:
        problems.append(str(error))
        return document


def _write_llama(fields: Document) -> Document:
    rope = fields.pop("rope")
    parameters = {name: value for name, value in dataclasses.asdict(rope).items() if value is not None}
    scaling = {name: value for name, value in parameters.items() if name != "rope_theta"}
    fields["rope_parameters"] = parameters
    fields["rope_theta"] = rope.rope_theta
    fields["rope_scaling"] = None if rope.rope_type == "default" else scaling
    return fields


def _read_gpt2(document: Document, problems: list[str]) -> Document:
    # A word of our own: GPT-2 has biases, and a file that says nothing of them too.
    return {**document, "bias": True}


def _write_gpt2(fields: Document) -> Document:
    del fields["bias"]
    return fields


def _read_roberta(document: Document, problems: list[str]) -> Document:
    # What a file leaves out is the default of transformers' class, which is not what the published models have.
    return {"max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12, **document}


def _read_t5(document: Document, problems: list[str]) -> Document:
    # transformers 5 says of every T5 that it is tied, and of v1.1 that the decoder's output is not scaled.
    tied = document.get("scale_decoder_outputs", document.get("tie_word_embeddings", True))
    return {**document, "tie_word_embeddings": tied}


def _write_t5(fields: Document) -> Document:
    gated, activation = fields["feed_forward_proj"].startswith("gated-"), fields["feed_forward_proj"].split("-")[-1]
    fields["scale_decoder_outputs"] = fields["tie_word_embeddings"]
    fields["is_gated_act"] = gated
    fields["dense_act_fn"] = "gelu_new" if gated and activation == "gelu" else activation
    fields["num_decoder_layers"] = fields["num_decoder_layers"] or fields["num_layers"]
    return fields


READERS: Mapping[str, Callable[[Document, list[str]], Document]] = {
    "gpt2": _read_gpt2,
    "llama": _read_llama,
    "roberta": _read_roberta,
    "t5": _read_t5,
}
WRITERS: Mapping[str, Callable[[Document], Document]] = {
    "gpt2": _write_gpt2,
    "llama": _write_llama,
    "t5": _write_t5,
}

__all__ = ["Document", "Family", "read_config", "write_config"]
