"""GPT-2's names in files and in config.json. Its matrices are Hugging Face's Conv1D, which lie transposed."""

from __future__ import annotations

from lm import models

from ..family import Document, Family, T, rows

TRUNK = rows(
    ("wte", "wte"),
    ("wpe", "wpe"),
    ("h.*.ln_1", "h.*.ln_1"),
    ("h.*.attn.c_attn", "h.*.attn.c_attn", T),
    ("h.*.attn.c_proj", "h.*.attn.c_proj", T),
    ("h.*.ln_2", "h.*.ln_2"),
    ("h.*.mlp.c_fc", "h.*.mlp.c_fc", T),
    ("h.*.mlp.c_proj", "h.*.mlp.c_proj", T),
    ("ln_f", "ln_f"),
)


def _read(document: Document, problems: list[str]) -> Document:
    # A word of our own: GPT-2 has biases, and a file that says nothing of them too.
    return {**document, "bias": True}


def _write(fields: Document) -> Document:
    del fields["bias"]
    return fields


FAMILY = Family(
    config=models.GPT2Config,
    architectures={"GPT2LMHeadModel": models.GPT2},
    trunk=TRUNK,
    prefix="transformer.",
    ignored=("h.*.attn.bias", "h.*.attn.masked_bias"),  # causal masks, which are no weights
    biased=tuple(row.theirs for row in TRUNK if row.ours not in ("wte", "wpe")),
    copies={"lm_head.weight": "transformer.wte.weight"},
    options={
        "scale_attn_weights": (True,),
        "scale_attn_by_inverse_layer_idx": (False,),
        "add_cross_attention": (False,),
        "tie_word_embeddings": (True,),
    },
    read=_read,
    write=_write,
)

__all__ = ["FAMILY"]
