"""Whether the error bars of numeric derivatives hold: hundreds of functions against mpmath in 60 digits.

    python -m benchmarks.certificates [--points 100] [--seed 0] [--oracle float64 longdouble] [--only NAME ...]

Functions of one number, flat and steep, oscillating, cancelling, with kinks and with edges of their domain near by,
and each inside ten others. Points are spread evenly, or evenly in the logarithm where the domain is positive, some of
them close to 0; steps are as long as 1, or as the point is from 0. A miss is a true error beyond the bar. Where the
checker gives no bar (it says that it does not know) nothing is claimed, and the point is counted apart.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import mpmath
import numpy as np

from benchmarks.side_by_side import machine
from minigrad.testing.oracles import HAS_LONGDOUBLE, certified

DIGITS = 60


class Exact:
    """NumPy's names for what mpmath computes."""

    exp, log, sin, cos, tan, sqrt = mpmath.exp, mpmath.log, mpmath.sin, mpmath.cos, mpmath.tan, mpmath.sqrt
    tanh, sinh, cosh, expm1, log1p = mpmath.tanh, mpmath.sinh, mpmath.cosh, mpmath.expm1, mpmath.log1p
    arctan, arcsinh, arcsin = mpmath.atan, mpmath.asinh, mpmath.asin
    abs, maximum = abs, max

    @staticmethod
    def cbrt(x: Any) -> Any:
        return mpmath.sign(x) * mpmath.cbrt(abs(x))

    @staticmethod
    def where(condition: Any, x: Any, y: Any) -> Any:
        return x if condition else y


class Function(NamedTuple):
    """`compute(m, x)` with the functions of `m`, which is `numpy` or `Exact`, for x between `low` and `high`."""

    compute: Callable[[Any, Any], Any]
    low: float
    high: float


SIMPLE = {
    "exp": Function(lambda m, x: m.exp(x), -5, 5),
    "log": Function(lambda m, x: m.log(x), 1e-8, 100),
    "sin": Function(lambda m, x: m.sin(x), -10, 10),
    "cos": Function(lambda m, x: m.cos(x), -10, 10),
    "tan": Function(lambda m, x: m.tan(x), -1.5, 1.5),
    "tanh": Function(lambda m, x: m.tanh(x), -8, 8),
    "sinh": Function(lambda m, x: m.sinh(x), -5, 5),
    "cosh": Function(lambda m, x: m.cosh(x), -5, 5),
    "sqrt": Function(lambda m, x: m.sqrt(x), 1e-10, 100),
    "arctan": Function(lambda m, x: m.arctan(x), -20, 20),
    "arcsinh": Function(lambda m, x: m.arcsinh(x), -20, 20),
    "arcsin": Function(lambda m, x: m.arcsin(x), -0.9999, 0.9999),
    "expm1": Function(lambda m, x: m.expm1(x), -5, 5),
    "log1p": Function(lambda m, x: m.log1p(x), -0.999, 50),
    "square": Function(lambda m, x: x * x, -5, 5),
    "cube": Function(lambda m, x: x**3, -5, 5),
    "quartic": Function(lambda m, x: x**4, -1, 1),
    "cubic": Function(lambda m, x: ((x - 1) * x + 2) * x - 3, -4, 4),
    "reciprocal": Function(lambda m, x: 1 / x, 1e-4, 100),
    "power 2.5": Function(lambda m, x: m.exp(2.5 * m.log(x)), 1e-6, 10),
    "cbrt": Function(lambda m, x: m.cbrt(x), 1e-6, 10),
    "sigmoid": Function(lambda m, x: 1 / (1 + m.exp(-x)), -20, 20),
    "logsigmoid": Function(lambda m, x: m.log(1 / (1 + m.exp(-x))), -15, 15),
    "softplus": Function(lambda m, x: m.log1p(m.exp(x)), -20, 20),
    "silu": Function(lambda m, x: x / (1 + m.exp(-x)), -10, 10),
    "bell": Function(lambda m, x: m.exp(-x * x), -4, 4),
    "runge": Function(lambda m, x: 1 / (1 + 25 * x * x), -2, 2),
    "hypot": Function(lambda m, x: m.sqrt(x * x + 1e-6), -2, 2),
    "steep": Function(lambda m, x: m.tanh(200 * x), -1, 1),
    "fast waves": Function(lambda m, x: m.sin(50 * x), -3, 3),
    "faster waves": Function(lambda m, x: m.sin(1000 * x) / 10, -3, 3),
    "x log x": Function(lambda m, x: x * m.log(x), 1e-8, 5),
    "sinc": Function(lambda m, x: m.sin(x) / x, 1e-6, 20),
    "1 - cos over x^2": Function(lambda m, x: (1 - m.cos(x)) / (x * x), 1e-5, 3),
    "beside 1e8": Function(lambda m, x: x + 1e8, -3, 3),
    "cancelling": Function(lambda m, x: (1 + 1e6 * x * x) - 1e6 * x * x, -3, 3),
    "abs": Function(lambda m, x: m.abs(x), -3, 3),
    "relu": Function(lambda m, x: m.maximum(x, 0 * x), -3, 3),
    "|x|^1.5": Function(lambda m, x: m.abs(x) * m.sqrt(m.abs(x)), -2, 2),
    "bump": Function(
        lambda m, x: m.where(x > 0, m.exp(-1 / m.maximum(x, 1e-30 + 0 * x)), 0 * x), -1, 3
    ),
}  # fmt: skip
OUTER = ("exp", "sin", "tanh", "arctan", "square", "sigmoid", "bell", "softplus", "arcsinh", "cubic")
GROWING = ("exp", "square", "cubic")  # of 1e8 there is nothing to see


def functions() -> dict[str, Function]:
    """All of them by name."""
    found = dict(SIMPLE)
    for outer in OUTER:
        for name, inner in SIMPLE.items():
            if not (outer in GROWING and name == "beside 1e8"):
                found[f"{outer} of {name}"] = Function(_inside(SIMPLE[outer], inner), inner.low, inner.high)
    return found


def _inside(outer: Function, inner: Function) -> Callable[[Any, Any], Any]:
    return lambda m, x: outer.compute(m, inner.compute(m, x))


def points(function: Function, rng: np.random.Generator, count: int) -> Any:
    if function.low > 0:
        return np.exp(rng.uniform(np.log(function.low), np.log(function.high), count))
    x = rng.uniform(function.low, function.high, count)
    x[::10] *= 1e-3
    return x


class Case(NamedTuple):
    """A bar and how far off the derivative is, or nan for both where the checker gives none."""

    name: str
    at: float
    true: float
    bar: float
    error: float

    @property
    def missed(self) -> bool:
        return self.error > self.bar


def cases(name: str, function: Function, rng: np.random.Generator, count: int, oracle: str) -> Iterator[Case]:
    number = np.longdouble if oracle == "longdouble" else np.float64
    for x in points(function, rng, count):
        step = abs(x) if rng.random() < 0.5 else 1.0

        def moved(t: Any, x: float = x, step: float = step) -> Any:
            return np.asarray(function.compute(np, number(x) + t * number(step)))

        found = certified(moved, oracle)
        try:
            true = mpmath.diff(lambda y: function.compute(Exact, y), mpmath.mpf(x)) * mpmath.mpf(step)
        except (ZeroDivisionError, ValueError, OverflowError):
            continue  # mpmath has no value at the point itself
        if not np.isfinite(float(found.error)):
            yield Case(name, x, float(true), np.nan, np.nan)
            continue
        high = float(found.value)
        low = float(found.value - number(high))
        yield Case(name, x, float(true), float(found.error), float(abs(mpmath.mpf(high) + mpmath.mpf(low) - true)))


def report(found: list[Case], oracle: str, seconds: float) -> str:
    claimed = [case for case in found if np.isfinite(case.bar)]
    missed = [case for case in claimed if case.missed]
    relative = [case.bar / abs(case.true) for case in claimed if case.true]
    over = [case.bar / case.error for case in claimed if case.error]
    names = {case.name for case in found}
    lines = [
        f"{oracle}: {len(names)} functions, {len(claimed)} points, {len(missed)} outside the bar, "
        f"{len(found) - len(claimed)} without one ({seconds:.0f} s)",
        f"  bar, relative to the derivative: median {np.median(relative):.2g}, 90% {np.quantile(relative, 0.9):.2g}",
        f"  bar over true error: median {np.median(over):.3g}",
    ]
    lines += [f"  MISSED {c.name} at {c.at!r}: {c.error:.2g} off, bar {c.bar:.2g}, true {c.true:.6g}" for c in missed]
    return "\n".join(lines)


def measure(count: int, seed: int, oracle: str, only: list[str] | None = None) -> list[Case]:
    rng = np.random.default_rng(seed)
    with mpmath.workdps(DIGITS), np.errstate(all="ignore"):
        return [
            case for name, function in functions().items() if not only or name in only
            for case in cases(name, function, rng, count, oracle)
        ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--oracle", nargs="+", choices=["float64", "longdouble"], default=["float64", "longdouble"])
    parser.add_argument("--only", nargs="+", choices=list(functions()), metavar="NAME")
    arguments = parser.parse_args()
    print(machine())
    for oracle in arguments.oracle:
        if oracle == "longdouble" and not HAS_LONGDOUBLE:
            print("longdouble: no wider than float64 here")
            continue
        start = time.perf_counter()
        found = measure(arguments.points, arguments.seed, oracle, arguments.only)
        print(report(found, oracle, time.perf_counter() - start), flush=True)


if __name__ == "__main__":
    main()
