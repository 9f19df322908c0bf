"""What the engine calls on arrays, CuPy has, and takes with the keywords it is called with.

Every call in the parts of minigrad that run on a device is read from the source and held against the names and
signatures of one CuPy release, recorded in `tests/standin/snapshot.json`. No GPU, and no CuPy, is needed.
"""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import Tensor
from minigrad.backends import Backend
from tests.minigrad.backends.array_calls import Use, uses
from tests.standin import make_snapshot

SNAPSHOT = json.loads(make_snapshot.PATH.read_text())
FOLDER = Path(minigrad.__file__).parent
ROOT = FOLDER.parent
# These parts see NumPy's arrays alone, or none.
NUMPY_ALONE = (
    "backends/choosing.py", "backends/error_function.py", "backends/numpy.py", "backends/processes.py",
    "backends/threads.py", "io/", "kernels/numpy/", "nn/data_parallel.py", "testing/",
)  # fmt: skip
TABLES = ("ops/numpy_functions.py",)  # names NumPy's functions to say what computes in their place on tensors
FILES = {
    name: uses(path.read_text())
    for path in sorted(FOLDER.rglob("*.py"))
    if not (name := path.relative_to(FOLDER).as_posix()).startswith((*NUMPY_ALONE, *TABLES))
}

# What is NumPy's own on every backend, for it is not about the elements of arrays.
HOST_NAMES = {
    "np.broadcast_shapes": "shapes are tuples",
    "np.dtype": "CuPy's dtypes are NumPy's",
    "np.errstate": "which warnings NumPy's arithmetic gives; a device's gives none",
    "np.finfo": "about a dtype",
    "np.iinfo": "about a dtype",
    "np.ndindex": "counts",
    "np.promote_types": "about dtypes",
}
# What is about arrays in host memory, by file, and why it may be; and what only shares a name with NumPy's arrays.
SCALAR = "NumPy's scalars become arrays; a device has none"
INPUT = "what a user passes that is no tensor"
PLACES = "which entries a window or a part sees; goes to the device whole"
HOST: dict[str, dict[str, str]] = {
    "backends/__init__.py": {"np.asarray": SCALAR},
    "backends/cupy.py": {"np.?": "one of three ufuncs, each used elsewhere too"},
    "debug/anomaly.py": {
        "array.flags.writeable": "only NumPy's arrays are guarded against other owners of their memory",
        "np.ascontiguousarray": "only NumPy's arrays are guarded",
    },
    "graph.py": {"np.asarray": SCALAR},
    "kernels/registry.py": {"np.asarray": SCALAR},
    "nn/functional/adaptive_pooling.py": {"array.max": PLACES, "np.arange": PLACES},
    "nn/functional/pooling.py": {"np.arange": PLACES, "np.ones": PLACES, "np.zeros": PLACES},
    "nn/functional/resize.py": {"np.arange": PLACES},
    "nn/functional/sparse.py": {"np.asarray": INPUT},
    "nn/utils/clip_grad.py": {
        "np.asarray": "of gradients on the CPU alone", "np.zeros": "the norm of no gradients at all",
    },
    "nn/positions.py": {"np.arange": "a table that is made once"},
    "ops/dtypes.py": {"np.empty": "examples of dtypes"},
    "ops/index.py": {"np.asarray": INPUT},
    "ops/inplace.py": {"np.asarray": INPUT},
    "ops/interchange.py": {"np.array": "the array that `__array__` promises"},
    "ops/linalg.py": {"np.max": "looks how large the elements are, on the CPU alone"},
    "ops/primitive.py": {"np.asarray": SCALAR},
    "ops/random.py": {"np.random.Generator": "draws on the host", "np.random.Philox": "draws on the host"},
    "ops/rounding.py": {"np.broadcast": "looks for zeros, on the CPU alone"},
    "ops/windows.py": {"np.arange": PLACES},
    "optim/optimizer.py": {"np.array": "a count of steps, which the host reads", "np.asarray": INPUT},
    "optim/rule.py": {"np.array": "a count of steps, which the host reads"},
    "optim/swa_utils.py": {"np.zeros": "a count of updates, which the host reads"},
    "profiler.py": {"array.dumps": "of json"},
}

# What looks at values inside CuPy 14.2 and so waits for the device, by what it looks for. Read in its source, and seen:
# with CuPy itself, its kernels not run, counting how often the engine's tests made it copy to the host.
LOOKS = {
    "cupy.argpartition": "whether places lie inside",
    "cupy.argwhere": "how many there are",
    "cupy.average": "whether the weights add up to 0",
    "cupy.bincount": "how many bins there are",
    "cupy.compress": "how many there are",
    "cupy.extract": "how many there are",
    "cupy.flatnonzero": "how many there are",
    "cupy.lib.stride_tricks.sliding_window_view": "whether a size is below 0, in an array that it makes of the sizes",
    "cupy.nonzero": "how many there are",
    "cupy.unique": "how many there are",
    "cupy.unravel_index": "whether places lie inside",
}
# Where they are used all the same, and why.
SIZE = "the size of the result depends on values: PyTorch waits too"
MAY_LOOK = {
    "ops/diagonals.py": {"xp.nonzero": SIZE},
    "ops/ordering.py": {"np.argpartition": "on the CPU alone"},
    "ops/search.py": {"np.bincount": SIZE, "np.nonzero": SIZE, "np.unique": SIZE},
}


# --------------------------------------------------------------------------------------------- the judgement


def problem(file: str, use: Use, snapshot: dict) -> str | None:
    """As `refusal`, with nothing said of what is declared."""
    declared = use.name in HOST_NAMES or use.name in HOST.get(file, ())
    return None if declared else refusal(use, snapshot)


def refusal(use: Use, snapshot: dict) -> str | None:
    """Why CuPy would not take it, or None."""
    home, _, rest = use.name.partition(".")
    if home == "array":
        return problem_of_method(rest, use, snapshot["signatures"])
    if home == "np":
        thing = found_in_numpy(rest)
        if thing is MISSING:
            return "a name that only running it tells; NumPy has none such"
        owner = found_in_numpy(rest.rpartition(".")[0])
        if isinstance(owner, np.ufunc):
            return problem_of_ufunc(f"cupy.{owner.__name__}", thing.__name__, snapshot)
        if is_a_constant(thing) or (isinstance(thing, type) and not use.called):
            return None
        if not dispatches(thing) and "like" not in (use.keywords or ()):
            return "makes an array in host memory: give it `like=`, or declare what it is for"
        return problem_of_call(cupy_name(thing), use, snapshot["signatures"], thing)
    name = f"cupy.{rest}" if home == "xp" else use.name
    owner, _, method = name.rpartition(".")
    if owner in snapshot["ufuncs"]:
        return problem_of_ufunc(owner, method, snapshot)
    return problem_of_call(name, use, snapshot["signatures"])


def problem_of_ufunc(name: str, method: str, snapshot: dict) -> str | None:
    able = method == "outer" or method in snapshot["ufuncs"].get(name, ())
    return None if able else f"{name} has no method {method} that works"


MISSING = object()


def found_in_numpy(name: str):
    thing = np
    for part in name.split("."):
        thing = getattr(thing, part, MISSING)
    return thing


def is_a_constant(thing) -> bool:
    """A number, None, or a dtype; one that is called makes a scalar, which CuPy takes."""
    return thing is None or isinstance(thing, float) or (isinstance(thing, type) and issubclass(thing, np.generic))


def dispatches(thing) -> bool:
    """Whether NumPy hands the call to the module of the arrays it is given."""
    return isinstance(thing, np.ufunc) or hasattr(thing, "_implementation")


def cupy_name(thing) -> str:
    """Where CuPy looks for a function of NumPy: a ufunc by its name alone, others in the module they say is theirs."""
    if isinstance(thing, np.ufunc):
        return f"cupy.{thing.__name__}"
    return ".".join(["cupy", *(thing.__module__ or "numpy").split(".")[1:], thing.__name__])


def resolved(name: str) -> str:
    """The name in CuPy of a use, "" for others."""
    home, _, rest = name.partition(".")
    if home == "np":
        thing = found_in_numpy(rest)
        return cupy_name(thing) if thing is not MISSING and dispatches(thing) else ""
    return f"cupy.{rest}" if home == "xp" else name if home == "cupy" else ""


def problem_of_call(name: str, use: Use, signatures: dict, numpys=None) -> str | None:
    if name not in signatures:
        return f"there is no {name}"
    signature = signatures[name]
    if not use.called or signature is None:
        return None
    if signature in ("property", "value"):
        return f"{name} cannot be called"
    theirs = parsed(signature)
    return refused(theirs, use) or (reordered(theirs, numpys, use) if numpys else None)


def problem_of_method(name: str, use: Use, signatures: dict) -> str | None:
    """An attribute of an array, or of a tensor or a backend, if these have one of the name: whatever takes the call."""
    others = [thing for thing in (inspect.getattr_static(owner, name, None) for owner in (Tensor, Backend)) if thing]
    if f"cupy.ndarray.{name}" not in signatures:
        return None if others else f"there is no cupy.ndarray.{name}"
    signature = signatures[f"cupy.ndarray.{name}"]
    if not use.called or signature == "property":
        return None
    bound = use._replace(positional=None if use.positional is None else use.positional + 1)  # with self
    reason = refused(parsed(signature), bound)
    taken = any(callable(other) and refused(inspect.signature(other), bound) is None for other in others)
    return None if taken else reason


def parsed(text: str) -> inspect.Signature:
    """A signature from its text. Whatever the defaults are, they are shown as None."""
    args = ast.parse(f"def f{text}: ...").body[0].args
    P = inspect.Parameter
    places = [(arg, P.POSITIONAL_ONLY) for arg in args.posonlyargs] + [(a, P.POSITIONAL_OR_KEYWORD) for a in args.args]
    needed = len(places) - len(args.defaults)
    parameters = [P(a.arg, kind, default=P.empty if i < needed else None) for i, (a, kind) in enumerate(places)]
    parameters += [P(args.vararg.arg, P.VAR_POSITIONAL)] if args.vararg else []
    parameters += [
        P(a.arg, P.KEYWORD_ONLY, default=P.empty if default is None else None)
        for a, default in zip(args.kwonlyargs, args.kw_defaults)
    ]
    return inspect.Signature(parameters + ([P(args.kwarg.arg, P.VAR_KEYWORD)] if args.kwarg else []))


def refused(signature: inspect.Signature, use: Use) -> str | None:
    keywords = dict.fromkeys(set(use.keywords) - {"like"})  # NumPy takes `like` off before it hands a call on
    try:
        if use.positional is None:  # some arguments come from a list: only the keywords can be judged
            signature.bind_partial(**keywords)
        else:
            signature.bind(*[None] * use.positional, **keywords)
    except TypeError as error:
        return f"takes {signature}: {error}"
    return None


def reordered(theirs: inspect.Signature, numpys, use: Use) -> str | None:
    """Whether an argument given by its place means another thing to CuPy."""
    try:
        ours = list(inspect.signature(numpys).parameters)
    except ValueError:
        return None  # older NumPys do not say
    for mine, other in list(zip(ours, theirs.parameters))[: use.positional]:
        if mine != other and (mine in theirs.parameters or other in ours):
            return f"takes {theirs}, where {mine!r} stands elsewhere: pass it by name"
    return None


# -------------------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize("file", FILES)
def test_cupy_takes_every_call(file):
    problems = [(use, problem(file, use, SNAPSHOT)) for use in FILES[file]]
    found = [f"{file}:{use.line}: {use.name}: {reason}" for use, reason in problems if reason]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("file", FILES)
def test_no_call_waits_for_the_device_inside_cupy(file):
    looking = {use.name: LOOKS[resolved(use.name)] for use in FILES[file] if resolved(use.name) in LOOKS}
    assert looking.keys() == MAY_LOOK.get(file, {}).keys(), looking


@pytest.mark.parametrize("name", HOST_NAMES)
def test_every_name_of_the_host_is_used(name):
    assert any(use.name == name for found in FILES.values() for use in found)


@pytest.mark.parametrize("file", HOST)
def test_every_declared_use_is_there_and_would_not_be_taken(file):
    for name in HOST[file]:
        ours = [use for use in FILES[file] if use.name == name]
        assert any(refusal(use, SNAPSHOT) for use in ours), f"{file} needs no leave for {name}"


# ------------------------------------------------------------------------------------- that the test can fail


def reasons(text: str) -> list[str]:
    return [reason for use in uses(text) if (reason := problem("ops/reduce.py", use, SNAPSHOT))]


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nnp.sum(x, where=m)",
        "import numpy as np\nnp.max(x, initial=0.0)",
        "import numpy as np\nnp.exp(x, where=m)",
        "import numpy as np\nnp.add(x, y, order='C')",
        "import numpy as np\nnp.take(x, i, mode='clip')",
        "import numpy as np\nnp.take(x, i, 0, None, 'clip')",
        "import numpy as np\nnp.argmax(x, 0, out)",  # the third is a dtype to CuPy
        "import numpy as np\nnp.reshape(x, shape=(2,))",  # which CuPy calls newshape
        "import numpy as np\nnp.clip(x, min=0.0)",
        "import numpy as np\nnp.linalg.matrix_norm(x)",
        "import numpy as np\nnp.vecdot(x, y)",
        "import numpy as np\nnp.multiply.at(x, i, y)",
        "import numpy as np\nnp.maximum.reduce(x)",
        "import numpy as np\nf = np.vecdot",
        "import numpy as np\nnp.asarray(x)",
        "import numpy as np\nnp.arange(3)",
        "import numpy as np\nnp.ogrid[:3]",
        "import numpy as np\nnp.no_such_thing(x)",
        "import numpy as np\ngetattr(np, name)(x)",
        "import numpy as np\npartial(np.sum, where=m)",
        "import numpy as other\nother.sum(x, where=m)",
        "import numpy.linalg\nnumpy.linalg.matrix_norm(x)",
        "from numpy import sum as total\ntotal(x, where=m)",
        "from numpy.linalg import solve\nsolve(a, b, c)",
        "xp.nanprod_of(x)",
        "backend.xp.sum(x, where=m)",
        "_xp(device).full(2)",
        "import cupy\ncupy.sum(x, where=m)",
        "import cupy\ncupy.multiply.at(x, i, y)",
        "import cupy as cp\ncp.fft_of(x)",
        "import cupyx\ncupyx.scatter_multiply(x, i, y)",
        "from cupyx.scipy import special\nspecial.erfi(x)",
        "x.sum(0, where=m)",
        "x.max(initial=0.0)",
        "x.take(i, mode='clip')",
        "x.setflags(write=False)",
        "x.y.ctypes.data",
        "x.flags.writeable",
        "x.astype(t, device='cpu')",
    ],
)
def test_what_cupy_would_not_take_is_found(text):
    assert len(reasons(text)) == 1, reasons(text)


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nnp.sum(x, axis=0, keepdims=True)",
        "import numpy as np\nnp.exp(x, out=y)",
        "import numpy as np\nnp.true_divide(x, y)",  # whose name is divide
        "import numpy as np\nnp.max(x, axis=0)",  # whose name is amax in some NumPys
        "import numpy as np\nnp.zeros(s, t, like=x)",
        "import numpy as np\nnp.add.at(x, i, y)",
        "import numpy as np\nnp.float32(3.0), np.pi, np.newaxis, isinstance(x, np.ndarray)",
        "import numpy as np\nnp.stack(*x)",
        "import numpy as np\nnp.lib.stride_tricks.sliding_window_view(x, 3, 0)",
        "xp.zeros(s, dtype=t)",
        "from cupyx.scipy import special\nspecial.erf(x)",
        "x.sum(0, keepdims=True)",
        "x.sum(dim=0, keepdim=True)",  # a tensor's
        "x.sort(dim=0, descending=True)",
        "backend.diagonal(x, 0, 0, 1)",
        "x.flags.c_contiguous",
        "exp(x).sum(0)",
    ],
)
def test_what_cupy_takes_is_not_objected_to(text):
    assert reasons(text) == []


# ------------------------------------------------------------------------------------- that the record is true


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The snapshot of the installed CuPy, taken where no GPU is seen."""
    path = tmp_path_factory.mktemp("snapshot") / "snapshot.json"
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-m", "tests.standin.make_snapshot", str(path)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if "No module named 'cupy'" in run.stderr:
        pytest.skip("CuPy is not installed")
    assert run.returncode == 0, run.stderr
    return json.loads(path.read_text())


def test_the_record_is_that_of_the_installed_release(installed):
    if installed["version"] != SNAPSHOT["version"]:
        pytest.skip(f"recorded of CuPy {SNAPSHOT['version']}, installed is {installed['version']}")
    assert installed == SNAPSHOT


def test_the_installed_release_takes_every_call_too(installed):
    problems = [(file, use, problem(file, use, installed)) for file, found in FILES.items() for use in found]
    found = [f"{file}:{use.line}: {use.name}: {reason}" for file, use, reason in problems if reason]
    assert not found, "\n" + "\n".join(found)
