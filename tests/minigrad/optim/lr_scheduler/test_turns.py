"""Schedulers step after the optimizer, and none undoes what another did."""

import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import lr_scheduler
from minigrad.optim.lr_scheduler import (
    ChainedScheduler,
    CosineAnnealingWarmRestarts,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    OneCycleLR,
    SequentialLR,
    StepLR,
)

from .ours import build, make_optimizer, rates, step


def test_a_scheduler_that_steps_before_the_optimizer_is_warned_about():
    for make in (
        lambda o: StepLR(o, 3),
        lambda o: CosineAnnealingWarmRestarts(o, 3),
        lambda o: SequentialLR(o, [StepLR(o, 3), StepLR(o, 4)], [5]),
        lambda o: ChainedScheduler([StepLR(o, 3)]),
    ):
        optimizer = make_optimizer()
        optimizer.step()  # made before the scheduler
        scheduler = make(optimizer)
        with pytest.warns(UserWarning, match=r"before the optimizer's step\(\)"):
            scheduler.step()
        scheduler.step()  # once is enough
        optimizer = make_optimizer()
        step(optimizer, make(optimizer), times=3)


def test_the_warning_points_at_the_line_of_the_caller():
    scheduler = StepLR(make_optimizer(), 3)
    with pytest.warns(UserWarning) as caught:
        scheduler.step()
    assert caught[0].filename == __file__


def test_an_optimizer_with_a_step_of_its_own_is_not_warned_about():
    class Own(optim.SGD):
        def step(self, closure=None):
            return None

    scheduler = StepLR(Own([mg.zeros(1, requires_grad=True)]), 3)
    scheduler.step()


def test_a_step_to_an_epoch_uses_the_formula_and_warns():
    optimizer = make_optimizer()
    scheduler = StepLR(optimizer, 3, 0.5)
    optimizer.step()
    with pytest.warns(UserWarning, match="deprecated"):
        scheduler.step(7)
    assert rates(optimizer) == [0.25, 0.05] and scheduler.last_epoch == 7
    step(optimizer, scheduler, times=2)
    assert rates(optimizer) == [0.125, 0.025]
    plateau = lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.warns(UserWarning, match="deprecated"):
        plateau.step(1.0, 4)
    assert plateau.last_epoch == 4


@pytest.mark.parametrize("name", ["step", "lambda", "multiplicative", "cyclic", "onecycle", "restarts"])
def test_get_lr_warns_outside_of_a_step(name):
    scheduler = build(name, make_optimizer())[0]
    with pytest.warns(UserWarning, match="get_last_lr"):
        scheduler.get_lr()


OUTRIGHT = {
    "lambda": lambda o: LambdaLR(o, lambda n: 0.9**n),
    "restarts": lambda o: CosineAnnealingWarmRestarts(o, 50),
    "onecycle": lambda o: OneCycleLR(o, 1.0, 50),
    "cyclic": lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0),
}


@pytest.mark.parametrize("name", OUTRIGHT)
@pytest.mark.parametrize("first", [True, False])
def test_a_scheduler_that_would_undo_another_is_refused_at_its_second_step(name, first):
    """PyTorch lets the last one win."""
    for make_other in (lambda o: StepLR(o, 30), lambda o: MultiplicativeLR(o, lambda n: 0.9), OUTRIGHT["lambda"]):
        optimizer = make_optimizer()
        pair = [OUTRIGHT[name](optimizer), make_other(optimizer)]
        scheduler = ChainedScheduler(pair if first else pair[::-1])
        step(optimizer, scheduler)
        before = rates(optimizer)
        with pytest.raises(RuntimeError, match="sets learning rates outright and would undo what"):
            step(optimizer, scheduler)
        assert rates(optimizer) == before or not first


def test_a_plateau_beside_a_scheduler_that_would_undo_it_is_refused():
    optimizer = make_optimizer()
    scheduler, plateau = LambdaLR(optimizer, lambda n: 1.0), lr_scheduler.ReduceLROnPlateau(optimizer)
    step(optimizer, scheduler)
    plateau.step(1.0)
    with pytest.raises(RuntimeError, match="ReduceLROnPlateau"):
        step(optimizer, scheduler)


@pytest.mark.parametrize("name", OUTRIGHT)
def test_one_scheduler_after_another_by_hand_is_fine(name):
    optimizer = make_optimizer()
    warmup = LinearLR(optimizer, 0.1, total_iters=5)
    main = OUTRIGHT[name](optimizer)
    step(optimizer, warmup, times=5)
    step(optimizer, main, times=5)
    alone = make_optimizer()
    other = OUTRIGHT[name](alone)
    step(alone, other, times=5)
    assert rates(optimizer) == rates(alone)


def test_a_scheduler_that_is_gone_undoes_nothing():
    optimizer = make_optimizer()
    scheduler = LambdaLR(optimizer, lambda n: 1.0)
    step(optimizer, scheduler, StepLR(optimizer, 3))
    step(optimizer, scheduler)
