"""The model families that are exchanged with Hugging Face: one entry of FAMILIES each, and what an entry says.

How weights are called is in `tables.py`, how a config.json is read and written in `configs.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lm import models
from minigrad import nn

from . import tables
from .tables import Row


@dataclass(frozen=True)
class Family:
    """What there is to know about a family.

    architectures: Hugging Face's name of a class, and ours; the first is what a file that names none is.
    trunk, heads: their tables of names. `prefix` is before the trunk's names in files, `attribute` where our modules
        with a head keep the trunk ("" where it is the module itself).
    bare: our class of the trunk alone, if there is one.
    optional: modules of the trunk that come and go with the head.
    ignored: names in files that are no weights, with and without the prefix.
    copies: names in files that repeat another tensor, where weights are tied.
    biased: modules that have a bias in every file; zeros are written for ours without.
    options: settings of config.json that the models here do not have, and what they must be; missing is the first.
    """

    config: type[Any]
    architectures: Mapping[str, type[nn.Module]]
    trunk: tuple[Row, ...]
    heads: tuple[Row, ...] = ()
    optional: tuple[str, ...] = ()
    bare: type[nn.Module] | None = None
    prefix: str = ""
    attribute: str = ""
    ignored: tuple[str, ...] = ()
    copies: Mapping[str, str] = field(default_factory=dict)
    biased: tuple[str, ...] = ()
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


ENCODER_OPTIONS: Mapping[str, tuple[Any, ...]] = {
    "is_decoder": (False,),
    "add_cross_attention": (False,),
    "position_embedding_type": ("absolute",),
    "tie_word_embeddings": (True,),
    "problem_type": (None, "single_label_classification", "regression"),
}
FAMILIES: Mapping[str, Family] = {
    "gpt2": Family(
        config=models.GPT2Config,
        architectures={"GPT2LMHeadModel": models.GPT2},
        trunk=tables.GPT2_TRUNK,
        prefix="transformer.",
        ignored=tables.GPT2_IGNORED,
        biased=tuple(row.theirs for row in tables.GPT2_TRUNK if row.ours not in ("wte", "wpe")),
        copies={"lm_head.weight": "transformer.wte.weight"},
        options={
            "scale_attn_weights": (True,),
            "scale_attn_by_inverse_layer_idx": (False,),
            "add_cross_attention": (False,),
            "tie_word_embeddings": (True,),
        },
    ),
    "llama": Family(
        config=models.LlamaConfig,
        architectures={"LlamaForCausalLM": models.Llama},
        trunk=tables.LLAMA_TRUNK,
        heads=tables.LLAMA_HEADS,
        prefix="model.",
        ignored=tables.LLAMA_IGNORED,
        options={"pretraining_tp": (1,)},
    ),
    "bert": Family(
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
        trunk=tables.BERT_TRUNK,
        bare=models.Bert,
        heads=tables.BERT_HEADS,
        optional=("pooler",),
        prefix="bert.",
        attribute="bert.",
        ignored=tables.BERT_IGNORED,
        copies=tables.BERT_COPIES,
        options=ENCODER_OPTIONS,
    ),
    "roberta": Family(
        config=models.RobertaConfig,
        architectures={
            "RobertaModel": models.Roberta,
            "RobertaForMaskedLM": models.RobertaForMaskedLM,
            "RobertaForSequenceClassification": models.RobertaForSequenceClassification,
            "RobertaForTokenClassification": models.RobertaForTokenClassification,
            "RobertaForQuestionAnswering": models.RobertaForQuestionAnswering,
        },
        trunk=tables.BERT_TRUNK,
        bare=models.Roberta,
        heads=tables.ROBERTA_HEADS,
        optional=("pooler",),
        prefix="roberta.",
        attribute="bert.",
        ignored=tables.BERT_IGNORED,
        copies=tables.ROBERTA_COPIES,
        options=ENCODER_OPTIONS,
    ),
    "t5": Family(
        config=models.T5Config,
        architectures={"T5ForConditionalGeneration": models.T5},
        trunk=tables.T5_TRUNK,
        copies=tables.T5_COPIES,
        options={"is_encoder_decoder": (True,)},
    ),
}


def family_of(model: nn.Module) -> tuple[str, str, Family]:
    """(model_type, architecture, family) of one of our models. Raises TypeError for another module."""
    for model_type, family in FAMILIES.items():
        for architecture, ours in family.architectures.items():
            if type(model) is ours:
                return model_type, architecture, family
    known = ", ".join(ours.__name__ for family in FAMILIES.values() for ours in family.architectures.values())
    raise TypeError(f"a {type(model).__name__} is no model that Hugging Face has a place for; these are: {known}")
