"""Qwen2's names in files, which are Llama's, and what its config.json does not say: where it has biases."""

from __future__ import annotations

from lm import models

from ..family import Document, Family
from . import llama


def _read(document: Document, problems: list[str]) -> Document:
    return {**llama.FAMILY.read(document, problems), "attention_bias": True, "mlp_bias": False}


def _write(fields: Document) -> Document:
    del fields["attention_bias"], fields["mlp_bias"]
    return llama.FAMILY.write(fields)


FAMILY = Family(
    config=models.Qwen2Config,
    architectures={"Qwen2ForCausalLM": models.Qwen2},
    trunk=llama.FAMILY.trunk,
    heads=llama.FAMILY.heads,
    prefix="model.",
    ignored=llama.FAMILY.ignored,
    options={"use_sliding_window": (False,)},
    read=_read,
    write=_write,
)

__all__ = ["FAMILY"]
