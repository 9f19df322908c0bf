"""Whether a backward in its own precision is as accurate as that precision allows.

The formula is judged in wide arithmetic elsewhere; here the same backward is run at the same point in the dtype of the
inputs and in a wider one, and every entry compared. A backward may be as rough as its own rounding makes it, up to
two thirds of its digits; what two units in the last place of the inputs change is the problem's fault, not its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from .formula import Comparison, lost, same_function
from .ladder import noise_of
from .oracles import HAS_LONGDOUBLE
from .subject import Subject
from .verdicts import Found, Verdict

Array: TypeAlias = Any

ULPS = 64
NOISES = 16
UNITS = 32
SPREADS = 16


def is_accurate(subject: Subject, comparison: Comparison) -> str:
    """Every entry of the gradients in the dtype of the inputs is near that of wider arithmetic. Returns what was
    compared, "" if there is nothing wider."""
    dtype = max((array.dtype for array in subject.arrays), key=lambda d: d.itemsize)
    wide = np.dtype(np.float64) if dtype.itemsize < 8 else np.dtype(np.longdouble)
    if wide == np.longdouble and not (HAS_LONGDOUBLE and comparison.oracle == "longdouble"):
        return ""
    outputs = subject.forward(subject.arrays)
    cotangents = [np.asarray(v, out.dtype) for v, out in zip(comparison.cotangent(0), outputs)]
    reference = _wide(subject, wide, subject.arrays, cotangents)
    if reference is None or not same_function(subject.forward([x.astype(wide) for x in subject.arrays]), outputs):
        return ""
    nudged = [_wide(subject, wide, *_nudge(comparison, wide, subject.arrays, cotangents, dtype)) for _ in range(3)]
    with np.errstate(all="ignore"):
        gradients = subject.vjp(subject.arrays, cotangents)
    # Wide steps show the rounding of what the inputs hardly move, too; narrow dtypes have no room for them.
    near, far = (
        [
            [np.zeros(1) if g is None else np.asarray(g, wide) for g in subject.vjp(*moved)]
            for moved in _moved(comparison, subject.arrays, cotangents, ulps)
        ]
        for ulps in (16.18, 6.6e8 if dtype.itemsize == 8 else 0.0)
    )
    eps = float(np.finfo(dtype).eps)
    tiny = float(np.finfo(dtype).smallest_subnormal)
    ones = max((float(np.abs(v).max(initial=0)) for v in cotangents), default=0.0)
    for i, (name, gradient, exact) in enumerate(zip(subject.inputs, gradients, reference)):
        if gradient is None or exact is None or not gradient.size:
            continue
        spread = max(float(np.abs(each[i] - exact).max()) for each in nudged if each is not None)
        typical = float(np.sqrt(np.mean(exact.astype(np.float64) ** 2)))
        reach = np.log2(max(max(array.size for array in [*subject.arrays, *outputs]), 2))
        size = np.abs(exact) + typical
        close = NOISES * float(noise_of(np.stack([each[i] for each in near])).max())
        apart = NOISES * float(noise_of(np.stack([each[i] for each in far]), lowest=4).max()) if far else 0.0
        rough = np.maximum(np.minimum(close, lost(eps) * size), min(max(close, apart), ULPS * eps * ones))
        bound = ULPS * eps * reach * size + rough + SPREADS * spread + 64 * tiny
        off = np.abs(gradient - exact)
        wrong = ~(off <= bound)
        if wrong.any() and np.isfinite(exact).all() and float(np.abs(exact).max()) < float(np.finfo(dtype).max) / 4:
            index = tuple(int(k) for k in np.unravel_index(int(np.argmax(off / bound)), off.shape))
            raise Found(
                _kind(float(off[index]), float(np.abs(exact[index])) + typical, eps), f"gradient of {name}",
                f"in {dtype} {int(wrong.sum())} of {off.size} entries are further from {wide} than rounding explains",
                f"  {name}[{', '.join(map(str, index))}]  {dtype} {float(gradient[index]):+.8g}  {wide} "
                f"{float(exact[index]):+.8g}  difference {float(off[index]):.2g}, allowed {float(bound[index]):.2g}",
            )  # fmt: skip
    return f"{dtype} gradients are accurate (against {wide})"


def _kind(off: float, size: float, eps: float) -> Verdict:
    """More than the root of the precision lost is no rounding."""
    return Verdict.WRONG_FORMULA if off > size * eps**0.5 else Verdict.PRECISION_LOSS


def _wide(subject: Subject, dtype: Any, arrays: Sequence[Array], cotangents: Sequence[Array]) -> list[Any] | None:
    try:
        with np.errstate(all="ignore"):
            gradients = subject.vjp([x.astype(dtype) for x in arrays], [v.astype(dtype) for v in cotangents])
    except Found:
        raise
    except Exception:  # whatever a backward that knows no such dtype may raise
        return None
    return [None if g is None else np.asarray(g, dtype) for g in gradients]


def _moved(
    comparison: Comparison, arrays: Sequence[Array], cotangents: Sequence[Array], ulps: float
) -> Iterator[tuple[list[Array], list[Array]]]:
    """The point and seven more, in steps of so many units in the last place."""
    every = [*arrays, *cotangents]
    signs = [comparison.rng.uniform(-1.0, 1.0, x.shape) for x in every]
    for i in range(8 if ulps else 0):
        moved = [
            np.asarray(x * (1 + ulps * i * float(np.finfo(x.dtype).eps) * s), x.dtype) for x, s in zip(every, signs)
        ]
        yield moved[: len(arrays)], moved[len(arrays) :]


def _nudge(
    comparison: Comparison, wide: Any, arrays: Sequence[Array], cotangents: Sequence[Array], dtype: Any
) -> tuple[list[Array], list[Array]]:
    eps = 2 * np.finfo(dtype).eps

    def moved(x: Array) -> Array:
        return x.astype(wide) * (1 + eps * comparison.rng.choice([-1.0, 1.0], x.shape))

    return [moved(x) for x in arrays], [moved(v) for v in cotangents]
