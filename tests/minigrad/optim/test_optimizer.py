"""What all optimizers share: parameters and their groups, a step, zero_grad; and what each of them refuses."""

import copy
import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad as mg
from minigrad import backends, nn, optim

from .updates import ALL, KINDS, flatten, make, set_gradients, take_step


def leaf():
    return mg.zeros(2, requires_grad=True)


def as_module(parameter):
    module = nn.Module()
    module.x = parameter
    return module


# -------------------------------------------------------------------------------------------------------- a step


def test_parameters_without_gradient_are_left_alone():
    params, optimizer = make("adamw_options")
    set_gradients(params, 0)
    params[1].grad = None
    before = params[1].data.copy()
    optimizer.step()
    assert np.array_equal(params[1].data, before) and params[1] not in optimizer.state
    assert set(optimizer.state_dict()["state"]) == {0, 2, 3, 4}


def test_a_frozen_parameter_gets_no_gradient_and_stays():
    model = nn.Linear(2, 2)
    model.bias.requires_grad_(False)
    optimizer = optim.AdamW(model.parameters())
    before = model.bias.data.copy()
    model(mg.ones(1, 2)).sum().backward()
    optimizer.step()
    assert np.array_equal(model.bias.data, before) and model.weight in optimizer.state


def test_a_step_reaches_the_model_and_spoils_an_old_graph():
    model = nn.Linear(2, 1)
    optimizer = optim.AdamW(model.parameters(), lr=0.1)
    loss = (model.weight * model.weight).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"AdamW\.step"):
        loss.backward()


@pytest.mark.parametrize("kind", KINDS)
def test_a_closure_computes_the_loss_that_a_step_returns(kind):
    x = mg.tensor([[3.0, -2.0]], requires_grad=True)
    optimizer = getattr(optim, kind)([x], lr=0.05)

    def closure():
        optimizer.zero_grad()
        loss = ((x - mg.tensor([[1.0, 2.0]])) ** 2).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        losses = [optimizer.step(closure).item() for _ in range(5)]
    assert losses[0] == pytest.approx(20.0) and losses == sorted(losses, reverse=True) and losses[-1] < 20.0


@pytest.mark.parametrize("kind", [optim.SGD, optim.AdamW])
@pytest.mark.parametrize(
    "data, error, word",
    [
        (mg.zeros(1), ValueError, r"gradient of parameter 1 has shape \(2,\), for the parameter it must have \(1,\)"),
        (mg.zeros(2, 2), ValueError, r"\(2, 2\)"),
        (mg.zeros(2, dtype=mg.float64), TypeError, "has dtype float32, for the parameter it must have float64"),
    ],
)
def test_a_gradient_that_does_not_fit_stops_the_step_before_anything_changes(kind, data, error, word):
    params = [leaf(), leaf()]
    optimizer = kind(params, lr=0.1)
    params[0].grad, params[1].grad = mg.ones(2), mg.ones(2)
    params[1].data = data  # what is assigned to `grad` itself is checked there
    with pytest.raises(error, match=word):
        optimizer.step()
    assert all((param.data == 0).all() for param in params) and not optimizer.state


@pytest.mark.parametrize(
    "changed, error",
    [(np.zeros((4, 4)), ValueError), (np.zeros((3, 4), np.float32), TypeError)],
)
@pytest.mark.parametrize("name", ["sgd_momentum", "adam", "adafactor", "muon"])
def test_a_parameter_that_changed_under_its_state_stops_the_step_until_the_state_is_brought_along(name, changed, error):
    params, optimizer = make(name)
    take_step(params, optimizer, 0)
    before = flatten(params[1:])
    set_gradients(params, 1)
    params[0].data = changed.copy()
    params[0].grad = mg.Tensor(np.ones_like(changed))
    with pytest.raises(error, match=r"of parameter 0 has .*nothing was changed \(was the parameter changed"):
        optimizer.step()
    assert np.array_equal(flatten(params[1:]), before)
    if error is TypeError:
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.step()
        assert params[0].data.any() and params[0].dtype == np.float32


def test_a_gradient_elsewhere_stops_the_step(monkeypatch):
    class Elsewhere(np.ndarray):
        pass

    monkeypatch.setitem(backends._by_type, Elsewhere, SimpleNamespace(device="elsewhere"))
    x = mg.Tensor(np.zeros(2, np.float32), requires_grad=True)
    optimizer = optim.SGD([x])
    x.grad = mg.Tensor(np.ones(2, np.float32))
    x._data = np.ones(2, np.float32).view(Elsewhere)  # assigning to `data` would bring it here
    with pytest.raises(RuntimeError, match="gradient of parameter 0 is on 'cpu', the parameter on 'elsewhere'"):
        optimizer.step()


def test_a_parameter_in_a_mapped_file_is_trained_in_the_file(tmp_path):
    file = np.memmap(tmp_path / "weights", np.float32, "w+", shape=(3,))
    x = mg.Tensor(file, requires_grad=True)
    optimizer = optim.AdamW([x], lr=0.25, weight_decay=0.0)
    (x - 1.0).abs().sum().backward()
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    file.flush()
    assert np.allclose(np.fromfile(tmp_path / "weights", np.float32), 0.25)


def test_what_a_rule_keeps_unannounced_is_its_own_affair():
    class Counting(optim.Optimizer):
        def update(self, param, grad, state, group):
            state["calls"] = mg.tensor(state["calls"].item() + 1 if state else 1)

    x = leaf()
    optimizer = Counting([x], {"lr": 0.1})
    x.grad = mg.ones(2)
    for _ in range(3):
        optimizer.step()
    assert optimizer.state[x]["calls"].item() == 3


def test_a_moved_model_brings_its_half_precision_along():
    x = mg.tensor(np.ones(3, np.float32), requires_grad=True)
    optimizer = optim.AdamW([x], lr=0.25)
    for dtype in (np.float32, np.float16, np.float32):  # the state is float32 for both
        x.data = x.data.astype(dtype)
        x.grad = mg.tensor(np.ones(3, dtype))
        optimizer.step()
    assert (x.data < 0.3).all()


def test_an_optimizer_without_a_rule_says_so():
    x = leaf()
    optimizer = optim.Optimizer([x], {"lr": 0.1})
    x.grad = mg.ones(2)
    with pytest.raises(NotImplementedError, match="update"):
        optimizer.step()


# ----------------------------------------------------------------------------------------------------- zero_grad


def test_zero_grad():
    x = mg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([x])
    optimizer.zero_grad(set_to_none=False)
    assert x.grad is None
    (x * 2).sum().backward()
    memory = x.grad.data
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.data is memory and x.grad.item() == 0.0
    optimizer.zero_grad()
    assert x.grad is None


@pytest.mark.parametrize("zero", [lambda x: optim.SGD([x]).zero_grad(False), lambda x: as_module(x).zero_grad(False)])
def test_zeroing_spoils_a_graph_that_saved_the_gradient(zero):
    x = nn.Parameter(mg.ones(2))
    x.grad = mg.ones(2)
    loss = (x * x.grad).sum()
    zero(x)
    with pytest.raises(RuntimeError, match="zero_grad"):
        loss.backward()


@pytest.mark.parametrize("zero", [lambda x: optim.SGD([x]).zero_grad(False), lambda x: as_module(x).zero_grad(False)])
def test_zeroing_takes_the_gradient_out_of_its_graph(zero):
    x = nn.Parameter(mg.ones(2))
    (x**3).sum().backward(create_graph=True)
    assert x.grad.requires_grad
    zero(x)
    assert not x.grad.requires_grad and x.grad.is_leaf
    (x**2).sum().backward()
    assert not x.grad.requires_grad and x.grad.tolist() == [2.0, 2.0]


# ------------------------------------------------------------------------------------------ parameters and groups


@pytest.mark.parametrize(
    "params, error, word",
    [
        (lambda: [], ValueError, "no parameters"),
        (lambda: iter([]), ValueError, "no parameters"),
        (lambda: leaf(), TypeError, "iterable of tensors"),
        (lambda: nn.Linear(2, 2), TypeError, r"got Linear; pass model.parameters\(\)"),
        (lambda: {"params": [leaf()]}, TypeError, "got dict"),
        (lambda: None, TypeError, "got NoneType"),
        (lambda: [leaf(), 3.0], TypeError, "float as parameter 1"),
        (lambda: [leaf() * 2], ValueError, "computed"),
        (lambda: [(x := leaf()), x], ValueError, "twice"),
        (lambda: [{"params": [(x := leaf())]}, {"params": [x]}], ValueError, "twice"),
        (lambda: [{"params": [leaf()], "weigth_decay": 0.1}], ValueError, "weigth_decay"),
        (lambda: [{"lr": 0.1}], TypeError, "params"),
        (lambda: [{"params": [leaf()]}, leaf()], TypeError, "mixed"),
        (lambda: [leaf(), {"params": [leaf()]}], TypeError, "dict as parameter 1"),
        (lambda: [{"params": [leaf()], "lr": -1.0}], ValueError, "lr"),
        (lambda: [leaf(), ("weight", leaf())], ValueError, "some have none"),
        (lambda: [("weight", 3.0)], TypeError, r"float as parameter 0 \(weight\)"),
        (lambda: [(leaf(), leaf(), leaf())], TypeError, "tuple as parameter 0"),
        (lambda: {leaf(), leaf()}, TypeError, "order"),
        (lambda: [{"params": frozenset([leaf()])}], TypeError, "order"),
        (lambda: [nn.Parameter(mg.zeros(1, 2).expand(3, 2))], ValueError, r"parameter 0, of shape \(3, 2\).*read-only"),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(params, error, word):
    with pytest.raises(error, match=word):
        optim.AdamW(params())


def test_parameters_may_come_from_a_generator_and_a_group_may_be_empty():
    model = nn.Linear(2, 2)
    groups = ({"params": params} for params in (model.parameters(), [], leaf()))
    optimizer = optim.AdamW(groups)
    assert [len(group["params"]) for group in optimizer.param_groups] == [2, 0, 1]


def test_named_parameters_are_known_by_their_names():
    model = nn.Linear(2, 2)
    optimizer = optim.AdamW(model.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.param_groups[0]["params"] == [model.weight, model.bias]
    optimizer.add_param_group({"params": leaf()})
    model.bias.grad, kept = mg.ones(2), model.bias.data
    model.bias.data = mg.ones(3)
    with pytest.raises(ValueError, match=r"gradient of parameter 1 \(bias\) has shape \(2,\)"):
        optimizer.step()
    model.bias.data = kept
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["param_names"] == ["weight", "bias"] and "bias" not in repr(optimizer)
    other = optim.AdamW([{"params": [("w", mg.zeros(2, 2)), ("b", leaf())]}, {"params": leaf()}])
    other.load_state_dict(saved)
    assert other.param_groups[0]["param_names"] == ["w", "b"]


def test_a_given_group_is_not_changed():
    group = {"params": (leaf() for _ in range(2))}
    before = dict(group)
    optim.AdamW([group])
    assert group == before


def test_a_group_keeps_what_else_is_in_it():
    optimizer = optim.SGD([{"params": [leaf()], "name": "embedding"}])
    saved = optimizer.state_dict()
    optimizer.param_groups[0]["name"] = "changed"
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["name"] == "embedding"


def test_a_group_added_under_a_scheduler_is_scheduled():
    optimizer = optim.SGD([leaf()], lr=0.1)
    scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=5)
    optimizer.add_param_group({"params": leaf(), "lr": 0.4})
    optimizer.step()
    scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.2]


def test_a_refused_group_changes_nothing():
    optimizer = optim.SGD([leaf()])
    for wrong in ({"params": [leaf()], "lr": -1.0}, {"params": [leaf(), 3]}):
        with pytest.raises((ValueError, TypeError)):
            optimizer.add_param_group(wrong)
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": leaf(), "lr": 1.0})
    assert optimizer.param_groups[1]["lr"] == 1.0 and optimizer.param_groups[1]["momentum"] == 0.0


def test_repr_counts():
    _, optimizer = make("sgd")
    settings = "lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False, maximize=False"
    assert repr(optimizer).splitlines()[1] == f"  {settings}: 1 tensors, 12 parameters"


# ------------------------------------------------------------------------------------------------------- copying


@pytest.mark.parametrize("name", ALL)
def test_a_deep_copy_takes_its_own_parameters_along(name):
    params, optimizer = make(name)
    for step in range(3):
        take_step(params, optimizer, step)
    twins, twin = copy.deepcopy((params, optimizer))
    owned = [param for group in twin.param_groups for param in group["params"]]
    assert all(own is other for own, other in zip(owned, twins, strict=True))
    before = flatten(params)
    for step in range(3, 6):
        take_step(twins, twin, step)
    assert np.array_equal(flatten(params), before)
    for step in range(3, 6):
        take_step(params, optimizer, step)
    assert np.array_equal(flatten(params), flatten(twins))


def test_an_optimizer_is_not_pickled():
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(make("adam")[1])
