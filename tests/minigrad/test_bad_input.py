"""Bad input over the whole public surface: whatever a function is given, it works or says by name why it does not.

The sweep takes the calls that are compared with PyTorch, spoils one argument of each at a time, and looks at the error.
"""

import functools
import importlib
import inspect
import pkgutil
import random
import re
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.backends import cpu
from minigrad.nn import functional as F
from minigrad.ops.methods import METHODS
from tests.minigrad.test_torch_values import WRITTEN_TWICE
from tests.oracle import calls

# ------------------------------------------------------------------------------------------ what is called, and how


class Recorder:
    """A library whose functions of these names are kept with the arguments they are called with."""

    def __init__(self, library, names, kept, **instead):
        self.__dict__.update(instead)
        self._parts = library, names, kept

    def __getattr__(self, name):
        library, names, kept = self._parts
        function = getattr(library, name)
        if name not in names or not callable(function):
            return function

        def call(*args, **settings):
            kept.setdefault((library, name), []).append((args, settings))
            return function(*args, **settings)

        return call


@functools.cache
def known_calls():
    """(library, name) -> calls that work, as (arguments, settings): what the oracle's families call, and the rest."""
    kept = {}
    functional = Recorder(F, set(F.__all__), kept)
    library = Recorder(mg, set(mg.ops.__all__), kept, nn=Recorder(nn, (), kept, functional=functional))
    for module in pkgutil.iter_modules(calls.__path__):
        family = getattr(importlib.import_module(f"{calls.__name__}.{module.name}"), "CALLS", {})
        for label, (function, arrays) in family.items():
            if label in WRITTEN_TWICE:
                continue  # records no call, and means nothing on a device
            with np.errstate(all="ignore"):
                function(library, *(mg.tensor(array, requires_grad=True) for array in arrays))
    kept |= OTHER_CALLS
    for name in METHODS:  # those in place take what the functions take
        if name.endswith("_") and (mg, name[:-1]) in kept:
            kept[mg.Tensor, name] = kept[mg, name[:-1]]
    return kept


X = mg.tensor(np.linspace(-1.0, 1.0, 6).reshape(2, 3))
Y = mg.tensor(np.linspace(0.1, 0.9, 6).reshape(2, 3))
N = mg.tensor(np.arange(6).reshape(2, 3))
MASK = X > 0

# The functions that no family calls by name.
OTHER_CALLS = {
    **{(mg, name): [((2, 3), {})] for name in ("empty", "ones", "zeros", "rand", "randn")},
    **{(mg, name): [((X,), {})] for name in ("empty_like", "zeros_like", "rand_like", "randn_like", "numel")},
    **{(mg, name): [((X,), {})] for name in ("is_floating_point", "isfinite", "isinf", "isnan", "logical_not")},
    **{(mg, name): [((X, Y), {})] for name in ("clamp_max", "clamp_min", "allclose", "equal", "isclose")},
    (mg, "result_type"): [((X, Y), {})],
    **{(mg, name): [((X, Y), {}), ((X, 1.0), {})] for name in ("eq", "ge", "gt", "le", "lt", "ne")},
    **{(mg, name): [((N, N), {})] for name in ("bitwise_and", "bitwise_or", "bitwise_xor")},
    **{(mg, name): [((X, N), {})] for name in ("logical_and", "logical_or", "logical_xor")},
    **{(mg, name): [((X,), {}), ((X, 1), {"keepdim": True})] for name in ("all", "any")},
    (mg, "full"): [(((2, 3), 1.5), {})],
    (mg, "linspace"): [((0, 1, 5), {})],
    (mg, "is_tensor"): [((X,), {})],
    (mg, "can_cast"): [((mg.int64, mg.float32), {})],
    (mg, "promote_types"): [((mg.int64, mg.float32), {})],
    (mg, "masked_fill"): [((X, MASK, 0.5), {})],
    (mg, "bitwise_not"): [((N,), {})],
    (mg, "bernoulli"): [((Y,), {})],
    (mg, "manual_seed"): [((3,), {})],
    (mg, "multinomial"): [((Y, 2), {})],
    (mg, "normal"): [((0.0, 1.0, (2, 3)), {})],
    (mg, "randint"): [((0, 5, (2, 3)), {})],
    (mg, "randint_like"): [((N, 5), {})],
    (mg, "randperm"): [((5,), {})],
    (mg, "repeat"): [((X, 2, 1), {})],
    (mg, "unfold"): [((X, 1, 2, 1), {})],
    (mg, "unsqueeze"): [((X, 1), {})],
    (mg, "matrix_power"): [((mg.ones(3, 3), 2), {})],
    **{(mg.Tensor, name): [((X,), {})] for name in ("half", "float", "double", "int", "long", "bool", "contiguous")},
    **{(mg.Tensor, name): [((X, 3, 2), {})] for name in ("view", "new_zeros", "new_ones", "new_empty")},
    **{(mg.Tensor, name): [((X, Y), {})] for name in ("view_as", "reshape_as", "expand_as", "type_as", "copy_")},
    (mg.Tensor, "expand"): [((X, 4, -1, 3), {})],
    (mg.Tensor, "to"): [((X, mg.float32), {}), ((X, "cpu"), {})],
    (mg.Tensor, "fill_"): [((X, 0.5), {})],
    (mg.Tensor, "add_"): [((X, Y), {"alpha": 2.0})],
    (mg.Tensor, "new_full"): [((X, (2, 3), 0.5), {})],
    (mg.Tensor, "new_tensor"): [((X, [1.0, 2.0]), {})],
    (mg.Tensor, "where"): [((X, MASK, Y), {})],
    (mg.Tensor, "split"): [((X, 2, 1), {})],
    (mg.Tensor, "stride"): [((X, 1), {})],
    (F, "sigmoid"): [((X,), {})],
    (F, "tanh"): [((X,), {})],
    (F, "gumbel_softmax"): [((X,), {"tau": 0.5})],
    **{(F, name): [((X, 0.5, True), {})] for name in ("alpha_dropout", "dropout", "feature_alpha_dropout")},
    **{(F, f"dropout{n}d"): [((mg.ones(*(2,) * (n + 2)), 0.5, True), {})] for n in (1, 2, 3)},
}

# ----------------------------------------------------------------------------------------------------- the sweep

SPOILED = {
    "None": None, "text": "text", "bytes": b"text", "a complex number": 1j, "an object": object(), "a function": len,
    "a list": [1.0, 2.0], "a ragged list": [[1, 2], [3]], "an empty list": [], "a dict": {"a": 1},
    "a dtype": np.float32, "a large int": 2**62, "one beyond 64 bits": 2**70, "a negative int": -7, "a fraction": 1.5,
    "nan": float("nan"), "infinity": float("inf"), "True": True, "large sizes": (2**40, 2**40), "dims": (9, -9),
    "another shape": mg.tensor(np.ones((7, 5), np.float32)), "ids": mg.tensor([[0, 1]]), "a 0-d tensor": mg.tensor(2.0),
    "nothing": mg.tensor(np.ones((0, 3))), "five dimensions": mg.tensor(np.ones((1, 1, 1, 1, 1))),
    "objects": np.array([object(), None]), "complex numbers": np.array([1j]), "strings": np.array(["a"]),
    "dates": np.array(["2020-01-01"], "M8[D]"), "records": np.zeros(2, [("a", int)]),
}  # fmt: skip
ENDLESS = {("tensor_split", kind) for kind in ("a large int", "one beyond 64 bits")}  # as many parts as are asked for
EXPECTED = (ValueError, TypeError, RuntimeError, IndexError, MemoryError, ZeroDivisionError)


def fresh(value):
    """A call may change what it is given."""
    return value.detach().clone() if isinstance(value, mg.Tensor) else value


def spoil(args, settings, place, value):
    args = [value if number == place else fresh(arg) for number, arg in enumerate(args)]
    return args, {key: value if key == place else fresh(setting) for key, setting in settings.items()}


def sweep(library, name, examples, kinds):
    function = getattr(library, name)
    names = {name, getattr(function, "__name__", ""), getattr(function, "name", "")} - {""}
    either = "|".join(re.escape(each.rstrip("_")) for each in names)
    named = re.compile(rf"(?<!\w)({either})_?(?!\w)")
    twice = re.compile(rf"(?i)(?<![\w'])(?<!cupy\.)({either})_?(:| of| takes| needs)")
    for args, settings in examples:
        for place in (*range(len(args)), *settings):
            if library is mg.Tensor and place == 0:
                continue  # what is no tensor has no such method
            for kind in kinds:
                if (name, kind) in ENDLESS:
                    continue
                arguments, named_arguments = spoil(args, settings, place, SPOILED[kind])
                try:
                    with np.errstate(all="ignore"), warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        function(*arguments, **named_arguments)
                except EXPECTED as error:
                    told = str(error)
                    assert named.search(told), f"{name} with {kind} as argument {place}: {error!r} does not name it"
                    assert len(twice.findall(told)) < 2, told
                    assert len(told) < 700 and "array(" not in told and "object at 0x" not in told, told


@pytest.mark.parametrize("library, name", known_calls(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_spoilt_argument_works_or_is_refused_by_name(library, name):
    """Whatever is raised is one of the expected classes and names the function. Here for one call of every function
    and some of the ways to spoil it, other ones for each."""
    sweep(library, name, known_calls()[library, name][:1], random.Random(name).sample(sorted(SPOILED), 12))


@pytest.mark.slow
@pytest.mark.parametrize("library, name", known_calls(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_spoilt_argument_of_any_known_call_works_or_is_refused_by_name(library, name):
    sweep(library, name, known_calls()[library, name], SPOILED)


def test_the_sweep_knows_every_public_function():
    called = {name for library, name in known_calls() if library is not mg.Tensor}
    functions = {name for name in (*mg.ops.__all__, *F.__all__) if not inspect.isclass(getattr(mg.ops, name, None))}
    same = {name for name in functions if any(getattr(mg, name, 0) is getattr(mg, each, 1) for each in called)}
    assert functions - called - same - {"default_generator", "from_dlpack", "from_numpy"} == set()


# -------------------------------------------------------------------------------------------------------- dimensions


def dim_calls():
    """Calls of functions that take a `dim`, as (name, function, arguments by name, number of dimensions)."""
    for (library, name), examples in known_calls().items():
        function = getattr(library, name)
        if not inspect.isfunction(function) or "dim" not in (signature := inspect.signature(function)).parameters:
            continue
        for args, settings in examples[:3]:
            given = signature.bind(*args, **settings).arguments
            first = next(iter(given.values()))
            first = first[0] if isinstance(first, (tuple, list)) else first
            if isinstance(given.get("dim"), int) and isinstance(first, mg.Tensor) and first.ndim:
                yield name, function, given, first.ndim


DIM_CALLS = list(dim_calls())
BY_NAME = pytest.mark.parametrize("name, function, given, ndim", DIM_CALLS, ids=[call[0] for call in DIM_CALLS])


def with_dim(function, given, dim):
    arguments = {key: fresh(value) for key, value in {**given, "dim": dim}.items()}
    bound = inspect.BoundArguments(inspect.signature(function), arguments)
    with np.errstate(all="ignore"):
        return function(*bound.args, **bound.kwargs)


@BY_NAME
def test_a_dim_out_of_range_is_told_the_range(name, function, given, ndim):
    beyond = ndim + 1  # `unsqueeze` and `stack` have one dimension more
    for dim in (beyond, -beyond - 1):
        with pytest.raises(IndexError, match=rf"dim {dim} is out of range for a tensor of .*; it goes from -\d to \d"):
            with_dim(function, given, dim)


@BY_NAME
def test_a_dim_counts_from_the_end_too(name, function, given, ndim):
    ndim += name in ("unsqueeze", "stack")
    dim = given["dim"]
    here, there = (with_dim(function, given, each) for each in (dim, dim - ndim if dim >= 0 else dim + ndim))
    for a, b in zip(here, there) if isinstance(here, tuple) else [(here, there)]:
        np.testing.assert_array_equal(getattr(a, "data", a), getattr(b, "data", b))


@BY_NAME
@pytest.mark.parametrize("dim", [1.0, True, "0"])
def test_a_dim_is_an_int(name, function, given, ndim, dim):
    if dim is True and name in ("var", "std", "var_mean", "std_mean"):
        return  # it is `unbiased` there
    with pytest.raises(TypeError, match=rf"^{name}\b"):
        with_dim(function, given, dim)


@pytest.mark.parametrize("name", ["sum", "mean", "amax", "amin", "var", "std", "logsumexp", "any", "all", "nansum"])
def test_a_dim_is_given_once(name):
    with pytest.raises(ValueError, match=rf"^{name} of \(2, 3\) .*names a dimension twice"):
        getattr(mg, name)(X > 0 if name in ("any", "all") else X, (1, -1))


def test_there_are_many_functions_with_a_dim():
    assert len({call[0] for call in DIM_CALLS}) > 40


# ------------------------------------------------------------------------------------------- what no tensor can hold

FOREIGN = {
    "complex numbers": np.array([1j, 2j]), "objects": np.array([None, object()]), "text": np.array(["1", "2"]),
    "bytes": np.array([b"1", b"2"]), "structured data": np.zeros(2, [("a", int)]),
    "datetime64": np.array(["2020-01-01", "2021-01-01"], "M8[D]"), "float128": np.ones(2, np.longdouble),
}  # fmt: skip
ENTRANCES = {
    "tensor": mg.tensor, "from_numpy": mg.from_numpy, "as_tensor": mg.as_tensor, "Parameter": nn.Parameter,
    "addition": lambda a: mg.ones(2) + a, "addition from the left": lambda a: a + mg.ones(2),
    "matmul": lambda a: mg.ones(2) @ a, "maximum": lambda a: mg.maximum(mg.ones(2), a),
    "where": lambda a: mg.where(mg.tensor([True, False]), mg.ones(2), a), "cat": lambda a: mg.cat([mg.ones(2), a]),
    "assignment": lambda a: mg.ones(2).__setitem__(slice(None), a),
    "index_put": lambda a: mg.index_put(mg.ones(2), 0, a),
    "in place": lambda a: mg.ones(2).add_(a), "copy_": lambda a: mg.ones(2).copy_(a),
    "linear": lambda a: F.linear(mg.ones(3, 2), a[None]), "mse_loss": lambda a: F.mse_loss(mg.ones(2), a),
    "searchsorted": lambda a: mg.searchsorted(mg.ones(2), a), "isin": lambda a: mg.isin(mg.ones(2), a),
}  # fmt: skip
beside_a_tensor = pytest.mark.host("an array of the host beside a tensor of a device is refused as such")
OPERANDS = ("addition", "matmul", "maximum", "where", "cat", "in place")


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize(
    "entrance", [pytest.param(each, marks=beside_a_tensor) if each in OPERANDS else each for each in ENTRANCES]
)
def test_what_no_tensor_can_hold_is_refused_at_every_entrance(entrance, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TypeError, match=f"cannot hold {kind}"):
            ENTRANCES[entrance](FOREIGN[kind])


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_state_of_what_no_tensor_can_hold_changes_nothing(kind):
    layer = nn.Linear(2, 1)
    before = layer.weight.tolist()
    if kind == "float128":
        return  # its numbers are converted
    with pytest.raises(RuntimeError, match=r"weight: dtype .* does not convert to the module's float32"):
        layer.load_state_dict({"weight": FOREIGN[kind][None], "bias": np.zeros(1)})
    assert layer.weight.tolist() == before


@pytest.mark.parametrize("number", [1j, None, "1", b"1", object(), [1.0], {}])
@pytest.mark.parametrize("use", [
    lambda n: mg.ones(2) + n, lambda n: mg.ones(2) < n, lambda n: mg.ones(2) @ n, lambda n: mg.exp(n),
    lambda n: mg.sum(n), lambda n: mg.full((2,), n), lambda n: mg.ones(2).masked_fill(mg.ones(2) > 0, n),
    lambda n: F.softmax(n, 0), lambda n: F.linear(n, mg.ones(2, 2)),
])  # fmt: skip
def test_what_is_neither_tensor_nor_number_is_refused(use, number):
    with pytest.raises(TypeError):
        use(number)


# ------------------------------------------------------------------------------------------------ unusual arrays


@beside_a_tensor
@pytest.mark.parametrize("use", [
    mg.tensor, mg.as_tensor, nn.Parameter, lambda a: mg.ones(3) * a, lambda a: a * mg.ones(3),
    lambda a: mg.cat([mg.tensor(a), a])[3:], lambda a: (mg.eye(3) @ a[:, None])[:, 0],
    lambda a: F.linear(mg.eye(3), a[None])[:, 0], lambda a: mg.zeros(3).copy_(mg.tensor(a)),
    lambda a: mg.index_put(mg.zeros(3), ..., a), lambda a: mg.where(mg.tensor([True] * 3), a, mg.zeros(3)),
])  # fmt: skip
@pytest.mark.parametrize("dtype", [">f4", "<f4"])
def test_the_byte_order_of_an_array_does_not_matter(use, dtype):
    out = use(np.array([1.0, 2.0, 3.0], dtype))
    assert out.tolist() == [1.0, 2.0, 3.0] and out.dtype == mg.float32 and out.dtype.isnative


@pytest.mark.parametrize("dtype", [">f4", "<f4"])
@pytest.mark.parametrize("use", [mg.tensor, mg.as_tensor, nn.Parameter])
def test_a_tensor_has_the_byte_order_of_the_machine(use, dtype):
    out = use(np.array([1.0, 2.0, 3.0], dtype))
    assert out.tolist() == [1.0, 2.0, 3.0] and out.dtype.isnative and out.device == mg.get_default_device()


def test_shared_memory_of_foreign_byte_order_is_refused():
    with pytest.raises(TypeError, match=r"from_numpy cannot share >f4 memory, .*minigrad\.tensor converts"):
        mg.from_numpy(np.zeros(3, ">f4"))


def read_only():
    array = np.zeros(3, np.float32)
    array.flags.writeable = False
    return array


@pytest.mark.host("a device knows no read-only memory")
@pytest.mark.parametrize("write", [
    lambda x: x.add_(1.0), lambda x: x.__setitem__(0, 1.0), lambda x: x.fill_(1.0), lambda x: x.copy_(mg.ones(3)),
    lambda x: F.relu(x - 1.0) if x.fill_(2.0) is None else None, lambda x: x.masked_fill_(x == 0, 1.0),
    lambda x: x.index_fill_(0, mg.tensor([0]), 1.0), lambda x: nn.init.ones_(x), lambda x: x.exp_(),
    lambda x: mg.optim.SGD([x.requires_grad_()], lr=0.1),
])  # fmt: skip
def test_read_only_memory_is_not_written_to(write):
    array = read_only()
    with pytest.raises((RuntimeError, ValueError), match=r"tensor of shape \(3,\)|of shape \(3,\), .*read-only"):
        write(mg.from_numpy(array))
    assert not array.any()


def test_read_only_memory_is_read():
    x = mg.from_numpy(read_only()).requires_grad_()
    (x.exp() * 2.0).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    x.grad += 1.0  # the gradient lies in memory of its own


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("use", [
    lambda n: mg.tensor([n], dtype=mg.int64), lambda n: mg.tensor([1]).__setitem__(0, n), lambda n: int(mg.tensor(n)),
    lambda n: mg.tensor([1]).fill_(n), lambda n: mg.tensor([1]).masked_fill(mg.tensor([True]), n),
])  # fmt: skip
def test_no_integer_is_made_of_a_number_that_is_none(use, number):
    with pytest.raises((TypeError, ValueError, RuntimeError, OverflowError), match=r"(?i)nan|inf"):
        use(number)


@pytest.mark.parametrize("use", [
    lambda: mg.zeros(2**40, 2**40), lambda: mg.ones(2**70), lambda: mg.full((2**62,), 1.0),
    lambda: mg.eye(2**40), lambda: mg.arange(2**62),
    pytest.param(lambda: mg.rand(2**62), marks=pytest.mark.host("a device looks for the memory first")),
    lambda: mg.linspace(0, 1, 2**62), lambda: mg.randperm(2**62),
    lambda: mg.ones(1, 1).expand(2**40, 2**40), lambda: mg.ones(2).repeat(2**62), lambda: mg.tile(mg.ones(2), (2**62,)),
    lambda: F.pad(mg.ones(2), (2**62, 0)), lambda: F.interpolate(mg.ones(1, 1, 2), size=2**62),
    lambda: F.one_hot(mg.tensor([1]), 2**62), lambda: nn.Linear(2**40, 2**40), lambda: nn.Embedding(2**62, 2),
    lambda: mg.tril_indices(2**62, 2),
])  # fmt: skip
def test_sizes_beyond_all_memory_are_refused(use):
    with pytest.raises(mg.ShapeError, match="a size or number is too large for 64 bits"):
        use()


def test_more_memory_than_there_is_names_the_operation():
    with pytest.raises(MemoryError, match=r"^mul of \(1099511627776, 4096\) float32 and 2\.0: Unable to allocate 16"):
        mg.from_numpy(np.broadcast_to(np.float32(0), (1 << 40, 1 << 12))) * 2.0
    with pytest.raises(MemoryError, match=r"^zeros with sizes=\(1048576, 67108864\): Unable to allocate 256. TiB"):
        mg.zeros(2**20, 2**26)


# --------------------------------------------------------------------------------------------------------- nothing


@pytest.mark.parametrize("name", ["amax", "amin", "argmax", "argmin", "max", "min", "aminmax"])
def test_of_nothing_none_is_the_largest(name):
    function = getattr(mg, name)
    with pytest.raises(mg.ShapeError, match=rf"^{name} of \(2, 0\) float32.*: dimension 1 has size 0: of no elements"):
        function(mg.ones(2, 0), dim=1)
    with pytest.raises(mg.ShapeError, match=rf"^{name} of \(0,\) float32.*: dimension 0 has size 0"):
        function(mg.ones(0))


@pytest.mark.parametrize("name, value", [
    ("sum", 0.0), ("prod", 1.0), ("mean", np.nan), ("var", np.nan), ("std", np.nan), ("any", False), ("all", True),
    ("nansum", 0.0), ("nanmean", np.nan), ("norm", 0.0), ("median", np.nan), ("count_nonzero", 0),
])  # fmt: skip
def test_of_nothing_there_are_a_sum_and_a_product(name, value):
    """PyTorch's answers, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(getattr(mg, name)(mg.ones(0)).data, value)


LAYERS = {
    "Linear": (nn.Linear(3, 2), (0, 3)), "Bilinear": (nn.Bilinear(3, 2, 4), (0, 3), (0, 2)),
    "Conv1d": (nn.Conv1d(2, 3, 2), (0, 2, 5)), "Conv2d": (nn.Conv2d(2, 3, 2, padding=1), (0, 2, 5, 5)),
    "Conv3d": (nn.Conv3d(2, 3, 2), (0, 2, 3, 3, 3)), "ConvTranspose2d": (nn.ConvTranspose2d(2, 3, 2), (0, 2, 5, 5)),
    "LayerNorm": (nn.LayerNorm(3), (0, 3)), "RMSNorm": (nn.RMSNorm(3), (0, 3)),
    "GroupNorm": (nn.GroupNorm(2, 4), (0, 4, 3)),
    "BatchNorm2d": (nn.BatchNorm2d(3), (0, 3, 2, 2)), "InstanceNorm2d": (nn.InstanceNorm2d(3), (0, 3, 2, 2)),
    "LSTM": (nn.LSTM(3, 4), (5, 0, 3)), "GRU": (nn.GRU(3, 4, batch_first=True), (0, 5, 3)),
    "LSTMCell": (nn.LSTMCell(3, 4), (0, 3)),
    "MultiheadAttention": (nn.MultiheadAttention(8, 2, batch_first=True), (0, 5, 8), (0, 5, 8), (0, 5, 8)),
    "TransformerEncoderLayer": (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (0, 5, 8)),
    "MaxPool2d": (nn.MaxPool2d(2), (0, 3, 4, 4)), "AvgPool2d": (nn.AvgPool2d(2), (0, 3, 4, 4)),
    "AdaptiveAvgPool2d": (nn.AdaptiveAvgPool2d(2), (0, 3, 4, 4)),
    "Upsample": (nn.Upsample(scale_factor=2), (0, 3, 4, 4)),
    "Dropout": (nn.Dropout(), (0, 3)), "PReLU": (nn.PReLU(), (0, 3)), "MSELoss": (nn.MSELoss(), (0, 3), (0, 3)),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["off", "force"])
@pytest.mark.parametrize("name", LAYERS)
def test_a_batch_of_nothing_goes_through_every_layer(name, mode):
    layer, *sizes = LAYERS[name]
    xs = [mg.zeros(*size).requires_grad_() for size in sizes]
    with mg.kernels.mode(mode), warnings.catch_warnings():
        warnings.simplefilter("error")
        out = layer(*xs)
        (out[0] if isinstance(out, tuple) else out).sum().backward()
    assert [x.grad.shape for x in xs] == sizes


@pytest.mark.parametrize("setting, value, word", [
    ("kernel_size", 0, "0"), ("kernel_size", -1, "-1"), ("kernel_size", 2**62, "4611686018427387904"),
    ("stride", 0, "stride"), ("stride", -1, "stride"), ("dilation", 0, "dilation"), ("padding", -1, "padding"),
    ("groups", 0, "groups"), ("dilation", 2**62, "4611686018427387904"),
])  # fmt: skip
def test_a_convolution_of_impossible_settings_names_them(setting, value, word):
    with pytest.raises((ValueError, RuntimeError), match=word):
        nn.Conv2d(2, 2, **{"kernel_size": 2, setting: value})(mg.zeros(1, 2, 4, 4))


@pytest.mark.parametrize("index", [np.array([2, 0, 2]), (slice(None), np.array([2, 0, 2])), (None, True)])
def test_values_of_too_many_dimensions_do_not_reach_numpy(index):
    """`np.add.at` reads beyond the memory of such values, up to a crash."""
    values = np.ones((1, 1, 1, 1, 2, 3))
    with pytest.raises(ValueError, match="values of 6 dimensions do not fit into a place of"):
        cpu.scatter_by("add", np.zeros((3, 3)), index, values)
    with pytest.raises((ValueError, RuntimeError), match="scatter_add"):
        mg.scatter_add(mg.zeros(2, 3), 1, N[:, :3] % 3, values)
