"""Llama's names in files, and its rotary positions in config.json: `rope_scaling` and `rope_theta` in transformers 4,
`rope_parameters` in 5.
"""

from __future__ import annotations

import dataclasses

from lm import models

from ..family import Document, Family, rows

TRUNK = rows(
    ("embed_tokens", "embed_tokens"),
    ("layers.*.input_layernorm", "layers.*.input_layernorm"),
    ("layers.*.self_attn.q_proj", "layers.*.self_attn.q_proj"),
    ("layers.*.self_attn.k_proj", "layers.*.self_attn.k_proj"),
    ("layers.*.self_attn.v_proj", "layers.*.self_attn.v_proj"),
    ("layers.*.self_attn.o_proj", "layers.*.self_attn.o_proj"),
    ("layers.*.post_attention_layernorm", "layers.*.post_attention_layernorm"),
    ("layers.*.mlp.gate_proj", "layers.*.mlp.gate_proj"),
    ("layers.*.mlp.up_proj", "layers.*.mlp.up_proj"),
    ("layers.*.mlp.down_proj", "layers.*.mlp.down_proj"),
    ("norm", "norm"),
)


def _read(document: Document, problems: list[str]) -> Document:
    new, old = document.get("rope_parameters"), document.get("rope_scaling")
    for name, value in {"rope_parameters": new, "rope_scaling": old}.items():
        if value is not None and not isinstance(value, dict):
            problems.append(f"{name} = {value!r} is no table of settings")
            return document
    given = {"rope_theta": document.get("rope_theta", models.Rope.rope_theta), **(old or {}), **(new or {})}
    given["rope_type"] = given.get("rope_type") or given.get("type") or "default"  # "type" is older
    known = {field.name for field in dataclasses.fields(models.Rope)}
    settings = {name: value for name, value in given.items() if name in known}
    if settings["rope_type"] == "llama3" and "original_max_position_embeddings" not in settings:
        settings["original_max_position_embeddings"] = document.get("max_position_embeddings")
    if given.get("partial_rotary_factor", 1.0) != 1.0:
        problems.append(f"partial_rotary_factor = {given['partial_rotary_factor']!r} is not supported, only 1.0")
    try:
        return {**document, "rope": models.Rope(**settings)}
    except ValueError as error:
        problems.append(str(error))
        return document


def _write(fields: Document) -> Document:
    rope = fields.pop("rope")
    if fields["head_dim"] is None:
        del fields["head_dim"]  # some of transformers' classes take null for a number
    parameters = {name: value for name, value in dataclasses.asdict(rope).items() if value is not None}
    scaling = {name: value for name, value in parameters.items() if name != "rope_theta"}
    fields["rope_parameters"] = parameters
    fields["rope_theta"] = rope.rope_theta
    fields["rope_scaling"] = None if rope.rope_type == "default" else scaling
    return fields


FAMILY = Family(
    config=models.LlamaConfig,
    architectures={"LlamaForCausalLM": models.Llama},
    trunk=TRUNK,
    heads=rows(("lm_head", "lm_head")),
    prefix="model.",
    ignored=("layers.*.self_attn.rotary_emb.inv_freq",),  # a function of the configuration
    options={"pretraining_tp": (1,)},
    read=_read,
    write=_write,
    special_tokens={"unk_token": "<unk>"},
)

__all__ = ["FAMILY"]
