"""Whether a backward is the derivative of its forward: projections of both onto random directions are compared.

One number per probe: <cotangent, f(x)> along a direction, in which an error of any entry of any input shows. It may
differ by the certified error of the numeric derivative, by what rounding does to the backward, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .jets import installed
from .ladder import RATIO, noise_of
from .oracles import Certified, Sides, agree, certified, follow, keeps_longdouble
from .subject import Subject
from .taylor import Lift
from .verdicts import Found, Probe, Verdict

Array: TypeAlias = Any

EPS = float(np.finfo(np.float64).eps)
NOTHING = 1e-9  # of the distance moved: a slope that is none
ROUNDINGS = 32  # of every entry: what the additions and products of a backward may lose
OPERATIONS = 100_000  # of numbers one by one: what following a function in ball arithmetic may cost
VANISHED = EPS**2  # a slope that a forward may lose to rounding, as 1 + erf(-16) does, and its backward may keep
NOISES = 8  # times the measured noise of the backward's numbers


class Comparison:
    """A subject at its point, with random directions and cotangents of its own."""

    def __init__(self, subject: Subject, seed: int) -> None:
        self.subject = subject
        self.rng = np.random.default_rng(seed)
        self.arrays = [wider(array) for array in subject.arrays]
        with np.errstate(all="ignore"):
            self.outputs = subject.forward(self.arrays)
        self.oracle = "float64"
        size = sum(array.size for array in [*self.arrays, *self.outputs])
        wide = _as(np.longdouble, self.arrays)
        if subject.wide and keeps_longdouble(lambda: subject.forward(wide), size):
            self.oracle = "longdouble" if same_function(subject.forward(wide), self.outputs) else "float64"
        self.eps = self._eps_of_backward()
        first, u = self.backward(self.cotangent(0)), self.direction(0)
        self.typical = size_of([g * d for g, d in zip(first, u)])

    def _eps_of_backward(self) -> float:
        """That of float64; or of the dtype of the point, for a backward that knows no other."""
        own = {array.dtype for array in self.subject.arrays}
        with np.errstate(all="ignore"):
            gradients = self.subject.vjp(self.arrays, [np.ones(out.shape) for out in self.outputs])
        narrow = [g.dtype for g in gradients if isinstance(g, np.ndarray) and g.dtype.itemsize < 8]
        return max([EPS, *(float(np.finfo(dtype).eps) for dtype in narrow if dtype.kind == "f" and dtype in own)])

    # --------------------------------------------------------------------------------------------- directions

    def direction(self, number: int) -> list[Array]:
        """Normal and +-1 numbers in turns; on the scale of the input as a whole, or of every entry, in turns."""
        return [self._random(array.shape, number) * scale(array, each=number // 2 % 2 == 1) for array in self.arrays]

    def cotangent(self, number: int) -> list[Array]:
        return [self._random(out.shape, number) for out in self.outputs]

    def _random(self, shape: tuple[int, ...], number: int) -> Array:
        if number % 2 == 0:
            return self.rng.standard_normal(shape)
        return self.rng.choice([-1.0, 1.0], shape)

    # -------------------------------------------------------------------------------------------- two derivatives

    def numeric(self, u: Sequence[Array], v: Sequence[Array], ratio: float = RATIO) -> Certified:
        """The derivative of <v, f> along u, by values of f."""
        # What is added up may cancel; its roundings do not.
        size = size_of([out * each for out, each in zip(self.outputs, v)])
        floor = size * float(np.finfo(self._dtype).eps) / 4
        return certified(self._projected(u, v), self.oracle, ratio, floor)

    @property
    def _dtype(self) -> Any:
        return np.longdouble if self.oracle == "longdouble" else np.float64

    def _projected(self, u: Sequence[Array], v: Sequence[Array]) -> Callable[[Any], Any]:
        """<v, f(x + t u)> as a function of t, in the arithmetic that f keeps."""
        arrays, u, v = (_as(self._dtype, each) for each in (self.arrays, u, v))

        def projected(t: Any) -> Any:
            outputs = self.moved([x + t * d for x, d in zip(arrays, u)])
            if outputs is None:
                return np.longdouble("nan")
            if [out.shape for out in outputs] != [each.shape for each in v]:
                raise Found(Verdict.STATEFUL, "", "the shape of the output changes with the values of the inputs")
            return sum((np.sum(out * each, dtype=np.longdouble) for out, each in zip(outputs, v)), np.longdouble(0))

        return projected

    def followed(self, u: Sequence[Array], v: Sequence[Array]) -> Sides | None:
        """The derivative of <v, f> along u in ball arithmetic; None where that is not to be had."""
        if not installed():
            return None

        def projected(lift: Lift) -> Any:
            outputs = self.subject.forward([lift(x, d) for x, d in zip(self.arrays, u)])
            return sum(np.sum(out * each) for out, each in zip(outputs, v, strict=True))

        return follow(projected, budget=OPERATIONS)

    def proven(self, u: Sequence[Array], v: Sequence[Array], plain: Certified) -> Certified:
        """The derivative in ball arithmetic, if that is to be had and speaks of the same function as `plain`."""
        sides = self.followed(u, v)
        return sides.certified(plain) if sides and agree(sides, self._projected(u, v)(0), plain) else plain

    def moved(self, arrays: Sequence[Array]) -> list[Array] | None:
        """The outputs beside the point; None where the function raises, which it did not at the point itself: there is
        the edge of its domain."""
        try:
            return self.subject.forward(arrays)
        except (ValueError, ArithmeticError):
            return None

    def backward(self, v: Sequence[Array], arrays: Sequence[Array] | None = None) -> list[Array]:
        """The gradients, zeros for None."""
        arrays = self.arrays if arrays is None else arrays
        with np.errstate(all="ignore"):
            gradients = self.subject.vjp(arrays, v)
        for name, x, gradient in zip(self.subject.inputs, arrays, gradients):
            if gradient is not None:
                same_shape(name, x, gradient)
        return [np.zeros(x.shape) if g is None else np.asarray(g) for x, g in zip(arrays, gradients)]

    def noise(self, u: Sequence[Array], v: Sequence[Array], step: float, lowest: int = 2) -> float:
        """How rough <gradient, u> is along eight points `step` apart, relative to inputs and cotangents: the rounding
        inside the backward, which may cancel and so lose digits without being wrong."""
        points = zip(*(self._nudged(each, step) for each in (self.arrays, v)))
        return float(noise_of(np.array([dot(self.backward(vs, xs), u) for xs, vs in points]), lowest))

    def shaken(self, u: Sequence[Array], v: Sequence[Array], ours: float) -> float:
        """By how much <gradient, u> changes if the inputs do by a rounding: so much any backward may be off that rounds
        what it computes from them, such as the square in an exponential far from 0."""
        changes = []
        for _ in range(4):
            moved = [np.asarray(x * (1 + self.eps * self.rng.choice([-1.0, 1.0], x.shape))) for x in self.arrays]
            changes.append(abs(dot(self.backward(v, moved), u) - ours))
        return max(changes)

    def holds_in_longdouble(self, u: Sequence[Array], v: Sequence[Array], found: Certified) -> bool:
        """Whether the backward gives that derivative if it is computed in longdouble: then the formula is right, and
        what differs in float64 is rounding."""
        if self.oracle != "longdouble":
            return False
        try:
            gradients = self.subject.vjp(_as(np.longdouble, self.arrays), _as(np.longdouble, v))
        except Exception:  # whatever a backward that knows no longdouble may raise
            return False
        pairs = [(g, d) for g, d in zip(gradients, u) if g is not None]
        if any(g.dtype != np.longdouble for g, _ in pairs):
            return False
        size = size_of([g * d for g, d in pairs])
        ours = sum((np.sum(g * d) for g, d in pairs), np.longdouble(0))
        rounding = ROUNDINGS * float(np.finfo(np.longdouble).eps) * (size + abs(float(ours)))
        return abs(float(ours - found.value)) <= NOISES * (float(found.error) + rounding) and not found.kink

    def _nudged(self, arrays: Sequence[Array], step: float) -> list[list[Array]]:
        ways = [self.rng.uniform(-1.0, 1.0, x.shape) for x in arrays]
        return [[np.asarray(x * (1 + i * step * way)) for x, way in zip(arrays, ways)] for i in range(8)]


@dataclass(frozen=True)
class Trial:
    """A probe with the directions it used, to look closer if it failed."""

    probe: Probe
    u: list[Array]
    v: list[Array]
    gradients: list[Array]
    found: Certified
    noise: float  # what rounding inside the backward may explain

    @property
    def failed(self) -> bool:
        return distance(self.probe.backward, self.found) > self.probe.bound


def attempt(
    comparison: Comparison, number: int, part: tuple[int, int, int] | None = None,
    along: Sequence[Array] | None = None,
) -> Trial:  # fmt: skip
    """One comparison, along all inputs or along a part of one: its number, the first entry and the one after the last;
    in a random direction, or in that of `along`. Raises `Found` for a gradient that is not finite."""
    u, v = comparison.direction(number), comparison.cotangent(number)
    if along is not None:
        u = list(along)
    if part is not None:
        only, start, stop = part
        u, whole = [np.zeros(each.shape) for each in u], u
        u[only].reshape(-1)[start:stop] = whole[only].reshape(-1)[start:stop]
    gradients = comparison.backward(v)
    found = comparison.numeric(u, v)
    for name, gradient in zip(comparison.subject.inputs, gradients):
        if not np.isfinite(gradient).all():
            if found.steep:
                raise Found(Verdict.NONDIFFERENTIABLE, "", "the output rises without bound: its derivative is infinite")
            wrong = int((~np.isfinite(gradient)).sum())
            raise Found(Verdict.NONFINITE, name, f"the output is finite, {wrong} of {gradient.size} gradients are not")
    moving = "all inputs" if part is None else comparison.subject.inputs[part[0]]
    trial = _weighed(comparison, moving, u, v, gradients, found)
    if trial.failed or trial.probe.conclusive or found.kink:
        return trial
    proven = comparison.proven(u, v, found)
    return _weighed(comparison, moving, u, v, gradients, proven) if proven.error < found.error else trial


def _weighed(
    comparison: Comparison, moving: str, u: list[Array], v: list[Array], gradients: list[Array], found: Certified
) -> Trial:
    """What the two derivatives say of each other: by how much they may differ, and what would be seen."""
    terms = np.concatenate([(g * d).ravel() for g, d in zip(gradients, u)])
    ours = float(terms.sum(dtype=np.longdouble))
    # Entries are rounded each on its own, and the random signs of u and v leave no rounding to add up in step.
    together = size_of([terms])
    bound = float(found.error) + ROUNDINGS * comparison.eps * (together + abs(ours))
    if not found.value and not found.error:  # it stands still
        bound += VANISHED * size_of(u) * size_of(v)
    noise = 0.0
    if distance(ours, found) > bound:  # only then worth two dozen more backwards
        most = lost(comparison.eps) * max(comparison.typical, together)
        # Steps of no whole number of roundings, which would repeat themselves. Wider ones also show the rounding of
        # what the inputs hardly move; but also that to a narrower dtype, so there it counts as rounding of ones alone.
        near = NOISES * max(comparison.noise(u, v, 6627.4 * comparison.eps) for _ in range(2))
        wide = NOISES * comparison.noise(u, v, 6.6e8 * comparison.eps, lowest=4)
        ones = ROUNDINGS * comparison.eps * size_of(v) * size_of(u) / np.sqrt(max(terms.size, 1))
        noise = max(min(near, float(most)), min(max(near, wide), float(ones)))
        if distance(ours, found) > bound + noise:  # eight points may all be lucky: ask longdouble, or more of them
            if comparison.holds_in_longdouble(u, v, found):
                near = max(near * NOISES, 2 * comparison.shaken(u, v, ours))
            else:
                near = max(near, NOISES * max(comparison.noise(u, v, 6627.4 * comparison.eps) for _ in range(6)))
            noise = max(noise, min(near, float(most)))
        bound += noise
    size = max(together / np.sqrt(max(terms.size, 1)), abs(float(found.value)) / max(terms.size, 1))
    # What lies between the slopes of a kink passes, be it right or not.
    blur = bound + (abs(float(found.right) - float(found.left)) / 2 if found.kink else 0.0)
    if not size and not found.kink:  # a constant, as far as this goes: an error of a share of its value would show
        size = size_of([each * out for each, out in zip(v, comparison.outputs)])
    resolution = blur / size if size > 0 else (np.inf if blur or found.kink else 0.0)
    moved = size_of(u)
    if moved > 0 and max(abs(ours), abs(float(found.value))) <= blur <= NOTHING * moved:
        resolution = blur / moved  # both are zero, as far as numbers tell
    note = next((name for name in ("jump", "steep", "stairs", "kink") if getattr(found, name)), "")
    result = Probe(
        moving, ours, float(found.value), float(found.error), bound, resolution, found.oracle, found.evaluations, note
    )
    return Trial(result, u, v, gradients, found, noise)


def same_shape(name: str, array: Array, gradient: Array) -> None:
    """Raises `Found` for a gradient that has not the shape of its input."""
    got, wanted = np.shape(gradient), np.shape(array)
    if got == wanted:
        return
    try:
        grew = np.broadcast_shapes(got, wanted) == got
    except ValueError:
        grew = False
    hint = ": it was broadcast in the forward, so sum over the dimensions that grew" if grew else ""
    raise Found(
        Verdict.WRONG_SHAPE_DTYPE, f"gradient of {name}", f"shape {got}, but {name} has {wanted}{hint}"
    )  # fmt: skip


def same_function(ones: Sequence[Array], others: Sequence[Array]) -> bool:
    """Whether two sets of outputs differ by no more than rounding and cancelling explain. One may draw random numbers
    by the layout or the dtype of the inputs: with others it is another function."""
    eps = max(float(np.finfo(out.dtype).eps) for out in [*ones, *others])
    close = max(1e-3, 64 * eps)
    return len(ones) == len(others) and all(
        np.allclose(one, other, rtol=close, atol=close * (1 + float(np.abs(one).max(initial=0))), equal_nan=True)
        for one, other in zip(ones, others)
    )


def distance(value: float, found: Certified) -> float:
    """From the interval between the one-sided derivatives: a point where there is no kink."""
    low, high = float(np.fmin(found.left, found.right)), float(np.fmax(found.left, found.right))
    if not found.kink:
        low = high = float(found.value)
    return max(low - value, value - high, 0.0)


def dot(xs: Sequence[Array], ys: Sequence[Array]) -> float:
    return float(sum(np.sum(x * y, dtype=np.longdouble) for x, y in zip(xs, ys)))


def size_of(arrays: Sequence[Array]) -> float:
    """The Euclidean norm of all together; no square under- or overflows."""
    largest = max((float(np.abs(each).max(initial=0)) for each in arrays), default=0.0)
    if not 0 < largest < np.inf:
        return largest
    return largest * float(np.sqrt(sum(np.sum(np.square(each / largest)) for each in arrays)))


def scale(array: Array, each: bool) -> Array:
    """How far an input may move: its median magnitude, or each entry's own; 1 where that is 0."""
    magnitude = np.abs(array)
    positive = magnitude[magnitude > 0]
    typical = float(np.median(positive)) if positive.size else 1.0
    typical = max(typical, 1e-150)
    return np.where(magnitude > 0, magnitude, typical) if each else np.full(array.shape, typical)


def wider(array: Array) -> Array:
    """In float64 at least; the formula is judged there, whatever the dtype of the point."""
    return array.astype(np.float64) if array.dtype.itemsize < 8 else np.array(array, copy=True)


def _as(dtype: Any, arrays: Sequence[Array]) -> list[Array]:
    return [np.asarray(array, dtype) for array in arrays]


def lost(eps: float) -> float:
    """Two thirds of the digits: what a right formula may lose by cancelling, if its own noise shows that it does."""
    return float(eps ** (1 / 3))
