"""A run that goes on from saved states, or by `last_epoch`, has the rates of one that was never stopped."""

import gc
import json
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.optim import lr_scheduler
from tests.oracle import scheduler_cases as cases

from .ours import EXPECTED, LIBRARY, ONCE, RECORDED, build, make_optimizer, rates, step

ALL = [*cases.single, *cases.several]
STOPS = st.integers(0, cases.STEPS)


def through_json(state):
    return json.loads(json.dumps(state))


def stopped(name, at):
    """An optimizer and its schedulers after some steps."""
    optimizer = make_optimizer(name)
    schedulers = build(name, optimizer)
    cases.run(optimizer, schedulers, at)
    return optimizer, schedulers


@pytest.mark.parametrize("optimizer_first", [True, False])
@settings(max_examples=400, deadline=None, derandomize=True)
@given(name=st.sampled_from(ALL), at=STOPS)
def test_saved_states_go_on_to_the_same_bits(optimizer_first, name, at):
    optimizer, schedulers = stopped(name, at)
    saved = through_json(optimizer.state_dict()), [through_json(each.state_dict()) for each in schedulers]
    twin = make_optimizer(name)
    resumed = build(name, twin)
    if optimizer_first:
        twin.load_state_dict(saved[0])
    for scheduler, state in zip(resumed, saved[1]):
        scheduler.load_state_dict(state)
    if not optimizer_first:
        twin.load_state_dict(saved[0])
    assert [each.get_last_lr() for each in resumed] == [each.get_last_lr() for each in schedulers]
    rest = cases.STEPS - at
    assert np.array_equal(
        cases.run(twin, resumed, rest, start=at), cases.run(optimizer, schedulers, rest, start=at), equal_nan=True
    )


@settings(max_examples=300, deadline=None, derandomize=True)
@given(name=st.sampled_from(ALL), at=STOPS)
def test_the_state_of_a_single_scheduler_brings_its_rates(name, at):
    optimizer, schedulers = stopped(name, at)
    if len(schedulers) == 1:
        twin = make_optimizer(name)
        (resumed,) = build(name, twin)
        resumed.load_state_dict(through_json(schedulers[0].state_dict()))
        assert rates(twin) == rates(optimizer)


def test_loading_a_state_keeps_rates_that_were_set_since():
    _, (scheduler,) = stopped("step", 20)
    twin = make_optimizer()
    (resumed,) = build("step", twin)
    cases.set_rates(twin, 0.7)
    resumed.load_state_dict(scheduler.state_dict())
    assert rates(twin) == [0.7, 0.2 * 0.7]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(name=st.sampled_from(ONCE), at=st.integers(1, cases.STEPS - 1))
def test_last_epoch_goes_on_with_a_restored_optimizer(name, at):
    optimizer, _ = stopped(name, at)
    twin = make_optimizer(name)
    for group in twin.param_groups:  # what a scheduler adds to the groups is restored where it is there already
        group.update(dict.fromkeys(("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"), 0.0))
    twin.load_state_dict(through_json(optimizer.state_dict()))
    resumed = build(name, twin, last_epoch=at - 1)
    assert resumed[0].last_epoch == at
    found = cases.run(twin, resumed, cases.STEPS - at, start=at)
    np.testing.assert_allclose(found, EXPECTED[f"single/{name}"][at:], rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("name", ["step", "multistep", "constant_long", "linear_down", "exponential", "cosine"])
@pytest.mark.parametrize("at", [1, 5, 6, 12, 40])
def test_last_epoch_starts_a_new_optimizer_at_the_rates_of_that_step(name, at):
    """PyTorch would go on from the initial rates."""
    optimizer = make_optimizer()
    for group in optimizer.param_groups:
        group["initial_lr"] = group["lr"]
    scheduler = build(name, optimizer, last_epoch=at - 1)
    found = cases.run(optimizer, scheduler, cases.STEPS - at, start=at)[:, :2]
    np.testing.assert_allclose(found, EXPECTED[f"single/{name}"][at:, :2], rtol=1e-11, atol=1e-14)


def test_chained_schedulers_go_on_by_last_epoch_too():
    def make(optimizer, **more):
        return [lr_scheduler.CosineAnnealingLR(optimizer, 50, **more), lr_scheduler.StepLR(optimizer, 7, 0.8, **more)]

    optimizer = make_optimizer()
    schedulers = make(optimizer)
    step(optimizer, *schedulers, times=17)
    twin = make_optimizer()
    twin.load_state_dict(optimizer.state_dict())
    resumed = make(twin, last_epoch=16)
    for _ in range(20):
        assert rates(twin) == pytest.approx(rates(optimizer), rel=1e-13)
        step(optimizer, *schedulers)
        step(twin, *resumed)


@pytest.mark.parametrize("at", [1, 7, 8, 9, 21, 30])
def test_a_sequence_starts_at_a_later_step(at):
    def make(o, **more):
        parts = [LIBRARY.LambdaLR(o, lambda n: (n + 1) / 8), LIBRARY.MultiplicativeLR(o, lambda n: 0.9),
                 LIBRARY.CosineAnnealingWarmRestarts(o, 4, 2)]  # fmt: skip
        return LIBRARY.SequentialLR(o, parts, [8, 20], **more)

    optimizer = make_optimizer()
    scheduler = make(optimizer)
    step(optimizer, scheduler, times=at)
    twin = make_optimizer()
    resumed = make(twin, last_epoch=at - 1)
    for _ in range(30):
        assert rates(twin) == rates(optimizer) and resumed.last_epoch == scheduler.last_epoch
        step(optimizer, scheduler)
        step(twin, resumed)


@pytest.mark.parametrize("make", [lambda o: lr_scheduler.StepLR(o, 3, last_epoch=4),
                                  lambda o: lr_scheduler.LambdaLR(o, lambda n: 1.0, last_epoch=4)])  # fmt: skip
def test_last_epoch_needs_initial_rates(make):
    with pytest.raises(KeyError, match="needs 'initial_lr' in parameter group 0"):
        make(make_optimizer())


def test_last_epoch_of_one_cycle_needs_the_bounds_in_the_groups():
    for missing in ("max_lr", "max_momentum"):
        optimizer = make_optimizer()
        lr_scheduler.OneCycleLR(optimizer, 1.0, 50)
        for group in optimizer.param_groups:
            del group[missing]
        with pytest.raises(KeyError, match=f"OneCycleLR: a parameter group has no '{missing}'"):
            lr_scheduler.OneCycleLR(optimizer, 1.0, 50, last_epoch=4)


@pytest.mark.parametrize("name", cases.single)
def test_states_saved_by_pytorch_go_on_to_its_rates(name):
    optimizer = make_optimizer(name)
    (scheduler,) = build(name, optimizer)
    scheduler.load_state_dict({**RECORDED["states"][name], "verbose": False})  # as versions before 2.7 have it
    for group, momentum in zip(optimizer.param_groups, EXPECTED[f"single/{name}"][cases.SAVED_AT, 2:]):
        if "betas" not in group:
            group["momentum"] = momentum
        else:
            group["betas"] = (momentum, *group["betas"][1:])
    found = cases.run(optimizer, [scheduler], cases.STEPS - cases.SAVED_AT, start=cases.SAVED_AT)
    np.testing.assert_allclose(found, EXPECTED[f"single/{name}"][cases.SAVED_AT :], rtol=1e-11, atol=1e-14)


# ------------------------------------------------------------------------------------- what is and is not saved


def test_a_state_is_not_changed_by_what_comes_after():
    optimizer, (scheduler,) = stopped("multistep", 3)
    state = scheduler.state_dict()
    before = json.dumps(state)
    step(optimizer, scheduler, times=40)
    optimizer.add_param_group({"params": [mg.zeros(1, requires_grad=True)]})
    step(optimizer, scheduler)
    assert json.dumps(state) == before
    twin = make_optimizer()
    (resumed,) = build("multistep", twin)
    resumed.load_state_dict(state)
    step(twin, resumed, times=40)
    resumed.milestones.clear()
    assert json.dumps(state) == before


class Warm:
    """A function that remembers."""

    def __init__(self, steps):
        self.steps = steps

    def __call__(self, n):
        return min(1.0, (n + 1) / self.steps)


@pytest.mark.parametrize("kind", [lr_scheduler.LambdaLR, lr_scheduler.MultiplicativeLR])
def test_objects_that_are_called_are_saved_by_their_attributes_and_functions_not_at_all(kind):
    scheduler = kind(make_optimizer(), [Warm(5), lambda n: 0.5])
    assert scheduler.state_dict()["lr_lambdas"] == [{"steps": 5}, None]
    twin = kind(make_optimizer(), [Warm(9), lambda n: 0.5])
    twin.load_state_dict(through_json(scheduler.state_dict()))
    assert twin.lr_lambdas[0].steps == 5 and twin.lr_lambdas[1](0) == 0.5


def test_the_scale_of_a_cycle_is_saved_by_its_attributes():
    scheduler = lr_scheduler.CyclicLR(make_optimizer(), 0.1, 1.0, scale_fn=Warm(5))
    twin = lr_scheduler.CyclicLR(make_optimizer(), 0.1, 1.0, scale_fn=Warm(9))
    twin.load_state_dict(through_json(scheduler.state_dict()))
    assert twin._scale_fn_custom.steps == 5


def test_builtin_functions_can_be_scheduled_and_saved():
    scheduler = lr_scheduler.LambdaLR(make_optimizer(), max(1, 2).bit_length().__add__)
    assert scheduler.state_dict()["lr_lambdas"] == [None, None]


def test_settings_from_numpy_are_saved_as_plain_numbers():
    optimizer = make_optimizer(lr=np.float32(0.5))
    scheduler = lr_scheduler.StepLR(optimizer, np.int64(3), np.float32(0.5))
    twin = lr_scheduler.MultiStepLR(optimizer, np.array([3, 5]))
    assert through_json(scheduler.state_dict())["step_size"] == 3
    assert through_json(scheduler.state_dict())["base_lrs"] == [0.5, 0.2]
    assert through_json(twin.state_dict())["milestones"] == {"3": 1, "5": 1}


@pytest.mark.parametrize(
    "change, match",
    [
        (lambda state: state.pop("step_size"), "lacks 'step_size'"),
        (lambda state: state.update(total_iters=3), "has 'total_iters'"),
        (lambda state: state.update(base_lrs=[1.0]), "1 groups in 'base_lrs', the optimizer 2"),
        (lambda state: state.update(_last_lr=[1.0] * 3), "3 groups in '_last_lr'"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_nothing_changes(change, match):
    _, (scheduler,) = stopped("step", 13)
    state = {**scheduler.state_dict(), "gamma": 0.7}
    change(state)
    with pytest.raises(ValueError, match=match):
        scheduler.load_state_dict(state)
    assert scheduler.gamma == 0.1
    with pytest.raises(TypeError, match="mapping"):
        scheduler.load_state_dict([1.0])


def test_a_combined_state_that_does_not_fit_is_refused_and_nothing_changes():
    optimizer = make_optimizer()
    scheduler = lr_scheduler.ChainedScheduler(
        [lr_scheduler.StepLR(optimizer, 3), lr_scheduler.ExponentialLR(optimizer, 0.9)]
    )
    state = scheduler.state_dict()
    one = {**state, "_schedulers": state["_schedulers"][:1]}
    with pytest.raises(ValueError, match="1 schedulers, not 2"):
        scheduler.load_state_dict(one)
    swapped = {**state, "_schedulers": [{**state["_schedulers"][0], "gamma": 0.3}, state["_schedulers"][0]]}
    with pytest.raises(ValueError, match="ExponentialLR"):
        scheduler.load_state_dict(swapped)
    assert scheduler._schedulers[0].gamma == 0.1


def test_functions_for_another_number_of_groups_are_refused():
    _, (scheduler,) = stopped("lambda", 3)
    with pytest.raises(ValueError, match="lr_lambdas"):
        scheduler.load_state_dict({**scheduler.state_dict(), "lr_lambdas": [None]})


def test_an_optimizer_with_schedulers_dies_by_reference_counting():
    gc.disable()
    try:
        optimizer = make_optimizer()
        schedulers = build("chained_many", optimizer)
        step(optimizer, *schedulers, times=2)
        watch = weakref.ref(optimizer)
        del optimizer, schedulers
        assert watch() is None
    finally:
        gc.enable()
