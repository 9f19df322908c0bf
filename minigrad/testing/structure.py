"""What holds of every backward exactly, whatever its numbers: shapes and dtypes, memory, linearity, no surprises.

These checks need no derivative. Each is named by the sentence it adds to `GradReport.passed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .formula import EPS, Comparison, same_function, same_shape
from .layouts import LAYOUTS, laid_out
from .subject import Backward, Subject
from .verdicts import Found, Verdict

Array: TypeAlias = Any


def preflight(subject: Subject) -> str:
    """The function runs, gives finite floating-point numbers, the same twice, and leaves its inputs alone."""
    before = [array.copy() for array in subject.arrays]
    try:
        with np.errstate(all="ignore"):
            first = [out.copy() for out in subject.forward(subject.arrays)]
            second = subject.forward(subject.arrays)
    except Found:
        raise
    except Exception as error:
        raise Found(Verdict.RAISED, "", f"{type(error).__name__}: {error}".splitlines()[0]) from error
    _unchanged(subject, before, "the forward")
    if [out.shape for out in first] != [out.shape for out in second]:
        raise Found(
            Verdict.STATEFUL, "", f"a second call gave shapes {[out.shape for out in second]}, the first "
            f"{[out.shape for out in first]}",
        )  # fmt: skip
    for one, other in zip(first, second):
        if one.tobytes() != np.asarray(other).tobytes() and not np.array_equal(one, other, equal_nan=True):
            raise Found(
                Verdict.NONDETERMINISTIC, "",
                f"two calls at the same point differ by up to {float(np.nanmax(np.abs(one - other))):.2g}",
            )  # fmt: skip
        if not np.isfinite(one).all():
            raise Found(
                Verdict.NONFINITE, "", f"the output has {int((~np.isfinite(one)).sum())} nan or inf of {one.size}"
            )
    return "the forward repeats itself and is finite"


def gradients_fit(subject: Subject, comparison: Comparison) -> str:
    """Every gradient has its input's shape and dtype."""
    for array, gradient, name in zip(subject.arrays, _vjp(subject, comparison), subject.inputs):
        if gradient is None:
            continue
        gradient = np.asarray(gradient)
        same_shape(name, array, gradient)
        if gradient.dtype != array.dtype:
            raise Found(
                Verdict.WRONG_SHAPE_DTYPE, f"gradient of {name}", f"dtype {gradient.dtype}, but {name} is {array.dtype}"
            )
    return "shapes and dtypes"


def leaves_alone_what_it_is_given(subject: Subject, comparison: Comparison) -> str:
    """Inputs and cotangents are as before, also when a cotangent is read-only or broadcast."""
    before = [array.copy() for array in subject.arrays]
    cotangents = [np.array(each) for each in _cotangents(subject, comparison)]
    kept = [each.copy() for each in cotangents]
    first = _copies(subject.vjp(subject.arrays, cotangents))
    _unchanged(subject, before, "the backward")
    for cotangent, old in zip(cotangents, kept):
        if not np.array_equal(cotangent, old):
            raise Found(Verdict.MUTATED_INPUT, "cotangent", "the backward writes into the cotangent it is given")
    for cotangent in cotangents:
        cotangent.flags.writeable = False
    try:
        second = _copies(subject.vjp(subject.arrays, cotangents))
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise Found(Verdict.MUTATED_INPUT, "cotangent", "the backward writes into the cotangent it is given") from error
    for name, one, other in zip(subject.inputs, first, second):
        if one is None or other is None:
            same = one is other
        else:
            same = np.array_equal(one, other, equal_nan=True)
        if not same:
            raise Found(Verdict.NONDETERMINISTIC, f"gradient of {name}", "two backwards with the same cotangent differ")
    _leaves_the_graph_alone(subject, cotangents)
    _forgets(subject, cotangents, second)
    return ("" if subject.copies else "inputs and cotangents left alone; ") + "the backward repeats itself"


def _leaves_the_graph_alone(subject: Subject, cotangents: Sequence[Array]) -> None:
    """What the forward saved is there for a second backward, too, and an output that was saved is the caller's."""
    twice = subject.vjp_twice(subject.arrays, cotangents)
    if twice is None:
        return
    before, first, second, after = twice
    if not _bits(before, after):
        raise Found(Verdict.MUTATED_INPUT, "output", "the backward writes into the output of the forward")
    for name, one, other in zip(subject.inputs, first, second):
        if not _bits([one], [other]):
            raise Found(
                Verdict.STATEFUL, f"gradient of {name}",
                "a second backward over the same graph gives another: the first one changed what was saved for it",
            )  # fmt: skip


def _bits(ones: Sequence[Array | None], others: Sequence[Array | None]) -> bool:
    return all(a is b if a is None or b is None else np.array_equal(a, b, equal_nan=True) for a, b in zip(ones, others))


def _forgets(subject: Subject, cotangents: Sequence[Array], expected: Sequence[Array | None]) -> None:
    """What a backward gave at another point, and with other random numbers, changes nothing at this one. Raises `Found`
    if it does."""
    nearby = [np.asarray(array * array.dtype.type(1 - 2.0**-6)) for array in subject.arrays]
    for elsewhere in (nearby, [np.flip(array) for array in nearby]):  # the second has other signs in its places
        try:
            with np.errstate(all="ignore"):
                subject.vjp_elsewhere(elsewhere, cotangents)
        except Exception:  # another point may lie outside the domain
            continue
        again = _copies(subject.vjp(subject.arrays, cotangents))
        for name, one, other in zip(subject.inputs, expected, again):
            if not (one is other if one is None or other is None else np.array_equal(one, other, equal_nan=True)):
                raise Found(
                    Verdict.STATEFUL, f"gradient of {name}",
                    "after a backward at another point it is another: what is saved must belong to the call",
                )  # fmt: skip


def owns_its_memory(subject: Subject, comparison: Comparison) -> str:
    """A gradient can be written to, and shares memory with no cotangent, input, output or other gradient."""
    if subject.copies:
        return ""
    cotangents = [np.array(each) for each in _cotangents(subject, comparison)]
    outputs = subject.forward(subject.arrays)
    earlier = subject.vjp(subject.arrays, cotangents)
    gradients = subject.vjp(subject.arrays, cotangents)
    named = [
        *((f"the gradient of {name}", g) for name, g in zip(subject.inputs, gradients)),
        *((name, x) for name, x in zip(subject.inputs, subject.arrays)),
        *(("the cotangent", each) for each in cotangents), *(("the output", each) for each in outputs),
        *((f"the gradient of {name} from another backward", g) for name, g in zip(subject.inputs, earlier)),
    ]  # fmt: skip
    for i, (name, gradient) in enumerate(zip(subject.inputs, gradients)):
        if not isinstance(gradient, np.ndarray) or not gradient.size:
            continue
        for j, (other, memory) in enumerate(named):
            if i != j and isinstance(memory, np.ndarray) and np.shares_memory(gradient, memory):
                raise Found(Verdict.ALIASING, f"gradient of {name}", f"it shares memory with {other}")
        if not gradient.flags.writeable:
            raise Found(Verdict.ALIASING, f"gradient of {name}", "it cannot be written to, as what was broadcast")
    return "memory of its own"


def is_linear(subject: Subject, comparison: Comparison) -> str:
    """The backward of zero is zero; of a sum, the sum."""
    one, other = comparison.cotangent(0), comparison.cotangent(1)
    arrays = comparison.arrays
    first, second = comparison.backward(one), comparison.backward(other)
    if not all(np.isfinite(gradient).all() for gradient in [*first, *second]):
        return ""  # the probes say why
    zeros = comparison.backward([np.zeros(each.shape) for each in one])
    for name, gradient in zip(subject.inputs, zeros):
        if gradient.any():
            raise Found(Verdict.NOT_LINEAR, f"gradient of {name}", "a cotangent of zeros gives one that is not 0")
    together = comparison.backward([np.asarray(2.0 * a - 3.0 * b) for a, b in zip(one, other)])
    for i, (name, both) in enumerate(zip(subject.inputs, together)):
        expected = 2.0 * first[i] - 3.0 * second[i]
        size = float(np.abs(first[i]).max(initial=0) + np.abs(second[i]).max(initial=0))
        worst = float(np.abs(both - expected).max(initial=0))
        nudged = comparison.backward(*([np.asarray(x * (1 + 4 * EPS)) for x in each] for each in (one, arrays)))[i]
        # Rounding is not linear either: what is smaller than this, the probes and the accuracy have to find.
        rounding = 16 * float(np.abs(nudged - first[i]).max(initial=0)) + 64 * EPS  # of cotangents of about one
        if worst > 1e-4 * size + rounding:
            raise Found(
                Verdict.NOT_LINEAR, f"gradient of {name}",
                f"of 2a - 3b it differs by {worst:.2g} from 2 times that of a less 3 times that of b",
            )  # fmt: skip
    return "zero in gives zero out, linear in the cotangent"


def same_in_any_layout(subject: Subject, comparison: Comparison) -> str:
    """Values decide, not how they lie in memory."""
    arrays = [np.array(array) for array in subject.arrays]
    cotangents = _cotangents(subject, comparison)
    outputs = [np.array(out) for out in subject.forward(arrays)]
    expected = _copies(subject.vjp(arrays, cotangents))
    for layout in LAYOUTS[1:]:
        moved = [laid_out(array, layout) for array in arrays]
        try:
            if not same_function(outputs, subject.forward(moved)):
                continue
            gradients = subject.vjp(moved, [laid_out(each, layout) for each in cotangents])
        except Found:
            raise
        except Exception as error:
            raise Found(
                Verdict.RAISED, "", f"with {layout} arrays the backward raises {type(error).__name__}: {error}"
            ) from error
        for name, one, other in zip(subject.inputs, expected, gradients):
            if one is None or other is None:
                continue
            worst = _differs(one, other)
            if worst:
                raise Found(
                    Verdict.WRONG_FORMULA, f"gradient of {name}",
                    f"with {layout} arrays it differs by {worst:.2g} from that of the same values in C order",
                )  # fmt: skip
    return f"the same for {', '.join(LAYOUTS[1:])} arrays"


def same_alone(subject: Subject, comparison: Comparison) -> str:
    """A gradient asked for by itself, all other inputs being constants, is what it is among the others."""
    if len(subject.arrays) == 1:
        return ""
    cotangents = _cotangents(subject, comparison)
    together = _copies(subject.vjp(subject.arrays, cotangents))
    for i, (name, array) in enumerate(zip(subject.inputs, subject.arrays)):
        alone = subject.alone(i, subject.arrays, cotangents)
        one, other = (np.zeros_like(array) if each is None else each for each in (together[i], alone))
        worst = _differs(one, other)
        if worst:
            raise Found(
                Verdict.WRONG_FORMULA, f"gradient of {name}",
                f"with all other inputs constant it differs by {worst:.2g} from that beside their gradients",
            )  # fmt: skip
    return "each the same alone"


def same_when_recorded(backward: Backward, comparison: Comparison) -> str:
    """The backward that is differentiated gives the gradients of the one that is not."""
    plain, recorded = backward.forward(comparison.arrays), backward.recorded(comparison.arrays)
    for name, one, other in zip(backward.inputs, plain, recorded):
        worst = _differs(one, other)
        if worst:
            raise Found(
                Verdict.WRONG_FORMULA, f"gradient of {name}",
                f"recorded, to be differentiated again, it differs by {worst:.2g} from that of a plain backward",
            )  # fmt: skip
    return "the same when recorded"


def _differs(one: Array, other: Array) -> float:
    """By how much, if rounding does not explain it; 0 else. Additions in another order round otherwise; where all
    cancels, as before a normalization, nothing else is left of a gradient: 64 roundings of cotangents of about one."""
    worst = float(np.abs(np.asarray(other) - one).max(initial=0))
    bound = float(np.finfo(one.dtype).eps) * max(1e3 * float(np.abs(one).max(initial=0)), 64.0)
    if np.isfinite(other).all() != np.isfinite(one).all():
        return np.inf
    return worst if worst > bound else 0.0


def _vjp(subject: Subject, comparison: Comparison) -> list[Array | None]:
    return subject.vjp(subject.arrays, _cotangents(subject, comparison))


def _cotangents(subject: Subject, comparison: Comparison) -> list[Array]:
    """In the dtypes of the outputs at the point itself."""
    outputs = subject.forward(subject.arrays)
    return [np.asarray(v, out.dtype) for v, out in zip(comparison.cotangent(0), outputs)]


def _unchanged(subject: Subject, before: Sequence[Array], who: str) -> None:
    for name, array, old in zip(subject.inputs, subject.arrays, before):
        if not np.array_equal(array, old, equal_nan=True):
            raise Found(Verdict.MUTATED_INPUT, name, f"{who} writes into {name}")


def _copies(gradients: Sequence[Array | None]) -> list[Array | None]:
    return [None if each is None else np.array(each) for each in gradients]


CHECKS = (gradients_fit, leaves_alone_what_it_is_given, owns_its_memory, is_linear, same_alone)
