"""`check_grads`, `check_module`, `check_vjp_pair`: everything this package knows, asked of one function at one point.

The order is from cheap and exact to numbers: the forward, what holds of every backward, the formula by probes, the
accuracy in the dtype given, the second order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ..nn import Module
from ..tensor import Tensor
from .adapters import Adapted
from .diagnosis import UNCONFIRMED, diagnose
from .formula import EPS, NOISES, ROUNDINGS, Comparison, Trial, attempt, distance, scale, size_of
from .functions import TensorFunction, module_function
from .rounding import is_accurate
from .structure import CHECKS, gradients_fit, preflight, same_in_any_layout, same_when_recorded
from .subject import Pair, Subject
from .verdicts import LISTENERS, Found, GradReport, Verdict

Kinks = Literal["interval", "fail"]

FINE = 1e-5  # a probe with this resolution sees errors of that size in any entry
SHOWN_UP_TO = 12
KINKS_ALONE = "at kinks between the slopes of the two sides"
NO_DERIVATIVE = (
    ("jump", Verdict.DISCONTINUOUS, "the output jumps here"),
    ("steep", Verdict.NONDIFFERENTIABLE, "the output rises without bound: the derivative here is infinite"),
    ("stairs", Verdict.INCONCLUSIVE, "the output moves in steps: is it computed in float16 or float32 inside?"),
)
PARTS = 512  # so many parts of an input are looked at to get around kinks,
IN_VAIN = 24  # and so many of a large one if there is a kink in each


def check_grads(
    fn: Callable[..., Any], *args: Any, wrt: Sequence[int] | None = None, params: dict[str, Tensor] | None = None,
    order: int = 1, probes: int = 4, kinks: Kinks = "interval", layouts: bool = True, seed: int = 0,
) -> GradReport:  # fmt: skip
    """Check the gradients of a function of tensors at a point. There is no tolerance: the check knows its own error.

    fn: takes `args` and returns a tensor, or a tuple of them; those of floating dtype are looked at.
    args: tensors (or NumPy arrays, which become tensors) and whatever else `fn` takes.
    wrt: the positions of the arguments to differentiate with respect to; all floating ones by default.
    params: leaves that `fn` uses without taking them, by name; by default those that are found in the graph.
    order: 2 also checks the backward of the backward.
    probes: random directions; each sees an error in any entry.
    kinks: "interval" lets the gradient at a kink be any number between the slopes of the two sides; "fail" does not.
    layouts: also try transposed, strided, reversed and read-only arrays.
    seed: of the directions.

    The formula is judged in float64 (in longdouble where that is wider), whatever the dtype of `args`; how accurate it
    is in the dtype of `args`, apart from that. Returns a `GradReport`; raises a subclass of `GradientError` if
    something is wrong or could not be shown, TypeError if nothing can be differentiated.

    >>> import minigrad as mg
    >>> from minigrad.testing import check_grads
    >>> check_grads(lambda x: (x.exp() * x).sum(), mg.randn(3, dtype=mg.float64)).ok
    True
    """
    subject = fn.subject(args, wrt, params) if isinstance(fn, Adapted) else TensorFunction(fn, args, wrt, params)
    return examine(subject, order=order, probes=probes, kinks=kinks, layouts=layouts, seed=seed).raise_if_wrong()


def check_module(
    module: Module, *inputs: Any, modes: Sequence[str] = ("train", "eval"), order: int = 1, probes: int = 4,
    kinks: Kinks = "interval", layouts: bool = True, seed: int = 0,
) -> GradReport:  # fmt: skip
    """Check the gradients of a module with respect to its inputs and parameters, in training and in evaluation mode.

    Buffers, random numbers and the mode are after the check what they were before. Arguments, result and errors as of
    `check_grads`; the report is that of the last mode, with the probes of all.

    >>> import minigrad as mg
    >>> from minigrad.testing import check_module
    >>> check_module(mg.nn.Linear(3, 2).double(), mg.randn(4, 3, dtype=mg.float64)).ok
    True
    """
    unknown = set(modes) - {"train", "eval"}
    if unknown or not modes:
        raise ValueError(f"modes must be 'train' and 'eval', got {tuple(modes)}")
    training = {path: each.training for path, each in module.named_modules()}
    report = GradReport(type(module).__name__)
    try:
        for mode in modes:
            module.train(mode == "train")
            subject = module_function(module, inputs, f"{type(module).__name__} ({mode})")
            earlier = report.probes
            report = examine(subject, order=order, probes=probes, kinks=kinks, layouts=layouts, seed=seed)
            report.probes[:0] = earlier
            report.raise_if_wrong()
    finally:
        for path, each in module.named_modules():
            each.training = training[path]
    return report


def check_vjp_pair(
    forward: Callable[..., Any], vjp: Callable[..., Any], *arrays: Any, probes: int = 4, kinks: Kinks = "interval",
    layouts: bool = True, seed: int = 0,
) -> GradReport:  # fmt: skip
    """Check a backward written for NumPy arrays.

    `forward(*arrays)` returns an array (or a tuple of them), `vjp(cotangent, *arrays)` the gradients of
    sum(cotangent * forward(*arrays)) as a tuple, or as the bare array for one input; None for integers. The rest as
    of `check_grads`.

    >>> import numpy as np
    >>> check_vjp_pair(np.sin, lambda g, x: g * np.cos(x), np.linspace(0.0, 1.0, 5)).ok
    True
    """
    subject = Pair(forward, vjp, arrays)
    return examine(subject, order=1, probes=probes, kinks=kinks, layouts=layouts, seed=seed).raise_if_wrong()


def examine(subject: Subject, *, order: int, probes: int, kinks: str, layouts: bool, seed: int) -> GradReport:
    """Everything, without raising: the report says what was found."""
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, got {order}")
    if kinks not in ("interval", "fail"):
        raise ValueError(f"kinks must be 'interval' or 'fail', got {kinks!r}")
    if probes < 1:
        raise ValueError(f"probes must be at least 1, got {probes}")
    report = GradReport(subject.name, _point(subject))
    try:
        with np.errstate(all="ignore"):  # nan and inf are looked for: a warning that is an error would hide them
            report.passed.append(preflight(subject))
            comparison = Comparison(subject, seed)
            for check in CHECKS:
                report.passed.append(check(subject, comparison))
            _compare(comparison, probes, kinks, report)
            report.passed.append(is_accurate(subject, comparison))
            if layouts:
                report.passed.append(same_in_any_layout(subject, comparison))
            if order == 2:
                _second(subject, probes, kinks, layouts, seed, report)
    except Found as found:
        report.verdict, report.where, report.lines = found.verdict, found.where, list(found.lines)
    except Exception as error:
        report.verdict, report.where = Verdict.RAISED, "the backward"
        report.lines = [f"{type(error).__name__}: {error}".splitlines()[0]]
        report.lines += [f"raised in {_last_frame(error)}"]
    report.passed = [name for name in report.passed if name]
    for listener in LISTENERS:
        listener(report)
    return report


def _compare(comparison: Comparison, probes: int, kinks: str, report: GradReport) -> None:
    """Probes along all inputs together; alone, for an input whose share in these is too small to be seen."""
    doubtful = False
    for number in range(probes):
        doubtful |= _judge(comparison, attempt(comparison, number), kinks, report)
    if len(comparison.arrays) > 1:
        seen = _seen(report, comparison)
        for i, array in enumerate(comparison.arrays):
            if array.size and not seen[i]:
                for number in range(min(probes, 2)):
                    doubtful |= _judge(comparison, attempt(comparison, number, (i, 0, array.size)), kinks, report)
    if any(probe.note == "kink" for probe in report.probes):
        _look_around_kinks(comparison, kinks, report, doubtful)
    conclusive = [probe for probe in report.probes if probe.conclusive]
    for note, verdict, sentence in NO_DERIVATIVE:
        # Along +-1 the jumps of two entries may cancel and hide, and so may their values, and leave but rounding: a
        # direction of which that is not so decides.
        if any(probe.note == note for probe in report.probes):
            again = attempt(comparison, 0).probe
            report.probes.append(again)
            if again.note == note and not again.conclusive:
                raise Found(verdict, "", sentence)
    if conclusive:
        finest = min(probe.resolution for probe in conclusive)
        report.passed.append(f"the formula, to {finest:.0e} of a typical entry")
        return
    if KINKS_ALONE in report.passed:
        return
    worst = max(probe.error for probe in report.probes)
    raise Found(Verdict.INCONCLUSIVE, "", f"the numeric derivatives are good to {worst:.1g} only")


def _look_around_kinks(comparison: Comparison, kinks: str, report: GradReport, doubtful: bool) -> None:
    """At a kink every number between the slopes of the two sides passes, and so does an error of another entry that is
    no larger; where several kinks meet, the right number may lie outside. Cut the inputs down to parts without a kink,
    and to single entries at one."""
    for i, name in enumerate(comparison.subject.inputs):
        size = comparison.arrays[i].size
        seen = any(probe.conclusive and probe.direction in ("all inputs", name) for probe in report.probes)
        if not size or (seen and not doubtful):
            continue
        parts, looked, smooth = [(0, size)], 0, 0
        while parts:
            if looked == PARTS or (looked == IN_VAIN and not smooth and size > PARTS // 2):
                raise Found(
                    Verdict.INCONCLUSIVE, name, f"there are kinks in more entries of {name} than can be looked at"
                )
            start, stop = parts.pop()
            trial = attempt(comparison, 0, (i, start, stop))
            looked += 1
            if trial.probe.note != "kink" or (trial.failed and stop - start == 1):
                smooth += 1
                _judge(comparison, trial, kinks, report, certain=True)
            elif stop - start > 1:
                middle = (start + stop) // 2
                parts += [(start, middle), (middle, stop)]
        _move_as_one(comparison, [i], report)
    if len(comparison.arrays) > 1:  # of the maximum of two inputs, too
        _move_as_one(comparison, range(len(comparison.arrays)), report)
    report.passed.append(KINKS_ALONE)


def _move_as_one(comparison: Comparison, numbers: Sequence[int], report: GradReport) -> None:
    """Entries that meet at a kink each lie between their two slopes, and may be wrong together: of the maximum of two
    equal numbers each may have any part, but both not all. Moved as one they stay equal, and there is no kink."""
    moved = [comparison.arrays[number] for number in numbers if comparison.arrays[number].size]
    name = comparison.subject.inputs[numbers[0]] if len(numbers) == 1 else "all inputs"
    step = max((float(scale(array, each=False).max()) for array in moved), default=0.0)
    for each in (lambda array: np.full(array.shape, step), np.copy):
        along = [each(array) if i in numbers else np.zeros(array.shape) for i, array in enumerate(comparison.arrays)]
        if not any(direction.any() for direction in along):
            continue
        part = (numbers[0], 0, comparison.arrays[numbers[0]].size) if len(numbers) == 1 else None
        trial = attempt(comparison, 0, part, along)
        report.probes.append(trial.probe)
        if trial.failed and not trial.probe.note:
            raise Found(
                Verdict.WRONG_FORMULA, f"gradient of {name}",
                "every entry lies between its slopes to the two sides, but all moved as one they do not add up:",
                f"  backward {trial.probe.backward:+.12g}  numeric {trial.probe.numeric:+.12g} "
                f"+- {trial.probe.error:.1g}",
            )  # fmt: skip


def _judge(comparison: Comparison, trial: Trial, kinks: str, report: GradReport, certain: bool = False) -> bool:
    """Whether it failed where there are kinks, and so has to be looked at more closely; raises `Found` if it failed for
    certain."""
    report.probes.append(trial.probe)
    if trial.probe.note == "kink" and kinks == "fail":
        raise Found(
            Verdict.NONDIFFERENTIABLE, "",
            f"along {trial.probe.direction} the slope is {float(trial.found.left):.6g} to the left and "
            f"{float(trial.found.right):.6g} to the right",
        )  # fmt: skip
    if not trial.failed:
        return False
    if not certain and any(probe.note == "kink" for probe in report.probes):
        return True
    note = diagnose(comparison, trial, kinks)
    if note == UNCONFIRMED:  # an error as large as the difference was let pass
        finest = trial.probe.resolution * distance(trial.probe.backward, trial.found) / trial.probe.bound
        report.probes[-1] = replace(trial.probe, resolution=finest)
    if note not in report.notes:
        report.notes.append(note)
    return False


def _seen(report: GradReport, comparison: Comparison) -> list[bool]:
    """Of each input: whether an error in one entry of it alone would have shown in the probes of all inputs."""
    joint = min((probe.bound for probe in report.probes if probe.direction == "all inputs"), default=np.inf)
    terms = [g * d for g, d in zip(comparison.backward(comparison.cotangent(0)), comparison.direction(0))]
    typical = [size_of([each]) / np.sqrt(max(each.size, 1)) for each in terms]
    return [size > 0 and joint <= FINE * size for size in typical]


def _second(subject: Subject, probes: int, kinks: str, layouts: bool, seed: int, report: GradReport) -> None:
    backward = subject.backward_of()
    if backward is None:
        report.notes.append("there is no backward of the backward to check")
        return
    comparison = Comparison(backward, seed)
    inner = GradReport(backward.name)
    try:
        same_when_recorded(backward, comparison)
        gradients_fit(backward, comparison)
        _compare(comparison, probes, kinks, inner)
        if layouts:
            same_in_any_layout(backward, comparison)
    except Found as found:
        raise Found(found.verdict, f"second order, {found.where}", *found.lines) from None
    finally:
        report.probes.extend(inner.probes)
    report.passed.append(_symmetric(subject, comparison))


def _symmetric(subject: Subject, comparison: Comparison) -> str:
    """u H w = w H u for the second derivative H of <cotangent, output>."""
    count = len(subject.arrays)
    u, w = comparison.direction(0)[:count], comparison.direction(1)[:count]
    first, second = comparison.backward(u)[:count], comparison.backward(w)[:count]
    terms = [np.concatenate([(h * d).ravel() for h, d in zip(each, d2)]) for each, d2 in ((first, w), (second, u))]
    one, other = (float(each.sum()) for each in terms)
    bound = 1e-10 * float(np.abs(terms[0]).sum() + np.abs(terms[1]).sum())
    if abs(one - other) > bound:  # if all cancels, rounding is all there is
        still = [np.zeros(array.shape) for array in comparison.arrays[count:]]
        bound += NOISES * max(comparison.noise([*a, *still], b, 6627.4 * EPS) for a, b in ((w, u), (u, w)))
        bound += ROUNDINGS * comparison.eps * size_of(u) * size_of(w)
    if abs(one - other) > bound:
        raise Found(
            Verdict.WRONG_FORMULA, "second order", f"the Hessian is not symmetric: uHw = {one:.12g}, wHu = {other:.12g}"
        )
    return "second order, symmetric"


def _point(subject: Subject) -> list[str]:
    lines = []
    for name, array in zip(subject.inputs, subject.arrays):
        values = " ".join(np.array2string(array, separator=", ", precision=8).split())
        lines.append(f"{name}: {array.dtype} {array.shape}" + (f" = {values}" if array.size <= SHOWN_UP_TO else ""))
    return lines


def _last_frame(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}" if trace is not None else "an unknown place"
