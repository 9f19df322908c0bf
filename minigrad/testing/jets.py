"""Taylor jets in ball arithmetic, as numbers that NumPy code takes for its own. What is made of them is in `taylor`.

A `Jet` is a number a + bt + ct^2 + ... whose coefficients are balls (python-flint). Arrays of jets have dtype object,
and NumPy's functions call on each element the operator or the method of that name. A jet refuses what would lose it:
`float(jet)`, and with it every cast. Comparisons are decided by the balls; at a tie, where a function may have a kink,
by the side t comes from.

Source: F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic", IEEE Trans. Comput. 66
(2017). Needs python-flint.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = Any
Series: TypeAlias = Any  # flint.arb_series
Ball: TypeAlias = Any  # flint.arb


class Undecided(Exception):
    """The function cannot be followed by jets: a step on the way is unknown to them, or no ball decides it."""


class Blurred(Undecided):
    """More bits may help."""


class Refused(Undecided, TypeError):
    """A cast of a jet to a number, which would drop its derivative."""


def flint() -> Any:
    """python-flint. Raises ImportError that names the extra."""
    try:
        import flint as library
    except ImportError as error:
        raise ImportError("jets in ball arithmetic need python-flint: pip install 'minigrad[flint]'") from error
    return library


def installed() -> bool:
    try:
        flint()
    except ImportError:
        return False
    return True


_NUMBERS = (int, float, np.integer, np.floating, np.bool_)


class Walk:
    """One call of a function on jets: from which side t comes to 0, whether that mattered, what it may still cost."""

    def __init__(self, length: int, side: int, budget: float) -> None:
        self.length, self.side, self.budget = length, side, budget
        self.tied = False
        library = flint()
        self._ball, self._series = library.arb, library.arb_series

    def afford(self, operations: int) -> None:
        if operations > self.budget:
            raise Undecided("it takes more operations than jets are worth")

    def jet(self, coefficients: Sequence[Any], still: bool = False) -> Jet:
        return Jet(self._series(list(coefficients), prec=self.length), still, self)

    def ball(self, number: Any) -> Ball:
        """Exactly; also a longdouble."""
        if isinstance(number, np.longdouble):
            high = float(number)
            low = float(number - np.longdouble(high)) if math.isfinite(high) else 0.0
            return self._ball(high) + self._ball(low)
        return self._ball(int(number) if isinstance(number, int | np.integer) else float(number))

    def lifted(self, number: Any) -> Jet:
        """Raises `Undecided` for what is no real number."""
        if isinstance(number, Jet):
            return number
        if not isinstance(number, _NUMBERS):
            raise Undecided(f"there is a {type(number).__name__} among its numbers")
        return self.jet([self.ball(number)], True)

    def jets(self, x: Array, along: Array) -> Array:
        """The array x + t along, of dtype object."""
        self.afford(x.size)
        out = np.empty(x.shape, dtype=object)  # never np.array(): it would iterate over what it can
        for place in np.ndindex(x.shape):
            still = not along[place]
            out[place] = self.jet([self.ball(x[place])] + [self.ball(along[place])] * (not still), still)
        return out


class Jet:
    """One number of a function that is being followed. `still`: it does not depend on t at all."""

    __slots__ = ("series", "still", "walk")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, series: Series, still: bool, walk: Walk) -> None:
        self.series, self.still, self.walk = series, still, walk
        walk.afford(1)
        walk.budget -= 1

    def __repr__(self) -> str:
        return f"Jet({self.series})"

    def _with(self, other: Any) -> Jet | None:
        return self.walk.lifted(other) if isinstance(other, (Jet, *_NUMBERS)) else None

    def _combined(self, other: Any, operation: Callable[[Series, Series], Series]) -> Any:
        other = self._with(other)
        if other is None:
            return NotImplemented
        return Jet(operation(self.series, other.series), self.still and other.still, self.walk)

    def _of(self, series: Series) -> Jet:
        return Jet(series, self.still, self.walk)

    # ------------------------------------------------------------------------------------------------ arithmetic

    def __add__(self, other: Any) -> Any:
        return self._combined(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Any:
        return self._combined(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Any:
        return self._combined(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Any:
        return self._combined(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Any:
        return self._combined(other, _quotient)

    def __rtruediv__(self, other: Any) -> Any:
        return self._combined(other, lambda a, b: _quotient(b, a))

    __radd__, __rmul__ = __add__, __mul__

    def __neg__(self) -> Jet:
        return self._of(-self.series)

    def __pos__(self) -> Jet:
        return self

    def __abs__(self) -> Jet:
        return -self if self.sign() < 0 else self

    fabs = __abs__

    def conjugate(self) -> Jet:
        return self

    def __pow__(self, other: Any) -> Any:
        exponent = self._with(other)
        if exponent is None:
            return NotImplemented
        if exponent.still:
            n = exponent.series[0].unique_fmpz()
            if n is not None and exponent.series[0].is_exact():
                return self._to_the(int(n))
        return (exponent * self.log()).exp()

    def __rpow__(self, other: Any) -> Any:
        base = self._with(other)
        return NotImplemented if base is None else base**self

    def _to_the(self, n: int) -> Jet:
        if n < 0:
            return 1 / self._to_the(-n)  # type: ignore[no-any-return]
        power, square = self.walk.jet([1], True), self
        while n:
            if n & 1:
                power = power * square
            n >>= 1
            square = square * square if n else square
        return power

    # ------------------------------------------------------------------------------------------------ comparisons

    def sign(self) -> int:
        """-1, 0 or 1; of a tie, on the side t comes from. Raises `Undecided` if the balls do not tell."""
        constant = self.series[0]
        if constant > 0:
            return 1
        if constant < 0:
            return -1
        if not constant.is_zero():
            raise Blurred("a ball reaches over a point where the function branches")
        if self.still:
            return 0
        self.walk.tied = True
        for k in range(1, self.walk.length):
            coefficient = self.series[k]
            if coefficient > 0 or coefficient < 0:
                ahead = 1 if coefficient > 0 else -1
                return ahead if k % 2 == 0 else ahead * self.walk.side
            if not coefficient.is_zero():
                raise Blurred("a tie which a ball does not resolve")
        raise Undecided("a tie which no coefficient resolves")

    def _compared(self, other: Any, holds: Callable[[int], bool]) -> Any:
        if other is self:
            return holds(0)
        difference = self - other
        return NotImplemented if difference is NotImplemented else holds(difference.sign())

    def __lt__(self, other: Any) -> Any:
        return self._compared(other, lambda sign: sign < 0)

    def __le__(self, other: Any) -> Any:
        return self._compared(other, lambda sign: sign <= 0)

    def __gt__(self, other: Any) -> Any:
        return self._compared(other, lambda sign: sign > 0)

    def __ge__(self, other: Any) -> Any:
        return self._compared(other, lambda sign: sign >= 0)

    def __eq__(self, other: Any) -> Any:
        return self._compared(other, lambda sign: sign == 0)

    def __ne__(self, other: Any) -> Any:
        return self._compared(other, lambda sign: sign != 0)

    def __bool__(self) -> bool:
        return self.sign() != 0

    def __floor__(self) -> Jet:
        """A number that stands still, since the jet is beside a step or on one side of it."""
        n = math.floor(float(self.series[0].mid()))
        while self < n:
            n -= 1
        while self >= n + 1:
            n += 1
        return self.walk.jet([n], True)

    def __ceil__(self) -> Jet:
        return -math.floor(-self)

    def __trunc__(self) -> Jet:
        return math.ceil(self) if self.sign() < 0 else math.floor(self)

    def rint(self) -> Jet:
        number = float(self.series[0].mid())
        if self.still and self.series[0] == number:  # halves are rounded to even, which no side decides
            return self.walk.jet([round(number)], True)
        return math.floor(self + 0.5)  # type: ignore[no-any-return]

    def __mod__(self, other: Any) -> Any:
        quotient = self / other
        return quotient if quotient is NotImplemented else self - other * math.floor(quotient)

    def __floordiv__(self, other: Any) -> Any:
        quotient = self / other
        return quotient if quotient is NotImplemented else math.floor(quotient)

    # --------------------------------------------------------------------------------------------------- refusals

    def _refuse(self, *_: Any) -> Any:
        raise Refused("the function casts its numbers to a narrower type, which jets do not survive")

    __float__ = __int__ = __index__ = __complex__ = __round__ = _refuse

    # -------------------------------------------------------------------------------------------------- functions

    def exp(self) -> Jet:
        return self._of(self.series.exp())

    def log(self) -> Jet:
        return self._of(self.series.log())

    def sqrt(self) -> Jet:
        if not (self.series[0] > 0 or (self.still and self.series[0].is_zero())):
            raise Blurred("a square root at the edge of its domain")  # of t^2, which is |t|, flint says 0 + 0t
        return self._of(self.series.sqrt())

    def sin(self) -> Jet:
        return self._of(self.series.sin())

    def cos(self) -> Jet:
        return self._of(self.series.cos())

    def tan(self) -> Jet:
        return self._of(self.series.tan())

    def arcsin(self) -> Jet:
        return self._of(self.series.asin())

    def arccos(self) -> Jet:
        return self._of(self.series.acos())

    def arctan(self) -> Jet:
        return self._of(self.series.atan())

    def erf(self) -> Jet:
        return self._of(self.series.erf())

    def erfc(self) -> Jet:
        return self._of(self.series.erfc())

    def gamma(self) -> Jet:
        return self._of(self.series.gamma())

    def lgamma(self) -> Jet:
        """The logarithm of |gamma|."""
        return self._of(self.series.lgamma()) if self.sign() > 0 else abs(self.gamma()).log()

    def _grown(self, start: Ball, slope: Jet) -> Jet:
        """The function with this value at t = 0 and this derivative by its argument."""
        grown = (slope.series * self.series.derivative()).integral()
        return self._of(self.walk.jet([start]).series + grown)

    def expm1(self) -> Jet:
        return self._grown(self.series[0].expm1(), self.exp())

    def log1p(self) -> Jet:
        return self._grown(self.series[0].log1p(), 1 / (1 + self))

    def exp2(self) -> Jet:
        return (self * self.walk.jet([2], True).log()).exp()  # type: ignore[no-any-return]

    def log2(self) -> Jet:
        return self.log() / self.walk.jet([2], True).log()  # type: ignore[no-any-return]

    def log10(self) -> Jet:
        return self.log() / self.walk.jet([10], True).log()  # type: ignore[no-any-return]

    def cosh(self) -> Jet:
        return (self.exp() + (-self).exp()) / 2  # type: ignore[no-any-return]

    def sinh(self) -> Jet:
        return self._grown(self.series[0].sinh(), self.cosh())

    def tanh(self) -> Jet:
        return self._grown(self.series[0].tanh(), 1 / self.cosh() ** 2)

    def arcsinh(self) -> Jet:
        return self._grown(self.series[0].asinh(), 1 / (self * self + 1).sqrt())

    def arccosh(self) -> Jet:
        return self._grown(self.series[0].acosh(), 1 / ((self - 1) * (self + 1)).sqrt())

    def arctanh(self) -> Jet:
        return self._grown(self.series[0].atanh(), 1 / ((1 - self) * (1 + self)))

    def cbrt(self) -> Jet:
        root = (abs(self).log() / 3).exp()
        return -root if self.sign() < 0 else root  # type: ignore[no-any-return]

    def hypot(self, other: Any) -> Jet:
        return (self * self + other * other).sqrt()  # type: ignore[no-any-return]

    def arctan2(self, x: Any) -> Jet:
        """The angle of (x, self)."""
        x = self._with(x)
        squared = x * x + self * self
        turn = self.series.derivative() * x.series - x.series.derivative() * self.series
        angle = _quotient(turn, squared.series)
        start = type(self.series[0]).atan2(self.series[0], x.series[0])
        if self.series[0].is_zero() and x.series[0] < 0 and self.sign() < 0:  # below the cut
            start = -start
        grown = self.walk.jet([start]).series + angle.integral()
        return Jet(grown, self.still and x.still, self.walk)

    def degrees(self) -> Jet:
        return self * 180 / self.walk.jet([type(self.series[0]).pi()], True)  # type: ignore[no-any-return]

    def radians(self) -> Jet:
        return self * self.walk.jet([type(self.series[0]).pi()], True) / 180  # type: ignore[no-any-return]

    rad2deg, deg2rad = degrees, radians


def _quotient(a: Series, b: Series) -> Series:
    if b[0].contains(0):  # of 0/0 flint gives the limit, where floats have nan
        raise Blurred("a division by what may be zero")
    return a / b
