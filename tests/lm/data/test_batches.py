"""Which tokens are trained on and evaluated."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lm.data.batches import training_batch, whole_batches
from lm.data.corpus import Tokens

TOKENS = Tokens([np.arange(1000, dtype=np.uint16)])


def test_a_training_batch_is_a_function_of_seed_and_number():
    def batch(seed, number):
        return training_batch(TOKENS, 4, 8, seed=seed, number=number)[0].tolist()

    batches = [batch(seed, number) for seed in range(5) for number in range(5)]
    assert batches == [batch(seed, number) for seed in range(5) for number in range(5)]
    assert len({str(one) for one in batches}) == 25


def test_every_target_follows_its_id():
    ids, targets = training_batch(TOKENS, 16, 32, seed=0, number=0)
    assert ids.shape == targets.shape == (16, 32)
    assert (targets == ids + 1).all()
    assert (np.diff(ids, axis=1) == 1).all()


def test_every_window_is_drawn_and_none_beyond_the_end():
    tokens = Tokens([np.arange(6, dtype=np.uint16)])
    starts = {int(training_batch(tokens, 1, 3, seed=0, number=number)[0][0, 0]) for number in range(100)}
    assert starts == {0, 1, 2}  # the last window is 2 3 4, whose last target is 5


@given(length=st.integers(0, 60), batch_size=st.integers(1, 5), context=st.integers(1, 20))
def test_evaluation_sees_every_token_once(length, batch_size, context):
    tokens = Tokens([np.arange(length, dtype=np.uint16)])
    batches = list(whole_batches(tokens, batch_size, context))
    assert np.concatenate([targets.ravel() for _, targets in batches] or [[]]).tolist() == list(range(1, length))
    for ids, targets in batches:
        assert (targets == ids + 1).all()
        assert ids.shape[0] <= batch_size
        assert (ids[:, 0] % context == 0).all()
    assert all(ids.shape[1] == context for ids, _ in batches[:-1])
