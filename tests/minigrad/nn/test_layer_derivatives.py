"""First and second derivatives of every layer against certified ones: for its inputs and every parameter, in the
settings in which `test_layers_against_pytorch` compares it with PyTorch."""

import pytest

import minigrad as mg
from minigrad import nn
from tests.minigrad.derivatives import check
from tests.minigrad.nn.test_layers_against_pytorch import CASES, expected, make
from tests.oracle import layer_cases

# By name of a layer: cases of those that PyTorch does not have, or not in float64.
OWN = {
    "Hardsigmoid": (lambda: nn.Hardsigmoid(), (3, 4)),
    "LearnedPositions": (lambda: nn.LearnedPositions(5, 4, batch_first=True), (2, 3, 4)),
    "SinusoidalPositions": (lambda: nn.SinusoidalPositions(5, 4), (3, 2, 4)),
}
# Its row of padding gets no gradient, though the output depends on it: PyTorch's choice, and not the derivative.
NO_DERIVATIVE = {"embedding_padding"}
DIFFERENTIATED = [(file, case) for file, case in CASES if case.name not in NO_DERIVATIVE]


def differentiated(module, arrays, call):
    """Check `call(*inputs)` of a module for inputs (arrays), and for its parameters."""
    parameters = dict(module.named_parameters())

    def function(*tensors):
        given = dict(zip(parameters, tensors[len(arrays) :]))
        args, settings = call(tensors[: len(arrays)])
        return tuple(layer_cases.flat(mg.func.functional_call(module, given, args, settings)))

    check(function, [*arrays, *(parameter.data for parameter in parameters.values())])


@pytest.mark.parametrize("file, case", DIFFERENTIATED, ids=[f"{file}-{case.name}" for file, case in DIFFERENTIATED])
def test_first_and_second_derivatives(file, case):
    drawn = expected(file, case, "input")
    given = {name: drawn.get(name, spec) for name, spec in case.inputs.items()}
    moving = [name for name, spec in case.inputs.items() if name in drawn or layer_cases.differentiated(name, spec)]
    masks = {name: mg.tensor(mask) for name, mask in case.masks.items()}

    def call(tensors):
        inputs = {name: mg.tensor(array) for name, array in given.items() if name not in moving}
        inputs.update(zip(moving, tensors))
        return tuple(layer_cases.positional(case, inputs)), {**masks, **case.settings}

    differentiated(make(file, case), [given[name] for name in moving], call)


@pytest.mark.parametrize("name", OWN)
def test_first_and_second_derivatives_of_what_is_not_pytorchs(name):
    build, size = OWN[name]
    mg.manual_seed(0)
    differentiated(build().to(mg.float64), [mg.randn(*size, dtype=mg.float64).data], lambda tensors: (tensors, {}))
