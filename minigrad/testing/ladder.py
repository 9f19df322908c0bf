"""The derivative at 0 of a function of one number, with a bound on its error, from values of the function alone.

Central differences at halving steps are extrapolated to step 0 (Richardson's method, in Neville's table). Every cell
of the table is an estimate with an error bar made of what neighbouring cells say, of the measured noise of the
values, and of the difference between the slopes to the right and to the left; the cell with the smallest bar wins.
Here are numbers only: what the function is, and what to think of its derivative, is said elsewhere in this package.

Sources: L. F. Richardson and J. A. Gaunt, "The deferred approach to the limit", Phil. Trans. A 226 (1927);
J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import factorial
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any

FIRST_STEP = 0.11873  # no power of two: a function whose period is one would look constant from all rungs
RATIO = 1.9  # not 2: halving keeps the steps of rounded values in step, and two wrong differences agree exactly
RUNGS = 21  # down to 3e-7: there noise rules, and can be measured
DEEPEST = 52
ORDERS = 8  # columns of the table: the last one is free of errors up to step**14

# A column of the table amplifies the noise of a central difference by less than 2, that of a second difference by less
# than 5; the rest is for luck with a small sample. Differences between neighbours fall short of the error where the
# table converges slowly: by 3.4 if only as the root of the step.
NOISE_FACTOR = 8.0
DISAGREEMENT_FACTOR = 4.0
SATISFIED = 1e-9  # a relative error beyond which smaller steps are tried
SURE = 1e3
UNDERFLOW = 5e-324  # what is lost where numbers end
FAINT = 1e3  # roots of the precision: 1 - t*t is 1 for t below one of them
APART = 8  # rungs between two looks at how something shrinks


@dataclass(frozen=True)
class Slope:
    """Derivatives at 0 of every output of a function of a number, and what was learned on the way.

    value, error: the derivative and the bound on its error, inf where there is none; at a kink, the middle of the two
        slopes and the bound on the error of each.
    noise: the size of the errors of the function's values.
    left, right: the one-sided derivatives; they differ where there is a kink, and are nan where a side has none.
    kink: whether the function has a kink at 0, or is defined on one side of it alone.
    jump: whether it has a jump at 0.
    steep: whether it rises there without bound, as a square root does.
    stairs: whether it moves in steps, as if its values were rounded to a coarser precision.
    evaluations: how often the function was called.
    """

    value: Array
    error: Array
    noise: Array
    left: Array
    right: Array
    kink: Array
    jump: Array
    steep: Array
    stairs: Array
    evaluations: int


def slope(
    function: Callable[[float], Array], ratio: float = RATIO, eps: float | None = None, floor: float = 0.0
) -> Slope:
    """The derivative at 0 of a function from a number to an array of real numbers.

    Where the function gives nan or inf the rung is left out, so that it may end near 0; if it gives nothing finite on
    one side, the derivative is the other side's. `ratio` is that of one step to the next: another one gives a second
    opinion, from other values. `eps` is the relative precision of the arithmetic inside the function, if its values
    have a wider dtype than that; they are known to be no better than `floor`.

    >>> import numpy as np
    >>> result = slope(lambda t: np.exp([t, 2.0 * t]))
    >>> np.abs(result.value - [1, 2]) <= result.error
    array([ True,  True])
    """
    return _Ladder(function, ratio, eps, floor).climb()


def noise_of(values: Array, lowest: int = 2) -> Array:
    """The standard deviation of the errors of values at eight or so equal small steps: from their differences of order
    `lowest` to 6, to which what is smooth adds nothing (ECnoise)."""
    noise = np.zeros(values.shape[1:], values.dtype)
    differences = np.diff(values, axis=0)
    for order in range(2, 7):
        differences = np.diff(differences, axis=0)
        if order < lowest:
            continue
        gamma = factorial(order) ** 2 / factorial(2 * order)
        noise = np.fmax(noise, np.sqrt(gamma * np.mean(differences**2, axis=0)))
    return noise


class _Ladder:
    def __init__(self, function: Callable[[float], Array], ratio: float, eps: float | None, floor: float) -> None:
        self.evaluations = 0
        self.ratio, self.floor = ratio, floor
        self._function = function
        self.centre = self._at(0.0)
        self.eps = eps or float(np.finfo(self.centre.dtype).eps)
        self.steps: list[float] = []
        self.ups: list[Array] = []
        self.downs: list[Array] = []

    def _at(self, t: float) -> Array:
        self.evaluations += 1
        with np.errstate(all="ignore"):
            out = np.asarray(self._function(t))
        return out if out.dtype == np.longdouble else out.astype(np.float64, copy=False)

    def climb(self) -> Slope:
        with np.errstate(all="ignore"):
            noise = self._noise_of_neighbours()
            for _ in range(RUNGS):
                self._add_rung()
            table = _Table(self, noise)
            while len(self.steps) < DEEPEST and table.would_gain_from_smaller_steps():
                for _ in range(4):
                    self._add_rung()
                table = _Table(self, noise)
            return table.result()

    def _add_rung(self) -> None:
        step = FIRST_STEP / self.ratio ** len(self.steps)
        self.steps.append(step)
        self.ups.append(self._at(step))
        self.downs.append(self._at(-step))

    def _noise_of_neighbours(self) -> Array:
        """From values so close together that a smooth function is a straight line there."""
        step = FIRST_STEP * self.eps**0.75
        values = np.stack([self._at(i * step) for i in range(1, 9)])
        return np.fmax(np.abs(self.centre) * (self.eps / 4) + self.floor, noise_of(values))


class _Table:
    """Neville's tables of the central and of the second difference, and the cell of each output that is best."""

    def __init__(self, ladder: _Ladder, neighbours: Array) -> None:
        self.ladder = ladder
        self.ups, self.downs = np.stack(ladder.ups), np.stack(ladder.downs)
        centre, ratio = ladder.centre, ladder.ratio
        self.steps = np.array(ladder.steps, centre.dtype).reshape((-1,) + (1,) * centre.ndim)
        # f(h) - f(-h) = 2h f' + O(h^3): errors in h^2, h^4, ...; f(h) - 2f(0) + f(-h) over h is 0 + O(h), O(h^3), ...
        central = _extrapolate((self.ups - self.downs) / (2 * self.steps), [ratio ** (2 * j) for j in range(1, ORDERS)])
        self.bends = (self.ups - 2 * centre + self.downs) / self.steps
        gaps = _extrapolate(self.bends, [ratio ** (2 * j - 1) for j in range(1, ORDERS)])
        self.neighbours = neighbours
        moves = (self.ups != centre).any(axis=0) | (self.downs != centre).any(axis=0)
        self.noise = np.fmax(np.fmax(neighbours, _plateau(central, self.steps)), np.where(moves, UNDERFLOW, 0.0))
        values, bars = _cells(central, self.steps, NOISE_FACTOR * self.noise, ladder.eps)
        gap, gap_bars = _cells(gaps, self.steps, 2.5 * NOISE_FACTOR * self.noise, ladder.eps)
        totals = bars + np.abs(gap) / 2
        totals = np.where(np.isnan(totals), np.inf, totals)
        best = np.argmin(totals, axis=0)[None]
        self.value, self.error, self.gap, self.bar = (
            np.take_along_axis(each, best, 0)[0] for each in (values, totals, gap, bars)
        )
        rungs = np.concatenate([np.arange(order, len(self.steps)) for order in range(ORDERS)])
        self.rung = rungs[best]
        # At a kink the gap stays, and no cell is better for a small one: the cell that knows both slopes best.
        sure = np.argmin(bars + gap_bars / 2, axis=0)[None]
        self.at_kink = [np.take_along_axis(each, sure, 0)[0] for each in (values, gap, bars + gap_bars / 2)]
        self.reach = NOISE_FACTOR * self.noise / self.steps
        self._widen(values, totals, gap, gap_bars, rungs.reshape((-1,) + (1,) * centre.ndim))

    def _widen(self, values: Array, totals: Array, gap: Array, gap_bars: Array, rungs: Array) -> None:
        """Two bars that do not overlap: one of them is wrong. A coarser one may be so by chance, unless it is very sure
        of itself, or the function stands still at small steps: then rounding inside it may have made stairs of it, or a
        flat bottom of a kink."""
        last = self.ladder.centre
        self.flat = (self.ups[-4:] == last).all(axis=0) & (self.downs[-4:] == last).all(axis=0)
        apart = np.abs(values - self.value)
        heard = (apart > totals) & ((rungs >= self.rung) | self.flat | (apart > SURE * totals))
        lost = np.abs(gap - self.gap)
        moves = (self.ups != last) | (self.downs != last)
        smallest = np.where(moves, self.steps, np.inf).min(axis=0)  # a kink beside 0 that is no nearer is not here
        lost_sight = self.flat & (smallest < FAINT * np.sqrt(self.ladder.eps)) & (lost > gap_bars + self.bar)
        self.conflict = np.fmax(
            np.where(heard & np.isfinite(apart), apart + totals, 0).max(axis=0),
            np.where(lost_sight & np.isfinite(lost), (lost + gap_bars) / 2, 0).max(axis=0),
        )
        self.error = np.where(self.conflict > self.error, self.conflict, self.error)

    def would_gain_from_smaller_steps(self) -> bool:
        within_reach = NOISE_FACTOR * self.neighbours / self.steps[-1] < self.error / 4
        unsatisfied = ~(self.error <= SATISFIED * np.abs(self.value)) & (self.error > 0)
        unsatisfied &= ~(self.flat & (self.conflict > 0))
        return bool(np.any(within_reach & unsatisfied))

    def result(self) -> Slope:
        jump, steep = self._rises()
        stairs = self.flat & (self.conflict > 0)
        wild = jump | steep
        kink = self._bend_persists() & ~wild
        middle, gap, bar = self.at_kink
        half = np.where(kink, gap / 2, 0)
        value = np.where(kink, middle, self.value)
        error, left, right = np.where(kink & (self.conflict == 0), bar, self.error), value - half, value + half
        one_sided = ~np.isfinite(error) & ~wild
        if np.any(one_sided):
            value, error, left, right = self._one_side(value, error, left, right, one_sided)
            kink = kink | (one_sided & np.isfinite(error))
        error = np.where(wild, np.inf, error)
        return Slope(value, error, self.noise, left, right, kink, jump, steep, stairs, self.ladder.evaluations)

    def _bend_persists(self) -> Array:
        """Whether the slopes of the two sides are known to differ, and still do at short steps: without a kink, or with
        one that is near but not here, the difference shrinks as the step does."""
        _, gap, bar = self.at_kink
        short = slice(len(self.steps) // 2, None)
        near = np.abs(self.bends[short] - gap) <= np.abs(gap) / 2 + 4 * self.reach[short]
        return np.isfinite(bar) & (np.abs(gap) / 2 > bar) & near.all(axis=0)

    def _rises(self) -> tuple[Array, Array]:
        """Whether the rise from 0 to a step stays as the step becomes small, or shrinks slower than it by far."""
        rises = np.fmax(np.abs(self.ups - self.ladder.centre), np.abs(self.downs - self.ladder.centre))
        seen = rises > 1e3 * self.neighbours
        last = np.where(seen.any(axis=0), len(seen) - 1 - np.argmax(seen[::-1], axis=0), 0)
        last = np.maximum(last, APART)
        here, before, after = (
            np.take_along_axis(rises, np.clip(last + by, 0, len(seen) - 1)[None], 0)[0] for by in (0, -APART, 1)
        )
        # What vanishes all at once did so at a jump nearby, not at 0.
        lasting = np.take_along_axis(seen, last[None], 0)[0] & (after > here / 4)
        window = rises[-1 - APART :]  # a rise that stays is there all along
        stays = (window.min(axis=0) > here / 4) & (window.max(axis=0) < 4 * here)
        jump = lasting & (here > before / 2) & (last == len(seen) - 1) & stays
        return jump, lasting & (here > before / self.ladder.ratio ** (0.75 * APART)) & ~jump

    def _one_side(
        self, value: Array, error: Array, left: Array, right: Array, where: Array
    ) -> tuple[Array, Array, Array, Array]:
        """Where one side has no finite values: the derivative of the other, from its differences with f(0)."""
        left, right = (np.where(where, np.nan, each) for each in (left, right))
        for sign, samples in ((1, self.ups), (-1, self.downs)):
            rise = sign * (samples - self.ladder.centre) / self.steps
            columns = _extrapolate(rise, [self.ladder.ratio**j for j in range(1, ORDERS)])
            values, bars = _cells(columns, self.steps, 4 * NOISE_FACTOR * self.noise, self.ladder.eps)
            best = np.argmin(bars, axis=0)[None]
            found, size = np.take_along_axis(values, best, 0)[0], np.take_along_axis(bars, best, 0)[0]
            here = where & np.isfinite(size)
            value, error = np.where(here, found, value), np.where(here, size, error)
            left, right = (np.where(here & (sign == side), found, each) for side, each in ((-1, left), (1, right)))
        return value, error, left, right


def _extrapolate(column: Array, factors: list[float]) -> list[Array]:
    """Neville's table for errors that shrink by these factors from rung to rung; column j starts at rung j."""
    columns = [column]
    for factor in factors:
        previous = columns[-1]
        columns.append(previous[1:] + (previous[1:] - previous[:-1]) / (factor - 1))
    return columns


def _cells(columns: list[Array], steps: Array, noise: Array, eps: float) -> tuple[Array, Array]:
    """All cells of a table, and how wrong each may be: its distance from its neighbours and from the cell of an order
    less, the noise of its shortest step, and one rounding. inf where that is not known."""
    bars = []
    for order, column in enumerate(columns):
        bar = np.full_like(column, np.inf)
        bar[1:] = np.abs(column[1:] - column[:-1])
        if order:
            bar = np.maximum(bar, np.abs(column - columns[order - 1][1:]))
        bar *= DISAGREEMENT_FACTOR
        bar[:-1] = np.fmax(bar[:-1], np.abs(column[1:] - column[:-1]))
        bars.append(bar + noise / steps[order:] + 2 * eps * np.abs(column))
    bar = np.concatenate(bars)
    return np.concatenate(columns), np.where(np.isfinite(bar), bar, np.inf)


def _plateau(central: list[Array], steps: Array) -> Array:
    """The noise as small steps show it: the third column is exact there but for noise, so what remains of
    differences from rung to rung, times the step, is noise. It also sees rounding to a coarser precision, which
    closely spaced values do not."""
    samples = np.abs(np.diff(central[2], axis=0)) * steps[3:] / 2
    samples = np.where(np.isfinite(samples), samples, 0)[-6:]
    return np.sort(samples, axis=0)[-2]
