"""Laws that update rules obey for any gradients: symmetries, and that a run may be stopped and continued anywhere."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import minigrad as mg
from minigrad import optim
from tests.oracle.update_cases import STEPS

from .updates import ALL, KINDS, flatten, make, take_step

SHAPE = (3, 4)
ELEMENTWISE = [kind for kind in KINDS if kind not in ("Muon", "Adafactor")]
MAXIMIZING = [kind for kind in KINDS if kind != "Muon"]
DECOUPLED = {
    "AdamW": {}, "Adam": {"decoupled_weight_decay": True}, "NAdam": {"decoupled_weight_decay": True},
    "RAdam": {"decoupled_weight_decay": True}, "Lion": {}, "Muon": {}, "Adafactor": {},
}  # fmt: skip
WITHOUT_EPS = {  # settings under which the size of the gradient plays no part
    "Adam": {"eps": 0.0}, "AdamW": {"eps": 0.0}, "NAdam": {"eps": 0.0}, "Adamax": {"eps": 0.0}, "Adagrad": {"eps": 0.0},
    "RMSprop": {"eps": 0.0, "momentum": 0.5}, "Lion": {}, "Muon": {"eps": 0.0}, "Adafactor": {"eps": (0.0, 1e-3)},
}  # fmt: skip

numbers = st.floats(-8, 8).map(lambda x: x if abs(x) > 1e-3 else 1.5)  # away from 0, where steps may be 0 / 0
some_gradients = st.lists(arrays(np.float64, SHAPE, elements=numbers), min_size=1, max_size=6)
few = settings(max_examples=15, deadline=None, derandomize=True)


def run(kind, gradients, start=None, **settings):
    """The parameter after steps along given gradients."""
    start = np.linspace(-1, 1, 12).reshape(SHAPE) if start is None else start
    x = mg.tensor(start.copy(), requires_grad=True)
    optimizer = getattr(optim, kind)([x], **settings)
    for gradient in gradients:
        x.grad = mg.tensor(np.array(gradient))
        optimizer.step()
    return x.data


@pytest.mark.parametrize("kind", MAXIMIZING)
@given(gradients=some_gradients, weight_decay=st.sampled_from([0.0, 0.1]))
@few
def test_to_maximize_is_to_minimize_the_negative(kind, gradients, weight_decay):
    up = run(kind, gradients, weight_decay=weight_decay, maximize=True)
    down = run(kind, [-gradient for gradient in gradients], weight_decay=weight_decay)
    assert np.array_equal(up, down)
    assert not np.array_equal(up, run(kind, gradients, weight_decay=weight_decay))


@pytest.mark.parametrize("kind", KINDS)
@given(gradients=some_gradients)
@few
def test_mirrored_parameters_and_gradients_give_mirrored_steps(kind, gradients):
    start = np.linspace(-1, 1, 12).reshape(SHAPE)
    assert np.array_equal(run(kind, gradients, start), -run(kind, [-gradient for gradient in gradients], -start))


@pytest.mark.parametrize("kind", ELEMENTWISE)
@given(gradients=some_gradients, order=st.permutations(range(12)))
@few
def test_elements_know_nothing_of_one_another(kind, gradients, order):
    def shuffled(array):
        return array.ravel()[list(order)].reshape(SHAPE)

    start = np.linspace(-1, 1, 12).reshape(SHAPE)
    moved = run(kind, [shuffled(gradient) for gradient in gradients], shuffled(start), weight_decay=0.1)
    assert np.array_equal(moved, shuffled(run(kind, gradients, start, weight_decay=0.1)))


@pytest.mark.parametrize("kind", ["Muon", "Adafactor"])
@given(gradients=some_gradients, rows=st.permutations(range(3)), columns=st.permutations(range(4)))
@few
def test_rows_and_columns_may_be_reordered(kind, gradients, rows, columns):
    def shuffled(array):
        return array[list(rows)][:, list(columns)]

    start = np.linspace(-1, 1, 12).reshape(SHAPE)
    moved = run(kind, [shuffled(gradient) for gradient in gradients], shuffled(start))
    np.testing.assert_allclose(moved, shuffled(run(kind, gradients, start)), rtol=1e-10, atol=1e-12)


@given(gradients=some_gradients, seed=st.integers(0, 1000))
@few
def test_muon_turns_with_the_matrix(gradients, seed):
    turn, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))
    start = np.linspace(-1, 1, 12).reshape(SHAPE)
    turned = run("Muon", [turn @ gradient for gradient in gradients], turn @ start)
    np.testing.assert_allclose(turned, turn @ run("Muon", gradients, start), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("kind", WITHOUT_EPS)
@given(gradients=some_gradients, power=st.integers(-20, 20))
@few
def test_steps_do_not_depend_on_the_unit_of_the_loss(kind, gradients, power):
    one = run(kind, gradients, lr=0.1, **WITHOUT_EPS[kind])
    other = run(kind, [gradient * 2.0**power for gradient in gradients], lr=0.1, **WITHOUT_EPS[kind])
    assert np.isfinite(one).all() and not np.array_equal(one, run(kind, [], lr=0.1))
    np.testing.assert_allclose(other, one, rtol=1e-12, atol=0 if kind == "Lion" else 1e-14)


@given(gradients=some_gradients, power=st.integers(-20, 20))
@few
def test_sgd_is_linear_in_the_gradients(gradients, power):
    start = np.zeros(SHAPE)
    settings = {"lr": 0.1, "momentum": 0.9, "nesterov": True}
    scaled = run("SGD", [gradient * 2.0**power for gradient in gradients], start, **settings)
    assert np.array_equal(scaled, run("SGD", gradients, start, **settings) * 2.0**power)


@pytest.mark.parametrize("kind", DECOUPLED)
@given(lr=st.floats(0, 1), weight_decay=st.floats(0, 1), steps=st.integers(1, 8))
@few
def test_decoupled_decay_alone_shrinks_a_parameter_by_the_same_share(kind, lr, weight_decay, steps):
    ended = run(kind, [np.zeros(SHAPE)] * steps, lr=lr, weight_decay=weight_decay, **DECOUPLED[kind])
    wanted = np.linspace(-1, 1, 12).reshape(SHAPE) * (1 - lr * weight_decay) ** steps
    np.testing.assert_allclose(ended, wanted, rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@given(gradients=some_gradients)
@few
def test_a_learning_rate_of_0_moves_nothing(kind, gradients):
    assert np.array_equal(run(kind, gradients, lr=0.0, weight_decay=0.1), run(kind, []))


@pytest.mark.parametrize("kind", KINDS)
@given(gradients=some_gradients)
@few
def test_parameters_know_nothing_of_one_another_nor_of_their_groups(kind, gradients):
    alone = run(kind, gradients)
    first, second = (mg.tensor(run(kind, []), requires_grad=True) for _ in range(2))
    other = mg.tensor(np.ones((2, 5)), requires_grad=True)
    optimizer = getattr(optim, kind)([{"params": [other, first]}, {"params": [second]}])
    for number, gradient in enumerate(gradients):
        first.grad, second.grad = mg.tensor(gradient), mg.tensor(gradient)
        other.grad = None if number % 2 else mg.tensor(np.full((2, 5), 3.0))
        optimizer.step()
    assert np.array_equal(first.data, alone) and np.array_equal(second.data, alone)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("stop", [0, 1, 4, STEPS - 1])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_a_run_continues_with_the_same_bits_wherever_it_is_stopped(name, stop, dtype):
    params, optimizer = make(name, dtype)
    for step in range(stop):
        take_step(params, optimizer, step)
    state = optimizer.state_dict()
    arrays = {  # what a file of arrays and a file of JSON give back
        number: {key: np.array(tensor.numpy(), order="F") for key, tensor in values.items()}
        for number, values in state["state"].items()
    }
    twins, resumed = make(name, dtype)
    for twin, param in zip(twins, params):
        twin.data[...] = param.data
    resumed.load_state_dict({"state": arrays, "param_groups": json.loads(json.dumps(state["param_groups"]))})
    for step in range(stop, STEPS):
        take_step(params, optimizer, step)
        take_step(twins, resumed, step)
    assert np.array_equal(flatten(params), flatten(twins))
