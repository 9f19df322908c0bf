"""Small parameters are updated as one, and nobody can tell."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import bundle, optimizer

from .updates import ALL, KINDS, flatten, make, take_step

pytestmark = pytest.mark.host("parameters are brought together in host memory")
ONE_BY_ONE = {"Adafactor", "Muon"}  # whose rules look at a whole matrix


def kept(params, opt):
    """Everything that is kept, as one array."""
    return [
        (name, tensor.dtype, tensor.shape, tensor.numpy().ravel().tolist())
        for param in params for name, tensor in sorted(opt.state.get(param, {}).items())
    ]  # fmt: skip


def calls_of(opt, monkeypatch):
    sizes, update = [], opt.update
    monkeypatch.setattr(opt, "update", lambda param, *rest: sizes.append(param.size) or update(param, *rest))
    return sizes


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ALL)
def test_a_step_has_the_bits_of_one_parameter_after_the_other(name, dtype, monkeypatch):
    together, opt = make(name, dtype)
    alone, other = make(name, dtype)
    for step in range(6):  # in some of which some have no gradient
        take_step(together, opt, step)
        with monkeypatch.context() as patch:
            patch.setattr(optimizer, "SMALL", -1)
            take_step(alone, other, step)
        np.testing.assert_array_equal(flatten(together), flatten(alone))
        assert kept(together, opt) == kept(alone, other)


def stepped(opt, params, value=1.0):
    for number, param in enumerate(params):
        param.grad = mg.full(param.shape, value * (number + 1), dtype=param.dtype)
    opt.step()


@pytest.fixture
def params():
    shapes = (3,), (2, 2), (), (0, 2), (5, 1)
    return [mg.full(shape, 1.0 + i).requires_grad_() for i, shape in enumerate(shapes)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_rule_runs_once_for_small_parameters_if_elements_are_its_own_affair(kind, params, monkeypatch):
    matrices = [mg.ones(3, 2).requires_grad_(), mg.ones(2, 2).requires_grad_()]
    opt = getattr(optim, kind)([{"params": matrices}], lr=0.1)
    sizes = calls_of(opt, monkeypatch)
    stepped(opt, matrices)
    stepped(opt, matrices)
    assert sizes == ([6, 4, 6, 4] if kind in ONE_BY_ONE else [10, 10])


def test_each_group_and_each_dtype_by_itself_and_large_ones_alone(params, monkeypatch):
    monkeypatch.setattr(optimizer, "SMALL", 4)
    other = [mg.ones(2, dtype=mg.float64).requires_grad_(), mg.ones(1).requires_grad_()]
    opt = optim.Adam([{"params": params}, {"params": other, "lr": 0.5}])
    sizes = calls_of(opt, monkeypatch)
    stepped(opt, params + other)
    assert sorted(sizes) == [1, 2, 5, 8]  # of one group all but the last; the others differ in dtype


def test_views_of_one_memory_are_not_brought_together(monkeypatch):
    memory = np.ones(4, np.float32)
    views = [mg.from_numpy(memory[:3]).requires_grad_(), mg.from_numpy(memory[1:]).requires_grad_()]
    opt = optim.SGD(views, lr=0.5)
    sizes = calls_of(opt, monkeypatch)
    for view in views:
        view.grad = mg.ones(3)
    opt.step()
    assert sizes == [3, 3]
    np.testing.assert_array_equal(memory, [0.5, 0.0, 0.0, 0.5])


def test_the_state_of_a_parameter_is_its_own(params):
    opt = optim.Adam(params)
    stepped(opt, params)
    for number, param in enumerate(params):
        state = opt.state[param]
        assert state["exp_avg"].shape == param.shape and state["step"].item() == 1
        np.testing.assert_allclose(state["exp_avg"].numpy(), 0.1 * (number + 1), rtol=1e-6)
    params[0].grad = None
    for param in params[1:]:
        param.grad = mg.ones_like(param)
    opt.step()
    assert [opt.state[param]["step"].item() for param in params] == [1, 2, 2, 2, 2]
    before = opt.state[params[0]]["exp_avg"].numpy().copy()
    stepped(opt, params)  # they are at different steps now
    assert [opt.state[param]["step"].item() for param in params] == [2, 3, 3, 3, 3]
    assert (opt.state[params[0]]["exp_avg"].numpy() != before).all()


def assigned_tensor(opt, param):
    opt.state[param]["exp_avg"] = mg.full(param.shape, 5.0)


def assigned_array(opt, param):
    opt.state[param]["exp_avg"].data = np.full(param.shape, 5.0, np.float32)


def written(opt, param):
    opt.state[param]["exp_avg"].data[...] = 5.0


def another_step(opt, param):
    opt.state[param]["step"].data[...] = 7


def forgotten(opt, param):
    opt.state[param].clear()


def another_value(opt, param):
    param.data = np.full(param.shape, 9.0, np.float32)


@pytest.mark.parametrize("change", [assigned_tensor, assigned_array, written, another_step, forgotten, another_value])
def test_what_others_change_counts(change, params, monkeypatch):
    opt, alone = optim.Adam(params, lr=0.1), [param.detach().clone().requires_grad_() for param in params]
    other = optim.Adam(alone, lr=0.1)
    for step in range(4):
        if step == 2:
            change(opt, params[1])
            change(other, alone[1])
        stepped(opt, params, step + 1.0)
        with monkeypatch.context() as patch:
            patch.setattr(optimizer, "SMALL", -1)
            stepped(other, alone, step + 1.0)
        np.testing.assert_array_equal(flatten(params), flatten(alone))
        assert kept(params, opt) == kept(alone, other)


def test_a_loaded_and_a_copied_optimizer_go_on_by_themselves(params):
    opt = optim.NAdam(params, lr=0.1)
    stepped(opt, params)
    twins = copy.deepcopy({"params": params, "opt": opt})
    loaded = [param.detach().clone().requires_grad_() for param in params]
    fresh = optim.NAdam(loaded, lr=0.5)
    fresh.load_state_dict(opt.state_dict())
    before = flatten(params).copy()
    stepped(twins["opt"], twins["params"], 2.0)
    stepped(fresh, loaded, 2.0)
    np.testing.assert_array_equal(flatten(params), before)
    stepped(opt, params, 2.0)
    for each in (twins["params"], loaded):
        np.testing.assert_array_equal(flatten(each), flatten(params))


def test_a_bundle_is_kept_from_step_to_step(params, monkeypatch):
    made = []
    real = bundle.Bundle
    monkeypatch.setattr(optimizer, "Bundle", lambda *args: made.append(1) or real(*args))
    opt = optim.SGD(params, lr=0.1)
    for _ in range(4):
        stepped(opt, params)
    assert len(made) == 1
    opt.param_groups[0]["momentum"] = 0.9
    for _ in range(3):
        stepped(opt, params)
    assert len(made) == 1 and set(opt.state[params[0]]) == {"momentum_buffer"}
