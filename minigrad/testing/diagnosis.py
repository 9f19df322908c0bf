"""What is wrong with a backward that failed a probe: which entries, by what factor, and what that looks like.

Entries are found by halving: the direction is cut down to one half of the entries, what is wrong there is measured, and
the other half has the rest of it; the half with more of it is cut again. Up to 256 entries all of them are measured
instead, one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .formula import EPS, VANISHED, Comparison, Trial, distance, dot, scale, size_of
from .verdicts import Found, Verdict

Array: TypeAlias = Any

ALL_UP_TO = 256
SHOWN = 3
HALVINGS = 120  # at most so many parts are looked at,
EXPLAINED = 0.05  # and no more once so little of the difference is left
UNCONFIRMED = "a second look, with other steps, did not confirm a difference"


class Entry(NamedTuple):
    """The gradient of one number: by the backward, and by values of the forward with its error."""

    place: tuple[int, ...]
    backward: float
    numeric: float
    error: float
    kink: bool

    @property
    def wrong(self) -> bool:
        return abs(self.backward - self.numeric) > self.error

    def __str__(self) -> str:
        ratio = f"  ratio {_ratio(self.backward / self.numeric)}" if self.numeric else ""
        return f"[{', '.join(map(str, self.place))}]  backward {self.backward:+.8g}  numeric {self.numeric:+.8g}{ratio}"


def _ratio(value: float) -> str:
    """Also when it is nearly 1."""
    return f"1 {'+' if value > 1 else '-'} {abs(value - 1):.3g}" if 0 < abs(value - 1) < 1e-3 else f"{value + 0.0:.6g}"


def diagnose(comparison: Comparison, trial: Trial, kinks: str) -> str:
    """Raise `Found` with what is wrong. Returns a note instead if nothing is: where the function has kinks in several
    entries at once and the gradient lies between the slopes in each, or where a second opinion is of another mind."""
    probe = trial.probe
    opinion = ""
    if probe.oracle != "jets":  # which are proven
        opinion, backward_is_right = _second_opinion(comparison, trial)
        if backward_is_right:
            return opinion
    by_input = [_entries(comparison, trial, i) for i in range(len(comparison.arrays))]
    every = [entry for entries in by_input for entry in entries]
    if kinks == "interval" and any(entry.kink for entry in every) and not any(entry.wrong for entry in every):
        return "kinks: the gradient lies between the slopes to the two sides in every entry"
    number = max(range(len(by_input)), key=lambda i: _share(comparison, trial, i, by_input[i]))
    entries = by_input[number]
    wrong = sorted((e for e in entries if e.wrong), key=lambda e: -abs(e.backward - e.numeric) / (e.error or EPS))
    name, gradient = comparison.subject.inputs[number], trial.gradients[number]
    difference = distance(probe.backward, trial.found)
    lines = [
        f"derivative along a direction   backward  {probe.backward:+.12g}",
        f"                               numeric   {probe.numeric:+.12g} +- {probe.error:.1g}   "
        f"({probe.oracle}, {probe.evaluations} evaluations)",
        f"difference {difference:.2g} = {difference / probe.bound:.2g} times the bound",
    ]
    verdict = Verdict.WRONG_FORMULA
    if not gradient.any() and any(e.numeric for e in wrong):
        verdict = Verdict.DISCONNECTED
        lines.append(f"the gradient of {name} is zero or None, but the output moves with it")
    elif probe.oracle != "jets" and _is_noise(comparison, trial):
        verdict = Verdict.PRECISION_LOSS
        lines.append("the backward is rough where it should be smooth: it has fewer digits than its input")
    if wrong:
        kind = "of" if len(entries) == gradient.size else "found among"
        lines.append(f"wrong entries: {len(wrong)} {kind} {gradient.size}")
        lines += [f"  {name}{entry}" for entry in wrong[:SHOWN]]
    if verdict is Verdict.WRONG_FORMULA and wrong:
        others = {other: by_input[i] for i, other in enumerate(comparison.subject.inputs) if i != number}
        lines += [f"looks like {hint}" for hint in _hints(entries, gradient.shape, others)][:2]
    lines += [_ruled_out(trial)] + [opinion] * bool(opinion)
    raise Found(verdict, f"gradient of {name}", *lines)


def _second_opinion(comparison: Comparison, trial: Trial) -> tuple[str, bool]:
    """What other steps, and ball arithmetic where that is to be had, say; and whether they side with the backward."""
    probe = trial.probe
    second = comparison.numeric(trial.u, trial.v, ratio=3.0)
    if not second.kink and not trial.found.kink and distance(probe.backward, second) <= float(second.error):
        return UNCONFIRMED, True
    sides = comparison.followed(trial.u, trial.v)
    if sides is None:
        return "", False
    third, size = sides.certified(second), f"(+-{float(sides.right.radii[1]):.1g})"
    if distance(probe.numeric, third) <= probe.error + float(third.error):
        return f"second opinion: ball-arithmetic jet agrees with numeric {size}", False
    if distance(probe.backward, third) <= probe.bound:
        return f"the ball-arithmetic jet agrees with the backward, not with the numbers {size}", True
    return "", False


def _ruled_out(trial: Trial) -> str:
    found = trial.found
    sides = abs(float(found.right) - float(found.left))
    kink = "kink: the slopes to both sides are given" if found.kink else f"a kink (the two sides differ by {sides:.1g})"
    return f"ruled out: {kink}; noise of the values ({float(found.noise):.1g})"


# ------------------------------------------------------------------------------------------------------- entries


def _entries(comparison: Comparison, trial: Trial, number: int) -> list[Entry]:
    """All entries of a small input, those that halving leads to of a large one. What a quick look finds wrong is
    looked at again with care, the worst first, until some are known to be wrong."""
    array = comparison.arrays[number]
    places = np.ndindex(array.shape) if array.size <= ALL_UP_TO else _halve(comparison, trial, number)
    entries = [_entry(comparison, trial, number, place, careful=False) for place in places]
    confirmed = 0
    for i in sorted(range(len(entries)), key=lambda i: -abs(entries[i].backward - entries[i].numeric)):
        if entries[i].wrong and confirmed < SHOWN:
            entries[i] = _entry(comparison, trial, number, entries[i].place, careful=True)
            confirmed += entries[i].wrong
    return entries


def _entry(comparison: Comparison, trial: Trial, number: int, place: tuple[int, ...], careful: bool) -> Entry:
    step = float(scale(comparison.arrays[number], each=True)[place])
    u = [np.zeros(x.shape) for x in comparison.arrays]
    u[number][place] = step
    if not careful:
        value, error, kink, sides = _quick(comparison, trial, u)
    by_jets = trial.probe.oracle == "jets"  # because numbers were too coarse
    if careful or by_jets or not np.isfinite(value):  # the quick steps may leave the domain
        found = comparison.numeric(u, trial.v)
        found = comparison.proven(u, trial.v, found) if by_jets else found
        value, error, kink = float(found.value), float(found.error), bool(found.kink)
        sides = (float(found.left), float(found.right))
    backward = float(trial.gradients[number][place])
    numeric = value / step
    if kink:
        low, high = sorted(side / step for side in sides)
        numeric, error = float(np.clip(backward, low, high)), 0.0
    rounding = 64 * comparison.eps * max(abs(backward), abs(numeric))
    if not numeric:
        rounding += VANISHED * size_of(trial.v)
    return Entry(place, backward, numeric, (error + trial.noise) / step + rounding, kink)


class Part(NamedTuple):
    """Entries from `low` to `high`, of which the last is not one: by how much backward and numbers differ there."""

    difference: float
    low: int
    high: int


def _halve(comparison: Comparison, trial: Trial, number: int) -> Iterator[tuple[int, ...]]:
    """Indices of entries with a large share of the difference, the largest first. A half that is too large to be
    measured well may lead astray; smaller ones are measured better, find nothing there, and the search turns back."""
    array = comparison.arrays[number]
    u = [np.zeros(x.shape) for x in comparison.arrays]
    u[number] = trial.u[number]
    found = trial.found if len(u) == 1 else comparison.numeric(u, trial.v)
    difference = float(np.sum(u[number] * trial.gradients[number])) - float(found.value)
    if not abs(difference) > float(found.error):
        return
    parts, looked, shown, unexplained = [Part(difference, 0, array.size)], 0, 0, difference
    while parts and looked < HALVINGS and shown < 2 * SHOWN and abs(unexplained) > EXPLAINED * abs(difference):
        whole = parts.pop(max(range(len(parts)), key=lambda i: abs(parts[i].difference)))
        if whole.high - whole.low == 1:
            shown, unexplained = shown + 1, unexplained - whole.difference
            yield tuple(int(i) for i in np.unravel_index(whole.low, array.shape))
            continue
        low, middle, high = whole.low, (whole.low + whole.high) // 2, whole.high
        u[number] = np.zeros(array.shape)
        u[number].reshape(-1)[low:middle] = steps = trial.u[number].reshape(-1)[low:middle]
        ours = float(np.sum(steps * trial.gradients[number].reshape(-1)[low:middle]))
        half = ours - _quick(comparison, trial, u)[0]
        parts += [Part(half, low, middle), Part(whole.difference - half, middle, high)]
        looked += 1


def _quick(comparison: Comparison, trial: Trial, u: Sequence[Array]) -> tuple[float, float, bool, tuple[float, float]]:
    """A central difference at three steps, extrapolated, with a guess of its error; whether there is a kink, and the
    slopes to both sides. To rank entries, not to judge them.

    Outputs that do not move have no part in it, nor in its noise: of many entries, few are seen the better.
    """
    slopes, bends, steps = [], [], (2.0**-8, 2.0**-9, 2.0**-10)
    moving = total = 0.0
    for step in steps:
        with np.errstate(all="ignore"):
            ups, downs = (
                comparison.moved([x + t * d for x, d in zip(comparison.arrays, u)]) for t in (step, -step)
            )
            if ups is None or downs is None:
                return np.nan, np.inf, False, (np.nan, np.nan)
            rise, bend = 0.0, 0.0
            for up, centre, down, v in zip(ups, comparison.outputs, downs, trial.v):
                rise += float(np.vdot(v, up - down))
                bend += float(np.vdot(v, (up - centre) - (centre - down)))
                if step == steps[-1]:
                    sizes = np.square(v * centre)
                    moving, total = moving + float(np.sum(sizes[up != down])), total + float(np.sum(sizes))
        slopes.append(rise / (2 * step))
        bends.append(bend / step)
    first, second, third = slopes
    fine, finer = second + (second - first) / 3, third + (third - second) / 3
    # As much noise as all outputs have, in proportion, and some roundings of those that move.
    wide = EPS / float(np.finfo(np.longdouble).eps) if comparison.oracle == "longdouble" else 1.0
    measured = float(trial.found.noise) * wide
    noise = (8 * measured * np.sqrt(moving / (total or 1)) + 16 * EPS * np.sqrt(moving)) / steps[-1]
    kink = abs(bends[2]) > 0.8 * abs(bends[0]) + noise
    value = finer + (finer - fine) / 15
    return value, abs(finer - fine) + noise, kink, (value - bends[2] / 2, value + bends[2] / 2)


def _share(comparison: Comparison, trial: Trial, number: int, entries: Sequence[Entry]) -> float:
    steps = trial.u[number]
    return float(sum(abs((e.backward - e.numeric) * steps[e.place]) for e in entries if e.wrong))


def _is_noise(comparison: Comparison, trial: Trial) -> bool:
    """Whether the gradient, followed along the direction, is as rough as it is wrong: a smooth wrong formula is not."""
    difference = distance(trial.probe.backward, trial.found)
    if difference > 1e-2 * abs(trial.probe.numeric):
        return False
    roughness = []
    for step in (1e-4, 3e-5, 1e-5):
        along = [
            dot(comparison.backward(trial.v, [x + i * step * d for x, d in zip(comparison.arrays, trial.u)]), trial.u)
            for i in range(1, 7)  # not at the point itself, where a formula may be wrong in that one place
        ]
        roughness.append(float(np.abs(np.diff(along, 4)).max()) / 16)
    return min(roughness) > difference / 64


# --------------------------------------------------------------------------------------------------------- hints


def _hints(entries: Sequence[Entry], shape: tuple[int, ...], others: dict[str, list[Entry]]) -> Iterator[str]:
    """What the pattern of wrong entries is known for."""
    wrong = [e for e in entries if e.wrong]
    full = len(entries) == int(np.prod(shape))
    size = max((abs(e.numeric) for e in entries), default=0.0)
    ratios = np.array([e.backward / e.numeric for e in wrong if abs(e.numeric) > 1e-6 * size])
    if ratios.size and np.ptp(ratios) <= 1e-5 * abs(ratios).max() and len(wrong) > 1:
        yield _factor(float(np.median(ratios)), shape)
    if full and len(entries) > 1:
        backward = np.array([e.backward for e in entries]).reshape(shape)
        numeric = np.array([e.numeric for e in entries]).reshape(shape)
        close = 1e-6 * max(float(np.abs(numeric).max()), 1e-300)
        yield from _rearranged(backward, numeric, close)
        for other, theirs in others.items():
            values = np.array([e.numeric for e in theirs])
            if values.size == backward.size and np.allclose(values, backward.ravel(), rtol=1e-6, atol=close):
                yield f"the gradient of {other}: operands swapped"
    if len(wrong) == 1 and len(entries) > 1:
        yield f"one entry alone: {wrong[0].place}"
        if ratios.size:
            yield _factor(float(ratios[0]), shape)
    elif full and wrong:
        yield from _boundary(wrong, shape)


def _factor(ratio: float, shape: tuple[int, ...]) -> str:
    """A constant factor, by name."""
    if abs(ratio + 1) < 1e-5:
        return "a wrong sign"
    if abs(ratio) < 1e-9:
        return "a term dropped"
    sizes = {n for n in (*shape, int(np.prod(shape))) if n > 1}
    if abs(ratio - 2) < 1e-5 or abs(ratio - 0.5) < 1e-5:
        mixed = ", or mean and sum mixed up" if 2 in sizes else ""
        return f"a constant factor of {ratio:g}: counted twice, or the factor of a square forgotten{mixed}"
    for n in sorted(sizes):
        for value, name, cause in (
            (n, f"{n}", "mean and sum mixed up"), (1 / n, f"1/{n}", "mean and sum mixed up"),
            ((n - 1) / n, f"{n - 1}/{n}", "ddof, n against n - 1"),
            (n / (n - 1), f"{n}/{n - 1}", "ddof, n against n - 1"),
        ):  # fmt: skip
            if abs(ratio - value) < 1e-5 * min(value, abs(value - 1)):
                return f"a constant factor of {name}: {cause}"
    return f"a constant factor of {_ratio(ratio)}"


def _rearranged(backward: Array, numeric: Array, close: float) -> Iterator[str]:
    for axes in permutations(range(numeric.ndim)):
        moved = numeric.transpose(axes)
        same = axes == tuple(range(numeric.ndim)) or moved.shape != backward.shape
        if not same and np.allclose(backward, moved, rtol=1e-6, atol=close):
            yield "the right numbers, transposed"
    for axis in range(numeric.ndim):
        if numeric.shape[axis] > 1 and np.allclose(backward, np.flip(numeric, axis), rtol=1e-6, atol=close):
            yield f"the right numbers, reversed along dimension {axis}"
        if numeric.shape[axis] > 1 and np.ptp(numeric, axis=axis).max() > close:
            mean = np.broadcast_to(numeric.mean(axis=axis, keepdims=True), numeric.shape)
            total = np.broadcast_to(numeric.sum(axis=axis, keepdims=True), numeric.shape)
            for what, each in (("mean", mean), ("sum", total)):
                if np.allclose(backward, each, rtol=1e-6, atol=close):
                    yield f"the {what} of the right numbers along dimension {axis}: reduced too far"


def _boundary(wrong: Sequence[Entry], shape: tuple[int, ...]) -> Iterator[str]:
    for axis, n in enumerate(shape):
        places = {e.place[axis] for e in wrong}
        if n > 2 and places <= {0, n - 1} and len(wrong) < int(np.prod(shape)):
            yield f"the boundary of dimension {axis}: padding, a tail or an off-by-one"
        elif n > 2 and len(places) == 1:
            yield f"index {places.pop()} of dimension {axis} alone"
