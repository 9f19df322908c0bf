"""What a check can conclude, the error that says so, and the report every check returns.

Each verdict has an exception class of its own: a search for the smallest counterexample (hypothesis) tells failures
apart by their type, and so never slips from a wrong formula to a kink while it shrinks.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from enum import Enum


class Verdict(Enum):
    """What is the case; the value says what to do about it."""

    CORRECT = "nothing to do"
    WRONG_FORMULA = "compare the backward with the derivative of the forward, term by term, from these entries on"
    PRECISION_LOSS = "the formula is right but loses digits: look for a narrower dtype or a cancellation"
    DISCONNECTED = "no gradient arrives where the output moves: look for detach(), data, item() or a missing term"
    WRONG_SHAPE_DTYPE = "a gradient has the shape and dtype of its input: undo broadcasting, casts and keepdim"
    ALIASING = "return new memory: whoever adds into this gradient in place would change something else"
    MUTATED_INPUT = "work on a copy: the caller still needs these values"
    NONDETERMINISTIC = "draw random numbers from the default generator, which the check resets, or pass them in"
    STATEFUL = "a second call gives another result: keep state outside the function, or in the buffers of a module"
    NONDIFFERENTIABLE = "there is no derivative here: check at another point, or allow any slope between (kinks=)"
    DISCONTINUOUS = "the function jumps here: check at another point"
    NONFINITE = "keep nan and inf out: check at a point inside the domain, or guard the division, log or root"
    NOT_LINEAR = "a backward is linear in the cotangent: multiply by it, and add nothing"
    UNUSABLE_OUTPUT = "return one floating-point array or tensor, or a tuple of them"
    RAISED = "the function must run at this point before its gradient can be checked"
    INCONCLUSIVE = "nothing was shown: use float64, a smoother point, or a smaller example"


class GradientError(AssertionError):
    """A gradient is wrong, or could not be checked. `report` holds everything that was found."""

    verdict = Verdict.INCONCLUSIVE

    def __init__(self, report: GradReport) -> None:
        super().__init__(report.explain())
        self.report = report


class WrongFormula(GradientError):
    verdict = Verdict.WRONG_FORMULA


class PrecisionLoss(GradientError):
    verdict = Verdict.PRECISION_LOSS


class Disconnected(GradientError):
    verdict = Verdict.DISCONNECTED


class WrongShapeDtype(GradientError):
    verdict = Verdict.WRONG_SHAPE_DTYPE


class Aliasing(GradientError):
    verdict = Verdict.ALIASING


class MutatedInput(GradientError):
    verdict = Verdict.MUTATED_INPUT


class Nondeterministic(GradientError):
    verdict = Verdict.NONDETERMINISTIC


class Stateful(GradientError):
    verdict = Verdict.STATEFUL


class Nondifferentiable(GradientError):
    verdict = Verdict.NONDIFFERENTIABLE


class Discontinuous(GradientError):
    verdict = Verdict.DISCONTINUOUS


class Nonfinite(GradientError):
    verdict = Verdict.NONFINITE


class NotLinear(GradientError):
    verdict = Verdict.NOT_LINEAR


class UnusableOutput(GradientError):
    verdict = Verdict.UNUSABLE_OUTPUT


class Raised(GradientError):
    verdict = Verdict.RAISED


class Inconclusive(GradientError):
    verdict = Verdict.INCONCLUSIVE


LISTENERS: list[Callable[[GradReport], None]] = []  # told of every check, whatever it found
ERRORS = {error.verdict: error for error in GradientError.__subclasses__()}


@dataclass(frozen=True)
class Probe:
    """One comparison: the derivative along a direction by the backward and by values of the forward."""

    direction: str  # which inputs moved
    backward: float
    numeric: float
    error: float  # of the numeric derivative
    bound: float  # by which the two may differ
    resolution: float  # error / size of the gradient in one entry: what a wrong entry must exceed to be seen
    oracle: str
    evaluations: int
    note: str = ""  # a kink, a jump, ... met on the way

    @property
    def conclusive(self) -> bool:
        return self.resolution < 1e-3


class Found(Exception):
    """Ends a check: this is the verdict, on this input, for these reasons."""

    def __init__(self, verdict: Verdict, where: str, *lines: str) -> None:
        super().__init__(verdict, where, lines)
        self.verdict, self.where, self.lines = verdict, where, lines


@dataclass
class GradReport:
    """What a check did and found.

    name: of the function; verdict: the worst; where: the input concerned; lines: the reasons, in sentences;
    point: the inputs, as text; probes: the numbers; passed: the names of what held.
    """

    name: str
    point: list[str] = field(default_factory=list)
    verdict: Verdict = Verdict.CORRECT
    where: str = ""
    lines: list[str] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return self.verdict is Verdict.CORRECT

    @property
    def inconclusive(self) -> int:
        """How many probes showed nothing."""
        return sum(not probe.conclusive for probe in self.probes)

    def explain(self) -> str:
        """The report in at most 25 lines."""
        title = f"{self.verdict.name}  {self.name}" + (f": {self.where}" if self.where else "")
        body = [*self.point[:6], *self.lines[:14], *self.notes[:2]]
        if self.passed:
            body.append("held: " + ", ".join(dict.fromkeys(self.passed)))
        if not self.ok:
            body.append(f"what to do: {self.verdict.value}")
        return "\n".join([title, *("  " + line for line in body)])

    def to_json(self) -> str:
        """Everything, for a machine."""
        return json.dumps(asdict(self) | {"verdict": self.verdict.name}, default=str)

    def raise_if_wrong(self) -> GradReport:
        """This report, if all is well. Raises the subclass of GradientError that belongs to the verdict."""
        if not self.ok:
            raise ERRORS[self.verdict](self)
        return self
