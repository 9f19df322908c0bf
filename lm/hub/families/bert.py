"""BERT's names in files: those of the encoder, which RoBERTa's are too, and of its heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lm import models

from ..family import Family, rows

TRUNK = rows(
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
IGNORED = ("embeddings.position_ids", "embeddings.token_type_ids")  # 0, 1, 2 ...
HEADS = rows(
    ("head.dense", "cls.predictions.transform.dense"),
    ("head.norm", "cls.predictions.transform.LayerNorm"),
    ("head.bias", "cls.predictions.bias"),
    ("next", "cls.seq_relationship"),
    ("classifier", "classifier"),
    ("spans", "qa_outputs"),
)
COPIES = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}
OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "is_decoder": (False,),
    "add_cross_attention": (False,),
    "position_embedding_type": ("absolute",),
    "tie_word_embeddings": (True,),
    "problem_type": (None, "single_label_classification", "regression"),
}


FAMILY = Family(
    config=models.BertConfig,
    architectures={
        "BertModel": models.Bert,
        "BertForPreTraining": models.BertForPreTraining,
        "BertForMaskedLM": models.BertForMaskedLM,
        "BertForNextSentencePrediction": models.BertForNextSentencePrediction,
        "BertForSequenceClassification": models.BertForSequenceClassification,
        "BertForTokenClassification": models.BertForTokenClassification,
        "BertForQuestionAnswering": models.BertForQuestionAnswering,
    },
    trunk=TRUNK,
    bare=models.Bert,
    heads=HEADS,
    optional=("pooler",),
    prefix="bert.",
    attribute="bert.",
    ignored=IGNORED,
    copies=COPIES,
    options=OPTIONS,
    special_tokens={
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
        "pad_token": "[PAD]",
        "sep_token": "[SEP]",
        "unk_token": "[UNK]",
    },
)

__all__ = ["FAMILY", "IGNORED", "OPTIONS", "TRUNK"]
