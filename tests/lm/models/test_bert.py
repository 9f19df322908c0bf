"""BERT and RoBERTa beyond what the exchange with transformers proves: padding, positions, heads, bad input."""

import dataclasses
import math

import numpy as np
import pytest

import minigrad as mg
from lm.models import (
    Bert,
    BertConfig,
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    Roberta,
    RobertaConfig,
    RobertaForMaskedLM,
    RobertaForSequenceClassification,
    bert,
    roberta,
)
from tests.lm.models.shape_comments import check_shape_comments

TINY = BertConfig(
    vocab_size=13, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=12,
    max_position_embeddings=9, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, num_labels=3,
)  # fmt: skip
SETTINGS = {field.name: getattr(TINY, field.name) for field in dataclasses.fields(TINY)}
ROBERTA = RobertaConfig(**SETTINGS | {"type_vocab_size": 1, "pad_token_id": 1})
RNG = np.random.default_rng(0)
IDS = mg.tensor(RNG.integers(2, 13, (3, 6)))
MASK = mg.tensor((np.arange(6)[None] < np.array([[6], [4], [2]])).astype(np.int64))
LABELS = mg.tensor(RNG.integers(0, 3, (3,)))


def make(kind=Bert, config=TINY):
    mg.manual_seed(1)
    model = kind(config).to(mg.float64)
    for parameter in model.parameters():
        mg.nn.init.normal_(parameter, std=0.3)
    return model


def test_padding_changes_nothing():
    model, padded = make(), IDS.numpy().copy()
    padded[MASK.numpy() == 0] = 7
    one, other = (model(mg.tensor(ids), MASK).detach().numpy() for ids in (IDS.numpy(), padded))
    np.testing.assert_array_equal(one[MASK.numpy() == 1], other[MASK.numpy() == 1])
    alone = model(IDS[1:2, :4]).detach().numpy()
    np.testing.assert_allclose(one[1:2, :4], alone, rtol=1e-11, atol=1e-12)


def test_every_token_sees_every_other():
    model = make()
    before = model(IDS).detach().numpy()
    for position in range(6):
        ids = IDS.numpy().copy()
        ids[:, position] = 2 + (ids[:, position] - 1) % 11
        assert (np.abs(model(mg.tensor(ids)).detach().numpy() - before).max(axis=(0, 2)) > 1e-6).all()


def test_roberta_counts_positions_from_the_first_token_wherever_padding_is():
    model, pads = make(Roberta, ROBERTA), mg.full((3, 2), 1, dtype=mg.int64)
    right = model(mg.cat([IDS[:, :5], pads], 1), mg.tensor([[1, 1, 1, 1, 1, 0, 0]] * 3)).detach().numpy()
    left = model(mg.cat([pads, IDS[:, :5]], 1), mg.tensor([[0, 0, 1, 1, 1, 1, 1]] * 3)).detach().numpy()
    np.testing.assert_allclose(left[:, 2:], right[:, :5], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(right[:, :5], model(IDS[:, :5]).detach().numpy(), rtol=1e-11, atol=1e-12)


def test_the_padding_row_of_an_embedding_starts_at_zero_and_gets_no_gradient_as_an_input():
    mg.manual_seed(0)
    model = Bert(TINY)
    assert (model.word_embeddings.weight.detach().numpy()[0] == 0).all()
    ids = IDS.numpy().copy()
    ids[:, 0] = 0
    model(mg.tensor(ids)).square().mean().backward()
    gradient = model.word_embeddings.weight.grad.numpy()
    assert (gradient[0] == 0).all() and (gradient[ids[0, 1]] != 0).any()
    model = Roberta(ROBERTA)
    assert (model.position_embeddings.weight.detach().numpy()[1] == 0).all()


def test_initialisation_is_normal_with_the_deviation_of_the_configuration():
    mg.manual_seed(0)
    config = dataclasses.replace(TINY, vocab_size=400, hidden_size=64, intermediate_size=96)
    for name, parameter in BertForPreTraining(config).named_parameters():
        values = parameter.detach().numpy()
        if parameter.ndim == 2 and values.size > 500:
            assert abs(values.std() / 0.02 - 1) < 5 / math.sqrt(2 * values.size) + 0.01, name
        elif parameter.ndim == 1:
            assert (values == (0 if name.endswith("bias") else 1)).all(), name


def test_one_label_is_a_number():
    model = make(BertForSequenceClassification, dataclasses.replace(TINY, num_labels=1))
    values = mg.tensor([0.5, -1.0, 2.0])
    expected = ((model(IDS).detach().numpy()[:, 0] - values.numpy()) ** 2).mean()
    assert model.loss(IDS, values).item() == pytest.approx(expected)


def test_answers_that_were_cut_off_count_for_nothing():
    model = make(BertForQuestionAnswering)
    starts, ends = model(IDS)
    losses = [-mg.nn.functional.log_softmax(each, -1).detach().numpy() for each in (starts, ends)]
    given = mg.tensor([1, 9, 3]), mg.tensor([2, 7, 4])
    expected = (losses[0][[0, 2], [1, 3]].mean() + losses[1][[0, 2], [2, 4]].mean()) / 2
    assert model.loss(IDS, *given).item() == pytest.approx(expected)


def test_comments_give_the_shape_of_every_intermediate():
    types = mg.tensor(np.zeros((3, 6), np.int64))

    def run():
        make(BertForPreTraining).loss(IDS, IDS, LABELS % 2, MASK, types)
        make(BertForMaskedLM).loss(IDS, IDS)
        make(BertForNextSentencePrediction).loss(IDS, LABELS % 2)
        make(BertForSequenceClassification).loss(IDS, LABELS)
        make(BertForTokenClassification).loss(IDS, IDS % 3)
        make(BertForQuestionAnswering).loss(IDS, LABELS, LABELS)

    check_shape_comments(bert, {"B": 3, "C": 8, "H": 2, "D": 4, "I": 12, "V": 13, "N": 3}, run, at_least=20)


def test_comments_of_roberta_give_the_shape_of_every_intermediate():
    def run():
        make(RobertaForSequenceClassification, ROBERTA).loss(IDS, LABELS)

    check_shape_comments(roberta, {"B": 3, "T": 6, "C": 8, "N": 3}, run, at_least=4)


def test_dropout_acts_in_training_alone_and_in_each_of_its_places():
    kept = make(BertForSequenceClassification)(IDS).detach().numpy()
    for field in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"):
        model = make(BertForSequenceClassification, dataclasses.replace(TINY, **{field: 0.5}))
        assert np.abs(model(IDS).detach().numpy() - kept).max() > 1e-3, field
        np.testing.assert_allclose(model.eval()(IDS).detach().numpy(), kept, rtol=1e-12)


@pytest.mark.parametrize(
    ("field", "value"),
    [("vocab_size", 0), ("num_attention_heads", 3), ("hidden_dropout_prob", 1.0), ("hidden_act", "mish"),
     ("layer_norm_eps", 0.0), ("num_labels", 0), ("classifier_dropout", -0.5)],
)  # fmt: skip
@pytest.mark.parametrize("config", [TINY, ROBERTA])
def test_a_bad_field_is_named_with_its_class(config, field, value):
    with pytest.raises(ValueError, match=f"{type(config).__name__}: .*{field}"):
        dataclasses.replace(config, **{field: value})


def test_a_text_too_long_is_refused():
    with pytest.raises(ValueError, match="max_position_embeddings = 9 tokens, got 10"):
        make()(mg.zeros(1, 10, dtype=mg.int64))
    with pytest.raises(ValueError, match="at most 7 tokens"):
        make(RobertaForMaskedLM, ROBERTA)(mg.full((1, 8), 2, dtype=mg.int64))
