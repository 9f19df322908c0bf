"""What weights are called: in each family's table our name of a module or parameter, and Hugging Face's.

`*` stands for a layer's number. A row of a module covers its weight and its bias. T marks matrices that lie transposed
in the files: (in, out), where ours are (out, in). Rows of the TRUNK are what all models of a family share; in files
of models with a head they have the family's prefix, in files of the bare trunk they have none.
"""

from __future__ import annotations

from typing import Final, NamedTuple

T: Final = True


class Row(NamedTuple):
    """One line of a table."""

    ours: str
    theirs: str
    transposed: bool = False


def rows(*lines: tuple[str, str] | tuple[str, str, bool]) -> tuple[Row, ...]:
    """A table from its lines."""
    return tuple(Row(*line) for line in lines)


GPT2_TRUNK = rows(
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
GPT2_IGNORED = ("h.*.attn.bias", "h.*.attn.masked_bias")  # causal masks, which are no weights

LLAMA_TRUNK = rows(
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
LLAMA_HEADS = rows(("lm_head", "lm_head"))
LLAMA_IGNORED = ("layers.*.self_attn.rotary_emb.inv_freq",)  # a function of the configuration

BERT_TRUNK = rows(
    ("word_embeddings", "embeddings.word_embeddings"),
    ("position_embeddings", "embeddings.position_embeddings"),
    ("token_type_embeddings", "embeddings.token_type_embeddings"),
    ("embeddings_norm", "embeddings.LayerNorm"),
    ("layers.*.attention.query", "encoder.layer.*.attention.self.query"),
    ("layers.*.attention.key", "encoder.layer.*.attention.self.key"),
    ("layers.*.attention.value", "encoder.layer.*.attention.self.value"),
    ("layers.*.attention.output", "encoder.layer.*.attention.output.dense"),
    ("layers.*.attention_norm", "encoder.layer.*.attention.output.LayerNorm"),
    ("layers.*.intermediate", "encoder.layer.*.intermediate.dense"),
    ("layers.*.output", "encoder.layer.*.output.dense"),
    ("layers.*.output_norm", "encoder.layer.*.output.LayerNorm"),
    ("pooler", "pooler.dense"),
)
BERT_IGNORED = ("embeddings.position_ids", "embeddings.token_type_ids")  # 0, 1, 2 ...
BERT_HEADS = rows(
    ("head.dense", "cls.predictions.transform.dense"),
    ("head.norm", "cls.predictions.transform.LayerNorm"),
    ("head.bias", "cls.predictions.bias"),
    ("next", "cls.seq_relationship"),
    ("classifier", "classifier"),
    ("spans", "qa_outputs"),
)
BERT_COPIES = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}

ROBERTA_HEADS = rows(
    ("head.dense", "lm_head.dense"),
    ("head.norm", "lm_head.layer_norm"),
    ("head.bias", "lm_head.bias"),
    ("dense", "classifier.dense"),
    ("out_proj", "classifier.out_proj"),
    ("classifier", "classifier"),
    ("spans", "qa_outputs"),
)
ROBERTA_COPIES = {
    "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
    "lm_head.decoder.bias": "lm_head.bias",
}

T5_TRUNK = rows(
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
T5_COPIES = {
    "encoder.embed_tokens.weight": "shared.weight",
    "decoder.embed_tokens.weight": "shared.weight",
    "lm_head.weight": "shared.weight",  # of v1.0; v1.1 has a head of its own
}
