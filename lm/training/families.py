"""The families that `lm train` trains: an entry each, with what the settings' common names are in its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from lm.config import Config
from lm.data.corpus import Corpus
from lm.models import (
    GPT2,
    T5,
    BertConfig,
    BertForMaskedLM,
    BertForPreTraining,
    GloVe,
    GloVeConfig,
    Llama,
    LlamaConfig,
    RobertaConfig,
    RobertaForMaskedLM,
    T5Config,
    Transformer,
    TransformerConfig,
    Word2Vec,
    Word2VecConfig,
)
from lm.models.t5 import relative_buckets
from lm.tokenizer.files import AnyTokenizer
from lm.training.task import Family, Task
from lm.training.tasks.backwards import Backwards
from lm.training.tasks.masked import MaskedTokens
from lm.training.tasks.next_token import NextToken
from lm.training.tasks.spans import SENTINELS, Spans
from lm.training.tasks.word_vectors import GloVeTask, Word2VecTask
from minigrad import default_generator, nn

NEAR = 5.0  # what is added to the score of a near token: it has most of the attention in a text of a hundred

END_OF_TEXT = {"end of text": "<|endoftext|>"}


def _gpt2(task: Task) -> nn.Module:
    return GPT2(task.config.model.gpt2(task.vocab_size))


def _llama(task: Task) -> nn.Module:
    own = task.config.model
    return Llama(
        LlamaConfig(
            vocab_size=task.vocab_size,
            hidden_size=own.n_embd,
            intermediate_size=-(-own.n_embd * 8 // 24) * 8,  # 8/3, so that SwiGLU's three matrices are as large as two
            num_hidden_layers=own.n_layer,
            num_attention_heads=own.n_head,
            num_key_value_heads=own.n_kv_head,
            max_position_embeddings=own.n_positions,
            attention_dropout=own.dropout,
        )
    )


def _encoder(task: Task) -> dict[str, Any]:
    """What BERT and RoBERTa are told alike."""
    own = task.config.model
    return {
        "vocab_size": task.vocab_size,
        "hidden_size": own.n_embd,
        "num_hidden_layers": own.n_layer,
        "num_attention_heads": own.n_head,
        "intermediate_size": 4 * own.n_embd,
        "hidden_dropout_prob": own.dropout,
        "attention_probs_dropout_prob": own.dropout,
        "initializer_range": 0.02 * math.sqrt(768 / own.n_embd),  # the published width has 0.02; small ones learn late
        "pad_token_id": task.special_id("padding"),
    }


def _bert(task: Task) -> nn.Module:
    config = BertConfig(**_encoder(task), max_position_embeddings=task.config.model.n_positions)
    return BertForPreTraining(config) if task.config.objective.next_sentence else BertForMaskedLM(config)


def _roberta(task: Task) -> nn.Module:
    rows = task.config.model.n_positions + task.special_id("padding") + 1  # positions start after the padding's
    return RobertaForMaskedLM(RobertaConfig(**_encoder(task), max_position_embeddings=rows))


def _t5(task: Task) -> nn.Module:
    own = task.config.model
    model = T5(
        T5Config(
            vocab_size=task.vocab_size,
            d_model=own.n_embd,
            d_kv=own.n_embd // own.n_head,
            d_ff=4 * own.n_embd,
            num_layers=own.n_layer,
            num_heads=own.n_head,
            dropout_rate=own.dropout,
            tie_word_embeddings=False,
            pad_token_id=task.special_id("padding"),
            eos_token_id=task.special_id("end"),
            decoder_start_token_id=task.special_id("padding"),
        )
    )
    if task.config.optimizer.kind == "adamw":  # whose steps are too short for embeddings with a deviation of 1
        nn.init.normal_(model.shared.weight, std=own.n_embd**-0.5)
    _look_near(model)
    return model


def _look_near(model: T5) -> None:
    """Let every head begin with a look at a near token, and what is written with a look at itself in what is read.

    What stands beside a gap reaches its first word through the sentinel: the encoder must bring it there, and the
    decoder must look there. Neither is worth anything without the other, so a small T5 that began with neither found
    neither in 2,000 steps. The idea: Trockman and Kolter, "Mimetic initialization of self-attention layers" (2023).
    """
    config = model.config
    heads = np.arange(config.num_heads)
    for stack, places in (
        (model.encoder, (heads // 2 + 1) * np.where(heads % 2, 1, -1)),  # one before, one after, two before, ...
        (model.decoder, -1 - heads),  # one before, two before, ...
    ):
        buckets = relative_buckets(
            places, not stack.decoder, config.relative_attention_num_buckets, config.relative_attention_max_distance
        )
        for bucket, head in zip(buckets.tolist(), heads.tolist()):
            nn.init.constant_(stack.distances.weight[bucket, head].detach(), NEAR)
    blocks: Any = model.decoder.blocks
    for attention in (block.cross_attention for block in blocks):
        state = default_generator.get_state()
        for weight, width in ((attention.k.weight, 1), (attention.q.weight, config.d_kv)):
            default_generator.set_state(state)  # the same numbers for queries as for keys
            nn.init.normal_(weight, std=(config.d_model * width) ** -0.5)


def _transformer(task: Task) -> nn.Module:
    own = task.config.model
    return Transformer(
        TransformerConfig(
            vocab_size=task.vocab_size,
            d_model=own.n_embd,
            d_ff=4 * own.n_embd,
            num_layers=own.n_layer,
            num_heads=own.n_head,
            max_positions=own.n_positions,
            dropout=own.dropout,
            label_smoothing=0.0,  # the toy language has one right answer
            pad_token_id=task.special_id("padding"),
            eos_token_id=task.special_id("end"),
            decoder_start_token_id=task.special_id("padding"),
        )
    )


def _word2vec(task: Task) -> nn.Module:
    own = task.config.embeddings
    D = task.config.model.n_embd
    return Word2Vec(Word2VecConfig(task.vocab_size, D, own.window, own.sg, own.hs, own.negative, sample=own.sample))


def _glove(task: Task) -> nn.Module:
    own = task.config.embeddings
    return GloVe(GloVeConfig(task.vocab_size, task.config.model.n_embd, own.x_max, own.alpha))


FAMILIES: Mapping[str, Family] = {
    "gpt2": Family(NextToken, _gpt2, END_OF_TEXT),
    "llama": Family(NextToken, _llama, END_OF_TEXT),
    "bert": Family(
        MaskedTokens,
        _bert,
        {"padding": "[PAD]", "unknown": "[UNK]", "first": "[CLS]", "between": "[SEP]", "mask": "[MASK]"} | END_OF_TEXT,
    ),
    "roberta": Family(
        MaskedTokens,
        _roberta,
        {"first": "<s>", "padding": "<pad>", "between": "</s>", "unknown": "<unk>", "mask": "<mask>"} | END_OF_TEXT,
    ),
    "t5": Family(Spans, _t5, {"padding": "<pad>", "end": "</s>", "unknown": "<unk>"} | SENTINELS | END_OF_TEXT),
    "transformer": Family(Backwards, _transformer),
    "word2vec": Family(Word2VecTask, _word2vec),
    "glove": Family(GloVeTask, _glove),
}


def make_task(config: Config, tokenizer: AnyTokenizer, corpus: Corpus | None) -> Task:
    """The task of the family that the settings name; without a corpus its model can be made, and nothing trained."""
    family = FAMILIES[config.model.family]
    return family.task(family, config, tokenizer, cast(Corpus, corpus))
