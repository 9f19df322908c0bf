"""T5's names in files, of v1.0 and v1.1, and which of the two a config.json is of."""

from __future__ import annotations

from lm import models

from ..family import Document, Family, rows

TRUNK = rows(
    ("shared", "shared"),
    ("encoder.distances", "encoder.block.0.layer.0.SelfAttention.relative_attention_bias"),
    ("encoder.blocks.*.attention_norm", "encoder.block.*.layer.0.layer_norm"),
    ("encoder.blocks.*.attention.q", "encoder.block.*.layer.0.SelfAttention.q"),
    ("encoder.blocks.*.attention.k", "encoder.block.*.layer.0.SelfAttention.k"),
    ("encoder.blocks.*.attention.v", "encoder.block.*.layer.0.SelfAttention.v"),
    ("encoder.blocks.*.attention.o", "encoder.block.*.layer.0.SelfAttention.o"),
    ("encoder.blocks.*.feed_forward_norm", "encoder.block.*.layer.1.layer_norm"),
    ("encoder.blocks.*.feed_forward.wi", "encoder.block.*.layer.1.DenseReluDense.wi"),  # v1.0
    ("encoder.blocks.*.feed_forward.gate", "encoder.block.*.layer.1.DenseReluDense.wi_0"),  # v1.1
    ("encoder.blocks.*.feed_forward.up", "encoder.block.*.layer.1.DenseReluDense.wi_1"),
    ("encoder.blocks.*.feed_forward.wo", "encoder.block.*.layer.1.DenseReluDense.wo"),
    ("encoder.norm", "encoder.final_layer_norm"),
    ("decoder.distances", "decoder.block.0.layer.0.SelfAttention.relative_attention_bias"),
    ("decoder.blocks.*.attention_norm", "decoder.block.*.layer.0.layer_norm"),
    ("decoder.blocks.*.attention.q", "decoder.block.*.layer.0.SelfAttention.q"),
    ("decoder.blocks.*.attention.k", "decoder.block.*.layer.0.SelfAttention.k"),
    ("decoder.blocks.*.attention.v", "decoder.block.*.layer.0.SelfAttention.v"),
    ("decoder.blocks.*.attention.o", "decoder.block.*.layer.0.SelfAttention.o"),
    ("decoder.blocks.*.cross_norm", "decoder.block.*.layer.1.layer_norm"),
    ("decoder.blocks.*.cross_attention.q", "decoder.block.*.layer.1.EncDecAttention.q"),
    ("decoder.blocks.*.cross_attention.k", "decoder.block.*.layer.1.EncDecAttention.k"),
    ("decoder.blocks.*.cross_attention.v", "decoder.block.*.layer.1.EncDecAttention.v"),
    ("decoder.blocks.*.cross_attention.o", "decoder.block.*.layer.1.EncDecAttention.o"),
    ("decoder.blocks.*.feed_forward_norm", "decoder.block.*.layer.2.layer_norm"),
    ("decoder.blocks.*.feed_forward.wi", "decoder.block.*.layer.2.DenseReluDense.wi"),  # v1.0
    ("decoder.blocks.*.feed_forward.gate", "decoder.block.*.layer.2.DenseReluDense.wi_0"),  # v1.1
    ("decoder.blocks.*.feed_forward.up", "decoder.block.*.layer.2.DenseReluDense.wi_1"),
    ("decoder.blocks.*.feed_forward.wo", "decoder.block.*.layer.2.DenseReluDense.wo"),
    ("decoder.norm", "decoder.final_layer_norm"),
    ("lm_head", "lm_head"),
)


def _read(document: Document, problems: list[str]) -> Document:
    # transformers 5 says of every T5 that it is tied, and of v1.1 that the decoder's output is not scaled.
    tied = document.get("scale_decoder_outputs", document.get("tie_word_embeddings", True))
    return {**document, "tie_word_embeddings": tied}


def _write(fields: Document) -> Document:
    gated, activation = fields["feed_forward_proj"].startswith("gated-"), fields["feed_forward_proj"].split("-")[-1]
    fields["scale_decoder_outputs"] = fields["tie_word_embeddings"]
    fields["is_gated_act"] = gated
    fields["dense_act_fn"] = "gelu_new" if gated and activation == "gelu" else activation
    fields["num_decoder_layers"] = fields["num_decoder_layers"] or fields["num_layers"]
    return fields


FAMILY = Family(
    config=models.T5Config,
    architectures={"T5ForConditionalGeneration": models.T5},
    trunk=TRUNK,
    copies={
        "encoder.embed_tokens.weight": "shared.weight",
        "decoder.embed_tokens.weight": "shared.weight",
        "lm_head.weight": "shared.weight",  # of v1.0; v1.1 has a head of its own
    },
    options={"is_encoder_decoder": (True,)},
    read=_read,
    write=_write,
    special_tokens={"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"},
)

__all__ = ["FAMILY"]
