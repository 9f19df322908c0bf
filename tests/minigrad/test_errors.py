"""Bad input: the class of the error, and that the message names the operation, the shapes and the module."""

import copy
import inspect
import pickle
import re
import types

import numpy as np
import pytest

import minigrad as mg
from minigrad import grad_mode
from minigrad.nn import functional as F
from minigrad.ops import methods
from minigrad.ops.primitive import Primitive

X = mg.tensor([1.0, 2.0])
SHAPES = (ValueError, RuntimeError)  # a ShapeError is both
DTYPES = (TypeError, RuntimeError)


@pytest.fixture
def in_module():
    token = grad_mode.state.set(grad_mode.state.get()._replace(module="blocks.3.attn"))
    yield
    grad_mode.state.reset(token)


def ones(*size, dtype="float32"):
    return mg.tensor(np.ones(size, dtype))


REFUSED = {
    "no number": (lambda: ones(2).roll(None), TypeError, r"^roll of \(2,\) float32: shifts cannot be None$"),
    "a word": (lambda: ones(2).roll("a"), TypeError, r"^roll of \(2,\) float32: shifts cannot be of type str$"),
    "add": (
        lambda: ones(2, 3) + ones(4),
        SHAPES,
        r"add of \(2, 3\) float32 and \(4,\) float32: sizes 3 and 4 at dimension -1",
    ),
    "matmul": (
        lambda: ones(2, 3) @ ones(4, 5),
        SHAPES,
        r"matmul of \(2, 3\) float32 and \(4, 5\) float32.* first is 3, .* second 4",
    ),
    "matmul of stacks": (lambda: ones(2, 3, 4) @ ones(5, 4, 3), SHAPES, r"sizes 2 and 5 at dimension -3"),
    "matmul of a number": (lambda: ones(2) @ mg.tensor(1.0), SHAPES, r"matmul of \(2,\) and \(\)"),
    "matmul of a list": (lambda: ones(2) @ [1.0, 2.0], DTYPES, "matmul of Tensor and list"),
    "a string": (
        lambda: ones(2) + "a",
        DTYPES,
        r"add of \(2,\) float32 and str.*: str is neither a tensor nor a number",
    ),
    "a list": (lambda: ones(2) * [1, 2], DTYPES, "list is neither a tensor nor a number"),
    "reshape": (lambda: ones(2, 3).reshape(4), SHAPES, r"reshape of \(2, 3\) float32 with shape=\(4,\)"),
    "expand": (lambda: ones(3).expand(-1, 3), SHAPES, r"expand of \(3,\) to \(-1, 3\)"),
    "permute": (lambda: ones(2, 3).permute(0, 0), ValueError, "every one of 2 dimensions once"),
    "dim": (lambda: ones(2, 3).sum(2), IndexError, "dim 2 is out of range for a tensor of 2 dimensions"),
    "dim twice": (lambda: ones(2, 3).sum((0, -2)), ValueError, "twice"),
    "select dim": (lambda: mg.index_select(ones(2, 3), 5, mg.tensor([0])), IndexError, "dim 5 is out of range"),
    "cat of a number": (lambda: mg.cat([ones(2), 1.0]), DTYPES, "cat takes tensors, got float"),
    "cat": (
        lambda: mg.cat([ones(2, 3), ones(4, 5)], 1),
        SHAPES,
        r"cat of \(2, 3\) float32 and \(4, 5\) float32.*sizes 2 and 4 at dimension 0 differ",
    ),
    "cat of other dimensions": (lambda: mg.cat([ones(2, 3), ones(2)], 1), SHAPES, "must have equally many dimensions"),
    "cat of nothing": (lambda: mg.cat([]), ValueError, "at least one"),
    "stack": (lambda: mg.stack([ones(2), ones(3)]), ValueError, r"one shape, got \(2,\) and \(3,\)"),
    "split": (lambda: ones(5).split([2, 2]), ValueError, r"\[2, 2\] add up to 4, dimension 0 has size 5"),
    "narrow": (lambda: ones(5).narrow(0, 3, 3), IndexError, "narrow from 3 by 3 leaves dimension 0 of size 5"),
    "einsum": (lambda: mg.einsum("ij,jk->ik", ones(2, 3), ones(4, 5)), ValueError, "'j' has sizes 3 and 4"),
    "index out of range": (
        lambda: ones(3)[mg.tensor([5])],
        IndexError,
        r"getitem of \(3,\) float32.*5 is out of range for dimension 0 of size 3",
    ),
    "float index": (
        lambda: ones(3)[mg.tensor([0.5])],
        TypeError,
        r"integers or bools, not float32; convert ids with \.long",
    ),
    "gather": (
        lambda: mg.gather(ones(2, 3), 1, mg.tensor([[3]])),
        IndexError,
        "gather: indices from 3 to 3 do not fit dimension 1 of size 3",
    ),
    "float gather": (lambda: mg.gather(ones(2), 0, ones(1)), TypeError, "gather needs integer indices, got float32"),
    "scatter_add": (
        lambda: mg.scatter_add(ones(3), 0, mg.tensor([0, 1, 2]), ones(2)),
        ValueError,
        r"index of shape \(3,\) reaches beyond src of shape \(2,\)",
    ),
    "mean of integers": (lambda: mg.tensor([1, 2]).mean(), TypeError, r"got int64; convert it with \.float"),
    "negative power": (lambda: mg.tensor([2]) ** -1, SHAPES, r"pow of \(1,\) int64 and -1"),
    "max of nothing": (lambda: mg.amax(ones(0)), SHAPES, r"amax of \(0,\)"),
    "text": (lambda: mg.tensor(["a"]), TypeError, "cannot hold"),
    "ragged": (lambda: mg.tensor([[1.0], [1.0, 2.0]]), TypeError, "rectangular"),
    "complex": (lambda: mg.tensor([1j]), TypeError, "complex"),
    "integers with gradients": (
        lambda: mg.tensor([1, 2], requires_grad=True),
        RuntimeError,
        "only floating-point .* int64",
    ),
    "bools with gradients": (lambda: mg.tensor([True]).requires_grad_(), RuntimeError, "only floating-point .* bool"),
    "item": (lambda: ones(2).item(), RuntimeError, r"2 elements, shape \(2,\)"),
    "truth": (lambda: bool(ones(2)), RuntimeError, r"ambiguous; use \.any\(\) or \.all\(\)"),
    "a float as an index": (lambda: [1, 2][mg.tensor(1.0)], TypeError, "only an integer tensor"),
    "device": (lambda: ones(2).to(device="meta"), RuntimeError, "no backend serves device 'meta'"),
    "clamp": (lambda: mg.clamp(ones(2)), ValueError, "min, max or both"),
    "linear": (
        lambda: F.linear(ones(2, 3), ones(4, 5)),
        SHAPES,
        r"linear: input of shape \(2, 3\) has 3 features, weight of shape \(4, 5\) takes 5",
    ),
    "layer_norm": (
        lambda: F.layer_norm(ones(2, 3), [4]),
        SHAPES,
        r"layer_norm: input of shape \(2, 3\).* normalized_shape \(4,\)",
    ),
    "embedding": (
        lambda: F.embedding(mg.tensor([0, 7]), ones(5, 2)),
        IndexError,
        "embedding: id 7 is out of range for 5 rows",
    ),
    "negative id": (lambda: F.embedding(mg.tensor([0, -1]), ones(5, 2)), IndexError, "embedding: id -1"),
    "float ids": (
        lambda: F.embedding(ones(2), ones(5, 2)),
        TypeError,
        r"ids must be integers, got float32; convert them with \.long",
    ),
    "cross_entropy": (
        lambda: F.cross_entropy(ones(2, 3), mg.tensor([0, 1, 2])),
        SHAPES,
        r"cross_entropy: input of shape \(2, 3\) needs targets of shape \(2,\), got \(3,\)",
    ),
    "class id": (
        lambda: F.cross_entropy(ones(2, 3), mg.tensor([0, 3])),
        IndexError,
        "cross_entropy: target 3 is out of range for 3 classes",
    ),
    "negative class id": (lambda: F.cross_entropy(ones(2, 3), mg.tensor([0, -1])), IndexError, "target -1"),
    "float classes": (
        lambda: F.cross_entropy(ones(2, 3), ones(2)),
        TypeError,
        "class ids must be integers, got float32",
    ),
    "class weights": (
        lambda: F.cross_entropy(ones(2, 3), mg.tensor([0, 1]), ones(2)),
        SHAPES,
        r"weight has shape \(2,\), input has 3 classes",
    ),
    "attention": (
        lambda: F.scaled_dot_product_attention(ones(2, 3), ones(2, 4), ones(2, 4)),
        SHAPES,
        r"query \(2, 3\), key \(2, 4\)",
    ),
    "both masks": (
        lambda: F.scaled_dot_product_attention(ones(2, 3), ones(2, 3), ones(2, 3), mg.tensor(True), is_causal=True),
        ValueError,
        "not both",
    ),
    "dropout": (lambda: F.dropout(ones(2), 1.5), ValueError, r"p must be in \[0, 1\], got 1.5"),
    "grad mode of numpy()": (lambda: mg.ones(2, requires_grad=True).numpy(), RuntimeError, r"call \.detach\(\)\.numpy"),
    "pickle": (lambda: pickle.dumps(ones(2)), TypeError, "save_file"),
    "copy of a computed tensor": (lambda: copy.deepcopy(mg.ones(2, requires_grad=True) * 2), RuntimeError, "leaf"),
    "random integers": (lambda: mg.randn(2, dtype=mg.int64), TypeError, "floating-point dtype, got int64"),
    "dtype of text": (lambda: mg.zeros(2, dtype=str), TypeError, "cannot be of dtype <U"),
    "complex dtype": (lambda: ones(2).to(complex), TypeError, "cannot be of dtype complex128"),
    "object dtype": (lambda: ones(2).sum(dtype=object), TypeError, "cannot be of dtype object"),
    "complex mean": (lambda: ones(2).mean(dtype=np.complex64), TypeError, "cannot be of dtype complex64"),
    "complex arange": (lambda: mg.arange(3, dtype=complex), TypeError, "cannot be of dtype complex128"),
    "complex copy": (lambda: mg.zeros_like(ones(2), dtype=complex), TypeError, "cannot be of dtype complex128"),
    "unknown dtype": (lambda: mg.zeros(2, dtype="foo"), TypeError, "'foo' is no dtype"),
    "to an unknown dtype": (lambda: ones(2).to("foo"), TypeError, "'foo' is no dtype"),
    "negative size": (lambda: mg.zeros(2, -1), SHAPES, r"zeros of size \(2, -1\): a size cannot be negative"),
    "negative full": (lambda: mg.full((-1,), 1.0), SHAPES, r"full of size \(-1,\)"),
    "negative eye": (lambda: mg.eye(2, -1), SHAPES, r"eye of size \(2, -1\)"),
    "full of None": (lambda: mg.full((2,), None), TypeError, "full needs a number to fill with, got NoneType"),
    "arange away": (lambda: mg.arange(5, 0), ValueError, "from 5 never comes to 0 in steps of 1"),
    "arange on the spot": (lambda: mg.arange(0.0, 3.0, 0), ValueError, "in steps of 0"),
    "arange cut to no step": (lambda: mg.arange(0, 3, 0.5, dtype=mg.int64), ValueError, "in steps of 0"),
    "flatten": (lambda: ones(2, 3).flatten(1, 0), SHAPES, r"flatten of \(2, 3\): start_dim 1 comes after end_dim 0"),
    "flatten a number": (lambda: mg.tensor(1.0).flatten(5, 7), IndexError, "dim 5 is out of range"),
    "argmax of a number": (lambda: mg.tensor(1.0).argmax(5), IndexError, "dim 5 is out of range"),
    "max of a number": (lambda: mg.tensor(1.0).max(1), IndexError, "dim 1 is out of range"),
    "squeeze": (lambda: mg.tensor(1.0).squeeze(1), IndexError, "dim 1 is out of range"),
    "size below -1": (lambda: ones(2).reshape(-2), SHAPES, r"reshape of \(2,\) to \(-2,\)"),
    "mask of numbers": (lambda: ones(2).masked_fill(ones(2), 1), DTYPES, "mask of bools, got float32"),
    "fill of several": (lambda: ones(2).masked_fill(ones(2) > 0, ones(2)), SHAPES, r"got a tensor of shape \(2,\)"),
    "fill with None": (lambda: ones(2).masked_fill(ones(2) > 0, None), DTYPES, "needs a number, got NoneType"),
    "fill beyond the dtype": (
        lambda: ones(2, dtype="int64").masked_fill(ones(2) > 0, np.inf),
        RuntimeError,
        "int64 cannot hold inf",
    ),
    "fill with nan": (lambda: ones(2, dtype="int64").masked_fill(ones(2) > 0, np.nan), RuntimeError, "cannot hold nan"),
    "assignment of None": (lambda: ones(2).__setitem__(0, None), DTYPES, r"shape \(2,\) needs a number or a tensor"),
    "condition": (lambda: mg.where(mg.tensor([1, 0]), 1.0, 2.0), DTYPES, "where of .*must be of bools, not int64"),
    "condition of a number": (lambda: mg.where(1, ones(2), 2.0), DTYPES, "must be of bools, not int"),
    "stacks of matrices": (lambda: mg.bmm(ones(1, 2, 3), ones(4, 3, 2)), SHAPES, "stacks of 1 and 4 matrices"),
    "stack of numbers": (lambda: mg.stack([1, 2]), DTYPES, "stack takes tensors, got int and int"),
    "mm of a list": (lambda: mg.mm(ones(2, 2), [1]), DTYPES, "mm takes tensors, got list"),
    "sum of a list": (lambda: mg.sum([1]), DTYPES, "sum takes tensors, got list"),
    "gather by a list": (lambda: mg.gather(ones(2), 0, [1]), DTYPES, "gather takes tensors, got list"),
    "dots": (lambda: mg.einsum("......->...", ones(2)), ValueError, "one '...' in a term"),
    "a hook that is none": (lambda: mg.ones(2, requires_grad=True).register_hook(3), TypeError, "function .* got int"),
    "gradients of nothing": (
        lambda: mg.autograd.grad(mg.ones(1, requires_grad=True) * 2, []),
        RuntimeError,
        "grad needs at least one input",
    ),
    "gradient of a number": (
        lambda: mg.autograd.grad(mg.ones(1, requires_grad=True) * 2, [3]),
        TypeError,
        "grad: input 0 must be a Tensor, got int",
    ),
    "backward into nothing": (
        lambda: (mg.ones(1, requires_grad=True) * 2).backward(inputs=[]),
        RuntimeError,
        "backward needs at least one input",
    ),
    "too many cotangents": (
        lambda: mg.autograd.backward([mg.ones(1, requires_grad=True) * 2], [None, None]),
        ValueError,
        "1 outputs need as many cotangents, got 2",
    ),
}


LOOKED_AT = ("gather", "embedding", "negative id", "class id", "negative class id")


looking = pytest.mark.host("a device does not look at values")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[looking] * (name in LOOKED_AT)) for name in REFUSED]
)
def test_bad_input_is_refused_by_name(name):
    call, classes, message = REFUSED[name]
    with pytest.raises(Exception, match=message) as error:
        call()
    for expected in classes if isinstance(classes, tuple) else (classes,):
        assert isinstance(error.value, expected)


@looking
@pytest.mark.parametrize("name, call, reason", [
    ("inv", mg.linalg.inv, "singular, so it has no inverse"), ("inv", mg.inverse, "singular, so it has no inverse"),
    ("matrix_power", lambda x: mg.linalg.matrix_power(x, -1), "singular, so it has no inverse"),
    ("solve", lambda x: mg.linalg.solve(x, ones(2)), "singular, so there is no single solution"),
    ("cholesky", lambda x: mg.linalg.cholesky(x - 1.0), "not positive definite"),
])  # fmt: skip
def test_a_matrix_without_such_a_factor_is_refused_as_pytorch_does(name, call, reason):
    with pytest.raises(mg.linalg.LinAlgError, match=rf"^{name} of \(2, 2\) float32.*: a matrix is {reason}"):
        call(ones(2, 2))


@pytest.mark.parametrize(
    "name", ["add", "matmul", "linear", "embedding", "cross_entropy", "class id", "layer_norm", "attention"]
)
def test_the_message_names_the_module_that_was_running(name, in_module):
    with pytest.raises(Exception, match=r"in module 'blocks\.3\.attn'"):
        REFUSED[name][0]()


# ------------------------------------------------------------------------------------------------- backward


def test_backward_needs_a_single_element_or_a_cotangent():
    x = mg.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"shape \(2,\) needs gradient=.*reduced first"):
        (x * 2).backward()
    with pytest.raises(RuntimeError, match=r"gradient has shape \(3,\), the output it belongs to \(2,\)"):
        (x * 2).backward(mg.ones(3))
    with pytest.raises(TypeError, match="gradient must be a Tensor, got ndarray"):
        (x * 2).backward(np.ones(2))
    (x * 2).reshape(2, 1)[:1].backward()  # one element of any shape
    assert x.grad.tolist() == [2.0, 0.0]


@pytest.mark.parametrize("make", [lambda x: x.detach(), lambda x: x.long().sum(), lambda x: (x > 0).sum()])
def test_backward_needs_a_graph(make):
    with pytest.raises(RuntimeError, match="does not require grad"):
        make(mg.ones(1, requires_grad=True)).backward()


def test_grad_of_an_unused_input():
    x, y = mg.ones(2, requires_grad=True), mg.ones(3, requires_grad=True)
    out = (x * 2).sum()
    with pytest.raises(RuntimeError, match=r"input 1 of shape \(3,\) was not used.*allow_unused"):
        mg.autograd.grad(out, (x, y), retain_graph=True)
    gx, gy = mg.autograd.grad(out, (x, y), allow_unused=True)
    assert gy is None and gx.tolist() == [2.0, 2.0]
    assert x.grad is None  # grad() adds nothing
    with pytest.raises(RuntimeError, match=r"input 0 of shape \(2,\) does not require grad"):
        mg.autograd.grad(out, mg.ones(2))
    with pytest.raises(ValueError, match="1 outputs need as many cotangents, got 2"):
        mg.autograd.grad(out, x, (mg.ones(1), mg.ones(1)))


def test_backward_into_chosen_inputs_leaves_the_others():
    x, w = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    (x * w).sum().backward(inputs=[w])
    assert x.grad is None and w.grad.tolist() == [1.0, 1.0]


def test_a_hook_returns_a_tensor():
    x = mg.ones(2, requires_grad=True)
    x.register_hook(lambda g: 2.0)
    with pytest.raises(TypeError, match="must return a Tensor or None, not float"):
        (x * 2).sum().backward()


def test_a_gradient_is_not_added_to_what_cannot_be_one():
    x = mg.ones(3, requires_grad=True)
    x.grad = mg.ones(3)
    x.data = mg.ones(2, 3)
    with pytest.raises(RuntimeError, match=r"one of shape \(2, 3\), .* grad of shape \(3,\)"):
        (x * 2).sum().backward()


def test_backward_of_several_into_chosen_inputs():
    x, w = mg.ones(2, requires_grad=True), mg.ones(2, requires_grad=True)
    mg.autograd.backward([(x * w).sum(), (x + w).sum()], inputs=w)
    assert x.grad is None and w.grad.tolist() == [2.0, 2.0]


def test_gradients_that_are_not_wanted_are_not_computed():
    x, w = mg.ones(2, requires_grad=True), mg.ones(2)
    y = x * w
    assert len(y.node.saved) == 1  # w alone, for the gradient of x
    assert y.node.edges[1] is None


# ------------------------------------------------------------------------------------------------- numbers


def test_nan_is_not_hidden():
    nan = mg.tensor([np.nan])
    for function in (
        F.relu,
        F.gelu,
        F.silu,
        mg.abs,
        mg.amax,
        lambda x: mg.clamp(x, 0.0, 1.0),
        lambda x: mg.maximum(x, 0.0),
    ):
        assert np.isnan(function(nan).data).all()


def test_softmax_and_losses_never_overflow():
    x = mg.tensor([[1e4, -1e4, 0.0], [-1e30, 1e30, 0.0]], requires_grad=True)
    for out in (F.softmax(x, 1), F.log_softmax(x, 1), mg.logsumexp(x, 1), F.cross_entropy(x, mg.tensor([0, 1]))):
        assert np.isfinite(out.data).all()
        assert np.isfinite(mg.autograd.grad(out.sum(), x)[0].data).all()


@pytest.mark.parametrize("call", [
    lambda x: mg.logsumexp(x * 0.0 - np.inf, 0), lambda x: F.gelu(x * 1e20, "tanh"), lambda x: F.gelu(x * 1e20),
    lambda x: F.softmax((x - 2.0) * 3e38, 0), lambda x: F.log_softmax((x - 2.0) * 3e38, 0),
    lambda x: F.cross_entropy(x[None], mg.tensor([-100])), lambda x: (x * 0.0).sqrt(),
])  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_no_value_gives_a_warning(call):
    """Those of single functions apart, which are NumPy's: log(0), 1 / 0."""
    x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    for mode in ("off", "force"):
        with mg.kernels.mode(mode):
            mg.autograd.grad(call(x).sum(), x)


def test_a_row_that_is_masked_everywhere_gives_zero_with_gradient_zero():
    x = mg.tensor(np.full((2, 3), -np.inf), requires_grad=True)
    out = F.softmax(x, 1)
    out.backward(mg.tensor(np.ones((2, 3))))
    assert not out.data.any() and not x.grad.data.any()


def test_what_a_backend_refuses_is_no_matter_of_shapes():
    with pytest.raises(RuntimeError, match="no backend serves device 'meta'") as error:
        ones(2).to(device="meta")
    assert not isinstance(error.value, mg.ShapeError)


METHODS = [name for name, method in methods.METHODS.items() if isinstance(getattr(mg.Tensor, name), types.FunctionType)]
FUNCTIONS = [name for name in sorted({*mg.ops.__all__}) if isinstance(getattr(mg, name, None), types.FunctionType)]


def refusal_of(function, *args, **settings):
    with pytest.raises(TypeError) as error:
        function(*args, **settings)
    return str(error.value)


OF_THE_TESTS = pytest.mark.host("where the tests run on a device, Tensor.numpy is theirs")
CALLED = [
    *(pytest.param(mg.Tensor, name, marks=OF_THE_TESTS if name == "numpy" else ()) for name in METHODS),
    *((mg, name) for name in FUNCTIONS),
]


@pytest.mark.parametrize("where, name", CALLED)
def test_a_wrong_call_is_told_by_name_what_is_wrong_with_it(where, name):
    function = getattr(where, name)
    if isinstance(getattr(mg, name.rstrip("_"), None), Primitive):
        return  # it says what it takes
    names = f"({name}|{function.__name__})"
    wrong = r"(got an unexpected keyword argument 'nonsense'|missing a required)"
    assert re.match(rf"{names}(\(\)|:) {wrong}", refusal_of(function, X, nonsense=1))
    assert re.match(rf"{names}: results are returned, not written to out=", refusal_of(function, X, out=X))
    parameters = inspect.signature(function).parameters.values()
    if any(each.default is each.empty and each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters):
        assert re.match(rf"{names}(\(\)|:) missing (a|\d) required", refusal_of(function))


@pytest.mark.parametrize("value, told", [(None, "None"), ("a", "str"), (b"a", "bytes")])
def test_an_assignment_is_told_what_it_was_given(value, told):
    with pytest.raises(mg.DTypeError, match=rf"shape \(2,\) needs a number or a tensor, got {told}$"):
        ones(2)[0] = value
