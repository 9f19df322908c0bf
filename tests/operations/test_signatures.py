"""Functions, methods and layers are called as PyTorch's are: the same names of arguments, in the same order, with the
same defaults. `tests/oracle/make_signatures.py` recorded PyTorch's."""

import ast
import json

import numpy as np
import pytest

import minigrad as mg
from tests.operations import signatures
from tests.oracle import make_signatures

RECORDED = json.loads(make_signatures.FILE.read_text())
SECTIONS = ["lacks sections", "requires indices_or_sections"]
DIFFERENCES = {
    "which dimension is to be said: PyTorch guesses one, and warns": {
        name: ["dim=required, not None"]
        for name in ("F.log_softmax", "F.softmax", "F.softmin", "nn.LogSoftmax", "nn.Softmax", "nn.Softmin")
    },
    "one function and one name of an argument for two calls that PyTorch tells apart": {
        **{f"{where}{name}": SECTIONS for where in ("", "Tensor.") for name in ("hsplit", "vsplit", "dsplit")},
        **{f"{where}tensor_split": [SECTIONS[0], "indices_or_sections stands before what PyTorch has there",
                                    SECTIONS[1]] for where in ("", "Tensor.")},
        **{f"{where}scatter{end}": ["src=None, not required"] for where, end in (
            ("", ""), ("Tensor.", ""), ("Tensor.", "_"))},
        **{f"{where}repeat_interleave": ["repeats=None, not required"] for where in ("", "Tensor.")},
        "arange": ["end=None, not required", "start stands before what PyTorch has there"],
        "randint": ["high=None, not required", "size=None, not required", "dtype=<class 'numpy.int64'>, not 4.0",
                    "low stands before what PyTorch has there"],
        "randint_like": ["high=None, not required"],
        "Tensor.where": ["lacks input"],
        "Tensor.to": ["non_blocking by keyword alone", "copy by keyword alone"],
    },
    "the same dtype, which PyTorch numbers": {
        "randperm": ["dtype=<class 'numpy.int64'>, not 4.0"],
        "tril_indices": ["dtype=None, not 4.0"], "triu_indices": ["dtype=None, not 4.0"],
    },
    "the same default under its own name": {"meshgrid": ["indexing='ij', not None"]},
    "as `linalg` has it": {
        **{name: ["lacks input", "requires A"] for name in ("det", "inverse", "slogdet")},
        "Tensor.cholesky": ["upper by keyword alone"],
    },
    "PyTorch's takes anything, and says itself what it is": {
        "einsum": ["lacks args", "requires equation"], "nn.Sequential": ["lacks args"],
    },
    "nothing here could do otherwise: there are no sparse gradients, no chunks and one way to a distance": {
        "gather": ["lacks sparse_grad"], "Tensor.gather": ["lacks sparse_grad"], "cdist": ["lacks compute_mode"],
        "func.jacrev": ["lacks chunk_size", "lacks _preallocate_and_copy"], "func.jvp": ["lacks strict"],
    },
    "of PyTorch's own use, or long deprecated": {
        "Tensor.expand": ["lacks implicit"], "nn.Embedding": ["lacks _weight", "lacks _freeze"],
        "nn.Hardtanh": ["lacks min_value", "lacks max_value"],
    },
}  # fmt: skip
# PyTorch has none of this name, or none that says how it is called.
NOT_RECORDED = {
    "F.logsigmoid", "Tensor.bool", "Tensor.double", "Tensor.float", "Tensor.half", "Tensor.int", "Tensor.long",
    "Tensor.ndimension", "Tensor.numpy", "Tensor.tolist", "from_numpy",
    "Tensor.nelement", "Tensor.new_tensor", "func.checkpoint", "func.hvp", "func.value_and_grad", "init.fans",
    "nn.GRU", "nn.Identity", "nn.LSTM", "nn.LearnedPositions", "nn.LogSigmoid", "nn.RNN", "nn.Sigmoid",
    "nn.SinusoidalPositions", "nn.Softsign", "nn.Tanh", "nn.Tanhshrink", "nn.TransformerDecoderLayer",
    "nn.TransformerEncoderLayer", "repeat", "unfold", "unique",
}  # fmt: skip


def test_calls_are_those_of_pytorch():
    found = {name: signatures.differences(name, ways) for name, ways in RECORDED.items()}
    known = {name: each for differences in DIFFERENCES.values() for name, each in differences.items()}
    assert {name: each for name, each in found.items() if each} == known


def test_every_call_is_recorded():
    assert set(signatures.names()) - set(RECORDED) == NOT_RECORDED
    assert set(RECORDED) <= set(signatures.names())


@pytest.mark.parametrize(
    "ours, theirs, expected",
    [
        ("(input, dim=0)", "(input, dim=0)", []),
        ("(input, dim=0)", "(input, dim=1)", ["dim=0.0, not 1.0"]),
        ("(input, dim)", "(input, *, dim)", []),
        ("(input, *, dim)", "(input, dim)", ["dim by keyword alone"]),
        ("(other, input)", "(input, other)", ["order (other, input), not (input, other)"]),
        ("(x)", "(input)", ["lacks input", "requires x"]),
        ("(input, *, axis=None)", "(input)", []),
        ("(input, extra=1, dim=0)", "(input, dim=0)", ["extra stands before what PyTorch has there"]),
        ("(input, *sizes, size=None)", "(input, size)", []),
        ("(input)", "(input, *, out=None)", []),
        ("(input, stride=1)", "(input, stride=[1, 1])", []),
    ],
)
def test_what_counts_as_a_difference(ours, theirs, expected):
    ast.parse(f"def f{ours}: ...")
    assert signatures._differences(signatures.theirs(ours), signatures.theirs(theirs)) == expected


NUMBERS = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "call, shape",
    [
        (lambda x: mg.reshape(x, shape=(3, 2)), (3, 2)), (lambda x: x.view(size=(6,)), (6,)),
        (lambda x: x.permute(dims=(1, 0)), (3, 2)), (lambda x: x[:1].expand(size=(4, 3)), (4, 3)),
        (lambda x: mg.flip(x, dims=(0,)), (2, 3)), (lambda x: mg.tile(x, dims=(2,)), (2, 6)),
        (lambda x: x.repeat(repeats=(2, 1, 1)), (2, 2, 3)), (lambda x: mg.zeros(size=(2,)), (2,)),
        (lambda x: mg.ones(size=()), ()), (lambda x: mg.empty(size=(0, 3)), (0, 3)),
        (lambda x: mg.rand(size=(4,)), (4,)), (lambda x: mg.randn(size=(4,)), (4,)),
        (lambda x: x.new_zeros(size=(2,)), (2,)), (lambda x: x.new_ones(size=(2,)), (2,)),
        (lambda x: x.new_empty(size=(2,)), (2,)), (lambda x: mg.arange(end=3), (3,)),
        (lambda x: mg.randint(high=3, size=(2,)), (2,)), (lambda x: mg.randint(3, size=(2,)), (2,)),
        (lambda x: x.to(mg.float64, copy=True, non_blocking=True), (2, 3)),
    ],
)  # fmt: skip
def test_sizes_and_dims_may_be_given_by_name(call, shape):
    assert call(mg.tensor(NUMBERS)).shape == shape


@pytest.mark.parametrize(
    "call", [lambda x: x.reshape(6, shape=(6,)), lambda x: mg.zeros(2, size=(2,)), lambda x: x.flip(0, dims=(0,))]
)
def test_but_not_twice(call):
    with pytest.raises(TypeError, match=r"by position.*and by name"):
        call(mg.tensor(NUMBERS))


def test_arange_needs_an_end():
    with pytest.raises(TypeError, match="arange needs an end"):
        mg.arange()


def test_a_copy_is_one_only_if_asked_for():
    x = mg.tensor(NUMBERS)
    assert x.to(mg.float64) is x
    assert not np.shares_memory(x.to(mg.float64, copy=True).data, x.data)
    assert x.to(mg.float32, copy=True).dtype == np.float32


def test_scatter_takes_a_number_by_name_and_one_source_alone():
    x, places = mg.tensor(NUMBERS), mg.tensor([[0], [2]])
    np.testing.assert_array_equal(x.scatter(1, places, value=9.0).data, [[9.0, 1.0, 2.0], [3.0, 4.0, 9.0]])
    x.scatter_(1, places, value=9.0)
    assert x[1, 2].item() == 9.0
    for wrong in ({}, {"src": x, "value": 1.0}):
        with pytest.raises(TypeError, match="src or value: one of them"):
            x.scatter(1, places, **wrong)


def test_the_recorded_calls_are_those_of_the_installed_pytorch():
    torch = pytest.importorskip("torch")
    assert make_signatures.record(torch, signatures.names()) == RECORDED
