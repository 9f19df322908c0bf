"""The schedules that are functions of the step follow their closed forms."""

import math

import pytest

from minigrad.optim.lr_scheduler import warmup_constant, warmup_cosine, warmup_linear, warmup_stable_decay


def test_warmup_rises_by_equal_steps_and_never_gives_zero():
    for schedule in (warmup_constant(4), warmup_linear(4, 9), warmup_cosine(4, 9), warmup_stable_decay(4, 2, 9)):
        assert [schedule(n) for n in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_schedules_follow_their_closed_forms():
    assert all(warmup_constant()(n) == 1.0 for n in (0, 1, 10**9))
    for n in range(4, 30):
        progress = min(1.0, (n - 4) / 16)
        assert warmup_linear(4, 20, 0.1)(n) == pytest.approx(0.1 + 0.9 * (1 - progress))
        assert warmup_cosine(4, 20, 0.1)(n) == pytest.approx(0.1 + 0.45 * (1 + math.cos(math.pi * progress)))
        fall = min(1.0, max(0.0, (n - 15) / 5))
        assert warmup_stable_decay(4, 5, 20, 0.1)(n) == pytest.approx(0.1 + 0.9 * (1 - fall))


def test_schedules_are_flat_where_nothing_is_left_to_decay():
    assert [warmup_stable_decay(0, 0, 3)(n) for n in range(5)] == [1.0, 1.0, 1.0, 0.0, 0.0]
    assert [warmup_cosine(2, 2, 0.5)(n) for n in range(4)] == pytest.approx([1 / 3, 2 / 3, 0.5, 0.5])


@pytest.mark.parametrize(
    "make",
    [
        lambda: warmup_cosine(5, 4), lambda: warmup_linear(-1, 4), lambda: warmup_stable_decay(3, 3, 5),
        lambda: warmup_stable_decay(0, -1, 5),
    ],
)  # fmt: skip
def test_schedules_that_make_no_sense_are_refused(make):
    with pytest.raises(ValueError, match="do not fit"):
        make()
