"""How often dropout acts in a forward pass of each family, in and around its layers, and on attention's weights."""

import numpy as np
import pytest

import minigrad as mg
import minigrad.nn.functional as F
from lm.models import (
    GPT2,
    T5,
    Bert,
    BertConfig,
    BertForSequenceClassification,
    BertForTokenClassification,
    GPT2Config,
    Llama,
    LlamaConfig,
    RobertaConfig,
    RobertaForSequenceClassification,
    T5Config,
    Transformer,
    TransformerConfig,
)

V, L, E, D = 11, 2, 3, 2  # layers of a single stack, of an encoder, of a decoder
IDS = mg.tensor(np.random.default_rng(0).integers(2, V, (2, 4)))
BERT = {"vocab_size": V, "hidden_size": 8, "num_hidden_layers": L, "num_attention_heads": 2, "intermediate_size": 8}
SEQ2SEQ = {"vocab_size": V, "d_model": 8, "d_ff": 8, "num_heads": 2}
CASES = {  # model, its configuration, dropouts of activations, and of attention's weights
    "gpt2": (GPT2, GPT2Config(V, n_positions=8, n_embd=8, n_layer=L, n_head=2), 1 + 2 * L, L),
    "llama": (Llama, LlamaConfig(V, 8, 8, L, 2, attention_dropout=0.1), 0, L),
    "bert": (Bert, BertConfig(**BERT), 1 + 2 * L, L),
    "bert-sequence": (BertForSequenceClassification, BertConfig(**BERT), 1 + 2 * L + 1, L),
    "bert-token": (BertForTokenClassification, BertConfig(**BERT), 1 + 2 * L + 1, L),
    "roberta-sequence": (RobertaForSequenceClassification, RobertaConfig(**BERT), 1 + 2 * L + 2, L),
    # Around each stack, after each sublayer, and within each feed-forward layer.
    "t5": (T5, T5Config(**SEQ2SEQ, d_kv=4, num_layers=E, num_decoder_layers=D), 4 + 3 * E + 4 * D, E + 2 * D),
    "transformer": (Transformer, TransformerConfig(**SEQ2SEQ, num_layers=L), 2 + 2 * L + 3 * L, 0),
}


@pytest.mark.parametrize("name", CASES)
def test_dropout_acts_in_every_place_and_in_training_alone(name, monkeypatch):
    kind, config, activations, weights = CASES[name]
    model, seen = kind(config), {"activations": 0, "weights": 0}
    drop, attend = mg.nn.Dropout.forward, F.scaled_dot_product_attention

    def dropout(self, x):
        seen["activations"] += self.training and self.p == 0.1
        return drop(self, x)

    def attention(*args, dropout_p=0.0, **settings):
        seen["weights"] += dropout_p == 0.1
        return attend(*args, dropout_p=dropout_p, **settings)

    monkeypatch.setattr(mg.nn.Dropout, "forward", dropout)
    monkeypatch.setattr(F, "scaled_dot_product_attention", attention)
    given = (IDS, IDS) if hasattr(model, "encode") else (IDS,)
    model(*given)
    assert seen == {"activations": activations, "weights": weights}
    model.eval()(*given)
    assert seen == {"activations": activations, "weights": weights}
