"""Nothing public is without tests: a new operation or layer fails here until it is compared with PyTorch and with
certified derivatives, or `exceptions` says why not."""

import pytest

import minigrad as mg
from tests.operations import coverage, exceptions
from tests.operations.inventory import by_name, operations

pytestmark = pytest.mark.host("every call that is watched has to succeed; `on_device` does the same there")
NAMES = [operation.name for operation in operations()]
WITHOUT_GRADIENT = set().union(*exceptions.WITHOUT_GRADIENT.values())
NOT_CERTIFIED = set().union(*exceptions.NOT_CERTIFIED.values())
LESS = {name: order for names in exceptions.LESS_IN_PYTORCH.values() for name, order in names.items()}
LAYERS = sorted(set(mg.nn.__all__) - exceptions.NO_LAYERS)


def test_every_operation_is_compared_with_pytorch():
    expected = {name: LESS.get(name, 0 if name in WITHOUT_GRADIENT else 2) for name in NAMES}
    found = {name: coverage.against_pytorch().get(name, -1) for name in NAMES}
    assert found == expected


def test_the_derivatives_of_every_operation_are_certified():
    expected = {name: 0 if name in WITHOUT_GRADIENT | NOT_CERTIFIED else 2 for name in NAMES}
    assert {name: coverage.certified().get(name, 0) for name in NAMES} == expected


def test_every_layer_is_compared_with_pytorch():
    without = set().union(*exceptions.LAYERS_NOT_IN_PYTORCH.values())
    assert {name: coverage.layers_against_pytorch().get(name, 0) for name in LAYERS} == {
        name: int(name not in without) for name in LAYERS
    }


def test_the_derivatives_of_every_layer_are_certified():
    assert {name: coverage.layers_certified().get(name, 0) for name in LAYERS} == dict.fromkeys(LAYERS, 2)


def test_exceptions_name_operations():
    assert WITHOUT_GRADIENT | NOT_CERTIFIED | set(LESS) <= set(NAMES)
    assert not WITHOUT_GRADIENT & NOT_CERTIFIED


def test_a_name_stands_for_one_operation():
    names = [name for operation in operations() for name in operation.names]
    assert len(names) == len(set(names)) and set(names) <= set(by_name())


@pytest.mark.parametrize(
    "call, expected",
    [
        (lambda m, x: m.exp(x) * x, {"exp": 2, "mul": 2}),
        (lambda m, x: m.exp(x.detach()), {"exp": 0}),
        (lambda m, x: m.nn.functional.softplus(x)[0], {"F.softplus": 2, "Tensor.__getitem__": 2}),
        (lambda m, x: m.autograd.grad(m.sin(x).sum(), x)[0], {"sin": 1, "sum": 1}),
        (lambda m, x: 2.0 - x.mT, {"Tensor.mT": 2, "sub": 2}),
    ],
)
def test_what_a_call_shows(call, expected):
    """What it makes itself, in the graph, and one derivative less if it differentiates."""
    assert coverage.shown_by(call, [mg.ones(2, 2).numpy()]) == expected
