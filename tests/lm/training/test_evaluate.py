"""The loss of a whole token sequence."""

import math

import numpy as np
import pytest

import minigrad as mg
from lm.data.corpus import Tokens
from lm.models import GPT2, GPT2Config
from lm.training.evaluate import evaluate
from minigrad import Tensor

CONFIG = GPT2Config(vocab_size=11, n_positions=8, n_embd=8, n_layer=1, n_head=2, resid_pdrop=0.5, embd_pdrop=0.5)


def tokens_of(count):
    return Tokens([np.random.default_rng(0).integers(11, size=count).astype(np.uint16)])


@pytest.mark.parametrize("count", [2, 8, 9, 10, 40, 41, 43])
def test_every_token_counts_the_same(count):
    mg.manual_seed(0)
    model, tokens = GPT2(CONFIG).eval(), tokens_of(count)
    ids = tokens.window(0, count)
    total = 0.0
    for start in range(0, count - 1, 8):
        window, targets = ids[start : min(start + 8, count - 1)], ids[start + 1 : start + 9]
        with mg.no_grad():
            logits = model(Tensor(window[None])).numpy()[0].astype(np.float64)
        shifted = logits - logits.max(-1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
        total -= log_p[np.arange(len(targets)), targets].sum()
    assert evaluate(model, tokens, 3) == pytest.approx(total / (count - 1), rel=1e-6)


def test_a_model_that_knows_nothing_has_the_loss_of_a_guess():
    model = GPT2(CONFIG)
    for parameter in model.parameters():
        parameter.data[...] = 0
    assert evaluate(model, tokens_of(30), 4) == pytest.approx(math.log(11))


def test_a_model_in_training_stays_so_and_is_evaluated_without_dropout():
    model = GPT2(CONFIG).train()
    assert (
        evaluate(model, tokens_of(30), 4)
        == evaluate(model, tokens_of(30), 4)
        == evaluate(model.eval(), tokens_of(30), 4)
    )
    model.train()
    evaluate(model, tokens_of(30), 4)
    assert all(module.training for module in model.modules())
    assert mg.is_grad_enabled()


def test_evaluation_stops_when_asked_to():
    class Stop:
        polls = 0

        def __bool__(self):
            self.polls += 1
            return self.polls == 3

    stop = Stop()
    assert evaluate(GPT2(CONFIG), tokens_of(100), 1, stop) is None
    assert stop.polls == 3
