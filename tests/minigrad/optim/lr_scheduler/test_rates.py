"""Rates and momenta are PyTorch's, step by step; where PyTorch's make no sense, this says what ours are."""

import ast
import inspect
import math

import numpy as np
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
from tests.oracle import scheduler_cases as cases

from .ours import EXPECTED, RECORDED, build, make_optimizer, rates, step

CLOSE = {"rtol": 1e-11, "atol": 1e-14}  # PyTorch's recursive formulas drift by some 1e-13 in 70 steps


@pytest.mark.parametrize("name", RECORDED["signatures"])
def test_arguments_and_defaults_are_pytorchs(name):
    homes = [home for home in (lr_scheduler, swa_utils, mg.nn.utils) if name in vars(home)]
    parameters = inspect.signature(getattr(homes[0], name)).parameters.values()
    defaults = {each.name: None if each.default is each.empty else repr(each.default) for each in parameters}
    wanted = RECORDED["signatures"][name]
    assert list(defaults) == list(wanted)
    for parameter, text in wanted.items():
        if text:
            assert ast.literal_eval(defaults[parameter]) == ast.literal_eval(text), parameter
        else:
            assert defaults[parameter] is None, parameter


@pytest.mark.parametrize("name", cases.single)
def test_a_scheduler_sets_pytorchs_rates_and_momenta(name):
    optimizer = make_optimizer(name)
    np.testing.assert_allclose(
        cases.run(optimizer, build(name, optimizer), cases.STEPS), EXPECTED[f"single/{name}"], **CLOSE
    )


@pytest.mark.parametrize("name", cases.several)
def test_several_schedulers_set_pytorchs_rates_and_momenta(name):
    optimizer = make_optimizer(name)
    np.testing.assert_allclose(
        cases.run(optimizer, build(name, optimizer), cases.STEPS), EXPECTED[f"several/{name}"], **CLOSE
    )


@pytest.mark.parametrize("name", cases.touched)
def test_rates_that_are_changed_by_hand_go_on_as_pytorchs(name):
    optimizer = make_optimizer(name)
    found = cases.run(optimizer, build(name, optimizer), cases.STEPS, touch=cases.touched[name])
    np.testing.assert_allclose(found, EXPECTED[f"touched/{name}"], **CLOSE)


@pytest.mark.parametrize("name", cases.warmup_stable_decay)
def test_warmup_stable_decay_sets_the_rates_of_transformers(name):
    optimizer = make_optimizer()
    scheduler = WarmupStableDecayLR(optimizer, **cases.warmup_stable_decay[name])
    np.testing.assert_allclose(cases.run(optimizer, [scheduler], cases.STEPS), EXPECTED[f"wsd/{name}"], **CLOSE)


def test_a_scheduler_made_late_goes_on_from_the_rates_it_finds():
    optimizer = make_optimizer()
    first = cases.run(optimizer, [ExponentialLR(optimizer, 0.9)], 10)
    late = cases.run(optimizer, [CosineAnnealingLR(optimizer, 20, 0.01)], cases.STEPS)
    np.testing.assert_allclose(np.concatenate([first, late]), EXPECTED["late"], **CLOSE)


def test_warm_restarts_go_to_fractions_of_an_epoch():
    optimizer = make_optimizer()
    scheduler = CosineAnnealingWarmRestarts(optimizer, 5, 2, 0.1)
    found = []
    for quarter in range(4 * cases.STEPS):
        scheduler.step(quarter / 4)
        found.append(rates(optimizer))
    np.testing.assert_allclose(found, EXPECTED["fractions"], **CLOSE)


def test_get_last_lr_has_the_rates_of_now():
    for name in (*cases.single, *cases.several):
        optimizer = make_optimizer(name)
        schedulers = build(name, optimizer)
        for _ in range(4):
            assert schedulers[-1].get_last_lr() == rates(optimizer)
            cases.run(optimizer, schedulers, 1)


# ------------------------------------------------------------------------------------------------ closed forms


@pytest.mark.parametrize(
    "make, wanted",
    [
        (lambda o: ExponentialLR(o, 0.999), lambda n: 0.999**n),
        (lambda o: StepLR(o, 7, 0.99), lambda n: 0.99 ** (n // 7)),
        (lambda o: LinearLR(o, 0.1, 0.9, 1500), lambda n: 0.1 + 0.8 * min(n / 1500, 1)),
        (lambda o: CosineAnnealingLR(o, 333), lambda n: 0.5 + 0.5 * math.cos(math.pi * n / 333)),
    ],
)
def test_no_error_builds_up_over_many_steps(make, wanted):
    optimizer = make_optimizer()
    scheduler = make(optimizer)
    for n in range(2000):
        assert rates(optimizer)[0] == pytest.approx(wanted(n), rel=1e-14, abs=1e-14)
        step(optimizer, scheduler)


def test_rates_are_the_bits_of_the_formula_while_nothing_else_changes_them():
    optimizer = make_optimizer()
    scheduler = ExponentialLR(optimizer, 0.999)
    for n in range(2000):
        assert rates(optimizer) == [0.999**n, 0.2 * 0.999**n]
        step(optimizer, scheduler)


def test_a_constant_factor_of_zero_comes_to_an_end():
    """PyTorch divides by the factor then."""
    optimizer = make_optimizer()
    scheduler = ConstantLR(optimizer, 0.0, 3)
    found = []
    for _ in range(5):
        found.append(rates(optimizer))
        step(optimizer, scheduler)
    assert found == [[0.0, 0.0]] * 3 + [[1.0, 0.2]] * 2


def test_one_cycle_with_a_rise_of_no_length_starts_at_the_top():
    """PyTorch divides by the length then."""
    optimizer = make_optimizer()
    scheduler = OneCycleLR(optimizer, 0.5, total_steps=10, pct_start=0.1)
    assert rates(optimizer) == [0.5, 0.5]
    step(optimizer, scheduler, times=9)
    assert rates(optimizer) == pytest.approx([0.5 / 25 / 1e4] * 2)


def test_the_line_of_one_cycle_never_falls_below_its_end():
    """PyTorch's last rate, which no step uses, is negative then."""
    optimizer = make_optimizer()
    scheduler = OneCycleLR(optimizer, 0.5, total_steps=10, anneal_strategy="linear")
    step(optimizer, scheduler, times=10)
    assert rates(optimizer) == pytest.approx([0.5 / 25 / 1e4] * 2)
    with pytest.raises(ValueError, match="step 11 is beyond total_steps=10"):
        step(optimizer, scheduler)
    assert scheduler.last_epoch == 10


def test_chained_schedulers_start_anew_inside_a_sequence():
    """PyTorch's cannot come later, and its chained ExponentialLR falls at step 0 already."""
    optimizer = make_optimizer()
    chained = ChainedScheduler([ConstantLR(optimizer, 0.5, 2), ExponentialLR(optimizer, 0.9)])
    scheduler = SequentialLR(optimizer, [LinearLR(optimizer, 0.1, 1.0, 3), chained], [3])
    found = []
    for _ in range(7):
        found.append(rates(optimizer)[0])
        step(optimizer, scheduler)
    assert found == pytest.approx([0.1, 0.4, 0.7, 0.5, 0.45, 0.81, 0.729])


def test_sequences_start_anew_inside_a_sequence():
    optimizer = make_optimizer()
    inner = [
        SequentialLR(optimizer, [ConstantLR(optimizer, factor, 9), ExponentialLR(optimizer, 0.5)], [2])
        for factor in (0.1, 0.3)
    ]
    scheduler = SequentialLR(optimizer, inner, [4])
    found = []
    for _ in range(8):
        found.append(rates(optimizer)[0])
        step(optimizer, scheduler)
    assert found == pytest.approx([0.1, 0.1, 1.0, 0.5, 0.3, 0.3, 1.0, 0.5])


def test_rates_below_zero_are_refused_but_for_rounding():
    """PyTorch goes on with them, uphill."""
    optimizer = make_optimizer()
    pair = [CosineAnnealingLR(optimizer, 9, 0.02), CosineAnnealingLR(optimizer, 14)]
    with pytest.raises(ValueError, match=r"CosineAnnealingLR: the learning rate of group 1 would be -0\.006"):
        step(optimizer, *pair, times=20)
    assert pair[0].last_epoch == 10  # as before the step
    LambdaLR(optimizer, lambda n: -1e-16)
    assert rates(optimizer) == [0.0, 0.0]


def test_a_group_added_later_joins_at_the_step_the_others_are_at():
    for make in (
        lambda o: ConstantLR(o, 0.5, 9),
        lambda o: CosineAnnealingLR(o, 10, 0.1),
        lambda o: CosineAnnealingWarmRestarts(o, 3, 2),
        lambda o: ChainedScheduler([LinearLR(o, total_iters=8), ExponentialLR(o, 0.9)]),
    ):
        optimizer = make_optimizer()
        scheduler = make(optimizer)
        step(optimizer, scheduler, times=4)
        optimizer.add_param_group({"params": [mg.zeros(1, requires_grad=True)], "lr": 1.0})
        for _ in range(12):
            step(optimizer, scheduler)
            assert rates(optimizer)[2] == pytest.approx(rates(optimizer)[0], rel=1e-14)
    assert len(optimizer.param_groups) == 3


def test_a_group_added_later_joins_where_a_formula_starts_anew():
    optimizer = make_optimizer()
    parts = [ConstantLR(optimizer, 0.5, 9), ExponentialLR(optimizer, 0.9)]
    scheduler = SequentialLR(optimizer, parts, [3])
    step(optimizer, scheduler, times=2)
    optimizer.add_param_group({"params": [mg.zeros(1, requires_grad=True)], "lr": 0.4})
    step(optimizer, scheduler)
    assert rates(optimizer) == [1.0, 0.2, 0.4]


@pytest.mark.parametrize("name", ["lambda_one", "multiplicative_one", "cyclic", "onecycle"])
def test_a_group_added_later_that_cannot_join_is_refused(name):
    optimizer = make_optimizer()
    scheduler = build(name, optimizer)[0]
    optimizer.add_param_group({"params": [mg.zeros(1, requires_grad=True)], "lr": 1.0})
    with pytest.raises((ValueError, KeyError), match="group"):
        step(optimizer, scheduler)


def test_a_scheduler_of_your_own_defines_get_lr():
    class Harmonic(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [base / (self.last_epoch + 1) for base in self.base_lrs]

    optimizer = make_optimizer()
    scheduler = Harmonic(optimizer)
    step(optimizer, scheduler, times=3)
    assert scheduler.get_last_lr() == [0.25, 0.05]
    with pytest.raises(NotImplementedError, match=r"get_lr"):
        lr_scheduler.LRScheduler(make_optimizer())


def test_rates_from_tensors_and_arrays_become_numbers():
    optimizer = make_optimizer()
    LambdaLR(optimizer, [lambda n: mg.tensor(0.5), lambda n: np.float32(0.5)])
    assert [type(rate) for rate in rates(optimizer)] == [float, float]
    assert rates(optimizer) == [0.5, 0.1]

    class Own(lr_scheduler.LRScheduler):
        def get_lr(self):
            return [mg.tensor(0.5), np.float32(0.25)]

    Own(optimizer)
    assert [type(rate) for rate in rates(optimizer)] == [float, float]
    assert rates(optimizer) == [0.5, 0.25]


# ----------------------------------------------------------------------------------- who steps, and when


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


# ------------------------------------------------------------------------------------------- wrong arguments


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
