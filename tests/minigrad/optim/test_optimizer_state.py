"""What an optimizer saves, what it loads again or from PyTorch, and what it refuses to load."""

import json

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim

from .updates import ALL, make, set_gradients, take_step


def leaf():
    return mg.zeros(2, requires_grad=True)


def stepped(name, steps=1):
    params, optimizer = make(name)
    for step in range(steps):
        take_step(params, optimizer, step)
    return params, optimizer


@pytest.mark.parametrize("name", ALL)
def test_groups_are_plain_json_and_states_are_tensors(name):
    _, optimizer = stepped(name)
    saved = optimizer.state_dict()
    assert json.loads(json.dumps(saved["param_groups"]))[0]["lr"] == optimizer.param_groups[0]["lr"]
    assert all(isinstance(tensor, mg.Tensor) for state in saved["state"].values() for tensor in state.values())


@pytest.mark.parametrize("name", ALL)
def test_what_is_loaded_is_a_copy(name):
    _, source = stepped(name)
    twins, target = make(name)
    target.load_state_dict(source.state_dict())
    for own, state in zip(twins, source.state.values()):
        for key, tensor in state.items():
            assert not np.shares_memory(tensor.data, target.state[own][key].data)
            assert np.array_equal(tensor.data, target.state[own][key].data)


def test_settings_are_loaded():
    _, source = make("adamw_options")
    _, target = make("adamw")
    source.param_groups[1]["lr"] = 0.5
    target.load_state_dict(source.state_dict())
    assert target.param_groups[0]["betas"] == (0.4, 0.95) and target.param_groups[1]["lr"] == 0.5


PYTORCHS = {
    "lr": 0.5, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False, "maximize": False,
    "foreach": None, "capturable": False, "differentiable": False, "fused": None, "decoupled_weight_decay": False,
}  # fmt: skip


def test_what_pytorch_saved_is_loaded():
    params, optimizer = make("adam")
    state = {"step": mg.tensor(3.0), "exp_avg": mg.ones(3, 4), "exp_avg_sq": mg.ones(3, 4)}
    groups = [{**PYTORCHS, "params": [0]}, {**PYTORCHS, "amsgrad": True, "params": [1, 2, 3, 4]}]
    optimizer.load_state_dict({"state": {0: state}, "param_groups": groups})
    assert int(optimizer.state[params[0]]["step"]) == 3
    assert optimizer.state[params[0]]["exp_avg"].dtype == np.float64
    assert optimizer.param_groups[0]["lr"] == 0.5 and optimizer.param_groups[1]["amsgrad"]
    assert "foreach" not in optimizer.param_groups[0]


def test_pytorchs_sgd_without_momentum_keeps_nothing():
    params, optimizer = make("sgd")
    saved = optimizer.state_dict()
    optimizer.load_state_dict({**saved, "state": {0: {"momentum_buffer": None}}})
    assert optimizer.state[params[0]] == {}


def test_a_state_outlives_the_setting_that_made_it():
    params, optimizer = stepped("sgd_momentum")
    for group in optimizer.param_groups:
        group["momentum"] = 0.0
    optimizer.load_state_dict(optimizer.state_dict())
    assert "momentum_buffer" in optimizer.state[params[0]]


def test_decoupled_decay_is_loaded_by_adam_and_not_taken_from_adamw():
    saved = {"state": {}, "param_groups": [{**PYTORCHS, "params": [0], "decoupled_weight_decay": True}]}
    adam = optim.Adam([leaf()])
    adam.load_state_dict(saved)
    assert adam.param_groups[0]["decoupled_weight_decay"]
    optim.AdamW([leaf()]).load_state_dict(saved)
    saved["param_groups"][0]["decoupled_weight_decay"] = False
    with pytest.raises(ValueError, match="decoupled_weight_decay=False"):
        optim.AdamW([leaf()]).load_state_dict(saved)
    with pytest.raises(ValueError, match="decoupled_weight_decay=False"):
        optim.AdamW([{"params": [leaf()], "decoupled_weight_decay": False}])


@pytest.mark.parametrize("kind, variant", [("Muon", "maximize"), ("Lion", "amsgrad"), ("RMSprop", "amsgrad"),
                                           ("Adamax", "decoupled_weight_decay")])  # fmt: skip
def test_a_variant_that_an_optimizer_has_not_is_not_loaded(kind, variant):
    optimizer = getattr(optim, kind)([mg.zeros(2, 2, requires_grad=True)])
    saved = optimizer.state_dict()
    saved["param_groups"][0][variant] = True
    with pytest.raises(ValueError, match=f"{variant}=True, this {kind} has False"):
        optimizer.load_state_dict(saved)


def test_the_decay_of_lion_cannot_be_coupled():
    optimizer = optim.Lion([leaf()])
    saved = optimizer.state_dict()
    saved["param_groups"][0]["decoupled_weight_decay"] = False
    with pytest.raises(ValueError, match="decoupled_weight_decay=False, this Lion has True"):
        optimizer.load_state_dict(saved)


BASIC = ["sgd_momentum", "adam", "adagrad", "rmsprop", "adadelta", "adamax", "nadam", "radam", "lion"]
RELATED = {("adam", "radam"), ("radam", "adam")}  # RAdam is Adam with another step size: all it keeps is the same


@pytest.mark.parametrize("source", BASIC)
@pytest.mark.parametrize("target", BASIC)
def test_the_state_of_another_optimizer_is_refused(source, target):
    _, saved = stepped(source)
    _, optimizer = stepped(target)
    before = optimizer.state_dict()
    if source == target or (source, target) in RELATED:
        optimizer.load_state_dict(saved.state_dict())
    else:
        with pytest.raises(ValueError, match=r"another kind|decoupled_weight_decay=False, this Lion has True"):
            optimizer.load_state_dict(saved.state_dict())
        assert optimizer.state_dict() == before


@pytest.mark.parametrize("source, target", [("SGD", "Muon"), ("Muon", "SGD")])
def test_sgd_and_muon_are_told_apart_by_their_settings(source, target):
    def made(kind):
        x = mg.zeros(2, 2, requires_grad=True)
        optimizer = getattr(optim, kind)([x], momentum=0.9)
        x.grad = mg.ones(2, 2)
        optimizer.step()
        return optimizer

    with pytest.raises(ValueError, match="another kind"):
        made(target).load_state_dict(made(source).state_dict())


def test_a_factored_state_is_not_taken_for_a_vectors():
    _, optimizer = stepped("adafactor")
    saved = optimizer.state_dict()
    assert list(saved["state"][0]) == ["step", "row_var", "col_var"] and "variance" in saved["state"][1]
    saved["state"][1], saved["state"][0] = saved["state"][0], saved["state"][1]
    with pytest.raises(ValueError, match="state of parameter 0 is step, variance; Adafactor keeps step, row_var"):
        optimizer.load_state_dict(saved)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf"), [1.0, 1.0]])
def test_a_product_of_momenta_that_is_none_is_refused(wrong):
    _, optimizer = stepped("nadam")
    saved = optimizer.state_dict()
    saved["state"][0]["mu_product"] = mg.tensor(wrong)
    with pytest.raises(ValueError, match="mu_product of parameter 0 must be one number"):
        optimizer.load_state_dict(saved)


def test_a_state_that_does_not_fit_is_refused_and_nothing_changes():
    params, optimizer = make("adam")
    set_gradients(params, 0)
    optimizer.step()
    good = optimizer.state_dict()

    def altered(state=None, groups=None):
        return {"state": {**good["state"], **(state or {})}, "param_groups": groups or good["param_groups"]}

    one, groups = good["state"][0], good["param_groups"]
    last = groups[1]["params"]
    without = {name: value for name, value in groups[1].items() if name != "betas"}
    wrong = [
        (altered(groups=groups[:1]), "groups of"),
        (altered({7: one}), "parameter 7"),
        (altered({1: one}), r"exp_avg of parameter 1 has shape \(3, 4\)"),
        (altered({0: {"momentum_buffer": one["exp_avg"]}}), "momentum_buffer.*another kind"),
        (altered({0: {"step": one["step"], "exp_avg": one["exp_avg"]}}), "another kind"),
        (altered(groups=[{**group, "lr": -1.0} for group in groups]), "lr"),
        (altered(groups=[groups[0], without]), "no betas"),
        (altered(groups=[groups[0], {**groups[1], "params": [0, *last[1:]]}]), "twice"),
        (altered(groups=[{**groups[0], "params": [0, 1]}, {**groups[1], "params": last[1:]}]), r"groups of \[2, 3\]"),
        (altered(groups=[{"lr": 0.1}, groups[1]]), "no 'params'"),
        (altered({0: {**one, "step": mg.tensor(2.5)}}), "step of parameter 0"),
        (altered({0: {**one, "step": mg.tensor(-1)}}), "step of parameter 0"),
        (altered({0: {**one, "step": mg.ones(2)}}), "step of parameter 0"),
        (altered({0: {**one, "exp_avg": np.full((3, 4), "a")}}), "exp_avg of parameter 0 has dtype <U1"),
        ({"state": {}}, "'param_groups'"),
        ("text", "mapping"),
    ]
    before = optimizer.state[params[0]]["exp_avg"].data.copy()
    for state, word in wrong:
        with pytest.raises(ValueError, match=word):
            optimizer.load_state_dict(state)
        assert np.array_equal(optimizer.state[params[0]]["exp_avg"].data, before)
        assert optimizer.param_groups[0]["lr"] == 0.01


def test_a_state_of_float16_is_kept_in_float32():
    params, optimizer = make("adam", np.float16)
    set_gradients(params, 0)
    optimizer.step()
    saved = optimizer.state_dict()
    assert {tensor.dtype for tensor in saved["state"][0].values()} == {np.dtype(np.int64), np.dtype(np.float32)}
    optimizer.load_state_dict(saved)
    loaded = optimizer.state[params[0]]["exp_avg_sq"].data
    assert loaded.dtype == np.float32 and np.array_equal(loaded, saved["state"][0]["exp_avg_sq"].data)
