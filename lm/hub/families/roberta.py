"""RoBERTa's names in files: BERT's encoder, and heads of its own."""

from __future__ import annotations

from lm import models

from ..family import Document, Family, rows
from .bert import IGNORED, OPTIONS, TRUNK

HEADS = rows(
    ("head.dense", "lm_head.dense"),
    ("head.norm", "lm_head.layer_norm"),
    ("head.bias", "lm_head.bias"),
    ("dense", "classifier.dense"),
    ("out_proj", "classifier.out_proj"),
    ("classifier", "classifier"),
    ("spans", "qa_outputs"),
)
COPIES = {
    "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
    "lm_head.decoder.bias": "lm_head.bias",
}


def _read(document: Document, problems: list[str]) -> Document:
    # What a file leaves out is the default of transformers' class, which is not what the published models have.
    return {"max_position_embeddings": 512, "type_vocab_size": 2, "layer_norm_eps": 1e-12, **document}


FAMILY = Family(
    config=models.RobertaConfig,
    architectures={
        "RobertaModel": models.Roberta,
        "RobertaForMaskedLM": models.RobertaForMaskedLM,
        "RobertaForSequenceClassification": models.RobertaForSequenceClassification,
        "RobertaForTokenClassification": models.RobertaForTokenClassification,
        "RobertaForQuestionAnswering": models.RobertaForQuestionAnswering,
    },
    trunk=TRUNK,
    bare=models.Roberta,
    heads=HEADS,
    optional=("pooler",),
    prefix="roberta.",
    attribute="bert.",
    ignored=IGNORED,
    copies=COPIES,
    options=OPTIONS,
    read=_read,
    special_tokens={
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "mask_token": "<mask>",
        "pad_token": "<pad>",
        "sep_token": "</s>",
        "unk_token": "<unk>",
    },
)

__all__ = ["FAMILY"]
