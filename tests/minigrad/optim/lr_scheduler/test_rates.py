"""Rates and momenta are PyTorch's, step by step; where PyTorch's make no sense, this says what ours are."""

import ast
import inspect
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import lr_scheduler, swa_utils
from minigrad.optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    CosineAnnealingLR,
    CosineAnnealingWarmRestarts,
    ExponentialLR,
    LambdaLR,
    LinearLR,
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
