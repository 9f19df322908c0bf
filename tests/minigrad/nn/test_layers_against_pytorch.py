"""Every layer gives PyTorch's values and gradients to float64 rounding. The numbers were made by
`tests/oracle/make_layers.py`."""

import json
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.oracle import layer_cases, small_layer_cases
from tests.oracle.layer_cases import Case

FILES = {**layer_cases.files, **small_layer_cases.files}
CASES = [(file, case) for file, cases in FILES.items() for case in cases]
EXPECTED = {file: layer_cases.load(file) for file in FILES}
SETTINGS = json.loads((Path(layer_cases.__file__).parent / "layer_settings.json").read_text())


def expected(file: str, case: Case, kind: str) -> dict[str, np.ndarray]:
    prefix = f"{case.name}/{kind}/"
    return {name.removeprefix(prefix): array for name, array in EXPECTED[file].items() if name.startswith(prefix)}


def make(file: str, case: Case, **changed) -> nn.Module:
    arguments = {
        name: mg.tensor(value) if isinstance(value, np.ndarray) else value for name, value in case.arguments.items()
    }
    module = case.build(nn) if case.build else getattr(nn, case.layer)(**{**arguments, **changed})
    module = module.to(mg.float64).train(not case.evaluating)
    dtypes = {name: tensor.dtype for name, tensor in module.state_dict().items()}
    state = expected(file, case, "state")
    module.load_state_dict({name: value.astype(dtypes.get(name)) for name, value in state.items()})
    return module


def run(file: str, case: Case, module: nn.Module):
    drawn = expected(file, case, "input")
    inputs = {
        name: mg.tensor(drawn.get(name, spec), requires_grad=name in drawn or layer_cases.differentiated(name, spec))
        for name, spec in case.inputs.items()
    }
    masks = {name: mg.tensor(mask) for name, mask in case.masks.items()}
    return inputs, layer_cases.flat(module(*layer_cases.positional(case, inputs), **masks, **case.settings))


def assert_equal_to_rounding(actual: mg.Tensor, wanted: np.ndarray, what: str) -> None:
    assert actual.shape == wanted.shape, what
    assert actual.dtype == np.float64, what
    scale = max(1.0, np.abs(wanted).max())
    assert np.abs(actual.data - wanted).max() <= 100 * np.finfo(np.float64).eps * scale, what


@pytest.mark.parametrize("file, case", CASES, ids=[f"{file}-{case.name}" for file, case in CASES])
def test_values_and_gradients_are_pytorchs(file, case):
    module = make(file, case)
    inputs, outputs = run(file, case, module)
    wanted = expected(file, case, "output")
    assert len(outputs) == len(wanted)
    total = 0.0
    for number, out in enumerate(outputs):
        assert_equal_to_rounding(out, wanted[str(number)], f"output {number}")
        total = total + (out * mg.tensor(expected(file, case, "cotangent")[str(number)])).sum()
    total.backward()
    gradients = {name: tensor.grad for name, tensor in [*inputs.items(), *module.named_parameters()]}
    gradients = {name: gradient for name, gradient in gradients.items() if gradient is not None}
    assert gradients.keys() == expected(file, case, "grad").keys()
    for name, gradient in expected(file, case, "grad").items():
        assert_equal_to_rounding(gradients[name], gradient, f"gradient of {name}")
    buffers = dict(module.named_buffers())
    for name, after in expected(file, case, "after").items():
        assert_equal_to_rounding(buffers[name].to(mg.float64), after, f"{name} afterwards")


@pytest.mark.parametrize(
    "file, case", [(file, case) for file, case in CASES if file in small_layer_cases.files],
    ids=lambda each: getattr(each, "name", each),
)  # fmt: skip
def test_settings_are_shown_as_pytorchs_are(file, case):
    assert make(file, case).extra_repr() == SETTINGS[f"{file}/{case.name}"]


@pytest.mark.parametrize(
    "case", [case for case in layer_cases.transformer if not case.build], ids=lambda case: case.name
)
def test_dropout_changes_nothing_in_evaluation(case):
    module = make("transformer", case, dropout=0.5).eval()
    _, (out,) = run("transformer", case, module)
    assert_equal_to_rounding(out, expected("transformer", case, "output")["0"], "output")
    _, (dropped,) = run("transformer", case, module.train())
    assert np.abs(dropped.data - out.data).max() > 1e-3


@pytest.mark.parametrize("case", layer_cases.attention, ids=lambda case: case.name)
def test_attention_is_the_same_with_and_without_weights(case):
    module = make("attention", case)
    settings = {**case.settings, "need_weights": False}
    quiet = Case(case.name, case.layer, case.arguments, case.inputs, case.call, case.masks, settings)
    _, outputs = run("attention", quiet, module)
    assert len(outputs) == 1
    assert_equal_to_rounding(outputs[0], expected("attention", case, "output")["0"], "output")
