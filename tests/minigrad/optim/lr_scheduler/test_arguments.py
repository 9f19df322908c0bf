"""Arguments that make no sense are refused, with a message that says which."""

import math

import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import lr_scheduler, swa_utils
from minigrad.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    OneCycleLR,
    SequentialLR,
    StepLR,
    WarmupStableDecayLR,
)

from .ours import make_optimizer, rates


def linear(**settings):
    return lambda o: LinearLR(o, **settings)


def one_cycle(**settings):
    return lambda o: OneCycleLR(o, **{"max_lr": 1.0, "total_steps": 10, **settings})


def cyclic(**settings):
    return lambda o: lr_scheduler.CyclicLR(o, **{"base_lr": 0.1, "max_lr": 1.0, **settings})


def plateau(**settings):
    return lambda o: lr_scheduler.ReduceLROnPlateau(o, **settings)


def stable(*steps, **settings):
    return lambda o: WarmupStableDecayLR(o, *steps, **settings)


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda o: StepLR(o, 0), "step_size"), (lambda o: StepLR(o, 2.5), "step_size"),
        (lambda o: StepLR(o, 3, -0.1), "gamma"), (lambda o: StepLR(o, 3, math.nan), "gamma"),
        (lambda o: StepLR(o, 3, last_epoch=-2), "last_epoch"),
        (lambda o: lr_scheduler.MultiStepLR(o, [3, -1]), "milestone"),
        (lambda o: lr_scheduler.MultiStepLR(o, [3.5]), "milestone"),
        (lambda o: lr_scheduler.MultiStepLR(o, [3], math.inf), "gamma"),
        (lambda o: ConstantLR(o, 1.1), r"factor must be a number in \[0.0, 1.0\], got 1.1"),
        (lambda o: ConstantLR(o, -0.1), "factor"), (lambda o: ConstantLR(o, 0.5, 0), "total_iters"),
        (linear(start_factor=0.0), "start_factor"), (linear(start_factor=1.5), "start_factor"),
        (linear(end_factor=-0.5), "end_factor"), (linear(end_factor=1.5), "end_factor"),
        (linear(total_iters=0), "total_iters"), (linear(total_iters="5"), "total_iters"),
        (lambda o: ExponentialLR(o, -0.5), "gamma"),
        (lambda o: lr_scheduler.PolynomialLR(o, 0), "total_iters"),
        (lambda o: lr_scheduler.PolynomialLR(o, 5, -1.0), "power"),
        (lambda o: CosineAnnealingLR(o, 0), "T_max"), (lambda o: CosineAnnealingLR(o, -3), "T_max"),
        (lambda o: CosineAnnealingLR(o, 5, -0.1), "eta_min"),
        (lambda o: CosineAnnealingWarmRestarts(o, 0), "T_0"), (lambda o: CosineAnnealingWarmRestarts(o, 5.0), "T_0"),
        (lambda o: CosineAnnealingWarmRestarts(o, 5, 0), "T_mult"),
        (lambda o: CosineAnnealingWarmRestarts(o, 5, 1.5), "T_mult"),
        (lambda o: CosineAnnealingWarmRestarts(o, 5, 1, "0"), "eta_min"),
        (lambda o: CosineAnnealingWarmRestarts(o, 5).step(-1), "epoch"),
        (one_cycle(total_steps=0), "total_steps"), (one_cycle(total_steps=10.0), "total_steps"),
        (one_cycle(total_steps=None), "total_steps"), (one_cycle(total_steps=None, epochs=3), "steps_per_epoch"),
        (one_cycle(total_steps=None, epochs=0, steps_per_epoch=5), "epochs"),
        (one_cycle(total_steps=None, epochs=5, steps_per_epoch=-5), "steps_per_epoch"),
        (one_cycle(pct_start=1.1), "pct_start"), (one_cycle(pct_start=-0.1), "pct_start"),
        (one_cycle(pct_start=1), "pct_start"), (one_cycle(anneal_strategy="cosine"), "anneal_strategy"),
        (one_cycle(max_lr=[1.0]), "max_lr has 1 values, the optimizer 2"), (one_cycle(max_lr=-1.0), "max_lr"),
        (one_cycle(base_momentum=[0.1] * 3), "base_momentum"), (one_cycle(max_momentum=1.5), "momentum"),
        (one_cycle(div_factor=0.0), "div_factor"), (one_cycle(final_div_factor=-1.0), "final_div_factor"),
        (cyclic(mode="square"), "mode"), (cyclic(scale_fn=lambda x: 1.0, scale_mode="step"), "scale_mode"),
        (cyclic(step_size_up=0), "step_size_up"), (cyclic(step_size_down=-1), "step_size_down"),
        (cyclic(base_lr=[0.1]), "base_lr"), (cyclic(max_lr=[0.1] * 3), "max_lr"), (cyclic(gamma=-1.0), "gamma"),
        (lambda o: LambdaLR(o, [lambda n: 1.0]), "lr_lambda has 1 values"),
        (lambda o: MultiplicativeLR(o, [lambda n: 1.0] * 3), "lr_lambda has 3 values"),
        (lambda o: LambdaLR(o, lambda n: math.nan), "rate of group 0 would be nan at step 0"),
        (lambda o: LambdaLR(o, lambda n: -1e-3), "rate of group 0 would be -0.001 at step 0"),
        (plateau(factor=1.0), "factor"), (plateau(factor=-0.5), "factor"), (plateau(mode="least"), "mode"),
        (plateau(threshold_mode="relative"), "threshold_mode"), (plateau(min_lr=[0.1]), "min_lr"),
        (lambda o: SequentialLR(o, [], []), "at least one"),
        (lambda o: SequentialLR(o, [StepLR(o, 3)], [5]), "1 schedulers need 0 rising milestones"),
        (lambda o: SequentialLR(o, [StepLR(o, 3) for _ in range(3)], [5, 4]), r"got \[5, 4\]"),
        (lambda o: SequentialLR(o, [StepLR(o, 3), StepLR(make_optimizer(), 3)], [5]), "another optimizer"),
        (lambda o: SequentialLR(make_optimizer(), [StepLR(o, 3)], []), "another optimizer"),
        (lambda o: SequentialLR(o, [StepLR(o, 3), plateau()(o)], [5]), "ReduceLROnPlateau"),
        (lambda o: ChainedScheduler([]), "at least one"),
        (lambda o: ChainedScheduler([StepLR(o, 3), StepLR(make_optimizer(), 3)]), "another optimizer"),
        (lambda o: ChainedScheduler([StepLR(o, 3)], make_optimizer()), "another optimizer"),
        (lambda o: ChainedScheduler([plateau()(o)]), "ReduceLROnPlateau"),
        (stable(3, 3), "num_training_steps or num_stable_steps"), (stable(3, 3, 5), "num_stable_steps"),
        (stable(3, 3, 10, 5), "are 11, not num_training_steps=10"), (stable(-1, 3, 10), "num_warmup_steps"),
        (stable(3, -3, 10), "num_decay_steps"), (stable(3, 3, 10, warmup_type="log"), "warmup_type"),
        (stable(3, 3, 10, decay_type="exponential"), "decay_type"),
        (stable(3, 3, 10, min_lr_ratio=2.0), "min_lr_ratio"),
        (lambda o: swa_utils.SWALR(o, [0.1]), "swa_lr"), (lambda o: swa_utils.SWALR(o, -0.1), "swa_lr"),
        (lambda o: swa_utils.SWALR(o, 0.1, -1), "anneal_epochs"),
        (lambda o: swa_utils.SWALR(o, 0.1, anneal_strategy="step"), "anneal_strategy"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make(make_optimizer())


@pytest.mark.parametrize(
    "make",
    [
        lambda o: StepLR(None, 3), lambda o: StepLR(o.param_groups, 3), lambda o: LambdaLR("o", lambda n: 1.0),
        lambda o: OneCycleLR(3, 1.0, 10), lambda o: lr_scheduler.CyclicLR(3, 0.1, 1.0),
        lambda o: lr_scheduler.ReduceLROnPlateau(3), lambda o: swa_utils.SWALR(3, 0.1),
        lambda o: LambdaLR(o, 0.5), lambda o: MultiplicativeLR(o, [lambda n: 1.0, None]),
        lambda o: SequentialLR(o, [o], []), lambda o: ChainedScheduler([3]),
        lambda o: lr_scheduler.ReduceLROnPlateau(o).step(None),
    ],
)  # fmt: skip
def test_what_is_of_the_wrong_type_is_refused(make):
    with pytest.raises(TypeError):
        make(make_optimizer())


def test_a_cycle_with_a_scale_of_its_own_may_have_any_mode():
    lr_scheduler.CyclicLR(make_optimizer(), 0.1, 1.0, mode="halving", scale_fn=lambda cycle: 0.5**cycle)


def test_momentum_is_cycled_only_where_there_is_one():
    class Plain(optim.Optimizer):
        def __init__(self):
            super().__init__([mg.zeros(1, requires_grad=True)], {"lr": 0.1})

    for make in (one_cycle, cyclic):
        with pytest.raises(ValueError, match="Plain has neither momentum nor betas"):
            make()(Plain())
        make(cycle_momentum=False)(Plain())


def test_the_minimum_of_a_plateau_covers_groups_added_later_or_is_refused():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, factor=0.1, min_lr=0.05)
    scheduler.step(1.0)
    optimizer.add_param_group({"params": [mg.zeros(1, requires_grad=True)], "lr": 0.3})
    scheduler.step(2.0)
    assert rates(optimizer) == pytest.approx([0.1, 0.05, 0.05])
    optimizer = make_optimizer()
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.05, 0.1])
    scheduler.step(mg.tensor(1.0))
    optimizer.add_param_group({"params": [mg.zeros(1, requires_grad=True)], "lr": 0.3})
    with pytest.raises(RuntimeError, match="2 values of min_lr"):
        scheduler.step(2.0)
