"""How the packages are built: which module may import which, what importing costs, and what is nowhere in the tree."""

import ast
import doctest
import importlib
import json
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad
from minigrad.ops import methods

ROOT = Path(minigrad.__file__).parent.parent
PACKAGES = [name for name in ("minigrad", "lm") if (ROOT / name).is_dir()]
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

# From the base up: a module imports from its own line and those above it, never from those below.
LAYERS = [
    ["minigrad.backends"],
    ["minigrad.grad_mode", "minigrad.writes", "minigrad.hooks", "minigrad.copying", "minigrad.nested"],
    ["minigrad.graph"],
    ["minigrad.tensor"],
    ["minigrad.debug"],
    ["minigrad.function"],
    ["minigrad.autograd"],
    ["minigrad.ops"],
    ["minigrad.kernels"],
    ["minigrad.nn"],
    ["minigrad.optim"],
    ["minigrad.func"],
    ["minigrad.io"],
    ["minigrad.testing"],
    ["minigrad.profiler", "minigrad.teach"],
    ["minigrad"],
    ["lm"],  # an empty package: its modules import one another directly
    ["lm.openblas"],
    ["lm.tokenizer"],
    ["lm.data"],
    ["lm.models"],
    ["lm.config"],  # settings become a model's own configuration
    ["lm.generation"],
    ["lm.hub"],
    ["lm.training"],
    ["lm.cli", "lm.cli_hub", "lm.cli_tokenizer"],
]
STANDARD = set(sys.stdlib_module_names)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in SOURCES}


def imports_of(text, package):
    """The modules that a file of a package imports, wherever in it (but not for type checkers alone)."""
    tree = ast.parse(text)
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for body in node.body
        for inner in ast.walk(body)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                found.add(inner if inner in MODULES else base)
    return found


def package_of(name):
    return name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]


IMPORTS = {name: imports_of(path.read_text(), package_of(name)) for name, path in MODULES.items()}


def layer(name):
    matches = [
        (len(prefix), number)
        for number, prefixes in enumerate(LAYERS)
        for prefix in prefixes
        if name == prefix or (name.startswith(prefix + ".") and prefix not in PACKAGES)
    ]
    assert matches, f"{name} has no place in the layers"
    return max(matches)[1]


def test_every_module_has_its_place():
    for name in MODULES:
        layer(name)


@pytest.mark.parametrize("name", MODULES)
def test_no_import_points_up(name):
    for imported in IMPORTS[name]:
        if imported.split(".")[0] in PACKAGES:
            target = imported if imported in MODULES else imported.rpartition(".")[0]
            assert layer(target) <= layer(name), f"{name} imports {imported} from a higher layer"


def test_no_imports_form_a_circle():
    """Among modules; a package's `__init__` gathers its modules, and stands above them."""
    edges = {
        name: {each for each in imported if each in MODULES and each != name and not name.startswith(each + ".")}
        for name, imported in IMPORTS.items()
    }
    done, path = set(), []

    def visit(name):
        if name in path:
            raise AssertionError(" -> ".join([*path[path.index(name) :], name]))
        if name not in done:
            path.append(name)
            for each in sorted(edges[name]):
                visit(each)
            done.add(path.pop())

    for name in edges:
        visit(name)


def test_imports_are_found_wherever_they_stand():
    text = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lm\n"
        "from . import shape\nfrom .. import graph\n"
        "def f():\n    from ..nn.functional import relu\n    import minigrad.optim.sgd as s\n"
    )
    assert imports_of(text, "minigrad.ops") == {
        "typing", "minigrad.ops.shape", "minigrad.graph", "minigrad.nn.functional", "minigrad.optim.sgd",
    }  # fmt: skip
    assert layer("minigrad.nn.functional") > layer("minigrad.kernels.registry") > layer("minigrad.ops.reduce")
    assert layer("lm.cli") > layer("lm.training.loop") > layer("lm.data.text") > layer("minigrad")


def test_minigrad_needs_numpy_alone():
    """The gradient checker also reaches, when asked to, for what draws inputs and runs tests, for balls, and for the
    frameworks it checks."""
    for name, imported in IMPORTS.items():
        if name.split(".")[0] == "minigrad":
            inner = name.startswith("minigrad.testing.")
            asked = {"hypothesis", "pytest", "flint", "torch", "jax", "autograd"} if inner else set()
            outside = {each.split(".")[0] for each in imported} - STANDARD
            assert outside <= {"minigrad", "numpy", "cupy", "cupyx"} | asked, name


@pytest.mark.parametrize("package", ["minigrad", "minigrad.testing"])
def test_import_loads_numpy_and_nothing_else_from_outside_the_standard_library(package):
    code = (
        f"import sys, numpy, json; before = set(sys.modules); import {package};"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(json.loads(run.stdout)) - STANDARD <= {"minigrad", "numpy"}


def test_the_stub_lists_what_is_bound():
    assert methods.stub_path().read_text() == methods.stub(), "run: python -m minigrad.ops.methods"


def test_the_stub_is_written_by_running_its_module(monkeypatch):
    written = []
    monkeypatch.setattr(Path, "write_text", lambda path, text: written.append((path, text)))
    code = compile(Path(methods.__file__).read_text(), methods.__file__, "exec")
    here = {"__package__": "minigrad.ops", "__file__": methods.__file__}
    exec(code, {"__name__": "minigrad.ops.again", **here})  # noqa: S102  (as an import does)
    assert written == []
    exec(code, {"__name__": "__main__", **here})  # noqa: S102  (as `python -m` does)
    assert written == [(methods.stub_path(), methods.stub())]


# ------------------------------------------------------------------------------------- what is nowhere in the tree

FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "runpy", "code", "imp"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "import_module", "load_module"}
MEANT = {
    "minigrad.testing.decorator": ["import_module"],  # the package that a test names, to find its layers
    "minigrad.backends.processes": ["pickle"],  # an error just made, to see if it can be sent: nothing is kept
}


def forbidden(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in FORBIDDEN_MODULES)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module.split(".")[0] in FORBIDDEN_MODULES:
            yield node.module
        elif isinstance(node, ast.Call):
            home, _, name = ast.unparse(node.func).rpartition(".")
            own = node.args and ast.unparse(node.args[0]).startswith("f'{__name__}.")  # a package's own module, late
            if name in FORBIDDEN_CALLS and home in ("", "builtins", "importlib") and not own:
                yield name
            if any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords):
                yield "allow_pickle"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: module_name(path))
def test_nothing_read_from_a_file_is_run(path):
    assert list(forbidden(ast.parse(path.read_text()))) == MEANT.get(module_name(path), [])


@pytest.mark.parametrize(
    "source",
    ["import pickle", "from marshal import loads", "eval('1')", "builtins.exec('1')", "np.load(f, allow_pickle=True)",
     "importlib.import_module(name)", "__import__('os')", "import pickle as p"],
)  # fmt: skip
def test_the_search_finds(source):
    assert list(forbidden(ast.parse(source)))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: module_name(path))
def test_a_file_opens_by_saying_what_lives_there_and_is_read_in_one_sitting(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or not tree.body, "no docstring"
    assert not re.search(r"\b(utils|helpers|common|misc)\b", path.stem)
    assert text.count("\n") <= 480, "more than one subject?"


# ------------------------------------------------------------------------------------------------------- doctests


def public_modules():
    names = []
    for package in PACKAGES:
        names.append(package)
        folder = str(ROOT / package)
        names += [module.name for module in pkgutil.walk_packages([folder], package + ".") if "cupy" not in module.name]
    return [name for name in names if not name.endswith("__main__") and ">>>" in MODULES[name].read_text()]


@pytest.mark.host("the examples show what lies in host memory")
@pytest.mark.parametrize("name", public_modules())
def test_examples_of_docstrings_run(name):
    module = importlib.import_module(name)
    finder = doctest.DocTestFinder(exclude_empty=True)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    output = []
    examples = 0
    for test in finder.find(module, name):
        examples += len(test.examples)
        runner.run(test, out=output.append)
    assert examples, "no example was found: is a decorator hiding it?"
    assert runner.failures == 0, "".join(output)


# -------------------------------------------------------------------------------- the kernels can be deleted


def test_the_library_is_complete_without_its_kernels(tmp_path):
    """The package without `kernels/`, and the tests of the engine run against it."""
    ignored = shutil.ignore_patterns("__pycache__", "kernels")
    shutil.copytree(ROOT / "minigrad", tmp_path / "minigrad", ignore=ignored)
    shutil.copytree(
        Path(__file__).parent, tmp_path / "tests", ignore=shutil.ignore_patterns("__pycache__", "lm", "kernels")
    )
    for name in ("pyproject.toml", "setup.cfg"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, tmp_path)
    subset = ["test_graph.py", "test_torch_values.py", "ops/test_inplace.py"]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", "not installed and not 50_000",
         *(f"tests/minigrad/{name}" for name in subset)],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    probe = "import minigrad, pathlib; print(hasattr(minigrad, 'kernels'), pathlib.Path(minigrad.__file__).parents[1])"
    found = subprocess.run([sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", str(tmp_path)]
