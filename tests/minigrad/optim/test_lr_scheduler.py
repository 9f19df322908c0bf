"""Rates are PyTorch's where PyTorch has the scheduler, closed forms where it has not, and functions of the step."""

import math
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import lr_scheduler
from minigrad.optim.lr_scheduler import warmup_constant, warmup_cosine, warmup_linear, warmup_stable_decay
from tests.oracle import optimizer_cases

pytestmark = pytest.mark.filterwarnings("ignore:.*the first rate goes unused")  # rates alone are looked at here

with np.load(Path(optimizer_cases.__file__).parent / "optimizers.npz") as saved:
    EXPECTED = {key.removeprefix("rates/"): value for key, value in saved.items() if key.startswith("rates/")}


def make_optimizer():
    params = [mg.zeros(1, requires_grad=True) for _ in range(2)]
    return optim.SGD([{"params": params[:1]}, {"params": params[1:], "lr": 0.2}], lr=1.0)


def sequential(o):
    parts = [lr_scheduler.LinearLR(o, 0.1, 1.0, 5), lr_scheduler.ConstantLR(o, 1.0, 3),
             lr_scheduler.CosineAnnealingLR(o, 10)]  # fmt: skip
    return lr_scheduler.SequentialLR(o, parts, [5, 9])


BUILD = {
    name: lambda o, kind=kind, settings=settings: getattr(lr_scheduler, kind)(o, **settings)
    for name, (kind, settings) in optimizer_cases.schedulers.items()
}
BUILD["sequential"] = sequential
BUILD["lambda"] = lambda o: lr_scheduler.LambdaLR(o, [lambda n: 0.9**n, lambda n: 1 / (n + 1)])


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


@pytest.mark.parametrize("name", list(EXPECTED))
def test_rates_are_pytorchs(name):
    optimizer = make_optimizer()
    scheduler = BUILD[name](optimizer)
    for wanted in EXPECTED[name]:
        assert rates(optimizer) == pytest.approx(wanted, rel=1e-13, abs=1e-15)
        assert scheduler.get_last_lr() == rates(optimizer)
        scheduler.step()


@pytest.mark.parametrize("name", list(EXPECTED))
def test_resuming_gives_the_same_bits(name):
    optimizer = make_optimizer()
    scheduler = BUILD[name](optimizer)
    for _ in range(7):
        scheduler.step()
    twin = make_optimizer()
    resumed = BUILD[name](twin)
    twin.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    for _ in range(10):
        assert rates(twin) == rates(optimizer)
        scheduler.step()
        resumed.step()


def test_the_initial_rate_is_restored_with_the_optimizer():
    optimizer = make_optimizer()
    scheduler = BUILD["linear"](optimizer)
    optimizer.param_groups[0]["initial_lr"] = 0.7
    twin = make_optimizer()
    resumed = BUILD["linear"](twin)
    twin.load_state_dict(optimizer.state_dict())
    resumed.load_state_dict(scheduler.state_dict())
    assert rates(twin)[0] == pytest.approx(0.07)


def test_last_epoch_starts_later():
    optimizer = make_optimizer()
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.LinearLR(optimizer, last_epoch=3)
    full = BUILD["linear"](optimizer)
    later = make_optimizer()
    for group in later.param_groups:
        group["initial_lr"] = group["lr"]
    lr_scheduler.LinearLR(later, **optimizer_cases.schedulers["linear"][1], last_epoch=3)
    assert rates(later) == full.lrs_at(4)


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
        lambda: warmup_stable_decay(0, -1, 5), lambda: lr_scheduler.CosineAnnealingLR(make_optimizer(), 0),
        lambda: lr_scheduler.LambdaLR(make_optimizer(), [lambda n: 1.0]),
        lambda: lr_scheduler.SequentialLR(make_optimizer(), [], []),
        lambda: lr_scheduler.SequentialLR(o := make_optimizer(), [lr_scheduler.ConstantLR(o)] * 3, [5, 4]),
        lambda: lr_scheduler.SequentialLR(make_optimizer(), [lr_scheduler.ConstantLR(make_optimizer())], []),
    ],
)  # fmt: skip
def test_schedules_that_make_no_sense_are_refused(make):
    with pytest.raises(ValueError):
        make()


def test_a_group_added_later_is_scheduled_too():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.ConstantLR(optimizer, 0.5)
    optimizer.add_param_group({"params": [mg.zeros(1, requires_grad=True)], "lr": 4.0, "initial_lr": 4.0})
    scheduler.step()
    assert rates(optimizer) == [0.5, 0.1, 2.0]
