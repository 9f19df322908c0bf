"""First and second derivatives of every layer against certified ones: for its inputs and every parameter, in the
settings in which `test_layers_against_pytorch` compares it with PyTorch."""

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.testing import check_module
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


class Called(nn.Module):
    """A layer as a case calls it: a function of the inputs that are differentiated."""

    def __init__(self, layer, case, constants, moving):
        super().__init__()
        self.layer, self.case, self.constants, self.moving = layer, case, constants, moving
        self.masks = {name: mg.tensor(mask) for name, mask in case.masks.items()}

    def forward(self, *tensors):
        inputs = {name: mg.tensor(array) for name, array in self.constants.items()} | dict(zip(self.moving, tensors))
        return self.layer(*layer_cases.positional(self.case, inputs), **self.masks, **self.case.settings)


@pytest.mark.parametrize("file, case", DIFFERENTIATED, ids=[f"{file}-{case.name}" for file, case in DIFFERENTIATED])
def test_first_and_second_derivatives(file, case):
    drawn = expected(file, case, "input")
    given = {name: drawn.get(name, spec) for name, spec in case.inputs.items()}
    moving = [name for name, spec in case.inputs.items() if name in drawn or layer_cases.differentiated(name, spec)]
    constants = {name: array for name, array in given.items() if name not in moving}
    called = Called(make(file, case), case, constants, moving)
    modes = ["eval" if case.evaluating else "train"]
    check_module(called, *(given[name] for name in moving), modes=modes, order=2, probes=1, layouts=False)


@pytest.mark.parametrize("name", OWN)
def test_first_and_second_derivatives_of_what_is_not_pytorchs(name):
    build, size = OWN[name]
    mg.manual_seed(0)
    check_module(build().to(mg.float64), mg.randn(*size, dtype=mg.float64), order=2)
