"""Optimizers follow PyTorch's paths to float64 rounding (numbers made by `tests/oracle/make_optimizers.py`), refuse
what makes no sense, and save and load their state."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.optim import optimizer as optimizer_module
from tests.oracle import optimizer_cases
from tests.oracle.optimizer_cases import SECOND_GROUP, SHAPES

with np.load(Path(optimizer_cases.__file__).parent / "optimizers.npz") as saved:
    EXPECTED = dict(saved)
SPLITS = np.cumsum([int(np.prod(shape)) for shape in SHAPES])[:-1]


def make(name, dtype=np.float64):
    kind, settings = optimizer_cases.optimizers[name]
    params = [
        mg.tensor(part.reshape(shape).astype(dtype), requires_grad=True)
        for part, shape in zip(np.split(EXPECTED["start"], SPLITS), SHAPES)
    ]
    groups = [{"params": params[:1]}, {"params": params[1:], **SECOND_GROUP}]
    return params, getattr(optim, kind)(groups, **settings)


def set_gradients(params, flat):
    for param, part in zip(params, np.split(flat, SPLITS)):
        param.grad = mg.tensor(part.reshape(param.shape).astype(param.dtype))


def flatten(tensors):
    return np.concatenate([tensor.data.ravel() for tensor in tensors])


def assert_equal_to_rounding(actual, wanted):
    assert np.abs(actual - wanted).max() <= 50 * np.finfo(np.float64).eps * max(1.0, np.abs(wanted).max())


NAMES = list(optimizer_cases.optimizers)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("piece", [optimizer_module.PIECE, 5])
def test_paths_are_pytorchs(name, piece, monkeypatch):
    monkeypatch.setattr(optimizer_module, "PIECE", piece)
    params, optimizer = make(name)
    memory = [param.data for param in params]
    for gradient, wanted in zip(EXPECTED["gradients"], EXPECTED[f"{name}/path"], strict=True):
        set_gradients(params, gradient)
        optimizer.step()
        assert_equal_to_rounding(flatten(params), wanted)
        assert_equal_to_rounding(flatten(param.grad for param in params), gradient)
    assert all(param.data is array for param, array in zip(params, memory))
    state = optimizer.state_dict()["state"]
    for key in [key for key in EXPECTED if key.startswith(f"{name}/state/")]:
        own = flatten(state[number][key.split("/")[-1]] for number in range(len(params)))
        assert_equal_to_rounding(own, EXPECTED[key])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("piece", [optimizer_module.PIECE, 5])
def test_memory_layout_does_not_matter(name, piece, monkeypatch):
    monkeypatch.setattr(optimizer_module, "PIECE", piece)
    params, optimizer = make(name)
    params[0].data = params[0].data.T.copy().T
    for number, gradient in enumerate(EXPECTED["gradients"]):
        set_gradients(params, gradient)
        if number % 2:
            params[0].grad.data = params[0].grad.data.T.copy().T
        optimizer.step()
    assert_equal_to_rounding(flatten(params), EXPECTED[f"{name}/path"][-1])


@pytest.mark.parametrize("name", ["sgd_nesterov", "adamw_options"])
def test_float32_stays_float32_and_close(name):
    params, optimizer = make(name, np.float32)
    for gradient in EXPECTED["gradients"]:
        set_gradients(params, gradient)
        optimizer.step()
    assert all(param.dtype == np.float32 for param in params)
    assert np.abs(flatten(params) - EXPECTED[f"{name}/path"][-1]).max() < 1e-5


def test_parameters_without_gradient_are_left_alone():
    params, optimizer = make("adamw_options")
    set_gradients(params, EXPECTED["gradients"][0])
    params[1].grad = None
    before = params[1].data.copy()
    optimizer.step()
    assert np.array_equal(params[1].data, before) and params[1] not in optimizer.state
    assert set(optimizer.state_dict()["state"]) == {0, 2}


def test_a_step_reaches_the_model_and_spoils_an_old_graph():
    model = nn.Linear(2, 1)
    optimizer = optim.AdamW(model.parameters(), lr=0.1)
    loss = (model.weight * model.weight).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match=r"AdamW\.step"):
        loss.backward()


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam, optim.AdamW])
def test_optimizers_find_the_minimum(kind):
    x = mg.tensor([3.0, -2.0], requires_grad=True)
    optimizer = kind([x], lr=0.05)

    def closure():
        optimizer.zero_grad()
        loss = ((x - mg.tensor([1.0, 2.0])) ** 2).sum()
        loss.backward()
        return loss

    with mg.no_grad():
        losses = [optimizer.step(closure).item() for _ in range(300)]
    assert losses[0] == pytest.approx(20.0) and losses[-1] < 2e-3


def test_zero_grad():
    x = mg.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([x])
    optimizer.zero_grad(set_to_none=False)
    assert x.grad is None
    (x * 2).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert x.grad.item() == 0.0
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


def as_module(parameter):
    module = nn.Module()
    module.x = parameter
    return module


@pytest.mark.parametrize("name", ["sgd_nesterov", "adam_options", "adamw_options"])
def test_one_optimizer_takes_several_dtypes(name):
    params, optimizer = make(name)
    single = mg.ones(5, requires_grad=True)
    optimizer.add_param_group({"params": single})
    optimizer.param_groups.insert(0, optimizer.param_groups.pop())
    for gradient, wanted in zip(EXPECTED["gradients"], EXPECTED[f"{name}/path"], strict=True):
        set_gradients(params, gradient)
        single.grad = mg.ones(5)
        optimizer.step()
        assert_equal_to_rounding(flatten(params), wanted)
    assert single.dtype == np.float32


# ---------------------------------------------------------------------------------------------------- bad input


def leaf():
    return mg.zeros(2, requires_grad=True)


@pytest.mark.parametrize(
    "params, error, word",
    [
        (lambda: [], ValueError, "no parameters"),
        (lambda: leaf(), TypeError, "iterable of tensors"),
        (lambda: [leaf(), 3.0], TypeError, "float as parameter 1"),
        (lambda: [leaf() * 2], ValueError, "computed"),
        (lambda: [(x := leaf()), x], ValueError, "twice"),
        (lambda: [{"params": [(x := leaf())]}, {"params": [x]}], ValueError, "twice"),
        (lambda: [{"params": [leaf()], "weigth_decay": 0.1}], ValueError, "weigth_decay"),
        (lambda: [{"lr": 0.1}], TypeError, "params"),
        (lambda: [{"params": [leaf()]}, leaf()], TypeError, "mixed"),
        (lambda: [leaf(), {"params": [leaf()]}], TypeError, "dict as parameter 1"),
        (lambda: [{"params": [leaf()], "lr": -1.0}], ValueError, "lr"),
        (lambda: nn.Linear(2, 2).named_parameters(), TypeError, "tuple"),
        (lambda: {leaf(), leaf()}, TypeError, "order"),
        (lambda: [{"params": frozenset([leaf()])}], TypeError, "order"),
        (lambda: [nn.Parameter(mg.zeros(1, 2).expand(3, 2))], ValueError, r"parameter 0, of shape \(3, 2\).*read-only"),
    ],
)  # fmt: skip
def test_parameters_that_make_no_sense_are_refused(params, error, word):
    with pytest.raises(error, match=word):
        optim.AdamW(params())


@pytest.mark.parametrize(
    "kind, settings",
    [
        ("SGD", {"lr": -0.1}), ("SGD", {"momentum": -1.0}), ("SGD", {"weight_decay": -1.0}),
        ("SGD", {"nesterov": True}), ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
        ("Adam", {"eps": -1.0}), ("Adam", {"betas": (1.0, 0.9)}), ("AdamW", {"betas": (0.9, -0.1)}),
        ("AdamW", {"betas": (0.9,)}), ("AdamW", {"lr": float("nan")}),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(kind, settings):
    with pytest.raises(ValueError, match=kind):
        getattr(optim, kind)([leaf()], **settings)


@pytest.mark.parametrize("lr", [mg.tensor(0.1), "0.1", None])
def test_a_setting_that_is_no_number_is_refused(lr):
    with pytest.raises(TypeError, match=f"lr must be a number, got {type(lr).__name__}"):
        optim.AdamW([leaf()], lr=lr)


def test_a_group_keeps_what_else_is_in_it():
    optimizer = optim.SGD([{"params": [leaf()], "name": "embedding"}])
    saved = json.loads(json.dumps(optimizer.state_dict()))
    assert saved["param_groups"][0]["name"] == "embedding"
    optimizer.param_groups[0]["name"] = "changed"
    optimizer.load_state_dict(saved)
    assert optimizer.param_groups[0]["name"] == "embedding"


def test_a_group_added_under_a_scheduler_is_scheduled():
    optimizer = optim.SGD([leaf()], lr=0.1)
    scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=5)
    optimizer.add_param_group({"params": leaf(), "lr": 0.4})
    scheduler.step()
    assert [group["lr"] for group in optimizer.param_groups] == [0.05, 0.2]


@pytest.mark.parametrize("kind", [optim.SGD, optim.AdamW])
@pytest.mark.parametrize(
    "gradient, error, word",
    [
        (mg.ones(1), ValueError, r"parameter 1 has shape \(1,\), the parameter \(2,\)"),
        (mg.ones(2, 2), ValueError, r"\(2, 2\)"),
        (np.ones(2, np.float32), TypeError, "parameter 1 must be a Tensor, it is a ndarray"),
    ],
)
def test_a_gradient_that_does_not_fit_stops_the_step_before_anything_changes(kind, gradient, error, word):
    params = [leaf(), leaf()]
    optimizer = kind(params, lr=0.1)
    params[0].grad, params[1].grad = mg.ones(2), gradient
    with pytest.raises(error, match=word):
        optimizer.step()
    assert all((param.data == 0).all() for param in params) and not optimizer.state


def test_a_refused_group_changes_nothing():
    optimizer = optim.SGD([leaf()])
    with pytest.raises(ValueError):
        optimizer.add_param_group({"params": [leaf()], "lr": -1.0})
    assert len(optimizer.param_groups) == 1
    optimizer.add_param_group({"params": leaf(), "lr": 1.0})
    assert optimizer.param_groups[1]["lr"] == 1.0 and optimizer.param_groups[1]["momentum"] == 0.0


# ---------------------------------------------------------------------------------------------- saving, loading


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("as_arrays", [True, False])
def test_a_loaded_optimizer_continues_with_the_same_bits(name, as_arrays):
    params, optimizer = make(name)
    for gradient in EXPECTED["gradients"][:7]:
        set_gradients(params, gradient)
        optimizer.step()
    state = optimizer.state_dict()
    twins, resumed = make(name)
    for twin, param in zip(twins, params):
        twin.data[...] = param.data
    if as_arrays:  # what a file of arrays and a file of JSON give back
        arrays = {
            number: {key: np.array(tensor.numpy(), order="F") for key, tensor in values.items()}
            for number, values in state["state"].items()
        }
        state = {
            "state": arrays,
            "param_groups": json.loads(json.dumps(state["param_groups"])),
        }
    resumed.load_state_dict(state)
    for gradient in EXPECTED["gradients"][7:]:
        for each, stepper in ((params, optimizer), (twins, resumed)):
            set_gradients(each, gradient)
            stepper.step()
    assert np.array_equal(flatten(params), flatten(twins))


def test_settings_are_loaded():
    _, source = make("adamw_options")
    _, target = make("adamw")
    source.param_groups[1]["lr"] = 0.5
    target.load_state_dict(source.state_dict())
    assert target.param_groups[0]["betas"] == (0.4, 0.95) and target.param_groups[1]["lr"] == 0.5


def test_what_pytorch_saved_is_loaded():
    params, optimizer = make("adam")
    state = {
        "step": mg.tensor(3.0), "exp_avg": mg.ones(3, 4), "exp_avg_sq": mg.ones(3, 4),
    }  # fmt: skip
    groups = [{"lr": 0.5, "amsgrad": False, "foreach": None, "params": [0]}, {"lr": 0.1, "params": [1, 2]}]
    optimizer.load_state_dict({"state": {0: state}, "param_groups": groups})
    assert int(optimizer.state[params[0]]["step"]) == 3
    assert optimizer.state[params[0]]["exp_avg"].dtype == np.float64
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_decoupled_decay_is_loaded_by_adamw_alone():
    saved = {"state": {}, "param_groups": [{"params": [0], "decoupled_weight_decay": True, "maximize": False}]}
    optim.AdamW([leaf()]).load_state_dict(saved)
    saved["param_groups"][0]["decoupled_weight_decay"] = False
    with pytest.raises(ValueError, match="decoupled_weight_decay=False"):
        optim.AdamW([leaf()]).load_state_dict(saved)


def test_a_state_that_does_not_fit_is_refused_and_nothing_changes():
    params, optimizer = make("adam")
    set_gradients(params, EXPECTED["gradients"][0])
    optimizer.step()
    good = optimizer.state_dict()

    def altered(state=None, groups=None):
        return {"state": {**good["state"], **(state or {})}, "param_groups": groups or good["param_groups"]}

    one = good["state"][0]
    wrong = [
        (altered(groups=good["param_groups"][:1]), "groups of"),
        (altered({7: one}), "parameter 7"),
        (altered({1: one}), r"exp_avg of parameter 1 has shape \(3, 4\)"),
        (altered({0: {"momentum_buffer": one["exp_avg"]}}), "momentum_buffer.*another kind"),
        (altered(groups=[{**group, "lr": -1.0} for group in good["param_groups"]]), "lr"),
    ]
    groups = good["param_groups"]
    wrong += [
        (altered(groups=[{**groups[0], "params": [0]}, {**groups[1], "params": [0, 1]}]), "twice"),
        (altered(groups=[{**groups[0], "params": [0, 1]}, {**groups[1], "params": [2]}]), r"groups of \[2, 1\]"),
        (altered(groups=[{"lr": 0.1}, groups[1]]), "no 'params'"),
        (altered({0: {**one, "step": mg.tensor(2.5)}}), "step of parameter 0"),
        (altered({0: {**one, "step": mg.tensor(-1)}}), "step of parameter 0"),
        (altered({0: {**one, "step": mg.ones(2)}}), "step of parameter 0"),
        (altered({0: {**one, "exp_avg": np.full((3, 4), "a")}}), "exp_avg of parameter 0 has dtype <U1"),
        (altered(groups=[{**groups[0], "amsgrad": True}, groups[1]]), "amsgrad=True"),
        (altered(groups=[groups[0], {**groups[1], "maximize": True}]), "maximize=True"),
        (altered(groups=[{**groups[0], "decoupled_weight_decay": True}, groups[1]]), "decoupled_weight_decay=True"),
        ({"state": {}}, "'param_groups'"),
        ("text", "mapping"),
    ]
    before = optimizer.state[params[0]]["exp_avg"].data.copy()
    for state, word in wrong:
        with pytest.raises(ValueError, match=word):
            optimizer.load_state_dict(state)
        assert np.array_equal(optimizer.state[params[0]]["exp_avg"].data, before)
        assert optimizer.param_groups[0]["lr"] == 0.01


def test_repr_counts():
    _, optimizer = make("sgd")
    assert repr(optimizer).splitlines()[1].endswith("lr=0.1, momentum=0.0, dampening=0.0, weight_decay=0.0, "
                                                    "nesterov=False: 1 tensors, 12 parameters")  # fmt: skip
