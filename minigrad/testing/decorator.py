"""`@gradtest`: a function of tensors becomes a test of its gradients, on inputs that hypothesis draws and shrinks.

The function only returns the output. Every check of `minigrad.testing.check` is made at every point drawn; the
smallest point at which one fails is reported, with the verdict.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..nn import Module
from ..tensor import Tensor
from .check import examine
from .functions import TensorFunction, module_function
from .strategies import arguments_of
from .verdicts import ERRORS, GradReport, Verdict

try:
    import hypothesis
    from hypothesis import strategies as st
except ImportError as error:
    raise ImportError("gradtest draws inputs with hypothesis: pip install 'minigrad[test]'") from error

__all__ = ["gradtest"]

INCONCLUSIVE_AT_MOST = 0.05  # of the points drawn
CAPPED_FROM = 20  # points: fewer say nothing about a share


@dataclass
class Tally:
    """What became of the points drawn."""

    points: int = 0
    inconclusive: int = 0

    def count(self, report: GradReport) -> None:
        self.points += 1
        self.inconclusive += report.verdict is Verdict.INCONCLUSIVE

    def judge(self, report: GradReport) -> None:
        """Raise what is wrong. A point where nothing could be shown passes as long as such points are rare."""
        self.count(report)
        rare = self.points < CAPPED_FROM or self.inconclusive <= INCONCLUSIVE_AT_MOST * self.points
        if not (report.verdict is Verdict.INCONCLUSIVE and rare):
            report.raise_if_wrong()

    def close(self, name: str) -> None:
        """Raise Inconclusive if no point showed anything."""
        if self.points and self.inconclusive == self.points:
            report = GradReport(name, verdict=Verdict.INCONCLUSIVE)
            report.lines = [f"none of the {self.points} points drawn showed anything"]
            raise ERRORS[Verdict.INCONCLUSIVE](report)


def gradtest(
    *, order: int = 1, probes: int = 2, kinks: Any = "interval", layouts: bool = True, wrt: Sequence[str] | None = None,
    **strategies: Any,
) -> Callable[[Callable[..., Any]], Callable[[], None]]:  # fmt: skip
    """Make a test of a function: its arguments are drawn, its gradients checked at every point.

    strategies: one per argument, from `minigrad.testing.strategies` or hypothesis; drawn in this order, so that one
        may depend on an earlier one (`axes_of("x")`).
    wrt: the names of the arguments to differentiate with respect to; all floating tensors by default.
    order, probes, kinks, layouts: as of `check_grads`.

    >>> import minigrad as mg
    >>> from minigrad.testing import axes_of, gradtest, tensors
    >>> @gradtest(x=tensors(ndim=(1, 3)), dim=axes_of("x"))
    ... def test_softmax(x, dim):
    ...     return x.softmax(dim)
    >>> test_softmax()
    """

    def decorate(function: Callable[..., Any]) -> Callable[[], None]:
        name = function.__name__.removeprefix("test_")

        def point(drawn: dict[str, Any]) -> GradReport:
            names = list(drawn)
            subject = TensorFunction(
                lambda *values: function(**dict(zip(names, values))), list(drawn.values()),
                None if wrt is None else [names.index(each) for each in wrt], name=name,
            )  # fmt: skip
            subject.inputs[: len(subject.moving)] = [names[i] for i in subject.moving]
            return examine(subject, order=order, probes=probes, kinks=kinks, layouts=layouts, seed=0)

        return _test(function, strategies, point)

    return decorate


def module(
    make: Callable[..., Module], inputs: Sequence[Any] | None = None, *, order: int = 1, probes: int = 2,
    kinks: Any = "interval", layouts: bool = False, **strategies: Any,
) -> Callable[[], None]:  # fmt: skip
    """A test of a module: `make(**drawn)` builds it from the strategies that are named like its arguments, the others
    are its inputs, to whose dtype it is brought. Its parameters, and its inputs, in both modes.

    >>> import minigrad as mg
    >>> from minigrad.testing import gradtest, tensors
    >>> test_norm = gradtest.module(lambda: mg.nn.LayerNorm(3), x=tensors((2, 3)))
    >>> test_norm()
    """
    wanted = set(inspect.signature(make).parameters)
    name = getattr(make, "__name__", "module")

    def point(drawn: dict[str, Any]) -> GradReport:
        built = make(**{key: value for key, value in drawn.items() if key in wanted})
        arguments = {key: value for key, value in drawn.items() if key not in wanted}
        dtypes = {x.dtype for x in arguments.values() if hasattr(x, "dtype") and x.dtype.kind == "f"}
        if len(dtypes) == 1:
            built.to(dtype=dtypes.pop())
        report = GradReport(type(built).__name__)
        for mode in ("train", "eval"):
            built.train(mode == "train")
            subject = module_function(built, list(arguments.values()), f"{type(built).__name__} ({mode})")
            subject.inputs[: len(subject.moving)] = [list(arguments)[i] for i in subject.moving]
            report = examine(subject, order=order, probes=probes, kinks=kinks, layouts=layouts, seed=0)
            if not report.ok:
                break
        return report

    def described() -> None:
        """The gradients of a module."""

    described.__name__ = described.__qualname__ = f"test_{name}"
    return _test(described, strategies, point)


def discover(package: str, cases: Mapping[str, Mapping[str, Any] | None], **settings: Any) -> Callable[..., None]:
    """A test, to be collected by pytest, of every module in a package: one that has no case fails, and so does a case
    without a module, so that no layer is forgotten.

    package: the name of a package or a module; everything in it is imported, and every public subclass of `nn.Module`
        that is defined there is tested.
    cases: by the name of the class, strategies for its inputs, in the order in which it takes them, and strategies or
        values for those arguments of its constructor of which its signature says too little (`module_configs`); None
        for a module that has no gradient to test.
    settings: as of `gradtest.module`.

    In a file that pytest runs: `test_layers = gradtest.discover("mypackage", {"Gate": {"x": tensors((2, 3))}})`.

    >>> from minigrad.testing import gradtest, tensors
    >>> cases = {"Identity": None, "Linear": {"in_features": 3, "x": tensors((2, 3))}, "Bilinear": None}
    >>> test_layers = gradtest.discover("minigrad.nn.layers.affine", cases)
    >>> test_layers("Linear")
    """
    import pytest

    found = modules_in(package)
    names = sorted({*found, *cases})
    if not found:
        raise ValueError(f"no subclass of nn.Module is defined in {package!r}")

    def test(layer: str) -> None:
        if layer not in found:
            raise LookupError(f"there is a case for {layer!r}, but {package!r} defines no such module")
        case = cases.get(layer)
        if case is None:
            raise LookupError(
                f"no case for {layer!r} of {found[layer].__module__}: say what its inputs are, or None to leave it out"
            )
        taken = set(inspect.signature(found[layer]).parameters)
        arguments = arguments_of(found[layer], {name: value for name, value in case.items() if name in taken})
        inputs = {name: value for name, value in case.items() if name not in taken}
        module(found[layer], **settings, **arguments, **inputs)()

    tested = [name for name in names if name not in cases or cases[name] is not None]
    collected: Callable[..., None] = pytest.mark.parametrize("layer", tested)(test)
    return collected


def modules_in(package: str) -> dict[str, type[Module]]:
    """The public modules that are defined in a package, by name. Raises ValueError where two have the same."""
    top = import_module(package)
    names = [each.name for each in pkgutil.walk_packages(getattr(top, "__path__", []), f"{package}.")]
    found: dict[str, type[Module]] = {}
    for each in (top, *map(import_module, names)):
        for name, value in vars(each).items():
            own = isinstance(value, type) and issubclass(value, Module) and value.__module__ == each.__name__
            if own and not name.startswith("_") and value.__name__ == name:
                if name in found:
                    raise ValueError(f"both {found[name].__module__} and {each.__name__} define a module {name!r}")
                found[name] = value
    return found


def _test(
    function: Callable[..., Any], strategies: dict[str, Any], point: Callable[[dict[str, Any]], GradReport]
) -> Callable[[], None]:
    """The function that pytest calls: it takes no arguments, and draws."""
    tally = Tally()
    # To explain a failure by the lines it ran names lines of the checker, and takes longer than to find it.
    phases = [phase for phase in hypothesis.settings().phases if phase is not hypothesis.Phase.explain]

    @hypothesis.settings(
        deadline=None, phases=phases, suppress_health_check=list(hypothesis.HealthCheck), report_multiple_bugs=False
    )
    @hypothesis.given(st.data())
    def search(data: Any) -> None:
        drawn: dict[str, Any] = {}
        for name, strategy in strategies.items():
            chosen = strategy.strategy(drawn) if hasattr(strategy, "strategy") else strategy
            drawn[name] = data.draw(chosen, label=name)
        if not any(isinstance(value, Tensor) or hasattr(value, "dtype") for value in drawn.values()) and not drawn:
            raise ValueError(f"{function.__name__}: no strategies were given")
        report = point(drawn)
        hypothesis.event(f"verdict {report.verdict.name}")
        tally.judge(report)

    def test() -> None:
        tally.points = tally.inconclusive = 0
        search()
        tally.close(function.__name__)

    test.__name__ = test.__qualname__ = function.__name__
    test.__doc__, test.__module__ = function.__doc__, function.__module__
    test.tally = tally  # type: ignore[attr-defined]
    test.search = search  # type: ignore[attr-defined]  # what hypothesis knows: its decorators go onto this one
    return test


gradtest.module = module  # type: ignore[attr-defined]
gradtest.discover = discover  # type: ignore[attr-defined]
