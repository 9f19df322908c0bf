"""The model families that are exchanged with Hugging Face. Each is a file, with its table of names, and a line here."""

from __future__ import annotations

from collections.abc import Mapping

from minigrad import nn

from ..family import Family
from . import bert, gpt2, llama, qwen2, roberta, t5

FAMILIES: Mapping[str, Family] = {
    "gpt2": gpt2.FAMILY,
    "llama": llama.FAMILY,
    "qwen2": qwen2.FAMILY,
    "bert": bert.FAMILY,
    "roberta": roberta.FAMILY,
    "t5": t5.FAMILY,
}


def family_of(model: nn.Module) -> tuple[str, str, Family]:
    """(model_type, architecture, family) of one of our models. Raises TypeError for another module."""
    for model_type, family in FAMILIES.items():
        for architecture, ours in family.architectures.items():
            if type(model) is ours:
                return model_type, architecture, family
    known = ", ".join(ours.__name__ for family in FAMILIES.values() for ours in family.architectures.values())
    raise TypeError(f"a {type(model).__name__} is no model that Hugging Face has a place for; these are: {known}")


__all__ = ["FAMILIES", "family_of"]
