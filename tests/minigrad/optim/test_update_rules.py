"""Update rules follow PyTorch's to float64 rounding (numbers made by `tests/oracle/make_updates.py`), take PyTorch's
settings, and do so whatever the dtype, the memory layout and the size of a piece."""

import inspect
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.optim import rule
from minigrad.optim.muon import orthogonalize
from tests.oracle import update_cases
from tests.oracle.update_cases import CASES, RECORDED, REFUSED, STEPS

from .updates import ALL, EXPECTED, KINDS, LION, flatten, make, set_gradients, take_step

OTHERS = {"foreach", "fused", "capturable", "differentiable"}  # settings that choose among PyTorch's implementations


def assert_equal_to_rounding(actual, wanted):
    np.testing.assert_allclose(actual, wanted, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("piece", [rule.PIECE, 5])
def test_steps_are_pytorchs(name, piece, monkeypatch):
    monkeypatch.setattr(rule, "PIECE", piece)
    params, optimizer = make(name)
    memory = [param.data for param in params]
    for step in range(STEPS):
        take_step(params, optimizer, step)
        if step in RECORDED:
            assert_equal_to_rounding(flatten(params), EXPECTED[f"{name}/path"][RECORDED.index(step)])
    assert all(param.data is array for param, array in zip(params, memory))
    state = optimizer.state_dict()["state"]
    names = {key.split("/")[-1] for key in EXPECTED if key.startswith(f"{name}/state/")}
    assert names == {key for values in state.values() for key in values}
    for key in names:
        own = flatten(values[key] for values in state.values() if key in values)
        assert_equal_to_rounding(own, EXPECTED[f"{name}/state/{key}"])


def lion(x, m, g, lr, beta1, beta2, weight_decay, sign):
    """Algorithm 2 of Chen et al. (2023), in plain NumPy."""
    g = sign * g
    c = beta1 * m + (1 - beta1) * g
    return x - lr * (np.sign(c) + weight_decay * x), beta2 * m + (1 - beta2) * g


@pytest.mark.parametrize("name", LION)
@pytest.mark.parametrize("piece", [rule.PIECE, 5])
def test_steps_of_lion_are_the_papers(name, piece, monkeypatch):
    monkeypatch.setattr(rule, "PIECE", piece)
    params, optimizer = make(name)
    values = [(param.data.copy(), np.zeros(param.shape)) for param in params]
    for step in range(STEPS):
        take_step(params, optimizer, step)
        for number, param in enumerate(params):
            group = optimizer.param_groups[min(number, 1)]
            if param.grad is not None:
                values[number] = lion(
                    *values[number], param.grad.data, group["lr"], *group["betas"], group["weight_decay"],
                    -1.0 if group["maximize"] else 1.0,
                )  # fmt: skip
            assert_equal_to_rounding(param.data, values[number][0])
            if param in optimizer.state:
                assert_equal_to_rounding(optimizer.state[param]["exp_avg"].data, values[number][1])


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1)])
@pytest.mark.parametrize("coefficients, steps", [((3.4445, -4.7750, 2.0315), 5), ((1.5, -0.5, 0.0), 3)])
def test_orthogonalizing_works_on_singular_values_alone(shape, coefficients, steps):
    matrix = np.random.default_rng(0).standard_normal(shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.sqrt((values**2).sum())
    for _ in range(steps):
        values = sum(factor * values**power for factor, power in zip(coefficients, (1, 3, 5)))
    assert_equal_to_rounding(orthogonalize(matrix, coefficients, steps, 1e-7), left * values @ right)


@pytest.mark.parametrize("shape", [(2, 2000), (2000, 2)])
def test_orthogonalizing_squares_the_shorter_side(shape):
    matrix = np.ones(shape)
    tracemalloc.start()
    orthogonalize(matrix, (3.4445, -4.7750, 2.0315), 1, 1e-7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * matrix.nbytes  # the square of the longer side has 500 times as many bytes as the matrix


def test_muons_coefficients_bring_singular_values_near_one():
    for values in (np.ones(20), np.geomspace(0.02, 1.0, 20)):
        found = np.linalg.svd(orthogonalize(np.diag(values), (3.4445, -4.7750, 2.0315), 5, 1e-7), compute_uv=False)
        assert found.min() > 0.65 and found.max() < 1.25


# ------------------------------------------------------------------------------------------- dtype, layout, size


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("piece", [rule.PIECE, 5])
def test_memory_layout_does_not_matter(name, piece, monkeypatch):
    monkeypatch.setattr(rule, "PIECE", piece)
    (plain, steady), (params, optimizer) = make(name), make(name)
    params[0].data = params[0].data.T.copy().T
    params[-1].data = params[-1].data.swapaxes(0, -1).copy().swapaxes(0, -1)
    for step in range(STEPS):
        take_step(plain, steady, step)
        set_gradients(params, step)
        if step % 2 and params[0].grad is not None:
            params[0].grad.data = params[0].grad.data.T.copy().T
        for own, other in zip(optimizer.param_groups, steady.param_groups):
            own["lr"] = other["lr"]
        optimizer.step()
    assert_equal_to_rounding(flatten(params), flatten(plain))


@pytest.mark.parametrize("name", [name for name in ALL if ALL[name][0] not in ("Muon", "Adafactor")])
def test_pieces_do_not_change_a_bit(name, monkeypatch):
    whole = make(name)
    for step in range(STEPS):
        take_step(*whole, step)
    monkeypatch.setattr(rule, "PIECE", 5)
    cut = make(name)
    for step in range(STEPS):
        take_step(*cut, step)
    assert np.array_equal(flatten(whole[0]), flatten(cut[0]))


@pytest.mark.parametrize("name", ALL)
def test_float32_stays_float32_and_close(name):
    (params, optimizer), (exact, reference) = make(name, np.float32), make(name)
    for step in range(STEPS):
        take_step(params, optimizer, step)
        take_step(exact, reference, step)
    arrays = [array for values in optimizer.state.values() for key, array in values.items() if array.ndim]
    assert all(tensor.dtype == np.float32 for tensor in [*params, *arrays])
    assert np.abs(flatten(params) - flatten(exact)).max() < 2e-5


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("piece", [rule.PIECE, 5])
def test_float16_is_computed_in_float32_and_rounded_once_a_step(name, piece, monkeypatch):
    monkeypatch.setattr(rule, "PIECE", piece)
    (half, optimizer), (single, reference) = make(name, np.float16), make(name, np.float32)
    if ALL[name][0] == "Adafactor":  # whose eps is the resolution of the parameter's dtype
        for group in reference.param_groups:
            group["eps"] = (group["eps"][0] or float(np.finfo(np.float16).eps), group["eps"][1])
    for step in range(STEPS):
        set_gradients(half, step)
        for one, other in zip(half, single):
            other.data[...] = one.data
            other.grad = None if one.grad is None else one.grad.float()
        optimizer.step()
        reference.step()
        assert all(np.array_equal(one.data, other.data.astype(np.float16)) for one, other in zip(half, single))
    assert all(param.dtype == np.float16 and np.isfinite(param.data).all() for param in half)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_too_small_to_square_in_float16_still_count(kind):
    settings = {"eps": (1e-9, 1e-3)} if kind == "Adafactor" else {}
    ends = []
    for dtype in (np.float16, np.float64):
        x = mg.tensor(np.ones((2, 2), dtype), requires_grad=True)
        optimizer = getattr(optim, kind)([x], lr=0.125, **settings)
        x.grad = mg.tensor(np.full((2, 2), 1e-4, dtype))
        for _ in range(3):
            optimizer.step()
        ends.append(x.data.astype(np.float64))
    np.testing.assert_allclose(*ends, atol=3 * 2.0**-10)  # three roundings of numbers below 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_zero_gradient_from_the_start_moves_nothing(kind, dtype):
    x = mg.tensor(np.ones((3, 3), dtype), requires_grad=True)
    optimizer = getattr(optim, kind)([x], weight_decay=0.0)
    for _ in range(7):
        x.grad = mg.tensor(np.zeros((3, 3), dtype))
        optimizer.step()
    assert (x.data == 1.0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_an_empty_parameter_is_no_trouble(kind, shape):
    x = mg.zeros(*shape).requires_grad_()
    optimizer = getattr(optim, kind)([x])
    x.grad = mg.zeros(*shape)
    optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    assert x.shape == shape


def test_a_centered_variance_is_not_negative():
    x = mg.tensor(np.zeros(64, np.float32), requires_grad=True)
    optimizer = optim.RMSprop([x], alpha=0.5, centered=True)
    x.grad = mg.tensor(np.linspace(0.1, 3.0, 64, dtype=np.float32))
    for _ in range(80):  # the square of the mean is the mean of the squares, up to rounding
        optimizer.step()
    assert np.isfinite(x.data).all()


@pytest.mark.parametrize("name", ["sgd_nesterov", "adam_options", "adamw_options", "rmsprop_all", "lion"])
def test_one_optimizer_takes_several_dtypes(name):
    (params, optimizer), (alone, reference) = make(name), make(name)
    others = [mg.tensor(np.ones(5, dtype), requires_grad=True) for dtype in (np.float32, np.float16)]
    optimizer.add_param_group({"params": others})
    optimizer.param_groups.insert(0, optimizer.param_groups.pop())
    for step in range(STEPS):
        for other in others:
            other.grad = mg.tensor(np.ones(5, other.dtype))
        take_step(params, optimizer, step)
        take_step(alone, reference, step)
    assert np.array_equal(flatten(params), flatten(alone))
    assert [other.dtype for other in others] == [np.float32, np.float16]


@pytest.mark.parametrize("kind", KINDS)
def test_a_learning_rate_of_numpys_does_not_change_a_bit(kind):
    ends = []
    for convert in (float, np.float64):
        x = mg.tensor(np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3), requires_grad=True)
        optimizer = getattr(optim, kind)([x], lr=convert(0.1), weight_decay=convert(0.3))
        for _ in range(3):
            x.grad = mg.tensor(np.linspace(2, -1, 6, dtype=np.float32).reshape(2, 3))
            optimizer.step()
        ends.append(x.data)
    assert np.array_equal(*ends) and ends[1].dtype == np.float32


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_takes_little_memory(kind):
    x = mg.Tensor(np.ones((1000, 400), np.float32), requires_grad=True)
    optimizer = getattr(optim, kind)([x], weight_decay=0.1)
    x.grad = mg.Tensor(np.ones((1000, 400), np.float32))
    optimizer.step()
    tracemalloc.start()
    optimizer.step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # of the parameter's size: Adafactor's estimate and its square, Muon's momentum and four matrices of an iteration
    assert peak < {"Adafactor": 2.1, "Muon": 6.0}.get(kind, 0.01) * x.data.nbytes


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adam"])
def test_a_setting_may_be_switched_on_later(name):
    params, optimizer = make(name)
    for step in range(4):
        take_step(params, optimizer, step)
    switch = {"sgd": ("momentum", 0.9), "rmsprop": ("centered", True), "adam": ("amsgrad", True)}[name]
    for group in optimizer.param_groups:
        group.update([switch])
    for step in range(4, 8):
        take_step(params, optimizer, step)
    assert np.isfinite(flatten(params)).all()
    optimizer.load_state_dict(optimizer.state_dict())


# ------------------------------------------------------------------------------------------------------ settings

SETTINGS = json.loads((Path(update_cases.__file__).parent / "optimizer_settings.json").read_text())


@pytest.mark.parametrize("kind", SETTINGS)
def test_settings_and_defaults_are_pytorchs(kind):
    own = list(inspect.signature(getattr(optim, kind)).parameters.values())[1:]
    theirs = [(name, tuple(d) if isinstance(d, list) else d, keyword) for name, d, keyword in SETTINGS[kind]]
    assert {each.name: each.default for each in own} == {name: d for name, d, _ in theirs if name not in OTHERS}
    positions = [name for name, _, keyword in theirs if not keyword]
    first = next((place for place, name in enumerate(positions) if name in OTHERS), len(positions))
    assert [each.name for each in own if each.kind is not each.KEYWORD_ONLY] == positions[:first] + [
        name for name in positions[first:] if name == "params"
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("setting", sorted(OTHERS))
def test_a_setting_that_has_no_meaning_here_is_refused(kind, setting):
    with pytest.raises(TypeError, match=setting):
        getattr(optim, kind)([mg.zeros(2, 2, requires_grad=True)], **{setting: True})


@pytest.mark.parametrize(
    "kind, settings",
    [
        *REFUSED,
        *((kind, {"lr": float("nan")}) for kind in KINDS),
        *(("Lion", wrong) for wrong in ({"lr": -1.0}, {"weight_decay": -1.0}, {"betas": (1.0, 0.9)})),
        ("AdamW", {"betas": (0.9,)}), ("Adam", {"eps": float("nan")}), ("SGD", {"dampening": float("nan")}),
        ("RMSprop", {"alpha": 1.1}), ("Adafactor", {"eps": (1e-3,)}), ("Muon", {"ns_coefficients": (1.0, 2.0)}),
        ("Muon", {"ns_coefficients": (1.0, 2.0, float("inf"))}), ("Muon", {"ns_steps": 100}),
        ("Muon", {"ns_steps": -1}), ("Muon", {"ns_steps": 5.0}), ("Muon", {"eps": -1.0}),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(kind, settings):
    ((name, _),) = settings.items() if len(settings) == 1 else [("nesterov", None)]
    with pytest.raises(ValueError, match=f"{kind}: {name}"):
        getattr(optim, kind)([mg.zeros(2, 2, requires_grad=True)], **settings)


@pytest.mark.parametrize("wrong", [mg.tensor(0.1), "0.1", None, [0.1]])
@pytest.mark.parametrize("kind", KINDS)
def test_a_learning_rate_that_is_no_number_is_refused(kind, wrong):
    with pytest.raises(TypeError, match=f"{kind}: lr must be a number, got {type(wrong).__name__}"):
        getattr(optim, kind)([mg.zeros(2, 2, requires_grad=True)], lr=wrong)


@pytest.mark.parametrize("betas", [0.9, (0.9, mg.tensor(0.9)), ("a", 0.9)])
def test_betas_that_are_no_numbers_are_refused(betas):
    with pytest.raises(TypeError, match="betas"):
        optim.Adam([mg.zeros(2, requires_grad=True)], betas=betas)


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 2)])
def test_muon_trains_matrices_alone(shape):
    with pytest.raises(ValueError, match=r"matrices alone, parameter 1 has shape"):
        optim.Muon([mg.zeros(2, 2, requires_grad=True), mg.zeros(*shape).requires_grad_()])
